//! What a step reads: which resources to decide, and all that bears on them.

use std::collections::HashMap;

use deadpool_postgres::Object;
use holdfast_domain::{
    BookingId, Claim, ResourceId, Seq, Shard, Status, TenantId, TimeRange,
    rules::{BookingLimits, Slot, Want},
};
use time::{Duration, OffsetDateTime};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{Candidate, Look, StepLimits};
use crate::{Error, Head};

/// Cursor, window and next deadlines in one snapshot, with the clock of that snapshot; what is known to be clear is not read
/// again, unless the log has become shorter since. The first change to deal with comes first, as the loop goes on from change to change; to sort them all for it would
/// cost more than the look.
pub(crate) const LOOK: &str = "
    WITH head AS MATERIALIZED (
        SELECT seq, decided, greatest(at, clock_timestamp()) AS at
        FROM heads
        WHERE shard = $1
    ), recent AS MATERIALIZED (
        SELECT seq, at, tenant_id, resource_id
        FROM changes
        WHERE shard = $1 AND seq > (SELECT greatest(decided, CASE WHEN $3 <= seq THEN $3 END) FROM head)
        ORDER BY seq
        LIMIT $2
    )
    SELECT
        head.seq,
        head.at,
        (SELECT count(*) FROM recent),
        (
            SELECT c.at
            FROM recent c
            CROSS JOIN LATERAL (
                SELECT open_wants, judged
                FROM resources
                WHERE shard = $1 AND tenant_id = c.tenant_id AND id = c.resource_id
                OFFSET 0
            ) r
            WHERE r.open_wants > 0 AND r.judged < c.seq
            LIMIT 1
        ),
        (SELECT min(decide_by) FROM bookings WHERE shard = $1 AND decide_by IS NOT NULL),
        (
            SELECT min(expires_at)
            FROM reservations
            WHERE shard = $1 AND status = 'HOLD' AND expires_at > '-infinity'
        ),
        EXISTS (SELECT FROM events WHERE shard = $1 AND status = 'CANCELLING'),
        (SELECT min(line_due_at) FROM events WHERE shard = $1 AND line_due_at IS NOT NULL),
        head.decided
    FROM head";

pub(crate) const WINDOW: &str = "
    SELECT count(*), coalesce(max(seq), $2)
    FROM (SELECT seq FROM changes WHERE shard = $1 AND seq > $2 ORDER BY seq LIMIT $3) recent";

/// Resources with open wants whose ranges changed in the window after they were last judged whole, in
/// the order of the log. Grouped before they are joined: one probe a resource, not one a change.
pub(crate) const CHANGED: &str = "
    SELECT c.tenant_id, c.resource_id, r.open_wants::bigint, c.first
    FROM (
        SELECT tenant_id, resource_id, min(seq) AS first, max(seq) AS last
        FROM (
            SELECT seq, tenant_id, resource_id FROM changes WHERE shard = $1 AND seq > $2 ORDER BY seq LIMIT $3
        ) recent
        WHERE resource_id IS NOT NULL
        GROUP BY tenant_id, resource_id
    ) c
    CROSS JOIN LATERAL (
        SELECT open_wants, judged
        FROM resources
        WHERE shard = $1 AND tenant_id = c.tenant_id AND id = c.resource_id
        OFFSET 0
    ) r
    WHERE r.open_wants > 0 AND r.judged < c.last
    ORDER BY c.first
    LIMIT $4";

/// Resources with a want that is due, the longest overdue first.
pub(crate) const DUE: &str = "
    SELECT d.tenant_id, d.resource_id, r.open_wants::bigint
    FROM (
        SELECT tenant_id, resource_id, min(decide_by) AS first
        FROM (
            SELECT tenant_id, resource_id, decide_by
            FROM bookings
            WHERE shard = $1 AND decide_by <= $2
            ORDER BY decide_by
            LIMIT $3
        ) overdue
        GROUP BY tenant_id, resource_id
    ) d
    CROSS JOIN LATERAL (
        SELECT open_wants FROM resources WHERE shard = $1 AND tenant_id = d.tenant_id AND id = d.resource_id OFFSET 0
    ) r
    ORDER BY d.first";

pub(crate) const OPEN: &str = "
    SELECT b.tenant_id, b.resource_id, b.id, b.wanted_start_at, b.wanted_end_at, lower(b.granted), upper(b.granted),
        b.rank, b.decide_by, b.updated_at
    FROM unnest($2::uuid[]) AS r(id)
    CROSS JOIN LATERAL (
        SELECT *
        FROM bookings
        WHERE shard = $1 AND resource_id = r.id AND status = 'PENDING' AND created_at > '-infinity'
        OFFSET 0
    ) b";

/// Resources with open wants, by id.
pub(crate) const NAMED: &str = "
    SELECT b.tenant_id, r.id, b.open_wants
    FROM unnest($2::uuid[]) AS r(id)
    CROSS JOIN LATERAL (
        SELECT tenant_id, count(*) OVER () AS open_wants
        FROM bookings
        WHERE shard = $1 AND resource_id = r.id AND status = 'PENDING' AND created_at > '-infinity'
        LIMIT 1
    ) b";

/// What is granted from the first of a resource's open wants to the last, each slot once; it begins at most the longest
/// booking before. What moves still hold comes with their wants.
pub(crate) const HELD: &str = "
    SELECT r.id, held.id, held.wanted_start_at, held.wanted_end_at
    FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
        AS r(id, earliest_at, start_at, end_at)
    CROSS JOIN LATERAL (
        SELECT id, wanted_start_at, wanted_end_at
        FROM bookings
        WHERE shard = $1 AND resource_id = r.id AND status = 'VALID' AND created_at > '-infinity'
            AND wanted_start_at > r.earliest_at AND wanted_start_at < r.end_at AND wanted_end_at > r.start_at
        OFFSET 0
    ) held";

/// A run of the log after the cursor.
pub(super) struct Window {
    /// The seq of its last change; the cursor, if there is none.
    pub(super) last: Seq,
    /// Whether the log may go on behind it.
    pub(super) full: bool,
}

/// An open want as the table has it.
pub(super) struct Open {
    pub(super) tenant_id: TenantId,
    pub(super) id: BookingId,
    pub(super) claim: Claim,
    /// Since when it stands as it does.
    pub(super) since: OffsetDateTime,
}

/// All that bears on one resource.
#[derive(Default)]
pub(super) struct Scene {
    pub(super) wants: Vec<Want>,
    pub(super) slots: Vec<Slot>,
    pub(super) open: HashMap<BookingId, Open>,
}

/// Holds that end within that time of each other are settled by one step: who wants their units does not wait for it, and each
/// step takes the head from those who do.
const SETTLED_TOGETHER: Duration = Duration::milliseconds(50);

pub(crate) async fn look(client: &Object, shard: Shard, window: i64, clear: Seq) -> Result<Look, Error> {
    let statement = client.prepare_cached(LOOK).await?;
    let row = client.query_one(&statement, &[&shard.number(), &window, &clear.0]).await?;
    let (seq, at): (i64, OffsetDateTime) = (row.get(0), row.get(1));
    let waits = row.get::<_, Option<OffsetDateTime>>(3).map(|since| at - since);
    let due_in = row.get::<_, Option<OffsetDateTime>>(4).map(|due| due - at);
    let full = row.get::<_, i64>(2) >= window;
    let clear = if full || waits.is_some() { clear } else { Seq(seq) };
    // The cursor is not left far behind: a step would have to read up to there.
    let is_far = seq - row.get::<_, i64>(8) >= window;
    let work = full || is_far || waits.is_some() || due_in.is_some_and(|wait| wait <= Duration::ZERO);
    let settles_in = row.get::<_, Option<OffsetDateTime>>(5).map(|end| end + SETTLED_TOGETHER - at);
    let serves_in = row.get::<_, Option<OffsetDateTime>>(7).map(|due| due - at);
    let settles_in = settles_in.into_iter().chain(serves_in).min();
    let unsettled = settles_in.is_some_and(|wait| wait <= Duration::ZERO) || row.get(6);
    Ok(Look { seq: Seq(seq), clear, work, waits, due_in, unsettled, settles_in })
}

pub(super) async fn window(head: &Head, limit: i64) -> Result<Window, Error> {
    let statement = head.client().prepare_cached(WINDOW).await?;
    let row =
        head.client().query_one(&statement, &[&head.shard().number(), &head.decided().0, &limit]).await?;
    Ok(Window { last: Seq(row.get(1)), full: row.get::<_, i64>(0) >= limit })
}

/// Like [`due`], one more than a step can take, so that it sees the first that it leaves out.
pub(super) async fn changed(head: &Head, limits: StepLimits) -> Result<Vec<Candidate>, Error> {
    let statement = head.client().prepare_cached(CHANGED).await?;
    let (shard, decided, most) = (head.shard().number(), head.decided().0, limits.wants + 1);
    let rows = head.client().query(&statement, &[&shard, &decided, &limits.window, &most]).await?;
    Ok(rows.iter().map(|row| candidate(row, false, Some(Seq(row.get(3))))).collect())
}

pub(super) async fn due(head: &Head, limit: i64) -> Result<Vec<Candidate>, Error> {
    let statement = head.client().prepare_cached(DUE).await?;
    let rows = head.client().query(&statement, &[&head.shard().number(), &head.at(), &(limit + 1)]).await?;
    Ok(rows.iter().map(|row| candidate(row, true, None)).collect())
}

pub(super) async fn named(head: &Head, resources: &[ResourceId]) -> Result<Vec<Candidate>, Error> {
    if resources.is_empty() {
        return Ok(Vec::new());
    }
    let statement = head.client().prepare_cached(NAMED).await?;
    let ids: Vec<Uuid> = resources.iter().map(|resource| resource.uuid()).collect();
    let rows = head.client().query(&statement, &[&head.shard().number(), &ids]).await?;
    Ok(rows.iter().map(|row| candidate(row, true, None)).collect())
}

fn candidate(row: &Row, due: bool, first_change: Option<Seq>) -> Candidate {
    let (tenant_id, id) = (row.get::<_, Uuid>(0).into(), row.get::<_, Uuid>(1).into());
    Candidate { tenant_id, id, open_wants: row.get(2), due, first_change }
}

/// All open wants of these resources, and all that is granted around them.
pub(super) async fn open(head: &Head, resources: &[Candidate]) -> Result<HashMap<ResourceId, Scene>, Error> {
    if resources.is_empty() {
        return Ok(HashMap::new());
    }
    let mut scenes = wants(head, resources).await?;
    slots(head, &mut scenes).await?;
    if failpoint!("step.loads_a_part") {
        for scene in scenes.values_mut() {
            scene.wants.sort_by_key(|want| std::cmp::Reverse(want.rank));
            scene.wants.truncate(2);
        }
    }
    if failpoint!("step.forgets_slots") {
        for scene in scenes.values_mut() {
            scene.slots.clear();
        }
    }
    Ok(scenes)
}

const BROKEN: Error = Error::Defect("a stored want breaks its own rules");

async fn wants(head: &Head, resources: &[Candidate]) -> Result<HashMap<ResourceId, Scene>, Error> {
    let statement = head.client().prepare_cached(OPEN).await?;
    let ids: Vec<Uuid> = resources.iter().map(|resource| resource.id.uuid()).collect();
    let mut scenes: HashMap<ResourceId, Scene> = HashMap::with_capacity(resources.len());
    for row in head.client().query(&statement, &[&head.shard().number(), &ids]).await? {
        let (tenant_id, booking) = (row.get::<_, Uuid>(0).into(), row.get::<_, Uuid>(2).into());
        let range = TimeRange::new(row.get(3), row.get(4)).map_err(|_| BROKEN)?;
        let slot = row.get::<_, Option<_>>(5).zip(row.get::<_, Option<_>>(6));
        let slot = slot.map(|(start, end)| TimeRange::new(start, end)).transpose().map_err(|_| BROKEN)?;
        let (rank, decide_by) = (Seq(row.get(7)), row.get(8));
        let claim = Claim::rebuild(Status::Pending, range, slot, rank, Some(decide_by)).ok_or(BROKEN)?;
        let scene = scenes.entry(row.get::<_, Uuid>(1).into()).or_default();
        scene.wants.push(Want { booking, wanted: range, rank, decide_by });
        scene.slots.extend(slot.map(|range| Slot { booking, range }));
        scene.open.insert(booking, Open { tenant_id, id: booking, claim, since: row.get(9) });
    }
    Ok(scenes)
}

/// Adds what is granted from the first want of each resource to the last.
async fn slots(head: &Head, scenes: &mut HashMap<ResourceId, Scene>) -> Result<(), Error> {
    let statement = head.client().prepare_cached(HELD).await?;
    let longest = Duration::seconds(BookingLimits::LONGEST_SECONDS.into());
    let (mut ids, mut earliest, mut starts, mut ends) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (id, scene) in &*scenes {
        let start = scene.wants.iter().map(|want| want.wanted.start()).min();
        let end = scene.wants.iter().map(|want| want.wanted.end()).max();
        let Some((start, end)) = start.zip(end) else { continue };
        ids.push(id.uuid());
        earliest.push(start - longest);
        starts.push(start);
        ends.push(end);
    }
    let shard = head.shard().number();
    let params: [&(dyn ToSql + Sync); 5] = [&shard, &ids, &earliest, &starts, &ends];
    for row in head.client().query(&statement, &params).await? {
        let range = TimeRange::new(row.get(2), row.get(3)).map_err(|_| BROKEN)?;
        let slot = Slot { booking: row.get::<_, Uuid>(1).into(), range };
        scenes.entry(row.get::<_, Uuid>(0).into()).or_default().slots.push(slot);
    }
    Ok(())
}

//! The table `waitlist`: who stands in line for units of events, and who did.

use deadpool_postgres::Object;
use holdfast_domain::{
    EventId, Seq, Shard, TenantId, UserId, WaitlistEntry, WaitlistState, WaitlistStatus,
    waitlist::{Ending, Request},
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{Error, Head, resources::written};

macro_rules! entry_columns {
    () => {
        "w.tenant_id, w.id, w.event_id, e.venue_id, w.user_id, w.status, w.request, w.offer_seconds, w.rank, \
         w.reservation_id, w.expires_at, w.reason, w.version, w.created_at, w.updated_at"
    };
}
pub(crate) use entry_columns;

/// How many columns [`entry_columns`] has.
pub(crate) const COLUMNS: usize = 15;

/// The event of the entry `w`.
macro_rules! event_of_entry {
    () => {
        "
    CROSS JOIN LATERAL (
        SELECT venue_id FROM events WHERE shard = $1 AND tenant_id = w.tenant_id AND id = w.event_id OFFSET 0
    ) e"
    };
}
pub(crate) use event_of_entry;

/// The different requests of those who wait for units of these events: from one to the next, not through all who wait. Of
/// each event as many as may be there, and one.
macro_rules! requests {
    () => {
        "
    WITH RECURSIVE requests AS (
        SELECT wanted.event_id, first.request_id, 1 AS place
        FROM unnest($2::uuid[]) AS wanted(event_id)
        CROSS JOIN LATERAL (
            SELECT request_id
            FROM waitlist
            WHERE shard = $1 AND event_id = wanted.event_id AND status = 'WAITING'
            ORDER BY request_id
            LIMIT 1
        ) first
        UNION ALL
        SELECT r.event_id, next.request_id, r.place + 1
        FROM requests r
        CROSS JOIN LATERAL (
            SELECT request_id
            FROM waitlist
            WHERE shard = $1 AND event_id = r.event_id AND status = 'WAITING' AND request_id > r.request_id
            ORDER BY request_id
            LIMIT 1
        ) next
        WHERE r.place <= $3
    )"
    };
}

/// The first in line of each of these events with each request: as many of each as there may be offers, and a thousand of an
/// event if that is fewer; but one in any case.
pub(crate) const LINES: &str = concat!(
    requests!(),
    "
    SELECT ",
    entry_columns!(),
    ", r.request_id, r.most
    FROM (
        SELECT event_id, request_id, greatest(1, least($4, 1000 / count(*) OVER (PARTITION BY event_id))) AS most
        FROM requests
    ) r
    CROSS JOIN LATERAL (
        SELECT *
        FROM waitlist
        WHERE shard = $1 AND event_id = r.event_id AND status = 'WAITING' AND request_id = r.request_id
        ORDER BY rank
        LIMIT r.most
    ) w",
    event_of_entry!(),
    "
    ORDER BY w.rank"
);

/// How many different requests wait for each of these events.
pub(crate) const DIFFERENT: &str =
    concat!(requests!(), " SELECT event_id, count(*) FROM requests GROUP BY event_id");

/// Those of these requests that somebody waits with.
pub(crate) const WAITED_FOR: &str = "
    SELECT wanted.event_id, wanted.request_id
    FROM unnest($2::uuid[], $3::uuid[]) AS wanted(event_id, request_id)
    CROSS JOIN LATERAL (
        SELECT
        FROM waitlist
        WHERE shard = $1 AND event_id = wanted.event_id AND status = 'WAITING' AND request_id = wanted.request_id
        ORDER BY rank
        LIMIT 1
    ) first";

/// The last entry of each of these users for each event.
pub(crate) const OF_USERS: &str = concat!(
    "SELECT ",
    entry_columns!(),
    "
    FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS wanted(tenant_id, event_id, user_id)
    CROSS JOIN LATERAL (
        SELECT *
        FROM waitlist
        WHERE shard = $1 AND event_id = wanted.event_id AND user_id = wanted.user_id AND created_at > '-infinity'
            AND tenant_id = wanted.tenant_id
        ORDER BY rank DESC
        LIMIT 1
    ) w",
    event_of_entry!()
);

pub(crate) const INSERT: &str = "
    INSERT INTO waitlist (
        shard, tenant_id, id, event_id, user_id, status, request_id, request, offer_seconds, rank, reservation_id,
        expires_at, reason, version, created_at, updated_at)
    SELECT $1, tenant_id, id, event_id, user_id, status, request_id, request, offer_seconds, rank, reservation_id,
        expires_at, reason, version, $2, $2
    FROM unnest(
        $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::uuid[], $9::text[], $10::integer[],
        $11::bigint[], $12::uuid[], $13::timestamptz[], $14::text[], $15::integer[])
        AS w(tenant_id, id, event_id, user_id, status, request_id, request, offer_seconds, rank, reservation_id,
            expires_at, reason, version)";

/// What became of entries, each only if it still has the version that it was read with.
pub(crate) const UPDATE: &str = "
    UPDATE waitlist w
    SET status = c.status, reservation_id = c.reservation_id, expires_at = c.expires_at, reason = c.reason,
        version = c.version, updated_at = $2
    FROM unnest(
        $3::uuid[], $4::uuid[], $5::integer[], $6::text[], $7::uuid[], $8::timestamptz[], $9::text[], $10::integer[])
        AS c(tenant_id, id, before, status, reservation_id, expires_at, reason, version)
    CROSS JOIN LATERAL (
        SELECT shard, ctid
        FROM waitlist
        WHERE shard = $1 AND tenant_id = c.tenant_id AND id = c.id AND version = c.before
        OFFSET 0
    ) place
    WHERE w.shard = place.shard AND w.ctid = place.ctid";

/// An entry's row.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) tenant_id: TenantId,
    pub(crate) entry: WaitlistEntry,
}

/// Who is first in line with a request, and how many of them were asked for: if they are as many, there may be more.
pub(crate) struct First {
    pub(crate) row: Row,
    pub(crate) request_id: Uuid,
    pub(crate) most: i64,
}

/// The same for all who ask for the same.
pub(crate) fn request_id(request: &Request) -> Uuid {
    let digest = Sha256::digest(write_request(request));
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    Uuid::from_bytes(id)
}

/// The first in line of these events with each request, by rank; `most` of each, as far as that makes not too many.
pub(crate) async fn lines(
    client: &Object,
    shard: Shard,
    events: &[EventId],
    requests: usize,
    most: usize,
) -> Result<Vec<First>, Error> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client.prepare_cached(LINES).await?;
    let events: Vec<Uuid> = events.iter().map(|event| event.uuid()).collect();
    let (requests, most) = (number(requests), i64::try_from(most).unwrap_or(i64::MAX));
    let rows = client.query(&statement, &[&shard.number(), &events, &requests, &most]).await?;
    let first = |row: &tokio_postgres::Row| {
        Ok(First { row: from_row(row, 0)?, request_id: row.get(COLUMNS), most: row.get(COLUMNS + 1) })
    };
    rows.iter().map(first).collect()
}

/// How many different requests wait for each of these events, up to `most` and one.
pub(crate) async fn different(
    client: &Object,
    shard: Shard,
    events: &[EventId],
    most: usize,
) -> Result<Vec<(EventId, usize)>, Error> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client.prepare_cached(DIFFERENT).await?;
    let events: Vec<Uuid> = events.iter().map(|event| event.uuid()).collect();
    let rows = client.query(&statement, &[&shard.number(), &events, &number(most)]).await?;
    let count = |row: &tokio_postgres::Row| {
        (row.get::<_, Uuid>(0).into(), usize::try_from(row.get::<_, i64>(1)).unwrap_or(usize::MAX))
    };
    Ok(rows.iter().map(count).collect())
}

/// Those of these requests that somebody waits with.
pub(crate) async fn waited_for(
    client: &Object,
    shard: Shard,
    requests: &[(EventId, Uuid)],
) -> Result<Vec<(EventId, Uuid)>, Error> {
    if requests.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client.prepare_cached(WAITED_FOR).await?;
    let (events, ids): (Vec<Uuid>, Vec<Uuid>) =
        requests.iter().map(|(event, request)| (event.uuid(), *request)).unzip();
    let rows = client.query(&statement, &[&shard.number(), &events, &ids]).await?;
    Ok(rows.iter().map(|row| (row.get::<_, Uuid>(0).into(), row.get(1))).collect())
}

/// The last entry of each of these users for each event, if there ever was one.
pub(crate) async fn of_users(
    client: &Object,
    shard: Shard,
    users: &[(TenantId, EventId, &UserId)],
) -> Result<Vec<Row>, Error> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client.prepare_cached(OF_USERS).await?;
    let tenants: Vec<Uuid> = users.iter().map(|(tenant, ..)| tenant.uuid()).collect();
    let (events, names): (Vec<Uuid>, Vec<&str>) =
        users.iter().map(|(_, event, user)| (event.uuid(), user.as_str())).unzip();
    let rows = client.query(&statement, &[&shard.number(), &tenants, &events, &names]).await?;
    rows.iter().map(|row| from_row(row, 0)).collect()
}

/// New entries.
pub(crate) async fn insert(head: &Head, new: &[(TenantId, &WaitlistEntry)]) -> Result<(), Error> {
    if new.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(INSERT).await?;
    let tenants: Vec<Uuid> = new.iter().map(|(tenant, _)| tenant.uuid()).collect();
    let ids: Vec<Uuid> = new.iter().map(|(_, w)| w.id.uuid()).collect();
    let events: Vec<Uuid> = new.iter().map(|(_, w)| w.event_id.uuid()).collect();
    let users: Vec<&str> = new.iter().map(|(_, w)| w.user_id.as_str()).collect();
    let states: Vec<&str> = new.iter().map(|(_, w)| w.state.status().as_str()).collect();
    let request_ids: Vec<Uuid> = new.iter().map(|(_, w)| request_id(&w.request)).collect();
    let requests: Vec<String> = new.iter().map(|(_, w)| write_request(&w.request)).collect();
    let offers: Vec<i32> = new.iter().map(|(_, w)| w.offer_seconds).collect();
    let ranks: Vec<i64> = new.iter().map(|(_, w)| w.rank.0).collect();
    let (reservations, ends, reasons) = facts(new.iter().map(|(_, w)| w.state));
    let versions: Vec<i32> = new.iter().map(|(_, w)| w.version).collect();
    let params: [&(dyn ToSql + Sync); 15] = [
        &head.shard().number(),
        &head.at(),
        &tenants,
        &ids,
        &events,
        &users,
        &states,
        &request_ids,
        &requests,
        &offers,
        &ranks,
        &reservations,
        &ends,
        &reasons,
        &versions,
    ];
    written(head.client().execute(&statement, &params).await?, new.len())
}

/// Writes what became of entries, each with the version that it was read with.
pub(crate) async fn update(head: &Head, changed: &[(TenantId, i32, &WaitlistEntry)]) -> Result<(), Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(UPDATE).await?;
    let tenants: Vec<Uuid> = changed.iter().map(|(tenant, ..)| tenant.uuid()).collect();
    let ids: Vec<Uuid> = changed.iter().map(|(.., w)| w.id.uuid()).collect();
    let before: Vec<i32> = changed.iter().map(|(_, before, _)| *before).collect();
    let states: Vec<&str> = changed.iter().map(|(.., w)| w.state.status().as_str()).collect();
    let (reservations, ends, reasons) = facts(changed.iter().map(|(.., w)| w.state));
    let versions: Vec<i32> = changed.iter().map(|(.., w)| w.version).collect();
    let params: [&(dyn ToSql + Sync); 10] = [
        &head.shard().number(),
        &head.at(),
        &tenants,
        &ids,
        &before,
        &states,
        &reservations,
        &ends,
        &reasons,
        &versions,
    ];
    written(head.client().execute(&statement, &params).await?, changed.len())
}

/// The columns that states fill.
type Facts = (Vec<Option<Uuid>>, Vec<Option<OffsetDateTime>>, Vec<Option<&'static str>>);

fn facts(states: impl Iterator<Item = WaitlistState>) -> Facts {
    let (mut reservations, mut ends, mut reasons) = Facts::default();
    for state in states {
        reservations.push(state.reservation_id().map(holdfast_domain::ReservationId::uuid));
        ends.push(state.expires_at());
        reasons.push(state.reason().map(Ending::as_str));
    }
    (reservations, ends, reasons)
}

const BROKEN: Error =
    Error::Defect("a stored waiting list entry breaks the rules of its texts or its status");

/// Reads an entry, and whose it is, from [`entry_columns`], the first of them at `first`.
pub(crate) fn from_row(row: &tokio_postgres::Row, first: usize) -> Result<Row, Error> {
    let status = WaitlistStatus::parse(row.get(first + 5)).ok_or(BROKEN)?;
    let reason: Option<&str> = row.get(first + 11);
    let reason = reason.map(|word| Ending::parse(word).ok_or(BROKEN)).transpose()?;
    let reservation_id = row.get::<_, Option<Uuid>>(first + 9).map(Into::into);
    let entry = WaitlistEntry {
        id: row.get::<_, Uuid>(first + 1).into(),
        event_id: row.get::<_, Uuid>(first + 2).into(),
        venue_id: row.get::<_, Uuid>(first + 3).into(),
        user_id: UserId::parse(row.get(first + 4)).map_err(|_| BROKEN)?,
        request: serde_json::from_str(row.get(first + 6)).map_err(|_| BROKEN)?,
        offer_seconds: row.get(first + 7),
        rank: Seq(row.get(first + 8)),
        state: WaitlistState::rebuild(status, reservation_id, row.get(first + 10), reason).ok_or(BROKEN)?,
        version: row.get(first + 12),
        created_at: row.get(first + 13),
        updated_at: row.get(first + 14),
    };
    Ok(Row { tenant_id: row.get::<_, Uuid>(first).into(), entry })
}

fn write_request(request: &Request) -> String {
    serde_json::to_string(request).expect("ids, texts and numbers are always JSON")
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

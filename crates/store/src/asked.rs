//! What a new want meets: its resource, if there is one of that name, and who else wants or holds its range.
//! The latter is told to the caller and decides nothing.

use deadpool_postgres::Object;
use holdfast_domain::{
    Booking, BookingId, ResourceId, ResourceName, Shard, Status, TenantId, TimeRange, VenueId,
    rules::BookingLimits,
};
use time::{Duration, OffsetDateTime};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{Error, Head, resources::Bookable};

/// Most conflicts that are told one by one.
const LISTED: i64 = 20;

/// Most conflicts that are counted; this many means as many or more.
const COUNTED: i64 = 100;

/// How long before a range another may begin that overlaps it.
const LONGEST: Duration = Duration::seconds(BookingLimits::LONGEST_SECONDS as i64);

/// What overlaps the want `w` of the resource `r`: bookings that want or hold what they want, and moves by what they
/// still hold.
macro_rules! overlapping {
    () => {
        "
            SELECT b.id, b.wanted_start_at AS start_at, b.wanted_end_at AS end_at, b.status = 'VALID' AS held, b.rank
            FROM bookings b
            WHERE b.shard = $1 AND b.resource_id = r.id AND b.status IN ('PENDING', 'VALID')
                AND b.wanted_start_at > w.earliest_at AND b.wanted_start_at < w.end_at
                AND b.wanted_end_at > w.start_at AND b.id <> w.id
                AND (b.status = 'VALID' OR (b.granted && tstzrange(w.start_at, w.end_at)) IS NOT TRUE)
            UNION ALL
            SELECT b.id, lower(b.granted), upper(b.granted), true, b.rank
            FROM bookings b
            WHERE b.shard = $1 AND b.resource_id = r.id AND b.status = 'PENDING' AND b.granted IS NOT NULL
                AND (b.granted && tstzrange(w.start_at, w.end_at)) IS TRUE AND b.id <> w.id"
    };
}

/// For each want its resource and what overlaps it there: granted ranges first, then wanted ones by rank, one entry
/// a booking: a move whose old slot overlaps is listed with that. Ranges are found by their start, which lies at most
/// the longest booking before. One more than is told, so that it shows whether they have to be counted.
pub(crate) const MEET: &str = concat!(
    "
    SELECT w.n, r.id, r.shortest_seconds, r.longest_seconds, r.days_ahead, r.open_wants, found.id, found.start_at,
        found.end_at, found.held
    FROM unnest(
        $2::integer[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::timestamptz[], $8::timestamptz[],
        $9::timestamptz[])
        AS w(n, tenant_id, venue_id, name, id, earliest_at, start_at, end_at)
    CROSS JOIN LATERAL (
        SELECT * FROM resources WHERE shard = $1 AND venue_id = w.venue_id AND name = w.name OFFSET 0
    ) r
    LEFT JOIN LATERAL (
        SELECT id, start_at, end_at, held FROM (",
    overlapping!(),
    ") b
        ORDER BY NOT held, rank
        LIMIT $10
    ) found ON true
    WHERE r.tenant_id = w.tenant_id"
);

/// How many bookings overlap each of these ranges, up to a limit.
pub(crate) const COUNT: &str = concat!(
    "
    SELECT w.n, found.count
    FROM unnest($2::integer[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[])
        AS w(n, resource_id, id, earliest_at, start_at, end_at)
    CROSS JOIN LATERAL (SELECT w.resource_id AS id OFFSET 0) r
    CROSS JOIN LATERAL (
        SELECT count(*) FROM (SELECT FROM (",
    overlapping!(),
    ") b LIMIT $8) counted
    ) found"
);

/// A new want, by what its caller names.
pub(crate) struct Asked<'a> {
    pub(crate) tenant_id: TenantId,
    pub(crate) venue_id: VenueId,
    pub(crate) resource: &'a ResourceName,
    /// The booking that is being made; its own range is no conflict.
    pub(crate) booking: BookingId,
    pub(crate) wanted: TimeRange,
}

/// What a want meets.
pub(crate) struct Met {
    pub(crate) resource: Bookable,
    pub(crate) conflicts: Conflicts,
}

/// Another booking whose range overlaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Whose.
    pub id: BookingId,
    /// Of which resource.
    pub resource_id: ResourceId,
    /// What it holds (`VALID`) or wants (`PENDING`).
    pub range: TimeRange,
    /// Which of the two.
    pub status: Status,
}

/// All that overlap one want.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conflicts {
    /// The first 20: what is held, then what is wanted, by rank.
    pub first: Vec<Conflict>,
    /// How many there are; 100 means 100 or more.
    pub count: i64,
}

impl Conflicts {
    /// Adds a want that was made in the same batch: those rank behind all that was there.
    pub(crate) fn add_neighbour(&mut self, neighbour: &Booking) {
        self.count = (self.count + 1).min(COUNTED);
        if i64::try_from(self.first.len()).is_ok_and(|listed| listed < LISTED) {
            let (id, resource_id, claim) = (neighbour.id, neighbour.resource_id, neighbour.claim);
            self.first.push(Conflict { id, resource_id, range: claim.wanted(), status: Status::Pending });
        }
    }
}

/// What each of the wants meets, in their order; nothing where nobody has named the resource yet.
pub(crate) async fn meet(
    client: &Object,
    shard: Shard,
    asked: &[Asked<'_>],
) -> Result<Vec<Option<Met>>, Error> {
    let mut met: Vec<Option<Met>> = asked.iter().map(|_| None).collect();
    if asked.is_empty() {
        return Ok(met);
    }
    let statement = client.prepare_cached(MEET).await?;
    let numbers: Vec<i32> = (0..).take(asked.len()).collect();
    let tenants: Vec<Uuid> = asked.iter().map(|a| a.tenant_id.uuid()).collect();
    let venues: Vec<Uuid> = asked.iter().map(|a| a.venue_id.uuid()).collect();
    let names: Vec<&str> = asked.iter().map(|a| a.resource.as_str()).collect();
    let bookings: Vec<Uuid> = asked.iter().map(|a| a.booking.uuid()).collect();
    let starts: Vec<OffsetDateTime> = asked.iter().map(|a| a.wanted.start()).collect();
    let ends: Vec<OffsetDateTime> = asked.iter().map(|a| a.wanted.end()).collect();
    let earliest: Vec<OffsetDateTime> = starts.iter().map(|start| *start - LONGEST).collect();
    let shard = shard.number();
    let listed = LISTED + 1;
    let params: [&(dyn ToSql + Sync); 10] =
        [&shard, &numbers, &tenants, &venues, &names, &bookings, &earliest, &starts, &ends, &listed];
    for row in client.query(&statement, &params).await? {
        let place = place(&mut met, &row)?;
        let met =
            place.get_or_insert_with(|| Met { resource: bookable(&row), conflicts: Conflicts::default() });
        met.conflicts.first.extend(conflict(&row, met.resource.id)?);
        met.conflicts.count = i64::try_from(met.conflicts.first.len()).unwrap_or(COUNTED);
    }
    Ok(met)
}

/// Counts the conflicts of those wants that have more than are told.
pub(crate) async fn count(head: &Head, asked: &[Asked<'_>], met: &mut [Option<Met>]) -> Result<(), Error> {
    let crowded: Vec<(i32, &Asked<'_>, ResourceId)> = (0..)
        .zip(asked.iter().zip(met.iter()))
        .filter_map(|(number, (asked, met))| Some((number, asked, met.as_ref()?)))
        .filter(|(.., met)| met.conflicts.count > LISTED)
        .map(|(number, asked, met)| (number, asked, met.resource.id))
        .collect();
    if crowded.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(COUNT).await?;
    let numbers: Vec<i32> = crowded.iter().map(|(number, ..)| *number).collect();
    let resources: Vec<Uuid> = crowded.iter().map(|(.., resource)| resource.uuid()).collect();
    let bookings: Vec<Uuid> = crowded.iter().map(|(_, a, _)| a.booking.uuid()).collect();
    let earliest: Vec<OffsetDateTime> = crowded.iter().map(|(_, a, _)| a.wanted.start() - LONGEST).collect();
    let starts: Vec<OffsetDateTime> = crowded.iter().map(|(_, a, _)| a.wanted.start()).collect();
    let ends: Vec<OffsetDateTime> = crowded.iter().map(|(_, a, _)| a.wanted.end()).collect();
    let params: [&(dyn ToSql + Sync); 8] =
        [&head.shard().number(), &numbers, &resources, &bookings, &earliest, &starts, &ends, &COUNTED];
    for row in head.client().query(&statement, &params).await? {
        if let Some(met) = place(met, &row)? {
            met.conflicts.count = row.get(1);
            met.conflicts.first.truncate(usize::try_from(LISTED).unwrap_or_default());
        }
    }
    Ok(())
}

/// What the want of a row's number has met so far.
fn place<'a>(met: &'a mut [Option<Met>], row: &Row) -> Result<&'a mut Option<Met>, Error> {
    let number = usize::try_from(row.get::<_, i32>(0)).ok();
    number.and_then(|number| met.get_mut(number)).ok_or(Error::Defect("a number of no want"))
}

fn bookable(row: &Row) -> Bookable {
    let limits =
        BookingLimits { shortest_seconds: row.get(2), longest_seconds: row.get(3), days_ahead: row.get(4) };
    Bookable { id: row.get::<_, Uuid>(1).into(), limits, open_wants: row.get(5) }
}

/// The row's conflict; a want that nothing overlaps has a row without.
fn conflict(row: &Row, resource_id: ResourceId) -> Result<Option<Conflict>, Error> {
    let Some(id) = row.get::<_, Option<Uuid>>(6) else { return Ok(None) };
    let range =
        TimeRange::new(row.get(7), row.get(8)).map_err(|_| Error::Defect("a stored range is none"))?;
    let status = if row.get(9) { Status::Valid } else { Status::Pending };
    Ok(Some(Conflict { id: id.into(), resource_id, range, status }))
}

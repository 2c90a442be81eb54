//! Who else wants or holds what a new want asks for. Told to the caller; decides nothing.

use holdfast_domain::{Booking, BookingId, ResourceId, Status, TimeRange, rules::BookingLimits};
use time::{Duration, OffsetDateTime};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{Error, head::Head};

/// Most conflicts that are told one by one.
const LISTED: i64 = 20;

/// Most conflicts that are counted; this many means as many or more.
const COUNTED: i64 = 100;

/// Granted ranges first, then wanted ones by rank, one entry a booking: a move whose old slot overlaps
/// is listed with that. Wants are found by their start, which lies at most the longest booking before.
const OVERLAPPING: &str = "
    SELECT w.n, found.id, found.start_at, found.end_at, found.held, found.total
    FROM unnest($2::integer[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[])
        AS w(n, resource_id, id, earliest_at, start_at, end_at)
    CROSS JOIN LATERAL (
        SELECT counted.id, counted.start_at, counted.end_at, counted.held, count(*) OVER () AS total
        FROM (
            (
                SELECT b.id, lower(b.granted) AS start_at, upper(b.granted) AS end_at, true AS held
                FROM bookings b
                WHERE b.shard = $1 AND b.resource_id = w.resource_id
                    AND b.granted && tstzrange(w.start_at, w.end_at) AND b.id <> w.id
                LIMIT $8
            )
            UNION ALL
            (
                SELECT b.id, b.wanted_start_at, b.wanted_end_at, false
                FROM bookings b
                WHERE b.shard = $1 AND b.resource_id = w.resource_id AND b.status = 'PENDING'
                    AND b.wanted_start_at > w.earliest_at AND b.wanted_start_at < w.end_at
                    AND b.wanted_end_at > w.start_at AND b.id <> w.id
                    AND (b.granted && tstzrange(w.start_at, w.end_at)) IS NOT TRUE
                ORDER BY b.rank
                LIMIT $8
            )
            LIMIT $8
        ) counted
        LIMIT $9
    ) found";

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

/// Makes sure that [`of`] is sent as soon as it is polled.
pub(crate) async fn prepare(head: &Head) -> Result<(), Error> {
    head.client().prepare_cached(OVERLAPPING).await?;
    Ok(())
}

/// What overlaps each of these bookings. Asked after they are written, so that neighbours of one batch
/// see each other.
pub(crate) async fn of(head: &Head, bookings: &[&Booking]) -> Result<Vec<Conflicts>, Error> {
    let mut conflicts = vec![Conflicts::default(); bookings.len()];
    if bookings.is_empty() {
        return Ok(conflicts);
    }
    let statement = head.client().prepare_cached(OVERLAPPING).await?;
    let numbers: Vec<i32> = (0..).take(bookings.len()).collect();
    let resources: Vec<Uuid> = bookings.iter().map(|b| b.resource_id.uuid()).collect();
    let ids: Vec<Uuid> = bookings.iter().map(|b| b.id.uuid()).collect();
    let starts: Vec<OffsetDateTime> = bookings.iter().map(|b| b.claim.wanted().start()).collect();
    let ends: Vec<OffsetDateTime> = bookings.iter().map(|b| b.claim.wanted().end()).collect();
    let longest = Duration::seconds(BookingLimits::LONGEST_SECONDS.into());
    let earliest: Vec<OffsetDateTime> = starts.iter().map(|start| *start - longest).collect();
    let shard = head.shard().number();
    let params: [&(dyn ToSql + Sync); 9] =
        [&shard, &numbers, &resources, &ids, &earliest, &starts, &ends, &COUNTED, &LISTED];
    for row in head.client().query(&statement, &params).await? {
        let number =
            usize::try_from(row.get::<_, i32>(0)).map_err(|_| Error::Defect("a number of no want"))?;
        let (of, asked) = conflicts
            .get_mut(number)
            .zip(bookings.get(number))
            .ok_or(Error::Defect("a number of no want"))?;
        let range =
            TimeRange::new(row.get(2), row.get(3)).map_err(|_| Error::Defect("a stored range is none"))?;
        let status = if row.get(4) { Status::Valid } else { Status::Pending };
        of.first.push(Conflict {
            id: row.get::<_, Uuid>(1).into(),
            resource_id: asked.resource_id,
            range,
            status,
        });
        of.count = row.get(5);
    }
    Ok(conflicts)
}

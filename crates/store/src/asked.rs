//! What a want meets: its resource, if there is one, and who else wants or holds its range.
//! The latter is told to those concerned and decides nothing.

use std::collections::HashMap;

use deadpool_postgres::Object;
use futures_util::join;
use holdfast_domain::{
    Booking, BookingId, Conflict, Conflicts, ResourceId, ResourceName, Seq, Shard, Status, TenantId,
    TimeRange, UserId, VenueId, rules::BookingLimits,
};
use time::{Duration, OffsetDateTime};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{
    Error, Head,
    resources::{Bookable, numbers},
};

/// How long before a range another may begin that overlaps it.
pub(crate) const LONGEST: Duration = Duration::seconds(BookingLimits::LONGEST_SECONDS as i64);

/// What overlaps the want `w` of the resource `r`: bookings that want or hold what they want, and moves by what they
/// still hold.
macro_rules! overlapping {
    () => {
        "
            SELECT b.id, b.wanted_start_at AS start_at, b.wanted_end_at AS end_at, true AS held, b.rank, b.user_id
            FROM bookings b
            WHERE b.shard = $1 AND b.resource_id = r.id AND b.status = 'VALID' AND b.created_at > '-infinity'
                AND b.wanted_start_at > w.earliest_at AND b.wanted_start_at < w.end_at
                AND b.wanted_end_at > w.start_at AND b.id <> w.id
            UNION ALL
            SELECT b.id, b.wanted_start_at, b.wanted_end_at, false, b.rank, b.user_id
            FROM bookings b
            WHERE b.shard = $1 AND b.resource_id = r.id AND b.status = 'PENDING' AND b.created_at > '-infinity'
                AND b.wanted_start_at > w.earliest_at AND b.wanted_start_at < w.end_at
                AND b.wanted_end_at > w.start_at AND b.id <> w.id
                AND (b.granted && tstzrange(w.start_at, w.end_at)) IS NOT TRUE
            UNION ALL
            SELECT b.id, lower(b.granted), upper(b.granted), true, b.rank, b.user_id
            FROM bookings b
            WHERE b.shard = $1 AND b.resource_id = r.id AND b.status = 'PENDING' AND b.granted IS NOT NULL
                AND (b.granted && tstzrange(w.start_at, w.end_at)) IS TRUE AND b.id <> w.id"
    };
}

/// For each want its resource and what overlaps it there: granted ranges first, then wanted ones, by rank, one entry a
/// booking: a move whose old slot overlaps is listed with that. Ranges are found by their start, which lies at most the
/// longest booking before.
macro_rules! meet {
    ($place:literal, $names:literal, $resource:literal) => {
        concat!(
            "
    SELECT w.n, r.id, r.name, r.shortest_seconds, r.longest_seconds, r.days_ahead, r.open_wants, found.id,
        found.start_at, found.end_at, found.held, found.rank, found.user_id, r.venue_id
    FROM unnest(
        $2::integer[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[], ",
            $place,
            ")
        AS w(n, tenant_id, id, earliest_at, start_at, end_at, ",
            $names,
            ")
    CROSS JOIN LATERAL (",
            $resource,
            ") r
    LEFT JOIN LATERAL (
        SELECT id, start_at, end_at, held, rank, user_id FROM (",
            overlapping!(),
            ") b
        ORDER BY NOT held, rank
        LIMIT $8
    ) found ON true
    WHERE r.tenant_id = w.tenant_id"
        )
    };
}

pub(crate) const MEET_BY_NAME: &str = meet!(
    "$9::uuid[], $10::text[]",
    "venue_id, name",
    "SELECT * FROM resources WHERE shard = $1 AND venue_id = w.venue_id AND name = w.name OFFSET 0"
);

pub(crate) const MEET_BY_ID: &str = meet!(
    "$9::uuid[]",
    "resource_id",
    "SELECT * FROM resources WHERE shard = $1 AND tenant_id = w.tenant_id AND id = w.resource_id OFFSET 0"
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

/// A want.
pub(crate) struct Asked<'a> {
    pub(crate) tenant_id: TenantId,
    /// Whose want it is; what it wants and holds itself is no conflict.
    pub(crate) booking: BookingId,
    /// Whether the booking is only being made, and so neither wants nor holds anything yet.
    pub(crate) is_new: bool,
    pub(crate) place: Place<'a>,
    pub(crate) wanted: TimeRange,
}

impl Asked<'_> {
    /// Up to where others are looked for. A want that goes on for longer is refused, but only after this was read: a range
    /// of centuries must not read all that there is of its resource under the head.
    fn read_to(&self) -> OffsetDateTime {
        self.wanted.end().min(self.wanted.start().saturating_add(LONGEST))
    }
}

/// For each want the first that asks the same question: of new ones for one range all meet the same, which is read once. On a
/// slot that everybody wants, what is read would grow with the square of them otherwise.
fn equals(asked: &[Asked<'_>]) -> Vec<usize> {
    let own = |asked: &Asked<'_>| (!asked.is_new).then_some(asked.booking);
    let questions = asked.iter().map(|asked| (asked.tenant_id, asked.place, asked.wanted, own(asked)));
    let mut firsts = HashMap::new();
    questions.enumerate().map(|(place, question)| *firsts.entry(question).or_insert(place)).collect()
}

/// The resource of a want, as its caller names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place<'a> {
    Named(VenueId, &'a ResourceName),
    Id(ResourceId),
}

/// What a want meets.
#[derive(Clone)]
pub(crate) struct Met {
    pub(crate) resource: Bookable,
    pub(crate) overlaps: Overlaps,
}

/// What overlaps a want.
#[derive(Clone, Default)]
pub(crate) struct Overlaps {
    /// The first of them, in order, with their ranks: as many more than are told as may leave by the same transaction.
    first: Vec<(Seq, Conflict)>,
    count: i64,
}

impl Overlaps {
    /// A booking that was `before` is now `after`, by a write of the same transaction: what was read is from before.
    pub(crate) fn revise(&mut self, wanted: TimeRange, before: Option<&Booking>, after: &Booking) {
        if before.is_some_and(|before| before.claim.overlap(wanted).is_some()) {
            self.first.retain(|(_, conflict)| conflict.id != after.id);
            self.count -= 1;
        }
        if let Some((range, status)) = after.claim.overlap(wanted) {
            let conflict = Conflict {
                id: after.id,
                resource_id: after.resource_id,
                user_id: after.user_id.clone(),
                range,
                status,
            };
            let order = |rank: Seq, status: Status| (status != Status::Valid, rank);
            let rank = after.claim.rank();
            let place =
                self.first.partition_point(|(other, c)| order(*other, c.status) < order(rank, status));
            self.first.insert(place, (rank, conflict));
            self.count += 1;
        }
    }

    /// As it is told.
    pub(crate) fn told(self) -> Conflicts {
        let first = self.first.into_iter().take(Conflicts::LISTED).map(|(_, conflict)| conflict);
        Conflicts { first: first.collect(), count: self.count.min(Conflicts::COUNTED) }
    }
}

/// What each of the wants meets, in their order; nothing where there is no such resource. `leaving` bookings may be
/// revised away before it is told.
pub(crate) async fn meet(
    client: &Object,
    shard: Shard,
    asked: &[Asked<'_>],
    leaving: usize,
) -> Result<Vec<Option<Met>>, Error> {
    let (mut named, mut by_id, equals) = (Vec::new(), Vec::new(), equals(asked));
    for (place, asked) in asked.iter().enumerate().filter(|(place, _)| equals[*place] == *place) {
        match asked.place {
            Place::Named(venue_id, name) => named.push((place, asked, venue_id, name)),
            Place::Id(resource_id) => by_id.push((place, asked, resource_id)),
        }
    }
    let venues: Vec<Uuid> = named.iter().map(|(.., venue, _)| venue.uuid()).collect();
    let names: Vec<&str> = named.iter().map(|(.., name)| name.as_str()).collect();
    let resources: Vec<Uuid> = by_id.iter().map(|(.., resource)| resource.uuid()).collect();
    let named: Vec<_> = named.into_iter().map(|(place, asked, ..)| (place, asked)).collect();
    let by_id: Vec<_> = by_id.into_iter().map(|(place, asked, _)| (place, asked)).collect();
    let (by_name, by_resource): ([&(dyn ToSql + Sync); 2], [&(dyn ToSql + Sync); 1]) =
        ([&venues, &names], [&resources]);
    let listed = listed(leaving);
    let (named, by_id) = join!(
        rows(client, MEET_BY_NAME, shard, &named, listed, &by_name),
        rows(client, MEET_BY_ID, shard, &by_id, listed, &by_resource),
    );
    let mut met: Vec<Option<Met>> = asked.iter().map(|_| None).collect();
    for row in named?.iter().chain(&by_id?) {
        let place = place(&mut met, row)?;
        let met = match place {
            Some(met) => met,
            None => place.insert(Met { resource: bookable(row)?, overlaps: Overlaps::default() }),
        };
        met.overlaps.first.extend(conflict(row, met.resource.id)?);
        met.overlaps.count = i64::try_from(met.overlaps.first.len()).unwrap_or(Conflicts::COUNTED);
    }
    for (place, first) in equals.into_iter().enumerate().filter(|(place, first)| first != place) {
        let first = met[first].clone();
        met[place] = first;
    }
    Ok(met)
}

/// The rows of a statement of [`meet!`], for the wants at these places.
async fn rows(
    client: &Object,
    statement: &str,
    shard: Shard,
    asked: &[(usize, &Asked<'_>)],
    listed: usize,
    places: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, Error> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client.prepare_cached(statement).await?;
    let numbers = numbers(asked.iter().map(|(place, _)| *place))?;
    let tenants: Vec<Uuid> = asked.iter().map(|(_, a)| a.tenant_id.uuid()).collect();
    let bookings: Vec<Uuid> = asked.iter().map(|(_, a)| a.booking.uuid()).collect();
    let starts: Vec<OffsetDateTime> = asked.iter().map(|(_, a)| a.wanted.start()).collect();
    let ends: Vec<OffsetDateTime> = asked.iter().map(|(_, a)| a.read_to()).collect();
    let earliest: Vec<OffsetDateTime> = starts.iter().map(|start| *start - LONGEST).collect();
    let shard = shard.number();
    let listed = i64::try_from(listed).unwrap_or(Conflicts::COUNTED);
    let wants: [&(dyn ToSql + Sync); 8] =
        [&shard, &numbers, &tenants, &bookings, &earliest, &starts, &ends, &listed];
    Ok(client.query(&statement, &[&wants, places].concat()).await?)
}

/// How many of those that overlap a want are read. One more than can be told of shows whether they have to be counted.
fn listed(leaving: usize) -> usize {
    Conflicts::LISTED + leaving + 1
}

/// Counts what overlaps those wants that meet more than was read.
pub(crate) async fn count(
    head: &Head,
    asked: &[Asked<'_>],
    met: &mut [Option<Met>],
    leaving: usize,
) -> Result<(), Error> {
    let equals = equals(asked);
    let is_crowded = |met: &Met| met.overlaps.first.len() >= listed(leaving);
    let firsts = asked.iter().zip(met.iter()).enumerate().filter(|(place, _)| equals[*place] == *place);
    let crowded: Vec<(usize, &Asked<'_>, ResourceId)> = firsts
        .filter_map(|(place, (asked, met))| {
            Some((place, asked, met.as_ref().filter(|met| is_crowded(met))?.resource.id))
        })
        .collect();
    if crowded.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(COUNT).await?;
    let numbers = numbers(crowded.iter().map(|(place, ..)| *place))?;
    let resources: Vec<Uuid> = crowded.iter().map(|(.., resource)| resource.uuid()).collect();
    let bookings: Vec<Uuid> = crowded.iter().map(|(_, a, _)| a.booking.uuid()).collect();
    let earliest: Vec<OffsetDateTime> = crowded.iter().map(|(_, a, _)| a.wanted.start() - LONGEST).collect();
    let starts: Vec<OffsetDateTime> = crowded.iter().map(|(_, a, _)| a.wanted.start()).collect();
    let ends: Vec<OffsetDateTime> = crowded.iter().map(|(_, a, _)| a.read_to()).collect();
    let counted = i64::try_from(leaving).unwrap_or(0) + Conflicts::COUNTED;
    let params: [&(dyn ToSql + Sync); 8] =
        [&head.shard().number(), &numbers, &resources, &bookings, &earliest, &starts, &ends, &counted];
    for row in head.client().query(&statement, &params).await? {
        if let Some(met) = place(met, &row)? {
            met.overlaps.count = row.get(1);
        }
    }
    for (place, first) in equals.into_iter().enumerate().filter(|(place, first)| first != place) {
        let counted = met[first].as_ref().map(|met| met.overlaps.count);
        if let (Some(met), Some(count)) = (&mut met[place], counted) {
            met.overlaps.count = count;
        }
    }
    Ok(())
}

/// What the want of a row's number has met so far.
fn place<'a>(met: &'a mut [Option<Met>], row: &Row) -> Result<&'a mut Option<Met>, Error> {
    let number = usize::try_from(row.get::<_, i32>(0)).ok();
    number.and_then(|number| met.get_mut(number)).ok_or(Error::Defect("a number of no want"))
}

fn bookable(row: &Row) -> Result<Bookable, Error> {
    let name = ResourceName::parse(row.get(2)).map_err(|_| Error::Defect("a stored name is none"))?;
    let limits =
        BookingLimits { shortest_seconds: row.get(3), longest_seconds: row.get(4), days_ahead: row.get(5) };
    let (id, venue_id) = (row.get::<_, Uuid>(1).into(), row.get::<_, Uuid>(13).into());
    Ok(Bookable { id, venue_id, name, limits, open_wants: row.get(6) })
}

/// The row's conflict; a want that nothing overlaps has a row without.
fn conflict(row: &Row, resource_id: ResourceId) -> Result<Option<(Seq, Conflict)>, Error> {
    const BROKEN: Error = Error::Defect("a stored range or user is none");
    let Some(id) = row.get::<_, Option<Uuid>>(7) else { return Ok(None) };
    let range = TimeRange::new(row.get(8), row.get(9)).map_err(|_| BROKEN)?;
    let status = if row.get(10) { Status::Valid } else { Status::Pending };
    let user_id = UserId::parse(row.get(12)).map_err(|_| BROKEN)?;
    Ok(Some((Seq(row.get(11)), Conflict { id: id.into(), resource_id, user_id, range, status })))
}

//! Lists of bookings, page by page, by start and id. A request reads so many entries of an index and no more, whatever
//! its filter: where few of them match, its page is short and says where to go on. Never here: who may see what.

use holdfast_domain::{Booking, BookingId, ResourceId, Shard, Status, TenantId, TimeRange, UserId, VenueId};
use time::{OffsetDateTime, macros::datetime};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{
    Database, Error,
    asked::LONGEST,
    bookings::{booking_columns, from_row},
};

/// Most entries of an index that one page is looked for in.
const SCANNED: i64 = 10_000;

/// No range begins before it.
const BEFORE_ALL: OffsetDateTime = datetime!(0000-01-01 00:00 UTC);

/// No range begins then, or later: it would have no end.
const AFTER_ALL: OffsetDateTime = datetime!(9999-12-31 23:59:59.999999 UTC);

/// A resource's bookings of one status, by start: a run of its index, if that status is asked for and the resource is the
/// tenant's. Of another tenant's not a row is read: the time that it takes would tell how many there are.
macro_rules! of_status {
    ($status:literal) => {
        concat!(
            "
            (
                SELECT *
                FROM bookings
                WHERE shard = $1 AND resource_id = $3 AND status = '",
            $status,
            "' AND (wanted_start_at, id) > ($5, $6) AND wanted_start_at < $7
                    AND created_at > '-infinity' AND '",
            $status,
            "' = ANY ($9::text[])
                    AND EXISTS (SELECT FROM resources WHERE shard = $1 AND tenant_id = $2 AND id = $3)
                ORDER BY wanted_start_at, id
            )"
        )
    };
}

/// What matches among the first entries of an index, scanned in the order of the list; then, only if the page is not full
/// by that, the last of those entries, if there are so many. Both in one statement, so that they are of one snapshot: from
/// a later one the place to go on from could lie behind bookings that this page has not seen.
macro_rules! listed {
    ($scanned:expr, $order:literal) => {
        concat!(
            "
    (
        SELECT true, ",
            booking_columns!(),
            "
        FROM (",
            $scanned,
            " LIMIT $15) b
        CROSS JOIN LATERAL (
            SELECT name, venue_id FROM resources WHERE shard = $1 AND tenant_id = $2 AND id = b.resource_id OFFSET 0
        ) r
        WHERE b.status = ANY ($9::text[])
            AND b.wanted_end_at > $8
            AND ($3::uuid IS NULL OR b.resource_id = $3)
            AND ($4::text IS NULL OR b.user_id = $4)
            AND ($10::uuid IS NULL OR r.venue_id = $10)
            AND ($11::uuid[] IS NULL
                OR b.wanted_end_at > ($12::timestamptz[])[array_position($11::uuid[], r.venue_id)]
                AND b.wanted_start_at < ($13::timestamptz[])[array_position($11::uuid[], r.venue_id)])
        ORDER BY ",
            $order,
            "
        LIMIT $14
    )
    UNION ALL
    (
        SELECT false, ",
            booking_columns!(),
            "
        FROM (",
            $scanned,
            " OFFSET $15 - 1 LIMIT 1) b
        CROSS JOIN (SELECT NULL::text AS name, NULL::uuid AS venue_id) r
    )
    LIMIT $14"
        )
    };
}

pub(crate) const OF_TENANT: &str = listed!(
    "SELECT * FROM bookings WHERE shard = $1 AND tenant_id = $2 AND (wanted_start_at, id) > ($5, $6)
            AND wanted_start_at < $7 ORDER BY wanted_start_at, id",
    "wanted_start_at, id"
);

pub(crate) const OF_RESOURCE: &str = listed!(
    concat!(
        "SELECT * FROM (",
        of_status!("PENDING"),
        " UNION ALL",
        of_status!("VALID"),
        " UNION ALL",
        of_status!("REJECTED"),
        " UNION ALL",
        of_status!("CANCELLED"),
        ") runs ORDER BY wanted_start_at, id"
    ),
    "wanted_start_at, id"
);

// Compared as rows and ordered by what is the same in all of them, so that no other index can serve, whatever is known of
// the tables: with the tenant's own, one user with few bookings would be looked for in all of them.
pub(crate) const OF_USER: &str = listed!(
    "SELECT * FROM bookings WHERE shard = $1 AND tenant_id = $2 AND (user_id, wanted_start_at, id) > ($4, $5, $6)
            AND (user_id, wanted_start_at) < ($4, $7) AND created_at > '-infinity' ORDER BY user_id, wanted_start_at, id",
    "user_id, wanted_start_at, id"
);

/// Which of a tenant's bookings are listed: those for which all that is given holds.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Of this resource.
    pub resource: Option<ResourceId>,
    /// Of this user.
    pub user: Option<UserId>,
    /// At this venue.
    pub venue: Option<VenueId>,
    /// In one of these states; when none is named, in any but `CANCELLED`.
    pub statuses: Vec<Status>,
    /// Those whose range, as shown, ends after this.
    pub from: Option<OffsetDateTime>,
    /// Those whose range, as shown, begins before this.
    pub to: Option<OffsetDateTime>,
    /// Those whose range, as shown, overlaps the one given for their venue, of which each has one at most. At a venue that
    /// is not given none matches.
    pub days: Option<Vec<(VenueId, TimeRange)>>,
    /// Those after this place: the `next` of the page before.
    pub after: Option<(OffsetDateTime, BookingId)>,
    /// Most bookings on the page.
    pub limit: i64,
}

impl Default for Filter {
    /// The first hundred that are not cancelled.
    fn default() -> Self {
        Self {
            resource: None,
            user: None,
            venue: None,
            statuses: Vec::new(),
            from: None,
            to: None,
            days: None,
            after: None,
            limit: 100,
        }
    }
}

/// A page of a list. It may be short, or empty, and still not be the last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// By start and id.
    pub bookings: Vec<Booking>,
    /// Where the next page begins; none when the list ends here.
    pub next: Option<(OffsetDateTime, BookingId)>,
}

impl Filter {
    fn statement(&self) -> &'static str {
        match (&self.resource, &self.user) {
            (Some(_), _) => OF_RESOURCE,
            (None, Some(_)) => OF_USER,
            (None, None) => OF_TENANT,
        }
    }

    fn statuses(&self) -> Vec<&'static str> {
        let usual = [Status::Pending, Status::Valid, Status::Rejected];
        let named = if self.statuses.is_empty() { &usual[..] } else { &self.statuses };
        named.iter().map(|status| status.as_str()).collect()
    }

    /// What `from`, `to` and the days leave: what ends after the first and begins before the second. Both within the
    /// calendar, which a time that came with an offset can leave, and would not be sent.
    fn bounds(&self) -> (OffsetDateTime, OffsetDateTime) {
        let days = self.days.as_deref().unwrap_or_default();
        let first = days.iter().map(|(_, day)| day.start()).min();
        let last = days.iter().map(|(_, day)| day.end()).max();
        let from = self.from.into_iter().chain(first).max().unwrap_or(BEFORE_ALL);
        let to = self.to.into_iter().chain(last).min().unwrap_or(AFTER_ALL);
        (from.clamp(BEFORE_ALL, AFTER_ALL), to.clamp(BEFORE_ALL, AFTER_ALL))
    }
}

impl Database {
    /// A page of a tenant's bookings.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn bookings(&self, tenant: TenantId, filter: &Filter) -> Result<Page, Error> {
        let reading = self.reading().await?;
        let (ends_after, begins_before) = filter.bounds();
        // None is longer than the longest, so none that ends after a time begins longer before it.
        let earliest = (ends_after.saturating_sub(LONGEST).max(BEFORE_ALL), BookingId::from_u128(0));
        let (start, id) = filter.after.map_or(earliest, |after| after.max(earliest));
        let (resource, user) =
            (filter.resource.map(ResourceId::uuid), filter.user.as_ref().map(UserId::as_str));
        let (statuses, venue) = (filter.statuses(), filter.venue.map(VenueId::uuid));
        let days = |bound: fn(TimeRange) -> OffsetDateTime| -> Option<Vec<OffsetDateTime>> {
            Some(filter.days.as_ref()?.iter().map(|(_, day)| bound(*day)).collect())
        };
        let venues: Option<Vec<Uuid>> =
            filter.days.as_ref().map(|days| days.iter().map(|(venue, _)| venue.uuid()).collect());
        let (day_starts, day_ends) = (days(TimeRange::start), days(TimeRange::end));
        // One more than the page has shows that there is another.
        let wanted = filter.limit + 1;
        let params: [&(dyn ToSql + Sync); 15] = [
            &Shard::of(tenant).number(),
            &tenant.uuid(),
            &resource,
            &user,
            &start,
            &id.uuid(),
            &begins_before,
            &ends_after,
            &statuses,
            &venue,
            &venues,
            &day_starts,
            &day_ends,
            &wanted,
            &SCANNED,
        ];
        page(&reading.query(filter.statement(), &params).await?, filter.limit)
    }
}

/// Matches come first, and after them where the look for more of them stopped.
fn page(rows: &[Row], limit: i64) -> Result<Page, Error> {
    let limit = usize::try_from(limit).unwrap_or(0);
    let matches = rows.iter().filter(|row| row.get(0));
    let bookings: Vec<Booking> = matches.take(limit).map(|row| from_row(row, 1)).collect::<Result<_, _>>()?;
    let stopped = rows.iter().find(|row| !row.get::<_, bool>(0));
    let next = match stopped {
        Some(row) => Some((row.get(6), row.get::<_, Uuid>(1).into())),
        None if rows.len() > limit => bookings.last().map(|last| (last.claim.wanted().start(), last.id)),
        None => None,
    };
    Ok(Page { bookings, next })
}

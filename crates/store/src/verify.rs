//! What is read to hold the tables against the log, page by page, each page in one statement: what stands beside each
//! other in it is of one snapshot, so it agrees however much is written meanwhile. Never here: a head, a transaction of
//! several statements, and what is to be thought of it.

use deadpool_postgres::Object;
use holdfast_domain::{
    Booking, BookingId, Resource, ResourceId, Seq, Shard, TenantId, Venue, change::Recorded,
};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{
    Database, Error,
    bookings::{self, booking_columns},
    changes::recorded,
    resources, venues,
};

/// The columns of [`recorded`], as those of `told`.
macro_rules! told_columns {
    () => {
        "told.tenant_id, told.seq, told.type, told.at, told.actor, told.request_id, told.traceparent, told.data, \
         told.object_id"
    };
}

/// The last change of the object, by a row: the log's primary key must not serve.
macro_rules! last_change_of {
    ($id:literal) => {
        concat!(
            "LEFT JOIN LATERAL (
                SELECT tenant_id, seq, type, at, actor, request_id, traceparent, data::text AS data, object_id
                FROM changes
                WHERE shard = $1 AND (object_id, seq) <= (",
            $id,
            ", 9223372036854775807) AND object_id >= ",
            $id,
            "
                ORDER BY object_id DESC, seq DESC
                LIMIT 1
            ) told ON true"
        )
    };
}

/// The resource of each booking. One whose resource is not there has no name for it: no constraint looks for such, so it must
/// not be missed here.
macro_rules! place_of_booking {
    () => {
        "LEFT JOIN LATERAL (
            SELECT name, venue_id
            FROM resources
            WHERE shard = $1 AND tenant_id = b.tenant_id AND id = b.resource_id
            OFFSET 0
        ) place ON true
        CROSS JOIN LATERAL (
            SELECT coalesce(place.name, 'nowhere') AS name, coalesce(place.venue_id, b.resource_id) AS venue_id
        ) r "
    };
}

pub(crate) const ENDS: &str = "
    SELECT seq, floor,
        (SELECT seq FROM changes WHERE shard = $1 ORDER BY seq LIMIT 1),
        (SELECT seq FROM changes WHERE shard = $1 ORDER BY seq DESC LIMIT 1)
    FROM heads
    WHERE shard = $1";

pub(crate) const RUN: &str = "
    SELECT tenant_id, seq, type, at, actor, request_id, traceparent, data::text, object_id
    FROM changes
    WHERE shard = $1 AND seq > $2 AND seq <= $3
    ORDER BY seq
    LIMIT $4";

/// What the log says of itself, which is about no object.
pub(crate) const OF_ITSELF: &str = "
    SELECT tenant_id, seq, type, at, actor, request_id, traceparent, data::text, object_id
    FROM changes
    WHERE shard = $1 AND object_id = '00000000-0000-0000-0000-000000000000'";

/// Beside each booking: whether its resource is there, another that holds some of what it holds, and the last that the log has
/// of it.
pub(crate) const BOOKINGS: &str = concat!(
    "SELECT b.tenant_id, ",
    booking_columns!(),
    ", place.name IS NOT NULL, (
        SELECT o.id
        FROM bookings o
        WHERE o.shard = $1 AND o.resource_id = b.resource_id AND o.granted && b.granted AND o.id <> b.id
            AND o.granted IS NOT NULL
        LIMIT 1
    ), ",
    told_columns!(),
    "
    FROM (
        SELECT * FROM bookings WHERE shard = $1 AND (tenant_id, id) > ($2, $3) ORDER BY tenant_id, id LIMIT $4
    ) b ",
    place_of_booking!(),
    last_change_of!("b.id"),
    "
    ORDER BY b.tenant_id, b.id"
);

/// Beside each booking: what kind of change is the first that the log has of it after a position.
pub(crate) const BEGUN: &str = concat!(
    "SELECT b.tenant_id, ",
    booking_columns!(),
    ", first.seq, first.type
    FROM (
        SELECT * FROM bookings WHERE shard = $1 AND (tenant_id, id) > ($2, $3) ORDER BY tenant_id, id LIMIT $4
    ) b ",
    place_of_booking!(),
    "LEFT JOIN LATERAL (
        SELECT seq, type
        FROM changes
        WHERE shard = $1 AND (object_id, seq) > (b.id, $5) AND object_id <= b.id
        ORDER BY object_id, seq
        LIMIT 1
    ) first ON true
    ORDER BY b.tenant_id, b.id"
);

/// Beside each resource: its open wants, counted.
pub(crate) const RESOURCES: &str = concat!(
    "SELECT r.id, r.venue_id, r.name, r.shortest_seconds, r.longest_seconds, r.days_ahead, r.version, r.created_at,
        r.updated_at, r.tenant_id, r.open_wants::bigint, (
            SELECT count(*)
            FROM bookings
            WHERE shard = $1 AND resource_id = r.id AND status = 'PENDING' AND created_at > '-infinity'
        ), ",
    told_columns!(),
    "
    FROM (
        SELECT * FROM resources WHERE shard = $1 AND (tenant_id, id) > ($2, $3) ORDER BY tenant_id, id LIMIT $4
    ) r ",
    last_change_of!("r.id"),
    "
    ORDER BY r.tenant_id, r.id"
);

pub(crate) const VENUES: &str = concat!(
    "SELECT v.id, v.name, v.time_zone, v.address, v.version, v.created_at, v.updated_at, v.tenant_id, ",
    told_columns!(),
    "
    FROM (
        SELECT * FROM venues WHERE shard = $1 AND (tenant_id, id) > ($2, $3) ORDER BY tenant_id, id LIMIT $4
    ) v ",
    last_change_of!("v.id"),
    "
    ORDER BY v.tenant_id, v.id"
);

macro_rules! lost_from {
    ($table:literal) => {
        concat!(
            "SELECT told.tenant_id, told.id
            FROM unnest($2::uuid[], $3::uuid[]) AS told(tenant_id, id)
            LEFT JOIN LATERAL (
                SELECT id FROM ",
            $table,
            " WHERE shard = $1 AND tenant_id = told.tenant_id AND id = told.id OFFSET 0
            ) stored ON true
            WHERE stored.id IS NULL"
        )
    };
}

pub(crate) const NET: &str = "
    SELECT EXISTS (
        SELECT
        FROM pg_constraint
        WHERE conrelid = 'bookings'::regclass AND contype = 'x' AND conname LIKE 'bookings\\_no\\_overlap%'
            AND convalidated
    )";

/// Where a log begins and ends, in the table and by its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEnds {
    /// The seq of its last change, as the head has it.
    pub seq: Seq,
    /// The seq up to which it has been pruned, or leapt over.
    pub floor: Seq,
    /// The first change that is there.
    pub first: Option<Seq>,
    /// The last change that is there.
    pub last: Option<Seq>,
}

/// A row, and the last that the log has of its object, in the same snapshot.
#[derive(Debug, Clone)]
pub struct Stored<T> {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which object.
    pub id: Uuid,
    /// The row; an error when it breaks the rules of its texts or its status.
    pub row: Result<T, Error>,
    /// The last change of the object that the log has.
    pub told: Option<Recorded>,
}

/// A booking's row.
#[derive(Debug, Clone)]
pub struct StoredBooking {
    /// What it is; without its resource, the name of that and the venue are made up.
    pub booking: Booking,
    /// Whether its resource is there.
    pub has_resource: bool,
    /// Another booking that holds some of what this one holds: there must be none.
    pub overlaps: Option<BookingId>,
}

/// A resource's row.
#[derive(Debug, Clone)]
pub struct StoredResource {
    /// What people see of it.
    pub resource: Resource,
    /// How many open wants it says it has.
    pub open_wants: i64,
    /// How many of its bookings are `PENDING`.
    pub pending: i64,
}

/// A booking that may begin before the log, in the same snapshot.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Of which resource.
    pub resource_id: ResourceId,
    /// Which booking.
    pub id: BookingId,
    /// What it is now; an error when its row breaks the rules of its texts or its status.
    pub row: Result<Booking, Error>,
    /// The first change of it that the log has after the position, and the word for its kind.
    pub first: Option<(Seq, String)>,
}

/// The tables whose objects the log tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is named as its table")]
pub enum Table {
    Bookings,
    Resources,
    Venues,
}

/// The last object of the page before.
pub type After = Option<(TenantId, Uuid)>;

impl Database {
    /// Where a shard's log begins and ends.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn log_ends(&self, shard: Shard) -> Result<LogEnds, Error> {
        let rows = self.read(ENDS, &[&shard.number()]).await?;
        let row = rows.first().ok_or(Error::Defect("a shard without a head"))?;
        let seq = |place| row.get::<_, Option<i64>>(place).map(Seq);
        Ok(LogEnds { seq: Seq(row.get(0)), floor: Seq(row.get(1)), first: seq(2), last: seq(3) })
    }

    /// At most `limit` changes after `after` up to `until`, in order.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn log_run(
        &self,
        shard: Shard,
        after: Seq,
        until: Seq,
        limit: i64,
    ) -> Result<Vec<Recorded>, Error> {
        let rows = self.read(RUN, &[&shard.number(), &after.0, &until.0, &limit]).await?;
        Ok(rows.iter().map(|row| recorded(row, 0)).collect())
    }

    /// What a log says of itself: its leaps, and when its clock was set back.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn log_of_itself(&self, shard: Shard) -> Result<Vec<Recorded>, Error> {
        let rows = self.read(OF_ITSELF, &[&shard.number()]).await?;
        Ok(rows.iter().map(|row| recorded(row, 0)).collect())
    }

    /// A page of a shard's bookings, by tenant and id.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn stored_bookings(
        &self,
        shard: Shard,
        after: After,
        limit: i64,
    ) -> Result<Vec<Stored<StoredBooking>>, Error> {
        let rows = self.page(BOOKINGS, shard, after, limit).await?;
        let stored = |row: &Row| {
            let has_resource = row.get(18);
            let overlaps = row.get::<_, Option<Uuid>>(19).map(BookingId::from);
            let booking = bookings::from_row(row, 1);
            Stored {
                tenant_id: row.get::<_, Uuid>(0).into(),
                id: row.get(1),
                row: booking.map(|booking| StoredBooking { booking, has_resource, overlaps }),
                told: told(row, 20),
            }
        };
        Ok(rows.iter().map(stored).collect())
    }

    /// A page of a shard's bookings, by tenant and id, with how each goes on in the log after `log_after`.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn begun_bookings(
        &self,
        shard: Shard,
        log_after: Seq,
        after: After,
        limit: i64,
    ) -> Result<Vec<Begun>, Error> {
        let (tenant, id) = place(after);
        let params: [&(dyn ToSql + Sync); 5] = [&shard.number(), &tenant, &id, &limit, &log_after.0];
        let rows = self.read(BEGUN, &params).await?;
        let begun = rows.iter().map(|row| Begun {
            tenant_id: row.get::<_, Uuid>(0).into(),
            resource_id: row.get::<_, Uuid>(2).into(),
            id: row.get::<_, Uuid>(1).into(),
            row: bookings::from_row(row, 1),
            first: row.get::<_, Option<i64>>(18).map(|seq| (Seq(seq), row.get(19))),
        });
        Ok(begun.collect())
    }

    /// A page of a shard's resources, by tenant and id.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn stored_resources(
        &self,
        shard: Shard,
        after: After,
        limit: i64,
    ) -> Result<Vec<Stored<StoredResource>>, Error> {
        let rows = self.page(RESOURCES, shard, after, limit).await?;
        let stored = |row: &Row| {
            let (open_wants, pending) = (row.get(10), row.get(11));
            let resource = resources::from_row(row);
            Stored {
                tenant_id: row.get::<_, Uuid>(9).into(),
                id: row.get(0),
                row: resource.map(|resource| StoredResource { resource, open_wants, pending }),
                told: told(row, 12),
            }
        };
        Ok(rows.iter().map(stored).collect())
    }

    /// A page of a shard's venues, by tenant and id.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn stored_venues(
        &self,
        shard: Shard,
        after: After,
        limit: i64,
    ) -> Result<Vec<Stored<Venue>>, Error> {
        let rows = self.page(VENUES, shard, after, limit).await?;
        let stored = |row: &Row| Stored {
            tenant_id: row.get::<_, Uuid>(7).into(),
            id: row.get(0),
            row: venues::from_row(row),
            told: told(row, 8),
        };
        Ok(rows.iter().map(stored).collect())
    }

    /// Those of these objects, which the log tells of, that the table does not have.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn lost_from(
        &self,
        table: Table,
        shard: Shard,
        objects: &[(TenantId, Uuid)],
    ) -> Result<Vec<(TenantId, Uuid)>, Error> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let statement = match table {
            Table::Bookings => lost_from!("bookings"),
            Table::Resources => lost_from!("resources"),
            Table::Venues => lost_from!("venues"),
        };
        let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) = objects.iter().map(|(t, id)| (t.uuid(), *id)).unzip();
        let rows = self.read(statement, &[&shard.number(), &tenants, &ids]).await?;
        Ok(rows.iter().map(|row| (row.get::<_, Uuid>(0).into(), row.get(1))).collect())
    }

    /// Whether the constraint that refuses two overlapping grants is there.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn has_net(&self) -> Result<bool, Error> {
        Ok(self.read(NET, &[]).await?.first().is_some_and(|row| row.get(0)))
    }

    async fn page(&self, statement: &str, shard: Shard, after: After, limit: i64) -> Result<Vec<Row>, Error> {
        let (tenant, id) = place(after);
        self.read(statement, &[&shard.number(), &tenant, &id, &limit]).await
    }

    /// The rows of one statement.
    pub(crate) async fn read(
        &self,
        statement: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        self.ask(async |client: &Object| {
            Ok(client.query(&client.prepare_cached(statement).await?, params).await?)
        })
        .await
    }
}

fn place(after: After) -> (Uuid, Uuid) {
    after.map_or((Uuid::nil(), Uuid::nil()), |(tenant, id)| (tenant.uuid(), id))
}

fn told(row: &Row, first: usize) -> Option<Recorded> {
    row.get::<_, Option<i64>>(first + 1).map(|_| recorded(row, first))
}

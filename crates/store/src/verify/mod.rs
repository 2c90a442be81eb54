//! What is read to hold the tables against the log, page by page, each page in one statement: what stands beside each
//! other in it is of one snapshot, so it agrees however much is written meanwhile. Never here: a head, a transaction of
//! several statements, and what is to be thought of it.

mod lines;
mod rows;
mod statements;
mod unit_rows;
mod unit_statements;
mod units;

use deadpool_postgres::Object;
use holdfast_domain::{BookingId, Seq, Shard, TenantId, Venue, change::Recorded};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{Database, Error, bookings, changes::recorded, resources, venues};
use lines::LOST_ENTRIES;
#[cfg(test)]
pub(crate) use lines::{BEGUN_ENTRIES, ENTRIES};
pub use lines::{BegunEntry, StoredEntry};
pub use rows::{After, Begun, LogEnds, Stored, StoredBooking, StoredResource, Table};
pub(crate) use statements::{BEGUN, BOOKINGS, ENDS, OF_ITSELF, RESOURCES, RUN, VENUES};
use statements::{LOST_BOOKINGS, LOST_RESOURCES, LOST_VENUES, NET};
pub use unit_rows::{
    BegunEvent, BegunReservation, Seating, SectionTaken, StoredEvent, StoredLine, StoredReservation,
    StoredSeats, UnitNets,
};
#[cfg(test)]
pub(crate) use unit_statements::{BEGUN_EVENTS, BEGUN_RESERVATIONS, EVENTS, RESERVATIONS, SEATS};
use unit_statements::{LOST_EVENTS, LOST_RESERVATIONS};

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
            first: first(row, 18),
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
            Table::Bookings => LOST_BOOKINGS,
            Table::Resources => LOST_RESOURCES,
            Table::Venues => LOST_VENUES,
            Table::Events => LOST_EVENTS,
            Table::Reservations => LOST_RESERVATIONS,
            Table::Waitlist => LOST_ENTRIES,
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

fn first(row: &Row, column: usize) -> Option<(Seq, String)> {
    row.get::<_, Option<i64>>(column).map(|seq| (Seq(seq), row.get(column + 1)))
}

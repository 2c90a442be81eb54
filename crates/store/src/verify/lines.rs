//! Who stands in line for units of events, and who did, read page by page to be held against the log.

use holdfast_domain::{EventId, Seq, Shard, TenantId, WaitlistEntry, WaitlistEntryId};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    After, Stored, first, place,
    statements::{last_change_of, lost_from, told_columns},
    told,
    unit_statements::first_change_of,
};
use crate::{
    Database, Error,
    waitlist::{self, COLUMNS, entry_columns},
};

/// A page of entries `w`.
macro_rules! page_of_entries {
    () => {
        "(
        SELECT * FROM waitlist WHERE shard = $1 AND (tenant_id, id) > ($2, $3) ORDER BY tenant_id, id LIMIT $4
    ) w "
    };
}

/// The event of each entry. One whose event is not there is not missed.
macro_rules! event_of_any_entry {
    () => {
        "LEFT JOIN LATERAL (
            SELECT venue_id FROM events WHERE shard = $1 AND tenant_id = w.tenant_id AND id = w.event_id OFFSET 0
        ) place ON true
        CROSS JOIN LATERAL (
            SELECT coalesce(place.venue_id, w.event_id) AS venue_id
        ) e "
    };
}

/// Beside each entry: whether its event is there, the digest of its request, and the last that the log has of it.
pub(crate) const ENTRIES: &str = concat!(
    "SELECT ",
    entry_columns!(),
    ", place.venue_id IS NOT NULL, w.request_id, ",
    told_columns!(),
    "
    FROM ",
    page_of_entries!(),
    event_of_any_entry!(),
    last_change_of!("w.id"),
    "
    ORDER BY w.tenant_id, w.id"
);

/// Beside each entry: what kind of change is the first that the log has of it after a position.
pub(crate) const BEGUN_ENTRIES: &str = concat!(
    "SELECT ",
    entry_columns!(),
    ", first.seq, first.type
    FROM ",
    page_of_entries!(),
    event_of_any_entry!(),
    first_change_of!("w.id"),
    "
    ORDER BY w.tenant_id, w.id"
);

pub(super) const LOST_ENTRIES: &str = lost_from!("waitlist");

/// The row of an entry of a waiting list.
#[derive(Debug, Clone)]
pub struct StoredEntry {
    /// What it is; without its event, the venue is made up.
    pub entry: WaitlistEntry,
    /// Whether its event is there.
    pub has_event: bool,
    /// Whether it stands with those who ask for the same.
    pub is_with_its_like: bool,
}

/// An entry that may begin before the log, in one snapshot.
#[derive(Debug, Clone)]
pub struct BegunEntry {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Of the line of which event.
    pub event_id: EventId,
    /// Which entry.
    pub id: WaitlistEntryId,
    /// What it is now; an error when its row breaks the rules of its texts or its status.
    pub row: Result<WaitlistEntry, Error>,
    /// The first change of it that the log has after the position, and the word for its kind.
    pub first: Option<(Seq, String)>,
}

impl Database {
    /// A page of a shard's waiting list entries, by tenant and id.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn stored_waitlist(
        &self,
        shard: Shard,
        after: After,
        limit: i64,
    ) -> Result<Vec<Stored<StoredEntry>>, Error> {
        let rows = self.page(ENTRIES, shard, after, limit).await?;
        let stored = |row: &Row| Stored {
            tenant_id: row.get::<_, Uuid>(0).into(),
            id: row.get(1),
            row: waitlist::from_row(row, 0).map(|found| StoredEntry {
                has_event: row.get(COLUMNS),
                is_with_its_like: waitlist::request_id(&found.entry.request)
                    == row.get::<_, Uuid>(COLUMNS + 1),
                entry: found.entry,
            }),
            told: told(row, COLUMNS + 2),
        };
        Ok(rows.iter().map(stored).collect())
    }

    /// A page of a shard's waiting list entries, by tenant and id, with how each goes on in the log after `log_after`.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn begun_waitlist(
        &self,
        shard: Shard,
        log_after: Seq,
        after: After,
        limit: i64,
    ) -> Result<Vec<BegunEntry>, Error> {
        let (tenant, id) = place(after);
        let params: [&(dyn ToSql + Sync); 5] = [&shard.number(), &tenant, &id, &limit, &log_after.0];
        let rows = self.read(BEGUN_ENTRIES, &params).await?;
        let begun = |row: &Row| BegunEntry {
            tenant_id: row.get::<_, Uuid>(0).into(),
            event_id: row.get::<_, Uuid>(2).into(),
            id: row.get::<_, Uuid>(1).into(),
            row: waitlist::from_row(row, 0).map(|found| found.entry),
            first: first(row, COLUMNS),
        };
        Ok(rows.iter().map(begun).collect())
    }
}

//! What is read of waiting lists: where somebody stands, and who does. Each answer is of one snapshot. Never here: a head.

use holdfast_domain::{EventId, Seq, Shard, TenantId, UserId, WaitlistEntry};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    Database, Error,
    program::clock,
    waitlist::{self, entry_columns, event_of_entry},
};

/// A user's last entry for an event; how many stand before it, of whom there are never more, and how many
/// of the last offers to somebody who had waited were made since when.
pub(crate) const PLACE: &str = concat!(
    "SELECT ",
    entry_columns!(),
    ", head.at, (
        SELECT count(*)
        FROM (
            SELECT
            FROM waitlist
            WHERE shard = $1 AND event_id = $3 AND rank > 0 AND rank < w.rank AND status = 'WAITING'
            ORDER BY rank
            LIMIT 100000
        ) before
    ), offers.count, offers.since
    FROM (
        SELECT *
        FROM waitlist
        WHERE shard = $1 AND event_id = $3 AND user_id = $4 AND created_at > '-infinity' AND tenant_id = $2
        ORDER BY rank DESC
        LIMIT 1
    ) w ",
    clock!(),
    event_of_entry!(),
    "
    CROSS JOIN LATERAL (
        SELECT count(*), min(updated_at) AS since
        FROM (
            SELECT updated_at
            FROM (
                SELECT updated_at, created_at
                FROM waitlist
                WHERE shard = $1 AND event_id = $3 AND status = 'OFFERED'
                ORDER BY updated_at DESC
                LIMIT 200
            ) recent
            WHERE created_at < updated_at
            LIMIT 20
        ) last
    ) offers"
);

/// Who stands in the line of an event, behind a rank; with whether there is the event.
pub(crate) const WAITING: &str = concat!(
    "SELECT ",
    entry_columns!(),
    "
    FROM (
        SELECT *
        FROM waitlist
        WHERE shard = $1 AND event_id = $3 AND status = 'WAITING' AND rank > 0 AND rank > $4 AND tenant_id = $2
        ORDER BY rank
        LIMIT $5
    ) w",
    event_of_entry!(),
    "
    ORDER BY w.rank"
);

const IS_THERE: &str = "SELECT EXISTS (SELECT FROM events WHERE shard = $1 AND tenant_id = $2 AND id = $3)";

/// A place in line, and what stands before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitlistNow {
    /// The place.
    pub entry: WaitlistEntry,
    /// How many stand before it; none unless it stands in line.
    pub ahead: Option<i64>,
    /// How long it takes if it goes on as it did for the last twenty offers; none when there were none, or it does not wait.
    pub wait: Option<Duration>,
    /// The shard's clock.
    pub at: OffsetDateTime,
}

impl Database {
    /// The last place that a user took in the line of an event, if they ever took one.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn waitlist_place(
        &self,
        tenant: TenantId,
        event: EventId,
        user: &UserId,
    ) -> Result<Option<WaitlistNow>, Error> {
        let (reading, shard) = (self.reading().await?, Shard::of(tenant).number());
        let rows = reading.query(PLACE, &[&shard, &tenant.uuid(), &event.uuid(), &user.as_str()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let entry = waitlist::from_row(row, 0)?.entry;
        let (at, ahead): (OffsetDateTime, i64) = (row.get(waitlist::COLUMNS), row.get(waitlist::COLUMNS + 1));
        let (offers, since): (i64, Option<OffsetDateTime>) =
            (row.get(waitlist::COLUMNS + 2), row.get(waitlist::COLUMNS + 3));
        let waits = entry.is_waiting();
        let wait = since.filter(|_| waits).map(|since| guess(ahead, offers, at - since));
        Ok(Some(WaitlistNow { ahead: waits.then_some(ahead), wait, at, entry }))
    }

    /// Who stands in the line of an event behind a rank, in its order; nothing when there is no such event.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn waitlist(
        &self,
        tenant: TenantId,
        event: EventId,
        after: Seq,
        limit: i64,
    ) -> Result<Option<Vec<WaitlistEntry>>, Error> {
        let (reading, shard) = (self.reading().await?, Shard::of(tenant).number());
        let (tenant, event): (Uuid, Uuid) = (tenant.uuid(), event.uuid());
        let rows = reading.query(WAITING, &[&shard, &tenant, &event, &after.0, &limit]).await?;
        if rows.is_empty() {
            let is_there = reading.query(IS_THERE, &[&shard, &tenant, &event]).await?;
            if !is_there.first().is_some_and(|row| row.get(0)) {
                return Ok(None);
            }
        }
        let entry = |row| Ok(waitlist::from_row(row, 0)?.entry);
        rows.iter().map(entry).collect::<Result<_, Error>>().map(Some)
    }
}

/// How long it takes until `ahead` others and one more are offered something, when so many were in that time.
fn guess(ahead: i64, offers: i64, took: Duration) -> Duration {
    let number = |count: i64| i32::try_from(count).unwrap_or(i32::MAX).max(1);
    (took.max(Duration::ZERO) / number(offers)).saturating_mul(number(ahead.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guess_is_as_long_as_the_last_offers_took_for_as_many() {
        assert_eq!(guess(0, 20, Duration::seconds(40)), Duration::seconds(2));
        assert_eq!(guess(9, 20, Duration::seconds(40)), Duration::seconds(20));
        assert_eq!(guess(0, 1, Duration::seconds(30)), Duration::seconds(30));
        assert_eq!(guess(5, 3, Duration::seconds(-1)), Duration::ZERO);
    }
}

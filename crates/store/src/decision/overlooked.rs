//! The look for what the decision has missed: a want that is open, dealt with, and would fit. There must be
//! none; a find is a defect of ours, and its resource is decided.

use deadpool_postgres::Object;
use holdfast_domain::{ResourceId, Shard, rules::BookingLimits};
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{Database, Error};

/// A page of a shard's open wants, and of those the ones that fit though nothing is left to do for their resource:
/// ranked at or below the cursor, with no change of their resource behind it. One snapshot, without the head.
pub(crate) const OVERLOOKED: &str = "
    WITH head AS MATERIALIZED (
        SELECT decided, greatest(at, clock_timestamp()) AS at FROM heads WHERE shard = $1
    ), page AS MATERIALIZED (
        SELECT resource_id, id, wanted_start_at, wanted_end_at, rank, decide_by
        FROM bookings
        WHERE shard = $1 AND decide_by IS NOT NULL AND (decide_by, id) > ($2, $3)
        ORDER BY decide_by, id
        LIMIT $4
    )
    SELECT page.resource_id, page.decide_by, page.id, page.rank <= head.decided AND page.wanted_end_at > head.at
        AND NOT EXISTS (
            SELECT
            FROM bookings held
            WHERE held.shard = $1 AND held.resource_id = page.resource_id AND held.status = 'VALID'
                AND held.created_at > '-infinity'
                AND held.wanted_start_at > page.wanted_start_at - $5 * interval '1 second'
                AND held.wanted_start_at < page.wanted_end_at AND held.wanted_end_at > page.wanted_start_at
        )
        AND NOT EXISTS (
            SELECT
            FROM bookings moving
            WHERE moving.shard = $1 AND moving.resource_id = page.resource_id AND moving.status = 'PENDING'
                AND moving.granted IS NOT NULL AND moving.id <> page.id
                AND (moving.granted && tstzrange(page.wanted_start_at, page.wanted_end_at)) IS TRUE
        )
        AND NOT EXISTS (
            SELECT
            FROM changes c
            WHERE c.shard = $1 AND c.seq > head.decided AND c.resource_id = page.resource_id
        )
    FROM page CROSS JOIN head
    ORDER BY page.decide_by, page.id";

/// Most wants looked at in one transaction.
const PAGE: i64 = 1_000;

impl Database {
    /// The resources of `shard` with an open want that the decision has passed by though it fits, page by page.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn overlooked(&self, shard: Shard) -> Result<Vec<ResourceId>, Error> {
        let longest = f64::from(BookingLimits::LONGEST_SECONDS);
        let mut found: Vec<ResourceId> = Vec::new();
        let mut after = (OffsetDateTime::UNIX_EPOCH, Uuid::nil());
        loop {
            let rows = self.ask(async |client: &Object| {
                let statement = client.prepare_cached(OVERLOOKED).await?;
                let page: [&(dyn ToSql + Sync); 5] = [&shard.number(), &after.0, &after.1, &PAGE, &longest];
                Ok(client.query(&statement, &page).await?)
            });
            let rows = rows.await?;
            let overlooked = rows.iter().filter(|row| row.get(3));
            found.extend(overlooked.map(|row| ResourceId::from(row.get::<_, Uuid>(0))));
            // Every page is full but the last.
            match rows.last() {
                Some(last) if i64::try_from(rows.len()) == Ok(PAGE) => {
                    after = (last.get(1), last.get(2));
                }
                _ => break,
            }
        }
        found.sort_unstable();
        found.dedup();
        self.meters.passed_by(found.len());
        Ok(found)
    }
}

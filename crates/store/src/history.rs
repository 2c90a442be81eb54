//! What became of one object: its changes, from the log.

use holdfast_domain::{Seq, Shard, TenantId, change::Recorded};
use uuid::Uuid;

use crate::{Database, Error, changes::recorded};

// Compared as a row and ordered by what is the same in all of them, so that the log's primary key can't serve: it would
// be read from `after` to its end.
pub(crate) const OF_OBJECT: &str = "
    SELECT tenant_id, seq, type, at, actor, request_id, traceparent, data::text, object_id
    FROM changes
    WHERE shard = $1 AND (object_id, seq) > ($2, $3) AND object_id <= $2 AND tenant_id = $4
    ORDER BY object_id, seq
    LIMIT $5";

impl Database {
    /// At most `limit` changes of a tenant's object after `after`, in order.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn history(
        &self,
        tenant: TenantId,
        id: Uuid,
        after: Seq,
        limit: i64,
    ) -> Result<Vec<Recorded>, Error> {
        let reading = self.reading().await?;
        let shard = Shard::of(tenant).number();
        let rows = reading.query(OF_OBJECT, &[&shard, &id, &after.0, &tenant.uuid(), &limit]).await?;
        Ok(rows.iter().map(|row| recorded(row, 0)).collect())
    }
}

//! A tenant's part of its shard's log, page by page, and how far the log was read for it: tenants share a shard, so the
//! seqs of one have gaps. Never here: who may see what of a change.

use holdfast_domain::{Seq, Shard, TenantId, change::Recorded};

use crate::{Database, Error, changes::recorded};

/// The head and what the tenant has behind `$3`, in one snapshot: a head from a later one would claim as read what was
/// not. Compared as rows and ordered by what is the same in all of them, so that the log's primary key can't serve: with
/// it, a quiet tenant would be looked for in all that its neighbours did.
pub(crate) const OF_TENANT: &str = "
    SELECT head.seq, head.floor,
        c.tenant_id, c.seq, c.type, c.at, c.actor, c.request_id, c.traceparent, c.data, c.object_id
    FROM (SELECT seq, floor FROM heads WHERE shard = $1) head
    LEFT JOIN LATERAL (
        SELECT tenant_id, seq, type, at, actor, request_id, traceparent, data::text AS data, object_id
        FROM changes
        WHERE shard = $1 AND (tenant_id, seq) > ($2, $3) AND (tenant_id, seq) <= ($2, head.seq)
            AND $3 >= head.floor
        ORDER BY tenant_id, seq
        LIMIT $4
    ) c ON true
    ORDER BY c.seq";

/// What the log has for a tenant behind a seq.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Log {
    /// All of it, or the first of it.
    Page(LogPage),
    /// That seq lies below the floor or beyond the head: what a reader who was there has missed can't be told whole.
    Gone {
        /// The seq up to which the log has been pruned.
        floor: Seq,
        /// The seq of its last change.
        seq: Seq,
    },
}

/// A page of a tenant's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// In order.
    pub changes: Vec<Recorded>,
    /// How far the log was read for them: to the last of a full page, else to the head of the same snapshot.
    pub read_to: Seq,
}

impl Database {
    /// At most `limit` of a tenant's changes after `after`.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn log_of(&self, tenant: TenantId, after: Seq, limit: i64) -> Result<Log, Error> {
        let reading = self.reading().await?;
        let shard = Shard::of(tenant).number();
        let rows = reading.query(OF_TENANT, &[&shard, &tenant.uuid(), &after.0, &limit]).await?;
        let head = rows.first().ok_or(Error::Defect("a shard without a head"))?;
        let (seq, floor) = (Seq(head.get(0)), Seq(head.get(1)));
        if after < floor || after > seq {
            return Ok(Log::Gone { floor, seq });
        }
        // The head's row comes alone when there is nothing to go with it.
        let found = rows.iter().filter(|row| row.get::<_, Option<i64>>(3).is_some());
        let changes: Vec<Recorded> = found.map(|row| recorded(row, 2)).collect();
        let is_full = i64::try_from(changes.len()).is_ok_and(|count| count >= limit);
        let read_to = if is_full { changes.last().map_or(after, |last| last.seq) } else { seq };
        Ok(Log::Page(LogPage { changes, read_to }))
    }
}

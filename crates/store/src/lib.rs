//! PostgreSQL, and the only crate that knows SQL.

use holdfast_domain::{Seq, Shard, change::Recorded};

/// Stub.
#[derive(Debug, Clone, Default)]
pub struct Database {
    /// The stub's log.
    pub log: std::sync::Arc<std::sync::Mutex<Vec<(Shard, Recorded)>>>,
}

/// Stub.
#[derive(Debug, Clone, Copy)]
pub struct HeadRow {
    /// The shard.
    pub shard: Shard,
    /// Its log's end.
    pub seq: Seq,
    /// How far it is decided.
    pub decided: Seq,
    /// What was pruned.
    pub floor: Seq,
}

/// Stub.
#[derive(Debug, thiserror::Error)]
#[error("stub")]
pub struct Error;

#[expect(
    clippy::missing_errors_doc,
    clippy::unused_async,
    clippy::unwrap_used,
    reason = "stub"
)]
impl Database {
    /// Stub.
    pub async fn heads(&self) -> Result<Vec<HeadRow>, Error> {
        let log = self.log.lock().unwrap();
        let end = |shard| {
            log.iter()
                .filter(|(s, _)| *s == shard)
                .map(|(_, r)| r.seq)
                .max()
                .unwrap_or_default()
        };
        Ok(Shard::all()
            .map(|shard| HeadRow {
                shard,
                seq: end(shard),
                decided: Seq(0),
                floor: Seq(0),
            })
            .collect())
    }

    /// Stub.
    pub async fn log_after(&self, shard: Shard, after: Seq, limit: i64) -> Result<Vec<Recorded>, Error> {
        let log = self.log.lock().unwrap();
        let rows = log
            .iter()
            .filter(|(s, r)| *s == shard && r.seq > after)
            .map(|(_, r)| r.clone());
        Ok(rows.take(usize::try_from(limit).unwrap()).collect())
    }
}

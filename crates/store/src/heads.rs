//! The table `heads`: where each shard's log ends.

use deadpool_postgres::Object;
use holdfast_domain::{Seq, Shard};
use time::OffsetDateTime;
use tokio_postgres::Row;

use crate::{Database, Error};

/// Waits for the shard's row and holds it. Nothing else is read here: see [`crate::Head`].
pub(crate) const LOCK: &str = "SELECT seq, decided, at FROM heads WHERE shard = $1 FOR UPDATE";

/// The server's clock, read after the lock has been waited for; `now()` is older than the wait.
pub(crate) const CLOCK: &str = "SELECT clock_timestamp()";

pub(crate) const WRITE: &str = "UPDATE heads SET seq = $2, decided = $3, at = $4 WHERE shard = $1";

/// What [`LOCK`] reads.
pub(crate) struct Locked {
    pub(crate) seq: Seq,
    pub(crate) decided: Seq,
    pub(crate) at: OffsetDateTime,
}

impl Locked {
    pub(crate) fn from_row(row: &Row) -> Self {
        Self { seq: Seq(row.get(0)), decided: Seq(row.get(1)), at: row.get(2) }
    }
}

/// Where one shard stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadRow {
    /// Which shard.
    pub shard: Shard,
    /// The seq of its last change.
    pub seq: Seq,
    /// The seq up to which the decision has dealt with it.
    pub decided: Seq,
    /// The seq up to which its log has been pruned.
    pub floor: Seq,
}

impl Database {
    /// All heads, by shard.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn heads(&self) -> Result<Vec<HeadRow>, Error> {
        let all = "SELECT shard, seq, decided, floor FROM heads ORDER BY shard";
        let rows = self
            .ask(async |client: &Object| Ok(client.query(&client.prepare_cached(all).await?, &[]).await?));
        rows.await?.iter().map(from_row).collect()
    }

    /// The head of one shard.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn head(&self, shard: Shard) -> Result<HeadRow, Error> {
        let one = "SELECT shard, seq, decided, floor FROM heads WHERE shard = $1";
        let row = self.ask(async |client: &Object| {
            Ok(client.query_one(&client.prepare_cached(one).await?, &[&shard.number()]).await?)
        });
        from_row(&row.await?)
    }
}

fn from_row(row: &Row) -> Result<HeadRow, Error> {
    Ok(HeadRow {
        shard: Shard::new(row.get(0)).ok_or(Error::Defect("a head beyond the last shard"))?,
        seq: Seq(row.get(1)),
        decided: Seq(row.get(2)),
        floor: Seq(row.get(3)),
    })
}

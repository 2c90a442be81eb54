//! The table `heads`: where each shard's log ends.

use deadpool_postgres::Object;
use holdfast_domain::{Seq, Shard};
use time::OffsetDateTime;
use tokio_postgres::Row;

use crate::{Database, Error, changes::append};

/// Waits for the shard's row and holds it, and then reads the server's clock: what is asked of the locked row is computed
/// when that is had, while `now()`, or a clock in the locking query itself, is older than the wait. Nothing else is read
/// here: see [`crate::Head`].
pub(crate) const LOCK: &str = "
    WITH locked AS MATERIALIZED (
        SELECT seq, decided, floor, at FROM heads WHERE shard = $1 FOR UPDATE
    )
    SELECT seq, decided, floor, at, clock_timestamp() FROM locked";

/// Appends to the log, and writes the head with where it ends now.
pub(crate) const WRITE: &str = concat!(
    "
    WITH appended AS (",
    append!(),
    "
    )
    UPDATE heads SET seq = $13, decided = $14, floor = $15, at = $2 WHERE shard = $1"
);

/// What [`LOCK`] reads.
pub(crate) struct Locked {
    pub(crate) seq: Seq,
    pub(crate) decided: Seq,
    pub(crate) floor: Seq,
    pub(crate) at: OffsetDateTime,
    /// The server's clock.
    pub(crate) now: OffsetDateTime,
}

impl Locked {
    pub(crate) fn from_row(row: &Row) -> Self {
        let (seq, decided, floor) = (Seq(row.get(0)), Seq(row.get(1)), Seq(row.get(2)));
        Self { seq, decided, floor, at: row.get(3), now: row.get(4) }
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

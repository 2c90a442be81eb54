//! Pruning: the oldest changes of a log are forgotten, a thousand a transaction, and its floor rises with them.
//!
//! Never the last change, by which a stream is held against its log, and never what the decision has not dealt with.

use holdfast_domain::{Seq, Shard};
use time::{Duration, OffsetDateTime};

use crate::{Database, Error, Head, head::CommitError};

/// Most changes forgotten in one transaction.
const PRUNED: i64 = 1_000;

/// The last of the oldest changes that are old enough, and how many go with it. A clock that was set back may have left a
/// younger time before an older one: it goes along.
pub(crate) const OLDEST: &str = "
    SELECT max(seq)
    FROM (SELECT seq, at FROM changes WHERE shard = $1 ORDER BY seq LIMIT $4) oldest
    WHERE at <= $2 AND seq <= $3";

pub(crate) const PRUNE: &str = "DELETE FROM changes WHERE shard = $1 AND seq <= $2";

impl Database {
    /// Forgets changes of `shard` that are older than `kept`, a thousand at most; whether there may be more.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked, or the head can't be had.
    pub async fn prune(&self, shard: Shard, kept: Duration) -> Result<bool, Error> {
        if !self.has_prunable(shard, kept).await? {
            return Ok(false);
        }
        let mut head = Head::take(self, shard).await?;
        let most = head.decided().min(head.seq().previous());
        let (oldest, prune) =
            (head.client().prepare_cached(OLDEST).await?, head.client().prepare_cached(PRUNE).await?);
        let number = shard.number();
        let before = head.at() - kept;
        let row = head.client().query_one(&oldest, &[&number, &before, &most.0, &PRUNED]).await?;
        let Some(floor) = row.get::<_, Option<i64>>(0) else {
            head.rollback().await;
            return Ok(false);
        };
        let pruned = head.client().execute(&prune, &[&number, &floor]).await?;
        head.raise_floor(Seq(floor));
        head.write_and_commit(async |_: &Head| Ok(())).await.map_err(CommitError::into_error)?;
        Ok(pruned >= PRUNED.unsigned_abs())
    }

    /// A look without the head, on the same terms.
    async fn has_prunable(&self, shard: Shard, kept: Duration) -> Result<bool, Error> {
        let head = self.head(shard).await?;
        let most = head.decided.min(head.seq.previous());
        let client = self.connection().await?;
        let clock = client.prepare_cached(crate::heads::CLOCK).await?;
        let before = client.query_one(&clock, &[]).await?.get::<_, OffsetDateTime>(0) - kept;
        let oldest = client.prepare_cached(OLDEST).await?;
        let row = client.query_one(&oldest, &[&shard.number(), &before, &most.0, &1_i64]).await?;
        Ok(row.get::<_, Option<i64>>(0).is_some())
    }
}

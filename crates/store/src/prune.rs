//! Pruning: the oldest changes of a log are forgotten, a thousand a transaction, and its floor rises with them.
//!
//! Never the last change, by which a stream is held against its log, and never what the decision has not dealt with.

use deadpool_postgres::Object;
use holdfast_domain::{Seq, Shard};
use time::{Duration, OffsetDateTime};
use tokio_postgres::types::ToSql;

use crate::{Database, Error, Head, StepLimits, decision, head::CommitError, heads};

/// Most changes forgotten in one transaction.
const PRUNED: i64 = 1_000;

/// The last of the oldest changes that are old enough. A clock that was set back may have left a later time before an
/// earlier one: that goes along.
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
        let client = head.client();
        let most = prunable(client, shard, head.decided(), head.seq()).await?;
        let Some(floor) = oldest(client, shard, head.at() - kept, most, PRUNED).await? else {
            head.rollback().await;
            return Ok(false);
        };
        let prune = client.prepare_cached(PRUNE).await?;
        let pruned = client.execute(&prune, &[&shard.number(), &floor.0]).await?;
        head.raise_floor(floor);
        head.set_decided(floor.max(head.decided()));
        head.write_and_commit(async |_: &Head| Ok(())).await.map_err(CommitError::into_error)?;
        Ok(pruned >= PRUNED.unsigned_abs())
    }

    /// A look without the head, on the same terms.
    async fn has_prunable(&self, shard: Shard, kept: Duration) -> Result<bool, Error> {
        let head = self.head(shard).await?;
        self.ask(async |client: &Object| {
            let clock = client.prepare_cached(heads::CLOCK).await?;
            let now: OffsetDateTime = client.query_one(&clock, &[]).await?.get(0);
            let most = prunable(client, shard, head.decided, head.seq).await?;
            Ok(oldest(client, shard, now - kept, most, 1).await?.is_some())
        })
        .await
    }
}

/// The last change that may be forgotten: all but the last, if there is nothing to decide in those after the cursor, which
/// moves only when it must.
async fn prunable(client: &Object, shard: Shard, decided: Seq, last: Seq) -> Result<Seq, Error> {
    let look = decision::look(client, shard, StepLimits::default().window).await?;
    Ok(if look.work { decided } else { last }.min(last.previous()))
}

async fn oldest(
    client: &Object,
    shard: Shard,
    before: OffsetDateTime,
    most: Seq,
    count: i64,
) -> Result<Option<Seq>, Error> {
    let statement = client.prepare_cached(OLDEST).await?;
    let params: [&(dyn ToSql + Sync); 4] = [&shard.number(), &before, &most.0, &count];
    Ok(client.query_one(&statement, &params).await?.get::<_, Option<i64>>(0).map(Seq))
}

//! Pruning: the oldest changes of a log are forgotten, a thousand a transaction, and its floor rises with them.
//!
//! Never the last change, by which a stream is held against its log, and never what the decision has not dealt with.

use deadpool_postgres::Object;
use holdfast_domain::{Seq, Shard};
use time::{Duration, OffsetDateTime};
use tokio_postgres::types::ToSql;

use crate::{Database, Error, Head, StepLimits, decision, head::bounded};

/// Most changes forgotten in one transaction.
const PRUNED: i64 = 1_000;

/// Where the log begins, in the table.
pub(crate) const FIRST: &str = "SELECT seq FROM changes WHERE shard = $1 ORDER BY seq LIMIT 1";

/// The last of the oldest changes that are old enough, from `$5` on: before that the index has the places of what was
/// forgotten, until they are vacuumed. A clock that was set back may have left a later time before an earlier one: that
/// goes along.
pub(crate) const OLDEST: &str = "
    SELECT max(seq)
    FROM (SELECT seq, at FROM changes WHERE shard = $1 AND seq >= $5 ORDER BY seq LIMIT $4) oldest
    WHERE at <= $2 AND seq <= $3";

pub(crate) const PRUNE: &str = "DELETE FROM changes WHERE shard = $1 AND seq >= $2 AND seq <= $3";

impl Database {
    /// Forgets changes of `shard` that are older than `kept`, a thousand at most; whether there may be more.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked, or the head can't be had.
    pub async fn prune(&self, shard: Shard, kept: Duration) -> Result<bool, Error> {
        let Some(first) = self.prunable_from(shard, kept).await? else {
            return Ok(false);
        };
        let pruned = async {
            let mut head = Head::take(self, shard).await?;
            let client = head.client();
            let most = most(client, shard, head.decided(), head.seq()).await?;
            let Some(floor) = oldest(client, shard, head.at() - kept, most, first).await? else {
                head.rollback().await;
                return Ok(None);
            };
            let prune = client.prepare_cached(PRUNE).await?;
            let pruned = client.execute(&prune, &[&shard.number(), &first.0, &floor.0]).await?;
            head.raise_floor(floor);
            head.set_decided(floor.max(head.decided()));
            Ok(Some((head, pruned)))
        };
        let Some((head, pruned)) = bounded(Box::pin(pruned)).await? else {
            return Ok(false);
        };
        head.commit().await?;
        Ok(pruned >= PRUNED.unsigned_abs())
    }

    /// A look without the head, on the same terms: where the log begins, if something of it is to be forgotten.
    async fn prunable_from(&self, shard: Shard, kept: Duration) -> Result<Option<Seq>, Error> {
        let head = self.head(shard).await?;
        self.ask(async |client: &Object| {
            let first = client.query_opt(&client.prepare_cached(FIRST).await?, &[&shard.number()]).await?;
            let Some(first) = first.map(|row| Seq(row.get(0))) else {
                return Ok(None);
            };
            let clock = client.prepare_cached("SELECT clock_timestamp()").await?;
            let now: OffsetDateTime = client.query_one(&clock, &[]).await?.get(0);
            let most = most(client, shard, head.decided, head.seq).await?;
            Ok(oldest(client, shard, now - kept, most, first).await?.map(|_| first))
        })
        .await
    }
}

/// The last change that may be forgotten: all but the last, if there is nothing to decide in those after the cursor, which
/// moves only when it must.
async fn most(client: &Object, shard: Shard, decided: Seq, last: Seq) -> Result<Seq, Error> {
    let look = decision::look(client, shard, StepLimits::default().window, Seq(0)).await?;
    Ok(if look.work { decided } else { last }.min(last.previous()))
}

async fn oldest(
    client: &Object,
    shard: Shard,
    before: OffsetDateTime,
    most: Seq,
    first: Seq,
) -> Result<Option<Seq>, Error> {
    let statement = client.prepare_cached(OLDEST).await?;
    let params: [&(dyn ToSql + Sync); 5] = [&shard.number(), &before, &most.0, &PRUNED, &first.0];
    Ok(client.query_one(&statement, &params).await?.get::<_, Option<i64>>(0).map(Seq))
}

//! Deletes what is past its time, a thousand rows a transaction: idempotency keys, and changes, if they are not kept for
//! ever. A validator that dies leaves the rest to the next round, of whichever validator.

use std::time::Duration;

use holdfast_domain::Shard;
use holdfast_store::{Database, Error};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

/// After a transaction it rests for so many times as long as that took: the shard's writers wait for its head meanwhile.
const REST: u32 = 4;

/// Goes round all shards every `period`, until `stopping`. Changes are kept for so long, or for ever.
pub(crate) async fn run(
    database: Database,
    period: Duration,
    kept: Option<time::Duration>,
    stopping: CancellationToken,
) {
    let mut rounds = interval(period);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let sweeping = async {
        loop {
            rounds.tick().await;
            for shard in Shard::all() {
                let Err(error) = clean(&database, shard, kept).await else { continue };
                tracing::warn!(%shard, %error, "what is past its time is left for the next round");
                if matches!(error, Error::Unavailable(_) | Error::Silent) {
                    // That of the other shards, too: each would only wait as long.
                    break;
                }
            }
        }
    };
    // A sweep that is dropped closes its connection, and has not happened.
    stopping.run_until_cancelled(sweeping).await;
}

async fn clean(database: &Database, shard: Shard, kept: Option<time::Duration>) -> Result<(), Error> {
    sweep(|| database.sweep_keys(shard)).await?;
    if let Some(kept) = kept {
        sweep(|| database.prune(shard, kept)).await?;
    }
    Ok(())
}

/// All that is past its time, transaction by transaction.
async fn sweep<T>(transaction: impl Fn() -> T) -> Result<(), Error>
where
    T: Future<Output = Result<bool, Error>>,
{
    loop {
        let begun = Instant::now();
        if !transaction().await? {
            return Ok(());
        }
        sleep(begun.elapsed() * REST).await;
    }
}

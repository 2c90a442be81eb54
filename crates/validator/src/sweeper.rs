//! Deletes what is past its time: idempotency keys, a thousand a transaction. A validator that dies leaves the rest to the
//! next round, of whichever validator.

use std::time::Duration;

use crate::validator::within;
use holdfast_domain::Shard;
use holdfast_store::{Database, Error};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Goes round all shards every `period`, until `stopping`.
pub(crate) async fn run(database: Database, period: Duration, stopping: CancellationToken) {
    let mut rounds = interval(period);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let sweeping = async {
        loop {
            rounds.tick().await;
            for shard in Shard::all() {
                if let Err(error) = sweep(&database, shard).await {
                    tracing::warn!(%shard, %error, "idempotency keys past their time are left for the next round");
                    if matches!(error, Error::Unavailable(_) | Error::Silent) {
                        // Those of the other shards, too: each would only wait as long.
                        break;
                    }
                }
            }
        }
    };
    // A sweep that is dropped closes its connection, and has not happened.
    stopping.run_until_cancelled(sweeping).await;
}

/// All that is past its time in one shard. Between two transactions its writers have their turn.
async fn sweep(database: &Database, shard: Shard) -> Result<(), Error> {
    while within(Box::pin(database.sweep_keys(shard))).await? {}
    Ok(())
}

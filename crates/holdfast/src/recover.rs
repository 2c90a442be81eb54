//! What an operator does about logs that a restore, or a clock that ran away, has left in disorder.

use std::time::Duration;

use holdfast_domain::{Seq, Shard};
use holdfast_runtime::lifecycle::BoxError;
use holdfast_store::{Database, Installation};
use holdfast_stream::Streams;
use tokio::time::{Instant, sleep};

use crate::settings::{LeapSettings, Recover};

/// How long Redis may take to be reached.
const REDIS_WAIT: Duration = Duration::from_secs(5);

/// Between two tries.
const RETRY_WAIT: Duration = Duration::from_millis(100);

/// How often a shard is tried whose log is being pruned at the same time.
const TRIES: usize = 10;

/// Runs the command.
///
/// # Errors
/// When a server can't be reached, or the streams are another installation's. What was done until then stays done, and
/// the command may be run again.
pub async fn run(recover: &Recover) -> Result<(), BoxError> {
    match recover {
        Recover::Leap(settings) => leap(settings).await,
        Recover::Clock(settings) => clock(&Database::new(settings)?).await,
    }
}

async fn leap(settings: &LeapSettings) -> Result<(), BoxError> {
    let database = Database::new(&settings.database)?;
    database.ready().await?;
    let installation = database.installation().await?;
    let ends = if settings.without_redis { Vec::new() } else { ends(settings, &installation).await? };
    for shard in Shard::all() {
        // A stranger's entry tells nothing.
        let told = ends.get(shard.index()).copied().filter(|told| *told < Seq::BEYOND).unwrap_or_default();
        let (from, to) = leap_one(&database, shard, told).await?;
        if from.max(told) > Seq(0) {
            tracing::info!(%shard, %from, stream = %told, %to, "the log goes on further ahead");
        }
    }
    tracing::info!("all logs have leapt, those without a change as well");
    if let Some(current) = installation.unsettled() {
        database.settle(current).await?;
    }
    Ok(())
}

async fn leap_one(database: &Database, shard: Shard, told: Seq) -> Result<(Seq, Seq), BoxError> {
    for _ in 0..TRIES {
        let head = database.head(shard).await?;
        if let Some(to) = database.leap(shard, told, head.floor).await? {
            return Ok((head.seq, to));
        }
    }
    Err(format!("the log of shard {shard} is being pruned all the time: stop the validators").into())
}

/// Where the streams end.
async fn ends(settings: &LeapSettings, installation: &Installation) -> Result<Vec<Seq>, BoxError> {
    let streams = Streams::connect(&settings.streams)?;
    let given_up = Instant::now() + REDIS_WAIT;
    while let Err(error) = streams.ping().await {
        if Instant::now() > given_up {
            let why = "how far its streams were told must be known: if they are lost, --without-redis";
            return Err(format!("{error}, and {why}").into());
        }
        sleep(RETRY_WAIT).await;
    }
    if !streams.claim(installation.id).await? {
        return Err("the streams under this REDIS_PREFIX are another installation's".into());
    }
    Ok(streams.lasts().await?)
}

async fn clock(database: &Database) -> Result<(), BoxError> {
    database.ready().await?;
    for shard in Shard::all() {
        if let Some(was) = database.set_clock_back(shard).await? {
            tracing::info!(%shard, %was, "the clock was set back");
        }
    }
    tracing::info!("all clocks are as they should be");
    Ok(())
}

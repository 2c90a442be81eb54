//! The promote/reject cycle: loops and timers around the store's decision step.
//!
//! It remembers where its last looks ended, doubts that with each search, and nothing else: which shards may
//! have work is told by bells, by deadlines and, once a second, by the heads themselves. So any number of
//! validators may run, and bells may be lost or doubled. Never here: SQL, and the rules of the decision.

mod agenda;
mod meters;
mod settings;
mod sweeper;
mod validator;

use std::sync::Arc;

use holdfast_runtime::{
    health::Need,
    http,
    lifecycle::{BoxError, Stage},
    service::Process,
};
use holdfast_store::Database;
use holdfast_stream::{About, Bell, Doorbell, Streams};
use tokio_util::sync::CancellationToken;

pub use settings::{Settings, ValidatorSettings};
use validator::Validator;

/// Starts the cycle. `committed` is told of each shard whose log has grown; it must not block.
pub fn start_cycle(
    settings: &ValidatorSettings,
    database: Database,
    doorbell: Doorbell,
    process: &Process,
    committed: impl Fn(holdfast_domain::Shard) + Send + Sync + 'static,
) {
    meters::describe();
    let tasks = process.tasks.at(Stage::Workers);
    let stopping = tasks.stopping();
    let sweeping = sweeper::run(database.clone(), settings.search(), settings.kept(), stopping.clone());
    tasks.spawn("sweeper", async move {
        sweeping.await;
        Ok::<_, BoxError>(())
    });
    let validator = Validator::new(settings, database, doorbell, Box::new(committed));
    tasks.spawn("validator", async move {
        validator.run(stopping).await;
        Ok::<_, BoxError>(())
    });
}

/// Starts the service alone, with its probes.
///
/// # Errors
/// When the port can't be had, or the settings can't be used.
pub fn start(settings: &Settings, process: &Process) -> Result<(), BoxError> {
    let database = Database::new(&settings.database)?;
    let streams = Streams::connect(&settings.streams)?;
    let asked = database.clone();
    process.watch("postgres", Need::Required, move || {
        let database = asked.clone();
        async move { database.ready().await }
    });
    let heard = streams.clone();
    process.watch("redis", Need::Accelerator, move || {
        let streams = heard.clone();
        async move { streams.ping().await }
    });

    let doorbell = Doorbell::connect(&settings.streams, About::Stream)?;
    let grown = Arc::new(Bell::default());
    let rung = Arc::clone(&grown);
    start_cycle(&settings.validator, database, doorbell, process, move |shard| rung.ring(shard));
    let telling = process.tasks.at(Stage::Telemetry);
    telling.spawn("log bell", tell(streams, grown, telling.stopping()));

    let bound = http::bind(&settings.http, &settings.process.shutdown, &process.health, |_| {})?;
    telling.spawn("http", bound.run(telling.stopping()));
    Ok(())
}

/// Tells the relays, which live with the API, of what was decided here. They look by themselves once a second, so a
/// ring that is lost costs no more than that.
async fn tell(streams: Streams, grown: Arc<Bell>, stopping: CancellationToken) -> Result<(), BoxError> {
    loop {
        tokio::select! {
            biased;
            shards = grown.heard() => if let Err(error) = streams.tell_grown(shards).await {
                tracing::debug!(%error, "a ring is lost");
            },
            () = stopping.cancelled() => return Ok(()),
        }
    }
}

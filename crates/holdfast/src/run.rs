//! All services in one process, on one port.

use std::sync::Arc;

use holdfast_booking_api::{Bells, BookingApi};
use holdfast_notifier::{Feed, Hub, Sockets};
use holdfast_runtime::{
    health::Need,
    http,
    lifecycle::{BoxError, Stage},
    service::Process,
    settings::ShutdownSettings,
};
use holdfast_stream::{About, Doorbell, Reader, Streams};

use crate::{greeting, pages, settings::RunSettings};

/// Starts every service; none of the servers that they lean on has to be there yet.
///
/// # Errors
/// When the port can't be had, or the settings can't be used.
pub fn start(settings: &RunSettings, shutdown: &ShutdownSettings, process: &Process) -> Result<(), BoxError> {
    let (database, streams) = holdfast_booking_api::connect(&settings.database, &settings.streams, process)?;
    let bells = Bells::connect(&settings.streams)?;
    let api = BookingApi::start(&settings.api, database.clone(), streams, bells, process);

    let doorbell = Doorbell::connect(&settings.streams, About::Stream)?;
    let relay = api.relay();
    holdfast_validator::start_cycle(&settings.validator, database, doorbell, process, move |shard| {
        relay.ring(shard);
    });

    let tasks = process.tasks.at(Stage::Http);
    // A connection of its own: what is appended must not wait behind what is read again.
    let hub = Arc::new(Hub::new(&settings.sockets, Some(Streams::connect(&settings.streams)?)));
    let component = process.health.component("streams", Need::Accelerator);
    let feed = Feed::new(Reader::connect(&settings.streams)?, Arc::clone(&hub), component);
    let workers = tasks.at(Stage::Workers);
    let stopping = workers.stopping();
    workers.spawn("feed", async move {
        feed.run(stopping).await;
        Ok::<_, BoxError>(())
    });
    let sockets = Sockets::new(&settings.sockets, hub, tasks.stopping());

    let docs = pages::docs()?;

    // The sockets first: `/api/bookings/{id}` would swallow `/api/bookings/ws`.
    let bound = http::bind(&settings.http, shutdown, &process.health, move |config| {
        sockets.configure(config);
        api.configure(config);
        docs.configure(config);
    })?;
    let address = bound.address();
    tasks.spawn("http", bound.run(tasks.stopping()));
    if settings.greet {
        greeting::print(address.port());
    }
    Ok(())
}

//! Takes writes and answers reads, over HTTP.
//!
//! A write goes into its shard's lane and is answered after COMMIT; a read goes to PostgreSQL. The relay
//! runs along, so that what is committed here is told at once. Never here: SQL, Redis commands, and what
//! becomes of a want, which the store's decision step says.

mod availability;
mod bookings;
mod caller;
mod changes;
mod document;
mod events;
mod form;
mod history;
mod page;
mod problems;
mod reservations;
mod resources;
mod settings;
mod venues;
mod waitlist;
mod waits;
mod writes;
mod zone;

use std::{net::SocketAddr, sync::Arc};

use actix_web::web::{Data, ServiceConfig};
use holdfast_relay::{Relay, Status, Wake};
use holdfast_runtime::{
    docs::{Docs, Start},
    health::{Component, Need},
    http::{self, Bound},
    lifecycle::{BoxError, Stage},
    openapi,
    service::Process,
};
use holdfast_store::{Database, Lanes};
use holdfast_stream::{About, Doorbell, Streams};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use document::openapi;
pub use settings::{ApiSettings, Settings};
use waits::Waits;

/// What `/` says, where the service is alone.
const START: Start<'_> = Start {
    title: "Holdfast: bookings",
    about: "Takes bookings and reservations, and answers what became of them.",
    places: &[("/api/v1/bookings", "All bookings."), ("/api/v1/events", "All events.")],
    example: "curl http{s}://{host}/api/v1/bookings",
};

/// The service, ready to be mounted; clones share its lanes.
#[derive(Clone)]
pub struct BookingApi {
    database: Data<Database>,
    lanes: Data<Lanes>,
    relay: Data<Wake>,
    waits: Data<Waits>,
}

/// What tells of what others have done.
pub struct Bells {
    /// Of logs that have grown, for the relay.
    pub log: Doorbell,
    /// Of streams that have grown, for those who wait for a decision.
    pub stream: Doorbell,
}

impl Bells {
    /// Starts to listen, without waiting for Redis.
    ///
    /// # Errors
    /// When its address can't be one.
    pub fn connect(settings: &holdfast_stream::Settings) -> Result<Self, BoxError> {
        let log = Doorbell::connect(settings, About::Log)?;
        Ok(Self { log, stream: Doorbell::connect(settings, About::Stream)? })
    }
}

impl BookingApi {
    /// Starts what the service needs beside HTTP: the lanes, the relay, a watch over the relay, and what wakes those who
    /// wait for a decision. The bells tell of what other processes commit.
    pub fn start(
        settings: &ApiSettings,
        database: Database,
        streams: Streams,
        bells: Bells,
        process: &Process,
    ) -> Self {
        let (relay, wake) = Relay::new(&settings.relay, database.clone(), streams);
        let lanes = Lanes::new(database.clone(), settings.lanes.clone(), {
            let wake = wake.clone();
            move |shard| wake.ring(shard)
        });

        let writers = process.tasks.at(Stage::Writers);
        let (draining, stopping) = (lanes.clone(), writers.stopping());
        writers.spawn("lanes", async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                () = draining.broken() => return Err("a lane has died; see the panic above"),
            }
            draining.drain().await;
            Ok(())
        });

        // After the lanes: what they commit last is published too.
        let workers = process.tasks.at(Stage::Workers);
        let component = process.health.component("relay", Need::Accelerator);
        let reported = report(component, relay.status(), workers.stopping());
        workers.spawn("relay watch", reported);
        let stopping = workers.stopping();
        workers.spawn("relay", async move {
            relay.run(bells.log, stopping).await;
            Ok::<_, BoxError>(())
        });

        let http = process.tasks.at(Stage::Http);
        let waits = Waits::new(settings.waits_max, http.stopping());
        let (waking, stopping) = (Arc::clone(&waits), workers.stopping());
        let asked = database.clone();
        workers.spawn("waits", async move {
            waking.run(asked, bells.stream, stopping).await;
            Ok::<_, BoxError>(())
        });
        Self {
            database: Data::new(database),
            lanes: Data::new(lanes),
            relay: Data::new(wake),
            waits: Data::from(waits),
        }
    }

    /// What wakes the relay when somebody else in this process has committed.
    pub fn relay(&self) -> Wake {
        Wake::clone(&self.relay)
    }

    /// Mounts the routes.
    pub fn configure(&self, config: &mut ServiceConfig) {
        config
            .app_data(self.database.clone())
            .app_data(self.lanes.clone())
            .app_data(self.relay.clone())
            .app_data(self.waits.clone())
            .configure(reservations::configure)
            .configure(bookings::configure)
            .configure(events::configure)
            .configure(waitlist::configure)
            .configure(venues::configure)
            .configure(resources::configure)
            .configure(changes::configure);
    }
}

/// Tells at `/readyz` how the relay stands.
async fn report(
    component: Component,
    mut status: watch::Receiver<Status>,
    stopping: CancellationToken,
) -> Result<(), BoxError> {
    loop {
        let now = *status.borrow_and_update();
        if now == Status::Copying {
            component.up();
        } else {
            component.down(now.to_string());
        }
        tokio::select! {
            changed = status.changed() => if changed.is_err() {
                // The relay has ended; why is not for this task to say.
                stopping.cancelled().await;
                return Ok(());
            },
            () = stopping.cancelled() => return Ok(()),
        }
    }
}

/// The servers that the service leans on, watched; neither has to be there yet.
///
/// # Errors
/// When the settings can't be used.
pub fn connect(
    database: &holdfast_store::Settings,
    streams: &holdfast_stream::Settings,
    process: &Process,
) -> Result<(Database, Streams), BoxError> {
    let database = Database::new(database)?;
    let streams = Streams::connect(streams)?;
    let (asked, heard) = (database.clone(), streams.clone());
    process.watch("postgres", Need::Required, move || {
        let database = asked.clone();
        async move { database.ready().await }
    });
    process.watch("redis", Need::Accelerator, move || {
        let streams = heard.clone();
        async move { streams.ping().await }
    });
    Ok((database, streams))
}

/// Opens the port and starts the service behind it, without serving yet.
///
/// # Errors
/// When the port can't be had, or the settings can't be used.
pub fn bind(settings: &Settings, process: &Process) -> Result<Bound, BoxError> {
    let (database, streams) = connect(&settings.database, &settings.streams, process)?;
    let bells = Bells::connect(&settings.streams)?;
    let api = BookingApi::start(&settings.api, database, streams, bells, process);
    let docs = Docs::of(&START, &openapi::served(openapi()))?;
    let routes = move |config: &mut ServiceConfig| {
        api.configure(config);
        docs.configure(config);
    };
    Ok(http::bind(&settings.http, &settings.process.shutdown, &process.health, routes)?)
}

/// Starts the service; its tasks serve until told to stop.
///
/// # Errors
/// See [`bind`].
pub fn start(settings: &Settings, process: &Process) -> Result<SocketAddr, BoxError> {
    let bound = bind(settings, process)?;
    let address = bound.address();
    let http = process.tasks.at(Stage::Http);
    http.spawn("http", bound.run(http.stopping()));
    Ok(address)
}

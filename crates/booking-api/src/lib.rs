//! Takes writes and answers reads, over HTTP.
//!
//! A write goes into its shard's lane and is answered after COMMIT; a read goes to PostgreSQL. The relay
//! runs along, so that what is committed here is told at once. Never here: SQL, Redis commands, and what
//! becomes of a want, which the store's decision step says.

mod bookings;
mod caller;
mod problems;
mod settings;

use std::net::SocketAddr;

use actix_web::web::{Data, ServiceConfig};
use holdfast_relay::{Relay, Status};
use holdfast_runtime::{
    health::{Component, Need},
    http::{self, Bound},
    lifecycle::{BoxError, Stage},
    service::Process,
};
use holdfast_store::{Database, Lanes};
use holdfast_stream::Streams;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use settings::{ApiSettings, Settings};

/// The service, ready to be mounted; clones share its lanes.
#[derive(Clone)]
pub struct BookingApi {
    database: Data<Database>,
    lanes: Data<Lanes>,
}

impl BookingApi {
    /// Starts what the service needs beside HTTP: the lanes, the relay, and a watch over the relay.
    pub fn start(settings: &ApiSettings, database: Database, streams: Streams, process: &Process) -> Self {
        let (relay, wake) = Relay::new(&settings.relay, database.clone(), streams);
        let lanes = Lanes::new(database.clone(), settings.lanes.clone(), move |shard| wake.ring(shard));

        let writers = process.tasks.at(Stage::Writers);
        let (draining, stopping) = (lanes.clone(), writers.stopping());
        writers.spawn("lanes", async move {
            stopping.cancelled().await;
            draining.drain().await;
            Ok::<_, BoxError>(())
        });

        // After the lanes: what they commit last is published too.
        let workers = process.tasks.at(Stage::Workers);
        let component = process.health.component("relay", Need::Accelerator);
        let reported = report(component, relay.status(), workers.stopping());
        workers.spawn("relay watch", reported);
        let stopping = workers.stopping();
        workers.spawn("relay", async move {
            relay.run(stopping).await;
            Ok::<_, BoxError>(())
        });
        Self { database: Data::new(database), lanes: Data::new(lanes) }
    }

    /// Mounts the routes.
    pub fn configure(&self, config: &mut ServiceConfig) {
        config.app_data(self.database.clone()).app_data(self.lanes.clone()).configure(bookings::configure);
    }
}

/// Tells at `/readyz` how the relay stands.
async fn report(
    component: Component,
    mut status: watch::Receiver<Status>,
    stopping: CancellationToken,
) -> Result<(), BoxError> {
    loop {
        let now = status.borrow_and_update().clone();
        if now == Status::default() {
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

/// Opens the port and starts the service behind it, without serving yet.
///
/// # Errors
/// When the port can't be had, or the settings can't be used.
pub fn bind(settings: &Settings, process: &Process) -> Result<Bound, BoxError> {
    let database = Database::new(&settings.database)?;
    let streams = Streams::connect(&settings.streams)?;
    watch_servers(process, &database, &streams);
    let api = BookingApi::start(&settings.api, database, streams, process);
    let routes = move |config: &mut ServiceConfig| api.configure(config);
    Ok(http::bind(&settings.http, &settings.process.shutdown, &process.health, routes)?)
}

/// Serves until told to stop. Gives the address, and fails when the schema is another release's.
///
/// # Errors
/// See [`bind`] and [`Database::check_schema`].
pub async fn run(settings: Settings, process: Process) -> Result<SocketAddr, BoxError> {
    let bound = bind(&settings, &process)?;
    let address = bound.address();
    let http = process.tasks.at(Stage::Http);
    http.spawn("http", bound.run(http.stopping()));
    Ok(address)
}

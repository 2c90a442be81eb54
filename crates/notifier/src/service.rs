//! The notifier as a process of its own: its settings, *bind*, then *run*.

use std::{net::SocketAddr, sync::Arc};

use clap::Parser;
use holdfast_runtime::{
    docs::{Docs, Start},
    health::{Health, Need},
    http::{self, Bound},
    lifecycle::BoxError,
    openapi,
    service::{self, ProcessSettings},
    settings::HttpSettings,
};
use holdfast_stream::{Reader, Streams};
use tokio::join;
use tokio_util::sync::CancellationToken;

use crate::{Feed, Hub, Settings, Sockets, openapi};

/// Relays changes to WebSocket subscribers.
#[derive(Debug, Clone, Parser)]
#[command(name = "holdfast-notifier", version)]
pub struct ServiceSettings {
    #[command(flatten)]
    process: ProcessSettings,
    #[command(flatten)]
    http: HttpSettings,
    #[command(flatten)]
    redis: holdfast_stream::Settings,
    #[command(flatten)]
    sockets: Settings,
}

impl service::Settings for ServiceSettings {
    fn process(&self) -> &ProcessSettings {
        &self.process
    }

    fn check(&self) -> Result<(), String> {
        self.http.check()?;
        self.sockets.check(&self.http)
    }
}

/// What `/` says, where the service is alone.
const START: Start<'_> = Start {
    title: "Holdfast: sockets",
    about: "Tells what happens as it happens, over WebSocket, at /api/v1/ws.",
    places: &[],
    example: "websocat 'ws{s}://{host}/api/v1/ws?topic=all'",
};

/// A notifier that has its port and does not serve yet.
pub struct Service {
    bound: Bound,
    feed: Feed,
    stopping: CancellationToken,
}

/// Opens the port. Alone, a notifier without Redis has nothing to tell, so it isn't ready.
///
/// # Errors
/// When the port can't be had, or the address of Redis can't be one.
pub fn bind(
    settings: &ServiceSettings,
    health: &Health,
    stopping: CancellationToken,
) -> Result<Service, BoxError> {
    let hub = Arc::new(Hub::new(&settings.sockets, Some(Streams::connect(&settings.redis)?)));
    let redis = health.component("redis", Need::Required);
    let feed = Feed::new(Reader::connect(&settings.redis)?, Arc::clone(&hub), redis);
    let sockets = Sockets::new(&settings.sockets, hub, stopping.clone());
    let docs = Docs::of(&START, &openapi::served(openapi()))?;
    let bound = http::bind(&settings.http, &settings.process.shutdown, health, move |config| {
        sockets.configure(config);
        docs.configure(config);
    })?;
    Ok(Service { bound, feed, stopping })
}

impl Service {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.bound.address()
    }

    /// Serves until told to stop, and until all sockets are closed.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self) -> Result<(), BoxError> {
        let served = CancellationToken::new();
        let serve = async {
            let result = self.bound.run(self.stopping).await;
            served.cancel();
            result
        };
        let (result, ()) = join!(serve, self.feed.run(served.clone()));
        Ok(result?)
    }
}

//! Bind, then run: a listener whose port is known before it serves, and what is the same for every request: an id,
//! a log line, problem documents for what no handler answered.
//!
//! Never routes anything but the probes and the metrics, and never listens for signals: the lifecycle does.

use std::{any::Any, io, net::SocketAddr, time::Duration};

use actix_web::{
    App, HttpServer,
    dev::{Server, Service as _},
    rt::net::TcpStream,
    web,
};
use socket2::SockRef;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use crate::{
    edge, extract, handles,
    health::Health,
    metrics,
    settings::{HttpSettings, ShutdownSettings},
};

/// How long an answer or a message may lie unread on its way to a peer.
const UNREAD_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a connection may stay open between two requests. Longer than proxies and clients keep theirs, who close them
/// after a minute at most: closed by us, one could meet a request that is on its way.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How many may have connected and wait to be taken in. When a service has been away, thousands come back at once; whoever
/// finds no room tries again after one second, then two more. The kernel's own limit (`somaxconn`) is mostly this.
const BACKLOG: u32 = 4_096;

/// A listener that has its port and does not serve yet; who connects waits.
pub struct Bound {
    server: Server,
    address: SocketAddr,
    health: Health,
    drain: Duration,
}

/// Opens the port. Each worker thread calls `configure` once to make its own copy of the routes.
///
/// # Errors
/// When the port can't be had; the message names the address.
pub fn bind(
    http: &HttpSettings,
    shutdown: &ShutdownSettings,
    health: &Health,
    configure: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> io::Result<Bound> {
    handles::look_whether_enough(http.connections_max);
    metrics::install();
    let body_limit_bytes = http.body_limit_bytes;
    let probes = health.clone();
    let app = move || {
        let stopping = probes.clone();
        App::new()
            .wrap_fn(move |request, routes| {
                let call = edge::Call::arrive(&request);
                let answer = routes.call(request);
                let stopping = stopping.clone();
                async move { Ok(call.leave(answer.await?, stopping.is_stopping())) }
            })
            .configure(|config| extract::configure(config, body_limit_bytes))
            .configure(|config| probes.configure(config))
            .configure(metrics::configure)
            .configure(configure.clone())
    };
    let wanted = SocketAddr::new(http.host, http.port);
    let server = HttpServer::new(app)
        .workers(http.workers)
        .backlog(BACKLOG)
        .max_connections(http.connections_max.div_ceil(http.workers))
        .tcp_nodelay(true)
        .keep_alive(KEEP_ALIVE)
        .on_connect(|io, _| give_up_on_the_deaf(io))
        .disable_signals()
        .shutdown_timeout(shutdown.http().as_secs())
        .bind(wanted)
        .map_err(|error| io::Error::new(error.kind(), format!("can't listen on {wanted}: {error}")))?;
    let address = server.addrs().first().copied().unwrap_or(wanted);
    Ok(Bound { server: server.run(), address, health: health.clone(), drain: shutdown.drain() })
}

/// A peer that has stopped reading holds its connection, and the stop of the process, for as long as something is left to
/// send to it: the kernel is told to reset it instead.
fn give_up_on_the_deaf(io: &dyn Any) {
    let Some(stream) = io.downcast_ref::<TcpStream>() else { return };
    if let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(UNREAD_TIMEOUT)) {
        debug!(%error, "a connection without a time-out for what is not read");
    }
}

impl Bound {
    /// Where it listens, with the port that was taken when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stopping`, then finishes what it has accepted. Idle connections are closed at once; a handler
    /// that holds on to its connection (a socket, a long wait) must watch `stopping` itself. Dropped, it closes all.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self, stopping: CancellationToken) -> io::Result<()> {
        let handle = self.server.handle();
        info!(address = %self.address, "listening");
        let stop = async {
            stopping.cancelled().await;
            self.health.set_stopping();
            tokio::time::sleep(self.drain).await;
            handle.stop(true).await;
        };
        let (served, ()) = tokio::join!(self.server, stop);
        served
    }
}

//! How this crate connects: never waiting for Redis, trying again for ever, each command bounded in time. Never leaves
//! commands waiting for a connection that is lost.

use std::time::Duration;

use fred::{
    prelude::{Builder, Client, ClientLike, Config, ReconnectPolicy},
    types::config::{TcpConfig, UnresponsiveConfig},
};
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::RedisUrl;

/// How long a command may take, and how long it may wait for a connection before.
pub const COMMAND_TIMEOUT: Duration = Duration::from_millis(500);

/// How long a TCP connection may take to be made; the next try follows.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Between two tries to connect: doubling from the first to the second, give or take the third.
const RECONNECT_MILLIS: (u32, u32, u32) = (50, 1_000, 250);

/// After this long without an answer a connection is given up and made anew.
const UNRESPONSIVE: Duration = Duration::from_secs(2);

/// After this long in which nothing of what was sent arrived, too: while fred waits to send it looks at nothing else.
const UNSENT: Duration = Duration::from_secs(3);

/// Why Redis did not do what it was asked to. That it is away is the usual reason.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address can't be one. It isn't shown: it may hold a password.
    #[error("REDIS_URL is not an address such as redis://host:6379")]
    Url,
    /// No answer in time, no connection, or a refusal.
    #[error("Redis did not answer")]
    Redis(#[from] fred::error::Error),
    /// No answer in time.
    #[error("Redis did not answer in time")]
    TimedOut,
    /// An answer that none of its versions gives: another program writes to our keys.
    #[error("Redis answered with something else: {0}")]
    Unexpected(&'static str),
}

/// What a client of one's own is made from.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    config: Config,
    command_timeout: Duration,
}

/// A connection, or the endeavour to have one, for as long as it is held.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) client: Client,
    _kept: AbortOnDropHandle<()>,
}

impl Connector {
    /// # Errors
    /// [`Error::Url`].
    pub(crate) fn new(url: &RedisUrl, command_timeout: Duration) -> Result<Self, Error> {
        // TLS isn't built in, and to speak plainly to who asked for it would be worse than not to speak.
        if url.expose().starts_with("rediss") {
            return Err(Error::Url);
        }
        let mut config = Config::from_url(url.expose()).map_err(|_| Error::Url)?;
        config.fail_fast = false;
        Ok(Self { config, command_timeout })
    }

    /// Starts to connect, in the tokio runtime that it is called in.
    ///
    /// # Errors
    /// When fred finds the configuration wrong.
    pub(crate) fn open(&self) -> Result<Connection, Error> {
        let (first, last, jitter) = RECONNECT_MILLIS;
        let mut policy = ReconnectPolicy::new_exponential(0, first, last, 2);
        policy.set_jitter(jitter);
        let client = Builder::from_config(self.config.clone())
            .with_performance_config(|performance| performance.default_command_timeout = self.command_timeout)
            .with_connection_config(|connection| {
                connection.connection_timeout = CONNECT_TIMEOUT;
                connection.internal_command_timeout = CONNECT_TIMEOUT;
                // No limit: fred counts each command that a full queue refuses as waiting for good, and while any waits
                // it does not send those before it. `ready` keeps the queue short.
                connection.max_command_buffer_len = 0;
                connection.tcp =
                    TcpConfig { nodelay: Some(true), user_timeout: Some(UNSENT), ..TcpConfig::default() };
                connection.unresponsive =
                    UnresponsiveConfig { max_timeout: Some(UNRESPONSIVE), interval: UNRESPONSIVE / 4 };
            })
            .set_policy(policy)
            .build()?;
        let kept = AbortOnDropHandle::new(tokio::spawn(keep_connected(client.clone())));
        Ok(Connection { client, _kept: kept })
    }
}

impl Connection {
    /// The client, connected, or so it seems: what is asked of one that is not would wait in its queue though its asker has
    /// long given up, and be sent all at once when Redis is back.
    ///
    /// # Errors
    /// When it is not, nor within [`COMMAND_TIMEOUT`].
    pub(crate) async fn ready(&self) -> Result<&Client, Error> {
        timeout(COMMAND_TIMEOUT, self.client.wait_for_connect()).await.map_err(|_| Error::TimedOut)??;
        Ok(&self.client)
    }
}

/// fred tries again when a connection is lost, but gives up for good on some errors, such as a wrong password.
async fn keep_connected(client: Client) {
    loop {
        if let Ok(Err(error)) = AbortOnDropHandle::new(client.connect()).await {
            tracing::warn!(%error, "the connection to Redis was given up; trying again");
        }
        sleep(CONNECT_TIMEOUT).await;
    }
}

//! The bell that other processes ring: who hears it looks at once instead of at the next poll. A ring may be lost, so
//! nobody relies on it.

use std::{sync::Arc, time::Duration};

use fred::{
    prelude::{EventInterface, PubsubInterface},
    types::Message,
};
use holdfast_domain::Shard;
use tokio::{select, sync::broadcast::error::RecvError, time::sleep};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    About, Bell, Error, Settings, Shards,
    connection::{COMMAND_TIMEOUT, Connector},
    keys::Keys,
};

/// How often the subscription is renewed: heals a lost one, and finds a dead connection on which nothing rings.
const RENEW_EVERY: Duration = Duration::from_secs(5);

/// Between two tries.
const RETRY_WAIT: Duration = Duration::from_millis(500);

/// A subscription to one bell of all shards, for as long as it is held.
#[derive(Debug)]
pub struct Doorbell {
    bell: Arc<Bell>,
    _listening: AbortOnDropHandle<()>,
}

impl Doorbell {
    /// Starts to listen, without waiting for it, in the tokio runtime that it is called in.
    ///
    /// # Errors
    /// When the address can't be one. That Redis is away is no error.
    pub fn connect(settings: &Settings, about: About) -> Result<Self, Error> {
        let connector = Connector::new(&settings.url, COMMAND_TIMEOUT)?;
        let bell = Arc::new(Bell::default());
        let listening = tokio::spawn(listen(connector, Keys::new(settings).bell(about), Arc::clone(&bell)));
        Ok(Self { bell, _listening: AbortOnDropHandle::new(listening) })
    }

    /// Waits until it rings, and answers for which shards it has since the last time: for all of them when rings may
    /// have been missed. Nothing is lost when it is dropped.
    pub async fn heard(&self) -> Shards {
        self.bell.heard().await
    }
}

/// Ends with its task. Every trouble is met by a client made anew, which leaves nothing behind.
async fn listen(connector: Connector, channel: String, bell: Arc<Bell>) {
    loop {
        if let Err(error) = subscription(&connector, &channel, &bell).await {
            tracing::debug!(%error, "the bell can't be heard");
        }
        sleep(RETRY_WAIT).await;
    }
}

async fn subscription(connector: &Connector, channel: &str, bell: &Bell) -> Result<(), Error> {
    let connection = connector.open()?;
    let mut messages = connection.client.message_rx();
    connection.client.subscribe(channel).await?;
    let mut reconnected = connection.client.reconnect_rx();
    bell.ring_each(Shards::ALL);
    loop {
        select! {
            message = messages.recv() => match message {
                Ok(message) => bell.ring_each(rung(&message)),
                Err(RecvError::Lagged(_)) => bell.ring_each(Shards::ALL),
                Err(RecvError::Closed) => return Ok(()),
            },
            // fred connects again by itself, and does not subscribe again.
            _ = reconnected.recv() => return Ok(()),
            () = sleep(RENEW_EVERY) => connection.client.subscribe(channel).await?,
        }
    }
}

/// What can't be read is rung for everybody: to look in vain costs little.
fn rung(message: &Message) -> Shards {
    let number = message.value.as_str().and_then(|number| number.parse().ok());
    number.and_then(Shard::new).map_or(Shards::ALL, |shard| [shard].into_iter().collect())
}

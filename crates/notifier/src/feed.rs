//! The task between the streams and the hub, and the hub's clock. It outlives Redis: while there is none, nothing new is
//! told, and nobody is thrown out.

use std::sync::Arc;

use holdfast_runtime::health::Component;
use holdfast_stream::{Read, Reader};
use tokio::{join, select, task::yield_now};
use tokio_util::sync::CancellationToken;

use crate::Hub;

/// Reads the streams into the hub.
pub struct Feed {
    reader: Reader,
    hub: Arc<Hub>,
    redis: Component,
}

impl Feed {
    /// A feed that reports on `redis`.
    pub fn new(reader: Reader, hub: Arc<Hub>, redis: Component) -> Self {
        Self { reader, hub, redis }
    }

    /// Feeds until `stopping`.
    pub async fn run(self, stopping: CancellationToken) {
        let hub = Arc::clone(&self.hub);
        join!(self.read(stopping.clone()), hub.tell_hints(stopping));
    }

    async fn read(mut self, stopping: CancellationToken) {
        loop {
            let read = select! {
                biased;
                () = stopping.cancelled() => return,
                read = self.reader.next() => read,
            };
            match read {
                Ok(reads) => {
                    for read in reads {
                        self.tell(read);
                        // A long read must not keep this thread from others.
                        yield_now().await;
                    }
                    // Last: before the first positions are told, sockets are refused.
                    self.redis.up();
                }
                Err(error) => {
                    tracing::debug!(%error, "the streams can't be read");
                    self.redis.down("does not answer");
                }
            }
        }
    }

    fn tell(&self, read: Read) {
        match read {
            Read::Entries(shard, entries) => self.hub.publish(shard, entries),
            Read::Gap(shard, seq) => self.hub.gap(shard, seq),
        }
    }
}

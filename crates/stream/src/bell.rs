//! A bell for each shard. Rings coalesce: it says that there is something to look at, never how much, so it needs no
//! queue and can't fill up.

use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_domain::Shard;
use tokio::sync::Notify;

const _: () = assert!(Shard::COUNT == 64, "a set of shards is the bits of a u64");

/// A set of shards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shards(u64);

impl Shards {
    /// Every shard.
    pub const ALL: Self = Self(u64::MAX);

    /// Adds one.
    pub fn insert(&mut self, shard: Shard) {
        self.0 |= bit(shard);
    }

    /// Takes one out.
    pub fn remove(&mut self, shard: Shard) {
        self.0 &= !bit(shard);
    }

    /// Whether it is one of them.
    pub fn contains(self, shard: Shard) -> bool {
        self.0 & bit(shard) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Shard> {
        Shard::all().filter(move |shard| self.contains(*shard))
    }
}

impl FromIterator<Shard> for Shards {
    fn from_iter<I: IntoIterator<Item = Shard>>(shards: I) -> Self {
        let mut set = Self::default();
        shards.into_iter().for_each(|shard| set.insert(shard));
        set
    }
}

/// A bell with any number of ringers and one listener.
#[derive(Debug, Default)]
pub struct Bell {
    rung: AtomicU64,
    listener: Notify,
}

impl Bell {
    /// Says that there is something to look at. Never waits.
    pub fn ring(&self, shard: Shard) {
        self.ring_each(Shards(bit(shard)));
    }

    /// Says it of several.
    pub fn ring_each(&self, shards: Shards) {
        self.rung.fetch_or(shards.0, Ordering::Release);
        self.listener.notify_one();
    }

    /// Which have rung since the last time; perhaps none.
    pub fn take(&self) -> Shards {
        Shards(self.rung.swap(0, Ordering::Acquire))
    }

    /// Waits until one has rung, and answers which have since the last time. Nothing is lost when it is dropped.
    pub async fn heard(&self) -> Shards {
        loop {
            let rung = self.take();
            if !rung.is_empty() {
                return rung;
            }
            self.listener.notified().await;
        }
    }
}

fn bit(shard: Shard) -> u64 {
    1 << shard.index()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(number: i16) -> Shard {
        Shard::new(number).unwrap()
    }

    #[tokio::test]
    async fn a_thousand_rings_are_heard_as_one() {
        let bell = Bell::default();
        for _ in 0..1_000 {
            bell.ring(shard(63));
            bell.ring(shard(0));
        }
        assert_eq!(bell.heard().await, [shard(0), shard(63)].into_iter().collect());
        assert!(bell.take().is_empty());
    }

    #[tokio::test]
    async fn a_ring_wakes_who_waits() {
        let bell = std::sync::Arc::new(Bell::default());
        let listener = tokio::spawn({
            let bell = std::sync::Arc::clone(&bell);
            async move { bell.heard().await }
        });
        tokio::task::yield_now().await;
        bell.ring(shard(5));
        assert!(listener.await.unwrap().contains(shard(5)));
    }
}

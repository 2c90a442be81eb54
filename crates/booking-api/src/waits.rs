//! Requests that wait for a decision (`Prefer: wait=N`). A bell says that there may be one, PostgreSQL says which.
//!
//! One task asks, for all who wait: however many they are, one question is under way at a time. Nothing is lost when it
//! is not heard: once a second it asks anyway.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use holdfast_domain::{Booking, BookingId, Shard, Status, TenantId};
use holdfast_store::{Database, Error, Pause};
use holdfast_stream::{Bell, Doorbell, Shards};
use tokio::{
    select,
    sync::{Semaphore, oneshot},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

/// Between two questions that no bell asked for.
const POLL: Duration = Duration::from_secs(1);

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Who waits for the decision on which booking.
type Waiting = HashMap<TenantId, HashMap<BookingId, Vec<oneshot::Sender<Booking>>>>;

/// Everybody in this process who waits.
pub struct Waits {
    places: Semaphore,
    waiting: Mutex<Waiting>,
    newcomers: Bell,
    stopping: CancellationToken,
}

impl Waits {
    /// Room for `most` who wait at once; all are let go when `stopping` is cancelled.
    pub fn new(most: usize, stopping: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            places: Semaphore::new(most),
            waiting: Mutex::default(),
            newcomers: Bell::default(),
            stopping,
        })
    }

    /// Waits until `booking` is decided, at most for `wait`: the booking as it is then. Nothing when it can't be waited
    /// for: too many wait already, the service stops, or PostgreSQL does not answer.
    pub async fn decided(
        &self,
        database: &Database,
        tenant: TenantId,
        booking: &Booking,
        wait: Duration,
    ) -> Option<Booking> {
        if booking.claim.status() != Status::Pending {
            return Some(booking.clone());
        }
        let _place = self.places.try_acquire().ok()?;
        let (sender, answer) = oneshot::channel();
        self.waiting().entry(tenant).or_default().entry(booking.id).or_default().push(sender);
        // It may have been decided before anybody waited for it.
        self.newcomers.ring(Shard::of(tenant));
        let answer = select! {
            answer = timeout(wait, answer) => answer,
            () = self.stopping.cancelled() => return None,
        };
        if let Ok(decided) = answer {
            return decided.ok();
        }
        // As it is when the time is up.
        let asked = timeout(ANSWER_WITHIN, database.booking(tenant, booking.id));
        self.stopping.run_until_cancelled(asked).await?.ok()?.ok().flatten()
    }

    /// Asks, until `stopping`.
    pub async fn run(self: Arc<Self>, database: Database, doorbell: Doorbell, stopping: CancellationToken) {
        let mut poll = interval(POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut is_away, mut pause) = (false, Pause::default());
        loop {
            let shards = select! {
                biased;
                () = stopping.cancelled() => return,
                _ = poll.tick() => Shards::ALL,
                // While PostgreSQL is away only the poll asks.
                shards = self.newcomers.heard(), if !is_away => shards,
                shards = doorbell.heard(), if !is_away => shards,
            };
            is_away = false;
            for (tenant, bookings) in self.asked(shards) {
                let asked = timeout(ANSWER_WITHIN, database.bookings_by_id(tenant, &bookings));
                match asked.await.unwrap_or(Err(Error::Silent)) {
                    Ok(found) => self.answer(tenant, found),
                    Err(error) => {
                        is_away = true;
                        tracing::debug!(%error, "who waits for a decision waits on");
                    }
                }
            }
            if is_away {
                poll.reset_after(pause.after_failure());
            } else {
                pause.end();
            }
        }
    }

    /// Whose decisions are waited for in these shards. Who has left is forgotten.
    fn asked(&self, shards: Shards) -> Vec<(TenantId, Vec<BookingId>)> {
        let mut waiting = self.waiting();
        for bookings in waiting.values_mut() {
            bookings.retain(|_, senders| {
                senders.retain(|sender| !sender.is_closed());
                !senders.is_empty()
            });
        }
        waiting.retain(|_, bookings| !bookings.is_empty());
        let asked = waiting.iter().filter(|(tenant, _)| shards.contains(Shard::of(**tenant)));
        asked.map(|(tenant, bookings)| (*tenant, bookings.keys().copied().collect())).collect()
    }

    fn answer(&self, tenant: TenantId, found: Vec<Booking>) {
        let mut waiting = self.waiting();
        let Some(bookings) = waiting.get_mut(&tenant) else { return };
        for booking in found.into_iter().filter(|booking| booking.claim.status() != Status::Pending) {
            for sender in bookings.remove(&booking.id).into_iter().flatten() {
                // Who waited may have left.
                let _ = sender.send(booking.clone());
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

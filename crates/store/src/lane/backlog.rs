//! Who waits for a lane: never more than may, and nobody who could expect to wait for too long.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use holdfast_domain::Shard;
use metrics::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rate::Rate;
use crate::{Error, LaneSettings, meters};

/// The longest that a caller is told to stay away, in seconds: what is measured now says little of later.
const RETRY_AFTER_MAX_SECONDS: u64 = 30;

/// All commands that a lane has taken and not answered, those in flight among them.
pub(super) struct Backlog {
    /// One for each of them, left with the answer.
    places: Arc<Semaphore>,
    limits: Limits,
    rate: Mutex<Rate>,
    /// How long the next one can expect to wait.
    expected_wait: Gauge,
}

struct Limits {
    /// Most commands.
    places: u32,
    /// Most commands of a batch. So many may wait for the next however long that takes: a lane that let in fewer would never
    /// find out that it is quick again.
    batch: u32,
    /// The longest that one may expect to wait.
    wait: Duration,
}

impl Backlog {
    /// Of a lane that has done nothing yet.
    pub(super) fn new(shard: Shard, settings: &LaneSettings) -> Self {
        Self {
            places: Arc::new(Semaphore::new(settings.lane_queue as usize)),
            limits: Limits {
                places: settings.lane_queue,
                batch: settings.lane_batch.min(settings.lane_queue),
                wait: settings.lane_wait(),
            },
            rate: Mutex::new(Rate::new(settings.lane_batch)),
            expected_wait: meters::expected_wait(shard),
        }
    }

    /// A place for one more, or when to come again. What comes again because its event is being settled has its place
    /// still, and does not ask.
    pub(super) fn enter(&self, now: Instant) -> Result<OwnedSemaphorePermit, Error> {
        // Held until the place is had: each judges by all that came before it.
        let rate = self.rate();
        let before = self.taken();
        let expected = rate.time_for(before, now);
        let refused = |reason| Error::Backlog { reason, retry_after_seconds: seconds(expected) };
        let waiting = before.saturating_sub(rate.in_flight());
        if waiting >= self.limits.batch && expected > self.limits.wait {
            return Err(refused("a write would wait for too long"));
        }
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| refused("the queue of writes is full"))?;
        self.expected_wait.set(rate.time_for(self.taken(), now));
        Ok(place)
    }

    /// How long so many batches can be expected to take.
    pub(super) fn time_for_batches(&self, batches: u32, now: Instant) -> Duration {
        self.rate().time_for_batches(batches, now)
    }

    /// Whether nobody is to wait for so long.
    pub(super) fn is_too_long(&self, wait: Duration) -> bool {
        wait > self.limits.wait
    }

    /// Half of the places, and one if there is but one.
    pub(super) const fn half(&self) -> u32 {
        self.limits.places.div_ceil(2)
    }

    /// A batch of so many of them begins.
    pub(super) fn begun(&self, size: usize, now: Instant) {
        self.rate().begun(u32::try_from(size).unwrap_or(u32::MAX), now);
    }

    /// It has ended.
    pub(super) fn ended(&self, now: Instant) {
        self.rate().ended(now);
    }

    /// Tells how long the next one can expect to wait.
    pub(super) fn tell(&self) {
        self.expected_wait.set(self.rate().time_for(self.taken(), Instant::now()));
    }

    fn taken(&self) -> u32 {
        let free = u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX);
        self.limits.places.saturating_sub(free)
    }

    fn rate(&self) -> MutexGuard<'_, Rate> {
        // A panic leaves a wrong estimate behind, at worst.
        self.rate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In how many whole seconds what takes so long is over, as a caller is told.
pub(super) fn seconds(expected: Duration) -> u32 {
    let seconds = expected.as_secs() + u64::from(expected.subsec_nanos() > 0);
    u32::try_from(seconds.clamp(1, RETRY_AFTER_MAX_SECONDS)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn backlog(lane_queue: u32, lane_batch: u32, lane_wait_millis: u64) -> Backlog {
        let settings = LaneSettings {
            lane_queue,
            lane_batch,
            lane_wait_millis,
            grace_period_minutes: 15,
            open_wants_per_resource: 5_000,
            resources_per_tenant: 20_000,
            hold_minutes: 10,
            hold_max_minutes: 120,
            events_per_tenant: 20_000,
            waitlist_per_event: 1,
        };
        Backlog::new(Shard::all().next().expect("a shard"), &settings)
    }

    fn enter(backlog: &Backlog, commands: usize, now: Instant) -> Vec<OwnedSemaphorePermit> {
        (0..commands).map(|_| backlog.enter(now).expect("a place")).collect()
    }

    fn told(refused: Result<OwnedSemaphorePermit, Error>) -> (&'static str, u32) {
        match refused {
            Err(Error::Backlog { reason, retry_after_seconds }) => (reason, retry_after_seconds),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_full_queue_says_when_what_waits_is_done_and_a_second_if_nothing_is_measured() {
        let (backlog, now) = (backlog(40, 10, 60_000), Instant::now());
        let places = enter(&backlog, 40, now);
        assert_eq!(told(backlog.enter(now)), ("the queue of writes is full", 1));
        backlog.begun(10, now);
        // Half of what the first batch took for each ten.
        assert_eq!(told(backlog.enter(now + 3 * SECOND)).1, 6);
        assert_eq!(told(backlog.enter(now + 3 * SECOND + SECOND / 1_000)).1, 7);
        assert_eq!(told(backlog.enter(now + 600 * SECOND)).1, 30);
        drop(places);
        assert!(backlog.enter(now).is_ok());
    }

    #[test]
    fn who_would_wait_for_too_long_is_refused_and_let_in_when_the_lane_is_quick_again() {
        let (backlog, now) = (backlog(1_000, 10, 1_000), Instant::now());
        let mut places = enter(&backlog, 30, now);
        backlog.begun(10, now);
        assert!(backlog.enter(now).is_ok(), "nothing is known of a batch that has just begun");
        let now = now + SECOND;
        assert_eq!(told(backlog.enter(now)), ("a write would wait for too long", 2));
        places.truncate(20);
        backlog.ended(now);
        // Of half a second for each ten: as long as may be.
        assert!(backlog.enter(now).is_ok());
        places.extend(enter(&backlog, 1, now));
        assert_eq!(told(backlog.enter(now)), ("a write would wait for too long", 2));
        backlog.begun(10, now);
        backlog.ended(now + SECOND / 10);
        assert!(backlog.enter(now + SECOND / 10).is_ok());
    }

    #[test]
    fn less_than_a_batch_waits_for_however_long_it_takes() {
        let (backlog, now) = (backlog(1_000, 10, 1_000), Instant::now());
        let mut places = enter(&backlog, 5, now);
        backlog.begun(5, now);
        let now = now + 60 * SECOND;
        places.extend(enter(&backlog, 10, now));
        assert_eq!(told(backlog.enter(now)), ("a write would wait for too long", 30));
    }
}

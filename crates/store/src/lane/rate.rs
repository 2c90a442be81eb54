//! How fast a lane answers, as its last batches tell. Pure: what the time is, and how many wait, comes in.

use std::time::{Duration, Instant};

/// What was measured before a pause of this length says nothing of what comes after it.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10);

/// How long a batch takes, of which each carries as many as it may when so many wait.
///
/// A batch that takes all there are says how long one takes, not how many could have travelled: counted by its size, a
/// lane that answers one command in a millisecond would pass for one that needs a second for a thousand. Nor does one that has to
/// leave others behind because of their object. The last batch counts for as much as all before it, so that a change is seen
/// within a few. The first counts for half of what it took: connections are opened in it.
pub(super) struct Rate {
    /// Most commands of a batch.
    limit: u32,
    /// How long a batch takes; zero until one is measured.
    batch: Duration,
    lane: State,
}

enum State {
    /// With nothing to do since then, if ever it had.
    Idle(Option<Instant>),
    Runs(Batch),
}

struct Batch {
    size: u32,
    begun_at: Instant,
}

impl Batch {
    fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.begun_at)
    }
}

impl Rate {
    /// Of a lane that has done nothing yet, and has so many commands in a batch at most.
    pub(super) const fn new(limit: u32) -> Self {
        Self { limit, batch: Duration::ZERO, lane: State::Idle(None) }
    }

    /// A batch of so many commands begins.
    pub(super) fn begun(&mut self, size: u32, now: Instant) {
        if self.is_forgotten(now) {
            *self = Self::new(self.limit);
        }
        self.lane = State::Runs(Batch { size, begun_at: now });
    }

    /// The batch has ended. Commands of it that come again because their event is being settled count as well: how long they
    /// may, and how many, is limited by itself.
    pub(super) fn ended(&mut self, now: Instant) {
        if let State::Runs(batch) = &self.lane {
            self.batch = midpoint(self.batch, batch.elapsed(now));
        }
        self.lane = State::Idle(Some(now));
    }

    /// How many commands are in the batch that runs.
    pub(super) const fn in_flight(&self) -> u32 {
        match &self.lane {
            State::Runs(batch) => batch.size,
            State::Idle(_) => 0,
        }
    }

    /// How long it can be expected to take until so many commands are answered, those in flight among them. Zero when
    /// nothing is measured.
    pub(super) fn time_for(&self, commands: u32, now: Instant) -> Duration {
        self.batch_at(now).saturating_mul(commands) / self.limit
    }

    /// How long so many batches can be expected to take. Zero when nothing is measured.
    pub(super) fn time_for_batches(&self, batches: u32, now: Instant) -> Duration {
        self.batch_at(now).saturating_mul(batches)
    }

    fn batch_at(&self, now: Instant) -> Duration {
        match &self.lane {
            // One that is slower than those before it counts at once: nothing else tells that PostgreSQL hangs.
            State::Runs(batch) => self.batch.max(midpoint(self.batch, batch.elapsed(now))),
            State::Idle(_) if self.is_forgotten(now) => Duration::ZERO,
            State::Idle(_) => self.batch,
        }
    }

    fn is_forgotten(&self, now: Instant) -> bool {
        match self.lane {
            State::Idle(since) => {
                since.is_some_and(|since| now.saturating_duration_since(since) >= FORGOTTEN_AFTER)
            }
            State::Runs(_) => false,
        }
    }
}

fn midpoint(one: Duration, other: Duration) -> Duration {
    one.saturating_add(other) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Batches of so many commands, one behind the other, each of which takes so long.
    fn run(rate: &mut Rate, batches: usize, size: u32, takes: Duration, now: &mut Instant) {
        for _ in 0..batches {
            rate.begun(size, *now);
            *now += takes;
            rate.ended(*now);
        }
    }

    /// Whether two are the same but for what averages leave.
    fn is_about(one: Duration, other: Duration) -> bool {
        one.abs_diff(other) < other / 50
    }

    #[test]
    fn nothing_is_expected_before_anything_is_measured() {
        assert_eq!(Rate::new(256).time_for(4_096, Instant::now()), Duration::ZERO);
    }

    #[test]
    fn a_steady_lane_is_told_as_it_is() {
        let (mut rate, mut now) = (Rate::new(100), Instant::now());
        run(&mut rate, 20, 100, SECOND / 10, &mut now);
        let told = rate.time_for(5_000, now);
        assert!(is_about(told, 5 * SECOND), "{told:?}");
    }

    #[test]
    fn a_lane_that_carries_one_at_a_time_is_not_taken_for_slow() {
        let (mut rate, mut now) = (Rate::new(250), Instant::now());
        // One command a batch, since there was but one each time, or all are about the same object.
        run(&mut rate, 20, 1, SECOND / 100, &mut now);
        let told = rate.time_for(1_000, now);
        assert!(is_about(told, SECOND / 25), "{told:?}");
    }

    #[test]
    fn the_first_batch_and_an_outlier_count_for_half_and_are_soon_forgotten() {
        let (mut rate, mut now) = (Rate::new(100), Instant::now());
        for _ in 0..2 {
            run(&mut rate, 1, 1, SECOND, &mut now);
            let told = rate.time_for(100, now);
            assert!(is_about(told, SECOND / 2), "{told:?}");
            run(&mut rate, 10, 100, SECOND / 1_000, &mut now);
            assert!(rate.time_for(100, now) < SECOND / 500);
        }
    }

    #[test]
    fn a_batch_that_hangs_counts_while_it_hangs() {
        let (mut rate, mut now) = (Rate::new(100), Instant::now());
        run(&mut rate, 20, 100, SECOND / 100, &mut now);
        rate.begun(100, now);
        assert_eq!(rate.in_flight(), 100);
        let told = rate.time_for(1_000, now + 2 * SECOND);
        assert!(is_about(told, 10 * SECOND), "{told:?}");
        // One that has hardly begun says nothing.
        let told = rate.time_for(1_000, now);
        assert!(is_about(told, SECOND / 10), "{told:?}");
    }

    #[test]
    fn a_pause_is_no_slowness_and_a_long_one_makes_the_rate_unknown() {
        let (mut rate, mut now) = (Rate::new(100), Instant::now());
        run(&mut rate, 20, 100, SECOND, &mut now);
        now += FORGOTTEN_AFTER / 2;
        let told = rate.time_for(1_000, now);
        assert!(is_about(told, 10 * SECOND), "{told:?}");
        now += FORGOTTEN_AFTER / 2;
        assert_eq!(rate.time_for(1_000, now), Duration::ZERO);
        rate.begun(1, now);
        assert_eq!(rate.time_for(1_000, now), Duration::ZERO);
        // A batch that takes as long is no pause.
        rate.ended(now + FORGOTTEN_AFTER);
        assert_eq!(rate.time_for(100, now + FORGOTTEN_AFTER), FORGOTTEN_AFTER / 2);
    }
}

//! When requests are due that come so many a second, whatever becomes of those before: an open loop. A request that can't
//! be sent in time stays due, and is timed from when it was.

use std::time::{Duration, Instant};

/// The next request's time, and how far apart they are.
#[derive(Debug)]
pub(crate) struct Pace {
    next: Instant,
    step: Duration,
}

impl Pace {
    /// From `start` on, so many a second.
    pub(crate) fn new(start: Instant, per_second: u32) -> Self {
        Self { next: start, step: Duration::from_secs(1) / per_second }
    }

    /// When the next request was due, if that has come.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        (self.next <= now).then_some(self.next)
    }

    /// The next request has been sent: then it is the one after it.
    pub(crate) fn sent(&mut self) {
        self.next += self.step;
    }

    /// Whether none is due any more before `until`.
    pub(crate) fn is_past(&self, until: Instant) -> bool {
        self.next >= until
    }

    /// How long to wait at `now`, no longer than `most`: until the next is due. One that is due and could not be sent waits
    /// for an answer, not for a time.
    pub(crate) fn wait(&self, now: Instant, most: Duration) -> Duration {
        match self.next.checked_duration_since(now) {
            Some(wait) if !wait.is_zero() => wait.min(most),
            _ => most,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_sent_in_time_is_due_from_when_it_should_have_been() {
        let start = Instant::now();
        let mut pace = Pace::new(start, 1_000);
        let late = start + Duration::from_millis(2);
        let mut due = Vec::new();
        while let Some(at) = pace.due(late) {
            due.push((at - start).as_millis());
            pace.sent();
        }
        assert_eq!(due, [0, 1, 2]);
        let second = Duration::from_secs(1);
        assert_eq!(pace.wait(late, second), Duration::from_millis(1));
        assert_eq!(pace.wait(late + second, second), second);
        assert!(
            pace.is_past(start + Duration::from_millis(3)) && !pace.is_past(start + Duration::from_millis(4))
        );
    }
}

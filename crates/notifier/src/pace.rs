//! How fast a client may speak.

use std::time::Duration;

use tokio::time::Instant;

/// Most messages of a client in a second, on the average of one.
pub(crate) const MESSAGES_PER_SECOND: u32 = 20;

/// The time that one message is worth.
const EACH: Duration = Duration::from_nanos(1_000_000_000 / MESSAGES_PER_SECOND as u64);

/// What a client has used up: each message pushes this further, and it must not be a second ahead.
#[derive(Debug)]
pub(crate) struct Pace(Instant);

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        Self(now)
    }

    /// Counts a message; whether it came too soon.
    pub(crate) fn is_exceeded(&mut self, now: Instant) -> bool {
        self.0 = self.0.max(now) + EACH;
        self.0 > now + EACH * MESSAGES_PER_SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_messages_and_no_more() {
        let began = Instant::now();
        let mut pace = Pace::new(began);
        let exceeded = (0..=MESSAGES_PER_SECOND).map(|_| pace.is_exceeded(began)).filter(|is_over| *is_over);
        assert_eq!(exceeded.count(), 1);
        let mut steady = Pace::new(began);
        assert!((0..100).all(|number| !steady.is_exceeded(began + EACH * number)));
    }
}

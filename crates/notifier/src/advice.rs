//! When to come back: at another moment for each, or all who were connected would do it at once.

use std::{
    hash::{BuildHasher as _, RandomState},
    ops::RangeInclusive,
};

/// After how long, at the soonest and at the latest.
const RECONNECT_MILLIS: RangeInclusive<u64> = 100..=2_000;

/// In how many milliseconds this one should come back.
pub(crate) fn reconnect_millis() -> u64 {
    let (first, last) = (RECONNECT_MILLIS.start(), RECONNECT_MILLIS.end());
    // Seeded anew each time: chance enough to spread clients.
    first + RandomState::new().hash_one(()) % (last - first + 1)
}

/// The same as the reason of a close, to be read by programs.
pub(crate) fn reason() -> String {
    format!("reconnect in {} ms", reconnect_millis())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_is_told_another_time_within_bounds() {
        let times: Vec<u64> = (0..1_000).map(|_| reconnect_millis()).collect();
        assert!(times.iter().all(|time| RECONNECT_MILLIS.contains(time)));
        assert!(times.iter().collect::<HashSet<_>>().len() > 500);
    }
}

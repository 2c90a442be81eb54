//! When to try again what did not answer: later each time, up to a limit, and each process at another moment. Those that
//! lost PostgreSQL together must not all come back to it together.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

/// The longest that the first pause may be.
const FIRST: Duration = Duration::from_millis(250);

/// The longest that any may be: how late a service notices that what was away is back.
const LONGEST: Duration = Duration::from_secs(2);

/// The pauses of one loop between its tries.
#[derive(Debug, Default)]
pub struct Pause {
    failures: u32,
}

impl Pause {
    /// How long to wait after one more failure: between half of what it may be and all of it.
    pub fn after_failure(&mut self) -> Duration {
        let most = FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        // Seeded anew each time: chance enough to spread processes.
        let chance = RandomState::new().hash_one(()) % 1_000;
        most / 2 + most.mul_f64(f64::from(u32::try_from(chance).unwrap_or_default()) / 2_000.0)
    }

    /// It answers: the next failure is the first one.
    pub fn end(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest_and_begin_anew_after_an_answer() {
        let mut pause = Pause::default();
        let all: Vec<_> = (0..100).map(|_| pause.after_failure()).collect();
        assert!(all[0] <= FIRST && all[99] > LONGEST / 3 && all.iter().all(|pause| *pause <= LONGEST));
        pause.end();
        assert!(pause.after_failure() <= FIRST);
    }

    #[test]
    fn no_two_processes_pause_alike() {
        let firsts: HashSet<_> = (0..100).map(|_| Pause::default().after_failure()).collect();
        assert!(firsts.len() > 50, "{firsts:?}");
        assert!(firsts.iter().all(|pause| *pause >= FIRST / 2));
    }
}

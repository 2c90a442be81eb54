//! What is broken when: drawn from a seed, and from nothing else, so that it can be had again.
//!
//! The faults lie in a deck, which is shuffled and drawn to its end before it is shuffled again: none is left out of a run
//! that is long enough, and none comes twice before the others have come.

use std::time::Duration;

use holdfast_testkit::Random;

use super::{
    doors::Who,
    fault::{Fault, Kind, Outage, Server, Trouble},
};
use crate::Binary;

/// What is broken at once, how long it stays so, and how long it is calm after everybody has got on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// One thing or two.
    pub faults: Vec<Fault>,
    /// Until it is mended.
    pub lasts: Duration,
    /// Until the next.
    pub calm: Duration,
}

/// Step after step, without end.
#[derive(Debug)]
pub struct Schedule {
    random: Random,
    kinds: Vec<Kind>,
    deck: Vec<Card>,
    /// What was drawn beside a fault that it would have met in the same place: it comes next.
    put_by: Option<Fault>,
}

/// A fault of which it isn't yet said whom it meets.
#[derive(Debug, Clone, Copy)]
enum Card {
    Kill,
    Terminate,
    Pause,
    Die(Binary, &'static str),
    Flaky(&'static str),
    Outage(Server, Outage),
    Trouble(Server, Trouble),
}

/// Every card, and which of those that may be broken it needs.
const DECK: [(Kind, Card); 31] = {
    use Binary::{BookingApi, Validator};
    use Card::{Die, Flaky, Kill, Pause, Terminate};
    use Server::{Postgres, Redis};
    const fn outage(server: Server, outage: Outage) -> (Kind, Card) {
        let kind = match server {
            Postgres => Kind::Postgres,
            Redis => Kind::Redis,
        };
        (kind, Card::Outage(server, outage))
    }
    const fn trouble(server: Server, trouble: Trouble) -> (Kind, Card) {
        (Kind::Lines, Card::Trouble(server, trouble))
    }
    [
        (Kind::Processes, Kill),
        (Kind::Processes, Kill),
        (Kind::Processes, Kill),
        (Kind::Processes, Terminate),
        (Kind::Processes, Terminate),
        (Kind::Processes, Pause),
        (Kind::Processes, Pause),
        (Kind::Processes, Die(BookingApi, "head.before_commit")),
        (Kind::Processes, Die(BookingApi, "head.after_commit")),
        (Kind::Processes, Die(Validator, "head.before_commit")),
        (Kind::Processes, Die(Validator, "head.after_commit")),
        (Kind::Processes, Die(Validator, "step.before_write")),
        (Kind::Processes, Die(Validator, "step.before_commit")),
        (Kind::Processes, Flaky("head.loses_commit")),
        (Kind::Processes, Flaky("head.loses_answer")),
        outage(Postgres, Outage::Fast),
        outage(Postgres, Outage::Immediate),
        outage(Postgres, Outage::Kill),
        outage(Postgres, Outage::Pause),
        outage(Redis, Outage::Flush),
        outage(Redis, Outage::Kill),
        outage(Redis, Outage::Old),
        outage(Redis, Outage::Pause),
        trouble(Postgres, Trouble::Cut),
        trouble(Postgres, Trouble::Refuse),
        trouble(Postgres, Trouble::Stall),
        trouble(Postgres, Trouble::Slow),
        trouble(Redis, Trouble::Cut),
        trouble(Redis, Trouble::Refuse),
        trouble(Redis, Trouble::Stall),
        trouble(Redis, Trouble::Slow),
    ]
};

/// How long a fault lasts, in milliseconds: from this to less than the sum.
const LASTS: (u64, u64) = (300, 3_700);
/// One in so many lasts longer by this: longer than COMMIT may take and a lane may look for a lost one, together, and than a
/// subscriber bears silence.
const ONE_IN_IS_LONG: u64 = 12;
const LONG: Duration = Duration::from_secs(18);
/// A calm, in milliseconds.
const CALM: (u64, u64) = (200, 1_000);

impl Schedule {
    /// The schedule of this seed, of these kinds.
    ///
    /// # Panics
    /// When it is of no kind.
    pub fn seeded(seed: u64, kinds: &[Kind]) -> Self {
        assert!(!kinds.is_empty(), "there is nothing to break");
        Self { random: Random::seeded(seed), kinds: kinds.to_vec(), deck: Vec::new(), put_by: None }
    }

    fn draw(&mut self) -> Fault {
        if self.deck.is_empty() {
            let cards = DECK.iter().filter(|(kind, _)| self.kinds.contains(kind));
            self.deck = cards.map(|(_, card)| *card).collect();
        }
        let place = self.below(self.deck.len());
        match self.deck.swap_remove(place) {
            Card::Kill => Fault::Kill(self.anybody()),
            Card::Terminate => Fault::Terminate(self.anybody()),
            Card::Pause => Fault::Pause(self.anybody()),
            Card::Die(binary, at) => {
                let passes = self.random.below(10);
                Fault::Die { who: Who { binary, number: self.below(2) }, at, passes }
            }
            Card::Flaky(at) => Fault::Flaky { who: Who::ALL[self.below(4)], at, percent: 20 },
            Card::Outage(server, outage) => Fault::Outage(server, outage),
            Card::Trouble(server, trouble) => {
                // A notifier has no line to PostgreSQL.
                let count = if server == Server::Postgres { 4 } else { 6 };
                let who = Who::ALL.get(self.below(count + 3)).copied().filter(|who| who.index() < count);
                Fault::Trouble(server, trouble, who)
            }
        }
    }

    fn anybody(&mut self) -> Who {
        Who::ALL[self.below(Who::ALL.len())]
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.random.below(limit as u64)).expect("less than a usize")
    }

    fn millis(&mut self, (least, more): (u64, u64)) -> Duration {
        Duration::from_millis(least + self.random.below(more))
    }
}

impl Iterator for Schedule {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let first = self.put_by.take().unwrap_or_else(|| self.draw());
        let mut faults = vec![first];
        if self.random.below(3) == 0 {
            let other = self.draw();
            if other.touches() == first.touches() {
                self.put_by = Some(other);
            } else {
                faults.push(other);
            }
        }
        let long = if self.random.below(ONE_IN_IS_LONG) == 0 { LONG } else { Duration::ZERO };
        Some(Step { faults, lasts: long + self.millis(LASTS), calm: self.millis(CALM) })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const ALL: [Kind; 4] = [Kind::Processes, Kind::Postgres, Kind::Redis, Kind::Lines];

    #[test]
    fn a_seed_gives_the_same_schedule_again_and_another_gives_another() {
        let steps = |seed| Schedule::seeded(seed, &ALL).take(50).collect::<Vec<_>>();
        assert_eq!(steps(7), steps(7));
        assert_ne!(steps(7), steps(8));
    }

    #[test]
    fn every_fault_comes_and_only_those_of_the_kinds_that_were_asked_for() {
        let words = |kinds: &[Kind]| -> HashSet<String> {
            let faults = Schedule::seeded(7, kinds).take(500).flat_map(|step| step.faults);
            faults
                .map(|fault| match fault {
                    Fault::Kill(_) => "kill".to_owned(),
                    Fault::Terminate(_) => "terminate".to_owned(),
                    Fault::Pause(_) => "pause".to_owned(),
                    Fault::Die { who, at, .. } => format!("{:?} {at}", who.binary),
                    Fault::Flaky { at, .. } => at.to_owned(),
                    Fault::Outage(server, outage) => format!("{server:?} {outage:?}"),
                    Fault::Trouble(server, trouble, _) => format!("{server:?} {trouble:?}"),
                })
                .collect()
        };
        // Killing is in the deck three times, telling to stop and pausing twice.
        assert_eq!(words(&ALL).len(), DECK.len() - 4);
        assert_eq!(words(&[Kind::Redis]).len(), 4);
    }

    #[test]
    fn none_is_left_out_before_the_deck_is_shuffled_again() {
        let mut schedule = Schedule::seeded(7, &ALL);
        let mut count = 0;
        while count < DECK.len() {
            count += schedule.next().map_or(0, |step| step.faults.len());
        }
        // The last step may have drawn from the next.
        assert!(count <= DECK.len() + 1, "{count}");
        assert!(schedule.deck.is_empty() || schedule.deck.len() >= DECK.len() - 2);
    }
}

//! The order in which holds were asked for, beside that in which they were written.

use super::report::{AtTheDoor, Taken, Way};
use crate::ReservationId;

/// How many of the numbers that were added are below another: a Fenwick tree.
#[derive(Debug)]
pub(super) struct Tree(Vec<u64>);

impl Tree {
    /// Of numbers below `end`.
    pub(super) fn new(end: usize) -> Self {
        Self(vec![0; end + 1])
    }

    /// Adds a number.
    pub(super) fn add(&mut self, number: usize) {
        let mut place = number + 1;
        while place < self.0.len() {
            self.0[place] += 1;
            place += place & place.wrapping_neg();
        }
    }

    /// How many that were added are below it.
    pub(super) fn below(&self, number: usize) -> u64 {
        let (mut place, mut count) = (number, 0);
        while place > 0 {
            count += self.0[place];
            place &= place - 1;
        }
        count
    }
}

/// How well both orders go together.
pub(super) fn look(taken: &[Taken]) -> AtTheDoor {
    let at_the_door = taken.iter().filter(|taken| taken.way == Way::Hold);
    let arrivals: Vec<Option<i64>> = at_the_door.map(|taken| arrived_millis(taken.reservation_id)).collect();
    let dated: Vec<i64> = arrivals.iter().copied().flatten().collect();
    let holds = dated.len() as u64;
    let (inverted_pairs, most_millis) = inversions(&dated);
    AtTheDoor {
        holds,
        undated: arrivals.len() as u64 - holds,
        pairs: holds * holds.saturating_sub(1) / 2,
        inverted_pairs,
        most_millis,
    }
}

/// How many pairs of these are the other way round, and by how much at most.
fn inversions(numbers: &[i64]) -> (u64, i64) {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut before = Tree::new(sorted.len());
    let (mut count, mut most, mut highest) = (0, 0, i64::MIN);
    for (already, number) in (0..).zip(numbers) {
        let place = sorted.partition_point(|other| other <= number);
        count += already - before.below(place);
        before.add(place - 1);
        highest = highest.max(*number);
        most = most.max(highest - number);
    }
    (count, most)
}

/// When an id was made, in milliseconds since 1970, by the clock of who made it; nothing unless it is a UUID of version 7.
pub(super) fn arrived_millis(id: ReservationId) -> Option<i64> {
    let value = id.uuid();
    (value.get_version_num() == 7).then(|| i64::try_from(value.as_u128() >> 80).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn pairs_that_are_the_other_way_round_are_those_that_a_look_at_each_pair_finds(
            numbers in prop::collection::vec(-20..20_i64, 0..60),
        ) {
            let pairs = (0..numbers.len()).flat_map(|second| (0..second).map(move |first| (first, second)));
            let inverted: Vec<i64> = pairs
                .map(|(first, second)| numbers[first] - numbers[second])
                .filter(|by| *by > 0)
                .collect();
            let expected = (inverted.len() as u64, inverted.iter().copied().max().unwrap_or(0));
            prop_assert_eq!(inversions(&numbers), expected);
        }
    }
}

//! Where the free seats are: a layout and its map, and of each row how much is left.

use std::sync::Arc;

use super::{Layout, SeatMap, SeatState};
use crate::Category;

/// The seats of a section and what has become of them, of which the best are quickly found ([`Self::best`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Floor {
    pub(super) layout: Arc<Layout>,
    pub(super) map: SeatMap,
    /// Of each row, as `layout` has them. Invariant: as [`left`] counts it.
    rows: Vec<Left>,
    free: usize,
}

/// What is left of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Left {
    /// How many seats are free.
    pub free: u32,
    /// How many free neighbours there are at most.
    pub longest_run: u32,
    /// The lengths of its runs: a bit for each, the last for all that are longer.
    lengths: u64,
}

impl Left {
    /// Whether there may be a run of just this length.
    pub const fn may_have_run(self, length: u32) -> bool {
        self.lengths & length_bit(length) != 0
    }
}

const fn length_bit(length: u32) -> u64 {
    1 << if length < 63 { length } else { 63 }
}

fn left(layout: &Layout, map: &SeatMap, row: usize) -> Left {
    map.free_runs(layout.span(row)).fold(Left::default(), |left, run| {
        let length = run.end - run.start;
        Left {
            free: left.free + length,
            longest_run: left.longest_run.max(length),
            lengths: left.lengths | length_bit(length),
        }
    })
}

impl Floor {
    /// The floor of this layout with this map; nothing unless they have equally many seats.
    pub fn new(layout: Arc<Layout>, map: SeatMap) -> Option<Self> {
        if layout.seats() != map.seats() {
            return None;
        }
        let rows: Vec<_> = (0..layout.rows().len()).map(|row| left(&layout, &map, row)).collect();
        let free = rows.iter().map(|left| left.free as usize).sum();
        Some(Self { layout, map, rows, free })
    }

    /// Which seats there are.
    pub const fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// What has become of them.
    pub const fn map(&self) -> &SeatMap {
        &self.map
    }

    /// What has become of a seat. It must be there.
    pub fn get(&self, ordinal: u32) -> SeatState {
        self.map.get(ordinal)
    }

    /// Puts a seat into a state. It must be there.
    pub fn set(&mut self, ordinal: u32, state: SeatState) {
        let was_free = self.map.get(ordinal) == SeatState::Free;
        self.map.set(ordinal, state);
        if was_free != (state == SeatState::Free) {
            let row = self.layout.row_of(ordinal);
            let old = std::mem::replace(&mut self.rows[row], left(&self.layout, &self.map, row));
            self.free = self.free - old.free as usize + self.rows[row].free as usize;
        }
    }

    /// How many seats are free.
    pub const fn free(&self) -> usize {
        self.free
    }

    /// How many seats of this category, or of any, are free.
    pub fn free_in(&self, category: Option<&Category>) -> usize {
        match category {
            None => self.free,
            Some(_) => self.open_rows(category, 1).map(|(_, left)| left.free as usize).sum(),
        }
    }

    /// How many free neighbours of this category, or of any, there are at most.
    pub fn longest_run(&self, category: Option<&Category>) -> usize {
        self.open_rows(category, 1).map(|(_, left)| left.longest_run as usize).max().unwrap_or(0)
    }

    /// The rows of this category, or of any, that have a run of `length`, the best first, and what is left of them.
    pub(super) fn open_rows(
        &self,
        category: Option<&Category>,
        length: u32,
    ) -> impl Iterator<Item = (usize, Left)> {
        let is_asked = move |row: usize| category.is_none() || self.layout.rows()[row].category() == category;
        self.layout
            .ranked()
            .iter()
            .map(|row| (*row, self.rows[*row]))
            .filter(move |(row, left)| left.longest_run >= length && is_asked(*row))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::seating::tests::{category, scene, states};

    #[test]
    fn a_layout_and_a_map_of_other_seats_are_no_floor() {
        assert_eq!(Floor::new(Arc::default(), SeatMap::free(1)), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..Default::default() })]

        #[test]
        fn what_is_left_is_known_after_every_set(
            floor in scene(),
            sets in prop::collection::vec((any::<prop::sample::Index>(), "[fhc-]"), 1..40),
            category in category(),
        ) {
            let mut floor = floor;
            for (at, state) in sets {
                let at = u32::try_from(at.index(floor.layout().seats())).unwrap();
                floor.set(at, SeatState::parse(state.chars().next().unwrap()).unwrap());
            }
            let again = Floor::new(floor.layout().clone(), floor.map().clone());
            prop_assert_eq!(again.as_ref(), Some(&floor));

            let rows = states(&floor, category.as_ref());
            let runs = rows.iter().flat_map(|(_, row)| row.split(|free| !free)).map(<[bool]>::len);
            prop_assert_eq!(floor.free_in(category.as_ref()), runs.clone().sum::<usize>());
            prop_assert_eq!(floor.longest_run(category.as_ref()), runs.max().unwrap_or(0));
            prop_assert_eq!(floor.free(), floor.map().count(SeatState::Free));
        }
    }
}

//! Which seats are best: side by side, in the best row, with nobody's neighbour left alone.

use std::{cmp::Reverse, collections::BinaryHeap, ops::Range};

use serde::{Deserialize, Serialize};

use super::Floor;
use crate::Category;

/// Whether seats must be neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Adjacency {
    /// Neighbours, or none at all.
    Required,
    /// Neighbours if they are to be had, else in as few pieces as can be.
    #[default]
    Preferred,
    /// The best rows first, wherever in them.
    Any,
}

/// Where neighbours may sit in a row: of two, the lesser is better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    orphans: u32,
    off_centre: u32,
    start: u32,
}

impl Floor {
    /// The best `quantity` free seats, of this category or of any.
    ///
    /// Neighbours are consecutive ordinals of one row; a seat that is not free parts those beside it. Rows go by rank,
    /// then as they were added. An orphan is a single free seat with no free neighbour.
    ///
    /// - [`Adjacency::Required`]: of all windows of `quantity` free neighbours the one that makes the fewest orphans;
    ///   of these, the one in the first row; then the nearest to the row's middle; then the lowest ordinal.
    /// - [`Adjacency::Preferred`]: that, or else the longest run of free neighbours whole (of equals the one in the first
    ///   row, then the lowest ordinal), again and again, until the rest fits into one window, which is placed as above.
    ///   There are no fewer pieces that would do.
    /// - [`Adjacency::Any`]: the first free seats, by row, then by ordinal.
    ///
    /// None when too few seats are free, or no run is long enough where that is required.
    pub fn best(
        &self,
        quantity: usize,
        adjacency: Adjacency,
        category: Option<&Category>,
    ) -> Option<Vec<u32>> {
        if quantity == 0 {
            return Some(Vec::new());
        }
        if self.free() < quantity {
            return None;
        }
        let length = u32::try_from(quantity).ok()?;
        let window = || self.window(length, category, &[]);
        match adjacency {
            Adjacency::Required => window().map(Iterator::collect),
            Adjacency::Preferred => window().map(Iterator::collect).or_else(|| self.pieces(length, category)),
            Adjacency::Any => {
                let free = self.open_rows(category, 1).flat_map(|(row, _)| self.runs(row)).flatten();
                let seats: Vec<_> = free.take(quantity).collect();
                (seats.len() == quantity).then_some(seats)
            }
        }
    }

    fn runs(&self, row: usize) -> impl Iterator<Item = Range<u32>> {
        self.map.free_runs(self.layout.span(row))
    }

    /// The best window of `length` free neighbours, outside of the runs that are `taken`.
    fn window(&self, length: u32, category: Option<&Category>, taken: &[Range<u32>]) -> Option<Range<u32>> {
        let mut best: Option<Place> = None;
        for (row, left) in self.open_rows(category, length) {
            // In a run of one seat more, every window makes an orphan; in any other there is one that makes none.
            let spares_none = left.longest_run == length + 1 && !left.may_have_run(length);
            if best.is_some() && spares_none {
                continue;
            }
            let span = self.layout.span(row);
            let runs = self.runs(row).filter(|run| run.end - run.start >= length && !taken.contains(run));
            let place = runs.map(|run| place(&run, length, &span)).min();
            // Rows come in order: only fewer orphans are better than what an earlier one has.
            best = [best, place].into_iter().flatten().min_by_key(|place| place.orphans);
            if best.is_some_and(|best| best.orphans == 0) {
                break;
            }
        }
        best.map(|best| best.start..best.start + length)
    }

    /// The longest runs whole, as few as will do, and what is then left to give as one window.
    fn pieces(&self, quantity: u32, category: Option<&Category>) -> Option<Vec<u32>> {
        // A row stands for its runs until its longest is the next: so only rows are looked into of which a run is
        // taken. The order is the rule's: the longest, then the first row, then the lowest ordinal.
        let rows = self.open_rows(category, 1).enumerate();
        let mut longest: BinaryHeap<_> =
            rows.map(|(nth, (row, left))| (left.longest_run, Reverse(nth), Reverse(0), Some(row))).collect();
        let (mut taken, mut rest) = (Vec::new(), quantity);
        loop {
            match longest.pop()? {
                (length, ..) if length >= rest => break,
                (_, nth, _, Some(row)) => longest
                    .extend(self.runs(row).map(|run| (run.end - run.start, nth, Reverse(run.start), None))),
                (length, _, Reverse(start), None) => {
                    taken.push(start..start + length);
                    rest -= length;
                }
            }
        }
        let last = self.window(rest, category, &taken)?;
        Some(taken.into_iter().chain([last]).flatten().collect())
    }
}

/// The best window of `length` neighbours in a run of a row.
fn place(run: &Range<u32>, length: u32, row: &Range<u32>) -> Place {
    let last = run.end - length;
    let place = |start: u32| Place {
        // One seat is left between the window and an end of the run.
        orphans: u32::from(start == run.start + 1) + u32::from(start + 1 == last),
        // In half seats: each is twice the middle.
        off_centre: (2 * start + length).abs_diff(row.start + row.end),
        start,
    };
    let at_an_end = place(run.start).min(place(last));
    if last - run.start < 4 {
        return at_an_end;
    }
    // Away from the ends by two seats or more, so that none is left alone.
    let centre = (row.start + row.end - length) / 2;
    at_an_end.min(place(centre.clamp(run.start + 2, last - 2)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::seating::{
        SeatState,
        tests::{category, floor, scene, states},
    };

    /// The runs of free seats of a row.
    fn runs((start, row): &(usize, Vec<bool>)) -> Vec<Range<usize>> {
        let is_free = |at: usize| row.get(at) == Some(&true);
        let starts = (0..row.len()).filter(|at| is_free(*at) && (*at == 0 || !is_free(*at - 1)));
        starts
            .map(|from| start + from..start + (from..=row.len()).find(|at| !is_free(*at)).unwrap())
            .collect()
    }

    fn singles(row: &(usize, Vec<bool>)) -> Vec<Range<usize>> {
        runs(row).into_iter().filter(|run| run.len() == 1).collect()
    }

    /// The rule of windows word for word: each window there is, and what it would do.
    fn window(rows: &[(usize, Vec<bool>)], quantity: usize) -> Option<Range<usize>> {
        let windows = rows.iter().enumerate().flat_map(|(nth, row)| {
            let (start, seats) = row;
            (0..(seats.len() + 1).saturating_sub(quantity)).filter_map(move |from| {
                let window = from..from + quantity;
                if !seats[window.clone()].iter().all(|free| *free) {
                    return None;
                }
                let mut after = row.clone();
                after.1[window.clone()].fill(false);
                let before = singles(row);
                let orphans = singles(&after).iter().filter(|single| !before.contains(single)).count();
                let off_centre = (window.start + window.end).abs_diff(seats.len());
                Some(((orphans, nth, off_centre, from), start + window.start..start + window.end))
            })
        });
        windows.min_by_key(|(key, _)| *key).map(|(_, window)| window)
    }

    /// The rule, and nothing clever, on the rows in their order: where each begins, and which seats are free.
    fn oracle(rows: &[(usize, Vec<bool>)], quantity: usize, adjacency: Adjacency) -> Option<Vec<usize>> {
        let free: Vec<_> = rows.iter().flat_map(runs).flatten().collect();
        match adjacency {
            _ if free.len() < quantity => None,
            _ if quantity == 0 => Some(Vec::new()),
            Adjacency::Any => Some(free[..quantity].to_vec()),
            Adjacency::Required => window(rows, quantity).map(Iterator::collect),
            Adjacency::Preferred => {
                let (mut rows, mut seats) = (rows.to_vec(), Vec::new());
                loop {
                    let rest = quantity - seats.len();
                    if let Some(window) = window(&rows, rest) {
                        seats.extend(window);
                        return Some(seats);
                    }
                    let longest = rows.iter().flat_map(runs).rev().max_by_key(Range::len)?;
                    for (start, row) in &mut rows {
                        if (*start..*start + row.len()).contains(&longest.start) {
                            row[longest.start - *start..longest.end - *start].fill(false);
                        }
                    }
                    seats.extend(longest);
                }
            }
        }
    }

    fn best(rows: &[&str], quantity: usize, adjacency: Adjacency) -> Option<Vec<u32>> {
        floor(rows.iter().map(|row| (0, None, (*row).to_owned())).collect()).best(quantity, adjacency, None)
    }

    #[test]
    fn neighbours_sit_in_the_middle_of_the_first_row_that_leaves_nobody_alone() {
        assert_eq!(best(&["ffffffff", "ffffffff"], 2, Adjacency::Required), Some(vec![3, 4]));
        assert_eq!(best(&["fffffhhh"], 2, Adjacency::Required), Some(vec![3, 4]), "not 2 and 3");
        assert_eq!(best(&["fffhh", "hffhh"], 2, Adjacency::Required), Some(vec![6, 7]));
        assert_eq!(best(&["ff-ff", "ffff"], 3, Adjacency::Required), Some(vec![5, 6, 7]));
    }

    #[test]
    fn what_is_required_side_by_side_is_not_given_in_pieces() {
        assert_eq!(best(&["ff-ff", "ff"], 3, Adjacency::Required), None);
        assert_eq!(best(&["ff-ff", "ff"], 3, Adjacency::Preferred), Some(vec![0, 1, 3]));
        assert_eq!(best(&["ff-ff", "ff"], 3, Adjacency::Any), Some(vec![0, 1, 3]));
        assert_eq!(best(&["f-fff", "f"], 4, Adjacency::Preferred), Some(vec![2, 3, 4, 0]));
        assert_eq!(best(&["ff-ff", "ff"], 7, Adjacency::Preferred), None);
    }

    #[test]
    fn a_seat_of_a_better_rank_goes_first() {
        let floor = floor(vec![(1, None, "ff".into()), (0, None, "ff".into())]);
        assert_eq!(floor.best(2, Adjacency::Required, None), Some(vec![2, 3]));
        assert_eq!(floor.best(3, Adjacency::Any, None), Some(vec![2, 3, 0]));
    }

    #[test]
    fn to_say_nothing_is_to_prefer_neighbours() {
        assert_eq!(Adjacency::default(), serde_json::from_str(r#""preferred""#).unwrap());
    }

    fn adjacency() -> impl Strategy<Value = Adjacency> {
        prop_oneof![Just(Adjacency::Required), Just(Adjacency::Preferred), Just(Adjacency::Any)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..Default::default() })]

        #[test]
        fn the_best_are_as_the_rule_says(
            floor in scene(),
            quantity in prop_oneof![4 => 0usize..6, 1 => 0usize..90],
            adjacency in adjacency(),
            category in category(),
        ) {
            let best = floor.best(quantity, adjacency, category.as_ref());
            let plain = best.map(|seats| seats.into_iter().map(|seat| seat as usize).collect());
            prop_assert_eq!(plain, oracle(&states(&floor, category.as_ref()), quantity, adjacency));
        }

        #[test]
        fn a_floor_is_given_away_to_the_last_seat(
            floor in scene(),
            quantity in 1usize..5,
            adjacency in adjacency(),
            category in category(),
        ) {
            let mut floor = floor;
            while let Some(seats) = floor.best(quantity, adjacency, category.as_ref()) {
                prop_assert_eq!(seats.len(), quantity);
                for seat in seats {
                    prop_assert_eq!(floor.get(seat), SeatState::Free, "given twice, or not free");
                    let row = &floor.layout().rows()[floor.layout().row_of(seat)];
                    prop_assert!(category.is_none() || row.category() == category.as_ref());
                    floor.set(seat, SeatState::Held);
                }
            }
            let left = match adjacency {
                Adjacency::Required => floor.longest_run(category.as_ref()),
                _ => floor.free_in(category.as_ref()),
            };
            prop_assert!(left < quantity);
        }
    }
}

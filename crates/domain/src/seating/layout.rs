//! Which seats a section has. Rows are only ever added, so that a seat's ordinal is its own for good.

use std::{
    collections::{HashMap, hash_map::Entry},
    ops::Range,
};

use super::{Row, RowError};
use crate::{RowName, SeatLabel};

/// The rows of a section, in the order in which they were added. A seat's ordinal counts from 0 through all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    rows: Vec<Row>,
    /// Where each row ends: the ordinal behind its last seat.
    ends: Vec<u32>,
    ordinals: HashMap<SeatLabel, u32>,
    /// The rows as they are given: by rank, then as added.
    ranked: Vec<usize>,
}

/// Why rows can't be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// One label for two seats.
    #[error("seat {label} is there twice")]
    Duplicate {
        /// Whose label it is.
        label: SeatLabel,
    },
    /// A row that goes on can't: its numbers, or a label with one of them, would be too long.
    #[error("row {row} {error}")]
    Row {
        /// Which row.
        row: RowName,
        /// What it would be.
        error: RowError,
    },
    /// More seats than a section may have.
    #[error("has more than {limit} seats")]
    TooMany {
        /// The most seats of a section.
        limit: usize,
    },
}

impl LayoutError {
    /// The rule's name, as problem documents have it.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Duplicate { .. } => "seat_twice",
            Self::Row { error, .. } => error.rule(),
            Self::TooMany { .. } => "too_many_seats",
        }
    }
}

impl Layout {
    /// The most seats of a section, those taken out among them.
    pub const LIMIT: usize = 100_000;

    /// The layout of these rows; of none, the empty one.
    ///
    /// # Errors
    /// As [`Self::extended`].
    pub fn new(rows: Vec<Row>) -> Result<Self, LayoutError> {
        Self::default().with(rows)
    }

    /// The layout with more rows behind its own. A counted row whose name is there already, of counted seats, goes on
    /// behind the last number, unless it says where it begins: so rows that were added once give the same seats again.
    ///
    /// # Errors
    /// When a label would be there twice or be too long, or there would be more than [`Self::LIMIT`] seats.
    pub fn extended(&self, rows: Vec<Row>) -> Result<Self, LayoutError> {
        self.clone().with(rows)
    }

    fn with(mut self, rows: Vec<Row>) -> Result<Self, LayoutError> {
        let mut next_numbers: HashMap<RowName, u32> = HashMap::new();
        for row in &self.rows {
            count(&mut next_numbers, row);
        }
        for row in rows {
            let row = match next_numbers.get(row.name()) {
                Some(next) if row.first() == Some(1) => row
                    .numbered_from(*next)
                    .map_err(|error| LayoutError::Row { row: row.name().clone(), error })?,
                _ => row,
            };
            count(&mut next_numbers, &row);
            self.push(row)?;
        }
        self.ranked = (0..self.rows.len()).collect();
        self.ranked.sort_by_key(|row| (self.rows[*row].rank(), *row));
        Ok(self)
    }

    fn push(&mut self, row: Row) -> Result<(), LayoutError> {
        let start = self.end();
        let end = start + row.len();
        if end as usize > Self::LIMIT {
            return Err(LayoutError::TooMany { limit: Self::LIMIT });
        }
        for ordinal in start..end {
            match self.ordinals.entry(row.label(ordinal - start)) {
                Entry::Vacant(entry) => entry.insert(ordinal),
                Entry::Occupied(entry) => return Err(LayoutError::Duplicate { label: entry.key().clone() }),
            };
        }
        self.rows.push(row);
        self.ends.push(end);
        Ok(())
    }

    fn end(&self) -> u32 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// How many seats there are, those taken out among them.
    pub fn seats(&self) -> usize {
        self.end() as usize
    }

    /// The rows, as they were added, with the numbers that they have got.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The places of the rows in [`Self::rows`], the best first: by rank, then as added.
    pub fn ranked(&self) -> &[usize] {
        &self.ranked
    }

    /// The ordinals of a row's seats.
    pub fn span(&self, row: usize) -> Range<u32> {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        start..self.ends[row]
    }

    /// The place in [`Self::rows`] of the row where a seat is. The seat must be there.
    pub fn row_of(&self, ordinal: u32) -> usize {
        self.ends.partition_point(|end| *end <= ordinal)
    }

    /// What a seat is called. It must be there.
    pub fn label(&self, ordinal: u32) -> SeatLabel {
        let row = self.row_of(ordinal);
        self.rows[row].label(ordinal - self.span(row).start)
    }

    /// Which seat is called so.
    pub fn ordinal(&self, label: &SeatLabel) -> Option<u32> {
        self.ordinals.get(label).copied()
    }

    /// Whether a seat is called so.
    pub fn contains(&self, label: &SeatLabel) -> bool {
        self.ordinals.contains_key(label)
    }

    /// What the seats are called, by ordinal.
    pub fn labels(&self) -> impl Iterator<Item = SeatLabel> {
        self.rows.iter().flat_map(|row| (0..row.len()).map(|index| row.label(index)))
    }
}

/// Notes which number comes next in the row, if its seats are counted.
fn count(next_numbers: &mut HashMap<RowName, u32>, row: &Row) {
    if let Some(first) = row.first() {
        let next = next_numbers.entry(row.name().clone()).or_default();
        *next = (*next).max(first + row.len());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::seating::RowSeats;

    fn counted(name: &str, seats: u16) -> Row {
        Row::new(RowName::parse(name).unwrap(), RowSeats::Count(seats), 0, None).unwrap()
    }

    fn listed(name: &str, labels: &[&str]) -> Row {
        let labels = labels.iter().map(|label| SeatLabel::parse(label).unwrap()).collect();
        Row::new(RowName::parse(name).unwrap(), RowSeats::Labels(labels), 0, None).unwrap()
    }

    fn labels(layout: &Layout) -> Vec<String> {
        layout.labels().map(String::from).collect()
    }

    #[test]
    fn a_counted_row_goes_on_where_it_ended() {
        let layout = Layout::new(vec![counted("A", 2), counted("B", 1)]).unwrap();
        let layout = layout.extended(vec![counted("A", 2), counted("B", 1), counted("A", 1)]).unwrap();
        assert_eq!(labels(&layout), ["A1", "A2", "B1", "A3", "A4", "B2", "A5"]);
        assert_eq!(layout.rows()[2].first(), Some(3));
    }

    #[test]
    fn a_listed_row_is_not_gone_on_with() {
        let layout = Layout::new(vec![listed("A", &["A1", "A2"])]).unwrap();
        let twice = layout.extended(vec![counted("A", 2)]);
        assert_eq!(twice, Err(LayoutError::Duplicate { label: SeatLabel::parse("A1").unwrap() }));
    }

    #[test]
    fn no_two_seats_have_one_label_in_whatever_rows_they_are() {
        for rows in [
            vec![counted("1", 2), counted("1-", 1)],
            vec![counted("A", 12), counted("A1", 1), listed("X", &["A12"])],
            vec![listed("X", &["x", "x"])],
        ] {
            assert!(matches!(Layout::new(rows), Err(LayoutError::Duplicate { .. })));
        }
    }

    #[test]
    fn a_number_that_makes_a_label_too_long_is_refused() {
        let name = "x".repeat(39);
        let layout = Layout::new(vec![counted(&name, 9)]).unwrap();
        let error = layout.extended(vec![counted(&name, 1)]).unwrap_err();
        assert_eq!((error.rule(), layout.seats()), ("seat_label_too_long", 9));
    }

    #[test]
    fn there_are_only_so_many_seats() {
        let layout = Layout::new((0..100).map(|row| counted(&format!("r{row}-"), 1_000)).collect()).unwrap();
        assert_eq!(layout.seats(), Layout::LIMIT);
        assert_eq!(layout.extended(vec![counted("A", 1)]), Err(LayoutError::TooMany { limit: 100_000 }));
    }

    /// Rows of few names, so that they go on; some listed, and some of their labels those of counted ones.
    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let row = ("[AB1]", 1u16..5, any::<bool>(), 0u8..200, -1i32..=1);
        let row = row.prop_map(|(name, seats, list, first, rank)| {
            let seats = if list {
                let label =
                    |number| SeatLabel::parse(&format!("{name}{}", u16::from(first) + number)).unwrap();
                RowSeats::Labels((0..seats).map(label).collect())
            } else {
                RowSeats::Count(seats)
            };
            Row::new(RowName::parse(&name).unwrap(), seats, rank, None).unwrap()
        });
        prop::collection::vec(row, 0..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..Default::default() })]

        #[test]
        fn ordinals_and_labels_lead_to_each_other_and_outlast_every_extension(first in rows(), more in rows()) {
            let Ok(layout) = Layout::new(first) else { return Ok(()) };
            let Ok(extended) = layout.extended(more) else { return Ok(()) };
            let labels: Vec<_> = extended.labels().collect();
            prop_assert_eq!(labels.len(), extended.seats());
            prop_assert_eq!(&labels[..layout.seats()], layout.labels().collect::<Vec<_>>());
            for (ordinal, label) in (0..).zip(&labels) {
                prop_assert_eq!(&extended.label(ordinal), label);
                prop_assert_eq!(extended.ordinal(label), Some(ordinal));
                prop_assert!(extended.span(extended.row_of(ordinal)).contains(&ordinal));
                prop_assert_eq!(layout.contains(label), (ordinal as usize) < layout.seats());
            }
        }

        #[test]
        fn the_rows_of_a_layout_make_it_again(first in rows(), more in rows()) {
            let Ok(layout) = Layout::new(first) else { return Ok(()) };
            let Ok(extended) = layout.extended(more) else { return Ok(()) };
            let text = serde_json::to_string(extended.rows()).unwrap();
            let rows: Vec<Row> = serde_json::from_str(&text).unwrap();
            let added = rows[layout.rows().len()..].to_vec();
            prop_assert_eq!(layout.extended(added), Ok(extended.clone()));
            prop_assert_eq!(Layout::new(rows), Ok(extended));
        }
    }
}

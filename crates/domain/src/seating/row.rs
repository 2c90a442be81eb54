//! A row: seats side by side, counted or listed.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::Layout;
use crate::{Category, RowName, SeatLabel};

/// What the seats of a row are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowSeats {
    /// So many, numbered.
    Count(u16),
    /// These, in this order.
    Labels(Vec<SeatLabel>),
}

/// Seats side by side, from one end to the other.
///
/// The labels of counted seats are the row's name and a number, with "-" between them when the name ends in a digit:
/// "A1", "1-1".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Record", into = "Record")]
pub struct Row {
    name: RowName,
    seats: RowSeats,
    /// The number of the first counted seat; 1 when they are listed.
    first: u32,
    rank: i32,
    category: Option<Category>,
}

/// Why seats are no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Not a single one.
    #[error("has no seats")]
    Empty,
    /// More than a row may have.
    #[error("has more than {limit} seats")]
    TooMany {
        /// The most seats of a row.
        limit: usize,
    },
    /// A number makes a label longer than labels may be.
    #[error("has a seat whose label is longer than {limit} characters")]
    LabelTooLong {
        /// The most characters of a label.
        limit: usize,
    },
    /// Both counted and listed, or neither; or listed, with a first number.
    #[error("has either a number of `seats` or their `labels`")]
    Mixed,
    /// Numbers that start below 1, or beyond what any section has.
    #[error("has a first number that is not between 1 and {limit}")]
    First {
        /// The highest first number.
        limit: usize,
    },
}

impl RowError {
    /// The rule's name, as problem documents have it.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Empty => "row_empty",
            Self::TooMany { .. } => "row_too_long",
            Self::LabelTooLong { .. } => "seat_label_too_long",
            Self::Mixed => "row_mixed",
            Self::First { .. } => "row_first",
        }
    }
}

impl Row {
    /// The most seats of a row.
    pub const LIMIT: usize = 1_000;

    /// A row; its seats, if counted, are numbered from 1.
    ///
    /// # Errors
    /// When it has no seats, more than [`Self::LIMIT`], or one whose label would be longer than labels may be.
    pub fn new(
        name: RowName,
        seats: RowSeats,
        rank: i32,
        category: Option<Category>,
    ) -> Result<Self, RowError> {
        Self { name, seats, first: 1, rank, category }.check()
    }

    /// The same row, its counted seats numbered from `first`.
    pub(super) fn numbered_from(&self, first: u32) -> Result<Self, RowError> {
        Self { first, ..self.clone() }.check()
    }

    fn check(self) -> Result<Self, RowError> {
        let (seats, longest_label) = match &self.seats {
            RowSeats::Count(count) => {
                let last = u32::from(*count).saturating_sub(1);
                (usize::from(*count), self.counted(last).chars().count())
            }
            RowSeats::Labels(labels) => (labels.len(), 0),
        };
        if seats == 0 {
            Err(RowError::Empty)
        } else if seats > Self::LIMIT {
            Err(RowError::TooMany { limit: Self::LIMIT })
        } else if !(1..=Layout::LIMIT).contains(&(self.first as usize)) {
            Err(RowError::First { limit: Layout::LIMIT })
        } else if longest_label > SeatLabel::LIMIT {
            Err(RowError::LabelTooLong { limit: SeatLabel::LIMIT })
        } else {
            Ok(self)
        }
    }

    /// What people call it. Two rows may have one name: the second goes on where the first ended.
    pub const fn name(&self) -> &RowName {
        &self.name
    }

    /// What its seats are called.
    pub const fn seats(&self) -> &RowSeats {
        &self.seats
    }

    /// The number of the first counted seat; nothing when the seats are listed.
    pub const fn first(&self) -> Option<u32> {
        match self.seats {
            RowSeats::Count(_) => Some(self.first),
            RowSeats::Labels(_) => None,
        }
    }

    /// How good it is: the lowest is given first.
    pub const fn rank(&self) -> i32 {
        self.rank
    }

    /// What kind of seats it has.
    pub const fn category(&self) -> Option<&Category> {
        self.category.as_ref()
    }

    /// How many seats it has; never none.
    #[expect(clippy::len_without_is_empty, reason = "no row is empty")]
    #[expect(clippy::cast_possible_truncation, reason = "at most LIMIT")]
    pub const fn len(&self) -> u32 {
        match &self.seats {
            RowSeats::Count(count) => *count as u32,
            RowSeats::Labels(labels) => labels.len() as u32,
        }
    }

    /// The label of its seat at `index`, from 0.
    pub(super) fn label(&self, index: u32) -> SeatLabel {
        match &self.seats {
            // The name is in NFC and trimmed, to which digits do no harm; the length is checked.
            RowSeats::Count(_) => SeatLabel::parse(&self.counted(index)).expect("a label that was checked"),
            RowSeats::Labels(labels) => labels[index as usize].clone(),
        }
    }

    fn counted(&self, index: u32) -> String {
        let (name, number) = (self.name.as_str(), u64::from(self.first) + u64::from(index));
        let between = if name.ends_with(|last: char| last.is_ascii_digit()) { "-" } else { "" };
        format!("{name}{between}{number}")
    }
}

/// A row as the wire and the log have it.
#[derive(Serialize, Deserialize)]
struct Record {
    name: RowName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seats: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    labels: Option<Vec<SeatLabel>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<u32>,
    #[serde(default)]
    rank: i32,
    #[serde(default)]
    category: Option<Category>,
}

impl TryFrom<Record> for Row {
    type Error = RowError;

    fn try_from(record: Record) -> Result<Self, Self::Error> {
        let (seats, first) = match (record.seats, record.labels, record.first) {
            (Some(count), None, first) => (RowSeats::Count(count), first.unwrap_or(1)),
            (None, Some(labels), None) => (RowSeats::Labels(labels), 1),
            _ => return Err(RowError::Mixed),
        };
        Self { name: record.name, seats, first, rank: record.rank, category: record.category }.check()
    }
}

impl From<Row> for Record {
    fn from(row: Row) -> Self {
        let first = row.first().filter(|first| *first != 1);
        let (seats, labels) = match row.seats {
            RowSeats::Count(count) => (Some(count), None),
            RowSeats::Labels(labels) => (None, Some(labels)),
        };
        Self { name: row.name, seats, labels, first, rank: row.rank, category: row.category }
    }
}

/// A plain list of seats as rows, of rank 0: those whose labels are alike but for the digits at their end stand in one,
/// as listed; the rows in the order in which they first appear. What has nothing before its digits stands in row "-".
pub fn rows_of(labels: Vec<SeatLabel>) -> Vec<Row> {
    let mut rows: Vec<(String, Vec<SeatLabel>)> = Vec::new();
    let mut by_prefix: HashMap<String, usize> = HashMap::new();
    for label in labels {
        let prefix = label.as_str().trim_end_matches(|last: char| last.is_ascii_digit());
        let next = rows.len();
        let row = *by_prefix.entry(prefix.to_owned()).or_insert(next);
        // A row is full at its limit; more of the same begin another of that name.
        if row == next || rows[row].1.len() == Row::LIMIT {
            by_prefix.insert(prefix.to_owned(), next);
            rows.push((prefix.to_owned(), vec![label]));
        } else {
            rows[row].1.push(label);
        }
    }
    let row = |(prefix, labels): (String, Vec<SeatLabel>)| {
        let name = if prefix.is_empty() { "-" } else { &prefix };
        // What stands before digits in a label is not blank, and neither longer nor less normal than the label.
        let name = RowName::parse(name).expect("the beginning of a label names a row");
        Row { name, seats: RowSeats::Labels(labels), first: 1, rank: 0, category: None }
    };
    rows.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(row: Value) -> Result<Row, serde_json::Error> {
        serde_json::from_value(row)
    }

    fn labels(row: &Row) -> Vec<String> {
        (0..row.len()).map(|index| row.label(index).into()).collect()
    }

    #[test]
    fn a_row_is_read_and_written_the_same() {
        for row in [
            json!({"name": "A", "seats": 20, "rank": 0, "category": null}),
            json!({"name": "A", "seats": 20, "first": 21, "rank": -1, "category": "Box"}),
            json!({"name": "B", "labels": ["B-left", "B-right"], "rank": 2, "category": null}),
        ] {
            let text = serde_json::to_string(&read(row.clone()).unwrap()).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), row);
        }
        assert_eq!(read(json!({"name": "A", "seats": 1})).unwrap().rank(), 0);
    }

    #[test]
    fn what_is_no_row_is_refused() {
        let long = "x".repeat(39);
        for (row, error) in [
            (json!({"name": "A"}), RowError::Mixed),
            (json!({"name": "A", "seats": 1, "labels": ["A1"]}), RowError::Mixed),
            (json!({"name": "A", "labels": ["A1"], "first": 2}), RowError::Mixed),
            (json!({"name": "A", "seats": 0}), RowError::Empty),
            (json!({"name": "A", "labels": []}), RowError::Empty),
            (json!({"name": "A", "seats": 1_001}), RowError::TooMany { limit: 1_000 }),
            (json!({"name": long, "seats": 10}), RowError::LabelTooLong { limit: 40 }),
            (json!({"name": "A", "seats": 1, "first": 0}), RowError::First { limit: 100_000 }),
            (json!({"name": "A", "seats": 1, "first": u32::MAX}), RowError::First { limit: 100_000 }),
        ] {
            assert_eq!(read(row).unwrap_err().to_string(), error.to_string());
        }
        assert!(read(json!({"name": long, "seats": 9})).is_ok());
    }

    #[test]
    fn a_number_never_runs_into_a_name_that_ends_in_one() {
        assert_eq!(labels(&read(json!({"name": "A", "seats": 2})).unwrap()), ["A1", "A2"]);
        assert_eq!(labels(&read(json!({"name": "1", "seats": 2})).unwrap()), ["1-1", "1-2"]);
        assert_eq!(labels(&read(json!({"name": "Empore é", "seats": 1})).unwrap()), ["Empore é1"]);
    }

    #[test]
    fn a_plain_list_stands_in_rows_by_what_is_before_the_digits() {
        let list =
            ["B2", "A1", "7", "King", "B1", "12", "Row 3"].map(|label| SeatLabel::parse(label).unwrap());
        let rows = rows_of(list.to_vec());
        let rows: Vec<_> = rows.iter().map(|row| (row.name().as_str(), labels(row))).collect();
        let expected = [
            ("B", vec!["B2", "B1"]),
            ("A", vec!["A1"]),
            ("-", vec!["7", "12"]),
            ("King", vec!["King"]),
            ("Row", vec!["Row 3"]),
        ];
        assert_eq!(
            rows,
            expected.map(|(name, labels)| (name, labels.into_iter().map(str::to_owned).collect()))
        );
    }

    #[test]
    fn a_plain_list_makes_no_row_that_is_too_long() {
        let list = (1..=2_001).map(|number| SeatLabel::parse(&format!("A{number}")).unwrap()).collect();
        let rows = rows_of(list);
        assert_eq!(rows.iter().map(Row::len).collect::<Vec<_>>(), [1_000, 1_000, 1]);
        assert_eq!(rows[2].label(0).as_str(), "A2001");
    }
}

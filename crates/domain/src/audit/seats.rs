//! Which seats an event has, and of which section each is. A hall of 50,000 seats has a few hundred rows, and is kept as
//! these: as runs of numbers behind what the labels begin with.

use std::collections::{BTreeMap, HashMap};

use crate::{
    SeatLabel, SectionId,
    seating::{Row, RowSeats},
};

/// The seats of an event.
#[derive(Debug, Default)]
pub(super) struct Seats {
    /// By what is before the number: by the first number of each run, the number behind its last, and the section.
    runs: HashMap<Box<str>, BTreeMap<u64, (u64, SectionId)>>,
    /// Those that don't end in a number.
    others: HashMap<SeatLabel, SectionId>,
}

impl Seats {
    /// Adds a seat; false when there is one of this label.
    pub(super) fn insert(&mut self, label: &SeatLabel, section: SectionId) -> bool {
        if self.section_of(label).is_some() {
            return false;
        }
        let Some((before, number)) = numbered(label) else {
            self.others.insert(label.clone(), section);
            return true;
        };
        if !self.runs.contains_key(before) {
            self.runs.insert(before.into(), BTreeMap::new());
        }
        if let Some(runs) = self.runs.get_mut(before) {
            match runs.range_mut(..=number).next_back() {
                Some((_, (end, of))) if *end == number && *of == section => *end += 1,
                _ => {
                    runs.insert(number, (number + 1, section));
                }
            }
        }
        true
    }

    /// The section that a seat is of.
    pub(super) fn section_of(&self, label: &SeatLabel) -> Option<SectionId> {
        let Some((before, number)) = numbered(label) else {
            return self.others.get(label).copied();
        };
        let (_, (end, section)) = self.runs.get(before)?.range(..=number).next_back()?;
        (number < *end).then_some(*section)
    }
}

/// What the seats of a row are called.
pub(super) fn labels(row: &Row) -> Vec<SeatLabel> {
    match row.seats() {
        RowSeats::Labels(labels) => labels.clone(),
        RowSeats::Count(count) => {
            let (name, first) = (row.name().as_str(), row.first().unwrap_or(1));
            let between = if name.ends_with(|last: char| last.is_ascii_digit()) { "-" } else { "" };
            let label = |number| SeatLabel::parse(&format!("{name}{between}{number}")).ok();
            (first..first + u32::from(*count)).filter_map(label).collect()
        }
    }
}

/// The number that a label ends in, as numbers are written, and what is before it.
fn numbered(label: &SeatLabel) -> Option<(&str, u64)> {
    let text = label.as_str();
    let before = text.trim_end_matches(|last: char| last.is_ascii_digit());
    let digits = &text[before.len()..];
    let number: u32 = if digits.starts_with('0') { None } else { digits.parse().ok() }?;
    Some((before, number.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RowName;

    fn seat(label: &str) -> SeatLabel {
        SeatLabel::parse(label).unwrap()
    }

    #[test]
    fn a_seat_is_found_in_its_section_and_no_other_is() {
        let (first, second) = (SectionId::from_u128(1), SectionId::from_u128(2));
        let mut seats = Seats::default();
        let labels = ["A1", "A2", "A4", "A3", "A03", "1-1", "King", "7", "A99999999999"];
        for label in labels {
            assert!(seats.insert(&seat(label), first), "{label}");
        }
        for label in ["A5", "Queen", "8", "0"] {
            assert!(seats.insert(&seat(label), second), "{label}");
        }
        for label in labels {
            assert!(!seats.insert(&seat(label), second), "{label}");
            assert_eq!(seats.section_of(&seat(label)), Some(first), "{label}");
        }
        assert_eq!(seats.section_of(&seat("A5")), Some(second));
        for label in ["A6", "A0", "A", "1-2", "B1", "07", "A99999999998"] {
            assert_eq!(seats.section_of(&seat(label)), None, "{label}");
        }
    }

    #[test]
    fn a_hall_is_kept_as_its_rows() {
        let mut seats = Seats::default();
        for row in ["A", "B", "1"] {
            let row = Row::new(RowName::parse(row).unwrap(), RowSeats::Count(500), 0, None).unwrap();
            assert!(labels(&row).iter().all(|label| seats.insert(label, SectionId::from_u128(1))));
        }
        assert_eq!(seats.runs.values().map(BTreeMap::len).collect::<Vec<_>>(), [1, 1, 1]);
        assert!(seats.section_of(&seat("1-500")).is_some() && seats.section_of(&seat("1-501")).is_none());
    }
}

//! Which seats an event has, of which row and section each is, and where there are free ones side by side. A hall of 50,000
//! seats has a few hundred rows, and is kept as these: as runs of numbers behind what the labels begin with, and of each row
//! what is not free.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    Category, SeatLabel, SectionId,
    seating::{Row, RowSeats},
};

/// The seats of an event.
#[derive(Debug, Default)]
pub(super) struct Seats {
    rows: Vec<Line>,
    /// The rows of a section, by the category of their seats.
    blocks: HashMap<SectionId, BTreeMap<Option<Category>, Block>>,
    /// By what is before the number: by the first number of each run.
    runs: HashMap<Box<str>, BTreeMap<u64, Run>>,
    /// Those that don't end in a number.
    others: HashMap<SeatLabel, Place>,
}

/// Seats side by side, as they were added.
#[derive(Debug)]
struct Line {
    section: SectionId,
    category: Option<Category>,
    length: u32,
    /// Those that are not free, by where in the row they are.
    gaps: BTreeSet<u32>,
    /// How many free ones are side by side at most; nothing when that has not been looked up since it changed.
    longest: Option<u32>,
}

/// Rows of one section and one category.
#[derive(Debug, Default)]
struct Block {
    rows: Vec<usize>,
    free: u32,
    /// As in a row.
    longest: Option<u32>,
}

/// Seats of a row whose numbers follow each other.
#[derive(Debug)]
struct Run {
    /// Behind the last number.
    end: u64,
    /// Where the first is.
    place: Place,
}

/// Where a seat is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    row: usize,
    index: u32,
}

impl Seats {
    /// Begins a row; the seats that are added to it are side by side.
    pub(super) fn begin_row(&mut self, section: SectionId, category: Option<&Category>) -> usize {
        let row = self.rows.len();
        let gaps = BTreeSet::new();
        self.rows.push(Line { section, category: category.cloned(), length: 0, gaps, longest: Some(0) });
        let blocks = self.blocks.entry(section).or_default();
        blocks.entry(category.cloned()).or_default().rows.push(row);
        row
    }

    /// Adds a seat to a row that has begun, behind those that it has, and free; false when there is one of this label.
    pub(super) fn insert(&mut self, label: &SeatLabel, row: usize) -> bool {
        if self.place(label).is_some() {
            return false;
        }
        let index = self.rows[row].length;
        let place = Place { row, index };
        self.rows[row].length += 1;
        self.changed(row, 1);
        let Some((before, number)) = numbered(label) else {
            self.others.insert(label.clone(), place);
            return true;
        };
        if !self.runs.contains_key(before) {
            self.runs.insert(before.into(), BTreeMap::new());
        }
        if let Some(runs) = self.runs.get_mut(before) {
            match runs.range_mut(..=number).next_back() {
                Some((first, run)) if run.end == number && run.at(*first, number) == place => run.end += 1,
                _ => {
                    runs.insert(number, Run { end: number + 1, place });
                }
            }
        }
        true
    }

    fn place(&self, label: &SeatLabel) -> Option<Place> {
        let Some((before, number)) = numbered(label) else {
            return self.others.get(label).copied();
        };
        let (first, run) = self.runs.get(before)?.range(..=number).next_back()?;
        (number < run.end).then(|| run.at(*first, number))
    }

    /// The section that a seat is of.
    pub(super) fn section_of(&self, label: &SeatLabel) -> Option<SectionId> {
        self.place(label).map(|place| self.rows[place.row].section)
    }

    /// A seat is free from now on, or is not.
    pub(super) fn set(&mut self, label: &SeatLabel, is_free: bool) {
        let Some(Place { row, index }) = self.place(label) else { return };
        let gaps = &mut self.rows[row].gaps;
        if if is_free { gaps.remove(&index) } else { gaps.insert(index) } {
            self.changed(row, if is_free { 1 } else { -1 });
        }
    }

    /// So many more seats of a row are free.
    fn changed(&mut self, row: usize, more: i32) {
        let line = &mut self.rows[row];
        line.longest = None;
        let block = self.blocks.get_mut(&line.section).and_then(|blocks| blocks.get_mut(&line.category));
        if let Some(block) = block {
            block.free = block.free.saturating_add_signed(more);
            block.longest = None;
        }
    }

    /// How many seats of a section are free, and how many of them are side by side at most: of one category, or of any.
    pub(super) fn room(&mut self, section: SectionId, category: Option<&Category>) -> (u32, u32) {
        let Some(blocks) = self.blocks.get_mut(&section) else { return (0, 0) };
        let (mut free, mut longest) = (0, 0);
        let asked = |of: &Option<Category>| category.is_none() || of.as_ref() == category;
        for block in blocks.iter_mut().filter(|(of, _)| asked(of)).map(|(_, block)| block) {
            free += block.free;
            longest = longest.max(*block.longest.get_or_insert_with(|| {
                block.rows.iter().map(|row| self.rows[*row].longest()).max().unwrap_or(0)
            }));
        }
        (free, longest)
    }

    /// Whether these seats are of this category, or of any; and side by side, if that is asked for.
    pub(super) fn are(&self, seats: &[SeatLabel], category: Option<&Category>, side_by_side: bool) -> bool {
        let places: Option<Vec<Place>> = seats.iter().map(|seat| self.place(seat)).collect();
        let Some(mut places) = places else { return false };
        places.sort_by_key(|place| (place.row, place.index));
        let is_of_it =
            |place: &Place| category.is_none() || self.rows[place.row].category.as_ref() == category;
        let follows = |two: &[Place]| two[1] == Place { index: two[0].index + 1, ..two[0] };
        places.iter().all(is_of_it) && (!side_by_side || places.windows(2).all(follows))
    }
}

impl Line {
    fn longest(&mut self) -> u32 {
        let (gaps, length) = (&self.gaps, self.length);
        *self.longest.get_or_insert_with(|| {
            let (mut longest, mut begin) = (0, 0);
            for gap in gaps {
                longest = longest.max(gap - begin);
                begin = gap + 1;
            }
            longest.max(length - begin)
        })
    }
}

impl Run {
    /// Where the seat of a number would be, if it is of this run; `first` is the run's first.
    fn at(&self, first: u64, number: u64) -> Place {
        // A row has at most a thousand seats.
        let further = u32::try_from(number - first).unwrap_or(u32::MAX);
        Place { index: self.place.index.saturating_add(further), ..self.place }
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
        let (one, other) = (seats.begin_row(first, None), seats.begin_row(second, None));
        let labels = ["A1", "A2", "A4", "A3", "A03", "1-1", "King", "7", "A99999999999"];
        for label in labels {
            assert!(seats.insert(&seat(label), one), "{label}");
        }
        for label in ["A5", "Queen", "8", "0"] {
            assert!(seats.insert(&seat(label), other), "{label}");
        }
        for label in labels {
            assert!(!seats.insert(&seat(label), other), "{label}");
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
            let begun = seats.begin_row(SectionId::from_u128(1), None);
            assert!(labels(&row).iter().all(|label| seats.insert(label, begun)));
        }
        assert_eq!(seats.runs.values().map(BTreeMap::len).collect::<Vec<_>>(), [1, 1, 1]);
        assert!(seats.section_of(&seat("1-500")).is_some() && seats.section_of(&seat("1-501")).is_none());
    }
}

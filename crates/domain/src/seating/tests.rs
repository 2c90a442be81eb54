//! Floors for tests: as letters, and at random.

use std::sync::Arc;

use proptest::prelude::*;

use super::{Floor, Layout, Row, RowSeats, SeatMap, SeatState};
use crate::{Category, RowName};

/// The floor of these rows: rank, category, and a letter for each seat.
pub fn floor(rows: Vec<(i32, Option<Category>, String)>) -> Floor {
    let letters: String = rows.iter().map(|(.., letters)| letters.as_str()).collect();
    let row = |(nth, (rank, category, letters)): (usize, (i32, Option<Category>, String))| {
        let name = RowName::parse(&format!("row {nth}")).unwrap();
        Row::new(name, RowSeats::Count(letters.len().try_into().unwrap()), rank, category).unwrap()
    };
    let layout = Layout::new(rows.into_iter().enumerate().map(row).collect()).unwrap();
    let mut map = SeatMap::free(layout.seats());
    for (ordinal, letter) in (0..).zip(letters.chars()) {
        map.set(ordinal, SeatState::parse(letter).unwrap());
    }
    Floor::new(Arc::new(layout), map).unwrap()
}

/// A category to ask for, or any.
pub fn category() -> impl Strategy<Value = Option<Category>> {
    prop::option::of("[XY]".prop_map(|name| Category::parse(&name).unwrap()))
}

/// Some rows, short ones mostly, of few ranks and categories, from all taken to all free.
pub fn scene() -> impl Strategy<Value = Floor> {
    let letters = prop_oneof![
        "[fhc-]{1,12}",
        "(f|ff|fff|h){1,12}",
        "[hc]{0,40}f{0,3}[hc]{1,40}",
        "f{1,80}",
        "f{0,40}-{1,70}f{0,40}",
    ];
    prop::collection::vec((-1i32..=1, category(), letters), 1..8).prop_map(floor)
}

/// The rows of this category, or of any, the best first: where each begins, and which of its seats are free.
pub fn states(floor: &Floor, category: Option<&Category>) -> Vec<(usize, Vec<bool>)> {
    let layout = floor.layout();
    let mut rows: Vec<_> = layout.rows().iter().enumerate().collect();
    rows.sort_by_key(|(nth, row)| (row.rank(), *nth));
    rows.retain(|(_, row)| category.is_none() || row.category() == category);
    let free = |nth| layout.span(nth).map(|ordinal| floor.get(ordinal) == SeatState::Free).collect();
    rows.into_iter().map(|(nth, _)| (layout.span(nth).start as usize, free(nth))).collect()
}

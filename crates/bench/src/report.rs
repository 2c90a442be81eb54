//! The figures of all rows, as the table and the JSON have them. Judges aims by the medians of all rounds; never whether a
//! row is valid.

mod json;
mod table;

use crate::{
    figures::Spread,
    rounds::Round,
    row::Row,
    told::{Aim, Figure, Told},
};

pub(crate) use json::json;
pub(crate) use table::table;

/// One figure of a row in all rounds that have it.
struct Line<'a> {
    figure: &'a Figure,
    values: Vec<f64>,
    spread: Spread,
}

/// A row in all rounds that have it.
struct Rounds<'a> {
    row: Row,
    told: Vec<&'a Told>,
}

impl<'a> Rounds<'a> {
    /// The rows that were measured, in their order.
    fn of(rounds: &'a [Round]) -> impl Iterator<Item = Self> {
        Row::all()
            .map(|row| Self { row, told: rounds.iter().filter_map(|round| round.rows.get(&row)).collect() })
            .filter(|rounds| !rounds.told.is_empty())
    }

    fn is_valid(&self) -> bool {
        self.told.iter().all(|told| told.is_valid())
    }

    fn lines(&self) -> impl Iterator<Item = Line<'a>> {
        // A round that could not be measured has none.
        let whole = self.told.iter().max_by_key(|told| told.figures.len());
        let figures = whole.map_or(&[][..], |told| &told.figures);
        figures.iter().enumerate().filter_map(|(place, figure)| {
            let values = self.told.iter().filter_map(|told| Some(told.figures.get(place)?.value));
            let values: Vec<f64> = values.collect();
            Some(Line { figure, spread: Spread::of(values.iter().copied())?, values })
        })
    }

    /// What the line is to reach, and whether the median does: `None` when the row is not valid.
    fn judged(&self, line: &Line<'_>) -> Option<(Aim, Option<bool>)> {
        let aim = line.figure.aim?;
        Some((aim, self.is_valid().then(|| aim.is_met_by(line.spread.median))))
    }
}

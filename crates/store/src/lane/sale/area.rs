//! A section under the head: what is taken of it, and its seats if it has any.

use holdfast_domain::{
    Category, SectionKind, Units,
    seating::{Adjacency, Floor, SeatState},
};

use crate::{Error, sections::SectionRow};

/// A section, as it was read and as it is.
pub(super) struct Area {
    pub(super) row: SectionRow,
    /// What the table has: held and confirmed.
    stored: (i32, i32),
    /// Its seats; not read of a seated section of which no units are touched.
    pub(super) floor: Option<Floor>,
}

/// Why units are not to be had of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Short {
    /// Not so many are left.
    SoldOut,
    /// As many are left, and not beside each other.
    NotAdjacent,
}

const SEATLESS: Error = Error::Defect("the seats of a section were not read");
const UNEVEN: Error = Error::Defect("units were given back that were not taken");

impl Area {
    pub(super) fn new(row: SectionRow) -> Self {
        Self { stored: (row.held, row.confirmed), row, floor: None }
    }

    pub(super) fn is_seated(&self) -> bool {
        self.row.section.kind == SectionKind::Seated
    }

    /// What is taken now, if it is not what the table has.
    pub(super) fn changed(&self) -> Option<(i32, i32)> {
        let now = (self.row.held, self.row.confirmed);
        (now != self.stored).then_some(now)
    }

    /// Holds the best units that there are; all of them, or none.
    pub(super) fn hold_best(
        &mut self,
        quantity: i32,
        adjacency: Adjacency,
        category: Option<&Category>,
    ) -> Result<Result<Units, Short>, Error> {
        if !self.is_seated() {
            if category.is_some()
                || self.row.availability().available < quantity && !failpoint!("sale.counts_not")
            {
                return Ok(Err(Short::SoldOut));
            }
            self.row.held += quantity;
            return Ok(Ok(self.units(quantity, Vec::new())));
        }
        let floor = self.floor.as_ref().ok_or(SEATLESS)?;
        let wanted = usize::try_from(quantity).unwrap_or(0);
        let Some(seats) = floor.best(wanted, adjacency, category) else {
            let is_there = floor.free_in(category) >= wanted;
            return Ok(Err(if is_there { Short::NotAdjacent } else { Short::SoldOut }));
        };
        self.hold_seats(&seats).map(Ok)
    }

    /// Holds these seats, which are free.
    pub(super) fn hold_seats(&mut self, seats: &[u32]) -> Result<Units, Error> {
        let floor = self.floor.as_mut().ok_or(SEATLESS)?;
        let mut seats = seats.to_vec();
        seats.sort_unstable();
        for seat in &seats {
            floor.set(*seat, SeatState::Held);
        }
        let labels = seats.iter().map(|seat| floor.layout().label(*seat)).collect();
        let quantity = i32::try_from(seats.len()).unwrap_or(i32::MAX);
        self.row.held += quantity;
        Ok(self.units(quantity, labels))
    }

    /// Held units are their owner's.
    pub(super) fn confirm(&mut self, units: &Units) -> Result<(), Error> {
        self.mark(units, SeatState::Held, SeatState::Confirmed)?;
        self.row.held -= units.quantity;
        self.row.confirmed += units.quantity;
        self.is_even()
    }

    /// Units can be had again: held ones, or confirmed ones.
    pub(super) fn give_back(&mut self, units: &Units, are_confirmed: bool) -> Result<(), Error> {
        let was = if are_confirmed { SeatState::Confirmed } else { SeatState::Held };
        self.mark(units, was, SeatState::Free)?;
        let count = if are_confirmed { &mut self.row.confirmed } else { &mut self.row.held };
        *count -= units.quantity;
        self.is_even()
    }

    fn mark(&mut self, units: &Units, was: SeatState, is: SeatState) -> Result<(), Error> {
        if units.seats.is_empty() {
            return Ok(());
        }
        let floor = self.floor.as_mut().ok_or(SEATLESS)?;
        for label in &units.seats {
            let seat = floor.layout().ordinal(label).ok_or(UNEVEN)?;
            if floor.get(seat) != was {
                return Err(UNEVEN);
            }
            floor.set(seat, is);
        }
        Ok(())
    }

    fn is_even(&self) -> Result<(), Error> {
        if self.row.held < 0 || self.row.confirmed < 0 { Err(UNEVEN) } else { Ok(()) }
    }

    fn units(&self, quantity: i32, seats: Vec<holdfast_domain::SeatLabel>) -> Units {
        let section = &self.row.section;
        Units { section_id: section.id, section: section.name.clone(), quantity, seats }
    }
}

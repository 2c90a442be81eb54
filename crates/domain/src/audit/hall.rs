//! What the judge knows of one event: what is sold of it, and who has what of that. Never more than what is open: a
//! reservation that has ended is forgotten, for nothing may follow it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, hash_map::Entry};

use time::OffsetDateTime;

use super::{
    found::{Found, Rule},
    line::{First, Line},
    room::Room,
    seats::{Seats, labels},
};
use crate::{
    Availability, Event, Reservation, ReservationId, SeatLabel, SectionId, Seq, Units, UserId,
    reservation::State, seating::Row,
};

/// How many units of a section there are, and how many are held and confirmed; nothing of what is not known.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    pub(super) capacity: Option<i32>,
    pub(super) taken: Option<(i64, i64)>,
}

impl Counts {
    /// How many are free.
    pub(super) fn free(&self) -> Option<i64> {
        let (held, confirmed) = self.taken?;
        Some(i64::from(self.capacity?) - held - confirmed)
    }
}

/// An event, its sections, and the reservations that have units of it.
#[derive(Debug, Default)]
pub(super) struct Hall {
    /// Nothing when it begins before the log, until that first tells of it.
    pub(super) event: Option<Event>,
    pub(super) counts: HashMap<SectionId, Counts>,
    /// All that it ever had; nothing when it begins before the log.
    pub(super) seats: Option<Seats>,
    /// Those that were taken out.
    removed: HashSet<SeatLabel>,
    taken: HashMap<SeatLabel, ReservationId>,
    live: HashMap<ReservationId, Reservation>,
    /// The holds, by their end.
    ends: BTreeSet<(OffsetDateTime, ReservationId)>,
    has: HashMap<UserId, i64>,
    /// Reservations that begin before the log: what they have is not known until it first tells of them.
    pub(super) unsettled: HashSet<ReservationId>,
    /// Who waits for units of it.
    pub(super) line: Line,
}

impl Hall {
    /// That of an event which the log tells of from its begin.
    pub(super) fn begun() -> Self {
        Self { seats: Some(Seats::default()), ..Self::default() }
    }

    /// Takes an event; nobody has units of the sections that are new.
    pub(super) fn be(&mut self, event: &Event, taken: Option<(i64, i64)>) {
        for section in &event.sections {
            let counts = self.counts.entry(section.id).or_insert(Counts { capacity: None, taken });
            counts.capacity = Some(section.capacity);
        }
        self.event = Some(event.clone());
    }

    /// What is free. Where, is known if all of its seats are, and all who have some.
    pub(super) fn room(&mut self) -> (Room<'_>, &Line) {
        let seats = self.seats.as_mut().filter(|_| self.unsettled.is_empty());
        (Room::new(self.event.as_ref(), &self.counts, seats), &self.line)
    }

    /// Whose turn it is in line.
    pub(super) fn first(&mut self) -> First {
        let (mut room, line) = self.room();
        line.first(&mut room)
    }

    /// Whether units of it are to be had at `at`; nothing while the event is not known.
    pub(super) fn is_on_sale(&self, at: OffsetDateTime) -> Option<bool> {
        let event = self.event.as_ref()?;
        Some(event.sale().admit(at).is_ok())
    }

    /// Whether units of it will never be had again; nothing while the event is not known.
    pub(super) fn is_sale_over(&self, at: OffsetDateTime) -> Option<bool> {
        self.event.as_ref().map(|event| event.sale().is_over(at))
    }

    /// The hold that is over at `at` and that nobody has ended.
    pub(super) fn lapsed(&self, at: OffsetDateTime) -> Option<(OffsetDateTime, ReservationId)> {
        self.ends.first().copied().filter(|(end, _)| *end <= at)
    }

    /// How many reservations are known to have units.
    pub(super) fn live(&self) -> usize {
        self.live.len()
    }

    /// Who is known to have a seat.
    pub(super) fn holder(&self, seat: &SeatLabel) -> Option<ReservationId> {
        self.taken.get(seat).copied()
    }

    /// How many units a user is known to have.
    pub(super) fn has(&self, user: &UserId) -> i64 {
        self.has.get(user).copied().unwrap_or(0)
    }

    /// Whether a seat has been taken out.
    pub(super) fn is_out(&self, seat: &SeatLabel) -> bool {
        self.removed.contains(seat)
    }

    /// Takes a seat out; false when it was out already.
    pub(super) fn take_out(&mut self, seat: &SeatLabel) -> bool {
        if let Some(seats) = &mut self.seats {
            seats.set(seat, false);
        }
        self.removed.insert(seat.clone())
    }

    /// Puts up a row of a section: new seats, or such as were taken out, which are again where they were. Each with whether
    /// that can be so, if it is known.
    pub(super) fn put_up(&mut self, section: SectionId, row: &Row) -> Vec<(SeatLabel, Option<bool>)> {
        let mut begun = None;
        let put_up = |seat: SeatLabel| {
            let was_taken_out = self.removed.remove(&seat);
            let is_so = self.seats.as_mut().map(|all| {
                if was_taken_out {
                    return all.section_of(&seat) == Some(section);
                }
                let row = *begun.get_or_insert_with(|| all.begin_row(section, row.category()));
                all.insert(&seat, row)
            });
            self.free(&seat);
            (seat, is_so)
        };
        labels(row).into_iter().map(put_up).collect()
    }

    /// A seat is free, unless somebody has it or it was taken out.
    fn free(&mut self, seat: &SeatLabel) {
        if let Some(seats) = &mut self.seats {
            seats.set(seat, !self.taken.contains_key(seat) && !self.removed.contains(seat));
        }
    }

    /// Takes a reservation out, with all that it has.
    pub(super) fn take(&mut self, id: ReservationId) -> Option<Reservation> {
        let reservation = self.live.remove(&id)?;
        if let State::Hold { expires_at } = reservation.state {
            self.ends.remove(&(expires_at, id));
        }
        for seat in reservation.seats() {
            if self.holder(seat) == Some(id) {
                self.taken.remove(seat);
                self.free(seat);
            }
        }
        if let Entry::Occupied(mut has) = self.has.entry(reservation.user_id.clone()) {
            *has.get_mut() -= i64::from(reservation.quantity());
            if *has.get() == 0 {
                has.remove();
            }
        }
        Some(reservation)
    }

    /// The reservation is so now; gives those of its seats that another has.
    pub(super) fn put(&mut self, reservation: Reservation) -> Vec<SeatLabel> {
        let id = reservation.id;
        self.take(id);
        if !is_live(&reservation) {
            return Vec::new();
        }
        if let State::Hold { expires_at } = reservation.state {
            self.ends.insert((expires_at, id));
        }
        let mut doubly_taken = Vec::new();
        for seat in reservation.seats() {
            match self.taken.entry(seat.clone()) {
                Entry::Vacant(free) => {
                    free.insert(id);
                    if let Some(seats) = &mut self.seats {
                        seats.set(seat, false);
                    }
                }
                Entry::Occupied(_) => doubly_taken.push(seat.clone()),
            }
        }
        *self.has.entry(reservation.user_id.clone()).or_default() += i64::from(reservation.quantity());
        self.live.insert(id, reservation);
        doubly_taken
    }

    /// Counts what a reservation that was so, if it was, has become.
    pub(super) fn count(&mut self, before: Option<&Reservation>, after: &Reservation) {
        let parts = before.map(|before| (before, -1)).into_iter().chain([(after, 1)]);
        for (reservation, sign) in parts {
            for units in &reservation.units {
                let Some((held, confirmed)) =
                    self.counts.get_mut(&units.section_id).and_then(|counts| counts.taken.as_mut())
                else {
                    continue;
                };
                let quantity = sign * i64::from(units.quantity);
                match reservation.state {
                    State::Hold { .. } => *held += quantity,
                    State::Confirmed { .. } => *confirmed += quantity,
                    State::Expired { .. } | State::Cancelled => {}
                }
            }
        }
    }

    /// What a change tells of a section is what has been counted, and taken and free make the capacity. From then on that
    /// is so; what was not known is known.
    pub(super) fn told(&mut self, seq: Seq, told: &Availability, found: &mut Found) {
        let counts = self.counts.entry(told.section_id).or_default();
        let (held, confirmed) = (i64::from(told.held), i64::from(told.confirmed));
        let (capacity, free) = (i64::from(told.capacity), i64::from(told.available));
        let makes = held >= 0 && confirmed >= 0 && free >= 0 && held + confirmed + free == capacity;
        let is_known = counts.capacity.is_some() && counts.taken.is_some();
        let differs = counts.capacity.is_some_and(|known| known != told.capacity)
            || counts.taken.is_some_and(|known| known != (held, confirmed));
        let holds = if makes && !differs { is_known.then_some(true) } else { Some(false) };
        let known = *counts;
        found.check_known(Rule::P5, holds, || {
            let of = |count: Option<i64>| count.map_or_else(|| "?".into(), |count| count.to_string());
            format!(
                "at seq {seq} section {} is told to have {held} held, {confirmed} confirmed and {free} free of {capacity}, and \
                 has {} held and {} confirmed of {}",
                told.section_id,
                of(known.taken.map(|(held, _)| held)),
                of(known.taken.map(|(_, confirmed)| confirmed)),
                of(known.capacity.map(i64::from)),
            )
        });
        counts.taken = Some((held, confirmed));
        counts.capacity.get_or_insert(told.capacity);
    }
}

/// Whether its units are not on sale, and won't be: until it is opened again, or its sale lasts longer.
/// Whether it has units.
pub(super) const fn is_live(reservation: &Reservation) -> bool {
    matches!(reservation.state, State::Hold { .. } | State::Confirmed { .. })
}

/// Whether these can be somebody's units: a section once, a seat once, and as many seats as units, or none.
pub(super) fn are_sound(units: &[Units]) -> bool {
    let (mut sections, mut seats) = (HashSet::new(), HashSet::new());
    units.iter().all(|units| {
        let count = i32::try_from(units.seats.len()).unwrap_or(i32::MAX);
        units.quantity > 0
            && (count == 0 || count == units.quantity)
            && sections.insert(units.section_id)
            && units.seats.iter().all(|seat| seats.insert(seat))
    })
}

/// Whether these are the same units, in whatever order.
pub(super) fn are_same(some: &[Units], others: &[Units]) -> bool {
    by_section(some) == by_section(others)
}

/// What there is of `before` and not of `after`; nothing unless all of `after` was there before.
pub(super) fn lost(before: &[Units], after: &[Units]) -> Option<Vec<Units>> {
    let mut left = by_section(after);
    let mut lost = Vec::new();
    for units in before {
        let (quantity, seats) = left.remove(&units.section_id).unwrap_or_default();
        let gone: Vec<_> = units.seats.iter().filter(|seat| !seats.contains(seat)).cloned().collect();
        let quantity = units.quantity - quantity;
        let all_were_there = units.seats.len() - gone.len() == seats.len();
        let agrees = units.seats.is_empty() || i32::try_from(gone.len()) == Ok(quantity);
        if quantity < 0 || !all_were_there || !agrees {
            return None;
        }
        if quantity > 0 {
            lost.push(Units { quantity, seats: gone, ..units.clone() });
        }
    }
    left.is_empty().then_some(lost)
}

/// These units and those.
pub(super) fn together(units: &[Units], more: &[Units]) -> Vec<Units> {
    let mut all = units.to_vec();
    for other in more {
        match all.iter_mut().find(|mine| mine.section_id == other.section_id) {
            Some(mine) => {
                mine.quantity += other.quantity;
                mine.seats.extend_from_slice(&other.seats);
            }
            None => all.push(other.clone()),
        }
    }
    all
}

fn by_section(units: &[Units]) -> BTreeMap<SectionId, (i32, BTreeSet<&SeatLabel>)> {
    units.iter().map(|units| (units.section_id, (units.quantity, units.seats.iter().collect()))).collect()
}

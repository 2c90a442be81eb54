//! What is held is confirmed, held for longer, or given up; by its owner alone.

use std::collections::HashSet;

use holdfast_domain::{
    ConfirmationCode, EventId, Fact, Reservation, ReservationId, ReservationStatus, SeatLabel, Units,
    reservation::{State, WrongStanding, add_units},
};

use super::{
    super::{
        answer::Answer,
        command::{ConfirmReservation, ConfirmSeats, ExtendReservation, Order, Part, ReleaseReservation},
        refusal::WriteError,
    },
    Entry, Outcome, Sale, UNREAD, goes_on, judged_at,
};
use crate::{Error, Head};

impl Sale {
    pub(super) fn confirm(
        &mut self,
        head: &mut Head,
        confirm: &ConfirmReservation,
    ) -> Result<Outcome, WriteError> {
        let entry = self.own(&confirm.order, confirm.id, &confirm.versions)?;
        let before = entry.now.clone();
        let (picked, rest) = parted(&before.units, &confirm.part)?;
        if let State::Confirmed { .. } = before.state {
            // Again is the same; a part of it would be another.
            return if rest.is_empty() {
                Ok(Outcome::AsItIs(Answer::reserved(before, None), confirm.id.uuid()))
            } else {
                Err(WrongStanding::Closed { status: ReservationStatus::Confirmed }.into())
            };
        }
        goes_on(entry, self.at)?;
        let rest_id = (!rest.is_empty()).then_some(confirm.rest_id);
        let part = match rest_id {
            None => before,
            Some(rest_id) => self.split_off(head, &confirm.order, &before, picked, rest, rest_id)?,
        };
        self.make_theirs(head, &confirm.order, &part, rest_id, &confirm.code)
    }

    pub(super) fn confirm_seats(
        &mut self,
        head: &mut Head,
        confirm: &ConfirmSeats,
    ) -> Result<Outcome, WriteError> {
        let order = &confirm.order;
        let asked: HashSet<&SeatLabel> = confirm.seats.iter().collect();
        let (mut holders, mut strange): (Vec<ReservationId>, Vec<SeatLabel>) = (Vec::new(), Vec::new());
        for seat in &confirm.seats {
            match self.held_by(order, confirm.event_id, seat) {
                Some(entry) if !holders.contains(&entry.now.id) => holders.push(entry.now.id),
                Some(_) => {}
                None => strange.push(seat.clone()),
            }
        }
        let key = |id: ReservationId| (order.tenant_id, id);
        let Some((first, others)) = holders.split_first().filter(|_| strange.is_empty()) else {
            return Err(WriteError::SeatsNotHeld(strange));
        };
        let entries = holders.iter().map(|id| self.reservations.get(&key(*id)).ok_or(UNREAD));
        for entry in entries.collect::<Result<Vec<_>, _>>()? {
            if let State::Confirmed { .. } = entry.now.state {
                let is_same = others.is_empty() && entry.now.seats().all(|seat| asked.contains(seat));
                return if is_same {
                    Ok(Outcome::AsItIs(Answer::reserved(entry.now.clone(), None), entry.now.id.uuid()))
                } else {
                    Err(WrongStanding::Closed { status: ReservationStatus::Confirmed }.into())
                };
            }
            goes_on(entry, self.at)?;
        }
        let mut whole = self.reservations.get(&key(*first)).ok_or(UNREAD)?.now.clone();
        let (picked, rest) = by_seat(&whole.units, &asked);
        let rest_id = (!rest.is_empty()).then_some(confirm.rest_id);
        if let Some(rest_id) = rest_id {
            whole = self.split_off(head, order, &whole, picked, rest, rest_id)?;
        }
        for other in others {
            let other = self.reservations.get(&key(*other)).ok_or(UNREAD)?.now.clone();
            let (moved, left) = by_seat(&other.units, &asked);
            let state = if left.is_empty() { State::Cancelled } else { other.state.clone() };
            let after = Reservation { units: left, ..other.with(state, self.at) };
            self.hand_over(order.tenant_id, &other, &moved, Some(whole.id));
            let sections = self.left_of(&moved)?;
            self.tell(
                head,
                order,
                &Fact::ReservationSplit { reservation: after.clone(), to: whole.id, sections },
            );
            self.put(key(after.id), after)?;
            add_units(&mut whole.units, &moved);
        }
        self.make_theirs(head, order, &whole, rest_id, &confirm.code)
    }

    /// `picked` stays with the reservation, and `rest` becomes a hold of its own. The reservation as it is then.
    fn split_off(
        &mut self,
        head: &mut Head,
        order: &Order,
        before: &Reservation,
        picked: Vec<Units>,
        rest: Vec<Units>,
        rest_id: ReservationId,
    ) -> Result<Reservation, Error> {
        let key = (order.tenant_id, before.id);
        let after = Reservation { units: picked, ..before.with(before.state.clone(), self.at) };
        let other =
            Reservation { id: rest_id, units: rest, version: 1, updated_at: self.at, ..before.clone() };
        self.hand_over(order.tenant_id, before, &other.units, Some(rest_id));
        let sections = self.left_of(&other.units)?;
        let split =
            Fact::ReservationSplit { reservation: after.clone(), to: rest_id, sections: sections.clone() };
        self.tell(head, order, &split);
        self.tell(head, order, &Fact::ReservationHeld { reservation: other.clone(), sections });
        let event = self.reservations.get(&key).ok_or(UNREAD)?.event;
        let entry = Entry { tenant_id: order.tenant_id, stored: None, now: other, event };
        self.reservations.insert((order.tenant_id, rest_id), entry);
        self.put(key, after.clone())?;
        Ok(after)
    }

    /// All units of the reservation are its owner's.
    fn make_theirs(
        &mut self,
        head: &mut Head,
        order: &Order,
        whole: &Reservation,
        rest: Option<ReservationId>,
        code: &ConfirmationCode,
    ) -> Result<Outcome, WriteError> {
        let state = whole.state.confirm(code, judged_at(whole, self.at))?;
        for units in &whole.units {
            self.area(units.section_id)?.confirm(units)?;
        }
        let sections = self.left_of(&whole.units)?;
        let after = whole.with(state, self.at);
        self.tell(head, order, &Fact::ReservationConfirmed { reservation: after.clone(), rest, sections });
        self.put((order.tenant_id, after.id), after.clone())?;
        Ok(Outcome::Done(Answer::reserved(after, rest)))
    }

    pub(super) fn extend(
        &mut self,
        head: &mut Head,
        extend: &ExtendReservation,
    ) -> Result<Outcome, WriteError> {
        let entry = self.own(&extend.order, extend.id, &extend.versions)?;
        goes_on(entry, self.at)?;
        let before = entry.now.clone();
        let ceiling = before.created_at.saturating_add(self.hold_max);
        let state = before.state.extend(extend.hold_for, ceiling, self.at)?;
        if state == before.state {
            return Ok(Outcome::AsItIs(Answer::reserved(before, None), extend.id.uuid()));
        }
        let after = before.with(state, self.at);
        self.tell(head, &extend.order, &Fact::ReservationExtended { reservation: after.clone() });
        self.put((extend.order.tenant_id, after.id), after.clone())?;
        Ok(Outcome::Done(Answer::reserved(after, None)))
    }

    /// Gives back what the reservation has; of one that has ended nothing is left to give.
    pub(super) fn release(
        &mut self,
        head: &mut Head,
        release: &ReleaseReservation,
    ) -> Result<Outcome, WriteError> {
        let order = &release.order;
        let before = self.own(order, release.id, &release.versions)?.now.clone();
        let has_units = match before.state.clone().at(self.at) {
            State::Hold { .. } | State::Confirmed { .. } => true,
            State::Expired { .. } | State::Cancelled => false,
        };
        if has_units {
            let after = before.with(State::Cancelled, self.at);
            let sections = self.give_back(order.tenant_id, &before)?;
            let reservation = after.clone();
            let fact = match before.state {
                State::Confirmed { .. } => Fact::ReservationCancelled { reservation, sections },
                _ => Fact::ReservationReleased { reservation, sections },
            };
            self.tell(head, order, &fact);
            self.put((order.tenant_id, after.id), after)?;
            return Ok(Outcome::Done(Answer::Cancelled));
        }
        Ok(Outcome::AsItIs(Answer::Cancelled, release.id.uuid()))
    }

    /// The reservation of the caller's that has the seat; one whose hold is over among them.
    pub(super) fn held_by(&self, order: &Order, event: EventId, seat: &SeatLabel) -> Option<&Entry> {
        let holder = self.seats.get(&(order.tenant_id, event, seat.clone()))?.now?;
        let entry = self.reservations.get(&(order.tenant_id, holder))?;
        (entry.now.user_id == order.user_id || failpoint!("sale.asks_not_whose")).then_some(entry)
    }
}

/// The units that are meant, and the others.
fn parted(units: &[Units], part: &Part) -> Result<(Vec<Units>, Vec<Units>), WriteError> {
    match part {
        Part::All => Ok((units.to_vec(), Vec::new())),
        Part::Seats(seats) => {
            let asked: HashSet<&SeatLabel> = seats.iter().collect();
            let (picked, rest) = by_seat(units, &asked);
            let found: usize = picked.iter().map(|units| units.seats.len()).sum();
            if found == asked.len() && found > 0 { Ok((picked, rest)) } else { Err(WriteError::NoSuchPart) }
        }
        Part::Quantity(quantity) => {
            let [only] = units else { return Err(WriteError::NoSuchPart) };
            if !(1..=only.quantity).contains(quantity) {
                return Err(WriteError::NoSuchPart);
            }
            let (picked, rest) = only.split_at(*quantity);
            Ok((picked.into_iter().collect(), rest.into_iter().collect()))
        }
    }
}

/// The seats that are asked for, and all other units.
fn by_seat(units: &[Units], asked: &HashSet<&SeatLabel>) -> (Vec<Units>, Vec<Units>) {
    let (picked, left): (Vec<_>, Vec<_>) =
        units.iter().map(|units| units.split_by(|seat| asked.contains(seat))).unzip();
    (picked.into_iter().flatten().collect(), left.into_iter().flatten().collect())
}

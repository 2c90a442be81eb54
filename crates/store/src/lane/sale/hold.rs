//! Units are held: these seats, or the best there are, all of them or none.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use holdfast_domain::{
    EventId, Fact, Reservation, ReservationStatus, SeatLabel, SectionId, TenantId, Units,
    reservation::{State, WrongStanding, add_units},
    seating::{Adjacency, SeatState},
};
use time::OffsetDateTime;

use super::{
    super::{
        answer::Answer,
        command::{HoldUnits, Item, Place, SectionRef, UnitsWanted},
        refusal::{Left, Object, WriteError},
    },
    Entry, Outcome, Sale, UNREAD,
    area::Short,
};
use crate::Head;

/// Units that were got, and by which of the choices.
type Got = (Vec<Units>, Option<i16>);

/// Seats that the caller holds already, and when the first of their holds ends.
struct Own {
    reservation: Reservation,
    until: OffsetDateTime,
}

impl Sale {
    pub(super) fn hold(&mut self, head: &mut Head, hold: &HoldUnits) -> Result<Outcome, WriteError> {
        let event = (hold.order.tenant_id, hold.event_id);
        if !self.events.contains_key(&event) {
            return Err(WriteError::NotFound(Object::Event));
        }
        if !failpoint!("sale.settles_not") && !self.settle(head, event)? {
            return Ok(self.again(event));
        }
        let stage = self.events.get(&event).ok_or(UNREAD)?;
        stage.on_sale.sale.admit(self.at)?;
        let (limit, venue_id, status) =
            (stage.on_sale.units_per_user, stage.on_sale.venue_id, stage.on_sale.sale.status);
        let length = hold.hold_for.unwrap_or(self.hold_for);
        if length > self.hold_max {
            return Err(WrongStanding::TooLong { most_seconds: self.hold_max.whole_seconds() }.into());
        }
        let (own, wanted) = self.without_own(hold)?;
        let Some(wanted) = wanted else {
            let own = own.ok_or(UNREAD)?.reservation;
            let id = own.id;
            return Ok(Outcome::AsItIs(Answer::reserved(own, None), id.uuid()));
        };
        let user = (hold.event_id, hold.order.user_id.clone());
        if let Some(limit) = limit {
            let has = self.has.get(&user).copied().unwrap_or(0);
            if has + i64::from(quantity(&wanted)) > i64::from(limit) && !failpoint!("sale.limits_not") {
                return Err(WriteError::TooManyUnits { limit, has });
            }
        }
        let (units, choice) = self.take(event, &wanted, hold.adjacency)?;
        // With what is held already it ends together: what is told of all of them holds for all.
        let asked = self.at.saturating_add(length);
        let expires_at = own.map_or(asked, |own| own.until.min(asked));
        let reservation = Reservation {
            id: hold.id,
            event_id: hold.event_id,
            venue_id,
            user_id: hold.order.user_id.clone(),
            units,
            state: State::Hold { expires_at },
            choice,
            version: 1,
            created_at: self.at,
            updated_at: self.at,
        };
        if let Some(has) = self.has.get_mut(&user) {
            *has += i64::from(reservation.quantity());
        }
        self.seat(event.0, &reservation);
        let sections = self.left_of(&reservation.units)?;
        self.tell(head, &hold.order, &Fact::ReservationHeld { reservation: reservation.clone(), sections });
        let entry = Entry { tenant_id: event.0, stored: None, now: reservation.clone(), event: status };
        self.reservations.insert((event.0, hold.id), entry);
        Ok(Outcome::Done(Answer::reserved(reservation, None)))
    }

    /// What is wanted besides the seats that the caller holds already; nothing, when that is all of them.
    fn without_own<'h>(
        &self,
        hold: &'h HoldUnits,
    ) -> Result<(Option<Own>, Option<Cow<'h, UnitsWanted>>), WriteError> {
        let seats = match &hold.wanted {
            UnitsWanted::Seats(seats) if hold.keeps_own => seats,
            wanted => return Ok((None, Some(Cow::Borrowed(wanted)))),
        };
        let (mut own, mut others): (Option<Own>, Vec<SeatLabel>) = (None, Vec::new());
        for seat in seats {
            match self.held_by(&hold.order, hold.event_id, seat) {
                Some(entry) if entry.now.state.status() == ReservationStatus::Hold => {
                    let until = entry.now.state.held_until(self.at)?;
                    if own.as_ref().is_none_or(|own| until < own.until) {
                        own = Some(Own { reservation: entry.now.clone(), until });
                    }
                }
                _ => others.push(seat.clone()),
            }
        }
        let wanted = (!others.is_empty()).then_some(Cow::Owned(UnitsWanted::Seats(others)));
        Ok((own, wanted))
    }

    fn take(
        &mut self,
        event: (TenantId, EventId),
        wanted: &UnitsWanted,
        adjacency: Adjacency,
    ) -> Result<Got, WriteError> {
        match wanted {
            UnitsWanted::Seats(seats) => Ok((self.take_seats(event, None, seats)?, None)),
            UnitsWanted::Choices { places, quantity } => {
                let mut was_there = false;
                for (choice, place) in (0..).zip(places) {
                    match self.take_known(event, place, *quantity, adjacency)? {
                        Ok(units) => return Ok((vec![units], Some(choice))),
                        Err(short) => was_there |= short == Short::NotAdjacent,
                    }
                }
                Err(short(was_there))
            }
            UnitsWanted::Items(items) => Ok((self.take_items(event, items, adjacency)?, None)),
        }
    }

    /// All of these, or nothing. What leaves least choice goes first: seats by their labels, then those of a category; else
    /// one would be given what another names.
    fn take_items(
        &mut self,
        event: (TenantId, EventId),
        items: &[Item],
        adjacency: Adjacency,
    ) -> Result<Vec<Units>, WriteError> {
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by_key(|place| match &items[*place] {
            Item::Seats { .. } => 0,
            Item::Best { place, .. } if place.category.is_some() => 1,
            Item::Best { place, .. } if place.section.is_some() => 2,
            Item::Best { .. } => 3,
        });
        let mut got: Vec<Vec<Units>> = vec![Vec::new(); items.len()];
        for place in order {
            match self.take_item(event, &items[place], adjacency) {
                Ok(units) => got[place] = units,
                Err(error) => {
                    for units in got.iter().flatten() {
                        self.area(units.section_id)?.give_back(units, false)?;
                    }
                    return Err(error);
                }
            }
        }
        let mut all = Vec::new();
        for units in &got {
            add_units(&mut all, units);
        }
        Ok(all)
    }

    fn take_item(
        &mut self,
        event: (TenantId, EventId),
        item: &Item,
        adjacency: Adjacency,
    ) -> Result<Vec<Units>, WriteError> {
        match item {
            Item::Best { place, quantity } => match self.take_known(event, place, *quantity, adjacency)? {
                Ok(units) => Ok(vec![units]),
                Err(why) => Err(short(why == Short::NotAdjacent)),
            },
            Item::Seats { section, seats } => self.take_seats(event, Some(section), seats),
        }
    }

    /// The best units of a section, or of the first section that has as many.
    pub(super) fn take_best(
        &mut self,
        event: (TenantId, EventId),
        place: &Place,
        quantity: i32,
        adjacency: Adjacency,
    ) -> Result<Result<Units, Short>, WriteError> {
        let sections = self.sections(event, place.section.as_ref())?;
        let mut why = Short::SoldOut;
        let is_named = place.section.is_some();
        for section in sections {
            let area = self.area(section)?;
            if is_named && place.category.is_some() && !area.is_seated() {
                return Err(WriteError::OtherKind);
            }
            match area.hold_best(quantity, adjacency, place.category.as_ref())? {
                Ok(units) => return Ok(Ok(units)),
                Err(Short::NotAdjacent) => why = Short::NotAdjacent,
                Err(Short::SoldOut) => {}
            }
        }
        Ok(Err(why))
    }

    /// The same; what nobody has is refused, and not taken for sold out.
    fn take_known(
        &mut self,
        event: (TenantId, EventId),
        place: &Place,
        quantity: i32,
        adjacency: Adjacency,
    ) -> Result<Result<Units, Short>, WriteError> {
        let got = self.take_best(event, place, quantity, adjacency)?;
        if got == Err(Short::SoldOut) {
            self.has_category(event, place)?;
        }
        Ok(got)
    }

    /// Whether there is a seat of the category that is asked for, whoever has it: else it is no use to wait for one.
    pub(super) fn has_category(&self, event: (TenantId, EventId), place: &Place) -> Result<(), WriteError> {
        let Some(category) = &place.category else { return Ok(()) };
        let sections = self.sections(event, place.section.as_ref())?;
        let floors = sections.iter().filter_map(|section| self.areas.get(section)?.floor.as_ref());
        let mut rows = floors.flat_map(|floor| floor.layout().rows());
        if rows.any(|row| row.category() == Some(category)) {
            Ok(())
        } else {
            Err(WriteError::UnknownCategory)
        }
    }

    /// These seats, of a section or of whichever has them.
    fn take_seats(
        &mut self,
        event: (TenantId, EventId),
        section: Option<&SectionRef>,
        seats: &[SeatLabel],
    ) -> Result<Vec<Units>, WriteError> {
        let sections = self.sections(event, section)?;
        let mut found: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        let (mut taken, mut unknown) = (Vec::new(), Vec::new());
        for label in seats {
            let place = sections.iter().enumerate().find_map(|(place, section)| {
                let floor = self.areas.get(section)?.floor.as_ref()?;
                floor.layout().ordinal(label).map(|seat| (place, seat, floor.get(seat)))
            });
            match place {
                None | Some((.., SeatState::Removed)) => unknown.push(label.clone()),
                Some((place, seat, SeatState::Free)) => found.entry(place).or_default().push(seat),
                Some(_) => taken.push(label.clone()),
            }
        }
        if !unknown.is_empty() {
            return Err(WriteError::UnknownSeats(unknown));
        }
        if !taken.is_empty() {
            return Err(WriteError::SeatsTaken(taken));
        }
        let mut got = Vec::new();
        for (place, mut seats) in found {
            seats.sort_unstable();
            seats.dedup();
            got.push(self.area(sections[place])?.hold_seats(&seats)?);
        }
        Ok(got)
    }

    /// The section that is meant, or all of the event.
    fn sections(
        &self,
        event: (TenantId, EventId),
        section: Option<&SectionRef>,
    ) -> Result<Vec<SectionId>, WriteError> {
        match section {
            Some(section) => Ok(vec![self.section(event, section)?]),
            None => Ok(self.events.get(&event).ok_or(UNREAD)?.sections.clone()),
        }
    }

    /// The section that is meant.
    pub(super) fn section(
        &self,
        (_, event): (TenantId, EventId),
        section: &SectionRef,
    ) -> Result<SectionId, WriteError> {
        let area = match section {
            SectionRef::Id(id) => self.areas.get(id),
            SectionRef::Name(name) => {
                self.areas.values().find(|area| area.row.event_id == event && area.row.section.name == *name)
            }
        };
        let area = area.filter(|area| area.row.event_id == event);
        area.map(|area| area.row.section.id).ok_or(WriteError::Unknown(Object::Section))
    }
}

/// Why nothing was got. What is left is found when all of the batch is applied.
fn short(was_there: bool) -> WriteError {
    let left = Arc::<Left>::default();
    if was_there { WriteError::NotAdjacent(left) } else { WriteError::SoldOut(left) }
}

/// How many units are wanted.
fn quantity(wanted: &UnitsWanted) -> i32 {
    let seats = |seats: &[SeatLabel]| i32::try_from(seats.len()).unwrap_or(i32::MAX);
    match wanted {
        UnitsWanted::Seats(labels) => seats(labels),
        UnitsWanted::Choices { quantity, .. } => *quantity,
        UnitsWanted::Items(items) => items
            .iter()
            .map(|item| match item {
                Item::Best { quantity, .. } => *quantity,
                Item::Seats { seats: labels, .. } => seats(labels),
            })
            .fold(0, i32::saturating_add),
    }
}

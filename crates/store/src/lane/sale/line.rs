//! The line of an event: who comes into it and who leaves it, and what is offered to whom when units have come back.
//!
//! The line is served before anybody takes units, and in the order of rank: the first whose request fits gets a hold, then the
//! first that fits what is left, until nobody does. Those who ask for the same differ in rank only, so of each request only the
//! first has to be looked at; and what does not fit once does not fit later on, since units only become fewer.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

use holdfast_domain::{
    EventId, Fact, NotOnSale, Reservation, Seq, TenantId, Units, WaitlistEntry, WaitlistEntryId,
    WaitlistState,
    reservation::{State, WrongStanding},
    seating::Adjacency,
    waitlist::{Choice, Ending, Request},
};
use time::Duration;
use uuid::Uuid;

use super::{
    super::{
        answer::Answer,
        apply::meant,
        command::{JoinWaitlist, LeaveWaitlist, Order, Place, SectionRef},
        refusal::{Object, WriteError},
    },
    Entry, Outcome, Sale, UNREAD,
    lines::{Queue, Queues, REQUESTS},
};
use crate::{Error, Head, waitlist::request_id};

/// Of each choice, how few units of it were not to be had: units only become fewer while a line is served.
type Misses = HashMap<(Choice, Adjacency), i32>;

/// Those in line whose turn may be next, the lowest rank first, each with its request.
type Turns = BinaryHeap<Reverse<(Seq, Uuid)>>;

impl Sale {
    /// Serves the event's line if it is due; whether nobody is left in it who comes before others.
    pub(super) fn serve(&mut self, head: &mut Head, event: (TenantId, EventId)) -> Result<bool, Error> {
        if !self.lines.is_due(event, self.at) || failpoint!("line.not_served") {
            return Ok(true);
        }
        // More lines may be due than were read.
        let Some(mut queues) = self.lines.take_queues(event) else { return Ok(false) };
        let sale = self.events.get(&event).ok_or(UNREAD)?.on_sale.sale;
        let done = match sale.admit(self.at) {
            Ok(()) => {
                let all = self.offer_all(head, event, &mut queues)?;
                if all {
                    self.lines.rests_until(event, sale.closes_at);
                }
                all
            }
            Err(NotOnSale::NotYet { opens_at }) => {
                self.lines.rests_until(event, Some(opens_at));
                true
            }
            // Nobody comes before those who are refused in any case.
            Err(NotOnSale::Closed { .. } | NotOnSale::Over { .. }) => {
                self.end_all(head, event, &queues)?;
                true
            }
        };
        self.lines.give_back(event, queues);
        Ok(done)
    }

    /// Makes offers until nobody in line fits; whether that is so.
    fn offer_all(
        &mut self,
        head: &mut Head,
        event: (TenantId, EventId),
        queues: &mut Queues,
    ) -> Result<bool, Error> {
        let first = |(id, queue): (&Uuid, &Queue)| queue.first.front().map(|(rank, _)| Reverse((*rank, *id)));
        let mut misses = Misses::new();
        let mut turns: Turns = queues.iter().filter_map(first).collect();
        for queue in queues.values().filter(|queue| queue.first.is_empty()) {
            if self.has_unread(event, queue, &mut misses)? {
                return Ok(false);
            }
        }
        while let Some(Reverse((_, request))) = turns.pop() {
            let queue = queues.get_mut(&request).ok_or(UNREAD)?;
            let Some((_, id)) = queue.first.front().copied() else { continue };
            let is_waiting = self.lines.is_waiting(id);
            if is_waiting {
                let Some(got) = self.fit(event, &queue.request, &mut misses)? else { continue };
                let stage = self.events.get_mut(&event).ok_or(UNREAD)?;
                if stage.room == 0 {
                    self.area(got.0.section_id)?.give_back(&got.0, false)?;
                    return Ok(false);
                }
                stage.room -= 1;
                self.settled.1 += 1;
                self.offer(head, event, id, got, None)?;
            }
            queue.first.pop_front();
            match queue.first.front() {
                Some((rank, _)) => turns.push(Reverse((*rank, request))),
                None if self.has_unread(event, queue, &mut misses)? => return Ok(false),
                None => {}
            }
        }
        Ok(true)
    }

    /// Whether who comes next with this request was not read, and may be the first who fits.
    fn has_unread(
        &mut self,
        event: (TenantId, EventId),
        queue: &Queue,
        misses: &mut Misses,
    ) -> Result<bool, Error> {
        if !queue.has_more || failpoint!("line.forgets_unread") {
            return Ok(false);
        }
        let Some((units, _)) = self.fit(event, &queue.request, misses)? else { return Ok(false) };
        self.area(units.section_id)?.give_back(&units, false)?;
        Ok(true)
    }

    /// Units for this request, by the first of its choices that has them; they are taken. What was missed before, in the same
    /// turn, need not be looked for again.
    fn fit(
        &mut self,
        event: (TenantId, EventId),
        request: &Request,
        misses: &mut Misses,
    ) -> Result<Option<(Units, i16)>, Error> {
        if failpoint!("line.passes_over") && request.quantity > 1 {
            return Ok(None);
        }
        for (number, choice) in (0..).zip(&request.choices) {
            let missed = misses.entry((choice.clone(), request.adjacent)).or_insert(i32::MAX);
            if *missed <= request.quantity {
                continue;
            }
            let got = self.take_best(event, &place_of(choice), request.quantity, request.adjacent);
            match got {
                Ok(Ok(units)) => return Ok(Some((units, number))),
                // What a section was when somebody came into line, it may no longer be.
                Ok(Err(_)) | Err(WriteError::OtherKind | WriteError::Unknown(_)) => {
                    *missed = request.quantity;
                }
                Err(WriteError::Store(error)) => return Err(error),
                Err(_) => return Err(Error::Defect("a request in line is refused as none can be")),
            }
        }
        Ok(None)
    }

    /// Holds units for who is first in line for them; or, if they may have no more, takes them out of line. It is the engine's
    /// doing; but of a command that took the place, the answer tells of it.
    fn offer(
        &mut self,
        head: &mut Head,
        event: (TenantId, EventId),
        id: WaitlistEntryId,
        (units, choice): (Units, i16),
        joined: Option<&Order>,
    ) -> Result<WaitlistEntry, Error> {
        let stage = self.events.get(&event).ok_or(UNREAD)?;
        let (limit, status) = (stage.on_sale.units_per_user, stage.on_sale.sale.status);
        let entry = self.lines.entry(id).ok_or(UNREAD)?.1.clone();
        let user = (event.1, entry.user_id.clone());
        if let Some(limit) = limit {
            let has = self.has.get(&user).copied().ok_or(UNREAD)?;
            if has + i64::from(units.quantity) > i64::from(limit) {
                self.area(units.section_id)?.give_back(&units, false)?;
                return self.end_entry(head, id, Ending::LimitReached);
            }
        }
        if let Some(has) = self.has.get_mut(&user) {
            *has += i64::from(units.quantity);
        }
        let expires_at = self.at.saturating_add(Duration::seconds(entry.offer_seconds.into()));
        let reservation = Reservation {
            id: Uuid::now_v7().into(),
            event_id: event.1,
            venue_id: entry.venue_id,
            user_id: entry.user_id,
            units: vec![units],
            state: State::Hold { expires_at },
            choice: Some(choice),
            version: 1,
            created_at: self.at,
            updated_at: self.at,
        };
        self.seat(event.0, &reservation);
        let sections = self.left_of(&reservation.units)?;
        let reservation_id = reservation.id;
        let held = Fact::ReservationHeld { reservation: reservation.clone(), sections };
        tell(head, event.0, joined, &held);
        self.told.insert(reservation_id.uuid(), head.seq());
        let made = Entry { tenant_id: event.0, stored: None, now: reservation, event: status };
        self.reservations.insert((event.0, reservation_id), made);
        let state = WaitlistState::Offered { reservation_id, expires_at };
        let after = self.lines.leave(id, state, self.at).ok_or(UNREAD)?;
        tell(head, event.0, joined, &Fact::WaitlistOffered { waitlist_entry: after.clone() });
        self.told.insert(id.uuid(), head.seq());
        Ok(after)
    }

    /// Takes leave of those in line, the first first, as many as this transaction may.
    fn end_all(&mut self, head: &mut Head, event: (TenantId, EventId), queues: &Queues) -> Result<(), Error> {
        let mut all: Vec<_> = queues.values().flat_map(|queue| &queue.first).copied().collect();
        all.sort_unstable();
        for (_, id) in all {
            let stage = self.events.get_mut(&event).ok_or(UNREAD)?;
            let is_waiting = self.lines.is_waiting(id);
            if is_waiting && stage.room > 0 {
                stage.room -= 1;
                self.settled.1 += 1;
                self.end_entry(head, id, Ending::SaleOver)?;
            }
        }
        Ok(())
    }

    fn end_entry(
        &mut self,
        head: &mut Head,
        id: WaitlistEntryId,
        reason: Ending,
    ) -> Result<WaitlistEntry, Error> {
        let tenant_id = self.lines.entry(id).ok_or(UNREAD)?.0;
        let after = self.lines.leave(id, WaitlistState::Ended { reason }, self.at).ok_or(UNREAD)?;
        head.append_own(tenant_id, &Fact::WaitlistEnded { waitlist_entry: after.clone() });
        self.told.insert(id.uuid(), head.seq());
        Ok(after)
    }

    /// Takes a place in line; and, when the request fits, what it asks for.
    pub(super) fn join(&mut self, head: &mut Head, join: &JoinWaitlist) -> Result<Outcome, WriteError> {
        let event = (join.order.tenant_id, join.event_id);
        if !self.events.contains_key(&event) {
            return Err(WriteError::NotFound(Object::Event));
        }
        if !self.settle(head, event)? {
            return Ok(self.again(event));
        }
        let stage = self.events.get(&event).ok_or(UNREAD)?;
        stage.on_sale.sale.admit(self.at)?;
        let (venue_id, closes_at, limit) =
            (stage.on_sale.venue_id, stage.on_sale.sale.closes_at, stage.on_sale.units_per_user);
        let offer_for = join.offer_for.unwrap_or(self.hold_for);
        if offer_for > self.hold_max {
            return Err(WrongStanding::TooLong { most_seconds: self.hold_max.whole_seconds() }.into());
        }
        let user = &join.order.user_id;
        if let Some(entry) = self.lines.of_user(event, user).filter(|entry| entry.is_waiting()) {
            return Err(WriteError::AlreadyWaiting { id: entry.id });
        }
        if let Some(limit) = limit {
            let has = self.has.get(&(join.event_id, user.clone())).copied().ok_or(UNREAD)?;
            if has + i64::from(join.quantity) > i64::from(limit) {
                return Err(WriteError::TooManyUnits { limit, has });
            }
        }
        let request = self.request(event, join)?;
        for place in &join.choices {
            self.has_category(event, place)?;
        }
        let asked = request_id(&request);
        // Who is served at once is in nobody's way.
        let got = self.fit(event, &request, &mut Misses::new())?;
        if got.is_none() && self.lines.line(event).waiting >= self.most_waiting {
            return Err(WriteError::LineFull { limit: self.most_waiting });
        }
        if got.is_none() && self.lines.has_too_many(event, &asked) {
            return Err(WriteError::TooManyRequests { limit: REQUESTS });
        }
        let entry = WaitlistEntry {
            id: join.id,
            event_id: join.event_id,
            venue_id,
            user_id: user.clone(),
            request,
            offer_seconds: i32::try_from(offer_for.whole_seconds()).unwrap_or(i32::MAX).max(1),
            rank: head.seq().next(),
            state: WaitlistState::Waiting,
            version: 1,
            created_at: self.at,
            updated_at: self.at,
        };
        self.tell(head, &join.order, &Fact::WaitlistJoined { waitlist_entry: entry.clone() });
        self.lines.join(event.0, entry.clone(), asked);
        let entry = if let Some(got) = got {
            self.offer(head, event, join.id, got, Some(&join.order))?
        } else {
            let due_at = self.lines.line(event).due_at;
            self.lines.rests_until(event, due_at.into_iter().chain(closes_at).min());
            entry
        };
        Ok(Outcome::Done(Answer::Entry(Box::new(entry))))
    }

    /// What is asked for, by the ids of sections: a name may be another's tomorrow.
    pub(super) fn request(
        &self,
        event: (TenantId, EventId),
        join: &JoinWaitlist,
    ) -> Result<Request, WriteError> {
        let choice = |place: &Place| {
            let section_id =
                place.section.as_ref().map(|section| self.section(event, section)).transpose()?;
            let area = section_id.and_then(|id| self.areas.get(&id));
            if place.category.is_some() && area.is_some_and(|area| !area.is_seated()) {
                return Err(WriteError::OtherKind);
            }
            Ok(Choice { section_id, category: place.category.clone() })
        };
        let choices = join.choices.iter().map(choice).collect::<Result<_, _>>()?;
        Ok(Request { quantity: join.quantity, adjacent: join.adjacency, choices })
    }

    /// Leaves the line; again does nothing.
    pub(super) fn leave(&mut self, head: &mut Head, leave: &LeaveWaitlist) -> Result<Outcome, WriteError> {
        let order = &leave.order;
        let event = (order.tenant_id, leave.event_id);
        // Not before a command that came before it: that may take the place that this one leaves.
        if self.events.get(&event).is_some_and(|stage| stage.is_behind) {
            return Ok(Outcome::Again);
        }
        let entry = self.lines.of_user(event, &order.user_id);
        let entry = entry.ok_or(WriteError::NotFound(Object::WaitlistEntry))?;
        meant(&leave.versions, entry.version)?;
        let (id, state) = (entry.id, entry.state);
        match self.lines.leave(id, WaitlistState::Left, self.at) {
            Some(after) => {
                self.tell(head, order, &Fact::WaitlistLeft { waitlist_entry: after });
                Ok(Outcome::Done(Answer::Cancelled))
            }
            None => match state.reservation_id() {
                Some(id) => Err(WriteError::AlreadyOffered { id }),
                None => Ok(Outcome::AsItIs(Answer::Cancelled, id.uuid())),
            },
        }
    }
}

/// Tells of something that the engine does: whoever made it look, the change is no command's, but for the one that is named.
fn tell(head: &mut Head, tenant_id: TenantId, order: Option<&Order>, fact: &Fact) {
    match order {
        Some(order) => head.append(tenant_id, order.command_id, None, &order.trace, fact),
        None => head.append_own(tenant_id, fact),
    };
}

fn place_of(choice: &Choice) -> Place {
    Place { section: choice.section_id.map(SectionRef::Id), category: choice.category.clone() }
}

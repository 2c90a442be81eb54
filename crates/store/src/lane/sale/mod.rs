//! What a transaction does with units of events: in memory, in the order of arrival, by the rules of `domain`. No statement
//! is sent here but by `read`, before anything is applied, and by `write`, when all is.
//!
//! Whoever takes units settles the event first: holds that are over give their units back, the longest over first, so that a
//! lapse needs no worker, and nobody slips in before it; then those who stand in line are served. At most [`Sale::SETTLED`]
//! reservations and offers in a transaction; a command whose event has more of them is not refused, but comes again in the next.

mod area;
mod asked;
mod hold;
mod line;
mod lines;
mod read;
mod standing;
mod write;

use std::collections::{HashMap, VecDeque};

use holdfast_domain::{
    Availability, EventId, EventStatus, Fact, Reservation, ReservationId, SeatLabel, SectionId, Seq,
    TenantId, Units, UserId, reservation::State,
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    answer::Answer,
    apply::append,
    command::{Order, Units as Command, Versions},
    refusal::{Object, WriteError},
};
use crate::{Error, Head, LaneSettings, events::OnSale};
use area::Area;
pub(crate) use asked::Asked;
use lines::Lines;
pub(crate) use write::Rest;

/// What became of a command.
pub(super) enum Outcome {
    /// It is answered, and the last change of the log tells so.
    Done(Answer),
    /// It is answered, and nothing had to change for it: the object is as the command wants it.
    AsItIs(Answer, Uuid),
    /// Its event has more to settle than one transaction may: nothing of it happened.
    Again,
}

/// A reservation, as it was read and as it is.
struct Entry {
    tenant_id: TenantId,
    /// The version that the table has; none of one that is made here.
    stored: Option<i32>,
    now: Reservation,
    event: EventStatus,
}

/// An event of which units are taken.
struct Stage {
    on_sale: OnSale,
    /// Its holds that are over, the longest over first.
    lapsed: VecDeque<ReservationId>,
    /// How many more of them, and of those in line, this transaction may settle.
    room: usize,
    /// Its sections that were read, in their order.
    sections: Vec<SectionId>,
    /// Whether a command of it comes again.
    is_behind: bool,
}

/// Who has a seat.
#[derive(Default, Clone, Copy)]
struct Holder {
    stored: Option<ReservationId>,
    now: Option<ReservationId>,
}

/// All that the transaction's commands touch.
pub(crate) struct Sale {
    hold_for: Duration,
    hold_max: Duration,
    at: OffsetDateTime,
    events: HashMap<(TenantId, EventId), Stage>,
    areas: HashMap<SectionId, Area>,
    reservations: HashMap<(TenantId, ReservationId), Entry>,
    seats: HashMap<(TenantId, EventId, SeatLabel), Holder>,
    /// How many units users have of events that limit that.
    has: HashMap<(EventId, UserId), i64>,
    /// Who waits for units.
    lines: Lines,
    /// Most that may stand in a line.
    most_waiting: i32,
    /// The last change of each object that this transaction has changed.
    told: HashMap<Uuid, Seq>,
    /// How many holds it has ended that were over, and how many in line it has served or taken leave of.
    settled: (usize, usize),
}

impl Sale {
    /// Most reservations that are expired, or taken leave of, in one transaction; shared out among the events whose units are
    /// wanted, each of which may have one.
    pub(crate) const SETTLED: usize = 200;

    /// Most lines that are served in one transaction.
    const LINES: usize = 8;

    /// How much of [`Self::SETTLED`] each of so many events may have.
    pub(super) fn share(events: usize) -> usize {
        (Self::SETTLED / events.max(1)).max(1)
    }

    /// Without the lengths of holds: nothing is held by it unless they are set.
    fn new(at: OffsetDateTime) -> Self {
        let (events, areas, reservations, seats, has, lines, told) = Default::default();
        let (hold_for, hold_max) = (Duration::ZERO, Duration::ZERO);
        let (most_waiting, settled) = (0, (0, 0));
        Self {
            hold_for,
            hold_max,
            at,
            events,
            areas,
            reservations,
            seats,
            has,
            lines,
            most_waiting,
            told,
            settled,
        }
    }

    /// The same for commands, which go by these.
    pub(super) fn with(self, settings: &LaneSettings) -> Self {
        let most_waiting = settings.waitlist_per_event;
        Self { hold_for: settings.hold(), hold_max: settings.hold_max(), most_waiting, ..self }
    }

    /// Does what `command` says.
    pub(super) fn apply(&mut self, head: &mut Head, command: &Command) -> Result<Outcome, WriteError> {
        match command {
            Command::Hold(hold) => self.hold(head, hold),
            Command::Confirm(confirm) => self.confirm(head, confirm),
            Command::ConfirmSeats(confirm) => self.confirm_seats(head, confirm),
            Command::Extend(extend) => self.extend(head, extend),
            Command::Release(release) => self.release(head, release),
            Command::Join(join) => self.join(head, join),
            Command::Leave(leave) => self.leave(head, leave),
        }
    }

    /// Ends the holds of the event that are over, then serves its line; whether that was all.
    pub(crate) fn settle(&mut self, head: &mut Head, event: (TenantId, EventId)) -> Result<bool, Error> {
        while let Some(stage) = self.events.get_mut(&event) {
            let Some(id) = stage.lapsed.front().copied() else { break };
            if failpoint!("sale.never_settles") || stage.room == 0 && !failpoint!("sale.settles_all") {
                return Ok(false);
            }
            stage.room = stage.room.saturating_sub(1);
            stage.lapsed.pop_front();
            self.expire(head, (event.0, id))?;
        }
        self.serve(head, event)
    }

    /// A command whose event has more to settle comes again, and those behind it that may not pass it.
    fn again(&mut self, event: (TenantId, EventId)) -> Outcome {
        if let Some(stage) = self.events.get_mut(&event) {
            stage.is_behind = true;
        }
        Outcome::Again
    }

    /// Ends a hold that is over. The engine does that, whoever made it look: the change is no command's.
    pub(crate) fn expire(&mut self, head: &mut Head, key: (TenantId, ReservationId)) -> Result<(), Error> {
        let before = self.reservations.get(&key).ok_or(UNREAD)?.now.clone();
        if !before.state.has_lapsed(self.at) {
            return Ok(());
        }
        let state = before.state.clone().at(self.at);
        let fact = |reservation, sections| Fact::ReservationExpired { reservation, sections };
        self.settled.0 += 1;
        self.end(head, key, &before, state, fact)
    }

    /// Takes leave of a reservation whose event is called off.
    pub(crate) fn call_off(&mut self, head: &mut Head, key: (TenantId, ReservationId)) -> Result<(), Error> {
        let before = self.reservations.get(&key).ok_or(UNREAD)?.now.clone();
        if before.state.has_lapsed(self.at) {
            return self.expire(head, key);
        }
        let fact = |reservation, sections| Fact::ReservationCancelled { reservation, sections };
        self.end(head, key, &before, State::Cancelled, fact)
    }

    /// The engine ends a reservation.
    fn end(
        &mut self,
        head: &mut Head,
        key: (TenantId, ReservationId),
        before: &Reservation,
        state: State,
        fact: impl FnOnce(Reservation, Vec<Availability>) -> Fact,
    ) -> Result<(), Error> {
        let after = before.with(state, self.at);
        let fact = fact(after.clone(), self.give_back(key.0, before)?);
        head.append_own(key.0, &fact);
        self.told.insert(after.id.uuid(), head.seq());
        self.put(key, after)
    }

    /// The reservation of whoever asks, in a version that they mean. Another's is not there for them.
    fn own(&self, order: &Order, id: ReservationId, versions: &Versions) -> Result<&Entry, WriteError> {
        let entry = self.reservations.get(&(order.tenant_id, id));
        let is_own = |entry: &&Entry| entry.now.user_id == order.user_id || failpoint!("sale.asks_not_whose");
        let entry = entry.filter(is_own).ok_or(WriteError::NotFound(Object::Reservation))?;
        super::apply::meant(versions, entry.now.version)?;
        Ok(entry)
    }

    /// The units of a reservation that ends can be had again; what that leaves of their sections.
    fn give_back(
        &mut self,
        tenant_id: TenantId,
        reservation: &Reservation,
    ) -> Result<Vec<Availability>, Error> {
        let is_confirmed = matches!(reservation.state, State::Confirmed { .. });
        for units in &reservation.units {
            self.area(units.section_id)?.give_back(units, is_confirmed)?;
        }
        self.hand_over(tenant_id, reservation, &reservation.units, None);
        self.lines.came_back((tenant_id, reservation.event_id), self.at);
        let user = (reservation.event_id, reservation.user_id.clone());
        if let Some(has) = self.has.get_mut(&user) {
            *has -= i64::from(reservation.quantity());
        }
        self.left_of(&reservation.units)
    }

    /// What is left of the sections of these units.
    fn left_of(&self, units: &[Units]) -> Result<Vec<Availability>, Error> {
        units
            .iter()
            .map(|units| Ok(self.areas.get(&units.section_id).ok_or(UNREAD)?.row.availability()))
            .collect()
    }

    fn area(&mut self, id: SectionId) -> Result<&mut Area, Error> {
        self.areas.get_mut(&id).ok_or(UNREAD)
    }

    /// The seats of a reservation go to another of the same owner's, or are nobody's.
    fn hand_over(
        &mut self,
        tenant_id: TenantId,
        from: &Reservation,
        units: &[Units],
        to: Option<ReservationId>,
    ) {
        for seat in units.iter().flat_map(|units| &units.seats) {
            let key = (tenant_id, from.event_id, seat.clone());
            self.seats.entry(key).or_insert(Holder { stored: Some(from.id), now: None }).now = to;
        }
    }

    fn tell(&mut self, head: &mut Head, order: &Order, fact: &Fact) {
        append(head, order, fact);
        if let Some(reservation) = fact.reservation() {
            self.told.insert(reservation.id.uuid(), head.seq());
        } else if let Some(entry) = fact.waitlist_entry() {
            self.told.insert(entry.id.uuid(), head.seq());
        }
    }

    /// The seats of a reservation that is made are its own.
    fn seat(&mut self, tenant_id: TenantId, reservation: &Reservation) {
        for seat in reservation.seats() {
            let key = (tenant_id, reservation.event_id, seat.clone());
            self.seats.entry(key).or_default().now = Some(reservation.id);
        }
    }

    /// The reservation is so now.
    fn put(&mut self, key: (TenantId, ReservationId), now: Reservation) -> Result<(), Error> {
        self.reservations.get_mut(&key).ok_or(UNREAD)?.now = now;
        Ok(())
    }
}

/// What is asked for is read before anything is applied.
const UNREAD: Error = Error::Defect("a command touches what was not read for it");

/// That a hold goes on; or why not: its end has come, it is none, or its event is called off.
fn goes_on(entry: &Entry, at: OffsetDateTime) -> Result<(), WriteError> {
    entry.now.state.held_until(judged_at(&entry.now, at))?;
    if entry.event.is_over() { Err(WriteError::EventOver { status: entry.event }) } else { Ok(()) }
}

/// By which clock a hold is judged: the transaction's.
fn judged_at(reservation: &Reservation, at: OffsetDateTime) -> OffsetDateTime {
    if failpoint!("sale.confirms_late") { reservation.created_at } else { at }
}

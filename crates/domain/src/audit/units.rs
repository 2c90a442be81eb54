//! Units of events: each change of a reservation, held against what it was, against the event and against P5.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::{
    found::{Found, Rule},
    hall::{Hall, is_live, lost, together},
    lawful::{admitted, are_seats_there, follows, goes_with_the_event, in_time},
    turns::Pending,
};
use crate::{
    Change, Event, EventId, EventStatus, Fact, Reservation, ReservationId, SeatLabel, SectionId, Seq,
    TenantId, Units, reservation::State,
};

/// Events that are not called off, and who has what of them.
#[derive(Debug, Default)]
pub(super) struct Sales {
    pub(super) halls: HashMap<(TenantId, EventId), Hall>,
    due: Option<Due>,
    /// A hold that was just split off, behind the one that it was split off from.
    rest: Option<(ReservationId, ReservationId)>,
    /// A hold that was just made, maybe for somebody in line.
    pub(super) pending: Option<Pending>,
    /// Whether the change before is not known: the next hold may have been split off by it.
    is_cut: bool,
}

/// What has to be told right behind a change, of the same moment.
#[derive(Debug, Clone, Copy)]
struct Due {
    event: (TenantId, EventId),
    seq: Seq,
    at: OffsetDateTime,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    /// The reservation that has what `from` had.
    Gained { from: ReservationId, to: ReservationId },
    /// That the event is called off, since somebody was taken leave of.
    CalledOff,
}

impl Sales {
    /// What is known of an event; of one that was not known, nothing.
    pub(super) fn hall(&mut self, tenant_id: TenantId, id: EventId) -> &mut Hall {
        self.halls.entry((tenant_id, id)).or_default()
    }

    pub(super) fn adopt_event(&mut self, tenant_id: TenantId, event: &Event) {
        if event.status != EventStatus::Cancelled {
            self.hall(tenant_id, event.id).be(event, None);
        }
    }

    pub(super) fn adopt_reservation(&mut self, tenant_id: TenantId, reservation: &Reservation) {
        if is_live(reservation) {
            self.hall(tenant_id, reservation.event_id).put(reservation.clone());
        }
    }

    /// What was told just before is not known.
    pub(super) fn unreadable(&mut self) {
        (self.due, self.rest, self.pending, self.is_cut) = (None, None, None, true);
    }

    pub(super) fn step(&mut self, change: &Change, found: &mut Found) {
        let due = self.due.take();
        let (rest, is_cut) = (self.rest.take(), std::mem::take(&mut self.is_cut));
        if let Some(due) = due {
            self.goes_on(due, change, found);
        }
        let hold = self.hold_of(change, found);
        if let Some(after) = change.fact.reservation() {
            let Some(hall) = self.halls.get_mut(&(change.tenant_id, after.event_id)) else {
                return found.check(Rule::Log, false, || told(change, "is of an event that is not there"));
            };
            if is_cut && matches!(change.fact, Fact::ReservationHeld { .. }) {
                hall.unsettled.insert(after.id);
            }
            let from = match due.map(|due| due.what) {
                Some(What::Gained { from, to }) if to == after.id => Some(from),
                _ => None,
            };
            self.reservation(change, after, from, rest, found);
        } else if let Some(event) = change.fact.event() {
            self.event(change, event, found);
        } else if let Some(entry) = change.fact.waitlist_entry() {
            self.waitlist(change, entry, hold, is_cut, found);
        }
    }

    /// The log ends.
    pub(super) fn end(&mut self, found: &mut Found) {
        if let Some(due) = self.due.take() {
            found.check(Rule::Log, false, || due.fault());
        }
        if let Some(pending) = self.pending.take() {
            pending.is_ordinary(found);
        }
    }

    /// Whether a change is what another has left to be told.
    fn goes_on(&mut self, due: Due, change: &Change, found: &mut Found) {
        let is_there =
            change.fact.event_id().map(|id| (change.tenant_id, id)) == Some(due.event) && change.at == due.at;
        let is_due = match (due.what, &change.fact) {
            (What::Gained { to, .. }, Fact::ReservationSplit { to: other, .. }) => to == *other,
            (
                What::Gained { to, .. },
                Fact::ReservationHeld { reservation, .. } | Fact::ReservationConfirmed { reservation, .. },
            ) => to == reservation.id,
            (What::CalledOff, Fact::ReservationCancelled { .. } | Fact::ReservationExpired { .. }) => {
                self.due = is_there.then_some(due);
                true
            }
            (What::CalledOff, Fact::EventCancelled { .. }) => true,
            _ => false,
        };
        found.check(Rule::Log, is_there && is_due, || due.fault());
    }

    fn reservation(
        &mut self,
        change: &Change,
        after: &Reservation,
        from: Option<ReservationId>,
        rest: Option<(ReservationId, ReservationId)>,
        found: &mut Found,
    ) {
        let event = (change.tenant_id, after.event_id);
        let Some(hall) = self.halls.get_mut(&event) else { return };
        let due = |what| Some(Due { event, seq: change.seq, at: change.at, what });
        if let Fact::ReservationConfirmed { .. } = change.fact {
            found.report.confirmations += 1;
        }
        if hall.unsettled.remove(&after.id) {
            settle(hall, change, after, found);
            match change.fact {
                Fact::ReservationHeld { .. } => {
                    self.rest = from.map(|from| (from, after.id));
                    self.pending = from.is_none().then(|| Pending::of_unknown(change, after));
                }
                Fact::ReservationSplit { to, .. } => {
                    self.due = due(What::Gained { from: after.id, to });
                    self.rest = rest;
                }
                _ => {}
            }
            return;
        }
        let before = hall.take(after.id);
        let before = before.as_ref();
        if matches!(change.fact, Fact::ReservationHeld { .. }) && before.is_none() {
            self.pending = Some(Pending::new(hall, change, after));
        }
        found.check(Rule::Log, follows(change, before, after), || {
            told(change, &format!("does not follow from what reservation {} was", after.id))
        });
        in_time(change, before, found);
        goes_with_the_event(hall, change, found);
        let mut touched: Vec<SectionId> = after.units.iter().map(|units| units.section_id).collect();
        match &change.fact {
            Fact::ReservationHeld { .. } => {
                if before.is_none() {
                    found.report.holds += 1;
                    admitted(hall, change, after, found);
                }
                are_seats_there(hall, change, after, found);
                self.rest = from.map(|from| (from, after.id));
            }
            Fact::ReservationConfirmed { rest: told_rest, .. } => {
                let split_off = rest.filter(|(whole, _)| *whole == after.id).map(|(_, rest)| rest);
                found.check(Rule::Log, *told_rest == split_off, || {
                    told(change, "names another rest than was split off")
                });
            }
            Fact::ReservationSplit { to, .. } => {
                let moved = before.and_then(|before| lost(&before.units, &after.units)).unwrap_or_default();
                touched = moved.iter().map(|units| units.section_id).collect();
                self.due = due(What::Gained { from: after.id, to: *to });
                self.rest = rest;
                // Taken from the one before the other has it.
                hall.put(after.clone());
                if let Some(before) = before {
                    hand_over(hall, change, before, &moved, *to, found);
                }
            }
            Fact::ReservationCancelled { .. } => {
                let is_called_off = hall.event.as_ref().is_none_or(|event| event.status.is_over());
                let was_held = before.is_some_and(|before| matches!(before.state, State::Hold { .. }));
                if !is_called_off && (was_held || change.actor.is_none()) {
                    self.due = due(What::CalledOff);
                }
            }
            _ => {}
        }
        if !matches!(change.fact, Fact::ReservationSplit { .. }) {
            hall.count(before, after);
        }
        let doubly_taken = hall.put(after.clone());
        is_alone(change, doubly_taken.first(), found);
        left(hall, change, &touched, found);
    }
}

impl Due {
    fn fault(self) -> String {
        match self.what {
            What::Gained { to, .. } => {
                format!(
                    "what was split off at seq {} is not told of right behind, with reservation {to}",
                    self.seq
                )
            }
            What::CalledOff => {
                format!(
                    "a reservation is cancelled at seq {}, and its event {} is not",
                    self.seq, self.event.1
                )
            }
        }
    }
}

/// A reservation that begins before the log is known from now on, and what is left of the sections that it is told with.
fn settle(hall: &mut Hall, change: &Change, after: &Reservation, found: &mut Found) {
    found.report.unjudged += 1;
    if let State::Expired { expires_at } = after.state {
        found.check(Rule::P5, expires_at <= change.at, || told(change, "ends a hold before its end"));
    }
    let doubly_taken = after.seats().find(|seat| hall.holder(seat).is_some()).cloned();
    is_alone(change, doubly_taken.as_ref(), found);
    hall.put(after.clone());
    if let Fact::ReservationSplit { to, .. } = change.fact {
        // It has more than is known.
        hall.take(to);
        hall.unsettled.insert(to);
    }
    for told in change.fact.sections() {
        hall.counts.entry(told.section_id).or_default().taken = None;
        hall.told(change.seq, told, found);
    }
}

/// What a reservation has lost by a split, another one of its owner's has: which may be new, and is told of behind.
fn hand_over(
    hall: &mut Hall,
    change: &Change,
    from: &Reservation,
    moved: &[Units],
    to: ReservationId,
    found: &mut Found,
) {
    if hall.unsettled.contains(&to) {
        found.report.unjudged += 1;
        return;
    }
    let new = || Reservation { id: to, units: Vec::new(), version: 0, ..from.clone() };
    let before = hall.take(to).unwrap_or_else(new);
    let is_theirs = before.user_id == from.user_id && matches!(before.state, State::Hold { .. });
    found.check(Rule::Log, is_theirs, || told(change, "gives units to somebody else"));
    hall.put(Reservation { units: together(&before.units, moved), ..before });
}

/// No seat has two holders.
fn is_alone(change: &Change, doubly_taken: Option<&SeatLabel>, found: &mut Found) {
    found.check(Rule::P5, doubly_taken.is_none(), || {
        let seat = doubly_taken.map(ToString::to_string).unwrap_or_default();
        told(change, &format!("gives seat {seat} to two"))
    });
}

/// What a change leaves of the sections that it touches is told, of each of them and of no other.
fn left(hall: &mut Hall, change: &Change, touched: &[SectionId], found: &mut Found) {
    let sections = change.fact.sections();
    let is_without = matches!(change.fact, Fact::ReservationExtended { .. });
    let are_these = is_without || sections.iter().map(|told| &told.section_id).eq(touched);
    found.check(Rule::Log, are_these, || told(change, "tells of other sections than it touches"));
    for told in sections {
        hall.told(change.seq, told, found);
    }
}

/// What is wrong with a change, in words.
pub(super) fn told(change: &Change, what: &str) -> String {
    format!("{} at seq {} {what}", change.fact.kind().as_str(), change.seq)
}

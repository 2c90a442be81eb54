//! The log, looked up: what reservations, seats and sections were at any position.

use std::collections::{HashMap, HashSet};

use holdfast_domain::{
    BookingId, EventId, Fact, Reservation, ReservationId, ReservationStatus, SectionId, Seq, UserId,
};

use crate::chaos::history::Record;

/// Who has a seat, and whether it is only held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder<'a> {
    pub(super) id: ReservationId,
    pub(super) user: &'a UserId,
    pub(super) status: ReservationStatus,
}

/// What was when, each in the order of the log.
type Times<T> = Vec<(Seq, T)>;

/// The log of a run, looked up.
#[derive(Debug, Default)]
pub(super) struct Past<'a> {
    reservations: HashMap<ReservationId, Times<&'a Reservation>>,
    seats: HashMap<(EventId, &'a str), Times<Option<Holder<'a>>>>,
    sections: HashMap<SectionId, Times<i32>>,
    names: HashMap<(EventId, &'a str), SectionId>,
    closed: HashMap<BookingId, Seq>,
    /// Who was in line once, and is out of it.
    left_line: HashSet<(EventId, &'a UserId)>,
}

impl<'a> Past<'a> {
    pub(super) fn of(log: &'a [Record]) -> Self {
        let mut past = Self::default();
        for Record { change, .. } in log {
            let (seq, fact) = (change.seq, &change.fact);
            if let Fact::BookingDeleted { booking } | Fact::BookingRejected { booking } = fact {
                past.closed.insert(booking.id, seq);
            }
            if let Some(event) = fact.event() {
                for section in &event.sections {
                    past.names.insert((event.id, section.name.as_str()), section.id);
                    let left = past.sections.entry(section.id).or_default();
                    if left.is_empty() {
                        left.push((seq, section.capacity));
                    }
                }
            }
            for left in fact.sections() {
                past.sections.entry(left.section_id).or_default().push((seq, left.available));
            }
            if let Some(entry) = fact.waitlist_entry().filter(|entry| !entry.is_waiting()) {
                past.left_line.insert((entry.event_id, &entry.user_id));
            }
            if let Some(reservation) = fact.reservation() {
                past.reservation(seq, reservation);
            }
        }
        past
    }

    fn reservation(&mut self, seq: Seq, after: &'a Reservation) {
        let (id, user, status) = (after.id, &after.user_id, after.state.status());
        let states = self.reservations.entry(id).or_default();
        let before: &[(Seq, &Reservation)] = &states[states.len().saturating_sub(1)..];
        for seat in before.iter().flat_map(|(_, before)| before.seats()) {
            // Whoever it was handed over to is told of right behind.
            self.seats.entry((after.event_id, seat.as_str())).or_default().push((seq, None));
        }
        states.push((seq, after));
        if matches!(status, ReservationStatus::Hold | ReservationStatus::Confirmed) {
            for seat in after.seats() {
                let holder = Some(Holder { id, user, status });
                self.seats.entry((after.event_id, seat.as_str())).or_default().push((seq, holder));
            }
        }
    }

    /// Whether a booking is over at the end.
    pub(super) fn is_closed(&self, booking: BookingId) -> bool {
        self.closed.contains_key(&booking)
    }

    /// Whether a user was in line for an event once, and out of it again.
    pub(super) fn has_left_line(&self, event: EventId, user: &str) -> bool {
        self.left_line.iter().any(|(other, name)| *other == event && name.as_str() == user)
    }

    /// What a reservation was, one after the other.
    pub(super) fn states(&self, id: ReservationId) -> impl DoubleEndedIterator<Item = &'a Reservation> {
        self.reservations.get(&id).into_iter().flatten().map(|(_, state)| *state)
    }

    /// Who had a seat right after a change.
    pub(super) fn holder<'s>(&'s self, event: EventId, seat: &'s str, seq: Seq) -> Option<&'s Holder<'s>> {
        at(self.seats.get(&(event, seat))?, seq)?.as_ref()
    }

    /// How many units of a section could be had right after a change; 0 of one that is not there.
    pub(super) fn left(&self, event: EventId, section: &str, seq: Seq) -> i32 {
        let times = self.names.get(&(event, section)).and_then(|id| self.sections.get(id));
        times.and_then(|times| at(times, seq)).copied().unwrap_or(0)
    }
}

impl Holder<'_> {
    /// Whether it keeps this user from locking the seat.
    pub(super) fn is_in_the_way_of(&self, user: &str) -> bool {
        self.user.as_str() != user || self.status != ReservationStatus::Hold
    }
}

/// The last that was told up to there.
fn at<T>(times: &Times<T>, seq: Seq) -> Option<&T> {
    let end = times.partition_point(|(told, _)| *told <= seq);
    times[..end].last().map(|(_, what)| what)
}

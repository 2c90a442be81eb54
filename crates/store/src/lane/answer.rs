//! What a write answers: right after it, or rebuilt from the log when the answer was lost.

use holdfast_domain::{
    Booking, Change, Conflicts, Event, Fact, Reservation, ReservationId, Resource, Venue, WaitlistEntry,
};
use time::OffsetDateTime;

use super::refusal::WriteError;
use crate::Error;

/// The answer to a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<T> {
    /// The object as it was right after the write.
    pub value: T,
    /// Whether an earlier try wrote it, under the same key.
    pub replayed: bool,
    /// When it was answered, on the shard's clock.
    pub at: OffsetDateTime,
}

/// A booking that was made or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// The booking.
    pub booking: Booking,
    /// Who else wants or holds some of its range; none, when no new range was asked for.
    pub conflicts: Option<Conflicts>,
}

/// A reservation that was made or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserved {
    /// The reservation.
    pub reservation: Reservation,
    /// The hold of what was not confirmed of it.
    pub rest: Option<ReservationId>,
}

#[derive(Debug)]
pub(super) enum Answer {
    Booked(Box<Booked>),
    Reserved(Box<Reserved>),
    /// It is given up, or called off.
    Cancelled,
    Venue(Box<Venue>),
    Resource(Box<Resource>),
    Event(Box<Event>),
    Entry(Box<WaitlistEntry>),
}

impl Answer {
    /// The answer to the command that made these changes, in their order.
    pub(super) fn of(changes: &[Change]) -> Result<Self, Error> {
        let (mut answer, mut conflicts) = (None, None);
        for change in changes {
            match &change.fact {
                Fact::BookingCreated { booking } => {
                    conflicts = Some(Conflicts::default());
                    answer = Some(booked(booking));
                }
                Fact::BookingUpdated { booking, .. } => {
                    // A range that takes its place at the end of the line was asked about.
                    let asked = booking.claim.rank() == change.seq && booking.claim.decide_by().is_some();
                    conflicts = asked.then(Conflicts::default);
                    answer = Some(booked(booking));
                }
                Fact::BookingConflict { conflicting, conflict_count, .. } => {
                    conflicts = Some(Conflicts { first: conflicting.clone(), count: *conflict_count });
                }
                // The last change of a booking, which a write left as it was.
                Fact::BookingValidated { booking }
                | Fact::BookingRejected { booking }
                | Fact::BookingMoveRejected { booking } => answer = Some(booked(booking)),
                Fact::VenueCreated { venue } | Fact::VenueUpdated { venue } => {
                    answer = Some(Self::Venue(Box::new(venue.clone())));
                }
                // A booking that named it follows.
                Fact::ResourceCreated { resource } | Fact::ResourceUpdated { resource } => {
                    answer = Some(Self::Resource(Box::new(resource.clone())));
                }
                Fact::EventCreated { event, .. } | Fact::EventUpdated { event, .. } => {
                    answer = Some(Self::Event(Box::new(event.clone())));
                }
                // Of several reservations that a write changed, the last told is the one that it was about.
                Fact::ReservationHeld { reservation, .. }
                | Fact::ReservationSplit { reservation, .. }
                | Fact::ReservationExtended { reservation }
                | Fact::ReservationExpired { reservation, .. } => {
                    answer = Some(Self::reserved(reservation.clone(), None));
                }
                Fact::ReservationConfirmed { reservation, rest, .. } => {
                    answer = Some(Self::reserved(reservation.clone(), *rest));
                }
                Fact::BookingDeleted { .. }
                | Fact::ReservationReleased { .. }
                | Fact::ReservationCancelled { .. }
                | Fact::WaitlistLeft { .. }
                | Fact::EventCancelled { .. } => answer = Some(Self::Cancelled),
                // Behind the hold that was made for it: the write was about the place in line.
                Fact::WaitlistJoined { waitlist_entry }
                | Fact::WaitlistOffered { waitlist_entry }
                | Fact::WaitlistEnded { waitlist_entry } => {
                    answer = Some(Self::Entry(Box::new(waitlist_entry.clone())));
                }
                Fact::LogLeapt { .. } | Fact::ClockSetBack { .. } => {}
            }
        }
        if let Some(Self::Booked(booked)) = &mut answer {
            booked.conflicts = conflicts;
        }
        answer.ok_or(Error::Defect("the log has no change of a write that happened"))
    }

    pub(super) fn reserved(reservation: Reservation, rest: Option<ReservationId>) -> Self {
        Self::Reserved(Box::new(Reserved { reservation, rest }))
    }

    /// The same without what was told of conflicts.
    pub(super) fn untold(mut self) -> Self {
        if let Self::Booked(booked) = &mut self {
            booked.conflicts = None;
        }
        self
    }
}

impl<T> Written<T> {
    /// The same with another value.
    pub(super) fn map<U>(
        self,
        value: impl FnOnce(T) -> Result<U, WriteError>,
    ) -> Result<Written<U>, WriteError> {
        Ok(Written { value: value(self.value)?, replayed: self.replayed, at: self.at })
    }
}

/// A command is answered in kind; anything else is a defect.
impl Answer {
    pub(super) fn booked(self) -> Result<Booked, WriteError> {
        if let Self::Booked(booked) = self { Ok(*booked) } else { Err(MIXED_UP.into()) }
    }

    pub(super) fn reservation(self) -> Result<Reserved, WriteError> {
        if let Self::Reserved(reserved) = self { Ok(*reserved) } else { Err(MIXED_UP.into()) }
    }

    pub(super) fn entry(self) -> Result<WaitlistEntry, WriteError> {
        if let Self::Entry(entry) = self { Ok(*entry) } else { Err(MIXED_UP.into()) }
    }

    pub(super) fn event(self) -> Result<Event, WriteError> {
        if let Self::Event(event) = self { Ok(*event) } else { Err(MIXED_UP.into()) }
    }

    pub(super) fn venue(self) -> Result<Venue, WriteError> {
        if let Self::Venue(venue) = self { Ok(*venue) } else { Err(MIXED_UP.into()) }
    }

    pub(super) fn resource(self) -> Result<Resource, WriteError> {
        if let Self::Resource(resource) = self { Ok(*resource) } else { Err(MIXED_UP.into()) }
    }
}

const MIXED_UP: Error = Error::Defect("a command was answered as another");

fn booked(booking: &Booking) -> Answer {
    Answer::Booked(Box::new(Booked { booking: booking.clone(), conflicts: None }))
}

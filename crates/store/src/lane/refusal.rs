//! Why a write did not happen.

use std::sync::Arc;

use holdfast_domain::{
    EventStatus, NotOnSale, ReservationId, SeatLabel, SectionId, SectionName, Status, WaitlistEntryId,
    event::EventTimesError,
    range::RangeError,
    reservation::WrongStanding,
    rules::{LimitsError, Refusal},
    seating::LayoutError,
};
use time::OffsetDateTime;

use crate::Error;

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// A claim.
    Booking,
    /// What is booked.
    Resource,
    /// Where it is.
    Venue,
    /// What people attend.
    Event,
    /// A part of it that is sold as one.
    Section,
    /// Units of it.
    Reservation,
    /// A place in the line for them.
    WaitlistEntry,
}

impl Object {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::Resource => "resource",
            Self::Venue => "venue",
            Self::Event => "event",
            Self::Section => "section",
            Self::Reservation => "reservation",
            Self::WaitlistEntry => "place in the waiting list",
        }
    }
}

/// What is to be had of an event where something was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// How many units of each section that has any, the first [`Left::LISTED`].
    pub sections: Vec<(SectionId, SectionName, i32)>,
    /// Whether there are holds that may come back.
    pub may_come_back: bool,
    /// When the next of them ends.
    pub next_end_at: Option<OffsetDateTime>,
}

impl Left {
    /// Most sections that are told one by one.
    pub const LISTED: usize = 100;
}

/// Why a write did not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The range can't be wanted.
    #[error("the range is refused")]
    Refused(#[from] Refusal),
    /// The start or end that was given makes no range with the other.
    #[error("the times are no range")]
    NoRange(#[from] RangeError),
    /// The limits can't be a resource's.
    #[error("the limits are refused")]
    Limits(#[from] LimitsError),
    /// Too many open wants of this resource.
    #[error("{limit} bookings already wait for this resource")]
    Crowded {
        /// `OPEN_WANTS_PER_RESOURCE`.
        limit: i32,
    },
    /// The tenant has as many as it may.
    #[error("there are {limit} already: a {}", .object.as_str())]
    TooMany {
        /// Of what.
        object: Object,
        /// How many it may have.
        limit: i64,
    },
    /// There is no such object.
    #[error("there is no such {}", .0.as_str())]
    NotFound(Object),
    /// What the write refers to is not there.
    #[error("it refers to a {} that is not there", .0.as_str())]
    Unknown(Object),
    /// Another has the name.
    #[error("another {} has this name", .0.as_str())]
    NameTaken(Object),
    /// It is another's.
    #[error("the booking is another's")]
    NotYours,
    /// The booking neither wants nor holds anything any more.
    #[error("the booking is {}", .status.as_str())]
    Closed {
        /// `REJECTED` or `CANCELLED`.
        status: Status,
    },
    /// It has another version than the write is meant for.
    #[error("it is at version {version}")]
    Stale {
        /// The version that it has.
        version: i32,
    },
    /// Units of the event are not to be had.
    #[error(transparent)]
    NotOnSale(#[from] NotOnSale),
    /// Not so many are left in any of the places.
    #[error("sold out")]
    SoldOut(Arc<Left>),
    /// There are as many, and not beside each other.
    #[error("not so many beside each other")]
    NotAdjacent(Arc<Left>),
    /// Somebody has them.
    #[error("seats are taken")]
    SeatsTaken(Vec<SeatLabel>),
    /// The event has none of these.
    #[error("there are no such seats")]
    UnknownSeats(Vec<SeatLabel>),
    /// The caller holds none of these.
    #[error("seats are not held by the caller")]
    SeatsNotHeld(Vec<SeatLabel>),
    /// A user may not have so many units of the event.
    #[error("a user may have {limit} units of the event")]
    TooManyUnits {
        /// How many they may have.
        limit: i32,
        /// How many they have.
        has: i64,
    },
    /// The caller stands in that line.
    #[error("already in the waiting list")]
    AlreadyWaiting {
        /// Their place.
        id: WaitlistEntryId,
    },
    /// What the caller waited for was offered to them: there is no place to leave, but a reservation.
    #[error("offered already")]
    AlreadyOffered {
        /// The reservation.
        id: ReservationId,
    },
    /// Too many stand in that line.
    #[error("{limit} already wait for this event")]
    LineFull {
        /// `WAITLIST_PER_EVENT`.
        limit: i32,
    },
    /// Too many different requests stand in that line.
    #[error("{limit} different requests already wait for this event")]
    TooManyRequests {
        /// How many there may be.
        limit: usize,
    },
    /// The reservation's state forbids it.
    #[error(transparent)]
    Standing(#[from] WrongStanding),
    /// A part of a reservation was asked for that it does not have.
    #[error("the reservation has no such part")]
    NoSuchPart,
    /// No seat that could be had has the category that is asked for, free or not.
    #[error("there is no seat of that category")]
    UnknownCategory,
    /// The section has seats where it was taken for a counted one, or the other way round.
    #[error("the section is of the other kind")]
    OtherKind,
    /// Its capacity would be less than what is taken.
    #[error("{taken} units are taken")]
    BelowTaken {
        /// How many.
        taken: i32,
    },
    /// The seats can't be those of a section: two are called the same, or they are too many.
    #[error("the seats are refused")]
    Seats(#[from] LayoutError),
    /// The event would be larger than it may.
    #[error("an event has at most {limit} {what}")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How many it may have.
        limit: usize,
    },
    /// The times can't be an event's.
    #[error("the times are refused")]
    Times(#[from] EventTimesError),
    /// The event is called off.
    #[error("the event is {}", .status.as_str())]
    EventOver {
        /// `CANCELLING` or `CANCELLED`.
        status: EventStatus,
    },
    /// The key names another write.
    #[error("the key names another write")]
    KeyReused,
    /// It could not be written.
    #[error(transparent)]
    Store(#[from] Error),
}

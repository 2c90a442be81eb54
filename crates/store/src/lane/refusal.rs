//! Why a write did not happen.

use holdfast_domain::{
    Status,
    range::RangeError,
    rules::{LimitsError, Refusal},
};

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
}

impl Object {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::Resource => "resource",
            Self::Venue => "venue",
        }
    }
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
    /// The key names another write.
    #[error("the key names another write")]
    KeyReused,
    /// It could not be written.
    #[error(transparent)]
    Store(#[from] Error),
}

//! What a lane can be told to do, and what it answers.

use holdfast_domain::{
    Booking, BookingId, CommandId, Note, RequestId, ResourceId, ResourceName, TenantId, TimeRange, Title,
    UserId, VenueId, rules::Refusal,
};

use crate::{Conflicts, Error};

/// Makes a booking, and the resource too if its name is new.
#[derive(Debug, Clone)]
pub struct CreateBooking {
    /// Whose.
    pub tenant_id: TenantId,
    /// Made before the first try, and the same at each.
    pub command_id: CommandId,
    /// The request that it came from.
    pub request_id: Option<RequestId>,
    /// The id that the booking will have.
    pub id: BookingId,
    /// Who books.
    pub user_id: UserId,
    /// Where the resource is.
    pub venue_id: VenueId,
    /// What is booked.
    pub resource: ResourceName,
    /// The id that the resource will have if it is named for the first time.
    pub resource_id_if_new: ResourceId,
    /// What is wanted.
    pub wanted: TimeRange,
    /// A line about it.
    pub title: Option<Title>,
    /// More about it.
    pub note: Option<Note>,
}

/// A booking that was made.
#[derive(Debug, Clone)]
pub struct Created {
    /// The booking.
    pub booking: Booking,
    /// Who else wants or holds some of its range.
    pub conflicts: Conflicts,
}

/// Gives a booking up.
#[derive(Debug, Clone)]
pub struct CancelBooking {
    /// Whose.
    pub tenant_id: TenantId,
    /// Made before the first try, and the same at each.
    pub command_id: CommandId,
    /// The request that it came from.
    pub request_id: Option<RequestId>,
    /// Which booking.
    pub id: BookingId,
    /// Who asks; only its owner may.
    pub user_id: UserId,
}

/// Why a write did not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The range can't be wanted.
    #[error("the range is refused")]
    Refused(#[from] Refusal),
    /// Too many open wants of this resource.
    #[error("{limit} bookings already wait for this resource")]
    Crowded {
        /// `OPEN_WANTS_PER_RESOURCE`.
        limit: i32,
    },
    /// There is no such booking.
    #[error("there is no such booking")]
    NotFound,
    /// It is another's.
    #[error("the booking is another's")]
    NotYours,
    /// It could not be written.
    #[error(transparent)]
    Store(#[from] Error),
}

#[derive(Debug)]
pub(super) enum Command {
    Create(CreateBooking),
    Cancel(CancelBooking),
}

#[derive(Debug)]
pub(super) enum Answer {
    Created(Box<Created>),
    Cancelled,
}

impl Command {
    /// The object that it writes.
    pub(super) fn object(&self) -> (TenantId, BookingId) {
        match self {
            Self::Create(create) => (create.tenant_id, create.id),
            Self::Cancel(cancel) => (cancel.tenant_id, cancel.id),
        }
    }

    pub(super) fn id(&self) -> CommandId {
        match self {
            Self::Create(create) => create.command_id,
            Self::Cancel(cancel) => cancel.command_id,
        }
    }
}

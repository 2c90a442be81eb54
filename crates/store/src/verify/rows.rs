//! What a verification is given, as it is stored.

use holdfast_domain::{Booking, BookingId, Resource, ResourceId, Seq, TenantId, change::Recorded};
use uuid::Uuid;

use crate::Error;

/// Where a log begins and ends, in the table and by its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEnds {
    /// The seq of its last change, as the head has it.
    pub seq: Seq,
    /// The seq up to which it has been pruned, or leapt over.
    pub floor: Seq,
    /// The first change that is there.
    pub first: Option<Seq>,
    /// The last change that is there.
    pub last: Option<Seq>,
}

/// A row, and the last that the log has of its object, in the same snapshot.
#[derive(Debug, Clone)]
pub struct Stored<T> {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which object.
    pub id: Uuid,
    /// The row; an error when it breaks the rules of its texts or its status.
    pub row: Result<T, Error>,
    /// The last change of the object that the log has.
    pub told: Option<Recorded>,
}

/// A booking's row.
#[derive(Debug, Clone)]
pub struct StoredBooking {
    /// What it is; without its resource, the name of that and the venue are made up.
    pub booking: Booking,
    /// Whether its resource is there.
    pub has_resource: bool,
    /// Another booking that holds some of what this one holds: there must be none.
    pub overlaps: Option<BookingId>,
}

/// A resource's row.
#[derive(Debug, Clone)]
pub struct StoredResource {
    /// What people see of it.
    pub resource: Resource,
    /// How many open wants it says it has.
    pub open_wants: i64,
    /// How many of its bookings are `PENDING`.
    pub pending: i64,
}

/// A booking that may begin before the log, in the same snapshot.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Of which resource.
    pub resource_id: ResourceId,
    /// Which booking.
    pub id: BookingId,
    /// What it is now; an error when its row breaks the rules of its texts or its status.
    pub row: Result<Booking, Error>,
    /// The first change of it that the log has after the position, and the word for its kind.
    pub first: Option<(Seq, String)>,
}

/// The tables whose objects the log tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is named as its table")]
pub enum Table {
    Bookings,
    Resources,
    Venues,
    Events,
    Reservations,
    Waitlist,
}

/// The last object of the page before.
pub type After = Option<(TenantId, Uuid)>;

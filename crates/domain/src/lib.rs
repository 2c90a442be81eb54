//! The language of Holdfast and its rules: what a booking and a reservation are, who may see what, who is granted what.
//!
//! Pure. It never reads a clock, opens a socket or knows a table: `now` comes in as a parameter, and
//! the same input always gives the same answer. So every rule here can be tested without a server,
//! and the log alone can be replayed and judged ([`audit`]).

pub mod audit;
pub mod booking;
pub mod caller;
pub mod change;
pub mod conflict;
pub mod event;
pub mod fairness;
pub mod id;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod range;
pub mod reservation;
pub mod resource;
pub mod rules;
pub mod seating;
pub mod shard;
pub mod text;
pub mod venue;
pub mod visible;
pub mod waitlist;

pub use booking::{Booking, Claim, Status};
pub use caller::{Caller, Role, Roles};
pub use change::{Change, Fact, Kind, Trace};
pub use conflict::{Conflict, Conflicts};
pub use event::{Availability, Event, EventStatus, NotOnSale, Price, Section, SectionKind};
pub use id::{
    BookingId, CommandId, EventId, ReservationId, ResourceId, SectionId, Seq, TenantId, VenueId,
    WaitlistEntryId,
};
pub use range::TimeRange;
pub use reservation::{ConfirmationCode, Reservation, ReservationStatus, Units};
pub use resource::Resource;
pub use shard::Shard;
pub use text::{
    Address, Category, EventTitle, IdempotencyKey, Note, RequestId, ResourceName, RowName, SeatLabel,
    SectionName, Title, Traceparent, UserId, VenueName, ZoneName,
};
pub use venue::Venue;
pub use visible::visible;
pub use waitlist::{WaitlistEntry, WaitlistState, WaitlistStatus};

/// The tenant of open mode, where callers name themselves and nobody signs in.
pub const DEFAULT_TENANT: TenantId = TenantId::from_u128(1);

/// Nobody's: whose the facts are that are about a log itself. No tenant has this id.
pub const NO_TENANT: TenantId = TenantId::from_u128(0);

/// The venue of the default tenant that a resource named for the first time belongs to.
pub const DEFAULT_VENUE: VenueId = VenueId::from_u128(2);

//! What happens: a variant a kind, with the whole object as it was right after.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Kind;
use crate::{
    Availability, Booking, Conflict, Event, EventId, Reservation, ReservationId, Resource, ResourceId,
    SeatLabel, SectionId, Seq, UserId, Venue, VenueId, WaitlistEntry, seating::Row,
};

/// Rows of seats that a section was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeatsAdded {
    /// Which section.
    pub section_id: SectionId,
    /// Behind those that it had.
    pub rows: Vec<Row>,
}

/// Seats that are no longer for sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeatsRemoved {
    /// Of which section.
    pub section_id: SectionId,
    /// Which.
    pub seats: Vec<SeatLabel>,
}

/// What happened, with the whole object as it was right after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the object, and what is said of them")]
pub enum Fact {
    /// Somebody wants a range.
    BookingCreated { booking: Booking },
    /// Its owner changed a booking: what it wants (`range_changed`), or only what is said about it.
    BookingUpdated { booking: Booking, range_changed: bool },
    /// Its owner gave a booking up.
    BookingDeleted { booking: Booking },
    /// What was just asked for is wanted or held by others, too: the first of them, and how many there are.
    BookingConflict { booking: Booking, conflicting: Vec<Conflict>, conflict_count: i64 },
    /// A want was granted.
    BookingValidated { booking: Booking },
    /// A want could not be had in time.
    BookingRejected { booking: Booking },
    /// A move could not be had in time; the booking keeps its old slot.
    BookingMoveRejected { booking: Booking },
    /// A resource was made, or named for the first time.
    ResourceCreated { resource: Resource },
    /// A resource was renamed, or its limits were changed.
    ResourceUpdated { resource: Resource },
    /// A venue was made.
    VenueCreated { venue: Venue },
    /// A venue was renamed or moved.
    VenueUpdated { venue: Venue },
    /// An event was made, with these seats.
    EventCreated { event: Event, seats_added: Vec<SeatsAdded> },
    /// An event was changed: what is said about it, whether it is on sale, or what is sold of it. A seat that is added and
    /// was there before is for sale again.
    EventUpdated { event: Event, seats_added: Vec<SeatsAdded>, seats_removed: Vec<SeatsRemoved> },
    /// An event was called off: `CANCELLING` while there are some who have units of it, then `CANCELLED`.
    EventCancelled { event: Event },
    /// Units are held, until the hold's end; `sections` is what that leaves.
    ReservationHeld { reservation: Reservation, sections: Vec<Availability> },
    /// Units that the reservation had belong to another one of its owner's, `to`, which is told of right behind.
    ReservationSplit { reservation: Reservation, to: ReservationId, sections: Vec<Availability> },
    /// Held units were confirmed; `rest`, which stays held, has those that were not.
    ReservationConfirmed {
        reservation: Reservation,
        rest: Option<ReservationId>,
        sections: Vec<Availability>,
    },
    /// A hold ends later.
    ReservationExtended { reservation: Reservation },
    /// The end of a hold came before it was confirmed.
    ReservationExpired { reservation: Reservation, sections: Vec<Availability> },
    /// Its owner gave a hold up.
    ReservationReleased { reservation: Reservation, sections: Vec<Availability> },
    /// Confirmed units were given up, or the event was called off.
    ReservationCancelled { reservation: Reservation, sections: Vec<Availability> },
    /// Somebody came into the line for units of an event.
    WaitlistJoined { waitlist_entry: WaitlistEntry },
    /// The units that were held right before are held for who waited for them, and who is out of line by that.
    WaitlistOffered { waitlist_entry: WaitlistEntry },
    /// Somebody left the line.
    WaitlistLeft { waitlist_entry: WaitlistEntry },
    /// Somebody was taken out of line: the sale is over, or they may have no more units.
    WaitlistEnded { waitlist_entry: WaitlistEntry },
    /// The log ended at `from`, and may once have gone on from there to what is lost; no position in between was ever
    /// told, or will be. Belongs to [`NO_TENANT`](crate::NO_TENANT): it is told by `resync` and by `log_gone`.
    LogLeapt { from: Seq },
    /// The shard's clock stood at `from`, too far ahead. Belongs to [`NO_TENANT`](crate::NO_TENANT), and is told to nobody.
    ClockSetBack {
        #[serde(with = "time::serde::rfc3339")]
        from: OffsetDateTime,
    },
}

/// The object that a fact is about.
enum Subject<'a> {
    Booking(&'a Booking),
    Resource(&'a Resource),
    Venue(&'a Venue),
    Event(&'a Event),
    Reservation(&'a Reservation),
    Entry(&'a WaitlistEntry),
    Log,
}

impl Fact {
    /// What kind of fact it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::BookingCreated { .. } => Kind::BookingCreated,
            Self::BookingUpdated { .. } => Kind::BookingUpdated,
            Self::BookingDeleted { .. } => Kind::BookingDeleted,
            Self::BookingConflict { .. } => Kind::BookingConflict,
            Self::BookingValidated { .. } => Kind::BookingValidated,
            Self::BookingRejected { .. } => Kind::BookingRejected,
            Self::BookingMoveRejected { .. } => Kind::BookingMoveRejected,
            Self::ResourceCreated { .. } => Kind::ResourceCreated,
            Self::ResourceUpdated { .. } => Kind::ResourceUpdated,
            Self::VenueCreated { .. } => Kind::VenueCreated,
            Self::VenueUpdated { .. } => Kind::VenueUpdated,
            Self::EventCreated { .. } => Kind::EventCreated,
            Self::EventUpdated { .. } => Kind::EventUpdated,
            Self::EventCancelled { .. } => Kind::EventCancelled,
            Self::ReservationHeld { .. } => Kind::ReservationHeld,
            Self::ReservationSplit { .. } => Kind::ReservationSplit,
            Self::ReservationConfirmed { .. } => Kind::ReservationConfirmed,
            Self::ReservationExtended { .. } => Kind::ReservationExtended,
            Self::ReservationExpired { .. } => Kind::ReservationExpired,
            Self::ReservationReleased { .. } => Kind::ReservationReleased,
            Self::ReservationCancelled { .. } => Kind::ReservationCancelled,
            Self::WaitlistJoined { .. } => Kind::WaitlistJoined,
            Self::WaitlistOffered { .. } => Kind::WaitlistOffered,
            Self::WaitlistLeft { .. } => Kind::WaitlistLeft,
            Self::WaitlistEnded { .. } => Kind::WaitlistEnded,
            Self::LogLeapt { .. } => Kind::LogLeapt,
            Self::ClockSetBack { .. } => Kind::ClockSetBack,
        }
    }

    const fn subject(&self) -> Subject<'_> {
        match self {
            Self::BookingCreated { booking }
            | Self::BookingUpdated { booking, .. }
            | Self::BookingDeleted { booking }
            | Self::BookingConflict { booking, .. }
            | Self::BookingValidated { booking }
            | Self::BookingRejected { booking }
            | Self::BookingMoveRejected { booking } => Subject::Booking(booking),
            Self::ResourceCreated { resource } | Self::ResourceUpdated { resource } => {
                Subject::Resource(resource)
            }
            Self::VenueCreated { venue } | Self::VenueUpdated { venue } => Subject::Venue(venue),
            Self::EventCreated { event, .. }
            | Self::EventUpdated { event, .. }
            | Self::EventCancelled { event } => Subject::Event(event),
            Self::ReservationHeld { reservation, .. }
            | Self::ReservationSplit { reservation, .. }
            | Self::ReservationConfirmed { reservation, .. }
            | Self::ReservationExtended { reservation }
            | Self::ReservationExpired { reservation, .. }
            | Self::ReservationReleased { reservation, .. }
            | Self::ReservationCancelled { reservation, .. } => Subject::Reservation(reservation),
            Self::WaitlistJoined { waitlist_entry }
            | Self::WaitlistOffered { waitlist_entry }
            | Self::WaitlistLeft { waitlist_entry }
            | Self::WaitlistEnded { waitlist_entry } => Subject::Entry(waitlist_entry),
            Self::LogLeapt { .. } | Self::ClockSetBack { .. } => Subject::Log,
        }
    }

    /// The booking that it is about, if it is about one.
    pub const fn booking(&self) -> Option<&Booking> {
        match self.subject() {
            Subject::Booking(booking) => Some(booking),
            _ => None,
        }
    }

    /// The reservation that it is about, if it is about one.
    pub const fn reservation(&self) -> Option<&Reservation> {
        match self.subject() {
            Subject::Reservation(reservation) => Some(reservation),
            _ => None,
        }
    }

    /// The entry of a waiting list that it is about, if it is about one.
    pub const fn waitlist_entry(&self) -> Option<&WaitlistEntry> {
        match self.subject() {
            Subject::Entry(entry) => Some(entry),
            _ => None,
        }
    }

    /// The event that it is about, if it is about one.
    pub const fn event(&self) -> Option<&Event> {
        match self.subject() {
            Subject::Event(event) => Some(event),
            _ => None,
        }
    }

    /// Whose the object is that it is about; nobody's, when it is the tenant's or the log's.
    pub const fn owner(&self) -> Option<&UserId> {
        match self.subject() {
            Subject::Booking(booking) => Some(&booking.user_id),
            Subject::Reservation(reservation) => Some(&reservation.user_id),
            Subject::Entry(entry) => Some(&entry.user_id),
            _ => None,
        }
    }

    /// The resource that it is about, or whose bookings it is about.
    pub const fn resource_id(&self) -> Option<ResourceId> {
        match self.subject() {
            Subject::Resource(resource) => Some(resource.id),
            Subject::Booking(booking) => Some(booking.resource_id),
            _ => None,
        }
    }

    /// The event that it is about, or whose reservations or waiting list it is about.
    pub const fn event_id(&self) -> Option<EventId> {
        match self.subject() {
            Subject::Event(event) => Some(event.id),
            Subject::Reservation(reservation) => Some(reservation.event_id),
            Subject::Entry(entry) => Some(entry.event_id),
            _ => None,
        }
    }

    /// The venue that it is about, or where what it is about is.
    pub const fn venue_id(&self) -> Option<VenueId> {
        match self.subject() {
            Subject::Venue(venue) => Some(venue.id),
            Subject::Resource(resource) => Some(resource.venue_id),
            Subject::Booking(booking) => Some(booking.venue_id),
            Subject::Event(event) => Some(event.venue_id),
            Subject::Reservation(reservation) => Some(reservation.venue_id),
            Subject::Entry(entry) => Some(entry.venue_id),
            Subject::Log => None,
        }
    }

    /// The bookings of others that it tells of, besides the one that it is about.
    pub fn conflicting(&self) -> &[Conflict] {
        match self {
            Self::BookingConflict { conflicting, .. } => conflicting,
            _ => &[],
        }
    }

    /// What it leaves of the sections that it takes units of, or gives them back to.
    pub fn sections(&self) -> &[Availability] {
        match self {
            Self::ReservationHeld { sections, .. }
            | Self::ReservationSplit { sections, .. }
            | Self::ReservationConfirmed { sections, .. }
            | Self::ReservationExpired { sections, .. }
            | Self::ReservationReleased { sections, .. }
            | Self::ReservationCancelled { sections, .. } => sections,
            _ => &[],
        }
    }

    /// The resource whose ranges it changes: who is wanted or granted what. The decision looks at
    /// these, and at no others.
    pub fn ranges_of(&self) -> Option<ResourceId> {
        match self {
            Self::BookingConflict { .. } | Self::BookingUpdated { range_changed: false, .. } => None,
            _ => self.booking().map(|booking| booking.resource_id),
        }
    }

    /// The id of the object that it is about; nil when that is the log itself.
    pub const fn object_id(&self) -> uuid::Uuid {
        match self.subject() {
            Subject::Booking(booking) => booking.id.uuid(),
            Subject::Resource(resource) => resource.id.uuid(),
            Subject::Venue(venue) => venue.id.uuid(),
            Subject::Event(event) => event.id.uuid(),
            Subject::Reservation(reservation) => reservation.id.uuid(),
            Subject::Entry(entry) => entry.id.uuid(),
            Subject::Log => uuid::Uuid::nil(),
        }
    }
}

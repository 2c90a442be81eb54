//! The JSON object that the log keeps as a fact's `data`.

use serde::Serialize;
use time::OffsetDateTime;

use super::{Fact, SeatsAdded, SeatsRemoved};
use crate::{
    Availability, Booking, Conflict, Event, Reservation, ReservationId, Resource, Seq, Venue, WaitlistEntry,
};

/// A fact's object, and what is said of it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Data<'a> {
    Booking {
        booking: &'a Booking,
    },
    Updated {
        booking: &'a Booking,
        range_changed: bool,
    },
    Conflict {
        booking: &'a Booking,
        conflicting: &'a [Conflict],
        conflict_count: i64,
    },
    Resource {
        resource: &'a Resource,
    },
    Venue {
        venue: &'a Venue,
    },
    EventCreated {
        event: &'a Event,
        seats_added: &'a [SeatsAdded],
    },
    EventUpdated {
        event: &'a Event,
        seats_added: &'a [SeatsAdded],
        seats_removed: &'a [SeatsRemoved],
    },
    Event {
        event: &'a Event,
    },
    Units {
        reservation: &'a Reservation,
        sections: &'a [Availability],
    },
    Split {
        reservation: &'a Reservation,
        to: ReservationId,
        sections: &'a [Availability],
    },
    Confirmed {
        reservation: &'a Reservation,
        rest: Option<ReservationId>,
        sections: &'a [Availability],
    },
    Reservation {
        reservation: &'a Reservation,
    },
    Entry {
        waitlist_entry: &'a WaitlistEntry,
    },
    Leapt {
        from: Seq,
    },
    SetBack {
        #[serde(with = "time::serde::rfc3339")]
        from: OffsetDateTime,
    },
}

impl Fact {
    /// The JSON object that the log keeps as `data`.
    pub fn data_json(&self) -> String {
        serde_json::to_string(&self.data()).expect("ids, texts and times within the calendar are always JSON")
    }

    pub(crate) fn data(&self) -> Data<'_> {
        match self {
            Self::ResourceCreated { resource } | Self::ResourceUpdated { resource } => {
                Data::Resource { resource }
            }
            Self::VenueCreated { venue } | Self::VenueUpdated { venue } => Data::Venue { venue },
            Self::LogLeapt { from } => Data::Leapt { from: *from },
            Self::ClockSetBack { from } => Data::SetBack { from: *from },
            Self::BookingUpdated { booking, range_changed } => {
                Data::Updated { booking, range_changed: *range_changed }
            }
            Self::BookingConflict { booking, conflicting, conflict_count } => {
                Data::Conflict { booking, conflicting, conflict_count: *conflict_count }
            }
            Self::BookingCreated { booking }
            | Self::BookingDeleted { booking }
            | Self::BookingValidated { booking }
            | Self::BookingRejected { booking }
            | Self::BookingMoveRejected { booking } => Data::Booking { booking },
            Self::EventCreated { event, seats_added } => Data::EventCreated { event, seats_added },
            Self::EventUpdated { event, seats_added, seats_removed } => {
                Data::EventUpdated { event, seats_added, seats_removed }
            }
            Self::EventCancelled { event } => Data::Event { event },
            Self::ReservationHeld { reservation, sections }
            | Self::ReservationExpired { reservation, sections }
            | Self::ReservationReleased { reservation, sections }
            | Self::ReservationCancelled { reservation, sections } => Data::Units { reservation, sections },
            Self::ReservationSplit { reservation, to, sections } => {
                Data::Split { reservation, to: *to, sections }
            }
            Self::ReservationConfirmed { reservation, rest, sections } => {
                Data::Confirmed { reservation, rest: *rest, sections }
            }
            Self::ReservationExtended { reservation } => Data::Reservation { reservation },
            Self::WaitlistJoined { waitlist_entry }
            | Self::WaitlistOffered { waitlist_entry }
            | Self::WaitlistLeft { waitlist_entry }
            | Self::WaitlistEnded { waitlist_entry } => Data::Entry { waitlist_entry },
        }
    }
}

//! The kinds of facts, and the word for each.

use serde::{Deserialize, Serialize};

/// Says each kind's word once.
macro_rules! kinds {
    ($($kind:ident: $word:literal,)+) => {
        /// What kind of fact a change is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "each is said at its `Fact`")]
        pub enum Kind {
            $(#[serde(rename = $word)] $kind,)+
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)+
                }
            }
        }
    };
}

kinds! {
    BookingCreated: "booking_created",
    BookingUpdated: "booking_updated",
    BookingDeleted: "booking_deleted",
    BookingConflict: "booking_conflict",
    BookingValidated: "booking_validated",
    BookingRejected: "booking_rejected",
    BookingMoveRejected: "booking_move_rejected",
    ResourceCreated: "resource_created",
    ResourceUpdated: "resource_updated",
    VenueCreated: "venue_created",
    VenueUpdated: "venue_updated",
    EventCreated: "event_created",
    EventUpdated: "event_updated",
    EventCancelled: "event_cancelled",
    ReservationHeld: "reservation_held",
    ReservationSplit: "reservation_split",
    ReservationConfirmed: "reservation_confirmed",
    ReservationExtended: "reservation_extended",
    ReservationExpired: "reservation_expired",
    ReservationReleased: "reservation_released",
    ReservationCancelled: "reservation_cancelled",
    WaitlistJoined: "waitlist_joined",
    WaitlistOffered: "waitlist_offered",
    WaitlistLeft: "waitlist_left",
    WaitlistEnded: "waitlist_ended",
    LogLeapt: "log_leapt",
    ClockSetBack: "clock_set_back",
}

impl Kind {
    /// Whether it is about the log itself: it belongs to no tenant, and is told to nobody as a change.
    pub const fn is_of_the_log(self) -> bool {
        matches!(self, Self::LogLeapt | Self::ClockSetBack)
    }
}

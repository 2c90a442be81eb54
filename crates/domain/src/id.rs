//! Identities: one newtype a thing, so that a booking's id can't stand where a resource's is meant.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id with this 128-bit value.
            pub const fn from_u128(value: u128) -> Self {
                Self(Uuid::from_u128(value))
            }

            /// The bare UUID, for the wire and for SQL.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(value: Uuid) -> Self {
                Self(value)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_id!(
    /// An organisation; nothing crosses from one to another.
    TenantId
);
uuid_id!(
    /// A place of a tenant.
    VenueId
);
uuid_id!(
    /// A thing of capacity one that is booked by time range.
    ResourceId
);
uuid_id!(
    /// One user's claim on one resource.
    BookingId
);
uuid_id!(
    /// Something people attend.
    EventId
);
uuid_id!(
    /// A part of an event that is sold as one.
    SectionId
);
uuid_id!(
    /// One user's units of an event.
    ReservationId
);
uuid_id!(
    /// One user's place in the line of an event.
    WaitlistEntryId
);
uuid_id!(
    /// One command, made before its first try and kept in its changes: by it the log tells whether a
    /// COMMIT whose answer was lost took place.
    CommandId
);

/// The position of a change in its shard's log, from 1. Zero stands before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub i64);

impl Seq {
    /// The first that is no position: no log comes that far, and all before, and a leap further, is exact to readers of JSON
    /// who count in doubles.
    pub const BEYOND: Self = Self(1 << 52);

    /// The position after this one.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The position before this one.
    pub const fn previous(self) -> Self {
        Self(self.0 - 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

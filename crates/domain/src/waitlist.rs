//! A place in the line for units of an event that are all taken, and what becomes of it.
//!
//! The line is served in the order of rank: units that come back go to the first whose request fits, as a hold made for them.
//! What fits is found elsewhere; here is what is asked for, and what may follow what.

mod wire;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use wire::BrokenEntry;
#[cfg(feature = "openapi")]
pub(crate) use wire::Whole;

use crate::{
    Category, EventId, ReservationId, SectionId, Seq, UserId, VenueId, WaitlistEntryId, seating::Adjacency,
};

/// The state of an entry, as the wire and the table have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WaitlistStatus {
    /// It stands in line.
    Waiting,
    /// Units were held for it; what becomes of them is told of the reservation.
    Offered,
    /// Its owner left the line.
    Left,
    /// The line ended, or its owner may have no more units.
    Ended,
}

impl WaitlistStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Offered, Self::Left, Self::Ended];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Offered => "OFFERED",
            Self::Left => "LEFT",
            Self::Ended => "ENDED",
        }
    }

    /// The state that `word` stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// Why an entry was taken out of line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The event was closed or called off, or its sale is over.
    SaleOver,
    /// When its turn came, its owner had as many units of the event as one user may have, or too many for what it asks.
    LimitReached,
}

impl Ending {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SaleOver => "sale_over",
            Self::LimitReached => "limit_reached",
        }
    }

    /// The reason that `word` stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::SaleOver, Self::LimitReached].into_iter().find(|ending| ending.as_str() == word)
    }
}

/// A state with the facts that hold in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitlistState {
    /// It stands in line.
    Waiting,
    /// Units were held for it.
    Offered {
        /// The hold.
        reservation_id: ReservationId,
        /// When that ends unless it is confirmed or extended, on the shard's clock.
        expires_at: OffsetDateTime,
    },
    /// Its owner left the line.
    Left,
    /// It was taken out of line.
    Ended {
        /// Why.
        reason: Ending,
    },
}

impl WaitlistState {
    /// The state that a row or a log entry tells of; nothing when its parts contradict each other.
    pub const fn rebuild(
        status: WaitlistStatus,
        reservation_id: Option<ReservationId>,
        expires_at: Option<OffsetDateTime>,
        reason: Option<Ending>,
    ) -> Option<Self> {
        match (status, reservation_id, expires_at, reason) {
            (WaitlistStatus::Waiting, None, None, None) => Some(Self::Waiting),
            (WaitlistStatus::Offered, Some(reservation_id), Some(expires_at), None) => {
                Some(Self::Offered { reservation_id, expires_at })
            }
            (WaitlistStatus::Left, None, None, None) => Some(Self::Left),
            (WaitlistStatus::Ended, None, None, Some(reason)) => Some(Self::Ended { reason }),
            _ => None,
        }
    }

    /// The state without its facts.
    pub const fn status(self) -> WaitlistStatus {
        match self {
            Self::Waiting => WaitlistStatus::Waiting,
            Self::Offered { .. } => WaitlistStatus::Offered,
            Self::Left => WaitlistStatus::Left,
            Self::Ended { .. } => WaitlistStatus::Ended,
        }
    }

    /// The hold that was made for it.
    pub const fn reservation_id(self) -> Option<ReservationId> {
        match self {
            Self::Offered { reservation_id, .. } => Some(reservation_id),
            _ => None,
        }
    }

    /// When that hold ends, as it was made.
    pub const fn expires_at(self) -> Option<OffsetDateTime> {
        match self {
            Self::Offered { expires_at, .. } => Some(expires_at),
            _ => None,
        }
    }

    /// Why it was taken out of line.
    pub const fn reason(self) -> Option<Ending> {
        match self {
            Self::Ended { reason } => Some(reason),
            _ => None,
        }
    }
}

/// A place where the units may come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = WaitlistChoice))]
pub struct Choice {
    /// Which section; whichever has them, without one.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub section_id: Option<SectionId>,
    /// Only seats of this category.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub category: Option<Category>,
}

/// What is waited for. Those who ask for the same differ in nothing but their rank.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    /// How many units, all of one section.
    pub quantity: i32,
    /// Whether seats have to be neighbours.
    pub adjacent: Adjacency,
    /// Where they may come from, the dearest first.
    pub choices: Vec<Choice>,
}

/// One user's place in the line of an event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "wire::Record")]
pub struct WaitlistEntry {
    /// Which one.
    pub id: WaitlistEntryId,
    /// For units of which event; never changes.
    pub event_id: EventId,
    /// Where that is; never changes.
    pub venue_id: VenueId,
    /// Who waits.
    pub user_id: UserId,
    /// For what; never changes.
    pub request: Request,
    /// How long the hold lasts that is made for it, in seconds; never changes.
    pub offer_seconds: i32,
    /// Its place in line: the seq of the change that told of it; never changes.
    pub rank: Seq,
    /// The state.
    pub state: WaitlistState,
    /// Rises with each write, from 1; the `ETag`.
    pub version: i32,
    /// When it came into line, on the shard's clock.
    pub created_at: OffsetDateTime,
    /// When it was last written, on the shard's clock.
    pub updated_at: OffsetDateTime,
}

impl WaitlistEntry {
    /// Whether it stands in line. What does not is never in line again.
    pub const fn is_waiting(&self) -> bool {
        matches!(self.state, WaitlistState::Waiting)
    }

    /// The entry once it is in another state.
    pub fn with(&self, state: WaitlistState, at: OffsetDateTime) -> Self {
        Self { state, version: self.version + 1, updated_at: at, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    const AT: OffsetDateTime = datetime!(2027-06-01 10:00 UTC);

    #[test]
    fn the_log_gives_back_the_entry_that_it_was_given() {
        let entry = WaitlistEntry {
            id: WaitlistEntryId::from_u128(1),
            event_id: EventId::from_u128(2),
            venue_id: VenueId::from_u128(3),
            user_id: UserId::parse("alice").unwrap(),
            request: Request {
                quantity: 2,
                adjacent: Adjacency::Required,
                choices: vec![
                    Choice { section_id: Some(SectionId::from_u128(4)), category: None },
                    Choice { section_id: None, category: Some(Category::parse("balcony").unwrap()) },
                ],
            },
            offer_seconds: 600,
            rank: Seq(17),
            state: WaitlistState::Waiting,
            version: 1,
            created_at: AT,
            updated_at: AT,
        };
        let reservation_id = ReservationId::from_u128(5);
        let states = [
            WaitlistState::Waiting,
            WaitlistState::Offered { reservation_id, expires_at: AT + Duration::minutes(10) },
            WaitlistState::Left,
            WaitlistState::Ended { reason: Ending::SaleOver },
            WaitlistState::Ended { reason: Ending::LimitReached },
        ];
        for state in states {
            let entry = entry.with(state, AT);
            let text = serde_json::to_string(&entry).unwrap();
            assert_eq!(serde_json::from_str::<WaitlistEntry>(&text).unwrap(), entry, "{text}");
            let word = entry.state.status().as_str();
            assert_eq!(WaitlistStatus::parse(word), Some(entry.state.status()), "{word}");
        }
    }

    #[test]
    fn a_state_that_contradicts_its_facts_is_none() {
        let (reservation, end) = (Some(ReservationId::from_u128(5)), Some(AT));
        for (status, reservation, end, reason) in [
            (WaitlistStatus::Waiting, reservation, None, None),
            (WaitlistStatus::Offered, reservation, None, None),
            (WaitlistStatus::Offered, None, end, None),
            (WaitlistStatus::Left, None, None, Some(Ending::SaleOver)),
            (WaitlistStatus::Ended, None, None, None),
        ] {
            assert_eq!(WaitlistState::rebuild(status, reservation, end, reason), None, "{status:?}");
        }
    }
}

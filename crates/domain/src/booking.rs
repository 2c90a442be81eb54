//! One user's claim on one resource for one time range, and the states that it goes through.
//!
//! A booking says what is wanted and what is granted; the decision makes the two equal. Transitions
//! take the claim and give the next one, so a state that can't follow can't be built.

mod wire;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use wire::{BrokenClaim, View};

use crate::{BookingId, Note, ResourceId, ResourceName, Seq, TimeRange, Title, UserId, rules};

/// The state of a booking, as the wire and the table have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Waits for the decision.
    Pending,
    /// Granted as wanted.
    Valid,
    /// Could not be had within its grace period.
    Rejected,
    /// Given up by its owner.
    Cancelled,
}

impl Status {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Valid => "VALID",
            Self::Rejected => "REJECTED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// The state that `word` stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Valid, Self::Rejected, Self::Cancelled].into_iter().find(|s| s.as_str() == word)
    }
}

/// A state with the facts that hold in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Wants `wanted`; a move still holds its old slot.
    Pending {
        /// The range that the user asks for.
        wanted: TimeRange,
        /// The slot that a move keeps until it is granted or given up.
        held: Option<TimeRange>,
        /// The seq of the change that asked for the range.
        rank: Seq,
        /// When a want that still does not fit is rejected, on the shard's clock.
        decide_by: OffsetDateTime,
    },
    /// Holds what was wanted.
    Valid {
        /// The range that the booking holds.
        granted: TimeRange,
        /// The seq of the change that asked for the range.
        rank: Seq,
    },
    /// Holds nothing, and won't.
    Rejected {
        /// The range that was asked for.
        wanted: TimeRange,
        /// The seq of the change that asked for the range.
        rank: Seq,
    },
    /// Holds nothing: its owner gave it up.
    Cancelled {
        /// The range that was asked for last.
        wanted: TimeRange,
        /// The seq of the change that asked for the range.
        rank: Seq,
    },
}

/// A transition that the state does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a booking that is {} can't be {action}", .status.as_str())]
pub struct WrongState {
    /// The state that forbids it.
    pub status: Status,
    /// What was tried.
    pub action: &'static str,
}

impl Claim {
    /// A new want, asked for at `asked_at` by the change at `rank`.
    pub fn want(wanted: TimeRange, rank: Seq, asked_at: OffsetDateTime, grace: time::Duration) -> Self {
        Self::Pending { wanted, held: None, rank, decide_by: rules::decide_by(wanted, asked_at, grace) }
    }

    /// The claim that a row or a log entry tells of; nothing when its parts contradict each other.
    pub fn rebuild(
        status: Status,
        wanted: TimeRange,
        granted: Option<TimeRange>,
        rank: Seq,
        decide_by: Option<OffsetDateTime>,
    ) -> Option<Self> {
        match (status, granted, decide_by) {
            (Status::Pending, held, Some(decide_by)) => Some(Self::Pending { wanted, held, rank, decide_by }),
            (Status::Valid, Some(granted), None) if granted == wanted => Some(Self::Valid { granted, rank }),
            (Status::Rejected, None, None) => Some(Self::Rejected { wanted, rank }),
            (Status::Cancelled, None, None) => Some(Self::Cancelled { wanted, rank }),
            _ => None,
        }
    }

    /// The state without its facts.
    pub const fn status(self) -> Status {
        match self {
            Self::Pending { .. } => Status::Pending,
            Self::Valid { .. } => Status::Valid,
            Self::Rejected { .. } => Status::Rejected,
            Self::Cancelled { .. } => Status::Cancelled,
        }
    }

    /// The range that the user asks for, or asked for last.
    pub const fn wanted(self) -> TimeRange {
        match self {
            Self::Pending { wanted, .. } | Self::Rejected { wanted, .. } | Self::Cancelled { wanted, .. } => {
                wanted
            }
            Self::Valid { granted, .. } => granted,
        }
    }

    /// The range that the booking holds now.
    pub const fn granted(self) -> Option<TimeRange> {
        match self {
            Self::Pending { held, .. } => held,
            Self::Valid { granted, .. } => Some(granted),
            Self::Rejected { .. } | Self::Cancelled { .. } => None,
        }
    }

    /// The seq of the change that asked for the range.
    pub const fn rank(self) -> Seq {
        match self {
            Self::Pending { rank, .. }
            | Self::Valid { rank, .. }
            | Self::Rejected { rank, .. }
            | Self::Cancelled { rank, .. } => rank,
        }
    }

    /// When a want that still does not fit is rejected; nothing unless it is open.
    pub const fn decide_by(self) -> Option<OffsetDateTime> {
        match self {
            Self::Pending { decide_by, .. } => Some(decide_by),
            _ => None,
        }
    }

    /// The range that overlaps others': what is granted, else what is openly wanted.
    pub fn occupied(self) -> Option<TimeRange> {
        match self {
            Self::Pending { wanted, .. } => Some(wanted),
            Self::Valid { granted, .. } => Some(granted),
            Self::Rejected { .. } | Self::Cancelled { .. } => None,
        }
    }

    /// The want is met.
    ///
    /// # Errors
    /// Unless the want is open.
    pub fn grant(self) -> Result<Self, WrongState> {
        match self {
            Self::Pending { wanted, rank, .. } => Ok(Self::Valid { granted: wanted, rank }),
            other => Err(WrongState { status: other.status(), action: "granted" }),
        }
    }

    /// The want can't be met: a move falls back to the slot that it kept.
    ///
    /// # Errors
    /// Unless the want is open.
    pub fn reject(self) -> Result<Self, WrongState> {
        match self {
            Self::Pending { held: Some(granted), rank, .. } => Ok(Self::Valid { granted, rank }),
            Self::Pending { wanted, held: None, rank, .. } => Ok(Self::Rejected { wanted, rank }),
            other => Err(WrongState { status: other.status(), action: "rejected" }),
        }
    }

    /// The owner gives it up, and with it what it holds.
    ///
    /// # Errors
    /// Unless it wants or holds something.
    pub fn cancel(self) -> Result<Self, WrongState> {
        match self {
            Self::Pending { wanted, rank, .. } | Self::Valid { granted: wanted, rank } => {
                Ok(Self::Cancelled { wanted, rank })
            }
            other => Err(WrongState { status: other.status(), action: "cancelled" }),
        }
    }
}

/// One user's claim on one resource.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "wire::Record")]
pub struct Booking {
    /// Which one.
    pub id: BookingId,
    /// What is booked; never changes.
    pub resource_id: ResourceId,
    /// What people call it.
    pub resource: ResourceName,
    /// Whose it is.
    pub user_id: UserId,
    /// The state, and what it wants and holds.
    pub claim: Claim,
    /// A line about it.
    pub title: Option<Title>,
    /// More about it.
    pub note: Option<Note>,
    /// Rises with each write, from 1; the `ETag`.
    pub version: i32,
    /// When it was made, on the shard's clock.
    pub created_at: OffsetDateTime,
    /// When it was last written, on the shard's clock.
    pub updated_at: OffsetDateTime,
}

impl Booking {
    /// The booking after a transition of its claim at `at`.
    pub fn with(&self, claim: Claim, at: OffsetDateTime) -> Self {
        Self { claim, version: self.version + 1, updated_at: at, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn hours(from: u8, to: u8) -> TimeRange {
        let day = datetime!(2027-03-21 00:00 UTC);
        TimeRange::new(day + time::Duration::hours(from.into()), day + time::Duration::hours(to.into()))
            .unwrap()
    }

    fn move_in_flight() -> Claim {
        let decide_by = datetime!(2027-03-20 00:15 UTC);
        Claim::Pending { wanted: hours(14, 16), held: Some(hours(9, 11)), rank: Seq(7), decide_by }
    }

    #[test]
    fn a_rejected_move_keeps_the_slot_that_it_held() {
        assert_eq!(move_in_flight().reject().unwrap(), Claim::Valid { granted: hours(9, 11), rank: Seq(7) });
        assert_eq!(move_in_flight().grant().unwrap(), Claim::Valid { granted: hours(14, 16), rank: Seq(7) });
    }

    #[test]
    fn what_is_closed_stays_closed() {
        let closed = move_in_flight().cancel().unwrap();
        assert_eq!(closed.granted(), None);
        for again in [closed.grant(), closed.reject(), closed.cancel()] {
            assert_eq!(again.unwrap_err().status, Status::Cancelled);
        }
    }

    #[test]
    fn the_log_gives_back_the_booking_that_it_was_given() {
        let booking = Booking {
            id: BookingId::from_u128(1),
            resource_id: ResourceId::from_u128(2),
            resource: ResourceName::parse("Raum1").unwrap(),
            user_id: UserId::parse("alice").unwrap(),
            claim: move_in_flight(),
            title: Some(Title::parse("Stand-up").unwrap()),
            note: None,
            version: 2,
            created_at: datetime!(2027-03-20 00:00 UTC),
            updated_at: datetime!(2027-03-20 00:00:00.000001 UTC),
        };
        let claims = [
            booking.claim,
            booking.claim.grant().unwrap(),
            booking.claim.cancel().unwrap(),
            Claim::want(hours(1, 2), Seq(9), booking.created_at, time::Duration::MINUTE).reject().unwrap(),
        ];
        for claim in claims {
            let booking = Booking { claim, ..booking.clone() };
            let text = serde_json::to_string(&booking).unwrap();
            assert_eq!(serde_json::from_str::<Booking>(&text).unwrap(), booking, "{text}");
        }
    }
}

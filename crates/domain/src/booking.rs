//! One user's claim on one resource for one time range, and the states that it goes through.
//!
//! A booking says what is wanted and what is granted; the decision makes the two equal. Transitions
//! take the claim and give the next one, so a state that can't follow can't be built.

mod wire;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

#[cfg(feature = "openapi")]
pub(crate) use wire::Whole;
pub use wire::{BrokenClaim, View};

use crate::{BookingId, Note, ResourceId, ResourceName, Seq, TimeRange, Title, UserId, VenueId, rules};

/// The state of a booking, as the wire and the table have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BookingStatus))]
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

    /// Whether it wants or holds anything.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Pending { .. } | Self::Valid { .. })
    }

    /// What of it overlaps `range`, and whether that is held (`VALID`) or openly wanted (`PENDING`); what is
    /// held goes first.
    pub fn overlap(self, range: TimeRange) -> Option<(TimeRange, Status)> {
        let held = self.granted().map(|held| (held, Status::Valid));
        let wanted = self.decide_by().map(|_| (self.wanted(), Status::Pending));
        [held, wanted].into_iter().flatten().find(|(mine, _)| mine.overlaps(range))
    }

    /// Its owner asks for another range, by the change at `rank`. What it holds it keeps until the new range is
    /// granted; of what it holds a part is granted at once. Within the old want the rank stays, and with it
    /// `asked_at`, when the old want was asked for; else it is as if the want were new.
    ///
    /// # Errors
    /// When it neither wants nor holds anything.
    pub fn ask(
        self,
        wanted: TimeRange,
        rank: Seq,
        at: OffsetDateTime,
        asked_at: OffsetDateTime,
        grace: time::Duration,
    ) -> Result<Self, WrongState> {
        if !self.is_live() {
            return Err(WrongState { status: self.status(), action: "changed" });
        }
        if wanted == self.wanted() {
            return Ok(self);
        }
        let stays = self.wanted().contains(wanted);
        let (rank, asked_at) = if stays { (self.rank(), asked_at) } else { (rank, at) };
        Ok(match self.granted() {
            Some(held) if held.contains(wanted) => Self::Valid { granted: wanted, rank },
            held => {
                Self::Pending { wanted, held, rank, decide_by: rules::decide_by(wanted, asked_at, grace) }
            }
        })
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
    /// Where it is; never changes.
    pub venue_id: VenueId,
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

    const NOW: OffsetDateTime = datetime!(2027-03-20 06:00 UTC);

    fn ask(claim: Claim, wanted: TimeRange) -> Result<Claim, WrongState> {
        let asked_at = datetime!(2027-03-20 00:00 UTC);
        claim.ask(wanted, Seq(20), NOW, asked_at, time::Duration::minutes(15))
    }

    #[test]
    fn what_is_closed_stays_closed() {
        let closed = move_in_flight().cancel().unwrap();
        assert_eq!(closed.granted(), None);
        for again in [closed.grant(), closed.reject(), closed.cancel(), ask(closed, hours(1, 2))] {
            assert_eq!(again.unwrap_err().status, Status::Cancelled);
        }
    }

    #[test]
    fn a_move_keeps_the_slot_and_takes_its_place_at_the_end_of_the_line() {
        let moved = ask(Claim::Valid { granted: hours(9, 11), rank: Seq(3) }, hours(10, 12)).unwrap();
        let decide_by = NOW + time::Duration::minutes(15);
        let expected =
            Claim::Pending { wanted: hours(10, 12), held: Some(hours(9, 11)), rank: Seq(20), decide_by };
        assert_eq!(moved, expected);
        let back = ask(moved, hours(9, 11)).unwrap();
        assert_eq!(back.status(), Status::Valid, "what is held is granted at once");
        assert_eq!(back.granted(), Some(hours(9, 11)));
    }

    #[test]
    fn to_ask_for_less_costs_neither_rank_nor_time() {
        let less = ask(move_in_flight(), hours(15, 16)).unwrap();
        assert_eq!((less.rank(), less.decide_by()), (Seq(7), move_in_flight().decide_by()));
        assert_eq!(less.granted(), Some(hours(9, 11)));
        let held = ask(Claim::Valid { granted: hours(9, 12), rank: Seq(3) }, hours(10, 11)).unwrap();
        assert_eq!(held, Claim::Valid { granted: hours(10, 11), rank: Seq(3) });
        let more = ask(move_in_flight(), hours(14, 17)).unwrap();
        assert_eq!(more.rank(), Seq(20));
    }

    #[test]
    fn less_that_begins_later_has_its_whole_grace_period() {
        let asked_at = datetime!(2027-03-21 08:55 UTC);
        let want = Claim::want(hours(9, 12), Seq(1), asked_at, time::Duration::minutes(15));
        assert_eq!(want.decide_by(), Some(datetime!(2027-03-21 09:00 UTC)));
        let less = want.ask(hours(10, 12), Seq(2), asked_at, asked_at, time::Duration::minutes(15)).unwrap();
        assert_eq!(less.decide_by(), Some(datetime!(2027-03-21 09:10 UTC)));
    }

    #[test]
    fn a_move_overlaps_by_what_it_holds_before_what_it_wants() {
        let moving = move_in_flight();
        assert_eq!(moving.overlap(hours(10, 15)), Some((hours(9, 11), Status::Valid)));
        assert_eq!(moving.overlap(hours(11, 15)), Some((hours(14, 16), Status::Pending)));
        assert_eq!(moving.overlap(hours(11, 14)), None);
        assert_eq!(moving.cancel().unwrap().overlap(hours(10, 15)), None);
    }

    #[test]
    fn the_log_gives_back_the_booking_that_it_was_given() {
        let booking = Booking {
            id: BookingId::from_u128(1),
            resource_id: ResourceId::from_u128(2),
            resource: ResourceName::parse("Raum1").unwrap(),
            venue_id: VenueId::from_u128(3),
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

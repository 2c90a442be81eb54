//! One user's units of an event, and the states that they go through: held for a time, then confirmed, or given back.
//!
//! Transitions take the state and the shard's clock and give the next one, so a state that can't follow can't be built. A hold
//! is over at its end, whoever has noticed: nothing here asks whether it was written down.

mod code;
mod wire;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use code::{ConfirmationCode, NoCode};
pub use wire::BrokenReservation;
#[cfg(feature = "openapi")]
pub(crate) use wire::Whole;

use crate::{EventId, ReservationId, SeatLabel, SectionId, SectionName, UserId, VenueId};

/// The state of a reservation, as the wire and the table have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReservationStatus {
    /// Its units are held until its end.
    Hold,
    /// Its units are its owner's.
    Confirmed,
    /// Its end came before it was confirmed.
    Expired,
    /// It was given up, or its event was called off.
    Cancelled,
}

impl ReservationStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Hold, Self::Confirmed, Self::Expired, Self::Cancelled];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "HOLD",
            Self::Confirmed => "CONFIRMED",
            Self::Expired => "EXPIRED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// The state that `word` stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// A state with the facts that hold in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its units are held.
    Hold {
        /// From then on they can be taken by another, on the shard's clock.
        expires_at: OffsetDateTime,
    },
    /// Its units are its owner's.
    Confirmed {
        /// What its owner shows for them.
        code: ConfirmationCode,
    },
    /// Its end came before it was confirmed.
    Expired {
        /// When that was.
        expires_at: OffsetDateTime,
    },
    /// It was given up, or its event was called off.
    Cancelled,
}

/// Why a reservation can't go on as it was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongStanding {
    /// Its hold is over.
    #[error("the hold is over")]
    Ended {
        /// Since when.
        expires_at: OffsetDateTime,
    },
    /// Its state forbids it.
    #[error("the reservation is {}", .status.as_str())]
    Closed {
        /// The state.
        status: ReservationStatus,
    },
    /// It would be held for longer than it may.
    #[error("the hold may not last so long")]
    TooLong {
        /// How many more seconds it may be held from now on.
        most_seconds: i64,
    },
}

impl State {
    /// The state that a row or a log entry tells of; nothing when its parts contradict each other.
    pub fn rebuild(
        status: ReservationStatus,
        expires_at: Option<OffsetDateTime>,
        code: Option<ConfirmationCode>,
    ) -> Option<Self> {
        match (status, expires_at, code) {
            (ReservationStatus::Hold, Some(expires_at), None) => Some(Self::Hold { expires_at }),
            (ReservationStatus::Confirmed, None, Some(code)) => Some(Self::Confirmed { code }),
            (ReservationStatus::Expired, Some(expires_at), None) => Some(Self::Expired { expires_at }),
            (ReservationStatus::Cancelled, None, None) => Some(Self::Cancelled),
            _ => None,
        }
    }

    /// The state without its facts.
    pub const fn status(&self) -> ReservationStatus {
        match self {
            Self::Hold { .. } => ReservationStatus::Hold,
            Self::Confirmed { .. } => ReservationStatus::Confirmed,
            Self::Expired { .. } => ReservationStatus::Expired,
            Self::Cancelled => ReservationStatus::Cancelled,
        }
    }

    /// When the hold ends, or ended.
    pub const fn expires_at(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Hold { expires_at } | Self::Expired { expires_at } => Some(*expires_at),
            Self::Confirmed { .. } | Self::Cancelled => None,
        }
    }

    /// What its owner shows for its units.
    pub const fn code(&self) -> Option<&ConfirmationCode> {
        match self {
            Self::Confirmed { code } => Some(code),
            _ => None,
        }
    }

    /// Whether it is a hold whose end has come, noticed or not.
    pub fn has_lapsed(&self, at: OffsetDateTime) -> bool {
        matches!(self, Self::Hold { expires_at } if *expires_at <= at)
    }

    /// As it is at `at`: a hold whose end has come is over.
    pub fn at(self, at: OffsetDateTime) -> Self {
        match self {
            Self::Hold { expires_at } if expires_at <= at => Self::Expired { expires_at },
            other => other,
        }
    }

    /// The end of a hold that goes on.
    ///
    /// # Errors
    /// Unless it is one.
    pub fn held_until(&self, at: OffsetDateTime) -> Result<OffsetDateTime, WrongStanding> {
        match self.clone().at(at) {
            Self::Hold { expires_at } => Ok(expires_at),
            Self::Expired { expires_at } => Err(WrongStanding::Ended { expires_at }),
            other => Err(WrongStanding::Closed { status: other.status() }),
        }
    }

    /// Its owner wants to keep its units. Again is the same.
    ///
    /// # Errors
    /// When the hold is over, or was given up.
    pub fn confirm(&self, code: &ConfirmationCode, at: OffsetDateTime) -> Result<Self, WrongStanding> {
        if let Self::Confirmed { .. } = self {
            return Ok(self.clone());
        }
        self.held_until(at).map(|_| Self::Confirmed { code: code.clone() })
    }

    /// Its owner wants it to be held for `more` from now on: never shorter than it is already, and not beyond `ceiling`.
    ///
    /// # Errors
    /// When it is no hold that goes on, or would go on for too long.
    pub fn extend(
        &self,
        more: time::Duration,
        ceiling: OffsetDateTime,
        at: OffsetDateTime,
    ) -> Result<Self, WrongStanding> {
        let before = self.held_until(at)?;
        let asked = at.saturating_add(more);
        if ceiling < asked {
            let most_seconds = (ceiling - at).whole_seconds().max(0);
            return Err(WrongStanding::TooLong { most_seconds });
        }
        Ok(Self::Hold { expires_at: before.max(asked) })
    }
}

/// Units of one section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Units {
    /// Of which section.
    pub section_id: SectionId,
    /// What people called it when they were taken.
    pub section: SectionName,
    /// How many.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub quantity: i32,
    /// Which seats; none in a counted section.
    pub seats: Vec<SeatLabel>,
}

impl Units {
    /// The first `quantity` of these, and what is left; nothing where there is nothing.
    pub fn split_at(&self, quantity: i32) -> (Option<Self>, Option<Self>) {
        let quantity = quantity.clamp(0, self.quantity);
        let at = usize::try_from(quantity).unwrap_or(0).min(self.seats.len());
        let part = |quantity: i32, seats: &[SeatLabel]| {
            (quantity > 0).then(|| Self { quantity, seats: seats.to_vec(), ..self.clone() })
        };
        (part(quantity, &self.seats[..at]), part(self.quantity - quantity, &self.seats[at..]))
    }

    /// Those seats that `picks` picks, and what is left; nothing where there is nothing. Counted units are all left.
    pub fn split_by(&self, picks: impl Fn(&SeatLabel) -> bool) -> (Option<Self>, Option<Self>) {
        let (picked, left): (Vec<_>, Vec<_>) = self.seats.iter().cloned().partition(|seat| picks(seat));
        let count = i32::try_from(picked.len()).unwrap_or(i32::MAX);
        let part = |quantity: i32, seats: Vec<SeatLabel>| {
            (quantity > 0).then(|| Self { quantity, seats, ..self.clone() })
        };
        (part(count, picked), part(self.quantity - count, left))
    }
}

/// Adds `more` to `units`: what is of one section stays together.
pub fn add_units(units: &mut Vec<Units>, more: &[Units]) {
    for other in more {
        match units.iter_mut().find(|mine| mine.section_id == other.section_id) {
            Some(mine) => {
                mine.quantity += other.quantity;
                mine.seats.extend(other.seats.iter().cloned());
            }
            None => units.push(other.clone()),
        }
    }
}

/// One user's units of an event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "wire::Record")]
pub struct Reservation {
    /// Which one.
    pub id: ReservationId,
    /// Of which event; never changes.
    pub event_id: EventId,
    /// Where that is; never changes.
    pub venue_id: VenueId,
    /// Whose it is.
    pub user_id: UserId,
    /// What it has, or had when it ended.
    pub units: Vec<Units>,
    /// The state.
    pub state: State,
    /// Which of the ranked choices was got, from 0; nothing, when there was no choice.
    pub choice: Option<i16>,
    /// Rises with each write, from 1; the `ETag`.
    pub version: i32,
    /// When its units were first held, on the shard's clock.
    pub created_at: OffsetDateTime,
    /// When it was last written, on the shard's clock.
    pub updated_at: OffsetDateTime,
}

impl Reservation {
    /// The reservation after a transition of its state at `at`.
    pub fn with(&self, state: State, at: OffsetDateTime) -> Self {
        Self { state, version: self.version + 1, updated_at: at, ..self.clone() }
    }

    /// How many units it has.
    pub fn quantity(&self) -> i32 {
        self.units.iter().map(|units| units.quantity).sum()
    }

    /// All of its seats.
    pub fn seats(&self) -> impl Iterator<Item = &SeatLabel> {
        self.units.iter().flat_map(|units| &units.seats)
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    const END: OffsetDateTime = datetime!(2027-06-01 10:10 UTC);
    const MOMENT: Duration = Duration::MICROSECOND;

    fn code() -> ConfirmationCode {
        ConfirmationCode::from_random(7)
    }

    fn hold() -> State {
        State::Hold { expires_at: END }
    }

    fn units(quantity: i32, seats: &[&str]) -> Units {
        Units {
            section_id: SectionId::from_u128(1),
            section: SectionName::parse("Parkett").unwrap(),
            quantity,
            seats: seats.iter().map(|seat| SeatLabel::parse(seat).unwrap()).collect(),
        }
    }

    #[test]
    fn a_hold_can_be_confirmed_until_its_end_and_not_on_it() {
        assert_eq!(hold().confirm(&code(), END - MOMENT), Ok(State::Confirmed { code: code() }));
        assert_eq!(hold().confirm(&code(), END), Err(WrongStanding::Ended { expires_at: END }));
        assert!(!hold().has_lapsed(END - MOMENT) && hold().has_lapsed(END));
    }

    #[test]
    fn confirmed_twice_it_keeps_its_code_and_for_ever() {
        let once = hold().confirm(&code(), END - MOMENT).unwrap();
        let other = ConfirmationCode::from_random(8);
        assert_eq!(once.confirm(&other, END + Duration::DAY), Ok(once.clone()));
        assert!(!once.has_lapsed(END + Duration::DAY));
    }

    #[test]
    fn what_is_given_up_or_over_stays_so() {
        let closed = WrongStanding::Closed { status: ReservationStatus::Cancelled };
        assert_eq!(State::Cancelled.confirm(&code(), END), Err(closed));
        let over = hold().at(END);
        assert_eq!(over.confirm(&code(), END - MOMENT), Err(WrongStanding::Ended { expires_at: END }));
        assert_eq!(
            over.extend(MOMENT, END + MOMENT, END - MOMENT).unwrap_err().to_string(),
            "the hold is over"
        );
    }

    #[test]
    fn a_hold_is_extended_up_to_its_ceiling_and_never_cut_short() {
        let at = END - Duration::MINUTE;
        let ceiling = END + Duration::HOUR;
        let until = |more: Duration| hold().extend(more, ceiling, at).map(|state| state.expires_at());
        assert_eq!(until(Duration::SECOND), Ok(Some(END)));
        assert_eq!(until(Duration::minutes(5)), Ok(Some(at + Duration::minutes(5))));
        assert_eq!(until(Duration::minutes(61)), Ok(Some(ceiling)));
        let most = WrongStanding::TooLong { most_seconds: 3_660 };
        assert_eq!(until(Duration::minutes(61) + MOMENT), Err(most));
        assert_eq!(
            hold().extend(MOMENT, ceiling, END).unwrap_err(),
            WrongStanding::Ended { expires_at: END }
        );
    }

    #[test]
    fn units_that_are_split_are_all_there_still() {
        let four = units(4, &["A1", "A2", "A3", "A4"]);
        assert_eq!(four.split_at(1), (Some(units(1, &["A1"])), Some(units(3, &["A2", "A3", "A4"]))));
        assert_eq!(four.split_at(9), (Some(four.clone()), None));
        let picked = four.split_by(|seat| seat.as_str() == "A3");
        assert_eq!(picked, (Some(units(1, &["A3"])), Some(units(3, &["A1", "A2", "A4"]))));
        assert_eq!(units(5, &[]).split_at(2), (Some(units(2, &[])), Some(units(3, &[]))));
        let mut both = vec![units(1, &["A3"])];
        add_units(
            &mut both,
            &[units(1, &["A1"]), Units { section_id: SectionId::from_u128(2), ..units(2, &[]) }],
        );
        assert_eq!((both.len(), both[0].quantity, both[0].seats.len()), (2, 2, 2));
    }

    #[test]
    fn the_log_gives_back_the_reservation_that_it_was_given() {
        let reservation = Reservation {
            id: ReservationId::from_u128(1),
            event_id: EventId::from_u128(2),
            venue_id: VenueId::from_u128(3),
            user_id: UserId::parse("alice").unwrap(),
            units: vec![
                units(2, &["A1", "A2"]),
                Units { section_id: SectionId::from_u128(2), ..units(3, &[]) },
            ],
            state: hold(),
            choice: Some(1),
            version: 1,
            created_at: END - Duration::minutes(10),
            updated_at: END - Duration::minutes(10),
        };
        let states =
            [hold(), hold().at(END), hold().confirm(&code(), END - MOMENT).unwrap(), State::Cancelled];
        for state in states {
            let reservation = Reservation { state, ..reservation.clone() };
            let text = serde_json::to_string(&reservation).unwrap();
            assert_eq!(serde_json::from_str::<Reservation>(&text).unwrap(), reservation, "{text}");
        }
    }
}

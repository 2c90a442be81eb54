//! Something people attend, and the sections of it that are sold: what there is, and not who has it.

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

use crate::{EventId, EventTitle, SectionId, SectionName, VenueId};

time::serde::format_description!(day, Date, "[year]-[month]-[day]");

/// How many of what an event, or a reservation, may have.
pub mod most {
    /// Sections of an event.
    pub const SECTIONS: usize = 1_000;

    /// Seats of an event, those that were taken out among them.
    pub const SEATS: usize = 100_000;

    /// Rows of seats of an event.
    pub const ROWS: usize = 5_000;

    /// Units of a section.
    pub const CAPACITY: i32 = 10_000_000;

    /// Units of a reservation.
    pub const UNITS: usize = 100;

    /// Ranked choices of a reservation, or of a place in line.
    pub const CHOICES: usize = 20;
}

/// Whether units of an event are to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventStatus {
    /// They are, within its sale window.
    Open,
    /// They are not; what is held and confirmed stays.
    Closed,
    /// It won't take place, and not all who have units of it have been told.
    Cancelling,
    /// It won't take place, and nobody has units of it.
    Cancelled,
}

impl EventStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Closed, Self::Cancelling, Self::Cancelled];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Closed => "CLOSED",
            Self::Cancelling => "CANCELLING",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// The state that `word` stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether it is, or is being, called off: nothing of it changes any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Cancelling | Self::Cancelled)
    }
}

/// How the units of a section are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SectionKind {
    /// Not at all: there are so many.
    Counted,
    /// By their seats.
    Seated,
}

impl SectionKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counted => "COUNTED",
            Self::Seated => "SEATED",
        }
    }

    /// The kind that `word` stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Counted, Self::Seated].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What a unit costs. It is carried, and nothing is charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// In the currency's smallest unit.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000_000_i64, example = 4_900))]
    pub amount: i64,
    /// Its code by ISO 4217.
    pub currency: Currency,
}

impl Price {
    /// The most that is carried.
    pub const MOST: i64 = 1_000_000_000_000;
}

/// A currency: three capital letters, as ISO 4217 has them. Which there are is not looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// It is not three capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three capital letters, such as EUR")]
pub struct NoCurrency;

impl Currency {
    /// Takes a code; the only way in.
    ///
    /// # Errors
    /// When it is not three capital letters.
    pub fn parse(code: &str) -> Result<Self, NoCurrency> {
        let letters: [u8; 3] = code.as_bytes().try_into().map_err(|_| NoCurrency)?;
        if letters.iter().all(u8::is_ascii_uppercase) { Ok(Self(letters)) } else { Err(NoCurrency) }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("capital letters are UTF-8")
    }
}

impl TryFrom<String> for Currency {
    type Error = NoCurrency;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        Self::parse(&code)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

/// A part of an event that is sold as one: a block of seats, a standing area, a room tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Section {
    /// Which one.
    pub id: SectionId,
    /// What people call it.
    pub name: SectionName,
    /// How its units are told apart.
    pub kind: SectionKind,
    /// How many units there are.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub capacity: i32,
    /// What one costs.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub price: Option<Price>,
}

/// Something people attend: a concert, a convention, or one time slot of a venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(example = json!(crate::openapi::example::event()))
)]
pub struct Event {
    /// Which one.
    pub id: EventId,
    /// Where it is; never changes.
    pub venue_id: VenueId,
    /// What people call it.
    pub title: EventTitle,
    /// The day that it is on, as its venue counts it.
    #[serde(with = "day")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub event_date: Date,
    /// When it begins.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub starts_at: Option<OffsetDateTime>,
    /// When it ends.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub ends_at: Option<OffsetDateTime>,
    /// Whether units of it are to be had.
    pub status: EventStatus,
    /// From when on they are.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub sale_opens_at: Option<OffsetDateTime>,
    /// From when on they are no longer.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub sale_closes_at: Option<OffsetDateTime>,
    /// Most units that one user may have of it, held and confirmed.
    #[cfg_attr(feature = "openapi", schema(required = true, minimum = 1))]
    pub units_per_user: Option<i32>,
    /// What is sold of it, in the order in which it was added.
    pub sections: Vec<Section>,
    /// Rises with each write of what is here, from 1; the `ETag`.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub version: i32,
    /// When it was made, on the shard's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last written, on the shard's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// Why units of an event are not to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOnSale {
    /// It is closed, or called off.
    #[error("the event is {}", .status.as_str())]
    Closed {
        /// Which of these.
        status: EventStatus,
    },
    /// Its sale has not begun.
    #[error("the sale begins later")]
    NotYet {
        /// When it begins.
        opens_at: OffsetDateTime,
    },
    /// Its sale is over.
    #[error("the sale is over")]
    Over {
        /// Since when.
        closes_at: OffsetDateTime,
    },
}

/// Why times can't be those of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventTimesError {
    /// It would end before it begins.
    #[error("must be later than starts_at")]
    Ends,
    /// Its sale would end before it begins.
    #[error("must be later than sale_opens_at")]
    SaleCloses,
}

impl EventTimesError {
    /// The field at fault.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Ends => "ends_at",
            Self::SaleCloses => "sale_closes_at",
        }
    }
}

impl Event {
    /// The section with this id.
    pub fn section(&self, id: SectionId) -> Option<&Section> {
        self.sections.iter().find(|section| section.id == id)
    }

    /// When units of it are to be had.
    pub const fn sale(&self) -> Sale {
        Sale { status: self.status, opens_at: self.sale_opens_at, closes_at: self.sale_closes_at }
    }

    /// Whether its times can be so.
    ///
    /// # Errors
    /// With the first that can't.
    pub fn check_times(&self) -> Result<(), EventTimesError> {
        let in_order = |first: Option<OffsetDateTime>, then: Option<OffsetDateTime>| {
            first.zip(then).is_none_or(|(first, then)| first < then)
        };
        if !in_order(self.starts_at, self.ends_at) {
            return Err(EventTimesError::Ends);
        }
        if in_order(self.sale_opens_at, self.sale_closes_at) {
            Ok(())
        } else {
            Err(EventTimesError::SaleCloses)
        }
    }
}

/// When units of an event are to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sale {
    /// The event's state.
    pub status: EventStatus,
    /// From when on.
    pub opens_at: Option<OffsetDateTime>,
    /// From when on they are no longer.
    pub closes_at: Option<OffsetDateTime>,
}

impl Sale {
    /// Whether units can be had no more, unless the event is changed.
    pub fn is_over(self, at: OffsetDateTime) -> bool {
        matches!(self.admit(at), Err(NotOnSale::Closed { .. } | NotOnSale::Over { .. }))
    }

    /// Whether units may be taken at `at`, the shard's clock.
    ///
    /// # Errors
    /// With what is in the way.
    pub fn admit(self, at: OffsetDateTime) -> Result<(), NotOnSale> {
        if self.status != EventStatus::Open {
            return Err(NotOnSale::Closed { status: self.status });
        }
        if let Some(opens_at) = self.opens_at.filter(|opens_at| at < *opens_at) {
            return Err(NotOnSale::NotYet { opens_at });
        }
        match self.closes_at.filter(|closes_at| *closes_at <= at) {
            Some(closes_at) => Err(NotOnSale::Over { closes_at }),
            None => Ok(()),
        }
    }
}

/// How many units of a section there are, and what is taken of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SectionAvailability))]
pub struct Availability {
    /// Which section.
    pub section_id: SectionId,
    /// How many there are.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub capacity: i32,
    /// How many are to be had.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub available: i32,
    /// How many are held.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub held: i32,
    /// How many are confirmed.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub confirmed: i32,
}

impl Availability {
    /// What is left of `capacity`.
    pub const fn new(section_id: SectionId, capacity: i32, held: i32, confirmed: i32) -> Self {
        Self { section_id, capacity, available: capacity - held - confirmed, held, confirmed }
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    #[test]
    fn a_sale_begins_on_its_moment_and_is_over_on_its_moment() {
        let at = datetime!(2027-06-01 10:00 UTC);
        let moment = Duration::MICROSECOND;
        let sale =
            Sale { status: EventStatus::Open, opens_at: Some(at), closes_at: Some(at + Duration::HOUR) };
        assert_eq!(sale.admit(at - moment), Err(NotOnSale::NotYet { opens_at: at }));
        assert_eq!(sale.admit(at), Ok(()));
        assert_eq!(sale.admit(at + Duration::HOUR - moment), Ok(()));
        let over = NotOnSale::Over { closes_at: at + Duration::HOUR };
        assert_eq!(sale.admit(at + Duration::HOUR), Err(over));
        let closed = Sale { status: EventStatus::Closed, ..sale };
        assert_eq!(closed.admit(at), Err(NotOnSale::Closed { status: EventStatus::Closed }));
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        assert_eq!(Currency::parse("EUR").map(String::from), Ok("EUR".to_owned()));
        for none in ["", "EU", "EURO", "eur", "E€", "E1R"] {
            assert_eq!(Currency::parse(none), Err(NoCurrency), "{none}");
        }
    }
}

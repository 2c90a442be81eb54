//! What may be wanted of a resource at all, whoever else wants it.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::TimeRange;

/// How far back a new want may begin: clocks of clients are never quite right.
const PAST_TOLERANCE: Duration = Duration::minutes(5);

/// How long and how far ahead a resource may be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BookingLimits {
    /// The shortest booking, in seconds.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_678_400))]
    pub shortest_seconds: i32,
    /// The longest booking, in seconds.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_678_400))]
    pub longest_seconds: i32,
    /// How many days ahead a booking may end.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 36_525))]
    pub days_ahead: i32,
}

/// Why limits can't be those of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// Shorter than a second.
    #[error("must be 1 second or more")]
    ShortestTooShort,
    /// Below the shortest.
    #[error("must not be below the shortest booking, {shortest_seconds} seconds")]
    LongestBelowShortest {
        /// The shortest.
        shortest_seconds: i32,
    },
    /// Beyond what any resource may take.
    #[error("must be {} seconds (31 days) or less", BookingLimits::LONGEST_SECONDS)]
    LongestTooLong,
    /// Not a number of days, or too many.
    #[error("must be a number of days from 1 to {}", BookingLimits::MOST_DAYS_AHEAD)]
    DaysAhead,
}

impl LimitsError {
    /// The field at fault.
    pub const fn field(self) -> &'static str {
        match self {
            Self::ShortestTooShort => "shortest_seconds",
            Self::LongestBelowShortest { .. } | Self::LongestTooLong => "longest_seconds",
            Self::DaysAhead => "days_ahead",
        }
    }
}

impl BookingLimits {
    /// The longest booking that any resource may take.
    pub const LONGEST_SECONDS: i32 = 31 * 24 * 60 * 60;

    /// The furthest ahead that any resource may be booked: a hundred years.
    pub const MOST_DAYS_AHEAD: i32 = 36_525;

    /// These limits, if they can be a resource's.
    ///
    /// # Errors
    /// With the first that can't.
    pub fn check(self) -> Result<Self, LimitsError> {
        if self.shortest_seconds < 1 {
            return Err(LimitsError::ShortestTooShort);
        }
        if self.longest_seconds > Self::LONGEST_SECONDS {
            return Err(LimitsError::LongestTooLong);
        }
        if self.longest_seconds < self.shortest_seconds {
            let shortest_seconds = self.shortest_seconds;
            return Err(LimitsError::LongestBelowShortest { shortest_seconds });
        }
        if !(1..=Self::MOST_DAYS_AHEAD).contains(&self.days_ahead) {
            return Err(LimitsError::DaysAhead);
        }
        Ok(self)
    }
}

impl Default for BookingLimits {
    fn default() -> Self {
        Self { shortest_seconds: 60, longest_seconds: Self::LONGEST_SECONDS, days_ahead: 730 }
    }
}

/// Why a range can't be wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Shorter than the resource allows.
    #[error("shorter than the {shortest_seconds} seconds that this resource is booked for at least")]
    TooShort {
        /// The resource's limit.
        shortest_seconds: i32,
    },
    /// Longer than the resource allows.
    #[error("longer than the {longest_seconds} seconds that this resource is booked for at most")]
    TooLong {
        /// The resource's limit.
        longest_seconds: i32,
    },
    /// Ends later than the resource can be booked yet.
    #[error("ends more than {days_ahead} days ahead, which is as far as this resource can be booked")]
    TooFarAhead {
        /// The resource's limit.
        days_ahead: i32,
    },
    /// Has begun.
    #[error("begins in the past")]
    InThePast,
}

impl Refusal {
    /// The rule's name, as problem documents have it.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::TooShort { .. } => "range_too_short",
            Self::TooLong { .. } => "range_too_long",
            Self::TooFarAhead { .. } => "range_too_far_ahead",
            Self::InThePast => "range_in_the_past",
        }
    }

    /// The field at fault.
    pub const fn field(self) -> &'static str {
        match self {
            Self::InThePast => "start_time",
            Self::TooShort { .. } | Self::TooLong { .. } | Self::TooFarAhead { .. } => "end_time",
        }
    }
}

impl BookingLimits {
    /// Whether `wanted` may be asked for at `at`, the shard's clock. A start that the booking wants or holds already, as
    /// one of these `begins`, may have passed: what has begun may be extended.
    ///
    /// # Errors
    /// With the first rule that it breaks.
    pub fn admit(
        &self,
        wanted: TimeRange,
        begins: &[OffsetDateTime],
        at: OffsetDateTime,
    ) -> Result<(), Refusal> {
        if wanted.length() < Duration::seconds(self.shortest_seconds.into()) {
            return Err(Refusal::TooShort { shortest_seconds: self.shortest_seconds });
        }
        if wanted.length() > Duration::seconds(self.longest_seconds.into()) {
            return Err(Refusal::TooLong { longest_seconds: self.longest_seconds });
        }
        if !begins.contains(&wanted.start()) && wanted.start() < at - PAST_TOLERANCE {
            return Err(Refusal::InThePast);
        }
        if wanted.end() - at > Duration::days(self.days_ahead.into()) {
            return Err(Refusal::TooFarAhead { days_ahead: self.days_ahead });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn each_limit_refuses_what_lies_beyond_it_and_takes_what_lies_on_it() {
        let at = datetime!(2027-03-21 12:00 UTC);
        let limits = BookingLimits { shortest_seconds: 60, longest_seconds: 3_600, days_ahead: 10 };
        let admit = |start: Duration, length: Duration| {
            let wanted = TimeRange::new(at + start, at + start + length).unwrap();
            limits.admit(wanted, &[], at).map_err(Refusal::rule)
        };
        let (minute, hour, moment) = (Duration::MINUTE, Duration::HOUR, Duration::MICROSECOND);
        assert_eq!(admit(hour, minute), Ok(()));
        assert_eq!(admit(hour, minute - moment), Err("range_too_short"));
        assert_eq!(admit(hour, hour), Ok(()));
        assert_eq!(admit(hour, hour + moment), Err("range_too_long"));
        assert_eq!(admit(-PAST_TOLERANCE, hour), Ok(()));
        assert_eq!(admit(-PAST_TOLERANCE - moment, hour), Err("range_in_the_past"));
        assert_eq!(admit(Duration::days(10) - hour, hour), Ok(()));
        assert_eq!(admit(Duration::days(10) - hour + moment, hour), Err("range_too_far_ahead"));
    }

    #[test]
    fn what_has_begun_may_be_extended_and_not_be_moved_within_the_past() {
        let at = datetime!(2027-03-21 12:00 UTC);
        let range = |from: i64, to: i64| {
            TimeRange::new(at + Duration::hours(from), at + Duration::hours(to)).unwrap()
        };
        let limits = BookingLimits::default();
        let begins = [range(-2, 1).start()];
        assert_eq!(limits.admit(range(-2, 2), &begins, at), Ok(()));
        assert_eq!(limits.admit(range(-1, 2), &begins, at), Err(Refusal::InThePast));
    }

    #[test]
    fn limits_that_contradict_each_other_are_refused_by_field() {
        let field = |shortest_seconds, longest_seconds, days_ahead| {
            BookingLimits { shortest_seconds, longest_seconds, days_ahead }
                .check()
                .map_err(LimitsError::field)
        };
        let longest = BookingLimits::LONGEST_SECONDS;
        assert!(field(1, longest, 1).is_ok() && field(60, 60, BookingLimits::MOST_DAYS_AHEAD).is_ok());
        assert_eq!(field(0, 60, 1), Err("shortest_seconds"));
        assert_eq!(field(61, 60, 1), Err("longest_seconds"));
        assert_eq!(field(60, longest + 1, 1), Err("longest_seconds"));
        assert_eq!(field(60, 60, 0), Err("days_ahead"));
        assert_eq!(field(60, 60, i32::MAX), Err("days_ahead"));
    }
}

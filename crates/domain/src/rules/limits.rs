//! What may be wanted of a resource at all, whoever else wants it.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::TimeRange;

/// How far back a new want may begin: clocks of clients are never quite right.
const PAST_TOLERANCE: Duration = Duration::minutes(5);

/// How long and how far ahead a resource may be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingLimits {
    /// The shortest booking, in seconds.
    pub shortest_seconds: i32,
    /// The longest booking, in seconds.
    pub longest_seconds: i32,
    /// How many days ahead a booking may end.
    pub days_ahead: i32,
}

impl BookingLimits {
    /// The longest booking that any resource may take.
    pub const LONGEST_SECONDS: i32 = 31 * 24 * 60 * 60;
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
    /// Whether `wanted` may be asked for at `at`, the shard's clock.
    ///
    /// # Errors
    /// With the first rule that it breaks.
    pub fn admit(&self, wanted: TimeRange, at: OffsetDateTime) -> Result<(), Refusal> {
        if wanted.length() < Duration::seconds(self.shortest_seconds.into()) {
            return Err(Refusal::TooShort { shortest_seconds: self.shortest_seconds });
        }
        if wanted.length() > Duration::seconds(self.longest_seconds.into()) {
            return Err(Refusal::TooLong { longest_seconds: self.longest_seconds });
        }
        if wanted.start() < at - PAST_TOLERANCE {
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
            limits.admit(TimeRange::new(at + start, at + start + length).unwrap(), at).map_err(Refusal::rule)
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
}

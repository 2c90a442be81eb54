//! Half-open stretches of time.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime, UtcOffset};

/// `[start, end)`, never empty, in UTC, to the microsecond (as PostgreSQL keeps it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Bounds", into = "Bounds")]
pub struct TimeRange {
    start: OffsetDateTime,
    end: OffsetDateTime,
}

/// Why two times are no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// It ends when it starts.
    #[error("the end is the start: a booking takes some time")]
    Empty,
    /// It ends before it starts.
    #[error("the end lies before the start")]
    Reversed,
    /// In UTC it leaves the years that RFC 3339 can write.
    #[error("a time beyond the year 9999 can't be written in RFC 3339")]
    Unbounded,
}

impl RangeError {
    /// The rule's name, as problem documents have it.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Empty => "range_empty",
            Self::Reversed => "range_reversed",
            Self::Unbounded => "range_unbounded",
        }
    }
}

impl TimeRange {
    /// The range from `start` up to, not including, `end`.
    ///
    /// # Errors
    /// When nothing lies between them.
    pub fn new(start: OffsetDateTime, end: OffsetDateTime) -> Result<Self, RangeError> {
        let (start, end) = (to_microsecond(start)?, to_microsecond(end)?);
        match start.cmp(&end) {
            std::cmp::Ordering::Less => Ok(Self { start, end }),
            std::cmp::Ordering::Equal => Err(RangeError::Empty),
            std::cmp::Ordering::Greater => Err(RangeError::Reversed),
        }
    }

    /// When it begins.
    pub const fn start(self) -> OffsetDateTime {
        self.start
    }

    /// The first moment that is no longer in it.
    pub const fn end(self) -> OffsetDateTime {
        self.end
    }

    /// How long it is.
    pub fn length(self) -> Duration {
        self.end - self.start
    }

    /// Whether some moment lies in both. Neighbours that touch share none.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether every moment of `other` lies in this one.
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// A moment in UTC, to the microsecond: as PostgreSQL keeps it, and the log gives it back.
///
/// # Errors
/// When RFC 3339 can't write it in UTC.
pub fn to_microsecond(at: OffsetDateTime) -> Result<OffsetDateTime, RangeError> {
    let at = at
        .checked_to_offset(UtcOffset::UTC)
        .filter(|at| (0..=9999).contains(&at.year()))
        .ok_or(RangeError::Unbounded)?;
    Ok(at - Duration::nanoseconds(i64::from(at.nanosecond() % 1_000)))
}

/// A range: up to, not including, its end.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TimeRange))]
pub(crate) struct Bounds {
    /// When it begins.
    #[serde(with = "time::serde::rfc3339")]
    start_time: OffsetDateTime,
    /// The first moment that is no longer in it.
    #[serde(with = "time::serde::rfc3339")]
    end_time: OffsetDateTime,
}

impl TryFrom<Bounds> for TimeRange {
    type Error = RangeError;

    fn try_from(bounds: Bounds) -> Result<Self, Self::Error> {
        Self::new(bounds.start_time, bounds.end_time)
    }
}

impl From<TimeRange> for Bounds {
    fn from(range: TimeRange) -> Self {
        Self { start_time: range.start, end_time: range.end }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn neighbours_that_touch_do_not_overlap() {
        let noon = datetime!(2027-03-21 12:00 UTC);
        let hour = Duration::HOUR;
        let before = TimeRange::new(noon - hour, noon).unwrap();
        let after = TimeRange::new(noon, noon + hour).unwrap();
        let across = TimeRange::new(noon - hour / 2, noon + hour / 2).unwrap();
        assert!(!before.overlaps(after) && !after.overlaps(before));
        assert!(before.overlaps(across) && across.overlaps(after));
    }

    #[test]
    fn a_range_is_never_empty_not_even_below_a_microsecond() {
        let noon = datetime!(2027-03-21 12:00 UTC);
        assert_eq!(TimeRange::new(noon, noon), Err(RangeError::Empty));
        assert_eq!(TimeRange::new(noon, noon + Duration::nanoseconds(900)), Err(RangeError::Empty));
        assert_eq!(TimeRange::new(noon, noon - Duration::SECOND), Err(RangeError::Reversed));
    }

    #[test]
    fn an_offset_that_leaves_the_calendar_is_refused_and_does_not_panic() {
        let last = datetime!(9999-12-31 23:59 -23:59);
        assert_eq!(TimeRange::new(datetime!(2027-03-21 12:00 UTC), last), Err(RangeError::Unbounded));
    }
}

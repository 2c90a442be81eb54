//! Rules of booking: what may be wanted ([`limits`]), by when it is decided, and who is granted what ([`decide`]).

mod decide;
mod limits;

use time::{Duration, OffsetDateTime};

pub use decide::{Decision, Slot, Verdict, Want, decide};
pub use limits::{BookingLimits, LimitsError, Refusal};

use crate::TimeRange;

/// When a want asked for at `asked_at` that still does not fit is rejected: after the grace period, or
/// when its range begins, whichever is sooner. One that has begun is decided at once.
pub fn decide_by(wanted: TimeRange, asked_at: OffsetDateTime, grace: Duration) -> OffsetDateTime {
    asked_at.saturating_add(grace).min(wanted.start())
}

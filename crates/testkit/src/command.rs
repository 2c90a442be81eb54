//! Commands as a caller of open mode would give them.

use holdfast_domain::{BookingId, DEFAULT_TENANT, DEFAULT_VENUE, Shard, TimeRange};
use holdfast_store::{CancelBooking, CreateBooking, LaneSettings};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// The shard of the default tenant.
pub fn shard() -> Shard {
    Shard::of(DEFAULT_TENANT)
}

/// The settings of lanes, with a quarter of an hour of grace.
pub fn lane_settings() -> LaneSettings {
    LaneSettings {
        lane_queue: 4_096,
        lane_batch: 256,
        grace_period_minutes: 15,
        open_wants_per_resource: 5_000,
    }
}

/// The range from one hour to another of a day a few days ahead; hours beyond 24 are on later days.
///
/// # Panics
/// When `to` is not after `from`.
pub fn hours(from: i64, to: i64) -> TimeRange {
    let midnight = now().replace_time(time::Time::MIDNIGHT) + Duration::days(3);
    TimeRange::new(midnight + Duration::hours(from), midnight + Duration::hours(to)).expect("a range")
}

/// The process's clock.
pub fn now() -> OffsetDateTime {
    #[expect(clippy::disallowed_methods, reason = "the tests' one clock")]
    OffsetDateTime::now_utc()
}

/// `user` wants `wanted` of the resource of this name.
///
/// # Panics
/// When a name is none.
pub fn create(user: &str, resource: &str, wanted: TimeRange) -> CreateBooking {
    CreateBooking {
        tenant_id: DEFAULT_TENANT,
        command_id: Uuid::now_v7().into(),
        request_id: None,
        id: Uuid::now_v7().into(),
        user_id: user.to_owned().try_into().expect("a user's name"),
        venue_id: DEFAULT_VENUE,
        resource: resource.to_owned().try_into().expect("a resource's name"),
        resource_id_if_new: Uuid::now_v7().into(),
        wanted,
        title: None,
        note: None,
    }
}

/// `user` gives a booking up.
///
/// # Panics
/// When the name is none.
pub fn cancel(user: &str, id: BookingId) -> CancelBooking {
    CancelBooking {
        tenant_id: DEFAULT_TENANT,
        command_id: Uuid::now_v7().into(),
        request_id: None,
        id,
        user_id: user.to_owned().try_into().expect("a user's name"),
    }
}

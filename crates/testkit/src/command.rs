//! Commands as a caller of open mode would give them.

use holdfast_domain::{BookingId, DEFAULT_TENANT, DEFAULT_VENUE, Note, Shard, TimeRange, Trace};
use holdfast_store::{
    CancelBooking, CreateBooking, Edit, Key, LaneSettings, Order, Target, UpdateBooking, Written,
};
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
        lane_wait_millis: 5_000,
        lane_batch: 256,
        grace_period_minutes: 15,
        open_wants_per_resource: 5_000,
        resources_per_tenant: 20_000,
        hold_minutes: 10,
        hold_max_minutes: 120,
        events_per_tenant: 20_000,
        waitlist_per_event: 10_000,
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

/// `user` asks for a write.
///
/// # Panics
/// When the name is none.
pub fn order(user: &str) -> Order {
    Order {
        tenant_id: DEFAULT_TENANT,
        user_id: user.to_owned().try_into().expect("a user's name"),
        command_id: Uuid::now_v7().into(),
        trace: Trace::default(),
        key: None,
    }
}

/// The key of this name, for what the number stands for.
///
/// # Panics
/// When the name is none.
pub fn keyed(name: &str, asked_for: u8) -> Option<Key> {
    let name = name.to_owned().try_into().expect("a key's name");
    Some(Key { name, fingerprint: [asked_for; 32] })
}

/// `user` wants `wanted` of the resource of this name.
///
/// # Panics
/// When a name is none.
pub fn create(user: &str, resource: &str, wanted: TimeRange) -> CreateBooking {
    let name = resource.to_owned().try_into().expect("a resource's name");
    CreateBooking {
        order: order(user),
        id: Uuid::now_v7().into(),
        target: Target::Named { venue_id: DEFAULT_VENUE, name, id_if_new: Uuid::now_v7().into() },
        wanted,
        title: None,
        note: None,
    }
}

/// `user` wants another range for a booking.
///
/// # Panics
/// When the name is none.
pub fn move_to(user: &str, id: BookingId, wanted: TimeRange) -> UpdateBooking {
    UpdateBooking {
        order: order(user),
        id,
        versions: None,
        start: Some(wanted.start()),
        end: Some(wanted.end()),
        title: Edit::Keep,
        note: Edit::Keep,
    }
}

/// `user` says something else about a booking.
///
/// # Panics
/// When a name is none, or the text is.
pub fn note(user: &str, id: BookingId, text: &str) -> UpdateBooking {
    let (title, note) = (Edit::Keep, Edit::Set(Note::parse(text).expect("a note")));
    UpdateBooking { order: order(user), id, versions: None, start: None, end: None, title, note }
}

/// `user` gives a booking up.
///
/// # Panics
/// When the name is none.
pub fn cancel(user: &str, id: BookingId) -> CancelBooking {
    CancelBooking { order: order(user), id, versions: None }
}

/// `again` is the answer that `first` was, told as that of an earlier try.
///
/// # Panics
/// When it is not.
pub fn assert_replays<T: PartialEq + std::fmt::Debug>(again: &Written<T>, first: &Written<T>) {
    assert_eq!((&again.value, again.replayed), (&first.value, true));
}

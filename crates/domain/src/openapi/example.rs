//! Objects to show: each as it could be, and as it would be written.

use time::{Duration, OffsetDateTime, macros::datetime};
use uuid::Uuid;

use crate::{
    Address, Booking, BookingId, Caller, Change, Claim, Conflict, DEFAULT_TENANT, DEFAULT_VENUE, Fact, Kind,
    RequestId, Resource, ResourceId, ResourceName, Roles, Seq, Status, TimeRange, Title, Trace, UserId,
    Venue, VenueName, ZoneName,
    rules::BookingLimits,
    visible::{self, Another, Seen},
};

const AT: OffsetDateTime = datetime!(2027-03-20 08:15:30.25 UTC);

const BOOKING: BookingId = BookingId::from_u128(0x0195_a2b4_7c3e_7d11_8a55_3f1b_6c0e_9d42);
const OTHER: BookingId = BookingId::from_u128(0x0195_a2b3_0b2c_7a10_9c4d_7e2a_5b1f_8c31);
const RESOURCE: ResourceId = ResourceId::from_u128(0x0195_a2b0_1111_7d11_8a55_0000_0000_0001);

/// Takes what is known to be right.
macro_rules! right {
    ($parsed:expr) => {
        $parsed.expect("an example is right")
    };
}

fn hours(from: i64, to: i64) -> TimeRange {
    let day = datetime!(2027-03-21 00:00 UTC);
    right!(TimeRange::new(day + Duration::hours(from), day + Duration::hours(to)))
}

/// One that waits for its decision.
pub fn booking() -> Booking {
    Booking {
        id: BOOKING,
        resource_id: RESOURCE,
        resource: right!(ResourceName::parse("Raum1")),
        venue_id: DEFAULT_VENUE,
        user_id: right!(UserId::parse("alice")),
        claim: Claim::want(hours(10, 12), Seq(17), AT, Duration::minutes(15)),
        title: Title::parse("Planning").ok(),
        note: None,
        version: 1,
        created_at: AT,
        updated_at: AT,
    }
}

/// One that overlaps with it.
pub fn conflict() -> Conflict {
    Conflict {
        id: OTHER,
        resource_id: RESOURCE,
        user_id: right!(UserId::parse("bob")),
        range: hours(11, 13),
        status: Status::Valid,
    }
}

/// The same, as a stranger sees it.
pub fn anothers() -> Option<Another> {
    let stranger = Caller { roles: Roles::NONE, ..Caller::open(None) };
    match visible::conflict(&conflict(), &stranger) {
        Seen::Cut(another) => Some(another),
        Seen::Whole(_) => None,
    }
}

/// A room.
pub fn resource() -> Resource {
    Resource {
        id: RESOURCE,
        venue_id: DEFAULT_VENUE,
        name: right!(ResourceName::parse("Raum1")),
        limits: BookingLimits::default(),
        version: 1,
        created_at: AT,
        updated_at: AT,
    }
}

/// Where it is.
pub fn venue() -> Venue {
    Venue {
        id: DEFAULT_VENUE,
        name: right!(VenueName::parse("Haus A")),
        time_zone: right!(ZoneName::parse("Europe/Berlin")),
        address: Address::parse("Hauptstraße 1\n10115 Berlin").ok(),
        version: 1,
        created_at: AT,
        updated_at: AT,
    }
}

/// What the log tells of a change of this kind.
pub fn change(kind: Kind) -> Change {
    let booking = booking();
    let decided = |claim: Claim| booking.with(claim, AT + Duration::SECOND);
    let moving = Claim::Pending {
        wanted: hours(14, 16),
        held: Some(hours(10, 12)),
        rank: Seq(21),
        decide_by: AT + Duration::minutes(15),
    };
    let fact = match kind {
        Kind::BookingCreated => Fact::BookingCreated { booking },
        Kind::BookingUpdated => Fact::BookingUpdated { booking: decided(moving), range_changed: true },
        Kind::BookingDeleted => Fact::BookingDeleted { booking: decided(right!(moving.cancel())) },
        Kind::BookingConflict => {
            Fact::BookingConflict { booking, conflicting: vec![conflict()], conflict_count: 1 }
        }
        Kind::BookingValidated => Fact::BookingValidated { booking: decided(right!(booking.claim.grant())) },
        Kind::BookingRejected => Fact::BookingRejected { booking: decided(right!(booking.claim.reject())) },
        Kind::BookingMoveRejected => Fact::BookingMoveRejected { booking: decided(right!(moving.reject())) },
        Kind::ResourceCreated => Fact::ResourceCreated { resource: resource() },
        Kind::ResourceUpdated => Fact::ResourceUpdated { resource: resource() },
        Kind::VenueCreated => Fact::VenueCreated { venue: venue() },
        Kind::VenueUpdated => Fact::VenueUpdated { venue: venue() },
        Kind::LogLeapt => Fact::LogLeapt { from: Seq(4_711) },
        Kind::ClockSetBack => Fact::ClockSetBack { from: AT },
    };
    let by_engine =
        matches!(kind, Kind::BookingValidated | Kind::BookingRejected | Kind::BookingMoveRejected);
    let request_id = (!by_engine).then(|| Uuid::from_u128(BOOKING.uuid().as_u128() + 1).to_string());
    Change {
        tenant_id: DEFAULT_TENANT,
        seq: Seq(17),
        at: AT,
        actor: UserId::parse("alice").ok().filter(|_| !by_engine),
        trace: Trace { request_id: request_id.and_then(|id| RequestId::parse(&id).ok()), traceparent: None },
        fact,
    }
}

//! Changes to deliver.

use holdfast_domain::{
    Booking, BookingId, Claim, DEFAULT_TENANT, Fact, ResourceId, ResourceName, Seq, Shard, TenantId,
    TimeRange, Title, UserId, VenueId, change::Recorded,
};
use holdfast_stream::Entry;
use time::{Duration, OffsetDateTime, macros::datetime};

/// When everything happens.
pub(crate) const AT: OffsetDateTime = datetime!(2027-03-20 08:00 UTC);

/// The shard of the default tenant.
pub(crate) fn shard() -> Shard {
    Shard::of(DEFAULT_TENANT)
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub(crate) fn resource(number: u128) -> ResourceId {
    ResourceId::from_u128(number)
}

/// Where the resource of this number is: each two are in one place.
pub(crate) fn venue_of(resource_number: u128) -> VenueId {
    VenueId::from_u128(resource_number.div_ceil(2))
}

/// A booking of `owner` on resource 1, made by `owner`.
pub(crate) fn booked(seq: i64, owner: &str) -> Entry {
    change(DEFAULT_TENANT, seq, owner, owner, 1, "secret")
}

pub(crate) fn change(
    tenant_id: TenantId,
    seq: i64,
    owner: &str,
    actor: &str,
    resource_number: u128,
    title: &str,
) -> Entry {
    let at = AT;
    let range = TimeRange::new(at + Duration::DAY, at + Duration::DAY + Duration::HOUR).unwrap();
    let booking = Booking {
        id: BookingId::from_u128(1),
        resource_id: resource(resource_number),
        resource: ResourceName::parse("Raum1").unwrap(),
        venue_id: venue_of(resource_number),
        user_id: user(owner),
        claim: Claim::want(range, Seq(seq), at, Duration::MINUTE),
        title: Some(Title::parse(title).unwrap()),
        note: None,
        version: 1,
        created_at: at,
        updated_at: at,
    };
    entry(tenant_id, seq, Some(actor), &Fact::BookingCreated { booking })
}

/// The change that this fact is, by somebody or by itself.
pub(crate) fn entry(tenant_id: TenantId, seq: i64, actor: Option<&str>, fact: &Fact) -> Entry {
    Entry::from(&Recorded {
        tenant_id,
        seq: Seq(seq),
        kind: fact.kind().as_str().into(),
        at: AT,
        actor: actor.map(str::to_owned),
        request_id: Some("r-1".into()),
        traceparent: None,
        object_id: fact.object_id(),
        data: fact.data_json(),
    })
}

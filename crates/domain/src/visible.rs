//! What of a change somebody may see: the one place that decides it, used wherever a change leaves the house.

use serde::Serialize;
use time::OffsetDateTime;

use crate::{BookingId, Caller, Change, Fact, Kind, ResourceId, Role, Seq, Status};

/// A change as a caller may see it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Visible<'a> {
    /// All of it.
    Whole(&'a Change),
    /// That another's booking is there, and not whose.
    Cut(Cut),
}

/// Of another's booking: which range of which resource, and nothing else.
#[derive(Debug, Serialize)]
pub struct Cut {
    r#type: Kind,
    seq: Seq,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    actor: Option<()>,
    request_id: Option<()>,
    data: CutData,
}

#[derive(Debug, Serialize)]
struct CutData {
    booking: CutBooking,
}

#[derive(Debug, Serialize)]
struct CutBooking {
    id: BookingId,
    resource_id: ResourceId,
    #[serde(with = "time::serde::rfc3339")]
    start_time: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    end_time: OffsetDateTime,
    status: Status,
}

/// What `caller` may see of `change`; nothing of another tenant's.
pub fn visible<'a>(change: &'a Change, caller: &Caller) -> Option<Visible<'a>> {
    if change.tenant_id != caller.tenant {
        return None;
    }
    let booking = match &change.fact {
        // What there is to book is known to the whole tenant.
        Fact::ResourceCreated { .. } => return Some(Visible::Whole(change)),
        Fact::BookingCreated { booking }
        | Fact::BookingDeleted { booking }
        | Fact::BookingValidated { booking }
        | Fact::BookingRejected { booking }
        | Fact::BookingMoveRejected { booking } => booking,
    };
    if caller.is(&booking.user_id) || caller.roles.has(Role::Observer) {
        return Some(Visible::Whole(change));
    }
    let wanted = booking.claim.wanted();
    Some(Visible::Cut(Cut {
        r#type: change.fact.kind(),
        seq: change.seq,
        at: change.at,
        actor: None,
        request_id: None,
        data: CutData {
            booking: CutBooking {
                id: booking.id,
                resource_id: booking.resource_id,
                start_time: wanted.start(),
                end_time: wanted.end(),
                status: booking.claim.status(),
            },
        },
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::{Duration, macros::datetime};

    use super::*;
    use crate::{Booking, Claim, ResourceName, Roles, TenantId, TimeRange, Title, UserId};

    fn change() -> Change {
        let at = datetime!(2027-03-20 08:00 UTC);
        let range = TimeRange::new(at + Duration::DAY, at + Duration::DAY + Duration::HOUR).unwrap();
        let booking = Booking {
            id: BookingId::from_u128(1),
            resource_id: ResourceId::from_u128(2),
            resource: ResourceName::parse("Raum1").unwrap(),
            user_id: UserId::parse("alice").unwrap(),
            claim: Claim::want(range, Seq(3), at, Duration::MINUTE),
            title: Some(Title::parse("secret").unwrap()),
            note: None,
            version: 1,
            created_at: at,
            updated_at: at,
        };
        Change {
            tenant_id: TenantId::from_u128(9),
            seq: Seq(3),
            at,
            actor: Some(booking.user_id.clone()),
            request_id: None,
            fact: Fact::BookingCreated { booking },
        }
    }

    fn caller(tenant: u128, user: &str) -> Caller {
        Caller { tenant: TenantId::from_u128(tenant), user: UserId::parse(user).ok(), roles: Roles::NONE }
    }

    fn seen(caller: &Caller) -> Option<Value> {
        visible(&change(), caller).map(|seen| serde_json::to_value(seen).unwrap())
    }

    #[test]
    fn another_tenant_sees_nothing_not_even_of_a_user_of_the_same_name() {
        assert_eq!(seen(&caller(8, "alice")), None);
    }

    #[test]
    fn the_owner_sees_all_of_it() {
        let seen = seen(&caller(9, "alice")).unwrap();
        assert_eq!(seen["data"]["booking"]["title"], "secret");
        assert_eq!(seen["actor"], "alice");
    }

    #[test]
    fn a_stranger_sees_the_range_and_nothing_else() {
        let expected = json!({
            "type": "booking_created", "seq": 3, "at": "2027-03-20T08:00:00Z", "actor": null, "request_id": null,
            "data": {"booking": {
                "id": BookingId::from_u128(1), "resource_id": ResourceId::from_u128(2), "status": "PENDING",
                "start_time": "2027-03-21T08:00:00Z", "end_time": "2027-03-21T09:00:00Z",
            }},
        });
        assert_eq!(seen(&caller(9, "bob")), Some(expected));
    }
}

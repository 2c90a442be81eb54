//! What somebody may see: the one place that decides it, used wherever something of a booking leaves the house.
//!
//! One's own, and everything with the role of an observer, is seen whole. Of another's booking the range, the state and
//! the resource are seen, of another's reservation its units, the state and the event, of another's place in line the
//! state and the event, and nothing else: not whose it is, not what it is about, not who wrote it. Of another tenant nothing is seen at all; whoever reads for a caller reads
//! their tenant only.

use serde::Serialize;
use time::OffsetDateTime;

use crate::{
    Availability, Booking, BookingId, Caller, Change, Conflict, EventId, Fact, Kind, RequestId, Reservation,
    ReservationId, ReservationStatus, ResourceId, Role, Seq, Status, TimeRange, Traceparent, Units, UserId,
    WaitlistEntry, WaitlistEntryId, WaitlistStatus, booking::View, change::Data,
};

/// A change as a caller may see it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Visible<'a> {
    /// All of it.
    Whole(&'a Change),
    /// Less than all of it.
    Cut(Cut<'a>),
}

/// A change of which something is another's.
#[derive(Debug, Serialize)]
pub struct Cut<'a> {
    r#type: Kind,
    seq: Seq,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    actor: Option<&'a str>,
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    data: CutData<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum CutData<'a> {
    Booking {
        booking: Seen<&'a Booking>,
    },
    Conflict {
        booking: Seen<&'a Booking>,
        conflicting: Vec<Seen<&'a Conflict>>,
        conflict_count: i64,
    },
    Reservation {
        reservation: Seen<&'a Reservation, AnothersReservation<'a>>,
        sections: &'a [Availability],
    },
    Entry {
        waitlist_entry: Seen<&'a WaitlistEntry, AnothersWaitlistEntry>,
    },
    /// What there is, which is known to the whole tenant.
    Known(Data<'a>),
}

/// Something of a booking or a reservation, as a caller may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Seen<T, C = Another> {
    /// All of it.
    Whole(T),
    /// That another's is there, and not whose.
    Cut(C),
}

/// Of another's booking: which range of which resource, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(as = AnothersBooking, example = json!(crate::openapi::example::anothers())),
    serde(deny_unknown_fields)
)]
pub struct Another {
    /// Which one.
    id: BookingId,
    /// What is booked.
    resource_id: ResourceId,
    /// When the range begins.
    #[serde(with = "time::serde::rfc3339")]
    start_time: OffsetDateTime,
    /// The first moment that is no longer in it.
    #[serde(with = "time::serde::rfc3339")]
    end_time: OffsetDateTime,
    /// `VALID` when the range is held, `PENDING` when it is wanted.
    status: Status,
}

/// Of another's reservation: which units of which event, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), serde(deny_unknown_fields))]
pub struct AnothersReservation<'a> {
    /// Which one.
    id: ReservationId,
    /// Of which event.
    event_id: EventId,
    /// The state.
    status: ReservationStatus,
    /// What it has, or had when it ended.
    units: &'a [Units],
}

/// Of another's place in line: which event's, the state, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), serde(deny_unknown_fields))]
pub struct AnothersWaitlistEntry {
    /// Which one.
    id: WaitlistEntryId,
    /// Of which event.
    event_id: EventId,
    /// The state.
    status: WaitlistStatus,
}

/// Whether `caller` may see all of what is `owner`'s, in their own tenant.
pub fn sees_all_of(owner: &UserId, caller: &Caller) -> bool {
    caller.is(owner) || caller.roles.has(Role::Observer)
}

/// What `caller` may see of a booking of their tenant.
pub fn booking<'a>(booking: &'a Booking, caller: &Caller) -> Seen<View<'a>> {
    match whose(booking, caller) {
        Seen::Whole(booking) => Seen::Whole(booking.view()),
        Seen::Cut(cut) => Seen::Cut(cut),
    }
}

/// What `caller` may see of a conflict in their tenant.
pub fn conflict<'a>(conflict: &'a Conflict, caller: &Caller) -> Seen<&'a Conflict> {
    if sees_all_of(&conflict.user_id, caller) {
        return Seen::Whole(conflict);
    }
    let Conflict { id, resource_id, range, status, .. } = conflict;
    Seen::Cut(Another::new(*id, *resource_id, *range, *status))
}

/// What `caller` may see of `change`; nothing of another tenant's.
pub fn visible<'a>(change: &'a Change, caller: &Caller) -> Option<Visible<'a>> {
    if change.tenant_id != caller.tenant {
        return None;
    }
    // Who made a resource may have booked it in the same breath.
    let author = change.fact.owner().or(change.actor.as_ref());
    let owns = author.is_none_or(|author| sees_all_of(author, caller));
    if owns && change.fact.conflicting().iter().all(|other| sees_all_of(&other.user_id, caller)) {
        return Some(Visible::Whole(change));
    }
    let data = match &change.fact {
        // What there is to book, and where, is known to the whole tenant.
        Fact::ResourceCreated { .. }
        | Fact::ResourceUpdated { .. }
        | Fact::VenueCreated { .. }
        | Fact::VenueUpdated { .. }
        | Fact::EventCreated { .. }
        | Fact::EventUpdated { .. }
        | Fact::EventCancelled { .. } => CutData::Known(change.fact.data()),
        Fact::ReservationHeld { reservation, sections }
        | Fact::ReservationSplit { reservation, sections, .. }
        | Fact::ReservationConfirmed { reservation, sections, .. }
        | Fact::ReservationExpired { reservation, sections }
        | Fact::ReservationReleased { reservation, sections }
        | Fact::ReservationCancelled { reservation, sections } => {
            CutData::Reservation { reservation: self::reservation(reservation, caller), sections }
        }
        Fact::ReservationExtended { reservation } => {
            CutData::Reservation { reservation: self::reservation(reservation, caller), sections: &[] }
        }
        Fact::WaitlistJoined { waitlist_entry: entry }
        | Fact::WaitlistOffered { waitlist_entry: entry }
        | Fact::WaitlistLeft { waitlist_entry: entry }
        | Fact::WaitlistEnded { waitlist_entry: entry } => {
            CutData::Entry { waitlist_entry: waitlist_entry(entry, caller) }
        }
        Fact::LogLeapt { .. } | Fact::ClockSetBack { .. } => return None,
        Fact::BookingConflict { booking, conflicting, conflict_count } => CutData::Conflict {
            booking: whose(booking, caller),
            conflicting: conflicting.iter().map(|other| conflict(other, caller)).collect(),
            conflict_count: *conflict_count,
        },
        Fact::BookingCreated { booking }
        | Fact::BookingUpdated { booking, .. }
        | Fact::BookingDeleted { booking }
        | Fact::BookingValidated { booking }
        | Fact::BookingRejected { booking }
        | Fact::BookingMoveRejected { booking } => CutData::Booking { booking: whose(booking, caller) },
    };
    let trace = &change.trace;
    Some(Visible::Cut(Cut {
        r#type: change.fact.kind(),
        seq: change.seq,
        at: change.at,
        actor: change.actor.as_ref().filter(|_| owns).map(UserId::as_str),
        request_id: trace.request_id.as_ref().filter(|_| owns).map(RequestId::as_str),
        traceparent: trace.traceparent.as_ref().filter(|_| owns).map(Traceparent::as_str),
        data,
    }))
}

/// What `caller` may see of a reservation of their tenant.
pub fn reservation<'a>(
    reservation: &'a Reservation,
    caller: &Caller,
) -> Seen<&'a Reservation, AnothersReservation<'a>> {
    if sees_all_of(&reservation.user_id, caller) {
        return Seen::Whole(reservation);
    }
    let Reservation { id, event_id, state, units, .. } = reservation;
    Seen::Cut(AnothersReservation { id: *id, event_id: *event_id, status: state.status(), units })
}

/// What `caller` may see of a place in line of their tenant.
pub fn waitlist_entry<'a>(
    entry: &'a WaitlistEntry,
    caller: &Caller,
) -> Seen<&'a WaitlistEntry, AnothersWaitlistEntry> {
    if sees_all_of(&entry.user_id, caller) {
        return Seen::Whole(entry);
    }
    let (id, event_id, status) = (entry.id, entry.event_id, entry.state.status());
    Seen::Cut(AnothersWaitlistEntry { id, event_id, status })
}

fn whose<'a>(booking: &'a Booking, caller: &Caller) -> Seen<&'a Booking> {
    if sees_all_of(&booking.user_id, caller) {
        return Seen::Whole(booking);
    }
    let claim = booking.claim;
    Seen::Cut(Another::new(booking.id, booking.resource_id, claim.wanted(), claim.status()))
}

impl Another {
    fn new(id: BookingId, resource_id: ResourceId, range: TimeRange, status: Status) -> Self {
        Self { id, resource_id, start_time: range.start(), end_time: range.end(), status }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::{Duration, macros::datetime};

    use super::*;
    use crate::{
        Claim, ConfirmationCode, Resource, ResourceName, Roles, SectionId, SectionName, TenantId, Title,
        VenueId, change::Trace, reservation::State, rules::BookingLimits,
    };

    const AT: OffsetDateTime = datetime!(2027-03-20 08:00 UTC);

    fn range() -> TimeRange {
        TimeRange::new(AT + Duration::DAY, AT + Duration::DAY + Duration::HOUR).unwrap()
    }

    fn alices() -> Booking {
        Booking {
            id: BookingId::from_u128(1),
            resource_id: ResourceId::from_u128(2),
            resource: ResourceName::parse("Raum1").unwrap(),
            venue_id: VenueId::from_u128(3),
            user_id: UserId::parse("alice").unwrap(),
            claim: Claim::want(range(), Seq(3), AT, Duration::MINUTE),
            title: Some(Title::parse("secret").unwrap()),
            note: None,
            version: 1,
            created_at: AT,
            updated_at: AT,
        }
    }

    fn change(fact: Fact) -> Change {
        Change {
            tenant_id: TenantId::from_u128(9),
            seq: Seq(3),
            at: AT,
            actor: UserId::parse("alice").ok(),
            trace: Trace {
                request_id: RequestId::parse("r-1").ok(),
                traceparent: Traceparent::parse("t-1").ok(),
            },
            fact,
        }
    }

    fn of(id: u128, user: &str) -> Conflict {
        Conflict {
            id: BookingId::from_u128(id),
            resource_id: ResourceId::from_u128(2),
            user_id: UserId::parse(user).unwrap(),
            range: range(),
            status: Status::Valid,
        }
    }

    fn caller(tenant: u128, user: &str) -> Caller {
        Caller { tenant: TenantId::from_u128(tenant), user: UserId::parse(user).ok(), roles: Roles::NONE }
    }

    fn seen(fact: Fact, caller: &Caller) -> Option<Value> {
        visible(&change(fact), caller).map(|seen| serde_json::to_value(seen).unwrap())
    }

    fn created() -> Fact {
        Fact::BookingCreated { booking: alices() }
    }

    #[test]
    fn another_tenant_sees_nothing_not_even_of_a_user_of_the_same_name() {
        assert_eq!(seen(created(), &caller(8, "alice")), None);
    }

    #[test]
    fn the_owner_and_an_observer_see_all_of_it() {
        let observer = Caller { roles: Roles::NONE.with(Role::Observer), ..caller(9, "eve") };
        for caller in [caller(9, "alice"), observer] {
            let seen = seen(created(), &caller).unwrap();
            assert_eq!(seen["data"]["booking"]["title"], "secret");
            assert_eq!([&seen["actor"], &seen["request_id"], &seen["traceparent"]], ["alice", "r-1", "t-1"]);
        }
    }

    #[test]
    fn a_stranger_sees_the_range_and_nothing_else() {
        let hers = json!({
            "id": BookingId::from_u128(1), "resource_id": ResourceId::from_u128(2), "status": "PENDING",
            "start_time": "2027-03-21T08:00:00Z", "end_time": "2027-03-21T09:00:00Z",
        });
        let expected = json!({
            "type": "booking_created", "seq": 3, "at": "2027-03-20T08:00:00Z", "actor": null, "request_id": null,
            "data": {"booking": hers},
        });
        let bob = caller(9, "bob");
        assert_eq!(seen(created(), &bob), Some(expected));
        assert_eq!(serde_json::to_value(booking(&alices(), &bob)).unwrap(), hers);
    }

    #[test]
    fn a_stranger_sees_what_there_is_to_book_and_not_who_made_it() {
        let resource = Resource {
            id: ResourceId::from_u128(2),
            venue_id: VenueId::from_u128(3),
            name: ResourceName::parse("Raum1").unwrap(),
            limits: BookingLimits::default(),
            version: 1,
            created_at: AT,
            updated_at: AT,
        };
        let made = || Fact::ResourceCreated { resource: resource.clone() };
        let (hers, his) =
            (seen(made(), &caller(9, "alice")).unwrap(), seen(made(), &caller(9, "bob")).unwrap());
        assert_eq!((&hers["actor"], &hers["traceparent"]), (&json!("alice"), &json!("t-1")));
        assert_eq!(
            (&his["actor"], &his["request_id"], his.get("traceparent")),
            (&json!(null), &json!(null), None)
        );
        assert_eq!(his["data"], hers["data"]);
    }

    #[test]
    fn of_anothers_reservation_the_units_are_seen_and_neither_owner_nor_code() {
        let reservation = Reservation {
            id: ReservationId::from_u128(1),
            event_id: EventId::from_u128(2),
            venue_id: VenueId::from_u128(3),
            user_id: UserId::parse("alice").unwrap(),
            units: vec![Units {
                section_id: SectionId::from_u128(4),
                section: SectionName::parse("VIP").unwrap(),
                quantity: 2,
                seats: Vec::new(),
            }],
            state: State::Confirmed { code: ConfirmationCode::from_random(1) },
            choice: None,
            version: 2,
            created_at: AT,
            updated_at: AT,
        };
        let sections = vec![Availability::new(SectionId::from_u128(4), 10, 0, 2)];
        let fact = || Fact::ReservationConfirmed {
            reservation: reservation.clone(),
            rest: Some(ReservationId::from_u128(9)),
            sections: sections.clone(),
        };
        let hers = seen(fact(), &caller(9, "alice")).unwrap();
        assert!(
            hers["data"]["reservation"]["confirmation_code"].is_string() && hers["data"]["rest"].is_string()
        );
        let his = seen(fact(), &caller(9, "bob")).unwrap();
        let expected = json!({
            "reservation": {
                "id": ReservationId::from_u128(1), "event_id": EventId::from_u128(2), "status": "CONFIRMED",
                "units": reservation.units,
            },
            "sections": sections,
        });
        assert_eq!((&his["data"], &his["actor"]), (&expected, &json!(null)));
        assert_eq!(seen(fact(), &caller(8, "alice")), None);
    }

    #[test]
    fn of_a_conflict_each_sees_their_own_whole_and_the_others_cut() {
        let fact = || Fact::BookingConflict {
            booking: alices(),
            conflicting: vec![of(4, "bob"), of(5, "carol")],
            conflict_count: 2,
        };
        let by = |user: &str| seen(fact(), &caller(9, user)).unwrap();
        let users = |seen: &Value| {
            let conflicting = seen["data"]["conflicting"].as_array().unwrap();
            let all = [&[seen["data"]["booking"].clone()], conflicting.as_slice()].concat();
            all.iter().map(|each| each["user_id"].as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(users(&by("alice")), [Some("alice".to_owned()), None, None]);
        assert_eq!(users(&by("bob")), [None, Some("bob".to_owned()), None]);
        assert_eq!(users(&by("eve")), [None, None, None]);
        assert_eq!((&by("alice")["actor"], &by("bob")["actor"]), (&json!("alice"), &json!(null)));
        assert_eq!(by("eve")["data"]["conflict_count"], 2);
    }
}

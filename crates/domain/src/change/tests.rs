//! A change travels and arrives as it was, of whichever kind.

use time::macros::datetime;

use super::*;
use crate::{
    Availability, Booking, BookingId, Claim, Conflict, Event, EventId, EventStatus, EventTitle, Reservation,
    ReservationId, Resource, ResourceId, ResourceName, SeatLabel, Section, SectionId, SectionKind,
    SectionName, Status, TimeRange, Units, Venue, VenueId, VenueName, WaitlistEntry, WaitlistEntryId,
    WaitlistState, ZoneName,
    event::{Currency, Price},
    reservation::State,
    rules::BookingLimits,
    seating::{self, Adjacency},
    waitlist::{Choice, Request},
};

const AT: OffsetDateTime = datetime!(2027-03-20 08:00:00.5 UTC);

fn resource() -> Resource {
    Resource {
        id: ResourceId::from_u128(5),
        venue_id: VenueId::from_u128(6),
        name: ResourceName::parse("Raum \"1\"").unwrap(),
        limits: BookingLimits::default(),
        version: 1,
        created_at: AT,
        updated_at: AT,
    }
}

fn venue() -> Venue {
    Venue {
        id: VenueId::from_u128(6),
        name: VenueName::parse("Haus A").unwrap(),
        time_zone: ZoneName::parse("Europe/Berlin").unwrap(),
        address: None,
        version: 2,
        created_at: AT,
        updated_at: AT,
    }
}

fn booking() -> Booking {
    let range = TimeRange::new(AT, AT + time::Duration::HOUR).unwrap();
    Booking {
        id: BookingId::from_u128(1),
        resource_id: ResourceId::from_u128(5),
        resource: ResourceName::parse("Raum1").unwrap(),
        venue_id: VenueId::from_u128(6),
        user_id: UserId::parse("alice").unwrap(),
        claim: Claim::Valid { granted: range, rank: Seq(3) },
        title: None,
        note: None,
        version: 1,
        created_at: AT,
        updated_at: AT,
    }
}

fn conflict() -> Conflict {
    Conflict {
        id: BookingId::from_u128(2),
        resource_id: ResourceId::from_u128(5),
        user_id: UserId::parse("bob").unwrap(),
        range: TimeRange::new(AT, AT + time::Duration::MINUTE).unwrap(),
        status: Status::Pending,
    }
}

fn event() -> Event {
    Event {
        id: EventId::from_u128(7),
        venue_id: VenueId::from_u128(6),
        title: EventTitle::parse("Concert").unwrap(),
        event_date: time::macros::date!(2027 - 06 - 15),
        starts_at: Some(AT),
        ends_at: None,
        status: EventStatus::Open,
        sale_opens_at: None,
        sale_closes_at: Some(AT),
        units_per_user: Some(4),
        sections: vec![Section {
            id: SectionId::from_u128(8),
            name: SectionName::parse("Parkett").unwrap(),
            kind: SectionKind::Seated,
            capacity: 2,
            price: Some(Price { amount: 4_900, currency: Currency::parse("EUR").unwrap() }),
        }],
        version: 3,
        created_at: AT,
        updated_at: AT,
    }
}

fn reservation() -> Reservation {
    Reservation {
        id: ReservationId::from_u128(9),
        event_id: EventId::from_u128(7),
        venue_id: VenueId::from_u128(6),
        user_id: UserId::parse("alice").unwrap(),
        units: vec![Units {
            section_id: SectionId::from_u128(8),
            section: SectionName::parse("Parkett").unwrap(),
            quantity: 1,
            seats: vec![SeatLabel::parse("A1").unwrap()],
        }],
        state: State::Hold { expires_at: AT },
        choice: Some(0),
        version: 1,
        created_at: AT,
        updated_at: AT,
    }
}

fn waitlist_entry() -> WaitlistEntry {
    WaitlistEntry {
        id: WaitlistEntryId::from_u128(11),
        event_id: EventId::from_u128(7),
        venue_id: VenueId::from_u128(6),
        user_id: UserId::parse("alice").unwrap(),
        request: Request {
            quantity: 2,
            adjacent: Adjacency::Required,
            choices: vec![Choice { section_id: Some(SectionId::from_u128(8)), category: None }],
        },
        offer_seconds: 600,
        rank: Seq(17),
        state: WaitlistState::Offered { reservation_id: ReservationId::from_u128(9), expires_at: AT },
        version: 2,
        created_at: AT,
        updated_at: AT,
    }
}

#[test]
fn a_recorded_change_travels_and_arrives_as_it_was() {
    let (booking, resource, venue) = (booking(), resource(), venue());
    let seats_added = vec![SeatsAdded {
        section_id: SectionId::from_u128(8),
        rows: seating::rows_of(vec![SeatLabel::parse("A1").unwrap(), SeatLabel::parse("A2").unwrap()]),
    }];
    let sections = vec![Availability::new(SectionId::from_u128(8), 2, 1, 0)];
    let facts = [
        Fact::BookingCreated { booking: booking.clone() },
        Fact::BookingUpdated { booking: booking.clone(), range_changed: true },
        Fact::BookingDeleted { booking: booking.clone() },
        Fact::BookingConflict {
            booking: booking.clone(),
            conflicting: vec![conflict()],
            conflict_count: 100,
        },
        Fact::BookingValidated { booking: booking.clone() },
        Fact::BookingRejected { booking: booking.clone() },
        Fact::BookingMoveRejected { booking },
        Fact::ResourceCreated { resource: resource.clone() },
        Fact::ResourceUpdated { resource },
        Fact::VenueCreated { venue: venue.clone() },
        Fact::VenueUpdated { venue },
        Fact::EventCreated { event: event(), seats_added: seats_added.clone() },
        Fact::EventUpdated {
            event: event(),
            seats_added,
            seats_removed: vec![SeatsRemoved {
                section_id: SectionId::from_u128(8),
                seats: vec![SeatLabel::parse("A2").unwrap()],
            }],
        },
        Fact::EventCancelled { event: event() },
        Fact::ReservationHeld { reservation: reservation(), sections: sections.clone() },
        Fact::ReservationSplit {
            reservation: reservation(),
            to: ReservationId::from_u128(10),
            sections: sections.clone(),
        },
        Fact::ReservationConfirmed { reservation: reservation(), rest: None, sections: sections.clone() },
        Fact::ReservationExtended { reservation: reservation() },
        Fact::ReservationExpired { reservation: reservation(), sections: sections.clone() },
        Fact::ReservationReleased { reservation: reservation(), sections: sections.clone() },
        Fact::ReservationCancelled { reservation: reservation(), sections },
        Fact::WaitlistJoined { waitlist_entry: waitlist_entry() },
        Fact::WaitlistOffered { waitlist_entry: waitlist_entry() },
        Fact::WaitlistLeft { waitlist_entry: waitlist_entry() },
        Fact::WaitlistEnded { waitlist_entry: waitlist_entry() },
        Fact::LogLeapt { from: Seq(4) },
        Fact::ClockSetBack { from: AT },
    ];
    let told: Vec<Kind> = facts.iter().map(Fact::kind).collect();
    assert_eq!(told, Kind::ALL, "each kind once");
    for fact in facts {
        let (user, request) = ("alice", "a-1");
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let change = Change {
            tenant_id: TenantId::from_u128(9),
            seq: Seq(17),
            at: AT,
            actor: UserId::parse(user).ok(),
            trace: Trace {
                request_id: RequestId::parse(request).ok(),
                traceparent: Traceparent::parse(trace).ok(),
            },
            fact,
        };
        let recorded = Recorded {
            tenant_id: change.tenant_id,
            seq: change.seq,
            kind: change.fact.kind().as_str().into(),
            at: AT,
            actor: Some(user.into()),
            request_id: Some(request.into()),
            traceparent: Some(trace.into()),
            data: change.fact.data_json(),
            object_id: change.fact.object_id(),
        };
        assert_eq!(recorded.parse().unwrap(), change);
        let whole = serde_json::to_string(&change).unwrap();
        assert_eq!(Change::from_wire(change.tenant_id, &whole).unwrap(), change);
    }
}

#[test]
fn what_changes_no_range_is_none_of_the_decisions_business() {
    let booking = booking();
    let note = Fact::BookingUpdated { booking: booking.clone(), range_changed: false };
    let told = Fact::BookingConflict { booking, conflicting: Vec::new(), conflict_count: 1 };
    assert_eq!([note.ranges_of(), told.ranges_of()], [None, None]);
}

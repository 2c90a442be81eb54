//! Objects to show: each as it could be, and as it would be written.

use time::{Duration, OffsetDateTime, macros::datetime};
use uuid::Uuid;

use crate::{
    Address, Availability, Booking, BookingId, Caller, Change, Claim, ConfirmationCode, Conflict,
    DEFAULT_TENANT, DEFAULT_VENUE, Event, EventId, EventStatus, EventTitle, Fact, Kind, Price, RequestId,
    Reservation, ReservationId, Resource, ResourceId, ResourceName, Roles, RowName, SeatLabel, Section,
    SectionId, SectionKind, SectionName, Seq, Status, TimeRange, Title, Trace, Units, UserId, Venue,
    VenueName, WaitlistEntry, WaitlistEntryId, WaitlistState, ZoneName,
    change::{SeatsAdded, SeatsRemoved},
    event::Currency,
    reservation::State,
    rules::BookingLimits,
    seating::{Adjacency, Row, RowSeats},
    visible::{self, Another, Seen},
    waitlist::{Choice, Ending, Request},
};

const AT: OffsetDateTime = datetime!(2027-03-20 08:15:30.25 UTC);

const BOOKING: BookingId = BookingId::from_u128(0x0195_a2b4_7c3e_7d11_8a55_3f1b_6c0e_9d42);
const OTHER: BookingId = BookingId::from_u128(0x0195_a2b3_0b2c_7a10_9c4d_7e2a_5b1f_8c31);
const EVENT: EventId = EventId::from_u128(0x0195_a2b5_2222_7d11_8a55_0000_0000_0001);
const SECTION: SectionId = SectionId::from_u128(0x0195_a2b5_3333_7d11_8a55_0000_0000_0001);
const RESERVATION: ReservationId = ReservationId::from_u128(0x0195_a2b5_4444_7d11_8a55_0000_0000_0001);
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

/// A concert with one section, of seats.
pub fn event() -> Event {
    Event {
        id: EVENT,
        venue_id: DEFAULT_VENUE,
        title: right!(EventTitle::parse("Concert 2027")),
        event_date: time::macros::date!(2027 - 06 - 15),
        starts_at: Some(datetime!(2027-06-15 18:00 UTC)),
        ends_at: None,
        status: EventStatus::Open,
        sale_opens_at: None,
        sale_closes_at: Some(datetime!(2027-06-15 17:00 UTC)),
        units_per_user: Some(8),
        sections: vec![Section {
            id: SECTION,
            name: right!(SectionName::parse("Stalls")),
            kind: SectionKind::Seated,
            capacity: 20,
            price: Some(Price { amount: 4_900, currency: right!(Currency::parse("EUR")) }),
        }],
        version: 1,
        created_at: AT,
        updated_at: AT,
    }
}

/// Its seats.
pub fn seats_added() -> Vec<SeatsAdded> {
    let row = Row::new(right!(RowName::parse("A")), RowSeats::Count(20), 0, None);
    vec![SeatsAdded { section_id: SECTION, rows: vec![right!(row)] }]
}

/// What is left of them.
pub fn left() -> Availability {
    Availability::new(SECTION, 20, 2, 0)
}

/// Two of them, held.
pub fn reservation() -> Reservation {
    let seats = ["A10", "A11"].map(|label| right!(SeatLabel::parse(label)));
    Reservation {
        id: RESERVATION,
        event_id: EVENT,
        venue_id: DEFAULT_VENUE,
        user_id: right!(UserId::parse("alice")),
        units: vec![Units {
            section_id: SECTION,
            section: right!(SectionName::parse("Stalls")),
            quantity: 2,
            seats: seats.into(),
        }],
        state: State::Hold { expires_at: AT + Duration::minutes(10) },
        choice: None,
        version: 1,
        created_at: AT,
        updated_at: AT,
    }
}

/// The same once they are confirmed.
pub fn confirmed() -> Reservation {
    let code = right!(ConfirmationCode::parse("K7QX-M2RD-9HTB"));
    reservation().with(State::Confirmed { code }, AT + Duration::MINUTE)
}

/// A place in line for two of them.
pub fn waitlist_entry() -> WaitlistEntry {
    WaitlistEntry {
        id: WaitlistEntryId::from_u128(RESERVATION.uuid().as_u128() + 2),
        event_id: EVENT,
        venue_id: DEFAULT_VENUE,
        user_id: right!(UserId::parse("alice")),
        request: Request {
            quantity: 2,
            adjacent: Adjacency::Preferred,
            choices: vec![
                Choice { section_id: Some(SECTION), category: None },
                Choice { section_id: None, category: None },
            ],
        },
        offer_seconds: 600,
        rank: Seq(17),
        state: WaitlistState::Waiting,
        version: 1,
        created_at: AT,
        updated_at: AT,
    }
}

/// The same once two are held for it.
pub fn offered() -> WaitlistEntry {
    let expires_at = AT + Duration::minutes(11);
    let state = WaitlistState::Offered { reservation_id: RESERVATION, expires_at };
    waitlist_entry().with(state, AT + Duration::MINUTE)
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
        Kind::EventCreated => Fact::EventCreated { event: event(), seats_added: seats_added() },
        Kind::EventUpdated => Fact::EventUpdated {
            event: event(),
            seats_added: Vec::new(),
            seats_removed: vec![SeatsRemoved {
                section_id: SECTION,
                seats: vec![right!(SeatLabel::parse("A20"))],
            }],
        },
        Kind::EventCancelled => {
            Fact::EventCancelled { event: Event { status: EventStatus::Cancelled, ..event() } }
        }
        Kind::ReservationHeld => Fact::ReservationHeld { reservation: reservation(), sections: vec![left()] },
        Kind::ReservationSplit => Fact::ReservationSplit {
            reservation: reservation(),
            to: ReservationId::from_u128(RESERVATION.uuid().as_u128() + 1),
            sections: vec![left()],
        },
        Kind::ReservationConfirmed => Fact::ReservationConfirmed {
            reservation: confirmed(),
            rest: None,
            sections: vec![Availability::new(SECTION, 20, 0, 2)],
        },
        Kind::ReservationExtended => Fact::ReservationExtended { reservation: reservation() },
        Kind::ReservationExpired => Fact::ReservationExpired {
            reservation: {
                let held = reservation();
                let end = AT + Duration::minutes(10);
                held.with(held.state.clone().at(end), end)
            },
            sections: vec![Availability::new(SECTION, 20, 0, 0)],
        },
        Kind::ReservationReleased => Fact::ReservationReleased {
            reservation: reservation().with(State::Cancelled, AT + Duration::MINUTE),
            sections: vec![Availability::new(SECTION, 20, 0, 0)],
        },
        Kind::ReservationCancelled => Fact::ReservationCancelled {
            reservation: reservation().with(State::Cancelled, AT + Duration::MINUTE),
            sections: vec![Availability::new(SECTION, 20, 0, 0)],
        },
        Kind::WaitlistJoined => Fact::WaitlistJoined { waitlist_entry: waitlist_entry() },
        Kind::WaitlistOffered => Fact::WaitlistOffered { waitlist_entry: offered() },
        Kind::WaitlistLeft => Fact::WaitlistLeft {
            waitlist_entry: waitlist_entry().with(WaitlistState::Left, AT + Duration::MINUTE),
        },
        Kind::WaitlistEnded => {
            let state = WaitlistState::Ended { reason: Ending::SaleOver };
            Fact::WaitlistEnded { waitlist_entry: waitlist_entry().with(state, AT + Duration::HOUR) }
        }
        Kind::LogLeapt => Fact::LogLeapt { from: Seq(4_711) },
        Kind::ClockSetBack => Fact::ClockSetBack { from: AT },
    };
    let by_engine = matches!(
        kind,
        Kind::BookingValidated
            | Kind::BookingRejected
            | Kind::BookingMoveRejected
            | Kind::ReservationExpired
            | Kind::WaitlistOffered
            | Kind::WaitlistEnded
    );
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

//! A small sale that is true.

use holdfast_domain::{
    Availability, ConfirmationCode, Event, EventId, EventStatus, EventTitle, Reservation, ReservationId,
    RowName, SeatLabel, Section, SectionId, SectionKind, SectionName, Units,
    change::SeatsAdded,
    reservation::State,
    seating::{Row, RowSeats},
};
use time::macros::{date, datetime};

use super::*;
use crate::chaos::{
    history::Part,
    wish::{STALLS, STANDING, Wish},
};

pub(super) const EVENT: EventId = EventId::from_u128(20);
const PLACES: SectionId = SectionId::from_u128(21);
const SEATS: SectionId = SectionId::from_u128(22);

pub(super) fn id(number: u128) -> ReservationId {
    ReservationId::from_u128(number)
}

pub(super) fn labels(seats: &[&str]) -> Vec<String> {
    seats.iter().map(|seat| (*seat).to_owned()).collect()
}

fn after(seconds: i64) -> OffsetDateTime {
    datetime!(2027-06-01 10:00 UTC) + time::Duration::seconds(seconds)
}

fn event() -> Event {
    let section = |id, name, kind, capacity| Section {
        id,
        name: SectionName::parse(name).unwrap(),
        kind,
        capacity,
        price: None,
    };
    Event {
        id: EVENT,
        venue_id: DEFAULT_VENUE,
        title: EventTitle::parse("host 1").unwrap(),
        event_date: date!(2027 - 06 - 15),
        starts_at: None,
        ends_at: None,
        status: EventStatus::Open,
        sale_opens_at: None,
        sale_closes_at: None,
        units_per_user: None,
        sections: vec![
            section(PLACES, STANDING, SectionKind::Counted, 3),
            section(SEATS, STALLS, SectionKind::Seated, 4),
        ],
        version: 1,
        created_at: after(0),
        updated_at: after(0),
    }
}

fn hold(number: u128, user: &str, end: i64, units: Units) -> Reservation {
    Reservation {
        id: id(number),
        event_id: EVENT,
        venue_id: DEFAULT_VENUE,
        user_id: UserId::parse(user).unwrap(),
        units: vec![units],
        state: State::Hold { expires_at: after(end) },
        choice: None,
        version: 1,
        created_at: after(0),
        updated_at: after(0),
    }
}

fn places(quantity: i32) -> Units {
    let section = SectionName::parse(STANDING).unwrap();
    Units { section_id: PLACES, section, quantity, seats: Vec::new() }
}

/// What is told of a reservation.
fn body(reservation: &Reservation, expires_in_ms: Option<i64>) -> Value {
    let mut body = json!(reservation);
    body["reservation_id"] = body["id"].clone();
    body["booking_id"] = body["id"].clone();
    body["expires_in_ms"] = json!(expires_in_ms);
    body
}

/// Alice holds two places, is told so twice, confirms one of them and lets the other lapse. Bob locks two seats, has them
/// longer, confirms them and gives them back; in between there is nothing for Carol.
pub(super) fn sale() -> Run {
    let alices = hold(1, "alice", 5, places(2));
    let seats = ["A1", "A2"].map(|seat| SeatLabel::parse(seat).unwrap()).to_vec();
    let section = SectionName::parse(STALLS).unwrap();
    let bobs = hold(2, "bob", 60, Units { section_id: SEATS, section, quantity: 2, seats });
    let alices_one = Reservation { units: vec![places(1)], ..alices.with(alices.state.clone(), after(1)) };
    let rest = Reservation { id: id(3), units: vec![places(1)], updated_at: after(1), ..alices.clone() };
    let confirmed = || State::Confirmed { code: ConfirmationCode::from_random(7) };
    let alice_has = alices_one.with(confirmed(), after(1));
    let longer = bobs.with(State::Hold { expires_at: after(92) }, after(2));
    let bob_has = longer.with(confirmed(), after(3));
    let over = rest.with(State::Expired { expires_at: after(5) }, after(5));
    let given_back = bob_has.with(State::Cancelled, after(6));

    let left = |held, confirmed| vec![Availability::new(PLACES, 3, held, confirmed)];
    let seats_left = |held, confirmed| vec![Availability::new(SEATS, 4, held, confirmed)];
    let row = Row::new(RowName::parse("A").unwrap(), RowSeats::Count(4), 0, None).unwrap();
    let seats_added = vec![SeatsAdded { section_id: SEATS, rows: vec![row] }];
    let held = |it: &Reservation, sections| Fact::ReservationHeld { reservation: it.clone(), sections };
    let confirm = |it: &Reservation, rest, sections| Fact::ReservationConfirmed {
        reservation: it.clone(),
        rest,
        sections,
    };
    let split = Fact::ReservationSplit { reservation: alices_one, to: rest.id, sections: left(2, 0) };
    let cancelled = Fact::ReservationCancelled { reservation: given_back, sections: seats_left(0, 0) };
    let log = vec![
        record(1, "host-0.0", Fact::EventCreated { event: event(), seats_added }, after(0)),
        record(2, "alice-1.0", held(&alices, left(2, 0)), after(0)),
        record(3, "bob-2.0", held(&bobs, seats_left(2, 0)), after(0)),
        record(4, "alice-3.0", split, after(1)),
        record(5, "alice-3.0", held(&rest, left(2, 0)), after(1)),
        record(6, "alice-3.0", confirm(&alice_has, Some(rest.id), left(1, 1)), after(1)),
        record(7, "bob-4.0", Fact::ReservationExtended { reservation: longer.clone() }, after(2)),
        record(8, "bob-5.0", confirm(&bob_has, None, seats_left(0, 2)), after(3)),
        record(9, "", Fact::ReservationExpired { reservation: over, sections: left(0, 1) }, after(5)),
        record(10, "bob-8.0", cancelled, after(6)),
    ];

    let done = |name: &str, second, body| attempt(name, second, Told::Done, body);
    let refused = |name: &str, second, body| attempt(name, second, Told::Refused, body);
    let mut again = done("alice-1.1", 5, body(&alices, Some(2_000)));
    again.is_replay = true;
    let locked = json!({
        "show_id": EVENT, "seat_ids": ["A1", "A2"], "user_id": "bob", "status": "LOCKED", "expires_in_ms": 60_000,
        "expires_at": json!(bobs)["expires_at"], "reservation_id": bobs.id,
    });
    let mut alices_part = body(&alice_has, None);
    alices_part["rest"] = json!(rest.id);
    let announce = Asked::Announce { title: "host 1".to_owned() };
    let best = |section, quantity| Wish::Best { section, quantity };
    let wish = Asked::Hold { event: EVENT, wish: best(STANDING, 2), hold_seconds: 5 };
    let too_much = Asked::Hold { event: EVENT, wish: best(STALLS, 3), hold_seconds: 5 };
    let lock = |seats: &[&str]| Asked::Lock { event: EVENT, seats: labels(seats) };
    let (mine, a_part) = (id(2), Asked::Confirm { reservation: id(1), part: Part::Quantity(1) });
    let both = Asked::ConfirmSeats { event: EVENT, seats: labels(&["A2", "A1"]) };
    let gone = json!({ "code": "seats_taken", "seats": ["A1"] });
    let operations = vec![
        operation("host-0", announce, vec![done("host-0.0", 0, json!({ "id": EVENT }))]),
        operation("alice-1", wish, vec![done("alice-1.0", 2, body(&alices, Some(5_000))), again]),
        operation("bob-2", lock(&["A1", "A2"]), vec![done("bob-2.0", 4, locked)]),
        operation("alice-3", a_part, vec![done("alice-3.0", 6, alices_part)]),
        operation(
            "bob-4",
            Asked::Extend { reservation: mine, hold_seconds: 90 },
            vec![done("bob-4.0", 8, body(&longer, Some(90_000)))],
        ),
        operation("bob-5", both, vec![done("bob-5.0", 10, body(&bob_has, None))]),
        operation("carol-6", too_much, vec![refused("carol-6.0", 12, json!({ "code": "sold_out" }))]),
        operation("carol-7", lock(&["A1", "A3"]), vec![refused("carol-7.0", 14, gone)]),
        operation("bob-8", Asked::Release { reservation: mine }, vec![done("bob-8.0", 16, Value::Null)]),
    ];
    let nobody = Caller::open(None);
    let all: Vec<i64> = (1..=10).collect();
    let mut of_event = listener("event", nobody, false, false, &log, &all);
    of_event.events = vec![EVENT];
    let alice = Caller::open(UserId::parse("alice").ok());
    let own = listener("alice", alice, false, false, &log, &[2, 4, 5, 6, 9]);
    Run { rest: shown(&log), log, operations, feeds: vec![of_event, own] }
}

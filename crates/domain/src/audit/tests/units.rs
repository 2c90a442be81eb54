//! The log of one event, in which all kinds of changes come, broken by hand in one place after another.

mod breaches;
pub(crate) mod line;
mod pruned;
mod room;

use time::{Duration, OffsetDateTime, macros::date};

use super::{NOON, Replay};
use crate::{
    Availability, Change, ConfirmationCode, Event, EventId, EventStatus, EventTitle, Fact, Reservation,
    ReservationId, RowName, SeatLabel, Section, SectionId, SectionKind, SectionName, Seq, TenantId, Trace,
    Units, UserId, VenueId,
    change::{SeatsAdded, SeatsRemoved},
    reservation::State,
    seating::{Row, RowSeats},
};

pub(crate) const TENANT: TenantId = TenantId::from_u128(1);
const BAR: SectionId = SectionId::from_u128(1);
const HALL: SectionId = SectionId::from_u128(2);

/// A change: minutes after noon, by whom, and what.
pub(crate) type Entry = (i64, Option<&'static str>, Fact);

pub(crate) fn at(minutes: i64) -> OffsetDateTime {
    NOON + Duration::minutes(minutes)
}

fn id(number: u128) -> ReservationId {
    ReservationId::from_u128(number)
}

fn seats(labels: &[&str]) -> Vec<SeatLabel> {
    labels.iter().map(|label| SeatLabel::parse(label).unwrap()).collect()
}

fn row(name: &str, count: u16) -> Row {
    Row::new(RowName::parse(name).unwrap(), RowSeats::Count(count), 0, None).unwrap()
}

/// So many of the bar.
pub(crate) fn bar(quantity: i32) -> Units {
    Units { section_id: BAR, section: SectionName::parse("Bar").unwrap(), quantity, seats: Vec::new() }
}

/// These seats of the hall.
fn hall(labels: &[&str]) -> Units {
    let quantity = i32::try_from(labels.len()).unwrap();
    Units { section_id: HALL, section: SectionName::parse("Hall").unwrap(), quantity, seats: seats(labels) }
}

/// What is left of the bar.
pub(crate) fn of_bar(capacity: i32, held: i32, confirmed: i32) -> Vec<Availability> {
    vec![Availability::new(BAR, capacity, held, confirmed)]
}

/// What is left of the hall.
fn of_hall(capacity: i32, held: i32, confirmed: i32) -> Vec<Availability> {
    vec![Availability::new(HALL, capacity, held, confirmed)]
}

/// An event with a bar for three and a hall of four seats, of which a user may have three units.
pub(crate) fn event() -> Event {
    let section = |id, name: &str, kind, capacity| Section {
        id,
        name: SectionName::parse(name).unwrap(),
        kind,
        capacity,
        price: None,
    };
    Event {
        id: EventId::from_u128(7),
        venue_id: VenueId::from_u128(2),
        title: EventTitle::parse("Concert").unwrap(),
        event_date: date!(2027 - 06 - 15),
        starts_at: None,
        ends_at: None,
        status: EventStatus::Open,
        sale_opens_at: Some(at(1)),
        sale_closes_at: Some(at(60)),
        units_per_user: Some(3),
        sections: vec![
            section(BAR, "Bar", SectionKind::Counted, 3),
            section(HALL, "Hall", SectionKind::Seated, 4),
        ],
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

/// The event after a change.
fn changed(before: &Event, minutes: i64, change: impl FnOnce(&mut Event)) -> Event {
    let mut event = Event { version: before.version + 1, updated_at: at(minutes), ..before.clone() };
    change(&mut event);
    event
}

/// A hold until `end`.
pub(crate) fn hold(number: u128, user: &str, minutes: i64, end: i64, units: Vec<Units>) -> Reservation {
    Reservation {
        id: id(number),
        event_id: event().id,
        venue_id: event().venue_id,
        user_id: UserId::parse(user).unwrap(),
        units,
        state: State::Hold { expires_at: at(end) },
        choice: None,
        version: 1,
        created_at: at(minutes),
        updated_at: at(minutes),
    }
}

fn confirmed() -> State {
    State::Confirmed { code: ConfirmationCode::from_random(7) }
}

pub(crate) fn held(reservation: &Reservation, sections: Vec<Availability>) -> Fact {
    Fact::ReservationHeld { reservation: reservation.clone(), sections }
}

/// A true log: alice holds two of the bar, confirms one of them and gives it up; the other one lapses; bob holds two seats,
/// has them longer, holds a third and confirms it with one of the two; carol takes what has lapsed, and gives it up. Then
/// the event is called off.
pub(crate) fn log() -> Vec<Entry> {
    let first = event();
    let alice = hold(1, "alice", 1, 10, vec![bar(2)]);
    let bob = hold(2, "bob", 2, 12, vec![hall(&["A1", "A2"])]);
    let alice_one = Reservation { units: vec![bar(1)], ..alice.with(alice.state.clone(), at(5)) };
    let rest = Reservation { id: id(3), units: vec![bar(1)], updated_at: at(5), ..alice.clone() };
    let alice_has = alice_one.with(confirmed(), at(5));
    let longer = bob.with(State::Hold { expires_at: at(20) }, at(6));
    let second = changed(&first, 7, |event| {
        event.sections[0].capacity = 4;
        event.sections[1].capacity = 5;
    });
    let added = vec![SeatsAdded { section_id: HALL, rows: vec![row("B", 2)] }];
    let removed = vec![SeatsRemoved { section_id: HALL, seats: seats(&["A4"]) }];
    let over = rest.with(State::Expired { expires_at: at(10) }, at(10));
    let carol = hold(4, "carol", 10, 20, vec![bar(2)]);
    let bob_third = hold(5, "bob", 13, 23, vec![hall(&["B2"])]);
    let bob_one = Reservation { units: vec![hall(&["A1"])], ..longer.with(longer.state.clone(), at(14)) };
    let bob_two = Reservation { units: vec![hall(&["B2", "A2"])], ..bob_third.with(confirmed(), at(14)) };
    let third = changed(&second, 15, |event| event.status = EventStatus::Cancelled);
    let (alice_by, bob_by, carol_by) = (Some("alice"), Some("bob"), Some("carol"));
    vec![
        (
            0,
            None,
            Fact::EventCreated {
                event: first,
                seats_added: vec![SeatsAdded { section_id: HALL, rows: vec![row("A", 4)] }],
            },
        ),
        (1, alice_by, held(&alice, of_bar(3, 2, 0))),
        (2, bob_by, held(&bob, of_hall(4, 2, 0))),
        (
            5,
            alice_by,
            Fact::ReservationSplit { reservation: alice_one, to: id(3), sections: of_bar(3, 2, 0) },
        ),
        (5, alice_by, held(&rest, of_bar(3, 2, 0))),
        (
            5,
            alice_by,
            Fact::ReservationConfirmed {
                reservation: alice_has.clone(),
                rest: Some(id(3)),
                sections: of_bar(3, 1, 1),
            },
        ),
        (6, bob_by, Fact::ReservationExtended { reservation: longer }),
        (7, None, Fact::EventUpdated { event: second, seats_added: added, seats_removed: removed }),
        (10, None, Fact::ReservationExpired { reservation: over, sections: of_bar(4, 0, 1) }),
        (10, carol_by, held(&carol, of_bar(4, 2, 1))),
        (
            11,
            carol_by,
            Fact::ReservationReleased {
                reservation: carol.with(State::Cancelled, at(11)),
                sections: of_bar(4, 0, 1),
            },
        ),
        (
            12,
            alice_by,
            Fact::ReservationCancelled {
                reservation: alice_has.with(State::Cancelled, at(12)),
                sections: of_bar(4, 0, 0),
            },
        ),
        (13, bob_by, held(&bob_third, of_hall(5, 3, 0))),
        (
            14,
            bob_by,
            Fact::ReservationSplit { reservation: bob_one.clone(), to: id(5), sections: of_hall(5, 3, 0) },
        ),
        (
            14,
            bob_by,
            Fact::ReservationConfirmed {
                reservation: bob_two.clone(),
                rest: None,
                sections: of_hall(5, 1, 2),
            },
        ),
        (
            15,
            None,
            Fact::ReservationCancelled {
                reservation: bob_one.with(State::Cancelled, at(15)),
                sections: of_hall(5, 0, 2),
            },
        ),
        (
            15,
            None,
            Fact::ReservationCancelled {
                reservation: bob_two.with(State::Cancelled, at(15)),
                sections: of_hall(5, 0, 0),
            },
        ),
        (15, None, Fact::EventCancelled { event: third }),
    ]
}

fn replayed(replay: &mut Replay, first: i64, log: Vec<Entry>) {
    for (seq, (minutes, actor, fact)) in (first..).zip(log) {
        let actor = actor.map(|actor| UserId::parse(actor).unwrap());
        let (seq, at, trace) = (Seq(seq), at(minutes), Trace::default());
        replay.step(&Change { tenant_id: TENANT, seq, at, actor, trace, fact });
    }
}

fn faults(log: Vec<Entry>) -> Vec<String> {
    let mut replay = Replay::default();
    replayed(&mut replay, 1, log);
    replay.finish().faults
}

/// What was done to the log at a seq.
fn broken(seq: usize, damage: impl FnOnce(&mut Entry)) -> Vec<String> {
    let mut log = log();
    damage(&mut log[seq - 1]);
    faults(log)
}

/// The reservation that a change tells of.
fn reservation(fact: &mut Fact) -> &mut Reservation {
    match fact {
        Fact::ReservationHeld { reservation, .. }
        | Fact::ReservationSplit { reservation, .. }
        | Fact::ReservationConfirmed { reservation, .. }
        | Fact::ReservationExtended { reservation }
        | Fact::ReservationExpired { reservation, .. }
        | Fact::ReservationReleased { reservation, .. }
        | Fact::ReservationCancelled { reservation, .. } => reservation,
        _ => panic!("of none"),
    }
}

/// The sections that a change tells of.
fn sections(fact: &mut Fact) -> &mut Vec<Availability> {
    match fact {
        Fact::ReservationHeld { sections, .. }
        | Fact::ReservationSplit { sections, .. }
        | Fact::ReservationConfirmed { sections, .. }
        | Fact::ReservationExpired { sections, .. }
        | Fact::ReservationReleased { sections, .. }
        | Fact::ReservationCancelled { sections, .. } => sections,
        _ => panic!("of none"),
    }
}

/// The event that a change tells of.
fn told_event(fact: &mut Fact) -> &mut Event {
    match fact {
        Fact::EventCreated { event, .. }
        | Fact::EventUpdated { event, .. }
        | Fact::EventCancelled { event } => event,
        _ => panic!("of none"),
    }
}

#[test]
fn a_true_log_has_no_fault_and_all_of_it_is_judged() {
    let mut replay = Replay::default();
    replayed(&mut replay, 1, log());
    assert!(replay.sales.halls.is_empty(), "nothing of an event that is called off is kept");
    let report = replay.finish();
    assert_eq!((report.faults, report.unjudged), (Vec::new(), 0));
    assert_eq!((report.holds, report.confirmations), (4, 2));
    assert!(report.p5_checks > 30, "{}", report.p5_checks);
}

#[test]
fn units_are_not_taken_while_a_hold_that_is_over_is_still_open() {
    let mut log = log();
    log.truncate(10);
    // Settled behind the one who takes, and not before.
    log.swap(8, 9);
    *sections(&mut log[8].2) = of_bar(4, 3, 1);
    *sections(&mut log[9].2) = of_bar(4, 2, 1);
    let found = faults(log);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("P5: reservation_held at seq 9 comes before reservation "), "{found:#?}");
}

#[test]
fn more_than_there_is_is_found_though_each_change_tells_it_true() {
    let mut log = log();
    log.truncate(2);
    let bob = hold(2, "bob", 2, 12, vec![bar(2)]);
    log.push((2, Some("bob"), held(&bob, of_bar(3, 4, 0))));
    let found = faults(log);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("P5: at seq 3 section "), "{found:#?}");
}

#[test]
fn an_event_is_called_off_in_steps_and_not_while_some_have_units_of_it() {
    let mut log = log();
    log.truncate(3);
    let off = |before: &Event, minutes, status| changed(before, minutes, |event| event.status = status);
    let cancelling = off(&event(), 3, EventStatus::Cancelling);
    let cancelled = off(&cancelling, 4, EventStatus::Cancelled);
    let gone = |entry: &mut Entry, sections| {
        let reservation = reservation(&mut entry.2).with(State::Cancelled, at(4));
        Fact::ReservationCancelled { reservation, sections }
    };
    let (alice, bob) = (gone(&mut log[1], of_bar(3, 0, 0)), gone(&mut log[2], of_hall(4, 0, 0)));
    log.push((3, None, Fact::EventCancelled { event: cancelling.clone() }));
    log.push((4, None, alice.clone()));
    let mut too_soon = log.clone();
    log.push((4, None, bob));
    log.push((4, None, Fact::EventCancelled { event: cancelled.clone() }));
    assert_eq!(faults(log), Vec::<String>::new());
    too_soon.push((4, None, Fact::EventCancelled { event: cancelled }));
    assert_eq!(faults(too_soon), ["log: event_cancelled at seq 6 comes while some have units of the event"]);
}

#[test]
fn seats_that_were_taken_out_come_back_and_may_be_held() {
    let mut log = log();
    log.truncate(8);
    let before = told_event(&mut log[7].2).clone();
    let back = changed(&before, 8, |event| event.sections[1].capacity = 6);
    let rows = |label: &str| {
        vec![Row::new(RowName::parse("A").unwrap(), RowSeats::Labels(seats(&[label])), 0, None).unwrap()]
    };
    let put_up = |label| Fact::EventUpdated {
        event: back.clone(),
        seats_added: vec![SeatsAdded { section_id: HALL, rows: rows(label) }],
        seats_removed: Vec::new(),
    };
    let dora = hold(6, "dora", 8, 18, vec![hall(&["A4"])]);
    let then = |fact| {
        let mut log = log.clone();
        log.push((8, None, fact));
        log.push((8, Some("dora"), held(&dora, of_hall(6, 3, 0))));
        faults(log)
    };
    assert_eq!(then(put_up("A4")), Vec::<String>::new());
    assert_eq!(then(put_up("A5")), ["P5: reservation_held at seq 10 holds seats that are not there"]);
}

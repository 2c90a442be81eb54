//! What there is of an event grows and shrinks, and what is taken of it stays.

use holdfast_domain::{
    EventStatus, SectionId,
    seating::{LayoutError, rows_of},
};
use holdfast_store::{AddSection, CancelEvent, Edit, NewUnits, Object, UpdateSection, WriteError};
use holdfast_testkit::{
    confirm, counted, create_event, hold_best, hold_seats, order, release, rows, seated, seats,
};

use crate::{Office, got};

fn change(office: &Office, section_id: SectionId) -> UpdateSection {
    UpdateSection {
        order: order("organiser"),
        event_id: office.event,
        section_id,
        versions: None,
        name: None,
        capacity: None,
        price: Edit::Keep,
        add: Vec::new(),
        remove: Vec::new(),
    }
}

fn add(office: &Office, section: holdfast_store::NewSection) -> AddSection {
    AddSection { order: order("organiser"), event_id: office.event, versions: None, section }
}

#[tokio::test]
async fn a_counted_section_shrinks_to_what_is_taken_and_no_further() {
    let office = Office::selling(vec![counted("Stalls", 10)]).await;
    let lanes = &office.scene.lanes;
    let id = office.event().await.sections[0].id;
    let held = office.hold(hold_best("alice", office.event, "Stalls", 3)).await.unwrap();
    office.hold(hold_best("bob", office.event, "Stalls", 2)).await.unwrap();
    lanes.confirm(confirm("alice", held.id)).await.unwrap();
    let to = |capacity| UpdateSection { capacity: Some(capacity), ..change(&office, id) };
    let refused = lanes.update_section(to(4)).await;
    assert!(matches!(refused, Err(WriteError::BelowTaken { taken: 5 })), "{refused:?}");
    let event = lanes.update_section(to(5)).await.unwrap().value;
    assert_eq!((event.version, event.sections[0].capacity), (2, 5));
    assert!(office.hold(hold_best("carol", office.event, "Stalls", 1)).await.is_err());
    lanes.update_section(to(6)).await.unwrap();
    office.hold(hold_best("carol", office.event, "Stalls", 1)).await.unwrap();
    let seats = UpdateSection { add: rows_of(seats(&["A1"])), ..change(&office, id) };
    assert!(matches!(lanes.update_section(seats).await, Err(WriteError::OtherKind)));
    office.is_faultless().await;
}

#[tokio::test]
async fn what_is_over_is_not_in_the_way_of_a_section_that_shrinks() {
    let office = Office::selling(vec![counted("Stalls", 10)]).await;
    let id = office.event().await.sections[0].id;
    let held = office.hold(hold_best("alice", office.event, "Stalls", 9)).await.unwrap();
    office.at(held.state.expires_at().unwrap()).await;
    let smaller = UpdateSection { capacity: Some(2), ..change(&office, id) };
    office.scene.lanes.update_section(smaller).await.unwrap();
    assert_eq!(office.left().await, [(2, 0, 0)]);
    office.is_faultless().await;
}

#[tokio::test]
async fn seats_come_and_go_and_those_in_use_stay() {
    let office = Office::selling(vec![rows("Hall", &[("A", 4)])]).await;
    let lanes = &office.scene.lanes;
    let id = office.event().await.sections[0].id;
    let held = office.hold(hold_seats("alice", office.event, &["A2"])).await.unwrap();
    let without = |labels: &[&str]| UpdateSection { remove: seats(labels), ..change(&office, id) };
    let with = |labels: &[&str]| UpdateSection { add: rows_of(seats(labels)), ..change(&office, id) };
    let refused = lanes.update_section(without(&["A1", "A2"])).await;
    assert!(matches!(refused, Err(WriteError::SeatsTaken(taken)) if taken == seats(&["A2"])));
    let refused = lanes.update_section(without(&["A1", "Z1"])).await;
    assert!(matches!(refused, Err(WriteError::UnknownSeats(unknown)) if unknown == seats(&["Z1"])));
    lanes.update_section(without(&["A1", "A4"])).await.unwrap();
    assert_eq!(office.left().await, [(1, 1, 0)]);
    let gone = office.hold(hold_seats("bob", office.event, &["A1"])).await;
    assert!(matches!(gone, Err(WriteError::UnknownSeats(_))), "{gone:?}");
    // One comes back, two are new, one of them beyond the block that there was.
    let event = lanes.update_section(with(&["A1", "B1", "B2"])).await.unwrap().value;
    assert_eq!(event.sections[0].capacity, 5);
    let refused = lanes.update_section(with(&["A2"])).await;
    assert!(matches!(refused, Err(WriteError::Seats(LayoutError::Duplicate { .. }))), "{refused:?}");
    office.hold(hold_seats("bob", office.event, &["A1", "B2"])).await.unwrap();
    lanes.release(release("alice", held.id)).await.unwrap();
    let rest = office.hold(hold_best("carol", office.event, "Hall", 3)).await.unwrap();
    assert_eq!(got(&rest)[0].2, "A2 A3 B1");
    office.is_faultless().await;
}

#[tokio::test]
async fn a_hall_that_grows_beyond_its_blocks_is_sold_like_any_other() {
    let office = Office::selling(vec![rows("Hall", &[("A", 1_000), ("B", 24)])]).await;
    let id = office.event().await.sections[0].id;
    office.hold(hold_seats("alice", office.event, &["B24"])).await.unwrap();
    let NewUnits::Seated(more) = rows("-", &[("C", 1_000), ("B", 6)]).units else { unreachable!() };
    let event = UpdateSection { add: more, ..change(&office, id) };
    let event = office.scene.lanes.update_section(event).await.unwrap().value;
    assert_eq!(event.sections[0].capacity, 2_030);
    let held = office.hold(hold_seats("bob", office.event, &["A1000", "B24", "C1000", "B30"])).await;
    assert!(matches!(held, Err(WriteError::SeatsTaken(taken)) if taken == seats(&["B24"])));
    office.hold(hold_seats("bob", office.event, &["A1000", "C1000", "B30"])).await.unwrap();
    office.is_faultless().await;
}

#[tokio::test]
async fn no_two_seats_of_an_event_and_no_two_of_its_sections_are_called_the_same() {
    let office = Office::selling(vec![seated("Hall", &["A1", "A2"]), counted("Stalls", 1)]).await;
    let lanes = &office.scene.lanes;
    let twice =
        lanes.create_event(create_event("Other", vec![seated("X", &["A1"]), seated("Y", &["A1"])])).await;
    assert!(matches!(twice, Err(WriteError::Seats(LayoutError::Duplicate { .. }))), "{twice:?}");
    let twice = lanes.create_event(create_event("Other", vec![counted("X", 1), counted("X", 2)])).await;
    assert!(matches!(twice, Err(WriteError::NameTaken(Object::Section))), "{twice:?}");
    let twice = lanes.add_section(add(&office, seated("Balcony", &["B1", "A2"]))).await;
    assert!(matches!(twice, Err(WriteError::Seats(LayoutError::Duplicate { .. }))), "{twice:?}");
    let twice = lanes.add_section(add(&office, counted("Stalls", 5))).await;
    assert!(matches!(twice, Err(WriteError::NameTaken(Object::Section))), "{twice:?}");
    let event = lanes.add_section(add(&office, seated("Balcony", &["B1"]))).await.unwrap().value;
    let names: Vec<&str> = event.sections.iter().map(|section| section.name.as_str()).collect();
    assert_eq!(names, ["Hall", "Stalls", "Balcony"]);
    office.hold(hold_seats("alice", office.event, &["B1", "A1"])).await.unwrap();
    office.is_faultless().await;
}

#[tokio::test]
async fn of_an_event_that_is_called_off_nothing_changes() {
    let office = Office::selling(vec![counted("Stalls", 1)]).await;
    let lanes = &office.scene.lanes;
    let id = office.event().await.sections[0].id;
    let cancel = CancelEvent { order: order("organiser"), id: office.event, versions: Some(vec![2]) };
    assert!(matches!(lanes.cancel_event(cancel.clone()).await, Err(WriteError::Stale { version: 1 })));
    lanes.cancel_event(CancelEvent { versions: Some(vec![1]), ..cancel }).await.unwrap();
    let over = |error: WriteError| matches!(error, WriteError::EventOver { status: EventStatus::Cancelled });
    assert!(over(lanes.add_section(add(&office, counted("More", 1))).await.unwrap_err()));
    let larger = UpdateSection { capacity: Some(9), ..change(&office, id) };
    assert!(over(lanes.update_section(larger).await.unwrap_err()));
    office.is_faultless().await;
}

//! A part of a hold is confirmed, and seats of several holds together: what is not asked for stays held, with the same end.

use holdfast_domain::{Kind, Reservation, ReservationStatus, reservation::WrongStanding};
use holdfast_store::{Part, WriteError};
use holdfast_testkit::{
    confirm, confirm_part, confirm_seats, counted, hold_best, hold_seats, release, rows, seats,
};

use crate::{Office, got};

fn seat_list(reservation: &Reservation) -> String {
    got(reservation).into_iter().map(|(.., seats)| seats).collect()
}

#[tokio::test]
async fn what_is_not_confirmed_of_a_hold_stays_held_until_the_same_end() {
    let office = Office::selling(vec![rows("Hall", &[("A", 4)]), counted("Stalls", 9)]).await;
    let lanes = &office.scene.lanes;
    let held = office.hold(hold_seats("alice", office.event, &["A1", "A2", "A3"])).await.unwrap();
    let part = Part::Seats(seats(&["A2"]));
    let confirmed = lanes.confirm(confirm_part("alice", held.id, part)).await.unwrap().value;
    assert_eq!((confirmed.reservation.id, seat_list(&confirmed.reservation)), (held.id, "A2".to_owned()));
    let again =
        lanes.confirm(confirm_part("alice", held.id, Part::Seats(seats(&["A2"])))).await.unwrap().value;
    assert_eq!(again, confirmed, "twice it is the same, with what stayed held");
    let rest = office.reservation(confirmed.rest.expect("the rest")).await;
    assert_eq!(seat_list(&rest), "A1 A3");
    assert_eq!((rest.state.clone(), rest.created_at), (held.state.clone(), held.created_at));
    assert_eq!(office.left().await[0], (1, 2, 1));
    let expected = [
        Kind::EventCreated,
        Kind::ReservationHeld,
        Kind::ReservationSplit,
        Kind::ReservationHeld,
        Kind::ReservationConfirmed,
    ];
    assert_eq!(office.told().await, expected);
    let code = |reservation: &Reservation| reservation.state.code().cloned().expect("a code");
    let all = lanes.confirm(confirm("alice", rest.id)).await.unwrap().value.reservation;
    assert_ne!(code(&all), code(&confirmed.reservation));

    let five = office.hold(hold_best("alice", office.event, "Stalls", 5)).await.unwrap();
    let two = lanes.confirm(confirm_part("alice", five.id, Part::Quantity(2))).await.unwrap().value;
    assert_eq!(two.reservation.quantity(), 2);
    lanes.release(release("alice", two.rest.unwrap())).await.unwrap();
    assert_eq!(office.left().await, [(1, 0, 3), (7, 0, 2)]);
    office.is_faultless().await;
}

#[tokio::test]
async fn a_part_that_a_hold_does_not_have_is_refused() {
    let office = Office::selling(vec![rows("Hall", &[("A", 4)]), counted("Stalls", 9)]).await;
    let lanes = &office.scene.lanes;
    let held = office.hold(hold_seats("alice", office.event, &["A1", "A2"])).await.unwrap();
    let parts = [
        Part::Seats(seats(&["A1", "A3"])),
        Part::Seats(Vec::new()),
        Part::Quantity(0),
        Part::Quantity(-1),
        Part::Quantity(3),
    ];
    for part in parts {
        let refused = lanes.confirm(confirm_part("alice", held.id, part.clone())).await;
        assert!(matches!(refused, Err(WriteError::NoSuchPart)), "{part:?}: {refused:?}");
    }
    assert_eq!(office.left().await, [(2, 2, 0), (9, 0, 0)]);
}

#[tokio::test]
async fn confirmed_twice_the_answer_is_the_same_and_a_part_of_it_is_another() {
    let office = Office::selling(vec![rows("Hall", &[("A", 4)])]).await;
    let lanes = &office.scene.lanes;
    let held = office.hold(hold_seats("alice", office.event, &["A1", "A2"])).await.unwrap();
    let once = lanes.confirm(confirm("alice", held.id)).await.unwrap().value;
    assert_eq!(lanes.confirm(confirm("alice", held.id)).await.unwrap().value, once);
    let all = Part::Seats(seats(&["A2", "A1"]));
    assert_eq!(lanes.confirm(confirm_part("alice", held.id, all)).await.unwrap().value, once);
    let part = lanes.confirm(confirm_part("alice", held.id, Part::Quantity(1))).await;
    assert!(matches!(part, Err(WriteError::Standing(WrongStanding::Closed { .. }))), "{part:?}");
    lanes.release(release("alice", held.id)).await.unwrap();
    let gone = lanes.confirm(confirm("alice", held.id)).await;
    let status = ReservationStatus::Cancelled;
    assert!(matches!(gone, Err(WriteError::Standing(WrongStanding::Closed { status: is })) if is == status));
    office.is_faultless().await;
}

#[tokio::test]
async fn seats_of_several_holds_become_one_reservation_and_the_others_stay_held() {
    let office = Office::selling(vec![rows("Hall", &[("A", 9)])]).await;
    let lanes = &office.scene.lanes;
    let mut held = Vec::new();
    for labels in [&["A1", "A2"][..], &["A3", "A4"], &["A5"], &["A6"]] {
        held.push(office.hold(hold_seats("alice", office.event, labels)).await.unwrap().id);
    }
    let asked = confirm_seats("alice", office.event, &["A2", "A3", "A5"]);
    let one = lanes.confirm_seats(asked).await.unwrap().value;
    assert_eq!((one.reservation.id, seat_list(&one.reservation)), (held[0], "A2 A3 A5".to_owned()));
    assert_eq!(seat_list(&office.reservation(one.rest.unwrap()).await), "A1");
    let others = [office.reservation(held[1]).await, office.reservation(held[2]).await];
    assert_eq!(
        others.each_ref().map(|other| (other.state.status(), seat_list(other))),
        [(ReservationStatus::Hold, "A4".to_owned()), (ReservationStatus::Cancelled, String::new()),]
    );
    assert_eq!(seat_list(&office.reservation(held[3]).await), "A6");
    assert_eq!(office.left().await, [(3, 3, 3)]);
    // The same again is the same, and a part of it is another.
    let again = confirm_seats("alice", office.event, &["A5", "A2", "A3"]);
    assert_eq!(lanes.confirm_seats(again).await.unwrap().value, one);
    for other in [&["A2"][..], &["A2", "A4"]] {
        let refused = lanes.confirm_seats(confirm_seats("alice", office.event, other)).await;
        assert!(matches!(refused, Err(WriteError::Standing(WrongStanding::Closed { .. }))), "{refused:?}");
    }
    lanes.release(release("alice", held[0])).await.unwrap();
    assert_eq!(office.left().await, [(6, 3, 0)]);
    office.is_faultless().await;
}

#[tokio::test]
async fn nobody_does_anything_with_what_is_anothers() {
    let office = Office::selling(vec![rows("Hall", &[("A", 4)])]).await;
    let lanes = &office.scene.lanes;
    let held = office.hold(hold_seats("alice", office.event, &["A1", "A2"])).await.unwrap();
    let own = office.hold(hold_seats("mallory", office.event, &["A3"])).await.unwrap();
    let is_hidden = |answer: Result<(), WriteError>| {
        matches!(answer, Err(WriteError::NotFound(holdfast_store::Object::Reservation)))
    };
    assert!(is_hidden(lanes.confirm(confirm("mallory", held.id)).await.map(drop)));
    assert!(is_hidden(lanes.extend(holdfast_testkit::extend("mallory", held.id, 60)).await.map(drop)));
    assert!(is_hidden(lanes.release(release("mallory", held.id)).await.map(drop)));
    let stolen = lanes.confirm_seats(confirm_seats("mallory", office.event, &["A3", "A1"])).await;
    assert!(matches!(stolen, Err(WriteError::SeatsNotHeld(not)) if not == seats(&["A1"])));
    assert_eq!(office.reservation(held.id).await, held);
    assert_eq!(office.reservation(own.id).await, own);
    office.is_faultless().await;
}

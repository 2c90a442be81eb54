//! The same key has one effect, whatever lies between the tries.

use futures_util::future::join_all;
use holdfast_domain::{Kind, ReservationStatus};
use holdfast_store::{HoldUnits, WriteError};
use holdfast_testkit::{
    confirm, confirm_seats, counted, hold_best, hold_seats, keyed, lock_seats, release, rows,
};
use uuid::Uuid;

use crate::Office;

/// The same request again, as another try of a client makes it: with ids of its own.
fn again(hold: &HoldUnits) -> HoldUnits {
    let mut again = hold.clone();
    again.id = Uuid::now_v7().into();
    again.order.command_id = Uuid::now_v7().into();
    again
}

#[tokio::test]
async fn a_hold_is_answered_as_it_was_though_it_is_over_by_now_and_all_is_sold() {
    let office = Office::selling(vec![counted("Stalls", 2)]).await;
    let mut hold = hold_best("alice", office.event, "Stalls", 2);
    hold.order.key = keyed("once", 1);
    let first = office.scene.lanes.hold(hold.clone()).await.unwrap();
    let twin = office.scene.lanes.hold(again(&hold)).await.unwrap();
    assert!(!first.replayed && twin.replayed);
    assert_eq!(first.value, twin.value);
    office.at(first.value.reservation.state.expires_at().unwrap()).await;
    office.hold(hold_best("bob", office.event, "Stalls", 2)).await.unwrap();
    let late = office.scene.lanes.hold(again(&hold)).await.unwrap();
    assert_eq!((late.value, late.replayed), (first.value, true));
    let mut other = again(&hold);
    other.order.key = keyed("once", 2);
    assert!(matches!(office.scene.lanes.hold(other).await, Err(WriteError::KeyReused)));
    office.is_faultless().await;
}

#[tokio::test]
async fn of_twins_at_once_one_takes_and_all_are_told_the_same() {
    let office = Office::selling(vec![rows("Hall", &[("A", 9)])]).await;
    let mut hold = hold_best("alice", office.event, "Hall", 2);
    hold.order.key = keyed("once", 1);
    let twins = (0..10).map(|_| office.scene.lanes.hold(again(&hold)));
    let answers = join_all(twins.collect::<Vec<_>>()).await;
    let ids: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().value.reservation.id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(office.left().await, [(7, 2, 0)]);
}

#[tokio::test]
async fn a_confirmation_is_answered_as_it_was_though_it_was_given_up_since() {
    let office = Office::selling(vec![rows("Hall", &[("A", 9)])]).await;
    let lanes = &office.scene.lanes;
    let held = office.hold(hold_seats("alice", office.event, &["A1", "A2"])).await.unwrap();
    let mut asked = confirm("alice", held.id);
    asked.order.key = keyed("confirm", 1);
    asked.part = holdfast_store::Part::Quantity(1);
    let first = lanes.confirm(asked.clone()).await.unwrap();
    lanes.release(release("alice", held.id)).await.unwrap();
    asked.order.command_id = Uuid::now_v7().into();
    let late = lanes.confirm(asked).await.unwrap();
    assert_eq!((late.value, late.replayed), (first.value, true));
    assert_eq!(office.reservation(held.id).await.state.status(), ReservationStatus::Cancelled);
}

#[tokio::test]
async fn seats_confirmed_under_a_key_are_answered_as_they_were() {
    let office = Office::selling(vec![rows("Hall", &[("A", 9)])]).await;
    let lanes = &office.scene.lanes;
    for seat in ["A1", "A2"] {
        office.hold(lock_seats("alice", office.event, &[seat])).await.unwrap();
    }
    let mut asked = confirm_seats("alice", office.event, &["A1", "A2"]);
    asked.order.key = keyed("request", 1);
    let first = lanes.confirm_seats(asked.clone()).await.unwrap();
    let confirmed =
        |kinds: Vec<Kind>| kinds.iter().filter(|kind| **kind == Kind::ReservationConfirmed).count();
    let mut late = asked.clone();
    (late.order.command_id, late.rest_id) = (Uuid::now_v7().into(), Uuid::now_v7().into());
    let again = lanes.confirm_seats(late).await.unwrap();
    assert_eq!((again.value, again.replayed), (first.value, true));
    assert_eq!(confirmed(office.told().await), 1);
    // Somebody else's request of that name is theirs.
    let mut stranger = confirm_seats("mallory", office.event, &["A1", "A2"]);
    stranger.order.key = keyed("request", 1);
    assert!(matches!(lanes.confirm_seats(stranger).await, Err(WriteError::SeatsNotHeld(_))));
}

#[tokio::test]
async fn a_lock_of_ones_own_seats_under_a_key_is_answered_as_it_was_though_they_are_anothers_by_now() {
    let office = Office::selling(vec![rows("Hall", &[("A", 9)])]).await;
    let mine = office.hold(lock_seats("alice", office.event, &["A1"])).await.unwrap();
    office.hold(hold_seats("bob", office.event, &["A5"])).await.unwrap();
    let mut lock = lock_seats("alice", office.event, &["A1"]);
    lock.order.key = keyed("lock", 1);
    let first = office.scene.lanes.hold(again(&lock)).await.unwrap();
    assert_eq!((&first.value.reservation, first.replayed), (&mine, false));
    office.at(mine.state.expires_at().unwrap()).await;
    office.hold(hold_seats("bob", office.event, &["A1"])).await.unwrap();
    let late = office.scene.lanes.hold(again(&lock)).await.unwrap();
    assert_eq!((late.value, late.replayed), (first.value, true));
    let mut other = again(&lock);
    other.order.key = keyed("lock", 2);
    assert!(matches!(office.scene.lanes.hold(other).await, Err(WriteError::KeyReused)));
}

#[tokio::test]
async fn seats_that_were_confirmed_already_keep_the_key_that_asks_for_them_again() {
    let office = Office::selling(vec![rows("Hall", &[("A", 9)])]).await;
    let lanes = &office.scene.lanes;
    office.hold(lock_seats("alice", office.event, &["A1"])).await.unwrap();
    let once = lanes.confirm_seats(confirm_seats("alice", office.event, &["A1"])).await.unwrap().value;
    let mut asked = confirm_seats("alice", office.event, &["A1"]);
    asked.order.key = keyed("second", 1);
    let second = lanes.confirm_seats(asked.clone()).await.unwrap();
    assert_eq!((&second.value, second.replayed), (&once, false));
    lanes.release(release("alice", once.reservation.id)).await.unwrap();
    asked.order.command_id = Uuid::now_v7().into();
    let late = lanes.confirm_seats(asked).await.unwrap();
    assert_eq!((late.value, late.replayed), (once, true));
}

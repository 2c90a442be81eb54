//! A hold ends on its moment, on the shard's clock: never sooner, never confirmable later, whoever has noticed.

use holdfast_domain::{Kind, ReservationStatus, reservation::WrongStanding};
use holdfast_store::WriteError;
use holdfast_testkit::{confirm, counted, extend, hold_best, hold_seats, lock_seats, release, rows, shard};
use time::Duration;

use crate::Office;

const MOMENT: Duration = Duration::MICROSECOND;

fn is_over<T>(answer: &Result<T, WriteError>) -> bool {
    matches!(answer, Err(WriteError::Standing(WrongStanding::Ended { .. })))
}

#[tokio::test]
async fn a_hold_is_confirmed_just_before_its_end_and_not_on_it() {
    let office = Office::selling(vec![counted("Stalls", 2)]).await;
    let lanes = &office.scene.lanes;
    let held = [
        office.hold(hold_best("alice", office.event, "Stalls", 1)).await.unwrap(),
        office.hold(hold_best("alice", office.event, "Stalls", 1)).await.unwrap(),
    ];
    let ends = [held[0].state.expires_at().unwrap(), held[1].state.expires_at().unwrap()];
    assert_eq!(ends[0] - held[0].created_at, Duration::minutes(10));
    office.at(ends[0] - MOMENT).await;
    lanes.confirm(confirm("alice", held[0].id)).await.unwrap();
    office.at(ends[1]).await;
    assert!(is_over(&lanes.confirm(confirm("alice", held[1].id)).await));
    assert!(is_over(&lanes.extend(extend("alice", held[1].id, 60)).await));
    assert_eq!(office.reservation(held[1].id).await.state.status(), ReservationStatus::Expired);
    // Nothing is left to give, and that is no error.
    lanes.release(release("alice", held[1].id)).await.unwrap();
    let again = lanes.confirm(confirm("alice", held[0].id)).await.unwrap();
    assert_eq!(again.value.reservation.state.status(), ReservationStatus::Confirmed);
    office.is_faultless().await;
}

#[tokio::test]
async fn a_confirmation_that_waited_for_the_head_is_judged_when_it_has_it() {
    let office = Office::selling(vec![counted("Stalls", 1)]).await;
    let held = office.hold(hold_best("alice", office.event, "Stalls", 1)).await.unwrap();
    let end = held.state.expires_at().unwrap();
    office.at(end - MOMENT).await;
    let other = office.scene.test.client().await;
    other.batch_execute("BEGIN").await.unwrap();
    other.execute("SELECT FROM heads WHERE shard = $1 FOR UPDATE", &[&shard().number()]).await.unwrap();
    let late = async {
        holdfast_testkit::eventually("the confirmation waits", async || {
            let waiting = "SELECT count(*) FROM pg_stat_activity
                           WHERE datname = current_database() AND wait_event_type = 'Lock'";
            let client = office.scene.test.client().await;
            (client.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 1).then_some(())
        })
        .await;
        let nanos = end.unix_timestamp_nanos() / 1_000;
        let set = format!("UPDATE heads SET at = timestamptz 'epoch' + {nanos} * interval '1 microsecond'");
        other.batch_execute(&format!("{set} WHERE shard = {}; COMMIT", shard())).await.unwrap();
    };
    let (answer, ()) = tokio::join!(office.scene.lanes.confirm(confirm("alice", held.id)), late);
    assert!(is_over(&answer));
}

#[tokio::test]
async fn the_moment_a_hold_ends_another_has_its_units_though_no_worker_runs() {
    let office = Office::selling(vec![counted("Stalls", 1), rows("Hall", &[("A", 2)])]).await;
    let counted = office.hold(hold_best("alice", office.event, "Stalls", 1)).await.unwrap();
    let seats = office.hold(hold_seats("alice", office.event, &["A1", "A2"])).await.unwrap();
    let end = seats.state.expires_at().unwrap();
    office.at(counted.state.expires_at().unwrap() - MOMENT).await;
    assert!(office.hold(hold_best("bob", office.event, "Stalls", 1)).await.is_err());
    office.at(end).await;
    assert_eq!(office.left().await, [(1, 0, 0), (2, 0, 0)], "readers count what is over as free");
    assert!(office.now().await.settling);
    office.hold(hold_best("bob", office.event, "Stalls", 1)).await.unwrap();
    office.hold(hold_seats("bob", office.event, &["A2"])).await.unwrap();
    assert_eq!(office.left().await, [(0, 1, 0), (1, 1, 0)]);
    assert!(!office.now().await.settling);
    let expected = [
        Kind::EventCreated,
        Kind::ReservationHeld,
        Kind::ReservationHeld,
        Kind::ReservationExpired,
        Kind::ReservationExpired,
        Kind::ReservationHeld,
        Kind::ReservationHeld,
    ];
    assert_eq!(office.told().await, expected);
    office.is_faultless().await;
}

#[tokio::test]
async fn what_is_settled_stays_so_though_the_command_behind_it_is_refused() {
    let office = Office::selling(vec![counted("Stalls", 1)]).await;
    let held = office.hold(hold_best("alice", office.event, "Stalls", 1)).await.unwrap();
    office.at(held.state.expires_at().unwrap()).await;
    assert!(office.hold(hold_best("bob", office.event, "Stalls", 2)).await.is_err());
    assert_eq!(office.told().await.last(), Some(&Kind::ReservationExpired));
    assert!(!office.now().await.settling);
    office.is_faultless().await;
}

#[tokio::test]
async fn a_hold_is_extended_up_to_the_ceiling_and_never_cut_short() {
    let office = Office::selling(vec![counted("Stalls", 1)]).await;
    let lanes = &office.scene.lanes;
    let held = office.hold(hold_best("alice", office.event, "Stalls", 1)).await.unwrap();
    let end = held.state.expires_at().unwrap();
    let same = lanes.extend(extend("alice", held.id, 1)).await.unwrap().value.reservation;
    assert_eq!((same.state.expires_at(), same.version), (Some(end), 1));
    office.at(end - Duration::MINUTE).await;
    let more = lanes.extend(extend("alice", held.id, 600)).await.unwrap().value.reservation;
    assert_eq!((more.state.expires_at(), more.version), (Some(end + Duration::minutes(9)), 2));
    let most = 120 * 60 - 9 * 60;
    let ceiling = lanes.extend(extend("alice", held.id, most)).await.unwrap().value.reservation;
    assert_eq!(ceiling.state.expires_at(), Some(held.created_at + Duration::hours(2)));
    let beyond = lanes.extend(extend("alice", held.id, most + 1)).await;
    assert!(
        matches!(beyond, Err(WriteError::Standing(WrongStanding::TooLong { most_seconds })) if most_seconds == most)
    );
    office.is_faultless().await;
}

#[tokio::test]
async fn own_seats_that_are_locked_again_keep_their_end() {
    let office = Office::selling(vec![rows("Hall", &[("A", 4)])]).await;
    let first = office.hold(lock_seats("alice", office.event, &["A1", "A2"])).await.unwrap();
    office.at(first.created_at + Duration::MINUTE).await;
    let again = office.hold(lock_seats("alice", office.event, &["A2"])).await.unwrap();
    assert_eq!(again, first);
    let more = office.hold(lock_seats("alice", office.event, &["A2", "A3"])).await.unwrap();
    assert_eq!((more.quantity(), more.state.expires_at()), (1, first.state.expires_at()));
    let other = office.hold(lock_seats("bob", office.event, &["A3", "A4"])).await;
    assert!(matches!(other, Err(WriteError::SeatsTaken(taken)) if taken == holdfast_testkit::seats(&["A3"])));
    office.at(first.state.expires_at().unwrap()).await;
    let anew = office.hold(lock_seats("alice", office.event, &["A1", "A2", "A3"])).await.unwrap();
    assert_eq!(anew.quantity(), 3);
    office.is_faultless().await;
}

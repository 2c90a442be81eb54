//! What is over is settled in slices, by whoever comes first; and nobody slips in before it.

use std::time::Duration;

use futures_util::future::join_all;
use holdfast_domain::{EventStatus, Kind, Seq};
use holdfast_store::{CancelEvent, Error, LaneSettings, Lanes, StepLimits, WriteError};
use holdfast_testkit::{
    confirm, counted, create_event, hold_best, hold_seats, join, lane_settings, order, rows, shard,
};

use crate::Office;

fn cancel(office: &Office) -> CancelEvent {
    CancelEvent { order: order("organiser"), id: office.event, versions: None }
}

/// So many holds of one unit each; when the last of them ends.
async fn held(office: &Office, count: usize) -> time::OffsetDateTime {
    let holds =
        (0..count).map(|taker| office.hold(hold_best(&format!("user-{taker}"), office.event, "Stalls", 1)));
    let held = join_all(holds.collect::<Vec<_>>()).await;
    let end = held.into_iter().map(|held| held.expect("a hold").state.expires_at()).max();
    end.flatten().expect("an end")
}

impl Office {
    /// Somebody wants a unit while a transaction takes a second or longer: in how many seconds they are told to try again.
    async fn is_told_to_wait(&self, lanes: &Lanes) -> u32 {
        let head = self.scene.test.hold(shard()).await;
        let (refused, ()) = tokio::join!(lanes.hold(hold_best("late", self.event, "Stalls", 1)), async {
            head.awaited_by(1).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            head.release().await;
        });
        let Err(WriteError::Store(Error::Backlog { reason, retry_after_seconds })) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(reason, "holds that are over are still being settled");
        retry_after_seconds
    }
}

#[tokio::test]
async fn a_thousand_holds_that_end_at_once_are_settled_in_slices_and_the_next_command_comes_through() {
    let office = Office::selling(vec![counted("Stalls", 1_000)]).await;
    let end = held(&office, 1_000).await;
    office.at(end).await;
    let other = create_event("Other", vec![counted("Stalls", 1)]);
    let elsewhere = office.scene.lanes.create_event(other).await.unwrap().value.id;
    let (all, one) = tokio::join!(
        office.hold(hold_best("late", office.event, "Stalls", 100)),
        office.hold(hold_best("late", elsewhere, "Stalls", 1)),
    );
    all.unwrap();
    one.unwrap();
    assert_eq!(office.left().await, [(900, 100, 0)]);
    let told = office.told().await;
    assert_eq!(told.iter().filter(|kind| **kind == Kind::ReservationExpired).count(), 1_000);
    // In each transaction two hundred at most.
    let expired_at_once = "SELECT count(*) FROM reservations WHERE status = 'EXPIRED' GROUP BY xmin::text";
    let rows = office.scene.test.client().await.query(expired_at_once, &[]).await.unwrap();
    assert!(rows.iter().all(|row| row.get::<_, i64>(0) <= 200) && rows.len() >= 5);
    office.is_faultless().await;
}

#[tokio::test]
async fn who_would_wait_for_too_long_behind_what_is_over_is_told_when_to_try_and_what_was_settled_stays() {
    let office = Office::selling(vec![counted("Stalls", 1_000)]).await;
    let end = held(&office, 1_000).await;
    office.at(end).await;
    let settings = LaneSettings { lane_wait_millis: 100, ..lane_settings() };
    let hasty = Lanes::new(office.scene.database.clone(), settings, |_| {});
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(office.is_told_to_wait(&hasty).await);
    }
    // Half of a second at least for each of four transactions, and then three quarters for each of three, and so on.
    assert!(told.iter().zip([2, 3, 2, 1]).all(|(told, least)| *told >= least), "{told:?}");
    hasty.hold(hold_best("late", office.event, "Stalls", 1)).await.unwrap();
    assert_eq!(office.left().await, [(999, 1, 0)]);
    office.is_faultless().await;
}

#[tokio::test]
async fn who_would_wait_behind_a_line_is_told_as_well() {
    let office = Office::selling(vec![counted("Stalls", 700)]).await;
    let end = held(&office, 700).await;
    let lanes = &office.scene.lanes;
    let joins = (0..600)
        .map(|number| lanes.join_waitlist(join(&format!("waits-{number}"), office.event, "Stalls", 1)));
    assert!(join_all(joins.collect::<Vec<_>>()).await.iter().all(Result::is_ok));
    office.at(end).await;
    let settings = LaneSettings { lane_wait_millis: 100, ..lane_settings() };
    let hasty = Lanes::new(office.scene.database.clone(), settings, |_| {});
    // 500 holds that are over, and as many offers: five transactions, of half of a second at least.
    assert!(office.is_told_to_wait(&hasty).await >= 3);
}

#[tokio::test]
async fn those_who_want_units_of_an_event_that_is_being_settled_take_half_of_the_places() {
    let settings = LaneSettings { lane_queue: 8, lane_wait_millis: 60_000, ..lane_settings() };
    let office = Office::selling(vec![counted("Stalls", 1_000)]).await;
    let end = held(&office, 1_000).await;
    office.at(end).await;
    let other = create_event("Other", vec![counted("Stalls", 1)]);
    let elsewhere = office.scene.lanes.create_event(other).await.unwrap().value.id;
    let narrow = Lanes::new(office.scene.database.clone(), settings, |_| {});
    let head = office.scene.test.hold(shard()).await;
    let late = (0..7).map(|_| narrow.hold(hold_best("late", office.event, "Stalls", 1)));
    let (late, other, ()) = tokio::join!(
        join_all(late.collect::<Vec<_>>()),
        narrow.hold(hold_best("late", elsewhere, "Stalls", 1)),
        async {
            head.awaited_by(1).await;
            head.release().await;
        },
    );
    other.unwrap();
    let held = late.iter().filter(|late| late.is_ok()).count();
    let told =
        late.iter().filter(|late| matches!(late, Err(WriteError::Store(Error::Backlog { .. })))).count();
    assert_eq!((held, told), (4, 3));
    office.is_faultless().await;
}

#[tokio::test]
async fn an_event_with_one_hold_that_is_over_does_not_wait_for_one_with_a_thousand() {
    let office = Office::selling(vec![counted("Stalls", 1_000)]).await;
    let other = create_event("Other", vec![counted("Stalls", 1)]);
    let elsewhere = office.scene.lanes.create_event(other).await.unwrap().value.id;
    office.hold(hold_best("early", elsewhere, "Stalls", 1)).await.unwrap();
    let end = held(&office, 1_000).await;
    office.at(end).await;
    let crowd =
        (0..20).map(|taker| office.hold(hold_best(&format!("late-{taker}"), office.event, "Stalls", 1)));
    let (crowd, one) = tokio::join!(
        join_all(crowd.collect::<Vec<_>>()),
        office.hold(hold_best("late", elsewhere, "Stalls", 1)),
    );
    assert!(crowd.iter().all(Result::is_ok));
    let one = one.unwrap().id;
    let log = office.scene.test.log(shard()).await;
    let behind =
        log.iter().skip_while(|change| change.fact.reservation().is_none_or(|other| other.id != one));
    let behind = behind.filter(|change| change.fact.kind() == Kind::ReservationExpired).count();
    assert!(behind > 500, "it waited for the other event: {behind}");
    office.is_faultless().await;
}

#[tokio::test]
async fn a_step_settles_what_is_over_though_nobody_wants_it() {
    let office = Office::selling(vec![counted("Stalls", 300), rows("Hall", &[("A", 5)])]).await;
    office.hold(hold_seats("alice", office.event, &["A1", "A3"])).await.unwrap();
    let kept = office.hold(hold_seats("alice", office.event, &["A2"])).await.unwrap();
    office.scene.lanes.confirm(confirm("alice", kept.id)).await.unwrap();
    let end = held(&office, 250).await;
    let look = office.scene.database.look(shard(), StepLimits::default(), Seq(0)).await.unwrap();
    assert!(!look.unsettled && look.settles_in.is_some_and(|wait| wait > time::Duration::minutes(9)));
    let nothing = office.scene.database.settle_reservations(shard()).await.unwrap();
    assert_eq!(nothing, holdfast_store::Settled::default());
    office.at(end + time::Duration::milliseconds(50)).await;
    let look = office.scene.database.look(shard(), StepLimits::default(), Seq(0)).await.unwrap();
    assert!(look.unsettled);
    let mut steps = Vec::new();
    loop {
        let step = office.scene.database.settle_reservations(shard()).await.unwrap();
        if step.reservations == 0 {
            break;
        }
        steps.push(step.reservations);
    }
    assert_eq!(steps, [200, 51]);
    assert_eq!(office.left().await, [(300, 0, 0), (4, 0, 1)]);
    let look = office.scene.database.look(shard(), StepLimits::default(), Seq(0)).await.unwrap();
    assert!(!look.unsettled && look.settles_in.is_none());
    office.is_faultless().await;
}

#[tokio::test]
async fn an_event_of_few_is_called_off_at_once_and_all_who_had_units_are_told() {
    let office = Office::selling(vec![counted("Stalls", 9), rows("Hall", &[("A", 5)])]).await;
    office.hold(hold_best("alice", office.event, "Stalls", 2)).await.unwrap();
    let bobs = office.hold(hold_seats("bob", office.event, &["A1", "A2"])).await.unwrap();
    office.scene.lanes.confirm(confirm("bob", bobs.id)).await.unwrap();
    office.scene.lanes.cancel_event(cancel(&office)).await.unwrap();
    office.scene.lanes.cancel_event(cancel(&office)).await.unwrap();
    assert_eq!(office.event().await.status, EventStatus::Cancelled);
    assert_eq!(office.left().await, [(9, 0, 0), (5, 0, 0)]);
    let told = office.told().await;
    let last = [Kind::ReservationCancelled, Kind::ReservationCancelled, Kind::EventCancelled];
    assert_eq!(told[told.len() - 3..], last);
    assert!(office.hold(hold_best("alice", office.event, "Stalls", 1)).await.is_err());
    office.is_faultless().await;
}

#[tokio::test]
async fn an_event_of_many_is_called_off_in_steps_and_nothing_of_it_is_to_be_had_meanwhile() {
    let office = Office::selling(vec![counted("Stalls", 500)]).await;
    held(&office, 450).await;
    let kept = office.hold(hold_best("alice", office.event, "Stalls", 1)).await.unwrap();
    office.scene.lanes.cancel_event(cancel(&office)).await.unwrap();
    assert_eq!(office.event().await.status, EventStatus::Cancelling);
    assert!(office.scene.lanes.confirm(confirm("alice", kept.id)).await.is_err());
    assert!(office.hold(hold_best("alice", office.event, "Stalls", 1)).await.is_err());
    let mut steps = Vec::new();
    loop {
        let step = office.scene.database.settle_reservations(shard()).await.unwrap();
        if !step.has_grown {
            break;
        }
        steps.push(step.reservations);
    }
    assert_eq!(steps, [200, 200, 51]);
    assert_eq!(office.event().await.status, EventStatus::Cancelled);
    assert_eq!(office.left().await, [(500, 0, 0)]);
    assert_eq!(office.told().await.last(), Some(&Kind::EventCancelled));
    office.is_faultless().await;
}

//! How a line ends, or rests; and that what can't be settled keeps no other waiting.

use holdfast_store::Error;

use super::*;

#[tokio::test]
async fn closing_the_event_ends_its_line_in_steps_and_all_in_it_are_told() {
    let (office, _) = sold_out(1).await;
    let joins = (0..450).map(|number| {
        office.scene.lanes.join_waitlist(join(&format!("w-{number}"), office.event, "Stalls", 1))
    });
    for joined in join_all(joins.collect::<Vec<_>>()).await {
        joined.unwrap();
    }
    office.scene.lanes.update_event(on_sale(office.event, EventStatus::Closed)).await.unwrap();
    // Who wants units is refused at once, however many are still in line.
    let refused = office.hold(hold_best("eve", office.event, "Stalls", 1)).await;
    assert!(matches!(refused, Err(WriteError::NotOnSale(_))), "{refused:?}");
    office.settles().await;
    assert_eq!(office.now().await.waiting, 0);
    let ended = office.place("w-17").await.entry.state;
    assert_eq!(ended, WaitlistState::Ended { reason: Ending::SaleOver });
    let told = office.told().await;
    assert_eq!(told.iter().filter(|kind| **kind == Kind::WaitlistEnded).count(), 450);
    office.is_faultless().await;
}

#[tokio::test]
async fn an_event_that_is_called_off_takes_leave_of_its_line_first() {
    let (office, _) = sold_out(3).await;
    office.joins(join("ann", office.event, "Stalls", 1)).await;
    office.scene.lanes.cancel_event(cancel(&office)).await.unwrap();
    assert_eq!(office.event().await.status, EventStatus::Cancelling);
    office.settles().await;
    assert_eq!(office.event().await.status, EventStatus::Cancelled);
    assert_eq!(office.status("ann").await, WaitlistStatus::Ended);
    let told = office.told().await;
    let ended = told.iter().position(|kind| *kind == Kind::WaitlistEnded).unwrap();
    let off = told.iter().position(|kind| *kind == Kind::ReservationCancelled).unwrap();
    assert!(ended < off && told.last() == Some(&Kind::EventCancelled));
    office.is_faultless().await;
}

#[tokio::test]
async fn a_line_ends_with_the_sale_and_rests_before_it() {
    let (office, holds) = sold_out(1).await;
    let at = office.joins(join("ann", office.event, "Stalls", 1)).await.created_at;
    let (opens, closes) = (at + Duration::hours(1), at + Duration::hours(2));
    let moved = selling_between(&office, Edit::Set(opens), Edit::Set(closes));
    office.scene.lanes.update_event(moved).await.unwrap();
    office.scene.lanes.release(release("holder", holds[0])).await.unwrap();
    assert_eq!(office.settles().await.served, 0);
    assert_eq!(office.status("ann").await, WaitlistStatus::Waiting);
    let look = office.scene.database.look(shard(), StepLimits::default(), Seq(0)).await.unwrap();
    assert!(!look.unsettled && look.settles_in.is_some_and(|wait| wait > Duration::minutes(50)));
    // The sale opens, and the first in line comes before the first at the door.
    office.at(opens).await;
    assert!(office.hold(hold_best("eve", office.event, "Stalls", 1)).await.is_err());
    assert_eq!(office.in_turn().await, ["ann"]);
    office.joins(join("ben", office.event, "Stalls", 1)).await;
    office.at(closes).await;
    office.settles().await;
    assert_eq!(office.place("ben").await.entry.state, WaitlistState::Ended { reason: Ending::SaleOver });
    office.is_faultless().await;
}

#[tokio::test]
async fn who_has_as_many_as_they_may_is_taken_out_of_line_when_their_turn_comes() {
    let (office, holds) = sold_out(2).await;
    office.joins(join("ann", office.event, "Stalls", 1)).await;
    office.joins(join("ben", office.event, "Stalls", 1)).await;
    let limit = UpdateEvent {
        units_per_user: Edit::Set(1),
        status: None,
        ..on_sale(office.event, EventStatus::Open)
    };
    office.scene.lanes.release(release("holder", holds[0])).await.unwrap();
    office.settles().await;
    office.scene.lanes.update_event(limit).await.unwrap();
    // Ann holds what she was offered: she may not have another.
    let more = office.scene.lanes.join_waitlist(join("ann", office.event, "Stalls", 1)).await;
    assert!(matches!(more, Err(WriteError::TooManyUnits { limit: 1, has: 1 })), "{more:?}");
    let none =
        UpdateEvent { units_per_user: Edit::Clear, status: None, ..on_sale(office.event, EventStatus::Open) };
    office.scene.lanes.update_event(none).await.unwrap();
    office.joins(join("ann", office.event, "Stalls", 1)).await;
    let limit = UpdateEvent {
        units_per_user: Edit::Set(1),
        status: None,
        ..on_sale(office.event, EventStatus::Open)
    };
    office.scene.lanes.update_event(limit).await.unwrap();
    office.joins(join("cid", office.event, "Stalls", 1)).await;
    office.scene.lanes.release(release("holder", holds[1])).await.unwrap();
    office.settles().await;
    assert_eq!(office.in_turn().await, ["ann", "ben"]);
    let offer = office.place("ben").await.entry.state.reservation_id().unwrap();
    office.scene.lanes.release(release("ben", offer)).await.unwrap();
    office.settles().await;
    assert_eq!(office.place("ann").await.entry.state, WaitlistState::Ended { reason: Ending::LimitReached });
    assert_eq!(office.in_turn().await, ["ann", "ben", "cid"]);
    office.is_faultless().await;
}

#[tokio::test]
async fn a_step_in_which_nobody_fits_says_that_it_wrote_so_that_the_next_deadline_is_looked_for() {
    let (office, holds) = sold_out(2).await;
    office.joins(join("ann", office.event, "Stalls", 2)).await;
    office.scene.lanes.release(release("holder", holds[0])).await.unwrap();
    let step = office.scene.database.settle_reservations(shard()).await.unwrap();
    assert_eq!(step, Settled { has_written: true, ..Settled::default() });
    assert_eq!(office.scene.database.settle_reservations(shard()).await.unwrap(), Settled::default());
    let look = office.scene.database.look(shard(), StepLimits::default(), Seq(0)).await.unwrap();
    assert!(look.settles_in.is_some_and(|wait| wait > Duration::minutes(9)), "the other hold's end");
}

#[tokio::test]
async fn an_event_that_can_not_be_settled_keeps_no_other_waiting() {
    let (office, holds) = sold_out(1).await;
    office.joins(join("ann", office.event, "Stalls", 1)).await;
    let other = create_event("Other", vec![counted("Stalls", 1)]);
    let elsewhere = office.scene.lanes.create_event(other).await.unwrap().value.id;
    let held = office.hold(hold_best("holder", elsewhere, "Stalls", 1)).await.unwrap().id;
    office.joins(join("ben", elsewhere, "Stalls", 1)).await;
    office.scene.lanes.release(release("holder", holds[0])).await.unwrap();
    office.scene.lanes.release(release("holder", held)).await.unwrap();
    // As if a defect of ours had written it.
    office.scene.test.sql("UPDATE waitlist SET request = '{}' WHERE user_id = 'ann'").await;
    office.settles().await;
    assert_eq!(office.in_turn().await, ["ben"]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_nobody_waiting() {
    let (office, holds) = sold_out(1).await;
    let at = office.joins(join("ann", office.event, "Stalls", 1)).await.created_at;
    office.at(at + Duration::hours(1)).await;
    office.joins(join("ben", office.event, "Stalls", 2)).await;
    office.scene.lanes.release(release("holder", holds[0])).await.unwrap();
    office.scene.test.database().set_clock_back(shard()).await.unwrap().expect("it was ahead");
    assert!(office.hold(hold_best("eve", office.event, "Stalls", 1)).await.is_err());
    assert_eq!(office.in_turn().await, ["ann"]);
    office.is_faultless().await;
}

#[tokio::test]
async fn who_was_told_that_the_sale_is_over_is_not_passed_by_those_who_are_not_told_yet() {
    let (office, holds) = sold_out(1).await;
    let joins = (0..250).map(|number| {
        office.scene.lanes.join_waitlist(join(&format!("w-{number}"), office.event, "Stalls", 1))
    });
    assert!(join_all(joins.collect::<Vec<_>>()).await.iter().all(Result::is_ok));
    let lanes = &office.scene.lanes;
    lanes.update_event(on_sale(office.event, EventStatus::Closed)).await.unwrap();
    for _ in 0..2 {
        let too_soon = lanes.update_event(on_sale(office.event, EventStatus::Open)).await;
        assert!(matches!(too_soon, Err(WriteError::Store(Error::Busy(_)))), "{too_soon:?}");
        office.scene.database.settle_reservations(shard()).await.unwrap();
    }
    lanes.update_event(on_sale(office.event, EventStatus::Open)).await.unwrap();
    lanes.release(release("holder", holds[0])).await.unwrap();
    assert_eq!((office.settles().await.served, office.now().await.waiting), (0, 0));
    office.is_faultless().await;
}

#[tokio::test]
async fn a_hold_that_can_not_be_read_keeps_no_other_event_waiting() {
    let (office, holds) = sold_out(1).await;
    office.joins(join("ann", office.event, "Stalls", 1)).await;
    let other = create_event("Other", vec![counted("Stalls", 3)]);
    let elsewhere = office.scene.lanes.create_event(other).await.unwrap().value.id;
    let mut end = office.reservation(holds[0]).await.state.expires_at();
    for taker in ["a", "b", "c"] {
        end = office.hold(hold_best(taker, elsewhere, "Stalls", 1)).await.unwrap().state.expires_at();
    }
    office.joins(join("ben", elsewhere, "Stalls", 2)).await;
    office.at(end.unwrap()).await;
    // As if a defect of ours had written it.
    let broken = format!("UPDATE reservations SET units = '{{}}' WHERE id = '{}'", holds[0]);
    office.scene.test.sql(&broken).await;
    let settled = office.settles().await;
    assert_eq!((settled.reservations, settled.served), (3, 1));
    assert_eq!(office.in_turn().await, ["ben"]);
    // Whoever wants its units is told so, and nobody else.
    let (own, others) = tokio::join!(
        office.hold(hold_best("eve", office.event, "Stalls", 1)),
        office.hold(hold_best("eve", elsewhere, "Stalls", 1)),
    );
    assert!(matches!(own, Err(WriteError::Store(Error::Defect(_)))), "{own:?}");
    others.unwrap();
}

#[tokio::test]
async fn who_comes_again_is_not_passed_though_the_batch_fell_apart_over_another_event() {
    let (office, holds) = sold_out(300).await;
    let broken = create_event("Broken", vec![counted("Stalls", 1)]);
    let broken = office.scene.lanes.create_event(broken).await.unwrap().value.id;
    office.hold(hold_best("holder", broken, "Stalls", 1)).await.unwrap();
    let end = office.reservation(*holds.last().unwrap()).await.state.expires_at().unwrap();
    office.at(end + Duration::seconds(60)).await;
    // As if a defect of ours had written it.
    let sql = format!("UPDATE reservations SET units = '{{}}' WHERE event_id = '{broken}'");
    office.scene.test.sql(&sql).await;
    let head = office.scene.test.hold(shard()).await;
    let (_, first, own, second, ()) = tokio::join!(
        // In flight, while the others gather behind it.
        office.scene.lanes.release(release("holder", holds[0])),
        office.hold(hold_best("ann", office.event, "Stalls", 100)),
        office.hold(hold_best("eve", broken, "Stalls", 1)),
        office.hold(hold_best("ben", office.event, "Stalls", 201)),
        async {
            head.awaited_by(1).await;
            head.release().await;
        },
    );
    assert!(matches!(own, Err(WriteError::Store(Error::Defect(_)))), "{own:?}");
    first.unwrap();
    assert!(matches!(second, Err(WriteError::SoldOut(_))), "{second:?}");
}

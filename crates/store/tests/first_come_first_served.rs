//! P1 and P4, as the log tells them: who is granted what, when, and in which order.

use holdfast_domain::{BookingId, Seq, Status, rules::Verdict};
use holdfast_store::{Database, Filter, LaneSettings, Lanes, Step, StepLimits};
use holdfast_testkit::{
    TestDatabase, cancel, counted, create, create_event, hours, lane_settings, now, shard,
};
use time::Duration;

/// One process's lanes, deaf to the relay.
fn lanes(database: &Database, settings: LaneSettings) -> Lanes {
    Lanes::new(database.clone(), settings, |_| {})
}

async fn step(database: &Database) -> Step {
    database.step(shard(), StepLimits::default()).await.expect("a step")
}

async fn status(database: &Database, id: BookingId) -> Option<Status> {
    let all = Filter { limit: 1_000, ..Filter::default() };
    let page = database.bookings(holdfast_domain::DEFAULT_TENANT, &all).await.expect("a page");
    page.bookings.into_iter().find(|booking| booking.id == id).map(|booking| booking.claim.status())
}

#[tokio::test]
async fn the_second_of_two_that_overlap_waits_and_gets_it_when_the_first_leaves() {
    let test = TestDatabase::new().await;
    let database = test.database();
    let lanes = lanes(&database, lane_settings());
    let first = lanes.create(create("alice", "Raum1", hours(14, 16))).await.unwrap().value.booking;
    let second = lanes.create(create("bob", "Raum1", hours(15, 17))).await.unwrap().value;
    assert_eq!(second.conflicts.as_ref().unwrap().count, 1);
    assert_eq!(second.conflicts.as_ref().unwrap().first[0].id, first.id);
    assert_eq!(step(&database).await.decided.len(), 1);
    assert_eq!(status(&database, first.id).await, Some(Status::Valid));
    assert_eq!(status(&database, second.booking.id).await, Some(Status::Pending));

    lanes.cancel(cancel("alice", first.id)).await.unwrap();
    step(&database).await;
    assert_eq!(status(&database, first.id).await, None);
    assert_eq!(status(&database, second.booking.id).await, Some(Status::Valid));
    assert_eq!(test.replay(shard()).await.faults, Vec::<String>::new());
}

#[tokio::test]
async fn a_look_goes_on_where_the_last_found_nothing_and_misses_nothing() {
    let test = TestDatabase::new().await;
    let (database, limits) = (test.database(), StepLimits { window: 10, ..StepLimits::default() });
    let lanes = lanes(&database, lane_settings());
    let first = lanes.create(create("alice", "Raum1", hours(14, 16))).await.unwrap().value.booking;
    lanes.create(create("bob", "Raum1", hours(15, 17))).await.unwrap();
    let look = database.look(shard(), limits, Seq(0)).await.unwrap();
    assert!(look.work && look.clear == Seq(0));
    step(&database).await;
    let cursor = database.head(shard()).await.unwrap().decided;
    // Nothing of this concerns a want.
    for _ in 0..8 {
        lanes.create_event(create_event("Concert", vec![counted("Stalls", 1)])).await.unwrap();
        let look = database.look(shard(), limits, cursor).await.unwrap();
        assert!(!look.work && look.clear == look.seq && look.seq > cursor);
    }
    let clear = database.head(shard()).await.unwrap().seq;
    lanes.cancel(cancel("alice", first.id)).await.unwrap();
    let look = database.look(shard(), limits, clear).await.unwrap();
    assert!(look.work && look.waits.is_some() && look.clear == clear);
    step(&database).await;
    // So far behind the cursor is taken along, though nothing waits.
    for _ in 0..10 {
        lanes.create_event(create_event("Concert", vec![counted("Stalls", 1)])).await.unwrap();
    }
    let clear = database.head(shard()).await.unwrap().seq;
    let look = database.look(shard(), limits, clear).await.unwrap();
    assert!(look.work && look.waits.is_none());
    database.step(shard(), limits).await.unwrap();
    assert!(!database.look(shard(), limits, clear).await.unwrap().work);
    assert_eq!(test.replay(shard()).await.faults, Vec::<String>::new());
}

#[tokio::test]
async fn in_a_chain_the_first_and_the_third_win() {
    let test = TestDatabase::new().await;
    let database = test.database();
    let lanes = lanes(&database, lane_settings());
    let mut ids = Vec::new();
    for range in [hours(10, 12), hours(11, 13), hours(12, 14)] {
        ids.push(lanes.create(create("alice", "Raum1", range)).await.unwrap().value.booking.id);
    }
    step(&database).await;
    let states = [Some(Status::Valid), Some(Status::Pending), Some(Status::Valid)];
    for (id, expected) in ids.into_iter().zip(states) {
        assert_eq!(status(&database, id).await, expected);
    }
}

#[tokio::test]
async fn a_late_validator_still_grants_what_fits_and_rejects_what_does_not() {
    let test = TestDatabase::new().await;
    let database = test.database();
    // Without grace every want is due at once: the validator is late for all of them.
    let lanes = lanes(&database, LaneSettings { grace_period_minutes: 0, ..lane_settings() });
    let first = lanes.create(create("alice", "Raum1", hours(14, 16))).await.unwrap().value.booking;
    let second = lanes.create(create("bob", "Raum1", hours(15, 17))).await.unwrap().value.booking;
    let third = lanes.create(create("carol", "Raum1", hours(15, 17))).await.unwrap().value.booking;
    // The first leaves a moment before the others' time is up.
    lanes.cancel(cancel("alice", first.id)).await.unwrap();
    let verdicts: Vec<_> = step(&database).await.decided.into_iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(verdicts, [Verdict::Grant, Verdict::Reject]);
    assert_eq!(status(&database, second.id).await, Some(Status::Valid));
    assert_eq!(status(&database, third.id).await, Some(Status::Rejected));
    assert_eq!(test.replay(shard()).await.faults, Vec::<String>::new());
}

#[tokio::test]
async fn a_slot_that_is_over_is_granted_to_nobody() {
    let test = TestDatabase::new().await;
    let database = test.database();
    let lanes = lanes(&database, lane_settings());
    let over =
        holdfast_domain::TimeRange::new(now() - Duration::minutes(4), now() - Duration::minutes(2)).unwrap();
    let id = lanes.create(create("alice", "Raum1", over)).await.unwrap().value.booking.id;
    step(&database).await;
    assert_eq!(status(&database, id).await, Some(Status::Rejected));
}

#[tokio::test]
async fn a_want_that_was_passed_by_is_found_and_decided() {
    let test = TestDatabase::new().await;
    let database = test.database();
    let lanes = lanes(&database, lane_settings());
    let id = lanes.create(create("alice", "Raum1", hours(10, 12))).await.unwrap().value.booking.id;
    // Not decided yet is not overlooked.
    assert_eq!(database.overlooked(shard()).await.unwrap(), []);
    // A defect, made by hand: cursor and mark say that all is decided.
    let client = test.client().await;
    client.batch_execute("UPDATE heads SET decided = seq; UPDATE resources SET judged = 1000").await.unwrap();
    assert!(step(&database).await.decided.is_empty());

    let overlooked = database.overlooked(shard()).await.unwrap();
    assert_eq!(overlooked.len(), 1);
    database.step_over(shard(), StepLimits::default(), &overlooked).await.unwrap();
    assert_eq!(status(&database, id).await, Some(Status::Valid));
    assert_eq!(database.overlooked(shard()).await.unwrap(), []);
}

#[tokio::test]
async fn a_step_that_leaves_due_wants_behind_says_so_though_its_cursor_is_at_the_end() {
    let test = TestDatabase::new().await;
    let database = test.database();
    let lanes = lanes(&database, lane_settings());
    for user in ["alice", "bob", "carol", "dave", "eve"] {
        lanes.create(create(user, "Raum1", hours(10, 12))).await.unwrap();
    }
    // The first is granted, and the log dealt with; then the others' time is up.
    let first = step(&database).await;
    assert_eq!((first.decided.len(), first.more), (1, false));
    let client = test.client().await;
    client.batch_execute("UPDATE bookings SET decide_by = now() WHERE status = 'PENDING'").await.unwrap();
    let limits = StepLimits { writes: 3, ..StepLimits::default() };
    let second = database.step(shard(), limits).await.unwrap();
    assert_eq!((second.decided.len(), second.more, second.due_left), (3, true, true));
    let third = database.step(shard(), limits).await.unwrap();
    assert_eq!((third.decided.len(), third.more, third.due_left), (1, false, false));
}

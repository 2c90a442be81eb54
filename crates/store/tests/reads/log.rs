//! A booking's history, and a tenant's part of the log.

use holdfast_domain::{BookingId, DEFAULT_TENANT, Seq};
use holdfast_store::{Log, LogPage, StepLimits};
use holdfast_testkit::{cancel, create, hours, move_to, shard};

use crate::{Scene, at, of};

/// A page's seqs, and how far it was read.
async fn page(scene: &Scene, after: i64, limit: i64) -> (Vec<i64>, i64) {
    match scene.database.log_of(DEFAULT_TENANT, Seq(after), limit).await.expect("an answer") {
        Log::Page(LogPage { changes, read_to }) => (changes.iter().map(|c| c.seq.0).collect(), read_to.0),
        gone @ Log::Gone { .. } => panic!("{gone:?}"),
    }
}

#[tokio::test]
async fn a_history_is_all_of_one_booking_in_order_and_of_no_other() {
    let scene = Scene::new().await;
    let booking = scene.book(create("alice", "Raum1", hours(10, 12))).await;
    scene.database.step(shard(), StepLimits::default()).await.unwrap();
    let other = scene.book(create("bob", "Raum1", hours(11, 13))).await;
    scene.lanes.update(move_to("alice", booking.id, hours(14, 16))).await.unwrap();
    scene.database.step(shard(), StepLimits::default()).await.unwrap();
    scene.lanes.cancel(cancel("alice", booking.id)).await.unwrap();

    let history = |id, after, limit| scene.database.history(DEFAULT_TENANT, id, Seq(after), limit);
    let all = history(booking.id.uuid(), 0, 100).await.unwrap();
    let kinds: Vec<&str> = all.iter().map(|change| change.kind.as_str()).collect();
    let expected =
        ["booking_created", "booking_validated", "booking_updated", "booking_validated", "booking_deleted"];
    assert_eq!(kinds, expected);
    assert!(all.is_sorted_by_key(|change| change.seq));
    assert_eq!(history(booking.id.uuid(), all[1].seq.0, 2).await.unwrap(), all[2..4]);
    assert!(history(BookingId::from_u128(1).uuid(), 0, 100).await.unwrap().is_empty());
    let others = history(other.id.uuid(), 0, 100).await.unwrap();
    assert!(others.iter().all(|change| change.data.contains(&other.id.to_string())));
    assert_eq!(others[0].kind, "booking_created");
}

#[tokio::test]
async fn a_full_page_of_the_log_is_read_to_its_last_change_and_a_short_one_to_the_head() {
    let scene = Scene::new().await;
    let neighbour = scene.neighbour().await;
    let venue = scene.venue(neighbour, "theirs").await;
    // Theirs is 1; then a resource and a booking of ours, and of theirs; then bookings in turn.
    for number in 0..4 {
        scene.book(create("alice", "Raum1", hours(number, number + 1))).await;
        scene.book(of(neighbour, at(venue, create("bob", "Raum1", hours(number, number + 1))))).await;
    }
    let head = scene.database.head(shard()).await.unwrap().seq.0;
    assert_eq!(head, 11);
    assert_eq!(page(&scene, 0, 100).await, (vec![2, 3, 6, 8, 10], head));
    assert_eq!(page(&scene, 0, 2).await, (vec![2, 3], 3));
    assert_eq!(page(&scene, 3, 3).await, (vec![6, 8, 10], 10));
    assert_eq!(page(&scene, 10, 3).await, (Vec::new(), head));
    assert_eq!(page(&scene, head, 3).await, (Vec::new(), head));
}

#[tokio::test]
async fn a_reader_from_below_the_floor_or_from_beyond_the_head_is_told_that_the_log_is_gone() {
    let scene = Scene::new().await;
    for number in 0..9 {
        scene.book(create("alice", "Raum1", hours(number, number + 1))).await;
    }
    let prune = "DELETE FROM changes WHERE seq <= 4; UPDATE heads SET floor = 4 WHERE seq = 10";
    scene.test.client().await.batch_execute(prune).await.unwrap();
    let gone = Log::Gone { floor: Seq(4), seq: Seq(10) };
    for after in [0, 3, 11, i64::MAX] {
        assert_eq!(scene.database.log_of(DEFAULT_TENANT, Seq(after), 100).await.unwrap(), gone, "{after}");
    }
    assert_eq!(page(&scene, 4, 100).await, (vec![5, 6, 7, 8, 9, 10], 10));
    assert_eq!(page(&scene, 10, 100).await, (Vec::new(), 10));
}

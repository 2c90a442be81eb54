//! Logs that don't begin at the beginning: what can be known of them is judged, and the rest is counted.

use holdfast_domain::{BookingId, Fact, Seq};
use holdfast_testkit::{Scene, cancel, create, hours, move_to, shard};
use time::Duration;

use super::{found, verdict};
use crate::verify::log::ROWS;

/// A room where alice and bob hold what the log has forgotten, and carol waits for what is alice's.
async fn pruned() -> (Scene, [BookingId; 3]) {
    let scene = Scene::new().await;
    let (alice, bob) = (scene.holds("alice", hours(1, 3)).await, scene.holds("bob", hours(6, 8)).await);
    let carol = scene.wants("carol", hours(2, 4)).await;
    scene.step().await;
    scene.database.prune(shard(), Duration::ZERO).await.expect("a pruning");
    assert!(scene.database.log_ends(shard()).await.expect("ends").first > Some(Seq(4)));
    (scene, [alice, bob, carol])
}

#[tokio::test]
async fn what_begins_before_the_log_is_counted_and_what_comes_after_is_judged() {
    let (scene, [alice, _, carol]) = pruned().await;
    let before = verdict(&scene).await;
    assert_eq!(before.finds, []);
    // Alice, bob and carol; of alice, bob, the room and the venue the log has nothing at all.
    assert_eq!((before.figures.begun_before, before.figures.untold), (3, 4));
    scene.lanes.cancel(cancel("alice", alice)).await.expect("a cancel");
    scene.step().await;
    assert_eq!(scene.held(carol).await, Some(hours(2, 4)));
    assert_eq!(found(&scene).await, Vec::<String>::new());
}

#[tokio::test]
async fn who_holds_what_the_log_has_forgotten_is_in_the_way_of_others() {
    let (scene, [_, bob, _]) = pruned().await;
    let dora = scene.wants("dora", hours(7, 9)).await;
    scene.later(16).await;
    scene.step().await;
    assert_eq!((scene.held(dora).await, scene.held(bob).await), (None, Some(hours(6, 8))));
    assert_eq!(found(&scene).await, Vec::<String>::new());
}

#[tokio::test]
async fn who_is_passed_over_is_found_though_they_came_before_the_log() {
    let (scene, [alice, bob, carol]) = pruned().await;
    // Told of once more, so that all of them are known.
    scene.moves("bob", bob, hours(6, 7)).await;
    scene.lanes.cancel(cancel("alice", alice)).await.expect("a cancel");
    let eve = scene.wants("eve", hours(3, 5)).await;
    let out_of_turn = super::granted(&scene, eve).await;
    super::store(&scene, &out_of_turn).await;
    let (rank, earlier) = (out_of_turn.claim.rank(), scene.booking(carol).await.claim.rank());
    let fact = Fact::BookingValidated { booking: out_of_turn };
    let seq = super::forge(&scene, fact).await;
    let expected =
        format!("P4 {seq}: the grant at seq {seq} of rank {rank} passes over the want of rank {earlier}");
    assert_eq!(found(&scene).await, [expected]);
}

#[tokio::test]
async fn a_row_younger_than_the_log_that_the_log_does_not_tell_of_is_found() {
    let (scene, _) = pruned().await;
    let smuggle = "
        INSERT INTO bookings SELECT shard, tenant_id, gen_random_uuid(), resource_id, user_id, 'CANCELLED',
            wanted_start_at, wanted_end_at, NULL, 1000, NULL, title, note, version, created_at, updated_at
        FROM bookings LIMIT 1";
    scene.test.sql(smuggle).await;
    assert_eq!(found(&scene).await, ["P2: it is in the table, and not in the log"]);
}

#[tokio::test]
async fn a_leap_and_a_clock_that_was_set_back_are_no_finds() {
    let (scene, [alice, _, carol]) = pruned().await;
    let floor = scene.database.head(shard()).await.expect("a head").floor;
    scene.database.leap(shard(), Seq(0), floor).await.expect("a leap").expect("one");
    scene.lanes.update(move_to("carol", carol, hours(2, 5))).await.expect("a move");
    // A day and an hour: more than this database bears.
    scene.later(25 * 60).await;
    scene.database.set_clock_back(shard()).await.expect("a clock").expect("it was ahead");
    scene.lanes.cancel(cancel("alice", alice)).await.expect("a cancel");
    scene.step().await;
    assert_eq!(found(&scene).await, Vec::<String>::new());
    let skipped = crate::verify::length(&scene.database, shard(), Seq(0)).await.expect("a length");
    assert_eq!(skipped, verdict(&scene).await.figures.changes, "positions that were leapt over are none");
}

/// A page of bookings older than the others, of a room of their own, of which the log has nothing.
async fn behind_a_page_of_others() -> (Scene, BookingId) {
    let scene = Scene::new().await;
    for hour in 0..ROWS {
        scene.lanes.create(create("frank", "Raum0", hours(hour, hour + 1))).await.expect("a want");
    }
    let bob = scene.holds("bob", hours(6, 8)).await;
    scene.database.prune(shard(), Duration::ZERO).await.expect("a pruning");
    (scene, bob)
}

/// Somebody wants what bob holds, and is rejected: rightly, if one knows of bob.
async fn bob_is_known(scene: &Scene, bob: BookingId) -> Vec<String> {
    let dora = scene.wants("dora", hours(7, 9)).await;
    scene.later(16).await;
    scene.step().await;
    assert_eq!((scene.held(dora).await, scene.held(bob).await), (None, Some(hours(6, 8))));
    assert_eq!(verdict(scene).await.figures.begun_before, ROWS.unsigned_abs() + 1);
    found(scene).await
}

#[tokio::test]
async fn who_comes_after_a_page_of_bookings_of_no_resource_is_known_all_the_same() {
    let (scene, bob) = behind_a_page_of_others().await;
    scene.test.sql("DELETE FROM resources WHERE name = 'Raum0'").await;
    let found = bob_is_known(&scene, bob).await;
    assert_eq!(found.len(), usize::try_from(ROWS).expect("a count"), "{found:#?}");
    assert!(found.iter().all(|find| find.ends_with("is not there")), "{found:#?}");
}

#[tokio::test]
async fn who_comes_after_a_page_of_bookings_that_can_not_be_read_is_known_all_the_same() {
    let (scene, bob) = behind_a_page_of_others().await;
    scene.test.sql("UPDATE bookings SET user_id = '' WHERE user_id = 'frank'").await;
    let found = bob_is_known(&scene, bob).await;
    assert_eq!(found.len(), usize::try_from(ROWS).expect("a count"), "{found:#?}");
    assert!(found.iter().all(|find| find.starts_with("P2: its row can't be read")), "{found:#?}");
}

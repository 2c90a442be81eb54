//! Moves: what one keeps until it is granted, in which order moves are, and what a change costs in rank.

use futures_util::future::join_all;
use holdfast_domain::{Booking, Fact, Kind, Status, rules::Verdict};
use holdfast_store::{LaneSettings, Lanes, WriteError};
use holdfast_testkit::{Scene, cancel, create, hours, lane_settings, move_to, note, shard};

#[tokio::test(flavor = "multi_thread")]
async fn a_move_into_a_taken_slot_keeps_the_old_one_whoever_else_wants_it() {
    let scene = Scene::new().await;
    let (old, new) = (hours(10, 12), hours(14, 16));
    let (alice, bob) = (scene.holds("alice", old).await, scene.holds("bob", new).await);
    let moved = scene.moves("alice", alice, new).await;
    assert_eq!((moved.claim.status(), moved.claim.granted()), (Status::Pending, Some(old)));

    // Sixty others by two other processes, and a validator in between.
    let others = [(); 2].map(|()| Lanes::new(scene.test.database(), lane_settings(), |_| {}));
    let crowd = join_all(
        (0..60_usize)
            .map(|number| others[number % 2].create(create(&format!("user-{number}"), "Raum1", old))),
    );
    let steps = async {
        for _ in 0..20 {
            scene.step().await;
        }
    };
    let (crowd, ()) = tokio::join!(crowd, steps);
    scene.step().await;
    assert!(crowd.iter().all(Result::is_ok));
    assert_eq!(scene.granted_to().await, ["alice", "bob"]);
    assert_eq!(scene.held(alice).await, Some(old));

    // Bob leaves: she moves, and the first of the crowd gets what she leaves, all in one step.
    scene.lanes.cancel(cancel("bob", bob)).await.unwrap();
    assert_eq!(scene.step().await, [Verdict::Grant, Verdict::Grant]);
    assert_eq!(scene.held(alice).await, Some(new));
    let by_rank = |booking: &&Booking| booking.claim.rank();
    let crowd: Vec<Booking> = crowd.into_iter().map(|made| made.unwrap().value.booking).collect();
    let first = crowd.iter().min_by_key(by_rank).unwrap();
    assert_eq!(scene.granted_to().await[2..], ["alice".to_owned(), first.user_id.to_string()]);
    scene.is_faultless().await;
}

#[tokio::test]
async fn in_a_chain_of_moves_the_last_goes_first_and_each_follows_into_what_was_left() {
    let scene = Scene::new().await;
    let mut chain = Vec::new();
    for (user, from) in [("alice", 1), ("bob", 2), ("carol", 3)] {
        chain.push((user, scene.holds(user, hours(from, from + 1)).await, from + 1));
    }
    for (user, id, to) in &chain {
        scene.moves(user, *id, hours(*to, to + 1)).await;
    }
    assert_eq!(scene.step().await, [Verdict::Grant; 3]);
    assert_eq!(scene.granted_to().await[3..], ["carol", "bob", "alice"]);
    scene.is_faultless().await;
}

#[tokio::test]
async fn what_a_move_leaves_goes_to_the_lowest_rank_of_those_who_wait_moves_and_wants_alike() {
    let scene = Scene::new().await;
    let alice = scene.holds("alice", hours(1, 2)).await;
    let bob = scene.holds("bob", hours(2, 3)).await;
    let carol = scene.holds("carol", hours(5, 6)).await;
    // All but Bob want his slot: Dave first, then two who would move there.
    scene.wants("dave", hours(2, 3)).await;
    scene.moves("alice", alice, hours(2, 3)).await;
    scene.moves("carol", carol, hours(2, 3)).await;
    assert_eq!(scene.step().await, []);
    scene.moves("bob", bob, hours(8, 9)).await;
    scene.step().await;
    assert_eq!(scene.granted_to().await[3..], ["bob", "dave"]);
    assert_eq!(scene.held(alice).await, Some(hours(1, 2)));
    assert_eq!(scene.held(carol).await, Some(hours(5, 6)));
    scene.is_faultless().await;
}

#[tokio::test]
async fn two_that_would_swap_stay_and_when_their_time_is_up_are_as_they_were() {
    let scene = Scene::new().await;
    let (one, other) = (hours(10, 12), hours(12, 14));
    let (alice, bob) = (scene.holds("alice", one).await, scene.holds("bob", other).await);
    scene.moves("alice", alice, other).await;
    scene.moves("bob", bob, one).await;
    assert_eq!(scene.step().await, []);
    scene.later(14).await;
    assert_eq!(scene.step().await, []);
    assert_eq!(scene.booking(alice).await.claim.status(), Status::Pending);

    scene.later(16).await;
    assert_eq!(scene.step().await, [Verdict::Reject, Verdict::Reject]);
    for (id, slot) in [(alice, one), (bob, other)] {
        let claim = scene.booking(id).await.claim;
        assert_eq!((claim.status(), claim.wanted(), claim.granted()), (Status::Valid, slot, Some(slot)));
    }
    let reverted = Kind::BookingMoveRejected;
    let expected = [(reverted, "alice".to_owned()), (reverted, "bob".to_owned())];
    assert_eq!(scene.told(&[reverted, Kind::BookingRejected]).await, expected);
    scene.is_faultless().await;
}

#[tokio::test]
async fn a_note_keeps_its_booking_before_those_who_came_later() {
    let scene = Scene::new().await;
    let first = scene.wants("alice", hours(10, 12)).await;
    let second = scene.wants("bob", hours(11, 13)).await;
    let noted = scene.lanes.update(note("alice", first, "for six")).await.unwrap().value;
    assert_eq!((noted.booking.note.unwrap().as_str(), noted.conflicts), ("for six", None));
    assert_eq!(scene.step().await, [Verdict::Grant]);
    assert_eq!(scene.held(first).await, Some(hours(10, 12)));
    assert_eq!(scene.held(second).await, None);
    scene.is_faultless().await;
}

#[tokio::test]
async fn who_asks_for_less_is_decided_before_those_who_came_later_and_who_asks_for_more_after_them() {
    for (asks, expected) in [(hours(10, 12), "alice"), (hours(9, 14), "bob")] {
        let scene = Scene::new().await;
        let alice = scene.wants("alice", hours(10, 13)).await;
        scene.wants("bob", hours(11, 13)).await;
        scene.moves("alice", alice, asks).await;
        scene.step().await;
        assert_eq!(scene.granted_to().await[0], expected, "{asks:?}");
        scene.is_faultless().await;
    }
}

#[tokio::test]
async fn to_give_up_a_part_is_granted_at_once_and_the_part_goes_to_who_waits_for_it() {
    let scene = Scene::new().await;
    let alice = scene.holds("alice", hours(10, 14)).await;
    let bob = scene.wants("bob", hours(12, 14)).await;
    assert_eq!(scene.step().await, []);
    let before = scene.test.log(shard()).await.len();
    let less = scene.moves("alice", alice, hours(10, 12)).await;
    assert_eq!((less.claim.status(), less.claim.granted()), (Status::Valid, Some(hours(10, 12))));
    assert_eq!(scene.test.log(shard()).await.len(), before + 1, "one change says it all");
    scene.step().await;
    assert_eq!(scene.held(bob).await, Some(hours(12, 14)));
    scene.is_faultless().await;
}

#[tokio::test]
async fn who_moves_back_into_what_they_hold_has_it_at_once() {
    let scene = Scene::new().await;
    let alice = scene.holds("alice", hours(10, 12)).await;
    scene.holds("bob", hours(14, 16)).await;
    scene.moves("alice", alice, hours(14, 16)).await;
    let back = scene.moves("alice", alice, hours(10, 12)).await;
    assert_eq!((back.claim.status(), back.claim.granted()), (Status::Valid, Some(hours(10, 12))));
    assert_eq!(scene.step().await, []);
    scene.is_faultless().await;
}

#[tokio::test]
async fn a_slot_that_overlaps_only_ones_own_is_free() {
    let scene = Scene::new().await;
    let alice = scene.holds("alice", hours(10, 12)).await;
    let moved = scene.lanes.update(move_to("alice", alice, hours(11, 13))).await.unwrap().value;
    assert_eq!(moved.conflicts.unwrap().count, 0);
    assert_eq!(scene.step().await, [Verdict::Grant]);
    assert_eq!(scene.held(alice).await, Some(hours(11, 13)));
    scene.is_faultless().await;
}

#[tokio::test]
async fn a_move_is_an_open_want_and_where_too_many_are_open_it_is_refused() {
    let scene = Scene::with(LaneSettings { open_wants_per_resource: 3, ..lane_settings() }).await;
    let alice = scene.holds("alice", hours(10, 12)).await;
    let bob = scene.holds("bob", hours(12, 14)).await;
    for user in ["carol", "dave"] {
        scene.wants(user, hours(10, 14)).await;
    }
    scene.moves("bob", bob, hours(10, 12)).await;
    let refused = scene.lanes.update(move_to("alice", alice, hours(12, 14))).await.unwrap_err();
    assert!(matches!(refused, WriteError::Crowded { limit: 3 }), "{refused:?}");
    // What needs no new place among the open wants is not refused: another want in place of one, a part, a note.
    scene.moves("bob", bob, hours(9, 11)).await;
    scene.moves("alice", alice, hours(10, 11)).await;
    scene.lanes.update(note("alice", alice, "crowded here")).await.unwrap();
    // A move that is taken back makes room.
    scene.moves("bob", bob, hours(12, 14)).await;
    scene.moves("alice", alice, hours(10, 12)).await;
    scene.is_faultless().await;
}

#[tokio::test]
async fn of_many_moves_at_once_only_so_many_are_taken_as_there_is_room_for() {
    let scene = Scene::with(LaneSettings { open_wants_per_resource: 12, ..lane_settings() }).await;
    let mut ids = Vec::new();
    for hour in 0..10 {
        ids.push(scene.holds("alice", hours(hour, hour + 1)).await);
    }
    for hour in 0..8 {
        scene.wants("bob", hours(hour, hour + 1)).await;
    }
    // One batch.
    let moves = join_all(ids.iter().map(|id| scene.lanes.update(move_to("alice", *id, hours(0, 10))))).await;
    let crowded = moves.iter().filter(|answer| matches!(answer, Err(WriteError::Crowded { .. }))).count();
    assert_eq!((moves.iter().filter(|answer| answer.is_ok()).count(), crowded), (4, 6));
    scene.is_faultless().await;
}

#[tokio::test]
async fn a_cancelled_move_gives_up_what_it_held_and_what_it_wanted() {
    let scene = Scene::new().await;
    let alice = scene.holds("alice", hours(10, 12)).await;
    scene.holds("bob", hours(14, 16)).await;
    scene.moves("alice", alice, hours(14, 16)).await;
    let carol = scene.wants("carol", hours(10, 12)).await;
    scene.lanes.cancel(cancel("alice", alice)).await.unwrap();
    assert_eq!(scene.step().await, [Verdict::Grant]);
    assert_eq!(scene.held(carol).await, Some(hours(10, 12)));
    let log = scene.test.log(shard()).await;
    let deleted = log.iter().find(|change| change.fact.kind() == Kind::BookingDeleted).unwrap();
    assert!(matches!(&deleted.fact, Fact::BookingDeleted { booking } if booking.claim.granted().is_none()));
    scene.is_faultless().await;
}

#[tokio::test]
async fn a_counter_that_disagrees_with_the_open_wants_is_seen() {
    let scene = Scene::new().await;
    scene.wants("alice", hours(10, 12)).await;
    assert_eq!(scene.test.miscounted().await, Vec::<String>::new());
    scene.test.sql("UPDATE resources SET open_wants = open_wants + 1").await;
    assert_eq!(scene.test.miscounted().await, ["Raum1: 2 counted, 1 open"]);
}

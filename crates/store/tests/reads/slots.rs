//! What of a resource is taken.

use holdfast_domain::{BookingId, DEFAULT_TENANT, ResourceId, Status, TimeRange};
use holdfast_store::{Slots, StepLimits};
use holdfast_testkit::{cancel, create, hours, move_to, shard};

use crate::Scene;

async fn slots(scene: &Scene, resource: ResourceId, range: TimeRange, limit: i64) -> Slots {
    scene
        .database
        .slots(DEFAULT_TENANT, resource, range, limit)
        .await
        .expect("an answer")
        .expect("a resource")
}

/// As it is told.
fn told(slots: &Slots) -> Vec<(BookingId, TimeRange, Status)> {
    slots.taken.iter().map(|slot| (slot.id, slot.range, slot.status)).collect()
}

#[tokio::test]
async fn what_is_held_and_what_is_wanted_is_told_by_its_start_and_a_move_with_both() {
    let scene = Scene::new().await;
    let held = scene.book(create("alice", "Raum1", hours(10, 12))).await;
    let moving = scene.book(create("bob", "Raum1", hours(14, 16))).await;
    let given_up = scene.book(create("bob", "Raum1", hours(8, 9))).await;
    scene.database.step(shard(), StepLimits::default()).await.unwrap();
    scene.lanes.cancel(cancel("bob", given_up.id)).await.unwrap();
    scene.lanes.update(move_to("bob", moving.id, hours(11, 13))).await.unwrap();
    let wanting = scene.book(create("carol", "Raum1", hours(10, 15))).await;
    scene.book(create("carol", "Raum2", hours(10, 15))).await;

    let room = held.resource_id;
    let (slot, want) = (Status::Valid, Status::Pending);
    let all = slots(&scene, room, hours(0, 24), 100).await;
    let expected = [
        (held.id, hours(10, 12), slot),
        (wanting.id, hours(10, 15), want),
        (moving.id, hours(11, 13), want),
        (moving.id, hours(14, 16), slot),
    ];
    assert_eq!((&told(&all)[..], all.more), (&expected[..], false));
    assert_eq!(all.taken[1].user_id.as_str(), "carol");
    // Neighbours that touch share nothing.
    assert_eq!(told(&slots(&scene, room, hours(15, 16), 100).await), expected[3..]);
    assert_eq!(told(&slots(&scene, room, hours(12, 14), 100).await), expected[1..3]);
    assert!(slots(&scene, room, hours(16, 24), 100).await.taken.is_empty());

    for limit in 1..=4 {
        let first = slots(&scene, room, hours(0, 24), i64::try_from(limit).unwrap()).await;
        assert_eq!((&told(&first)[..], first.more), (&expected[..limit], limit < 4));
    }
}

#[tokio::test]
async fn a_slot_of_a_month_is_found_by_its_last_hour() {
    let scene = Scene::new().await;
    let month = hours(0, 31 * 24);
    let booking = scene.book(create("alice", "Raum1", month)).await;
    let end = slots(&scene, booking.resource_id, hours(31 * 24 - 1, 31 * 24), 100).await;
    assert_eq!(told(&end), [(booking.id, month, Status::Pending)]);
}

#[tokio::test]
async fn of_a_resource_that_is_not_there_nothing_is_told_not_even_that_it_is_free() {
    let scene = Scene::new().await;
    let none =
        scene.database.slots(DEFAULT_TENANT, ResourceId::from_u128(7), hours(0, 24), 100).await.unwrap();
    assert_eq!(none, None);
}

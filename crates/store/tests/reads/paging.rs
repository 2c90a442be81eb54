//! Pages of a list while it changes, and of a list that has nearly nothing.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
};

use futures_util::{future::join_all, join};
use holdfast_domain::{BookingId, DEFAULT_TENANT, Status};
use holdfast_store::{Filter, Lanes, StepLimits};
use holdfast_testkit::{Random, cancel, create, hours, move_to, shard};

use crate::Scene;

/// Creates, moves and cancels bookings of a user until told to stop.
async fn stir(lanes: &Lanes, user: &str, seed: u64, stop: &AtomicBool) {
    let (mut random, mut mine) = (Random::seeded(seed), Vec::<BookingId>::new());
    while !stop.load(Ordering::Relaxed) {
        let from = random.hours(48);
        let (range, room) = (hours(from, from + 1), format!("Raum{}", random.below(3)));
        match mine.pop() {
            Some(id) if random.below(3) == 0 => {
                lanes.update(move_to(user, id, range)).await.expect("a move");
                mine.insert(0, id);
            }
            Some(id) if random.below(2) == 0 => drop(lanes.cancel(cancel(user, id)).await.expect("a cancel")),
            last => {
                mine.extend(last);
                mine.push(
                    lanes.create(create(user, &room, range)).await.expect("a booking").value.booking.id,
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_paged_while_others_write_has_what_stays_exactly_once() {
    let scene = Scene::new().await;
    let mut staying = Vec::new();
    for number in 0..48 {
        let room = format!("Raum{}", number % 3);
        staying.push(scene.book(create("alice", &room, hours(number, number + 1))).await);
    }
    // Pages end at what was scanned, too, and not only where they are full.
    let room = staying[0].resource_id;
    scene.fill_cancelled(DEFAULT_TENANT, room, hours(0, 1).start(), 2_000).await;
    scene.fill_cancelled(DEFAULT_TENANT, room, hours(5, 6).start(), 19_000).await;
    let stop = AtomicBool::new(false);
    let users: Vec<String> = (0..4).map(|number| format!("user-{number}")).collect();
    let stirring = users.iter().zip(1..).map(|(user, seed)| stir(&scene.lanes, user, seed, &stop));
    let deciding = async {
        while !stop.load(Ordering::Relaxed) {
            scene.database.step(shard(), StepLimits::default()).await.expect("a step");
        }
    };
    let reading = async {
        for limit in [1, 3, 7, 20, 500].into_iter().cycle().take(25) {
            let listed = scene.list(&Filter { limit, ..Filter::default() }).await;
            for booking in &staying {
                let times = listed.iter().filter(|id| **id == booking.id).count();
                assert_eq!(times, 1, "limit {limit}: {booking:?}");
            }
        }
        stop.store(true, Ordering::Relaxed);
    };
    join!(join_all(stirring), deciding, reading);
}

#[tokio::test]
async fn a_page_reads_ten_thousand_bookings_at_most_and_the_one_behind_them_is_found_by_going_on() {
    let scene = Scene::new().await;
    let last = scene.book(create("alice", "Raum1", hours(600, 601))).await;
    scene.fill_cancelled(DEFAULT_TENANT, last.resource_id, hours(0, 1).start(), 25_000).await;
    let alone = vec![Vec::new(), Vec::new(), vec![last.id]];
    for user in [None, Some(last.user_id.clone())] {
        let filter = Filter { user: user.clone(), ..Filter::default() };
        assert_eq!(scene.pages(&filter).await, alone, "{user:?}");
        // Of a resource, nothing is read of a status that is not asked for.
        let filter = Filter { resource: Some(last.resource_id), ..filter };
        assert_eq!(scene.pages(&filter).await, [[last.id]], "{user:?}");
    }
    let of_bob = Filter {
        resource: Some(last.resource_id),
        user: Some("bob".to_owned().try_into().unwrap()),
        statuses: vec![Status::Pending, Status::Cancelled],
        ..Filter::default()
    };
    assert_eq!(scene.pages(&of_bob).await, vec![Vec::new(); 3]);
    // Where a page ends by what was read, the next goes on with the very next.
    let cancelled = Filter { statuses: vec![Status::Cancelled], limit: 30_000, ..Filter::default() };
    let pages = scene.pages(&cancelled).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [10_000, 10_000, 5_000]);
    assert_eq!(pages.concat().into_iter().collect::<HashSet<_>>().len(), 25_000);
    // A range leaves no more to read than may overlap it.
    let from = Some(hours(24 * 31 + 24 * 10, 24 * 31 + 24 * 11).start());
    assert_eq!(scene.pages(&Filter { from, ..Filter::default() }).await.len(), 2);
    let (from, to) = (Some(hours(0, 1).start()), Some(hours(1, 2).end()));
    assert_eq!(scene.pages(&Filter { from, to, ..Filter::default() }).await, [Vec::new()]);
}

#[tokio::test]
async fn the_last_page_says_that_it_is_the_last_even_when_it_is_full() {
    let scene = Scene::new().await;
    let mut made = Vec::new();
    for number in 0..6 {
        made.push(scene.book(create("alice", "Raum1", hours(number, number + 1))).await.id);
    }
    let pages = scene.pages(&Filter { limit: 3, ..Filter::default() }).await;
    assert_eq!(pages, [&made[..3], &made[3..]]);
}

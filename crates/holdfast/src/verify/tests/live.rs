//! A system that is written to, decided, pruned and leapt while it is verified: nothing is found that is not so.

use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_domain::{BookingId, Seq, TimeRange};
use holdfast_store::{Database, Error, LaneSettings, Lanes, Settings, StepLimits};
use holdfast_testkit::{Random, TestDatabase, cancel, create, hours, lane_settings, move_to, note, shard};
use time::Duration;

use crate::verify::verify;

/// It is verified again and again until so many changes were judged.
const JUDGED: u64 = 5_000;

/// And so often at most: then nothing is written.
const TIMES_MAX: usize = 5_000;

fn any_range(random: &mut Random) -> TimeRange {
    let from = 1 + random.hours(40);
    hours(from, from + 1 + random.hours(4))
}

/// Books, moves, writes notes, gives up.
async fn writes(lanes: &Lanes, seed: u64, is_over: &AtomicBool) {
    let (mut random, mut mine) = (Random::seeded(seed), Vec::<BookingId>::new());
    let user = format!("user-{seed}");
    while !is_over.load(Ordering::Relaxed) {
        let place = random.below(mine.len().max(1) as u64);
        let id = mine.get(usize::try_from(place).expect("a place")).copied();
        match (random.below(10), id) {
            (0..=5, _) | (_, None) => {
                let room = format!("Raum{}", random.below(4));
                let made = lanes.create(create(&user, &room, any_range(&mut random))).await;
                mine.push(made.expect("a booking").value.booking.id);
            }
            (6 | 7, Some(id)) => {
                // What is closed is not moved.
                let _ = lanes.update(move_to(&user, id, any_range(&mut random))).await;
            }
            (8, Some(id)) => {
                let _ = lanes.update(note(&user, id, &format!("note {}", random.below(99)))).await;
            }
            (_, Some(id)) => {
                mine.retain(|other| *other != id);
                lanes.cancel(cancel(&user, id)).await.expect("a cancel");
            }
        }
    }
}

async fn decides(database: &Database, is_over: &AtomicBool) {
    let limits = StepLimits { wants: 7, writes: 3, ..StepLimits::default() };
    while !is_over.load(Ordering::Relaxed) {
        database.step(shard(), limits).await.expect("a step");
    }
}

/// Verifies again and again while others write.
async fn verified(database: &Database, each: impl AsyncFn(usize)) {
    let mut judged = 0;
    for time in 0..TIMES_MAX {
        if judged > JUDGED {
            println!("{judged} changes judged, in {time} verifications");
            return;
        }
        each(time).await;
        match verify(database, &super::scope()).await {
            Ok(verdict) => {
                assert_eq!(verdict.finds, []);
                judged += verdict.figures.changes;
            }
            // It was pruned while it was read: again and again.
            Err(Error::Busy(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("{judged} changes judged, and no more come");
}

async fn lively(each: impl AsyncFn(&TestDatabase, &Database, usize)) {
    let test = TestDatabase::new().await;
    let is_over = AtomicBool::new(false);
    // Wants of the second process are due at once: rejections among the rest.
    let settings = [lane_settings(), LaneSettings { grace_period_minutes: 0, ..lane_settings() }];
    // Bear a clock that is ahead; the one that reads sets it back.
    let patient =
        || Database::new(&Settings { clock_max_skew_seconds: 86_400, ..test.settings() }).expect("a pool");
    let lanes = settings.map(|settings| Lanes::new(patient(), settings, |_| {}));
    let (first, second, reader) = (patient(), patient(), test.database());
    let verified = async {
        verified(&reader, async |time| each(&test, &reader, time).await).await;
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(
        verified,
        writes(&lanes[0], 1, &is_over),
        writes(&lanes[0], 2, &is_over),
        writes(&lanes[1], 3, &is_over),
        writes(&lanes[1], 4, &is_over),
        decides(&first, &is_over),
        decides(&second, &is_over),
    );
    // The same, with something to find.
    test.sql("UPDATE resources SET open_wants = open_wants + 1 WHERE name = 'Raum1'").await;
    let verdict = verify(&reader, &super::scope()).await.expect("a verdict");
    assert_eq!(verdict.finds.len(), 1, "{:#?}", verdict.finds);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_found_while_others_book_move_and_give_up() {
    Box::pin(lively(async |_, _, _| {})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_found_while_the_log_is_pruned_leaps_and_has_its_clock_set_back() {
    Box::pin(lively(async |test, database, time| match time % 4 {
        1 => {
            let floor = database.head(shard()).await.expect("a head").floor;
            database.leap(shard(), Seq(0), floor).await.expect("a leap");
        }
        // While it is read.
        2 => {
            let database = database.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    // It may be busy; the next time it is not.
                    let _ = database.prune(shard(), Duration::milliseconds(500)).await;
                    tokio::task::yield_now().await;
                }
            });
        }
        3 => {
            test.sql("UPDATE heads SET at = clock_timestamp() + interval '15 minutes'").await;
            database.set_clock_back(shard()).await.expect("a clock").expect("it was ahead");
        }
        _ => {}
    }))
    .await;
}

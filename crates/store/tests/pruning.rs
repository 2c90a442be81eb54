//! Pruning and the leap: what is forgotten is said to be, and nothing else is missing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use holdfast_domain::{DEFAULT_TENANT, Fact, Seq};
use holdfast_store::{Database, Error, LEAP, Lanes, Log, StepLimits};
use holdfast_testkit::{Scene, TestDatabase, create, eventually, hours, lane_settings, note, shard};
use time::Duration;

async fn booked(lanes: &Lanes, from: i64, to: i64) {
    for hour in from..to {
        lanes.create(create("alice", "Raum1", hours(hour, hour + 1))).await.unwrap();
    }
}

async fn decided(database: &Database) {
    while database.step(shard(), StepLimits::default()).await.unwrap().more {}
}

async fn first(database: &Database) -> Seq {
    database.log_after(shard(), Seq(0), 1).await.unwrap()[0].seq
}

#[tokio::test]
async fn what_is_old_enough_is_forgotten_but_for_the_last_and_what_is_not_decided() {
    let test = TestDatabase::new().await;
    let (database, lanes) = (test.database(), Lanes::new(test.database(), lane_settings(), |_| {}));
    booked(&lanes, 0, 5).await;
    decided(&database).await;
    let end = database.head(shard()).await.unwrap().seq;
    test.sql("UPDATE changes SET at = at - interval '10 days' WHERE seq <= 4").await;

    assert!(!database.prune(shard(), Duration::days(9)).await.unwrap());
    assert_eq!((first(&database).await, database.head(shard()).await.unwrap().floor), (Seq(5), Seq(4)));
    assert!(matches!(
        database.log_of(DEFAULT_TENANT, Seq(3), 10).await.unwrap(),
        Log::Gone { floor: Seq(4), .. }
    ));
    assert!(matches!(database.log_of(DEFAULT_TENANT, Seq(4), 10).await.unwrap(), Log::Page(_)));

    database.prune(shard(), Duration::ZERO).await.unwrap();
    assert_eq!(first(&database).await, end);
    booked(&lanes, 5, 7).await;
    database.prune(shard(), Duration::ZERO).await.unwrap();
    assert_eq!(first(&database).await, end.next(), "it is not decided yet");
    decided(&database).await;
    // What is only told, and nothing to decide, is behind the cursor, which need not move for it.
    let id = lanes.create(create("bob", "Raum2", hours(1, 2))).await.unwrap().value.booking.id;
    decided(&database).await;
    for text in ["one", "two"] {
        lanes.update(note("bob", id, text)).await.unwrap();
    }
    database.prune(shard(), Duration::ZERO).await.unwrap();
    assert_eq!(first(&database).await, database.head(shard()).await.unwrap().seq);
    assert_eq!(test.miscounted().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_while_it_is_pruned_and_written_misses_nothing_or_is_told_so() {
    let test = TestDatabase::new().await;
    let (database, lanes) = (test.database(), Lanes::new(test.database(), lane_settings(), |_| {}));
    let writer = tokio::spawn(async move { booked(&lanes, 0, 400).await });
    let pruner = tokio::spawn({
        let database = database.clone();
        async move {
            for _ in 0.. {
                decided(&database).await;
                database.prune(shard(), Duration::ZERO).await.unwrap();
            }
        }
    });
    eventually("something is forgotten", async || {
        (database.head(shard()).await.unwrap().floor > Seq(0)).then_some(())
    })
    .await;
    let (mut at, mut gone, mut read) = (Seq(0), 0, 0);
    while !writer.is_finished() || at < database.head(shard()).await.unwrap().seq {
        match database.log_of(DEFAULT_TENANT, at, 7).await.unwrap() {
            Log::Gone { floor, .. } => {
                assert!(floor > at);
                (at, gone) = (floor, gone + 1);
            }
            Log::Page(page) => {
                for change in page.changes {
                    assert_eq!(change.seq, at.next());
                    (at, read) = (change.seq, read + 1);
                }
            }
        }
    }
    writer.await.unwrap();
    eventually("all but the last is forgotten", async || {
        let head = database.head(shard()).await.unwrap();
        (head.seq == head.decided && first(&database).await == head.seq).then_some(())
    })
    .await;
    pruner.abort();
    println!("{read} read, told {gone} times that some are gone");
    assert!(gone > 0 && read > 0);
}

#[tokio::test]
async fn a_want_of_which_it_is_forgotten_when_it_was_asked_for_keeps_its_time_when_it_is_shrunk() {
    let scene = Scene::new().await;
    scene.holds("alice", hours(1, 5)).await;
    let id = scene.wants("bob", hours(2, 6)).await;
    let by = scene.booking(id).await.claim.decide_by();
    scene.step().await;
    scene.wants("carol", hours(9, 10)).await;
    scene.step().await;
    // As of one that was moved long after it was made.
    scene.test.sql("UPDATE bookings SET created_at = created_at - interval '9 days'").await;
    scene.database.prune(shard(), Duration::ZERO).await.unwrap();
    assert!(first(&scene.database).await > Seq(4));
    let shrunk = scene.moves("bob", id, hours(3, 5)).await;
    assert!(by.is_some() && shrunk.claim.decide_by() == by);
}

#[tokio::test]
async fn a_log_that_leaps_goes_on_far_ahead_and_says_so_and_all_that_was_is_kept() {
    let scene = Scene::new().await;
    let (first, second) = (scene.holds("alice", hours(1, 3)).await, scene.wants("bob", hours(2, 4)).await);
    let before = scene.database.head(shard()).await.unwrap();
    let (told, floor) = (Seq(before.seq.0 + 7), before.floor);
    let seq = scene.database.leap(shard(), told, floor).await.unwrap().unwrap();
    assert!(seq.0 > told.0 + LEAP);
    // Who judged it by the same look comes too late.
    assert_eq!(scene.database.leap(shard(), told, floor).await.unwrap(), None);

    for cursor in [Seq(0), before.seq, told, Seq(told.0 + LEAP - 1)] {
        let log = scene.database.log_of(DEFAULT_TENANT, cursor, 10).await.unwrap();
        assert!(matches!(log, Log::Gone { .. }), "{cursor}");
    }
    let log = scene.database.log_of(DEFAULT_TENANT, seq.previous(), 10).await.unwrap();
    assert!(matches!(log, Log::Page(page) if page.changes.is_empty() && page.read_to == seq));

    // What was left out is no work for ever: the cursor follows.
    let limits = StepLimits::default();
    assert!(scene.database.look(shard(), limits, seq).await.unwrap().work);
    scene.step().await;
    assert!(!scene.database.look(shard(), limits, seq).await.unwrap().work);

    // Ranks go on, and what was wanted before is decided first.
    scene.wants("carol", hours(2, 4)).await;
    scene.lanes.cancel(holdfast_testkit::cancel("alice", first)).await.unwrap();
    scene.step().await;
    assert_eq!(scene.held(second).await, Some(hours(2, 4)));
    scene.is_faultless().await;
}

#[tokio::test]
async fn a_clock_that_ran_away_is_set_back_and_the_log_says_so() {
    let test = TestDatabase::new().await;
    let (database, lanes) = (test.database(), Lanes::new(test.database(), lane_settings(), |_| {}));
    booked(&lanes, 0, 1).await;
    assert_eq!(database.set_clock_back(shard()).await.unwrap(), None);
    test.sql("UPDATE heads SET at = clock_timestamp() + interval '1 hour'").await;
    assert!(matches!(database.step(shard(), StepLimits::default()).await, Err(Error::Clock { .. })));

    let was = database.set_clock_back(shard()).await.unwrap().unwrap();
    assert_eq!(database.set_clock_back(shard()).await.unwrap(), None);
    booked(&lanes, 1, 2).await;
    decided(&database).await;
    let log = test.log(shard()).await;
    assert!(log.iter().any(|change| change.fact == Fact::ClockSetBack { from: was } && change.at < was));
    assert_eq!(test.replay(shard()).await.faults, Vec::<String>::new());
}

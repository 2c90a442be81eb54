//! The head: writers of a shard are serial, its clock and its log only go forward.

use futures_util::future::join_all;
use holdfast_store::{Error, Lanes, StepLimits, WriteError};
use holdfast_testkit::{TestDatabase, cancel, create, hours, lane_settings, shard};

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_no_gap_and_its_clock_never_goes_back_whoever_writes() {
    let test = TestDatabase::new().await;
    let processes = [test.database(), test.database(), test.database()];
    let lanes = processes.clone().map(|database| Lanes::new(database, lane_settings(), |_| {}));
    let writes = (0..90_u8).map(|number| {
        let lanes = lanes[usize::from(number % 3)].clone();
        async move {
            let user = format!("user-{number}");
            let (from, room) = (i64::from(number % 20), number % 4);
            let made =
                lanes.create(create(&user, &format!("Raum{room}"), hours(from, from + 2))).await.unwrap();
            if number % 5 == 0 {
                lanes.cancel(cancel(&user, made.value.booking.id)).await.unwrap();
            }
        }
    });
    let steps = processes.iter().map(|database| async move {
        for _ in 0..10 {
            database.step(shard(), StepLimits { writes: 3, ..StepLimits::default() }).await.unwrap();
        }
    });
    tokio::join!(join_all(writes), join_all(steps));
    while processes[0].step(shard(), StepLimits::default()).await.unwrap().more {}

    let report = test.replay(shard()).await;
    assert_eq!(report.faults, Vec::<String>::new());
    assert_eq!(report.changes, test.database().head(shard()).await.unwrap().seq.0.unsigned_abs());
    println!("{} checks, 0 faults", report.checks);
}

#[tokio::test]
async fn a_clock_an_hour_off_writes_nothing() {
    let test = TestDatabase::new().await;
    let database = test.database();
    let lanes = Lanes::new(database.clone(), lane_settings(), |_| {});
    lanes.create(create("alice", "Raum1", hours(10, 12))).await.unwrap();
    let client = test.client().await;
    client.execute("UPDATE heads SET at = clock_timestamp() + interval '1 hour'", &[]).await.unwrap();

    let before = database.head(shard()).await.unwrap();
    let refused = lanes.create(create("bob", "Raum1", hours(14, 16))).await.unwrap_err();
    assert!(
        matches!(refused, WriteError::Store(Error::Clock { apart_seconds: 3_590..=3_600, .. })),
        "{refused:?}"
    );
    let refused = database.step(shard(), StepLimits::default()).await.unwrap_err();
    assert!(matches!(refused, Error::Clock { .. }), "{refused:?}");
    assert_eq!(database.head(shard()).await.unwrap(), before);
}

#[tokio::test]
async fn a_clock_a_little_ahead_holds_the_log_there_until_time_has_caught_up() {
    let test = TestDatabase::new().await;
    let lanes = Lanes::new(test.database(), lane_settings(), |_| {});
    let client = test.client().await;
    let ahead = "UPDATE heads SET at = clock_timestamp() + interval '1 minute' WHERE shard = $1 RETURNING at";
    let at: time::OffsetDateTime = client.query_one(ahead, &[&shard().number()]).await.unwrap().get(0);
    let made = lanes.create(create("alice", "Raum1", hours(10, 12))).await.unwrap();
    assert_eq!(made.value.booking.created_at, at);
}

#[tokio::test]
async fn the_time_of_a_write_is_read_after_its_wait_for_the_head() {
    let test = TestDatabase::new().await;
    let lanes = Lanes::new(test.database(), lane_settings(), |_| {});
    let held = test.hold(shard()).await;
    let write = tokio::spawn(async move { lanes.create(create("alice", "Raum1", hours(10, 12))).await });
    held.awaited_by(1).await;
    let clock = test.client().await.query_one("SELECT clock_timestamp()", &[]).await.unwrap();
    let waited_until: time::OffsetDateTime = clock.get(0);
    held.release().await;
    let made = write.await.unwrap().unwrap();
    assert!(made.value.booking.created_at >= waited_until);
}

#[tokio::test]
async fn a_step_that_is_dropped_in_the_middle_leaves_no_lock_behind() {
    let test = TestDatabase::new().await;
    let database = test.database();
    let lanes = Lanes::new(database.clone(), lane_settings(), |_| {});
    lanes.create(create("alice", "Raum1", hours(10, 12))).await.unwrap();
    for micros in (0..4_000).step_by(250) {
        let cut = std::time::Duration::from_micros(micros);
        let _ = tokio::time::timeout(cut, database.step(shard(), StepLimits::default())).await;
    }
    // Waits at most for the lock's time-out: whoever held it has to have let go.
    database.step(shard(), StepLimits::default()).await.unwrap();
    assert_eq!(test.replay(shard()).await.faults, Vec::<String>::new());
}

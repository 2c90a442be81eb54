//! Lanes: batches that grow by themselves, rows that fail alone, queues that end, a shutdown that drains.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::future::join_all;
use holdfast_domain::{Seq, TimeRange};
use holdfast_store::{Booked, Error, LaneSettings, Lanes, WriteError};
use holdfast_testkit::{TestDatabase, cancel, create, eventually, hours, lane_settings, move_to, shard};
use time::macros::datetime;

/// Lanes, and how many transactions they have committed.
fn counted(test: &TestDatabase, settings: LaneSettings) -> (Lanes, Arc<AtomicUsize>) {
    let commits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&commits);
    let lanes = Lanes::new(test.database(), settings, move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    (lanes, commits)
}

#[tokio::test]
async fn alone_a_command_is_a_transaction_of_its_own_at_once() {
    let test = TestDatabase::new().await;
    let (lanes, commits) = counted(&test, lane_settings());
    for number in 1..=5 {
        lanes.create(create("alice", "Raum1", hours(number, number + 1))).await.unwrap();
        assert_eq!(commits.load(Ordering::Relaxed), usize::try_from(number).unwrap());
    }
}

#[tokio::test]
async fn what_arrives_while_a_transaction_is_in_flight_goes_together_into_the_next() {
    let test = TestDatabase::new().await;
    let (lanes, commits) = counted(&test, lane_settings());
    let holder = test.client().await;
    holder.batch_execute("BEGIN").await.unwrap();
    holder.execute("SELECT FROM heads WHERE shard = $1 FOR UPDATE", &[&shard().number()]).await.unwrap();
    let writes = (0..100).map(|number| lanes.create(create("alice", "Raum1", hours(number, number + 1))));
    let release = async { holder.batch_execute("COMMIT").await.unwrap() };
    let (answers, ()) = tokio::join!(join_all(writes), release);
    assert!(answers.iter().all(Result::is_ok));
    // Those that came first, and all the others.
    let commits = commits.load(Ordering::Relaxed);
    assert!(commits <= 2, "{commits} transactions for 100 writes");
}

#[tokio::test]
async fn in_a_batch_each_is_told_of_those_before_it_as_if_they_had_come_one_by_one() {
    let test = TestDatabase::new().await;
    let (lanes, commits) = counted(&test, lane_settings());
    let range = hours(10, 12);
    let answers = join_all((0..130).map(|_| lanes.create(create("alice", "Raum1", range)))).await;
    // On this runtime the lane wakes when all are there: one batch.
    assert_eq!(commits.load(Ordering::Relaxed), 1);
    let booked: Vec<Booked> = answers.into_iter().map(|answer| answer.unwrap().value).collect();
    let told = |booked: &Booked| booked.conflicts.as_ref().unwrap().count;
    // A hundred means a hundred or more.
    let expected: Vec<i64> = (0..130).map(|before| before.min(100)).collect();
    assert_eq!(booked.iter().map(told).collect::<Vec<_>>(), expected);
    let last = booked[129].conflicts.as_ref().unwrap();
    let first_20: Vec<_> = booked.iter().take(20).map(|booked| booked.booking.id).collect();
    assert_eq!(last.first.iter().map(|conflict| conflict.id).collect::<Vec<_>>(), first_20);
}

#[tokio::test]
async fn a_row_that_the_database_refuses_fails_alone_and_its_63_neighbours_succeed() {
    let test = TestDatabase::new().await;
    let (lanes, _) = counted(&test, lane_settings());
    let client = test.client().await;
    client
        .batch_execute("ALTER TABLE bookings ADD CONSTRAINT unlucky CHECK (user_id <> 'user-40')")
        .await
        .unwrap();
    let users: Vec<String> = (0..64).map(|number| format!("user-{number}")).collect();
    let answers = join_all(users.iter().map(|user| lanes.create(create(user, "Raum1", hours(10, 12))))).await;
    for (user, answer) in users.iter().zip(answers) {
        match answer {
            Ok(_) => assert_ne!(user, "user-40"),
            Err(WriteError::Store(Error::Data(_))) => assert_eq!(user, "user-40"),
            Err(error) => panic!("{user}: {error:?}"),
        }
    }
    let log = test.database().log_after(shard(), Seq(0), 1_000).await.unwrap();
    let bookings = log.iter().filter(|change| change.kind == "booking_created");
    assert_eq!(bookings.count(), 63);
}

#[tokio::test]
async fn a_full_queue_is_busy_at_once() {
    let test = TestDatabase::new().await;
    let (lanes, _) = counted(&test, LaneSettings { lane_queue: 2, ..lane_settings() });
    let holder = test.client().await;
    holder.batch_execute("BEGIN").await.unwrap();
    holder.execute("SELECT FROM heads WHERE shard = $1 FOR UPDATE", &[&shard().number()]).await.unwrap();
    let write = |number: i64| {
        let lanes = lanes.clone();
        tokio::spawn(async move { lanes.create(create("alice", "Raum1", hours(number, number + 1))).await })
    };
    // One is in flight, two wait; from then on each is refused while the head is still held.
    let mut writes = Vec::new();
    let refused = eventually("the queue is full", async || {
        let mut write = write(i64::try_from(writes.len()).unwrap());
        let answer = tokio::time::timeout(std::time::Duration::from_millis(50), &mut write).await;
        writes.push(write);
        answer.ok().map(|answer| answer.unwrap().unwrap_err())
    })
    .await;
    assert!((1..=30).contains(&retry_after_seconds(&refused)), "{refused:?}");
    writes.pop();
    holder.batch_execute("COMMIT").await.unwrap();
    assert!(join_all(writes).await.into_iter().all(|answer| answer.unwrap().is_ok()));
}

/// Of a write that is refused because of those that wait.
fn retry_after_seconds(refused: &WriteError) -> u32 {
    match refused {
        WriteError::Store(Error::Backlog { retry_after_seconds, .. }) => *retry_after_seconds,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_would_wait_for_too_long_is_busy_at_once_though_the_queue_is_not_full() {
    let test = TestDatabase::new().await;
    let (batch, most) = (2, 200);
    let settings =
        LaneSettings { lane_queue: most, lane_batch: batch, lane_wait_millis: 1, ..lane_settings() };
    let (lanes, _) = counted(&test, settings);
    let held = test.hold(shard()).await;
    let write = |number: i64| {
        let lanes = lanes.clone();
        tokio::spawn(async move { lanes.create(create("alice", "Raum1", hours(number, number + 1))).await })
    };
    let mut writes = vec![write(0)];
    held.awaited_by(1).await;
    // It is in flight, and answers nobody: however quick all else is, the wait grows while these come.
    let refused = eventually("a write is refused", async || {
        let count = i64::try_from(writes.len()).unwrap();
        assert!(count < i64::from(most), "the queue is full");
        let mut write = write(count);
        let answer = tokio::time::timeout(std::time::Duration::from_millis(50), &mut write).await;
        if answer.is_err() {
            writes.push(write);
        }
        answer.ok().map(|answer| answer.unwrap().unwrap_err())
    })
    .await;
    assert!((1..=30).contains(&retry_after_seconds(&refused)), "{refused:?}");
    assert!(refused.to_string().contains("a write would wait for too long"), "{refused}");
    // As many as a batch wait whatever they can expect.
    assert!(writes.len() > batch as usize, "{} were let in", writes.len());
    assert_eq!(test.log(shard()).await, []);
    held.release().await;
    let let_in = writes.len();
    assert!(join_all(writes).await.into_iter().all(|answer| answer.unwrap().is_ok()));
    lanes.create(create("bob", "Raum1", hours(300, 301))).await.unwrap();
    let log = test.database().log_after(shard(), Seq(0), 1_000).await.unwrap();
    let bookings = log.iter().filter(|change| change.kind == "booking_created");
    assert_eq!(bookings.count(), let_in + 1);
}

#[tokio::test]
async fn a_drained_lane_answers_what_it_took_and_takes_no_more() {
    let test = TestDatabase::new().await;
    let (lanes, _) = counted(&test, lane_settings());
    let writes: Vec<_> = (0..50)
        .map(|number| {
            let lanes = lanes.clone();
            tokio::spawn(
                async move { lanes.create(create("alice", "Raum1", hours(number, number + 1))).await },
            )
        })
        .collect();
    let client = test.client().await;
    eventually("a booking is there", async || {
        let count: i64 = client.query_one("SELECT count(*) FROM bookings", &[]).await.unwrap().get(0);
        (count > 0).then_some(())
    })
    .await;
    lanes.drain().await;
    let stopped = lanes.create(create("bob", "Raum1", hours(1, 2))).await.unwrap_err();
    assert!(matches!(stopped, WriteError::Store(Error::Stopping)), "{stopped:?}");
    let mut taken = 0;
    for write in writes {
        match write.await.unwrap() {
            Ok(_) => taken += 1,
            Err(WriteError::Store(Error::Stopping)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    let count: i64 = client.query_one("SELECT count(*) FROM bookings", &[]).await.unwrap().get(0);
    assert_eq!(count, taken);
}

#[tokio::test]
async fn cancelling_twice_at_once_cancels_once() {
    let test = TestDatabase::new().await;
    let (lanes, _) = counted(&test, lane_settings());
    let id = lanes.create(create("alice", "Raum1", hours(10, 12))).await.unwrap().value.booking.id;
    let cancels = join_all((0..10).map(|_| lanes.cancel(cancel("alice", id)))).await;
    assert!(cancels.iter().all(Result::is_ok));
    let refused = lanes.cancel(cancel("bob", id)).await.unwrap_err();
    assert!(matches!(refused, WriteError::NotYours), "{refused:?}");
    // The resource, the booking, one cancel.
    assert_eq!(test.replay(shard()).await.changes, 3);
    assert_eq!(test.database().open_wants(holdfast_domain::DEFAULT_TENANT).await.unwrap(), 0);
}

#[tokio::test]
async fn a_refused_create_makes_no_resource() {
    let test = TestDatabase::new().await;
    let (lanes, commits) = counted(&test, lane_settings());
    let refused = lanes.create(create("alice", "Raum1", hours(24 * 800, 24 * 800 + 1))).await.unwrap_err();
    assert!(matches!(refused, WriteError::Refused(_)), "{refused:?}");
    assert_eq!((test.replay(shard()).await.changes, commits.load(Ordering::Relaxed)), (0, 0));
}

#[tokio::test]
async fn a_resource_takes_only_so_many_open_wants_counted_within_a_batch_too() {
    let test = TestDatabase::new().await;
    let (lanes, _) = counted(&test, LaneSettings { open_wants_per_resource: 10, ..lane_settings() });
    let answers = join_all((0..30).map(|_| lanes.create(create("alice", "Raum1", hours(10, 12))))).await;
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    let crowded = answers.iter().filter(|answer| matches!(answer, Err(WriteError::Crowded { .. }))).count();
    assert_eq!((taken, crowded), (10, 20));
}

#[tokio::test]
async fn a_connection_that_died_in_the_pool_costs_no_write() {
    let test = TestDatabase::new().await;
    let (lanes, _) = counted(&test, lane_settings());
    let client = test.client().await;
    for number in 0..5 {
        lanes.create(create("alice", "Raum1", hours(number, number + 1))).await.unwrap();
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        client.execute(others, &[]).await.unwrap();
    }
    assert_eq!(test.replay(shard()).await.changes, 6);
}

#[tokio::test]
async fn a_range_at_the_edge_of_the_calendar_or_across_all_of_it_is_refused_and_breaks_nothing() {
    let test = TestDatabase::new().await;
    let (lanes, _) = counted(&test, lane_settings());
    let id = lanes.create(create("alice", "Raum1", hours(10, 12))).await.unwrap().value.booking.id;
    let (first, last) = (datetime!(0000-01-01 00:00 UTC), datetime!(9999-12-31 23:59 UTC));
    let hour = time::Duration::HOUR;
    for (start, end) in [(first, first + hour), (last - hour, last), (first, last)] {
        let range = TimeRange::new(start, end).unwrap();
        let refused = lanes.create(create("alice", "Raum1", range)).await.unwrap_err();
        assert!(matches!(refused, WriteError::Refused(_)), "{refused:?}");
        let refused = lanes.update(move_to("alice", id, range)).await.unwrap_err();
        assert!(matches!(refused, WriteError::Refused(_)), "{refused:?}");
    }
}

#[tokio::test]
async fn whoever_writes_one_booking_over_and_over_holds_up_nobody_else() {
    let test = TestDatabase::new().await;
    let (lanes, commits) = counted(&test, LaneSettings { lane_batch: 16, ..lane_settings() });
    let id = lanes.create(create("alice", "Raum1", hours(10, 12))).await.unwrap().value.booking.id;
    let before = commits.load(Ordering::Relaxed);
    let many = join_all((0..200).map(|number| lanes.update(move_to("alice", id, hours(number, number + 1)))));
    let other = async {
        lanes.create(create("bob", "Raum2", hours(10, 12))).await.unwrap();
        commits.load(Ordering::Relaxed) - before
    };
    let (many, waited_for) = tokio::join!(many, other);
    assert!(many.iter().all(Result::is_ok));
    assert!(waited_for <= 2, "{waited_for} transactions went before");
}

//! Controls: the same scenes with a guard taken out. Each must show the harm that the guard keeps away, or
//! the test beside it proves nothing. A binary of its own, since a failpoint holds for the whole process.

use fail::FailScenario;
use futures_util::future::join_all;
use holdfast_store::{Error, LaneSettings, Lanes, StepLimits};
use holdfast_testkit::{TestDatabase, create, eventually, hours, lane_settings, shard};

/// How many of two wants two processes take, at once, for a resource that has room for one more.
async fn taken_of_the_last() -> usize {
    let test = TestDatabase::new().await;
    let settings = LaneSettings { open_wants_per_resource: 10, ..lane_settings() };
    let processes = [(); 2].map(|()| Lanes::new(test.database(), settings.clone(), |_| {}));
    for _ in 0..9 {
        processes[0].create(create("alice", "Raum1", hours(1, 2))).await.expect("a booking");
    }
    let holder = test.client().await;
    holder.batch_execute("BEGIN").await.expect("a transaction");
    let lock = "SELECT FROM heads WHERE shard = $1 FOR UPDATE";
    holder.execute(lock, &[&shard().number()]).await.expect("the head");
    let writes = processes.iter().map(|lanes| lanes.create(create("bob", "Raum1", hours(1, 2))));
    let release = async {
        let client = test.client().await;
        eventually("both wait for the head", async || {
            let waiting = "SELECT count(*) FROM pg_stat_activity
                           WHERE datname = current_database() AND wait_event_type = 'Lock'";
            (client.query_one(waiting, &[]).await.expect("a count").get::<_, i64>(0) == 2).then_some(())
        })
        .await;
        holder.batch_execute("COMMIT").await.expect("the head let go");
    };
    let (answers, ()) = tokio::join!(join_all(writes), release);
    answers.iter().filter(|answer| answer.is_ok()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_head_guards_is_read_after_the_lock() {
    let guarded = FailScenario::setup();
    assert_eq!(taken_of_the_last().await, 1);
    guarded.teardown();

    let unguarded = FailScenario::setup();
    fail::cfg("head.read_before_lock", "return").unwrap();
    let taken = taken_of_the_last().await;
    unguarded.teardown();
    assert_eq!(taken, 2, "the control did not go red");
}

/// The faults of a scene in which a step sees two of three wants.
async fn faults_of_a_step() -> Vec<String> {
    let test = TestDatabase::new().await;
    let lanes = Lanes::new(test.database(), lane_settings(), |_| {});
    for user in ["alice", "bob", "carol"] {
        lanes.create(create(user, "Raum1", hours(10, 12))).await.expect("a booking");
    }
    test.database().step(shard(), StepLimits::default()).await.expect("a step");
    test.replay(shard()).await.faults
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_is_decided_with_all_of_its_wants() {
    let guarded = FailScenario::setup();
    assert_eq!(faults_of_a_step().await, Vec::<String>::new());
    guarded.teardown();

    let unguarded = FailScenario::setup();
    fail::cfg("step.loads_a_part", "return").unwrap();
    let faults = faults_of_a_step().await;
    unguarded.teardown();
    assert!(faults.iter().any(|fault| fault.starts_with("P4")), "the control did not go red: {faults:?}");
}

/// A step that forgets what is held, over two wants of one range; with or without the constraint.
async fn forgetful_step(constraint: bool) -> (Result<(), Error>, Vec<String>) {
    let test = TestDatabase::new().await;
    let lanes = Lanes::new(test.database(), lane_settings(), |_| {});
    lanes.create(create("alice", "Raum1", hours(10, 12))).await.expect("a booking");
    test.database().step(shard(), StepLimits::default()).await.expect("a step");
    lanes.create(create("bob", "Raum1", hours(11, 13))).await.expect("a booking");
    if !constraint {
        // Something has to serve the look for slots all the same.
        let swap = "ALTER TABLE bookings DROP CONSTRAINT bookings_no_overlap;
                    CREATE INDEX ON bookings USING gist (shard, resource_id, granted)";
        test.client().await.batch_execute(swap).await.expect("the table without its net");
    }
    let step = test.database().step(shard(), StepLimits::default()).await.map(drop);
    (step, test.replay(shard()).await.faults)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_booking_is_kept_out_by_the_decision_and_again_by_the_constraint() {
    let guarded = FailScenario::setup();
    let (step, faults) = forgetful_step(false).await;
    guarded.teardown();
    assert_eq!((step.is_ok(), faults), (true, Vec::new()));

    // The decision's guard out, the net in place: the step fails, and nothing is written.
    let unguarded = FailScenario::setup();
    fail::cfg("step.forgets_slots", "return").unwrap();
    let (step, faults) = forgetful_step(true).await;
    assert!(matches!(step, Err(Error::Data(_))), "{step:?}");
    assert!(!faults.iter().any(|fault| fault.starts_with("P1")), "{faults:?}");

    // Both out: the double booking is there, and the judge sees it.
    let (step, faults) = forgetful_step(false).await;
    unguarded.teardown();
    assert!(step.is_ok());
    assert!(faults.iter().any(|fault| fault.starts_with("P1")), "the control did not go red: {faults:?}");
}

/// The faults at rest after steps that take one resource at a time.
async fn faults_of_small_steps() -> Vec<String> {
    let test = TestDatabase::new().await;
    let lanes = Lanes::new(test.database(), lane_settings(), |_| {});
    for room in ["Raum1", "Raum2", "Raum3"] {
        lanes.create(create("alice", room, hours(10, 12))).await.expect("a booking");
    }
    let limits = StepLimits { wants: 1, ..StepLimits::default() };
    for _ in 0..5 {
        test.database().step(shard(), limits).await.expect("a step");
    }
    test.replay(shard()).await.faults
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cursor_stays_before_what_a_step_leaves_out() {
    let guarded = FailScenario::setup();
    assert_eq!(faults_of_small_steps().await, Vec::<String>::new());
    guarded.teardown();

    let unguarded = FailScenario::setup();
    fail::cfg("step.forgets_left_out", "return").unwrap();
    let faults = faults_of_small_steps().await;
    unguarded.teardown();
    assert!(
        faults.iter().any(|fault| fault.starts_with("P4: at rest")),
        "the control did not go red: {faults:?}"
    );
}

/// Whether a write is taken when the shard's clock is an hour ahead, and the log's last time is then in the future.
async fn a_write_an_hour_ahead() -> bool {
    let test = TestDatabase::new().await;
    let ahead = "UPDATE heads SET at = clock_timestamp() + interval '1 hour'";
    test.client().await.batch_execute(ahead).await.expect("a clock that is off");
    let lanes = Lanes::new(test.database(), lane_settings(), |_| {});
    lanes.create(create("alice", "Raum1", hours(10, 12))).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_is_kept_out_of_the_log() {
    let guarded = FailScenario::setup();
    assert!(!a_write_an_hour_ahead().await);
    guarded.teardown();

    let unguarded = FailScenario::setup();
    fail::cfg("head.any_clock", "return").unwrap();
    let taken = a_write_an_hour_ahead().await;
    unguarded.teardown();
    assert!(taken, "the control did not go red");
}

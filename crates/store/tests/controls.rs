//! Controls: the same scenes with a guard taken out. Each must show the harm that the guard keeps away, or
//! the test beside it proves nothing. A binary of its own, since a failpoint holds for the whole process.

use fail::FailScenario;
use futures_util::future::join_all;
use holdfast_store::{Error, LaneSettings, Lanes, StepLimits, WriteError};
use holdfast_testkit::{TestDatabase, create, hours, lane_settings, shard};

/// How many of 300 wants two processes take for a resource that takes a hundred.
async fn taken_of_a_hundred(test: &TestDatabase) -> usize {
    let settings = LaneSettings { open_wants_per_resource: 100, lane_batch: 8, ..lane_settings() };
    let processes = [(); 2].map(|()| Lanes::new(test.database(), settings.clone(), |_| {}));
    processes[0].create(create("alice", "Raum1", hours(1, 2))).await.expect("a booking");
    let writes = (0..300).map(|number| processes[number % 2].create(create("bob", "Raum1", hours(1, 2))));
    let answers = join_all(writes).await;
    let crowded = |answer: &&Result<_, WriteError>| matches!(answer, Err(WriteError::Crowded { .. }));
    301 - answers.iter().filter(crowded).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_head_guards_is_read_after_the_lock() {
    let guarded = FailScenario::setup();
    assert_eq!(taken_of_a_hundred(&TestDatabase::new().await).await, 100);
    guarded.teardown();

    let unguarded = FailScenario::setup();
    fail::cfg("head.read_before_lock", "return").unwrap();
    let taken = taken_of_a_hundred(&TestDatabase::new().await).await;
    unguarded.teardown();
    assert!(taken > 100, "the control did not go red: {taken} taken");
    println!("read before the lock: {taken} of 100 taken");
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

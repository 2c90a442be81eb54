//! Controls: the same scenes with a guard taken out. Each must show the harm that the guard keeps away, or
//! the test beside it proves nothing. A binary of its own, since a failpoint holds for the whole process.

use fail::FailScenario;
use futures_util::future::join_all;
use holdfast_domain::{BookingId, Note};
use holdfast_store::{Edit, Error, LaneSettings, Lanes, StepLimits, UpdateBooking};
use holdfast_testkit::{TestDatabase, cancel, create, hours, keyed, lane_settings, move_to, shard};
use uuid::Uuid;

/// How many of two wants two processes take, at once, for a resource that has room for one more.
async fn taken_of_the_last() -> usize {
    let test = TestDatabase::new().await;
    let settings = LaneSettings { open_wants_per_resource: 10, ..lane_settings() };
    let processes = [(); 2].map(|()| Lanes::new(test.database(), settings.clone(), |_| {}));
    for _ in 0..9 {
        processes[0].create(create("alice", "Raum1", hours(1, 2))).await.expect("a booking");
    }
    let held = test.hold(shard()).await;
    let writes = processes.iter().map(|lanes| lanes.create(create("bob", "Raum1", hours(1, 2))));
    let release = async {
        held.awaited_by(2).await;
        held.release().await;
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

/// Who holds the slot that alice's move into a taken one leaves, after others have wanted it.
async fn holder_of_what_a_move_keeps() -> Vec<String> {
    let test = TestDatabase::new().await;
    let lanes = Lanes::new(test.database(), lane_settings(), |_| {});
    let database = test.database();
    let mut made = Vec::new();
    for (user, range) in [("alice", hours(10, 12)), ("bob", hours(14, 16))] {
        made.push(lanes.create(create(user, "Raum1", range)).await.expect("a booking").value.booking.id);
        database.step(shard(), StepLimits::default()).await.expect("a step");
    }
    lanes.update(move_to("alice", made[0], hours(14, 16))).await.expect("a move");
    lanes.create(create("carol", "Raum1", hours(10, 12))).await.expect("a booking");
    database.step(shard(), StepLimits::default()).await.expect("a step");
    let holders = "SELECT user_id FROM bookings WHERE lower(granted) = $1";
    let rows = test.client().await.query(holders, &[&hours(10, 12).start()]).await.expect("the holders");
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_holds_its_slot_until_it_is_granted() {
    let guarded = FailScenario::setup();
    assert_eq!(holder_of_what_a_move_keeps().await, ["alice"]);
    guarded.teardown();

    let unguarded = FailScenario::setup();
    fail::cfg("move.lets_go", "return").unwrap();
    let holders = holder_of_what_a_move_keeps().await;
    unguarded.teardown();
    assert_eq!(holders, ["carol"], "the control did not go red");
}

/// How many of a hundred writers, in two processes, change the version that each of them has seen; for three versions.
async fn writers_of_one_version() -> Vec<usize> {
    let test = TestDatabase::new().await;
    let processes = [(); 2].map(|()| Lanes::new(test.database(), lane_settings(), |_| {}));
    let made = processes[0].create(create("alice", "Raum1", hours(10, 12))).await.expect("a booking");
    let (id, mut went_through) = (made.value.booking.id, Vec::new());
    for version in 1..=3 {
        let writes = (0..100_u8).map(|writer| {
            let note = Edit::Set(Note::parse(&format!("{writer} saw {version}")).expect("a note"));
            let (start, end, versions) = (None, None, Some(vec![version]));
            let write = UpdateBooking { start, end, note, versions, ..move_to("alice", id, hours(1, 2)) };
            processes[usize::from(writer % 2)].update(write)
        });
        went_through.push(join_all(writes).await.iter().filter(|answer| answer.is_ok()).count());
    }
    went_through
}

#[tokio::test(flavor = "multi_thread")]
async fn of_all_who_have_seen_one_version_one_writes() {
    let guarded = FailScenario::setup();
    assert_eq!(writers_of_one_version().await, [1, 1, 1]);
    guarded.teardown();

    let unguarded = FailScenario::setup();
    fail::cfg("versions.not_compared", "return").unwrap();
    let writers = writers_of_one_version().await;
    unguarded.teardown();
    assert_eq!(writers, [100, 100, 100], "the control did not go red");
}

/// How many bookings a write and its retries make, when there is room for one.
async fn bookings_of_one_key() -> (usize, i64) {
    let test = TestDatabase::new().await;
    let settings = LaneSettings { open_wants_per_resource: 1, ..lane_settings() };
    let lanes = Lanes::new(test.database(), settings, |_| {});
    let database = test.database();
    let mut taken = 0;
    for _ in 0..3 {
        let mut write = create("alice", "Raum1", hours(10, 12));
        write.order.key = keyed("once", 1);
        taken += usize::from(lanes.create(write.clone()).await.is_ok());
        // Once more while the room is crowded, and then again when it is not.
        write.id = uuid();
        taken += usize::from(lanes.create(write).await.is_ok());
        database.step(shard(), StepLimits::default()).await.expect("a step");
    }
    let client = test.client().await;
    (taken, client.query_one("SELECT count(*) FROM bookings", &[]).await.expect("a count").get(0))
}

fn uuid() -> BookingId {
    Uuid::now_v7().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_looked_up_before_any_rule() {
    let guarded = FailScenario::setup();
    assert_eq!(bookings_of_one_key().await, (6, 1));
    guarded.teardown();

    let unguarded = FailScenario::setup();
    fail::cfg("keys.not_looked_up", "return").unwrap();
    let (taken, made) = bookings_of_one_key().await;
    unguarded.teardown();
    assert!(taken < 6 && made > 1, "the control did not go red: {taken} taken, {made} made");
}

/// How many conflicts a booking is told of that is made in one batch with the only one that it meets, which leaves.
async fn told_of_who_has_left() -> i64 {
    let test = TestDatabase::new().await;
    let lanes = Lanes::new(test.database(), lane_settings(), |_| {});
    let made = lanes.create(create("bob", "Raum1", hours(10, 12))).await.expect("a booking");
    let held = test.hold(shard()).await;
    // One of its own goes ahead, so that the two wait for the next batch.
    let first = lanes.create(create("carol", "Raum2", hours(10, 12)));
    let both = async {
        held.awaited_by(1).await;
        let leaves = lanes.cancel(cancel("bob", made.value.booking.id));
        let comes = lanes.create(create("alice", "Raum1", hours(10, 12)));
        let ((), _, answer) = tokio::join!(held.release(), leaves, comes);
        answer.expect("a booking").value.conflicts.expect("it was asked").count
    };
    tokio::join!(first, both).1
}

#[tokio::test]
async fn what_was_read_of_conflicts_is_revised_by_what_the_batch_has_done() {
    let guarded = FailScenario::setup();
    assert_eq!(told_of_who_has_left().await, 0);
    guarded.teardown();

    let unguarded = FailScenario::setup();
    fail::cfg("conflicts.as_read", "return").unwrap();
    let told = told_of_who_has_left().await;
    unguarded.teardown();
    assert_eq!(told, 1, "the control did not go red");
}

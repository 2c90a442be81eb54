//! A COMMIT whose answer is lost: one effect and a true answer, whether it took place or not. A binary of its own,
//! since a failpoint holds for the whole process.

use fail::FailScenario;
use futures_util::future::join_all;
use holdfast_domain::{DEFAULT_VENUE, Kind, rules::BookingLimits};
use holdfast_store::{CreateBooking, CreateResource, Error, LaneSettings, Lanes, StepLimits, WriteError};
use holdfast_testkit::{
    TestDatabase, assert_replays, cancel, create, eventually, hours, keyed, lane_settings, move_to, order,
    shard,
};
use uuid::Uuid;

/// COMMIT takes place and its answer is lost, or it never gets there.
const LOST: [&str; 2] = ["head.loses_answer", "head.loses_commit"];

/// The next COMMIT, and no later one.
fn lose(what: &str) {
    fail::cfg(what, "1*return").expect("a failpoint");
}

fn lanes(test: &TestDatabase) -> Lanes {
    Lanes::new(test.database(), lane_settings(), |_| {})
}

fn once() -> CreateBooking {
    let mut create = create("alice", "Raum1", hours(10, 12));
    create.order.key = keyed("once", 1);
    create
}

async fn kinds(test: &TestDatabase) -> Vec<Kind> {
    test.log(shard()).await.iter().map(|change| change.fact.kind()).collect()
}

#[tokio::test]
async fn each_write_of_a_batch_has_one_effect_and_its_own_answer() {
    for lost in LOST {
        let scenario = FailScenario::setup();
        let test = TestDatabase::new().await;
        let lanes = lanes(&test);
        let mut made = Vec::new();
        for hour in [1, 2, 3] {
            let range = hours(hour, hour + 1);
            made.push(lanes.create(create("alice", "Raum1", range)).await.unwrap().value.booking.id);
        }
        test.database().step(shard(), StepLimits::default()).await.unwrap();
        let before = kinds(&test).await;

        lose(lost);
        let (new, moved, part, left) = tokio::join!(
            lanes.create(create("bob", "Raum2", hours(1, 2))),
            lanes.update(move_to("alice", made[0], hours(2, 4))),
            lanes.update(move_to("alice", made[1], hours(2, 3))),
            lanes.cancel(cancel("alice", made[2])),
        );
        let (new, moved, part) = (new.unwrap(), moved.unwrap(), part.unwrap());
        assert!(!new.replayed && !moved.replayed && !left.unwrap().replayed, "{lost}");
        assert_eq!(new.value.conflicts.unwrap().count, 0, "{lost}");
        assert_eq!((moved.value.conflicts.unwrap().count, moved.value.booking.version), (2, 3), "{lost}");
        assert_eq!(part.value.conflicts, None, "{lost}");
        let told = [
            Kind::ResourceCreated,
            Kind::BookingCreated,
            Kind::BookingUpdated,
            Kind::BookingConflict,
            Kind::BookingDeleted,
        ];
        assert_eq!(kinds(&test).await[before.len()..], told, "{lost}");
        assert_eq!(test.miscounted().await, Vec::<String>::new(), "{lost}");
        scenario.teardown();
    }
}

#[tokio::test]
async fn a_venues_resource_is_made_once() {
    for lost in LOST {
        let scenario = FailScenario::setup();
        let test = TestDatabase::new().await;
        lose(lost);
        let room = CreateResource {
            order: order("alice"),
            id: Uuid::now_v7().into(),
            venue_id: DEFAULT_VENUE,
            name: "Raum1".to_owned().try_into().unwrap(),
            limits: BookingLimits::default(),
        };
        let made = lanes(&test).create_resource(room.clone()).await.unwrap();
        assert_eq!((made.value.id, made.replayed), (room.id, false), "{lost}");
        assert_eq!(kinds(&test).await, [Kind::ResourceCreated], "{lost}");
        scenario.teardown();
    }
}

#[tokio::test]
async fn a_write_under_a_key_has_one_effect_and_so_has_its_retry() {
    for lost in LOST {
        let scenario = FailScenario::setup();
        let test = TestDatabase::new().await;
        let lanes = lanes(&test);
        lose(lost);
        let first = lanes.create(once()).await.unwrap();
        assert!(!first.replayed, "{lost}");
        lose(lost);
        let retry = lanes.create(once()).await.unwrap();
        assert_replays(&retry, &first);
        assert_eq!(kinds(&test).await, [Kind::ResourceCreated, Kind::BookingCreated], "{lost}");
        scenario.teardown();
    }
}

#[tokio::test]
async fn a_key_without_a_change_is_kept_though_the_answer_is_lost() {
    for lost in LOST {
        let scenario = FailScenario::setup();
        let test = TestDatabase::new().await;
        let lanes = lanes(&test);
        let id = lanes.create(create("alice", "Raum1", hours(10, 12))).await.unwrap().value.booking.id;
        let same = || {
            let mut update = move_to("alice", id, hours(10, 12));
            update.order.key = keyed("once", 2);
            update
        };
        lose(lost);
        let first = lanes.update(same()).await.unwrap();
        assert_eq!((first.value.booking.version, &first.value.conflicts), (1, &None), "{lost}");
        assert_replays(&lanes.update(same()).await.unwrap(), &first);
        scenario.teardown();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_that_comes_between_the_tries_is_the_one_that_writes() {
    for lost in LOST {
        let scenario = FailScenario::setup();
        let test = TestDatabase::new().await;
        let processes = [lanes(&test), lanes(&test)];
        lose(lost);
        let held = test.hold(shard()).await;
        let twin = async {
            held.awaited_by(1).await;
            tokio::join!(processes[1].create(once()), async {
                held.awaited_by(2).await;
                held.release().await;
            })
        };
        let (first, (second, ())) = tokio::join!(processes[0].create(once()), twin);
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!(first.value, second.value, "{lost}");
        let answer_lost = lost == LOST[0];
        assert_eq!((first.replayed, second.replayed), (!answer_lost, answer_lost), "{lost}");
        assert_eq!(kinds(&test).await, [Kind::ResourceCreated, Kind::BookingCreated], "{lost}");
        scenario.teardown();
    }
}

/// What a write is answered whose COMMIT took place and whose answer was lost.
async fn answer_to_what_happened() -> Result<(), WriteError> {
    let test = TestDatabase::new().await;
    lose("head.loses_answer");
    let answer = lanes(&test).create(create("alice", "Raum1", hours(10, 12))).await;
    assert_eq!(kinds(&test).await, [Kind::ResourceCreated, Kind::BookingCreated]);
    answer.map(drop)
}

#[tokio::test]
async fn the_log_is_asked_for_what_happened() {
    let guarded = FailScenario::setup();
    answer_to_what_happened().await.unwrap();
    guarded.teardown();

    let unguarded = FailScenario::setup();
    fail::cfg("log.not_asked", "return").unwrap();
    let answer = answer_to_what_happened().await;
    unguarded.teardown();
    assert!(answer.is_err(), "the control did not go red");
}

#[tokio::test]
async fn a_row_that_fails_in_the_second_try_takes_nothing_from_those_of_the_first() {
    let scenario = FailScenario::setup();
    let test = TestDatabase::new().await;
    let settings = LaneSettings { open_wants_per_resource: 1, ..lane_settings() };
    let lanes = Lanes::new(test.database(), settings, |_| {});
    let made = lanes.create(create("alice", "Raum1", hours(10, 12))).await.unwrap().value.booking.id;
    test.sql("ALTER TABLE bookings ADD CONSTRAINT unlucky CHECK (user_id <> 'unlucky')").await;
    // In the first try there is no room for him; in the second there is, and his row is refused.
    lose("head.loses_answer");
    let (unlucky, left, lucky) = tokio::join!(
        lanes.create(create("unlucky", "Raum1", hours(10, 12))),
        lanes.cancel(cancel("alice", made)),
        lanes.create(create("lucky", "Raum2", hours(10, 12))),
    );
    assert!(matches!(unlucky, Err(WriteError::Store(Error::Data(_)))), "{unlucky:?}");
    left.unwrap();
    assert_eq!(lucky.unwrap().value.conflicts.unwrap().count, 0);
    assert_eq!(kinds(&test).await.iter().filter(|kind| **kind == Kind::BookingCreated).count(), 2);
    scenario.teardown();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_dies_in_commit_has_done_nothing_and_the_writes_are_done_again() {
    let scenario = FailScenario::setup();
    let test = TestDatabase::new().await;
    // COMMIT stays where it is until it may go on.
    let gate = "
        CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON bookings DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION gate()";
    test.sql(gate).await;
    let keeper = test.client().await;
    keeper.execute("SELECT pg_advisory_lock(1)", &[]).await.unwrap();
    let lanes = lanes(&test);
    let writes = join_all([once(), create("bob", "Raum1", hours(10, 12))].map(|create| lanes.create(create)));
    let (answers, ()) = tokio::join!(writes, async {
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event = 'advisory' AND query LIKE '%COMMIT'";
        eventually("a backend dies in COMMIT", async || {
            (!keeper.query(kill, &[]).await.expect("an answer").is_empty()).then_some(())
        })
        .await;
        keeper.execute("SELECT pg_advisory_unlock(1)", &[]).await.expect("the gate opens");
    });
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.unwrap()).collect();
    assert!(answers.iter().all(|answer| !answer.replayed));
    assert_eq!(answers[1].value.conflicts.as_ref().unwrap().count, 1);
    let created = Kind::BookingCreated;
    let expected = [Kind::ResourceCreated, created, created, Kind::BookingConflict];
    assert_eq!(kinds(&test).await, expected);
    assert!(lanes.create(once()).await.unwrap().replayed);
    scenario.teardown();
}

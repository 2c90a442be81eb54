//! Idempotency keys: one effect for each, and for a retry the answer of the first try, whatever has become of it.

use futures_util::future::join_all;
use holdfast_domain::{BookingId, Kind, Note, Status, TimeRange, rules::Refusal};
use holdfast_store::{
    Booked, CancelBooking, CreateBooking, CreateResource, Edit, LaneSettings, Lanes, Object, StepLimits,
    Target, UpdateBooking, UpdateResource, WriteError, Written,
};
use holdfast_testkit::{
    TestDatabase, assert_replays, cancel, create, hours, keyed, lane_settings, move_to, order, shard,
};
use uuid::Uuid;

async fn scene() -> (TestDatabase, Lanes) {
    scene_with(lane_settings()).await
}

async fn scene_with(settings: LaneSettings) -> (TestDatabase, Lanes) {
    let test = TestDatabase::new().await;
    let lanes = Lanes::new(test.database(), settings, |_| {});
    (test, lanes)
}

/// A try of alice's to book this under the key `once`: with ids of its own, as each request makes them.
fn once(range: TimeRange) -> CreateBooking {
    let mut create = create("alice", "Raum1", range);
    create.order.key = keyed("once", 1);
    create
}

fn move_once(id: BookingId, range: TimeRange) -> UpdateBooking {
    let mut update = move_to("alice", id, range);
    update.order.key = keyed("once", 2);
    update
}

fn cancel_once(id: BookingId) -> CancelBooking {
    let mut cancel = cancel("alice", id);
    cancel.order.key = keyed("once", 3);
    cancel
}

fn note(id: BookingId, text: &str) -> UpdateBooking {
    let note = Edit::Set(Note::parse(text).expect("a note"));
    UpdateBooking { start: None, end: None, note, ..move_to("alice", id, hours(1, 2)) }
}

async fn step(test: &TestDatabase) {
    test.database().step(shard(), StepLimits::default()).await.expect("a step");
}

/// How many changes of this kind the log has.
async fn told(test: &TestDatabase, kind: Kind) -> usize {
    test.log(shard()).await.iter().filter(|change| change.fact.kind() == kind).count()
}

/// Of twins that came together one wrote, and all say the same.
fn one_wrote(answers: Vec<Result<Written<Booked>, WriteError>>) {
    let answers: Vec<Written<Booked>> = answers.into_iter().map(|answer| answer.expect("a yes")).collect();
    let first = answers.iter().find(|answer| !answer.replayed).expect("the one that wrote");
    let others = answers.iter().filter(|answer| answer.replayed);
    assert_eq!(others.clone().count(), answers.len() - 1);
    for other in others {
        assert_replays(other, first);
    }
}

#[tokio::test]
async fn twins_in_one_lane_have_one_effect_and_one_answer() {
    let (test, lanes) = scene().await;
    lanes.create(create("bob", "Raum1", hours(10, 12))).await.unwrap();
    one_wrote(join_all((0..5).map(|_| lanes.create(once(hours(11, 13))))).await);
    assert_eq!(told(&test, Kind::BookingCreated).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_in_two_processes_have_one_effect_and_one_answer() {
    let (test, lanes) = scene().await;
    let processes = [lanes.clone(), Lanes::new(test.database(), lane_settings(), |_| {})];
    lanes.create(create("bob", "Raum1", hours(10, 12))).await.unwrap();
    let held = test.hold(shard()).await;
    let writes = join_all((0..6_usize).map(|twin| processes[twin % 2].create(once(hours(11, 13)))));
    let (answers, ()) = tokio::join!(writes, async {
        held.awaited_by(2).await;
        held.release().await;
    });
    one_wrote(answers);
    assert_eq!(told(&test, Kind::BookingCreated).await, 2);
}

#[tokio::test]
async fn a_resource_that_the_first_try_made_is_made_once_and_the_answer_is_the_booking() {
    let (test, lanes) = scene().await;
    let first = lanes.create(once(hours(10, 12))).await.unwrap();
    assert_replays(&lanes.create(once(hours(10, 12))).await.unwrap(), &first);
    assert_eq!(told(&test, Kind::ResourceCreated).await, 1);
}

#[tokio::test]
async fn the_same_key_for_something_else_is_refused() {
    let (test, lanes) = scene().await;
    let made = lanes.create(once(hours(10, 12))).await.unwrap().value.booking;
    let refused = lanes.cancel(cancel_once(made.id)).await.unwrap_err();
    assert!(matches!(refused, WriteError::KeyReused), "{refused:?}");
    // Though both arrive at once.
    let mut other = once(hours(10, 12));
    other.order.key = keyed("at once", 9);
    let mut twin = once(hours(10, 12));
    twin.order.key = keyed("at once", 10);
    let (first, second) = tokio::join!(lanes.create(other), lanes.create(twin));
    assert!(first.is_ok() && matches!(second, Err(WriteError::KeyReused)), "{second:?}");
    assert_eq!(told(&test, Kind::BookingCreated).await, 2);
}

#[tokio::test]
async fn anothers_key_of_the_same_name_is_another() {
    let (test, lanes) = scene().await;
    lanes.create(once(hours(10, 12))).await.unwrap();
    let mut bobs = once(hours(10, 12));
    bobs.order.user_id = order("bob").user_id;
    assert!(!lanes.create(bobs).await.unwrap().replayed);
    assert_eq!(told(&test, Kind::BookingCreated).await, 2);
}

#[tokio::test]
async fn what_was_refused_for_want_of_room_is_taken_under_the_same_key_when_there_is_some() {
    let (_test, lanes) = scene_with(LaneSettings { open_wants_per_resource: 1, ..lane_settings() }).await;
    let bob = lanes.create(create("bob", "Raum1", hours(10, 12))).await.unwrap().value.booking.id;
    let refused = lanes.create(once(hours(10, 12))).await.unwrap_err();
    assert!(matches!(refused, WriteError::Crowded { .. }), "{refused:?}");
    lanes.cancel(cancel("bob", bob)).await.unwrap();
    assert!(!lanes.create(once(hours(10, 12))).await.unwrap().replayed);
}

#[tokio::test]
async fn what_was_refused_by_a_limit_is_taken_under_the_same_key_when_the_limit_is_gone() {
    let (_test, lanes) = scene().await;
    let bob = lanes.create(create("bob", "Raum1", hours(10, 12))).await.unwrap().value.booking;
    let far = hours(24 * 800, 24 * 800 + 1);
    let refused = lanes.create(once(far)).await.unwrap_err();
    assert!(matches!(refused, WriteError::Refused(Refusal::TooFarAhead { .. })), "{refused:?}");
    lanes.update_resource(ahead(bob.resource_id, 1_000)).await.unwrap();
    assert!(!lanes.create(once(far)).await.unwrap().replayed);
}

fn ahead(id: holdfast_domain::ResourceId, days: i32) -> UpdateResource {
    UpdateResource {
        order: order("alice"),
        id,
        versions: None,
        name: None,
        shortest_seconds: None,
        longest_seconds: None,
        days_ahead: Some(days),
    }
}

#[tokio::test]
async fn what_named_an_unknown_resource_is_taken_under_the_same_key_when_there_is_one() {
    let (_test, lanes) = scene().await;
    let id = Uuid::now_v7().into();
    let there = || CreateBooking { target: Target::Id(id), ..once(hours(10, 12)) };
    let refused = lanes.create(there()).await.unwrap_err();
    assert!(matches!(refused, WriteError::Unknown(Object::Resource)), "{refused:?}");
    let resource = CreateResource {
        order: order("alice"),
        id,
        venue_id: holdfast_domain::DEFAULT_VENUE,
        name: "Raum1".to_owned().try_into().unwrap(),
        limits: holdfast_domain::rules::BookingLimits::default(),
    };
    lanes.create_resource(resource).await.unwrap();
    assert!(!lanes.create(there()).await.unwrap().replayed);
}

#[tokio::test]
async fn the_answer_to_a_retry_is_that_of_then_whatever_has_become_of_the_booking() {
    let (test, lanes) = scene().await;
    for user in ["bob", "carol"] {
        lanes.create(create(user, "Raum1", hours(10, 12))).await.unwrap();
    }
    let first = lanes.create(once(hours(11, 13))).await.unwrap();
    assert_eq!(first.value.conflicts.as_ref().unwrap().count, 2);
    let id = first.value.booking.id;
    let is_as_then = async || lanes.create(once(hours(11, 13))).await.unwrap().value == first.value;
    assert!(is_as_then().await);
    lanes.update(note(id, "later")).await.unwrap();
    assert!(is_as_then().await);
    lanes.update(move_to("alice", id, hours(20, 22))).await.unwrap();
    step(&test).await;
    assert!(is_as_then().await);
    lanes.cancel(cancel("alice", id)).await.unwrap();
    assert!(is_as_then().await);
}

#[tokio::test]
async fn a_retried_move_has_one_effect_and_the_answer_of_then() {
    let (test, lanes) = scene().await;
    lanes.create(create("bob", "Raum1", hours(14, 16))).await.unwrap();
    let id = lanes.create(create("alice", "Raum1", hours(10, 12))).await.unwrap().value.booking.id;
    step(&test).await;
    let first = lanes.update(move_once(id, hours(15, 17))).await.unwrap();
    assert_eq!(first.value.conflicts.as_ref().unwrap().count, 1);
    // Moved on since, so that to do it again would be another move.
    lanes.update(move_to("alice", id, hours(20, 22))).await.unwrap();
    step(&test).await;
    assert_replays(&lanes.update(move_once(id, hours(15, 17))).await.unwrap(), &first);
    let claim = test.database().booking(holdfast_domain::DEFAULT_TENANT, id).await.unwrap().unwrap().claim;
    assert_eq!((claim.status(), claim.wanted()), (Status::Valid, hours(20, 22)));
}

#[tokio::test]
async fn a_write_that_changed_nothing_is_repeated_as_it_was_answered() {
    let (test, lanes) = scene().await;
    lanes.create(create("bob", "Raum1", hours(10, 12))).await.unwrap();
    let id = lanes.create(create("alice", "Raum1", hours(11, 13))).await.unwrap().value.booking.id;
    // The last that the log has of it is how it was made, with a conflict; nothing was told of that here.
    let first = lanes.update(move_once(id, hours(11, 13))).await.unwrap();
    assert_eq!((first.value.booking.version, &first.value.conflicts), (1, &None));
    lanes.update(note(id, "since")).await.unwrap();
    assert_replays(&lanes.update(move_once(id, hours(11, 13))).await.unwrap(), &first);
    assert_eq!(test.log(shard()).await.len(), 5, "a resource, two bookings, a conflict, a note");
}

#[tokio::test]
async fn a_second_cancel_is_one_under_a_key_too() {
    let (test, lanes) = scene().await;
    let id = lanes.create(create("alice", "Raum1", hours(10, 12))).await.unwrap().value.booking.id;
    lanes.cancel(cancel("alice", id)).await.unwrap();
    for replayed in [false, true] {
        assert_eq!(lanes.cancel(cancel_once(id)).await.unwrap().replayed, replayed);
    }
    assert_eq!(told(&test, Kind::BookingDeleted).await, 1);
}

#[tokio::test]
async fn the_retry_of_a_success_is_one_though_by_now_it_would_be_refused() {
    let (_test, lanes) = scene_with(LaneSettings { open_wants_per_resource: 2, ..lane_settings() }).await;
    // Crowded since.
    let made = lanes.create(once(hours(10, 12))).await.unwrap();
    let id = made.value.booking.id;
    lanes.create(create("bob", "Raum1", hours(10, 12))).await.unwrap();
    let refused = lanes.create(create("alice", "Raum1", hours(10, 12))).await.unwrap_err();
    assert!(matches!(refused, WriteError::Crowded { .. }), "{refused:?}");
    assert!(lanes.create(once(hours(10, 12))).await.unwrap().replayed);
    // Beyond the limits since.
    lanes.update_resource(ahead(made.value.booking.resource_id, 1)).await.unwrap();
    assert!(lanes.create(once(hours(10, 12))).await.unwrap().replayed);

    // A version that it no longer has, and a state that forbids it.
    let guarded = || {
        let mut update = note(id, "guarded");
        (update.versions, update.order.key) = (Some(vec![1]), keyed("guarded", 4));
        update
    };
    let first = lanes.update(guarded()).await.unwrap();
    assert_replays(&lanes.update(guarded()).await.unwrap(), &first);
    lanes.cancel(cancel("alice", id)).await.unwrap();
    assert_replays(&lanes.update(guarded()).await.unwrap(), &first);
}

#[tokio::test]
async fn an_expired_key_is_as_good_as_gone_and_names_a_new_write() {
    let (test, lanes) = scene().await;
    let first = lanes.create(once(hours(10, 12))).await.unwrap();
    test.sql("UPDATE idempotency_keys SET expires_at = clock_timestamp()").await;
    let mut another = once(hours(14, 16));
    another.order.key = keyed("once", 7);
    let second = lanes.create(another.clone()).await.unwrap();
    assert!(!second.replayed && second.value.booking.id != first.value.booking.id);
    assert_replays(&lanes.create(another).await.unwrap(), &second);
    let refused = lanes.create(once(hours(10, 12))).await.unwrap_err();
    assert!(matches!(refused, WriteError::KeyReused), "{refused:?}");
}

#[tokio::test]
async fn a_sweep_takes_a_thousand_expired_keys_at_most_and_never_a_live_one() {
    let (test, lanes) = scene().await;
    let database = test.database();
    assert!(!database.sweep_keys(shard()).await.unwrap());
    lanes.create(once(hours(10, 12))).await.unwrap();
    let expired = "
        INSERT INTO idempotency_keys
        SELECT shard, tenant_id, caller, 'old-' || n, fingerprint, effect_seq,
            clock_timestamp() - n * interval '1 second'
        FROM idempotency_keys, generate_series(1, 1500) n";
    test.sql(expired).await;
    let left = async || {
        let client = test.client().await;
        client.query_one("SELECT count(*) FROM idempotency_keys", &[]).await.unwrap().get::<_, i64>(0)
    };
    assert!(database.sweep_keys(shard()).await.unwrap());
    assert_eq!(left().await, 501);
    assert!(!database.sweep_keys(shard()).await.unwrap());
    assert_eq!(left().await, 1);
    assert!(lanes.create(once(hours(10, 12))).await.unwrap().replayed);
}

#[tokio::test]
async fn a_key_does_not_outlive_a_write_that_failed_with_it() {
    let (test, lanes) = scene().await;
    test.sql("ALTER TABLE bookings ADD CONSTRAINT unlucky CHECK (user_id <> 'alice')").await;
    // In one batch with others, which is then taken one by one.
    let others = (0..5).map(|number| create(&format!("user-{number}"), "Raum1", hours(number, number + 1)));
    let answers = join_all(others.chain([once(hours(10, 12))]).map(|create| lanes.create(create))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 5);
    test.sql("ALTER TABLE bookings DROP CONSTRAINT unlucky").await;
    assert!(!lanes.create(once(hours(10, 12))).await.unwrap().replayed);
}

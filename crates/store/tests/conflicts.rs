//! Notices of conflict: who is told of whom, when, and in which order.

use futures_util::future::join_all;
use holdfast_domain::{
    Booking, BookingId, Change, Conflict, Conflicts, DEFAULT_TENANT, Fact, Kind, Note, Status, TimeRange,
};
use holdfast_store::{Booked, Edit, Lanes, Object, StepLimits, Target, UpdateBooking, WriteError};
use holdfast_testkit::{TestDatabase, cancel, create, hours, lane_settings, move_to, shard};

struct Scene {
    test: TestDatabase,
    lanes: Lanes,
}

impl Scene {
    async fn new() -> Self {
        let test = TestDatabase::new().await;
        let lanes = Lanes::new(test.database(), lane_settings(), |_| {});
        Self { test, lanes }
    }

    async fn wants(&self, user: &str, range: TimeRange) -> Booked {
        self.lanes.create(create(user, "Raum1", range)).await.expect("a want").value
    }

    async fn holds(&self, user: &str, range: TimeRange) -> BookingId {
        let id = self.wants(user, range).await.booking.id;
        self.test.database().step(shard(), StepLimits::default()).await.expect("a step");
        id
    }

    async fn moves(&self, user: &str, id: BookingId, range: TimeRange) -> Booked {
        self.lanes.update(move_to(user, id, range)).await.expect("a move").value
    }

    /// The notices of the log, each with the change before it.
    async fn notices(&self) -> Vec<(Change, Change)> {
        let log = self.test.log(shard()).await;
        let pairs = log.windows(2).filter(|pair| pair[1].fact.kind() == Kind::BookingConflict);
        pairs.map(|pair| (pair[0].clone(), pair[1].clone())).collect()
    }
}

fn users(conflicts: &[Conflict]) -> Vec<&str> {
    conflicts.iter().map(|conflict| conflict.user_id.as_str()).collect()
}

fn told(booked: &Booked) -> &Conflicts {
    booked.conflicts.as_ref().expect("it was asked")
}

#[tokio::test]
async fn a_notice_follows_its_cause_at_once_and_comes_of_the_same_command() {
    let scene = Scene::new().await;
    scene.wants("alice", hours(10, 12)).await;
    let bob = scene.wants("bob", hours(11, 13)).await;
    let carol = scene.wants("carol", hours(20, 22)).await.booking;
    let moved = scene.moves("carol", carol.id, hours(9, 11)).await;

    let notices = scene.notices().await;
    let expected: [(Kind, &Booking, &Booked); 2] =
        [(Kind::BookingCreated, &bob.booking, &bob), (Kind::BookingUpdated, &moved.booking, &moved)];
    assert_eq!(notices.len(), 2);
    for ((cause, notice), (kind, booking, answer)) in notices.iter().zip(expected) {
        assert_eq!((cause.fact.kind(), cause.fact.booking()), (kind, Some(booking)));
        let fact = Fact::BookingConflict {
            booking: booking.clone(),
            conflicting: told(answer).first.clone(),
            conflict_count: 1,
        };
        assert_eq!((&notice.fact, &notice.actor), (&fact, &cause.actor));
    }
    let commands = "SELECT count(DISTINCT command_id) FROM changes WHERE type LIKE 'booking%'";
    let client = scene.test.client().await;
    assert_eq!(client.query_one(commands, &[]).await.unwrap().get::<_, i64>(0), 4);
    assert_eq!(scene.test.replay(shard()).await.changes, 7);
}

#[tokio::test]
async fn told_of_are_those_who_hold_it_and_then_those_who_want_it_each_by_rank() {
    let scene = Scene::new().await;
    let early = scene.wants("early", hours(10, 13)).await.booking.id;
    scene.lanes.cancel(cancel("early", early)).await.unwrap();
    scene.holds("held-1", hours(12, 14)).await;
    scene.holds("held-2", hours(10, 11)).await;
    let later = scene.wants("wanted-2", hours(8, 9)).await.booking.id;
    scene.wants("wanted-1", hours(11, 13)).await;
    // By rank, and not by when it was made.
    scene.moves("wanted-2", later, hours(10, 14)).await;
    let me = scene.wants("me", hours(9, 15)).await;
    assert_eq!(users(&told(&me).first), ["held-1", "held-2", "wanted-1", "wanted-2"]);
    let states: Vec<Status> = told(&me).first.iter().map(|conflict| conflict.status).collect();
    assert_eq!(states, [Status::Valid, Status::Valid, Status::Pending, Status::Pending]);
    assert_eq!(told(&me).count, 4);
}

#[tokio::test]
async fn a_move_in_flight_is_one_conflict_by_what_it_holds_or_else_by_what_it_wants() {
    let scene = Scene::new().await;
    let alice = scene.holds("alice", hours(10, 12)).await;
    scene.holds("bob", hours(14, 16)).await;
    scene.moves("alice", alice, hours(15, 17)).await;
    let range_of = async |range| {
        let booked = scene.wants("carol", range).await;
        let of_alice: Vec<_> = told(&booked).first.iter().filter(|c| c.id == alice).cloned().collect();
        scene.lanes.cancel(cancel("carol", booked.booking.id)).await.unwrap();
        of_alice.into_iter().map(|conflict| (conflict.range, conflict.status)).collect::<Vec<_>>()
    };
    assert_eq!(range_of(hours(11, 16)).await, [(hours(10, 12), Status::Valid)]);
    assert_eq!(range_of(hours(12, 16)).await, [(hours(15, 17), Status::Pending)]);
    assert_eq!(range_of(hours(12, 15)).await, []);
}

#[tokio::test]
async fn twenty_are_told_of_and_a_hundred_counted() {
    let scene = Scene::new().await;
    // In batches, and then alone.
    let wants = join_all((0..98).map(|number| {
        let user = format!("user-{number:02}");
        let lanes = &scene.lanes;
        async move { lanes.create(create(&user, "Raum1", hours(10, 12))).await.expect("a want") }
    }));
    wants.await;
    for expected in [98, 99, 100, 100] {
        let last = scene.wants("last", hours(10, 12)).await;
        assert_eq!(told(&last).count, expected);
        let first: Vec<String> = (0..20).map(|number| format!("user-{number:02}")).collect();
        assert_eq!(users(&told(&last).first), first);
    }
}

#[tokio::test]
async fn where_nobody_overlaps_nobody_is_told() {
    let scene = Scene::new().await;
    scene.wants("alice", hours(10, 12)).await;
    let bob = scene.wants("bob", hours(12, 14)).await;
    assert_eq!(told(&bob), &Conflicts::default());
    // Another room at the same time, and what is over and done with.
    scene.lanes.create(create("carol", "Raum2", hours(10, 12))).await.unwrap();
    let gone = scene.wants("dave", hours(20, 21)).await.booking.id;
    scene.lanes.cancel(cancel("dave", gone)).await.unwrap();
    scene.wants("eve", hours(20, 21)).await;
    assert_eq!(scene.notices().await, []);
}

#[tokio::test]
async fn a_note_a_part_and_a_return_to_what_is_held_are_told_to_nobody() {
    let scene = Scene::new().await;
    let alice = scene.holds("alice", hours(10, 14)).await;
    let bob = scene.wants("bob", hours(10, 14)).await.booking.id;
    scene.wants("carol", hours(16, 18)).await;
    let before = scene.notices().await.len();
    let note = UpdateBooking {
        start: None,
        end: None,
        note: Edit::Set(Note::parse("for six").expect("a note")),
        ..move_to("bob", bob, hours(1, 2))
    };
    let noted = scene.lanes.update(note).await.unwrap().value;
    assert_eq!(noted.conflicts, None);
    assert_eq!(scene.moves("bob", bob, hours(11, 14)).await.conflicts, None);
    assert_eq!(scene.moves("alice", alice, hours(10, 13)).await.conflicts, None);
    assert_eq!(scene.notices().await.len(), before);

    assert_eq!(told(&scene.moves("alice", alice, hours(15, 17)).await).count, 1);
    assert_eq!(scene.moves("alice", alice, hours(10, 12)).await.conflicts, None);
    assert_eq!(scene.notices().await.len(), before + 1);
}

#[tokio::test]
async fn what_a_move_leaves_and_what_it_wanted_before_are_no_conflict_of_its_own() {
    let scene = Scene::new().await;
    let alice = scene.holds("alice", hours(10, 12)).await;
    assert_eq!(told(&scene.moves("alice", alice, hours(11, 13)).await).count, 0);
    assert_eq!(told(&scene.moves("alice", alice, hours(11, 14)).await).count, 0);
    assert_eq!(scene.notices().await, []);
}

/// A write of a batch.
enum Write {
    Create(&'static str, TimeRange),
    Move(&'static str, BookingId, TimeRange),
    Cancel(&'static str, BookingId),
}

/// Runs writes as one batch.
async fn batch(scene: &Scene, writes: impl IntoIterator<Item = Write>) -> Vec<Option<Booked>> {
    let answers = join_all(writes.into_iter().map(async |write| match write {
        Write::Create(user, range) => Some(scene.wants(user, range).await),
        Write::Move(user, id, range) => Some(scene.moves(user, id, range).await),
        Write::Cancel(user, id) => {
            scene.lanes.cancel(cancel(user, id)).await.expect("a cancel");
            None
        }
    }))
    .await;
    let client = scene.test.client().await;
    let times = "SELECT count(DISTINCT at) FROM changes WHERE seq > (SELECT max(seq) - $1 FROM changes)";
    let written = i64::try_from(answers.len()).expect("a few");
    // One transaction has one time.
    assert_eq!(client.query_one(times, &[&written]).await.expect("a count").get::<_, i64>(0), 1);
    answers
}

#[tokio::test]
async fn who_left_earlier_in_the_batch_is_not_told_of() {
    let scene = Scene::new().await;
    let alice = scene.holds("alice", hours(10, 12)).await;
    let bob = scene.wants("bob", hours(10, 12)).await.booking.id;
    scene.wants("carol", hours(10, 12)).await;
    let leave = [Write::Cancel("alice", alice), Write::Cancel("bob", bob)];
    let answers = batch(&scene, leave.into_iter().chain([Write::Create("me", hours(11, 13))])).await;
    let me = answers[2].as_ref().unwrap();
    assert_eq!((users(&told(me).first), told(me).count), (vec!["carol"], 1));
}

#[tokio::test]
async fn who_moved_earlier_in_the_batch_is_told_of_where_they_are_now() {
    let scene = Scene::new().await;
    let kept = scene.holds("kept", hours(12, 13)).await;
    let less = scene.holds("less", hours(13, 16)).await;
    let away = scene.wants("away", hours(10, 12)).await.booking.id;
    let here = scene.wants("here", hours(20, 22)).await.booking.id;
    let writes = [
        Write::Move("away", away, hours(1, 2)),
        Write::Move("here", here, hours(11, 14)),
        Write::Move("kept", kept, hours(2, 3)),
        Write::Move("less", less, hours(14, 15)),
        Write::Create("me", hours(10, 15)),
    ];
    let answers = batch(&scene, writes).await;
    let me = answers[4].as_ref().unwrap();
    let ranges: Vec<_> = told(me).first.iter().map(|c| (c.user_id.as_str(), c.range, c.status)).collect();
    let expected = [
        ("less", hours(14, 15), Status::Valid),
        ("kept", hours(12, 13), Status::Valid),
        ("here", hours(11, 14), Status::Pending),
    ];
    // Held first, by rank: the one who moved and keeps its slot until then has a new one.
    assert_eq!((ranges, told(me).count), (expected.to_vec(), 3));
}

#[tokio::test]
async fn a_move_in_a_batch_is_told_of_those_before_it_and_not_of_those_behind() {
    let scene = Scene::new().await;
    let alice = scene.holds("alice", hours(1, 2)).await;
    let writes = [
        Write::Create("before", hours(10, 12)),
        Write::Move("alice", alice, hours(10, 12)),
        Write::Create("behind", hours(10, 12)),
    ];
    let answers = batch(&scene, writes).await;
    let first = |place: usize| users(&told(answers[place].as_ref().unwrap()).first);
    assert_eq!([first(0), first(1), first(2)], [vec![], vec!["before"], vec!["before", "alice"]]);
}

#[tokio::test]
async fn another_tenants_bookings_are_no_conflict() {
    let scene = Scene::new().await;
    let (tenant, venue) = scene.test.neighbour(shard()).await;
    // In one batch, a room of the same name at the same time.
    let mut other = create("bob", "Raum1", hours(10, 12));
    other.order.tenant_id = tenant;
    if let Target::Named { venue_id, .. } = &mut other.target {
        *venue_id = venue;
    }
    let mut theirs = other.clone();
    theirs.order.tenant_id = DEFAULT_TENANT;
    let (mine, other, theirs) = tokio::join!(
        scene.lanes.create(create("alice", "Raum1", hours(10, 12))),
        scene.lanes.create(other),
        scene.lanes.create(theirs),
    );
    assert_eq!([told(&mine.unwrap().value).count, told(&other.unwrap().value).count], [0, 0]);
    assert!(matches!(theirs, Err(WriteError::Unknown(Object::Venue))), "{theirs:?}");
}

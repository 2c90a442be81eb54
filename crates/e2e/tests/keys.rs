//! The same key has one effect, whatever dies between the first try and the last.

use futures_util::future::join_all;
use holdfast_domain::Fact;
use holdfast_e2e::{Answer, Binary, House, Log, booking};
use serde_json::{Value, json};

fn replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotency-replayed").is_some_and(|value| value == "true")
}

async fn created(house: &House) -> usize {
    let log = Log::read(&house.database).await;
    log.changes().iter().filter(|change| matches!(change.fact, Fact::BookingCreated { .. })).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_at_once_over_two_processes_makes_one_booking_and_tells_it_to_all() {
    let house = House::new().await;
    let apis = [house.ready(Binary::BookingApi).await, house.ready(Binary::BookingApi).await];
    let body = booking("Raum1", 10, 12);
    let tries = (0..40).map(|number| {
        let client = apis[number % 2].client().user("alice").header("Idempotency-Key", "k-1");
        let body = body.clone();
        async move { client.post("/api/v1/bookings", &body).await.unwrap() }
    });
    let answers = join_all(tries).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| !replayed(answer)).count(), 1);
    let bodies: Vec<&Value> = answers.iter().map(|answer| &answer.body).collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    assert!(answers.iter().all(|answer| answer.header("location").ends_with(answers[0].id())));
    assert_eq!(created(&house).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_one_request_of_one_user_and_only_once_it_has_succeeded() {
    let house = House::new().await;
    let api = house.start_with(Binary::BookingApi, &[("OPEN_WANTS_PER_RESOURCE", "1")]).await;
    api.until("ready").await;
    let (alice, bob) = (api.client().user("alice"), api.client().user("bob"));
    let key = "\"k-1\"";
    let first = alice.header("Idempotency-Key", key).book("Raum1", 10, 12).await.unwrap();
    assert_eq!((first.status, replayed(&first)), (201, false));
    let other = alice.header("Idempotency-Key", key).book("Raum1", 11, 12).await.unwrap();
    assert_eq!((other.status, &other.body["code"]), (422, &json!("idempotency_key_reused")));
    // The retry of a success is a success, though the resource is crowded by now; another user's is another's.
    let again = alice.header("Idempotency-Key", "k-1").book("Raum1", 10, 12).await.unwrap();
    assert_eq!((again.status, replayed(&again), again.body == first.body), (201, true, true));
    let refused = bob.header("Idempotency-Key", key).book("Raum1", 10, 12).await.unwrap();
    assert_eq!((refused.status, &refused.body["code"]), (429, &json!("crowded")));
    // Refused first, then free.
    let path = format!("/api/v1/bookings/{}", first.id());
    assert_eq!(alice.header("Idempotency-Key", "gone").delete(&path).await.unwrap().status, 204);
    let free = bob.header("Idempotency-Key", key).book("Raum1", 10, 12).await.unwrap();
    assert_eq!((free.status, replayed(&free)), (201, false));
    let gone = alice.header("Idempotency-Key", "gone").delete(&path).await.unwrap();
    assert_eq!((gone.status, replayed(&gone)), (204, true));
    // The first answer, as it was then.
    let again = alice.header("Idempotency-Key", key).book("Raum1", 10, 12).await.unwrap();
    assert_eq!((again.status, &again.body["status"]), (201, &json!("PENDING")));
    assert_eq!(created(&house).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_that_a_crash_cut_short_and_its_retry_have_one_effect() {
    for (place, happened) in [("head.before_commit", false), ("head.after_commit", true)] {
        let house = House::new().await;
        let failpoints = format!("{place}=1*off->return");
        let mut doomed = house.start_with(Binary::BookingApi, &[("FAILPOINTS", &failpoints)]).await;
        let made = doomed.client().user("alice").book("Raum1", 1, 2).await.unwrap();
        let move_it = booking("Raum1", 5, 6);
        let change = json!({ "start_time": move_it["start_time"], "end_time": move_it["end_time"] });
        let path = format!("/api/v1/bookings/{}", made.id());
        let alice = doomed.client().user("alice").header("Idempotency-Key", "k-1");
        assert!(alice.put(&path, &change).await.is_err(), "{place}");
        doomed.ended().await;

        let failpoints = format!("{place}=1*off->return");
        let mut second = house.start_with(Binary::BookingApi, &[("FAILPOINTS", &failpoints)]).await;
        let alice = second.client().user("alice").header("Idempotency-Key", "k-1");
        let retried = alice.put(&path, &change).await.unwrap();
        assert_eq!((retried.status, replayed(&retried)), (200, happened), "{place}");
        assert_eq!(retried.body["start_time"], change["start_time"]);
        assert!(alice.header("Idempotency-Key", "k-3").book("Raum1", 10, 12).await.is_err(), "{place}");
        second.ended().await;

        let third = house.ready(Binary::BookingApi).await;
        let alice = third.client().user("alice");
        let retried = alice.header("Idempotency-Key", "k-3").book("Raum1", 10, 12).await.unwrap();
        assert_eq!((retried.status, replayed(&retried)), (201, happened), "{place}");
        let log = Log::read(&house.database).await;
        let moves = log.changes().iter().filter(|change| matches!(change.fact, Fact::BookingUpdated { .. }));
        assert_eq!(moves.count(), 1, "{place}");
        assert_eq!(created(&house).await, 2, "{place}");
    }
}

//! What a new user meets: one process, a few requests, and a socket that tells what came of them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use holdfast_e2e::{Answer, Binary, House, Process, Socket};
use serde_json::{Value, json};

/// The fields of a booking, in the order of the alphabet.
const FIELDS: [&str; 14] = [
    "created_at",
    "end_time",
    "held",
    "id",
    "note",
    "resource",
    "resource_id",
    "start_time",
    "status",
    "title",
    "updated_at",
    "user_id",
    "venue_id",
    "version",
];

async fn house() -> (House, Process) {
    let house = House::new().await;
    let process = house.ready(Binary::Holdfast).await;
    (house, process)
}

fn fields(object: &Value) -> Vec<&str> {
    let mut fields: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}

fn types(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["type"].as_str().unwrap()).collect()
}

fn refusal(answer: &Answer) -> (u16, &str) {
    assert_eq!(answer.header("content-type"), "application/problem+json");
    (answer.status, answer.body["code"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_is_made_shown_listed_and_given_up() {
    let (_house, process) = house().await;
    let (alice, nobody) = (process.client().user("alice"), process.client());
    let created = alice.book("Raum1", 10, 12).await.unwrap();
    assert_eq!((created.status, created.header("etag")), (201, "\"1\""));
    let mut expected = [FIELDS.as_slice(), &["conflicts", "conflict_count"]].concat();
    expected.sort_unstable();
    assert_eq!(fields(&created.body), expected);
    assert_eq!((&created.body["status"], &created.body["held"]), (&json!("PENDING"), &json!(null)));
    assert_eq!((&created.body["conflicts"], &created.body["conflict_count"]), (&json!([]), &json!(0)));
    assert_eq!((&created.body["resource"], &created.body["user_id"]), (&json!("Raum1"), &json!("alice")));

    let location = created.header("location").to_owned();
    assert_eq!(location, format!("/api/v1/bookings/{}", created.id()));
    let shown = holdfast_testkit::eventually("it is decided", async || {
        let shown = nobody.get(&location).await.ok()?;
        (shown.body["status"] == "VALID").then_some(shown)
    })
    .await;
    assert_eq!((shown.status, shown.header("etag")), (200, "\"2\""));
    assert_eq!(fields(&shown.body), FIELDS);
    let listed = nobody.get("/api/bookings").await.unwrap();
    assert_eq!((listed.status, listed.body), (200, json!([shown.body])));

    for again in [false, true] {
        assert_eq!(alice.delete(&location).await.unwrap().status, 204, "again: {again}");
    }
    assert_eq!(nobody.get("/api/bookings").await.unwrap().body, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_second_is_told_of_whom_they_overlap() {
    let (_house, process) = house().await;
    let first = process.client().user("alice").book("Raum1", 10, 12).await.unwrap();
    let second = process.client().user("bob").book("Raum1", 11, 13).await.unwrap();
    assert_eq!((second.status, &second.body["conflict_count"]), (201, &json!(1)));
    let conflict = &second.body["conflicts"][0];
    assert_eq!(fields(conflict), ["end_time", "id", "resource_id", "start_time", "status", "user_id"]);
    for field in ["id", "resource_id", "start_time", "end_time"] {
        assert_eq!(conflict[field], first.body[field], "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_needs_a_name_and_a_cancel_the_owners() {
    let (_house, process) = house().await;
    let (nobody, bob) = (process.client(), process.client().user("bob"));
    assert_eq!(refusal(&nobody.book("Raum1", 10, 12).await.unwrap()), (401, "identity_required"));
    let created = process.client().user("alice").book("Raum1", 10, 12).await.unwrap();
    for prefix in ["/api/bookings", "/api/v1/bookings"] {
        let path = format!("{prefix}/{}", created.id());
        assert_eq!(refusal(&nobody.delete(&path).await.unwrap()), (401, "identity_required"));
        assert_eq!(refusal(&bob.delete(&path).await.unwrap()), (403, "not_yours"));
        assert_eq!(nobody.get(&path).await.unwrap().status, 200);
        let unknown = format!("{prefix}/00000000-0000-7000-8000-000000000000");
        assert_eq!(refusal(&bob.delete(&unknown).await.unwrap()), (404, "booking_not_found"));
        assert_eq!(refusal(&nobody.get(&unknown).await.unwrap()), (404, "booking_not_found"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_prefixes_serve_every_route() {
    let (_house, process) = house().await;
    let alice = process.client().user("alice");
    for (prefix, socket, hour) in [("/api", "/api/bookings/ws", 10), ("/api/v1", "/api/v1/ws", 20)] {
        let mut socket = Socket::open_at(process.address(), &format!("{socket}?user_id=alice")).await;
        let bookings = format!("{prefix}/bookings");
        let range = holdfast_e2e::booking("Raum1", hour, hour + 1);
        let created = alice.post(&bookings, &range).await.unwrap();
        assert_eq!(created.status, 201);
        let location = created.header("location");
        assert_eq!(location, format!("{bookings}/{}", created.id()));
        assert_eq!(alice.get(location).await.unwrap().status, 200);
        assert_eq!(alice.get(&bookings).await.unwrap().body.as_array().unwrap().len(), 1);
        let processed = alice.post(&format!("{bookings}/process-pending"), &json!({})).await.unwrap();
        assert_eq!(processed.status, 200);
        socket.until("booking_validated", created.id()).await;
        assert_eq!(alice.delete(location).await.unwrap().status, 204);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_says_hello_and_then_tells_each_change_of_its_user_in_order() {
    let (_house, process) = house().await;
    let mut socket = Socket::open(process.address(), "user_id=alice").await;
    let created = process.client().user("alice").book("Raum1", 10, 12).await.unwrap();
    let messages = socket.until("booking_validated", created.id()).await;
    assert_eq!(types(&messages), ["resource_created", "booking_created", "booking_validated"]);
    let seqs: Vec<i64> = messages.iter().map(|message| message["seq"].as_i64().unwrap()).collect();
    let first = socket.from + 1;
    assert_eq!(seqs, [first, first + 1, first + 2]);
    let created_message = &messages[1];
    assert_eq!(created_message["actor"], "alice");
    assert_eq!(created_message["request_id"], created.header("x-request-id"));
    assert_eq!(created_message["data"]["booking"]["resource_id"], created.body["resource_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_changes_reach_only_sockets_that_ask_for_them() {
    let (_house, process) = house().await;
    let alice = process.client().user("alice");
    let resource = alice.book("Raum1", 1, 2).await.unwrap().body["resource_id"].clone();
    let by_resource = format!("user_id=bob&resource={}", resource.as_str().unwrap());
    let mut own = Socket::open(process.address(), "user_id=bob").await;
    let mut of_resource = Socket::open(process.address(), &by_resource).await;
    let mut of_all = Socket::open(process.address(), "topic=all").await;

    let hers = alice.book("Raum1", 10, 12).await.unwrap();
    for socket in [&mut of_resource, &mut of_all] {
        socket.until("booking_validated", hers.id()).await;
    }
    // In the log hers come before his, so what comes first is what is sent at all.
    let his = process.client().user("bob").book("Raum2", 10, 12).await.unwrap();
    let messages = own.until("booking_validated", his.id()).await;
    assert_eq!(types(&messages), ["resource_created", "booking_created", "booking_validated"]);
    assert!(messages[1..].iter().all(|message| message["data"]["booking"]["id"] == his.id()), "{messages:?}");
    let elsewhere = alice.book("Raum2", 20, 21).await.unwrap();
    of_all.until("booking_created", elsewhere.id()).await;
    let hers_again = alice.book("Raum1", 20, 21).await.unwrap();
    let messages = of_resource.until("booking_created", hers_again.id()).await;
    let strangers = messages.iter().filter(|message| message["data"]["booking"]["id"] == elsewhere.id());
    assert_eq!(strangers.count(), 0, "{messages:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_a_venue_hears_of_all_that_is_booked_there_and_of_the_venue_itself() {
    let (_house, process) = house().await;
    let bob = process.client().user("bob");
    let place = json!({"name": "Insel", "time_zone": "Europe/Berlin"});
    let island = bob.post("/api/v1/venues", &place).await.unwrap();
    // From the start of the log: whether its being made was told before they came is then all the same.
    let query = format!("user_id=alice&venue={}&after=0", island.id());
    let mut socket = Socket::open(process.address(), &query).await;

    bob.book("Raum1", 10, 12).await.unwrap();
    let mut there = holdfast_e2e::booking("Raum1", 10, 12);
    there["venue_id"] = json!(island.id());
    let his = bob.post("/api/v1/bookings", &there).await.unwrap();
    assert_eq!((his.status, &his.body["venue_id"]), (201, &island.body["id"]));
    let messages = socket.until("booking_validated", his.id()).await;
    let expected = ["venue_created", "resource_created", "booking_created", "booking_validated"];
    assert_eq!(types(&messages), expected);
    assert!(messages[2..].iter().all(|message| message["data"]["booking"]["venue_id"] == island.body["id"]));

    let path = format!("/api/v1/venues/{}", island.id());
    assert_eq!(bob.patch(&path, &json!({"name": "Halbinsel"})).await.unwrap().status, 200);
    let renamed = socket.message().await;
    assert_eq!((&renamed["type"], &renamed["actor"]), (&json!("venue_updated"), &json!("bob")));
    // In the log, in a list, in an answer to a write and by itself it is the same.
    let booking = format!("/api/v1/bookings/{}", his.id());
    let history = bob.get(&format!("{booking}/history")).await.unwrap().body;
    let list = bob.get(&format!("/api/v1/bookings?venue_id={}", island.id())).await.unwrap().body;
    let moved = bob.put(&booking, &json!({"title": "Stand-up"})).await.unwrap().body;
    for whole in [&history[0]["data"]["booking"], &list[0], &moved] {
        assert_eq!((&whole["id"], &whole["venue_id"]), (&his.body["id"], &island.body["id"]));
    }
    assert_eq!(bob.get(&booking).await.unwrap().body, moved);
}

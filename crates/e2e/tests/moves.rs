//! Bookings that change: moves that keep their slot, words that cost nothing, versions that guard, and who is told.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use futures_util::future::join_all;
use holdfast_e2e::{Answer, Binary, Client, House, Process, Socket};
use holdfast_testkit::{eventually, hours};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

async fn house() -> (House, Process) {
    let house = House::new().await;
    let process = house.ready(Binary::Holdfast).await;
    (house, process)
}

fn path(id: &str) -> String {
    format!("/api/v1/bookings/{id}")
}

/// The times of these hours, as a body has them.
fn times(from: i64, to: i64) -> Value {
    let range = hours(from, to);
    let text = |at: time::OffsetDateTime| at.format(&Rfc3339).unwrap();
    json!({ "start_time": text(range.start()), "end_time": text(range.end()) })
}

/// Books and waits for the decision.
async fn booked(user: &Client, from: i64, to: i64) -> Answer {
    let booked = user.header("Prefer", "wait=30").book("Raum1", from, to).await.unwrap();
    assert_eq!((booked.status, &booked.body["status"]), (201, &json!("VALID")), "{booked:?}");
    booked
}

async fn until_status(reader: &Client, id: &str, status: &str) -> Answer {
    eventually(status, async || {
        let shown = reader.get(&path(id)).await.ok()?;
        (shown.body["status"] == status).then_some(shown)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_into_a_taken_slot_keeps_the_old_one_until_the_new_one_is_free() {
    let (_house, process) = house().await;
    let (alice, bob) = (process.client().user("alice"), process.client().user("bob"));
    let (hers, his) = (booked(&alice, 10, 12).await, booked(&bob, 14, 16).await);
    let moved = alice.put(&path(hers.id()), &times(15, 17)).await.unwrap();
    assert_eq!((moved.status, &moved.body["status"]), (200, &json!("PENDING")));
    assert_eq!(moved.body["held"], times(10, 12));
    assert_eq!(
        (&moved.body["conflicts"][0]["id"], &moved.body["conflict_count"]),
        (&his.body["id"], &json!(1))
    );

    let third = process.client().user("carol").book("Raum1", 10, 12).await.unwrap();
    assert_eq!(third.body["conflicts"][0]["status"], "VALID", "the old slot is held");
    assert_eq!(bob.delete(&path(his.id())).await.unwrap().status, 204);
    let shown = until_status(&alice, hers.id(), "VALID").await;
    assert_eq!(
        (&shown.body["start_time"], &shown.body["held"]),
        (&times(15, 17)["start_time"], &json!(null))
    );
    until_status(&alice, third.id(), "VALID").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_can_not_be_had_in_time_leaves_the_booking_as_it_was() {
    let house = House::new().await;
    let process = house.start_with(Binary::Holdfast, &[("GRACE_PERIOD_MINUTES", "0")]).await;
    process.until("ready").await;
    let (alice, bob) = (process.client().user("alice"), process.client().user("bob"));
    let (hers, _his) = (booked(&alice, 10, 12).await, booked(&bob, 14, 16).await);
    let mut socket = Socket::open(process.address(), "user_id=alice").await;
    let moved = alice.header("Prefer", "wait=30").put(&path(hers.id()), &times(15, 17)).await.unwrap();
    assert_eq!((moved.status, moved.header("preference-applied")), (200, "wait=30"));
    assert_eq!(
        (&moved.body["status"], &moved.body["start_time"]),
        (&json!("VALID"), &hers.body["start_time"])
    );
    let told = socket.until("booking_move_rejected", hers.id()).await;
    let kinds: Vec<&str> = told.iter().map(|message| message["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["booking_updated", "booking_conflict", "booking_move_rejected"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_told_to_the_owners_of_those_listed_and_to_who_asked() {
    let (_house, process) = house().await;
    let alice = process.client().user("alice");
    let hers = booked(&alice, 10, 12).await;
    let mut sockets = Vec::new();
    for user in ["alice", "bob", "carol"] {
        sockets.push(Socket::open(process.address(), &format!("user_id={user}")).await);
    }
    let his = process.client().user("bob").book("Raum1", 11, 13).await.unwrap();
    for socket in &mut sockets[..2] {
        let told = socket.until("booking_conflict", his.id()).await;
        let conflict = &told.last().unwrap()["data"];
        assert_eq!(conflict["conflicting"][0]["id"], hers.body["id"]);
        assert_eq!(conflict["conflicting"][0]["user_id"], "alice");
        assert_eq!(
            (&conflict["booking"]["user_id"], &conflict["conflict_count"]),
            (&json!("bob"), &json!(1))
        );
    }
    // Whom it does not concern hears of their own next.
    let own = process.client().user("carol").book("Raum2", 1, 2).await.unwrap();
    let told = sockets[2].until("booking_created", own.id()).await;
    assert!(told.iter().all(|message| message["type"] != "booking_conflict"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_change_alone_and_null_takes_them_away() {
    let (_house, process) = house().await;
    let alice = process.client().user("alice");
    let made = booked(&alice, 10, 12).await;
    let change = |body: Value| {
        let (alice, path) = (alice.clone(), path(made.id()));
        async move { alice.put(&path, &body).await.unwrap() }
    };
    let said = change(json!({"title": "Stand-up", "note": "two\nlines"})).await;
    assert_eq!((said.status, &said.body["status"], said.header("etag")), (200, &json!("VALID"), "\"3\""));
    assert!(said.body.get("conflicts").is_none(), "nothing was asked for");
    let same = change(json!({"title": "Stand-up"})).await;
    assert_eq!((same.status, same.header("etag")), (200, "\"3\""), "nothing has changed");
    let unsaid = change(json!({"title": null})).await;
    assert_eq!((&unsaid.body["title"], &unsaid.body["note"]), (&json!(null), &json!("two\nlines")));
    let end = times(10, 11)["end_time"].clone();
    let less = change(json!({ "end_time": end })).await;
    assert_eq!((&less.body["status"], &less.body["start_time"]), (&json!("VALID"), &made.body["start_time"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_closed_or_anothers_or_not_there_does_not_change() {
    let house = House::new().await;
    let process = house.start_with(Binary::Holdfast, &[("GRACE_PERIOD_MINUTES", "0")]).await;
    process.until("ready").await;
    let (alice, bob) = (process.client().user("alice"), process.client().user("bob"));
    let hers = booked(&alice, 10, 12).await;
    let his = bob.book("Raum1", 11, 13).await.unwrap();
    until_status(&bob, his.id(), "REJECTED").await;
    let refused = bob.put(&path(his.id()), &json!({"title": "x"})).await.unwrap();
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("booking_closed")));
    assert_eq!(refused.body["state"], "REJECTED");
    let before = bob.get(&path(his.id())).await.unwrap();
    assert_eq!(bob.delete(&path(his.id())).await.unwrap().status, 204);
    let after = bob.get(&path(his.id())).await.unwrap();
    assert_eq!((after.header("etag"), &after.body), (before.header("etag"), &before.body));

    let anothers = bob.put(&path(hers.id()), &json!({"title": "mine"})).await.unwrap();
    assert_eq!((anothers.status, &anothers.body["code"]), (403, &json!("not_yours")));
    let unknown = bob.put(&path("00000000-0000-7000-8000-000000000000"), &json!({})).await.unwrap();
    assert_eq!((unknown.status, &unknown.body["code"]), (404, &json!("booking_not_found")));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_writers_that_mean_one_version_one_gets_through() {
    let house = House::new().await;
    let (one, other) = (house.ready(Binary::BookingApi).await, house.ready(Binary::BookingApi).await);
    let alices = [one.client().user("alice"), other.client().user("alice")];
    let made = alices[0].book("Raum1", 10, 12).await.unwrap();
    for version in 1..=3 {
        let tag = format!("\"{version}\"");
        let writes = (0..100).map(|number| {
            let (alice, path) = (alices[number % 2].header("If-Match", &tag), path(made.id()));
            async move { alice.put(&path, &json!({ "title": format!("{version}-{number}") })).await.unwrap() }
        });
        let answers = join_all(writes).await;
        let through: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(through.len(), 1, "version {version}");
        let refused = answers.iter().filter(|answer| answer.status == 412);
        assert_eq!(refused.clone().count(), 99);
        assert!(refused.clone().all(|answer| answer.body["code"] == "version_changed"));
        let shown = alices[0].get(&path(made.id())).await.unwrap();
        assert_eq!(shown.body["title"], through[0].body["title"], "nobody else wrote");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_with_the_decision_or_when_its_time_is_up() {
    let house = House::new().await;
    let api = house.ready(Binary::BookingApi).await;
    let alice = api.client().user("alice");
    let waited = alice.header("Prefer", "wait=1").book("Raum1", 10, 12).await.unwrap();
    assert_eq!((waited.status, waited.header("preference-applied")), (201, "wait=1"));
    assert_eq!(waited.body["status"], "PENDING", "nobody decides");

    let waiting = {
        let alice = alice.header("Prefer", "respond-async, wait=30");
        tokio::spawn(async move { alice.book("Raum1", 14, 16).await.unwrap() })
    };
    eventually("it is made", async || {
        let listed = alice.get("/api/v1/bookings").await.ok()?;
        (listed.body.as_array()?.len() == 2).then_some(())
    })
    .await;
    let _validator = house.ready(Binary::Validator).await;
    let decided = waiting.await.unwrap();
    assert_eq!((&decided.body["status"], decided.header("etag")), (&json!("VALID"), "\"2\""));
    assert_eq!(decided.body["conflict_count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_answered_when_the_service_stops() {
    let house = House::new().await;
    let mut api = house.ready(Binary::BookingApi).await;
    let alice = api.client().user("alice");
    let waiting = {
        let alice = alice.header("Prefer", "wait=30");
        tokio::spawn(async move { alice.book("Raum1", 14, 16).await.unwrap() })
    };
    eventually("it is made", async || {
        let listed = alice.get("/api/v1/bookings").await.ok()?;
        (listed.body.as_array()?.len() == 1).then_some(())
    })
    .await;
    let ended = api.terminate().await;
    let answer = waiting.await.unwrap();
    assert_eq!((answer.status, &answer.body["status"]), (201, &json!("PENDING")));
    assert!(answer.headers.get("preference-applied").is_none());
    assert!(ended.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_place_to_wait_is_answered_at_once() {
    let house = House::new().await;
    let api = house.start_with(Binary::BookingApi, &[("WAITS_MAX", "0")]).await;
    api.until("ready").await;
    let alice = api.client().user("alice").header("Prefer", "wait=30");
    let answer = alice.book("Raum1", 10, 12).await.unwrap();
    assert_eq!((answer.status, &answer.body["status"]), (201, &json!("PENDING")));
    assert!(answer.headers.get("preference-applied").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_is_taken_back_though_the_slot_that_is_held_has_begun() {
    let (house, process) = house().await;
    let (alice, bob) = (process.client().user("alice"), process.client().user("bob"));
    let (hers, _his) = (booked(&alice, 10, 12).await, booked(&bob, 14, 16).await);
    let moved = alice.put(&path(hers.id()), &times(15, 17)).await.unwrap();
    assert_eq!(moved.body["status"], "PENDING");
    // As if an hour of it had gone by.
    let begun =
        "UPDATE bookings SET granted = tstzrange(now() - interval '1 hour', now() + interval '1 hour')
                 WHERE status = 'PENDING'";
    assert_eq!(house.database.client().await.execute(begun, &[]).await.unwrap(), 1);
    let held = alice.get(&path(hers.id())).await.unwrap().body["held"].clone();
    let back = alice.put(&path(hers.id()), &held).await.unwrap();
    assert_eq!((back.status, &back.body["status"]), (200, &json!("VALID")), "{back:?}");
    assert_eq!((&back.body["start_time"], &back.body["held"]), (&held["start_time"], &json!(null)));
}

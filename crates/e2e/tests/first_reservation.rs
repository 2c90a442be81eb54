//! What a new user of events meets: an event is made, units of it are held, confirmed and given back, and a map tells of the
//! seats.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use holdfast_e2e::{Answer, Binary, Client, House, Process};
use reqwest::Method;
use serde_json::{Value, json};

const RESERVATIONS: &str = "/api/v1/reservations";

async fn house() -> (House, Process) {
    let house = House::new().await;
    let process = house.ready(Binary::Holdfast).await;
    (house, process)
}

/// An event with these sections; its id.
async fn event(client: &Client, sections: Value) -> String {
    let body = json!({ "title": "Concert 2027", "event_date": "2027-06-15", "sections": sections });
    let made = client.user("host").post("/api/v1/events", &body).await.unwrap();
    assert_eq!((made.status, made.header("etag")), (201, "\"1\""));
    assert_eq!(made.header("location"), format!("/api/v1/events/{}", made.id()));
    made.id().to_owned()
}

/// One with two rows of four seats, and ten places to stand.
async fn concert(client: &Client) -> String {
    let rows =
        json!([{ "name": "A", "seats": 4 }, { "name": "B", "seats": 4, "rank": 1, "category": "back" }]);
    event(client, json!([{ "name": "Stalls", "rows": rows }, { "name": "Standing", "capacity": 10 }])).await
}

async fn hold(client: &Client, body: &Value) -> Answer {
    client.post(RESERVATIONS, body).await.unwrap()
}

async fn confirm(client: &Client, id: &str) -> Answer {
    client.raw(Method::POST, &format!("{RESERVATIONS}/{id}/confirm"), "text/plain", "").await.unwrap()
}

fn refusal(answer: &Answer) -> (u16, &str) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{answer:?}");
    (answer.status, answer.body["code"].as_str().unwrap())
}

/// The states of each row, in its order.
async fn states(client: &Client, event: &str) -> Vec<String> {
    let seats = client.get(&format!("/api/v1/events/{event}/seats")).await.unwrap();
    assert_eq!((seats.status, &seats.body["event_id"]), (200, &json!(event)));
    let sections = seats.body["sections"].as_array().unwrap();
    let rows = sections.iter().flat_map(|section| section["rows"].as_array().unwrap());
    rows.map(|row| row["states"].as_str().unwrap().to_owned()).collect()
}

/// What is available, held and confirmed of each section.
async fn left(client: &Client, event: &str) -> Vec<[i64; 3]> {
    let shown = client.get(&format!("/api/v1/events/{event}")).await.unwrap();
    let sections = shown.body["sections"].as_array().unwrap();
    let count = |section: &Value, name: &str| section[name].as_i64().unwrap();
    sections.iter().map(|it| ["available", "held", "confirmed"].map(|name| count(it, name))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn units_are_held_confirmed_and_given_back() {
    let (_house, process) = house().await;
    let client = process.client();
    let (alice, bob) = (client.user("alice"), client.user("bob"));
    let event = concert(&client).await;
    let body = json!({ "event_id": event, "section_id": "Standing", "seats_requested": 8 });
    let held = hold(&alice, &body).await;
    assert_eq!((held.status, held.header("etag")), (201, "\"1\""));
    assert_eq!(held.header("location"), format!("{RESERVATIONS}/{}", held.id()));
    assert_eq!(
        (&held.body["reservation_id"], &held.body["booking_id"]),
        (&held.body["id"], &held.body["id"])
    );
    assert_eq!((&held.body["status"], &held.body["confirmation_code"]), (&json!("HOLD"), &json!(null)));
    assert_eq!((&held.body["choice"], &held.body["units"][0]["quantity"]), (&json!(null), &json!(8)));
    let left_ms = held.body["expires_in_ms"].as_i64().unwrap();
    assert!((590_000..=600_000).contains(&left_ms), "{left_ms}");
    assert_eq!(left(&client, &event).await, [[8, 0, 0], [2, 8, 0]]);

    let refused = hold(&bob, &body).await;
    assert_eq!(refusal(&refused), (409, "sold_out"));
    let of: Vec<_> = refused.body["left"].as_array().unwrap().iter().map(|it| &it["available"]).collect();
    assert_eq!((of, &refused.body["may_come_back"]), (vec![&json!(8), &json!(2)], &json!(true)));
    assert_eq!(refused.body["next_end_at"], held.body["expires_at"]);

    let path = held.header("location").to_owned();
    let extended = alice.post(&format!("{path}/extend"), &json!({ "hold_seconds": 1_200 })).await.unwrap();
    assert_eq!((extended.status, extended.header("etag")), (200, "\"2\""));
    assert!(extended.body["expires_in_ms"].as_i64().unwrap() > 1_100_000, "{extended:?}");
    let kept = alice.post(&format!("{path}/extend"), &json!({ "hold_seconds": 1 })).await.unwrap();
    assert_eq!((kept.status, &kept.body["expires_at"]), (200, &extended.body["expires_at"]));

    let confirmed = confirm(&alice, held.id()).await;
    assert_eq!((confirmed.status, &confirmed.body["status"]), (200, &json!("CONFIRMED")));
    assert_eq!(confirmed.body["expires_in_ms"], json!(null));
    let again = alice.post(&format!("/api/bookings/{}/confirm", held.id()), &json!({})).await.unwrap();
    assert_eq!((again.status, &again.body), (200, &confirmed.body));
    assert_eq!(
        refusal(&alice.post(&format!("{path}/extend"), &json!({ "hold_seconds": 60 })).await.unwrap()),
        (409, "reservation_closed")
    );
    assert_eq!(client.get(&path).await.unwrap().body, confirmed.body);
    assert_eq!(left(&client, &event).await, [[8, 0, 0], [2, 0, 8]]);

    for again in [false, true] {
        assert_eq!(alice.delete(&path).await.unwrap().status, 204, "again: {again}");
    }
    assert_eq!(refusal(&confirm(&alice, held.id()).await), (409, "reservation_closed"));
    assert_eq!(left(&client, &event).await, [[8, 0, 0], [10, 0, 0]]);
    let history = alice.get(&format!("{path}/history")).await.unwrap().body;
    let types: Vec<_> = history.as_array().unwrap().iter().map(|change| &change["type"]).collect();
    let expected =
        ["held", "extended", "confirmed", "cancelled"].map(|word| json!(format!("reservation_{word}")));
    assert_eq!(types, expected.iter().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_ask_gets_what_it_asks_for() {
    let (_house, process) = house().await;
    let client = process.client();
    let alice = client.user("alice");
    let event = concert(&client).await;
    let seats = |answer: &Answer| answer.body["units"][0]["seats"].clone();

    let best = json!({ "event_id": event, "section": "Stalls", "quantity": 3, "category": "back" });
    assert_eq!(seats(&hold(&alice, &best).await), json!(["B1", "B2", "B3"]));
    let by_seats = json!({ "event_id": event, "seats": ["A2", "A1"], "hold_seconds": 30 });
    let held = alice.post("/api/v1/bookings/hold", &by_seats).await.unwrap();
    assert_eq!((held.status, seats(&held)), (201, json!(["A1", "A2"])));
    assert_eq!(held.header("location"), format!("{RESERVATIONS}/{}", held.id()));
    assert!(held.body["expires_in_ms"].as_i64().unwrap() <= 30_000);
    let gone = hold(&client.user("bob"), &json!({ "event_id": event, "seats": ["A3", "A2"] })).await;
    assert_eq!((refusal(&gone), &gone.body["seats"]), ((409, "seats_taken"), &json!(["A2"])));

    let choices =
        json!([{ "section": "Stalls", "category": "back" }, { "section": "Stalls" }, { "any": true }]);
    let body = json!({ "event_id": event, "choices": choices, "quantity": 2, "adjacent": "required" });
    let second = alice.post("/api/bookings/hold", &body).await.unwrap();
    assert_eq!(
        (second.status, &second.body["choice"], seats(&second)),
        (201, &json!(1), json!(["A3", "A4"]))
    );
    let third = hold(&alice, &json!({ "event_id": event, "choices": choices, "quantity": 5 })).await;
    assert_eq!((&third.body["choice"], &third.body["units"][0]["section"]), (&json!(2), &json!("Standing")));

    let items = |standing: i64| json!([{ "section": "Stalls", "seats": ["B4"] }, { "section": "Standing", "quantity": standing }]);
    let nothing = hold(&alice, &json!({ "event_id": event, "items": items(6) })).await;
    assert_eq!(refusal(&nothing), (409, "sold_out"));
    let both = hold(&alice, &json!({ "event_id": event, "items": items(5) })).await;
    assert_eq!((both.status, both.body["units"].as_array().unwrap().len()), (201, 2));
    assert_eq!(states(&client, &event).await, ["hhhh", "hhhh"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_confirmed_and_the_rest_stays_held() {
    let (_house, process) = house().await;
    let client = process.client();
    let alice = client.user("alice");
    let event = concert(&client).await;
    let held = hold(&alice, &json!({ "event_id": event, "seats": ["A1", "A2", "A3"] })).await;
    let path = format!("{RESERVATIONS}/{}/confirm", held.id());
    let part = alice.post(&path, &json!({ "seats": ["A2"] })).await.unwrap();
    assert_eq!((part.status, &part.body["units"][0]["seats"]), (200, &json!(["A2"])));
    assert_eq!(states(&client, &event).await, ["hchf", "ffff"]);
    let rest = alice.get(&format!("{RESERVATIONS}/{}", part.body["rest"].as_str().unwrap())).await.unwrap();
    assert_eq!((&rest.body["status"], &rest.body["expires_at"]), (&json!("HOLD"), &held.body["expires_at"]));
    let one = json!({ "quantity": 1 });
    let path = format!("{RESERVATIONS}/{}/confirm", rest.id());
    let part = alice.header("If-Match", "\"1\"").post(&path, &one).await.unwrap();
    assert_eq!((part.status, &part.body["units"][0]["quantity"]), (200, &json!(1)));
    assert_eq!(alice.header("If-Match", "\"1\"").post(&path, &one).await.unwrap().status, 412);
    assert_eq!(
        refusal(&alice.post(&path, &json!({ "seats": ["B1"] })).await.unwrap()),
        (422, "invalid_body")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_are_locked_and_confirmed_as_first_published() {
    let (_house, process) = house().await;
    let client = process.client();
    let event = concert(&client).await;
    let lock = |user: &str, seats: Value| json!({ "show_id": event, "seat_ids": seats, "user_id": user });
    // Nobody says in a header who they are.
    let first = client.post("/api/seat-lock", &lock("alice", json!(["A1", "A2"]))).await.unwrap();
    assert_eq!((first.status, &first.body["status"]), (200, &json!("LOCKED")));
    assert_eq!((&first.body["seat_ids"], &first.body["user_id"]), (&json!(["A1", "A2"]), &json!("alice")));
    let again = client.post("/api/v1/seat-lock", &lock("alice", json!(["A2"]))).await.unwrap();
    assert_eq!((again.status, &again.body["expires_at"]), (200, &first.body["expires_at"]));
    assert_eq!(again.body["reservation_id"], first.body["reservation_id"]);
    let more = client.post("/api/seat-lock", &lock("alice", json!(["A2", "B1"]))).await.unwrap();
    assert_eq!((more.status, &more.body["expires_at"]), (200, &first.body["expires_at"]));
    let gone = client.post("/api/seat-lock", &lock("bob", json!(["A1", "B1", "B2"]))).await.unwrap();
    assert_eq!((refusal(&gone), &gone.body["seats"]), ((409, "seats_taken"), &json!(["A1", "B1"])));

    let ask = |user: &str, seats: Value| {
        let mut body = lock(user, seats);
        body["request_id"] = "order-17".into();
        body
    };
    let path = "/api/booking/confirm";
    let his = client.post(path, &ask("bob", json!(["A1", "B2"]))).await.unwrap();
    assert_eq!((refusal(&his), &his.body["seats"]), ((409, "seats_not_held"), &json!(["A1", "B2"])));
    let confirmed = client.post(path, &ask("alice", json!(["A1", "B1"]))).await.unwrap();
    assert_eq!((confirmed.status, &confirmed.body["status"]), (200, &json!("CONFIRMED")));
    assert_eq!(states(&client, &event).await, ["chff", "cfff"]);
    // The same in another order, at the other path, with the user's name in the header.
    let alice = client.user("alice");
    let again = alice.post("/api/v1/booking/confirm", &ask("alice", json!(["B1", "A1"]))).await.unwrap();
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, "true"));
    assert_eq!(again.body, confirmed.body);
    let other = alice.post(path, &ask("alice", json!(["A2"]))).await.unwrap();
    assert_eq!(refusal(&other), (422, "idempotency_key_reused"));
    let twice = alice.header("Idempotency-Key", "k").post(path, &ask("alice", json!(["A2"]))).await.unwrap();
    assert_eq!(
        (refusal(&twice), &twice.body["fields"][0]["field"]),
        ((422, "invalid_body"), &json!("request_id"))
    );
    let not_he = client.user("bob").post(path, &ask("alice", json!(["A2"]))).await.unwrap();
    assert_eq!(
        (refusal(&not_he), &not_he.body["fields"][0]["field"]),
        ((422, "invalid_body"), &json!("user_id"))
    );
    let nobody = client.post(path, &json!({ "show_id": event, "seat_ids": ["A2"] })).await.unwrap();
    assert_eq!(refusal(&nobody), (401, "identity_required"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_map_is_not_sent_again_to_who_has_it() {
    let (_house, process) = house().await;
    let client = process.client();
    let plan = json!([{ "name": "Box", "seats": ["L-left", "L-right", "7"] }, { "name": "1", "rows": [{ "name": "1", "seats": 3 }] }]);
    let event = event(&client, plan).await;
    let path = format!("/api/v1/events/{event}/seats");
    let map = client.get(&path).await.unwrap();
    let rows = |section: usize| map.body["sections"][section]["rows"].clone();
    assert_eq!(rows(1), json!([{ "name": "1", "rank": 0, "category": null, "first": 1, "states": "fff" }]));
    let listed = |name: &str, label: &str| json!({ "name": name, "rank": 0, "category": null, "labels": [label], "states": "f" });
    assert_eq!(rows(0), json!([listed("L-left", "L-left"), listed("L-right", "L-right"), listed("-", "7")]));
    let had = client.header("If-None-Match", map.header("etag"));
    assert_eq!(had.get(&path).await.unwrap().status, 304);
    assert_eq!(
        hold(&client.user("alice"), &json!({ "event_id": event, "seats": ["1-2"] })).await.status,
        201
    );
    let changed = had.get(&path).await.unwrap();
    assert_eq!((changed.status, &changed.body["sections"][1]["rows"][0]["states"]), (200, &json!("fhf")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_changed_closed_and_called_off() {
    let (_house, process) = house().await;
    let client = process.client();
    let (host, alice) = (client.user("host"), client.user("alice"));
    let event = concert(&client).await;
    let path = format!("/api/v1/events/{event}");
    let standing = json!({ "event_id": event, "section_id": "Standing", "quantity": 4 });
    let held = hold(&alice, &standing).await;

    let change = json!({ "units_per_user": 4, "starts_at": "2027-06-15T20:00:00+02:00" });
    let changed = host.header("If-Match", "\"1\"").patch(&path, &change).await.unwrap();
    assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""));
    assert_eq!(changed.body["starts_at"], "2027-06-15T18:00:00Z");
    let more = hold(&alice, &standing).await;
    assert_eq!((refusal(&more), &more.body["has"]), ((409, "too_many_units"), &json!(4)));
    let cleared = host.patch(&path, &json!({ "units_per_user": null, "starts_at": null })).await.unwrap();
    assert_eq!((&cleared.body["units_per_user"], &cleared.body["starts_at"]), (&json!(null), &json!(null)));

    let section = |index: usize| {
        let id = cleared.body["sections"][index]["id"].as_str().unwrap();
        format!("{path}/sections/{id}")
    };
    let small = host.patch(&section(1), &json!({ "capacity": 3 })).await.unwrap();
    assert_eq!((refusal(&small), &small.body["taken"]), ((409, "below_taken"), &json!(4)));
    let grown = json!({ "capacity": 4, "price": { "amount": 2_900, "currency": "EUR" } });
    let grown = host.patch(&section(1), &grown).await.unwrap();
    assert_eq!((&grown.body["sections"][1]["capacity"], grown.status), (&json!(4), 200));
    let rows = json!({ "rows": [{ "name": "A", "seats": 1 }], "remove_seats": ["B1", "B2"] });
    assert_eq!(host.patch(&section(0), &rows).await.unwrap().body["sections"][0]["capacity"], 7);
    assert_eq!(states(&client, &event).await, ["ffff", "--ff", "f"]);
    let back = host.patch(&section(0), &json!({ "seats": ["B1"] })).await.unwrap();
    assert_eq!(
        (back.status, states(&client, &event).await),
        (200, ["ffff", "f-ff", "f"].map(str::to_owned).into())
    );
    let balcony = json!({ "name": "Balcony", "capacity": 2 });
    let added = host.post(&format!("{path}/sections"), &balcony).await.unwrap();
    let last = &added.body["sections"][2];
    assert_eq!((added.status, &last["name"]), (201, &json!("Balcony")));
    assert_eq!(added.header("location"), format!("{path}/sections/{}", last["id"].as_str().unwrap()));
    assert_eq!(
        refusal(&host.post(&format!("{path}/sections"), &balcony).await.unwrap()),
        (409, "name_taken")
    );

    assert_eq!(host.patch(&path, &json!({ "status": "CLOSED" })).await.unwrap().body["status"], "CLOSED");
    let closed = hold(&alice, &standing).await;
    assert_eq!((refusal(&closed), &closed.body["state"]), ((409, "event_closed"), &json!("CLOSED")));
    let opens = json!({ "status": "OPEN", "sale_opens_at": "2027-06-01T10:00:00Z" });
    assert_eq!(host.patch(&path, &opens).await.unwrap().status, 200);
    let early = hold(&alice, &standing).await;
    assert_eq!(
        (refusal(&early), &early.body["opens_at"]),
        ((409, "sale_not_open"), &json!("2027-06-01T10:00:00Z"))
    );

    for again in [false, true] {
        assert_eq!(host.delete(&path).await.unwrap().status, 204, "again: {again}");
    }
    assert_eq!(client.get(&path).await.unwrap().body["status"], "CANCELLED");
    let hers = client.get(held.header("location")).await.unwrap();
    assert_eq!(hers.body["status"], "CANCELLED");
    let over = host.patch(&path, &json!({ "title": "x" })).await.unwrap();
    assert_eq!((refusal(&over), &over.body["state"]), ((409, "event_closed"), &json!("CANCELLED")));
    let history = host.get(&format!("{path}/history")).await.unwrap().body;
    let last = history.as_array().unwrap().last().unwrap();
    assert_eq!((&history[0]["type"], &last["type"]), (&json!("event_created"), &json!("event_cancelled")));
}

/// All entries of a list, two on a page.
async fn paged(client: &Client, path: &str) -> Vec<Value> {
    let (mut all, mut next) = (Vec::new(), path.to_owned());
    loop {
        let page = client.get(&next).await.unwrap();
        assert_eq!(page.status, 200, "{next}");
        let entries = page.body.as_array().unwrap();
        assert!(entries.len() <= 2);
        all.extend(entries.iter().cloned());
        match page.headers.get("link") {
            Some(link) => link.to_str().unwrap()[1..].split_once('>').unwrap().0.clone_into(&mut next),
            None => return all,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_by_day_and_reservations_newest_first() {
    let (_house, process) = house().await;
    let client = process.client();
    let (host, alice) = (client.user("host"), client.user("alice"));
    let mut events = Vec::new();
    for day in [5, 3, 4, 1, 2] {
        let sections = json!([{ "name": "All", "capacity": 10 }]);
        let body = json!({ "title": day.to_string(), "event_date": format!("2027-06-0{day}"), "sections": sections });
        events.push(host.post("/api/v1/events", &body).await.unwrap().id().to_owned());
    }
    let titles = async |query: &str| -> Vec<String> {
        let all = paged(&client, &format!("/api/v1/events?limit=2{query}")).await;
        all.iter().map(|event| event["title"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(titles("").await, ["1", "2", "3", "4", "5"]);
    assert_eq!(titles("&from=2027-06-02&to=2027-06-04").await, ["2", "3", "4"]);
    assert_eq!(host.delete(&format!("/api/v1/events/{}", events[1])).await.unwrap().status, 204);
    assert_eq!(titles("&status=OPEN").await, ["1", "2", "4", "5"]);
    assert_eq!(titles("&status=CANCELLED,CLOSED").await, ["3"]);

    let mut held = Vec::new();
    for event in [&events[0], &events[2], &events[3], &events[4]] {
        let reservation = hold(&alice, &json!({ "event_id": event, "section": "All", "quantity": 1 })).await;
        held.insert(0, reservation.id().to_owned());
    }
    let ids =
        |all: Vec<Value>| all.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(paged(&alice, &format!("{RESERVATIONS}?limit=2")).await), held);
    assert_eq!(ids(paged(&client, &format!("{RESERVATIONS}?limit=2&user_id=alice")).await), held);
    confirm(&alice, &held[1]).await;
    assert_eq!(ids(paged(&alice, &format!("{RESERVATIONS}?limit=2&status=CONFIRMED")).await), held[1..2]);
    let of_event = format!("{RESERVATIONS}?limit=2&event_id={}", events[0]);
    assert_eq!(ids(paged(&alice, &of_event).await), held[3..]);
    let whose = client.get(RESERVATIONS).await.unwrap();
    assert_eq!((refusal(&whose), &whose.body["fields"][0]["field"]), ((400, "bad_query"), &json!("user_id")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_is_not_there_for_who_would_change_it() {
    let (_house, process) = house().await;
    let client = process.client();
    let event = concert(&client).await;
    let held = hold(&client.user("alice"), &json!({ "event_id": event, "seats": ["A1"] })).await;
    let path = held.header("location");
    let bob = client.user("bob");
    let unknown = format!("{RESERVATIONS}/00000000-0000-7000-8000-000000000000");
    for path in [path, &unknown] {
        let extend = bob.post(&format!("{path}/extend"), &json!({ "hold_seconds": 60 })).await.unwrap();
        let confirm = bob.post(&format!("{path}/confirm"), &json!({})).await.unwrap();
        for answer in [extend, confirm, bob.delete(path).await.unwrap()] {
            assert_eq!(refusal(&answer), (404, "reservation_not_found"), "{path}");
        }
    }
    assert_eq!(refusal(&client.delete(path).await.unwrap()), (401, "identity_required"));
    assert_eq!(client.get(path).await.unwrap().body["version"], 1);
}

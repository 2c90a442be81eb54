//! What waiting in line is like: sold out, a place is taken, looked at and left; what comes back is offered to the first whom it
//! fits, and who lets the offer lapse makes way for the next.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use holdfast_e2e::{Answer, Binary, Client, House, Process, Socket};
use serde_json::{Value, json};
use tokio::time::timeout;

const RESERVATIONS: &str = "/api/v1/reservations";

/// How long it may take until a change is told.
const TOLD_WAIT: Duration = Duration::from_secs(30);

async fn house() -> (House, Process) {
    let house = House::new().await;
    let process = house.ready(Binary::Holdfast).await;
    (house, process)
}

/// An event with so many places to stand, all of which alice holds: its path, and that of what she holds.
async fn sold_out(client: &Client, capacity: i32) -> (String, String) {
    let sections = json!([{ "name": "Standing", "capacity": capacity }]);
    let body = json!({ "title": "Concert 2027", "event_date": "2027-06-15", "sections": sections });
    let event = client.user("host").post("/api/v1/events", &body).await.unwrap();
    assert_eq!(event.status, 201);
    let held = hold(&client.user("alice"), event.id(), capacity).await;
    assert_eq!(held.status, 201);
    (format!("/api/v1/events/{}", event.id()), held.header("location").to_owned())
}

async fn hold(client: &Client, event: &str, quantity: i32) -> Answer {
    let body = json!({ "event_id": event, "section": "Standing", "quantity": quantity });
    client.post(RESERVATIONS, &body).await.unwrap()
}

async fn join(client: &Client, event: &str, body: Value) -> Answer {
    client.post(&format!("{event}/waitlist"), &body).await.unwrap()
}

async fn place(client: &Client, event: &str) -> Answer {
    client.get(&format!("{event}/waitlist")).await.unwrap()
}

/// The number of who waits; null of who does not.
async fn position(client: &Client, event: &str) -> Value {
    place(client, event).await.body["position"].clone()
}

async fn waiting(client: &Client, event: &str) -> i64 {
    client.get(event).await.unwrap().body["waiting"].as_i64().unwrap()
}

fn refusal(answer: &Answer) -> (u16, &str) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{answer:?}");
    (answer.status, answer.body["code"].as_str().unwrap())
}

/// The field of the only fault.
fn fault(answer: &Answer) -> (u16, &str, &str) {
    let fields = answer.body["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 1, "{answer:?}");
    let word = |name: &str| fields[0][name].as_str().unwrap();
    (answer.status, word("field"), word("rule"))
}

/// The place in line that a socket tells of next with a change of this kind.
async fn told(socket: &mut Socket, kind: &str) -> Value {
    let heard = async {
        loop {
            let message = socket.message().await;
            assert_ne!(message["type"], "resync");
            if message["type"] == kind {
                return message["data"]["waitlist_entry"].clone();
            }
        }
    };
    // A socket is never silent: without an end to it the wait would be for ever.
    timeout(TOLD_WAIT, heard).await.unwrap_or_else(|_| panic!("no {kind} came"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_back_is_offered_to_the_first_in_line_who_is_told_and_confirms() {
    let (_house, process) = house().await;
    let client = process.client();
    let (alice, bob, carol) = (client.user("alice"), client.user("bob"), client.user("carol"));
    let (event, held) = sold_out(&client, 2).await;
    let id = event.rsplit('/').next().unwrap();
    let refused = hold(&bob, id, 2).await;
    assert_eq!(refusal(&refused), (409, "sold_out"));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("POST {event}/waitlist")), "{detail}");

    let his = join(&bob, &event, json!({ "section_id": "Standing", "quantity": 2 })).await;
    assert_eq!(
        (his.status, his.header("etag"), his.header("location")),
        (201, "\"1\"", &*format!("{event}/waitlist"))
    );
    assert_eq!((&his.body["status"], &his.body["position"]), (&json!("WAITING"), &json!(1)));
    assert_eq!(
        (&his.body["estimated_wait_seconds"], &his.body["reservation_id"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(his.body["offer_seconds"], 600);
    let hers = join(&carol, &event, json!({ "quantity": 1 })).await;
    assert_eq!((hers.status, &hers.body["position"]), (201, &json!(2)));
    assert_eq!((place(&bob, &event).await.body, waiting(&client, &event).await), (his.body.clone(), 2));

    let mut his_socket = Socket::open(process.address(), "user_id=bob").await;
    assert_eq!(alice.delete(&held).await.unwrap().status, 204);
    let offered = told(&mut his_socket, "waitlist_offered").await;
    assert_eq!((&offered["id"], &offered["user_id"]), (&his.body["id"], &json!("bob")));
    let offer = offered["reservation_id"].as_str().unwrap();
    let shown = place(&bob, &event).await;
    assert_eq!((&shown.body["status"], shown.header("etag")), (&json!("OFFERED"), "\"2\""));
    assert_eq!((&shown.body["reservation_id"], &shown.body["position"]), (&json!(offer), &json!(null)));
    assert_eq!((position(&carol, &event).await, waiting(&client, &event).await), (json!(1), 1));
    assert!(place(&carol, &event).await.body["estimated_wait_seconds"].as_i64().is_some());
    assert_eq!(refusal(&hold(&client.user("dave"), id, 1).await), (409, "sold_out"));

    let too_late = bob.delete(&format!("{event}/waitlist")).await.unwrap();
    assert_eq!(
        (refusal(&too_late), &too_late.body["reservation_id"]),
        ((409, "already_offered"), &json!(offer))
    );
    let confirmed = bob.post(&format!("{RESERVATIONS}/{offer}/confirm"), &json!({})).await.unwrap();
    assert_eq!((confirmed.status, &confirmed.body["status"]), (200, &json!("CONFIRMED")));
    assert_eq!(place(&bob, &event).await.body, shown.body);

    let mut of_event = Socket::open(process.address(), &format!("user_id=dave&event={id}")).await;
    for again in [false, true] {
        let left = carol.delete(&format!("{event}/waitlist")).await.unwrap();
        assert_eq!(left.status, 204, "again: {again}");
    }
    assert_eq!(told(&mut of_event, "waitlist_left").await["id"], hers.body["id"]);
    assert_eq!(
        (&place(&carol, &event).await.body["status"], waiting(&client, &event).await),
        (&json!("LEFT"), 0)
    );
    assert_eq!(join(&carol, &event, json!({ "quantity": 1 })).await.body["position"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_lapses_goes_to_the_next() {
    let (_house, process) = house().await;
    let client = process.client();
    let (bob, carol) = (client.user("bob"), client.user("carol"));
    let (event, held) = sold_out(&client, 1).await;
    join(&bob, &event, json!({ "quantity": 1, "offer_seconds": 1 })).await;
    join(&carol, &event, json!({ "quantity": 1, "offer_seconds": 300 })).await;
    let mut her_socket = Socket::open(process.address(), "user_id=carol").await;
    assert_eq!(client.user("alice").delete(&held).await.unwrap().status, 204);
    let offered = told(&mut her_socket, "waitlist_offered").await;
    let reservation = |entry: &Value| format!("{RESERVATIONS}/{}", entry["reservation_id"].as_str().unwrap());
    let hers = client.get(&reservation(&offered)).await.unwrap();
    assert_eq!((&hers.body["status"], &hers.body["user_id"]), (&json!("HOLD"), &json!("carol")));
    assert!(hers.body["expires_in_ms"].as_i64().unwrap() > 200_000, "{hers:?}");
    // His place says that he was offered something; the reservation, what became of it.
    let his = place(&bob, &event).await;
    assert_eq!(his.body["status"], "OFFERED");
    assert_eq!(client.get(&reservation(&his.body)).await.unwrap().body["status"], "EXPIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_slips_in_before_who_waits_though_no_validator_runs() {
    let house = House::new().await;
    let process = house.ready(Binary::BookingApi).await;
    let client = process.client();
    let (bob, dave) = (client.user("bob"), client.user("dave"));
    let (event, held) = sold_out(&client, 1).await;
    join(&bob, &event, json!({ "quantity": 1 })).await;
    assert_eq!(client.user("alice").delete(&held).await.unwrap().status, 204);
    let now = client.get(&event).await.unwrap().body;
    assert_eq!((&now["settling"], &now["waiting"]), (&json!(true), &json!(1)));
    let id = event.rsplit('/').next().unwrap();
    assert_eq!(refusal(&hold(&dave, id, 1).await), (409, "sold_out"));
    assert_eq!(place(&bob, &event).await.body["status"], "OFFERED");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_too_much_is_passed_over_and_keeps_their_place() {
    let (_house, process) = house().await;
    let client = process.client();
    let (alice, bob, carol) = (client.user("alice"), client.user("bob"), client.user("carol"));
    let (event, held) = sold_out(&client, 3).await;
    join(&bob, &event, json!({ "quantity": 2 })).await;
    join(&carol, &event, json!({ "quantity": 1 })).await;
    let part = alice.post(&format!("{held}/confirm"), &json!({ "quantity": 2 })).await.unwrap();
    let rest = format!("{RESERVATIONS}/{}", part.body["rest"].as_str().unwrap());
    let mut socket = Socket::open(process.address(), "user_id=carol").await;
    assert_eq!(alice.delete(&rest).await.unwrap().status, 204);
    told(&mut socket, "waitlist_offered").await;
    assert_eq!((position(&bob, &event).await, position(&carol, &event).await), (json!(1), json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_had_is_offered_at_once() {
    let (_house, process) = house().await;
    let client = process.client();
    let (event, held) = sold_out(&client, 2).await;
    assert_eq!(client.user("alice").delete(&held).await.unwrap().status, 204);
    let choices = json!([{ "section": "Standing" }, { "any": true }]);
    let joined = join(&client.user("bob"), &event, json!({ "quantity": 2, "choices": choices })).await;
    assert_eq!((joined.status, &joined.body["status"]), (201, &json!("OFFERED")));
    assert_eq!((&joined.body["position"], joined.header("etag")), (&json!(null), "\"2\""));
    assert!(joined.body["reservation_id"].is_string() && joined.body["expires_at"].is_string(), "{joined:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_ends_with_the_sale() {
    let (_house, process) = house().await;
    let client = process.client();
    let (host, bob) = (client.user("host"), client.user("bob"));
    let (event, _) = sold_out(&client, 1).await;
    join(&bob, &event, json!({ "quantity": 1 })).await;
    let mut socket = Socket::open(process.address(), "user_id=bob").await;
    assert_eq!(host.patch(&event, &json!({ "status": "CLOSED" })).await.unwrap().status, 200);
    let ended = told(&mut socket, "waitlist_ended").await;
    assert_eq!((&ended["status"], &ended["reason"]), (&json!("ENDED"), &json!("sale_over")));
    assert_eq!(
        (place(&bob, &event).await.body["status"].clone(), waiting(&client, &event).await),
        (json!("ENDED"), 0)
    );
    let late = join(&client.user("carol"), &event, json!({ "quantity": 1 })).await;
    assert_eq!(refusal(&late), (409, "event_closed"));
    assert!(!late.body.to_string().contains("waitlist"), "{late:?}");
    let opens = json!({ "status": "OPEN", "sale_opens_at": "2027-06-01T10:00:00Z" });
    assert_eq!(host.patch(&event, &opens).await.unwrap().status, 200);
    let early = join(&client.user("carol"), &event, json!({ "quantity": 1 })).await;
    assert_eq!(refusal(&early), (409, "sale_not_open"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_taken_once_however_often_it_is_asked_for() {
    let (_house, process) = house().await;
    let client = process.client();
    let bob = client.user("bob");
    let (event, _) = sold_out(&client, 1).await;
    let keyed = bob.header("Idempotency-Key", "k1");
    let first = join(&keyed, &event, json!({ "quantity": 1 })).await;
    let again = join(&keyed, &event, json!({ "quantity": 1 })).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(again.body, first.body);
    let other = join(&keyed, &event, json!({ "quantity": 2 })).await;
    assert_eq!(refusal(&other), (422, "idempotency_key_reused"));
    let second = join(&bob, &event, json!({ "quantity": 1 })).await;
    assert_eq!(refusal(&second), (409, "already_waiting"));
    assert_eq!((&second.body["waitlist_entry_id"], waiting(&client, &event).await), (&first.body["id"], 1));

    let line = format!("{event}/waitlist");
    let stale = bob.header("If-Match", "\"7\"").delete(&line).await.unwrap();
    assert_eq!((refusal(&stale), &stale.body["version"]), ((412, "version_changed"), &json!(1)));
    let leaves = bob.header("Idempotency-Key", "k2").header("If-Match", "\"1\"");
    assert_eq!(leaves.delete(&line).await.unwrap().status, 204);
    let replayed = leaves.delete(&line).await.unwrap();
    assert_eq!((replayed.status, replayed.header("idempotency-replayed")), (204, "true"));
    // As it was then; where it stands is as of now, and it does not any more.
    let late = join(&keyed, &event, json!({ "quantity": 1 })).await;
    assert_eq!((&late.body["id"], &late.body["status"]), (&first.body["id"], &json!("WAITING")));
    assert_eq!((&late.body["position"], waiting(&client, &event).await), (&json!(null), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_is_shown_in_its_order_and_has_an_end() {
    let house = House::new().await;
    let process = house.start_with(Binary::Holdfast, &[("WAITLIST_PER_EVENT", "5")]).await;
    process.until("ready").await;
    let client = process.client();
    let (event, _) = sold_out(&client, 1).await;
    let users = ["eve", "bob", "dave", "carol", "frank"];
    for (user, number) in users.iter().zip(1..) {
        let joined = join(&client.user(user), &event, json!({ "quantity": 1 })).await;
        assert_eq!(joined.body["position"], number);
    }
    let full = join(&client.user("grace"), &event, json!({ "quantity": 1 })).await;
    assert_eq!((refusal(&full), full.header("retry-after")), ((429, "line_full"), "60"));
    let (mut shown, mut next) = (Vec::new(), format!("{event}/waitlist/entries?limit=2"));
    loop {
        let page = client.get(&next).await.unwrap();
        let entries = page.body.as_array().unwrap();
        shown.extend(entries.iter().map(|entry| entry["user_id"].as_str().unwrap().to_owned()));
        assert!(entries.len() <= 2);
        let Some(link) = page.headers.get("link") else { break };
        link.to_str().unwrap()[1..].split_once('>').unwrap().0.clone_into(&mut next);
    }
    assert_eq!(shown, users);
    // In open mode everybody may look.
    let hers = client.get(&format!("{event}/waitlist?user_id=carol")).await.unwrap();
    assert_eq!((&hers.body["user_id"], &hers.body["position"]), (&json!("carol"), &json!(4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_by_name() {
    let (_house, process) = house().await;
    let client = process.client();
    let bob = client.user("bob");
    let (event, _) = sold_out(&client, 1).await;
    let with = |more: Value| {
        let mut body = json!({ "quantity": 1 });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (more, expected) in [
        (json!({ "quantity": 0 }), ("quantity", "range")),
        (json!({ "quantity": 101 }), ("quantity", "range")),
        (json!({ "section": "Royal box" }), ("section_id", "unknown_reference")),
        (json!({ "section": "Standing", "category": "back" }), ("category", "other_kind")),
        (json!({ "category": "balcony" }), ("category", "unknown_reference")),
        (json!({ "choices": [] }), ("choices", "length")),
        (json!({ "choices": [{ "any": false }] }), ("choices[0].any", "one_of")),
        (json!({ "adjacent": "near" }), ("adjacent", "one_of")),
        (json!({ "offer_seconds": 0 }), ("offer_seconds", "range")),
        (json!({ "offer_seconds": 7_201 }), ("offer_seconds", "range")),
    ] {
        let refused = join(&bob, &event, with(more.clone())).await;
        assert_eq!(fault(&refused), (422, expected.0, expected.1), "{more}");
    }
    assert_eq!(refusal(&join(&client, &event, json!({ "quantity": 1 })).await), (401, "identity_required"));
    let nowhere = "/api/v1/events/0195a2b5-2222-7d11-8a55-000000000001";
    assert_eq!(refusal(&join(&bob, nowhere, json!({ "quantity": 1 })).await), (404, "event_not_found"));
    let entries = client.get(&format!("{nowhere}/waitlist/entries")).await.unwrap();
    assert_eq!(refusal(&entries), (404, "event_not_found"));
    for event in [nowhere, &event] {
        let line = format!("{event}/waitlist");
        for answer in [place(&bob, event).await, bob.delete(&line).await.unwrap()] {
            assert_eq!(refusal(&answer), (404, "waitlist_entry_not_found"), "{event}");
        }
    }
    assert_eq!(fault(&place(&client, &event).await), (400, "user_id", "required"));
    let bad = client.get(&format!("{event}/waitlist/entries?cursor=x&limit=5")).await.unwrap();
    assert_eq!(fault(&bad), (400, "cursor", "cursor"));

    let one_each = json!({
        "title": "Concert 2027", "event_date": "2027-06-15", "units_per_user": 1,
        "sections": [{ "name": "Standing", "capacity": 1 }],
    });
    let event = client.user("host").post("/api/v1/events", &one_each).await.unwrap();
    let many = join(&bob, event.header("location"), json!({ "quantity": 2 })).await;
    assert_eq!((refusal(&many), &many.body["limit"]), ((409, "too_many_units"), &json!(1)));
}

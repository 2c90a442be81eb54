//! What a caller without a role gets of another's booking or reservation, over every route that tells of them. Open mode gives
//! everybody a role, so these callers are made by whoever mounts the routes: here.

use actix_http::Request;
use actix_web::{
    body::BoxBody,
    dev::{Service, ServiceResponse},
    http::Method,
    test,
};
use holdfast_domain::Roles;
use holdfast_store::StepLimits;
use holdfast_testkit::{hours, shard};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::{Scene, scene};

/// What may be seen of another's booking.
const CUT: [&str; 5] = ["end_time", "id", "resource_id", "start_time", "status"];

impl<S: Service<Request, Response = ServiceResponse<BoxBody>, Error = actix_web::Error>> Scene<S> {
    async fn ask(&self, user: &str, method: Method, path: &str, body: Option<Value>) -> Value {
        let request = test::TestRequest::with_uri(path).method(method).insert_header(("X-User-ID", user));
        let request = match body {
            Some(body) => request.set_json(body),
            None => request,
        };
        test::read_body_json(test::call_service(&self.app, request.to_request()).await).await
    }

    async fn get(&self, user: &str, path: &str) -> Value {
        self.ask(user, Method::GET, path, None).await
    }

    /// Asks for these hours of a room.
    async fn book(&self, user: &str, from: i64, to: i64) -> Value {
        let range = hours(from, to);
        let text = |at: time::OffsetDateTime| at.format(&Rfc3339).unwrap();
        let body = json!({
            "resource": "Raum1", "start_time": text(range.start()), "end_time": text(range.end()),
            "title": "secret",
        });
        self.ask(user, Method::POST, "/api/v1/bookings", Some(body)).await
    }
}

fn fields(object: &Value) -> Vec<&str> {
    let mut fields: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}

fn is_silent(told: &Value) {
    let text = told.to_string();
    for secret in ["alice", "secret", "version"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[actix_web::test]
async fn who_has_no_role_sees_of_anothers_booking_the_range_and_nothing_else_wherever_they_look() {
    let scene = scene(Roles::NONE, &[]).await;
    let hers = scene.book("alice", 10, 12).await;
    scene.test.database().step(shard(), StepLimits::default()).await.unwrap();
    let (id, resource) = (hers["id"].as_str().unwrap(), hers["resource_id"].as_str().unwrap());
    let path = format!("/api/v1/bookings/{id}");

    let shown = scene.get("bob", &path).await;
    assert_eq!(fields(&shown), CUT);
    let listed = scene.get("bob", "/api/v1/bookings").await;
    assert_eq!(listed, json!([shown]));
    // Whose it is can't be found out by asking for theirs.
    assert_eq!(scene.get("bob", "/api/v1/bookings?user_id=alice").await, json!([]));
    assert_eq!(scene.get("alice", "/api/v1/bookings?user_id=alice").await[0]["title"], "secret");

    let range = |from, to| {
        let range = hours(from, to);
        let text = |at: time::OffsetDateTime| at.format(&Rfc3339).unwrap();
        (text(range.start()), text(range.end()))
    };
    let (from, to) = range(0, 24);
    let availability = format!("/api/v1/resources/{resource}/availability?from={from}&to={to}");
    let taken = scene.get("bob", &availability).await;
    assert_eq!(fields(&taken["held"][0]), CUT);

    let his = scene.book("bob", 11, 13).await;
    assert_eq!(fields(&his["conflicts"][0]), CUT);
    for told in [&shown, &listed, &taken, &his["conflicts"]] {
        is_silent(told);
    }
    let histories =
        [scene.get("bob", &format!("{path}/history")).await, scene.get("bob", "/api/v1/changes").await];
    for history in histories {
        let changes = history.as_array().unwrap();
        assert!(changes.len() > 1);
        let of_hers = changes.iter().filter(|change| change["data"]["booking"]["id"] == id);
        assert!(of_hers.clone().count() > 1 && of_hers.clone().all(|change| change["actor"].is_null()));
        of_hers.for_each(|change| assert_eq!(fields(&change["data"]["booking"]), CUT));
        // Of the notice it is his own booking that is whole.
        let conflicts = changes.iter().filter(|change| change["type"] == "booking_conflict");
        conflicts.for_each(|change| assert_eq!(fields(&change["data"]["conflicting"][0]), CUT));
        assert!(!history.to_string().contains("alice"), "{history}");
    }
}

#[actix_web::test]
async fn control_an_observer_sees_all_of_it() {
    let scene = scene(Roles::NONE.with(holdfast_domain::Role::Observer), &[]).await;
    let hers = scene.book("alice", 10, 12).await;
    let shown = scene.get("bob", &format!("/api/v1/bookings/{}", hers["id"].as_str().unwrap())).await;
    assert_eq!((&shown["user_id"], &shown["title"]), (&json!("alice"), &json!("secret")));
    assert!(scene.get("bob", "/api/v1/changes").await.to_string().contains("alice"));
}

/// A concert of two seats, one of which alice holds: the event and her hold.
async fn held<S>(scene: &Scene<S>) -> (String, Value)
where
    S: Service<Request, Response = ServiceResponse<BoxBody>, Error = actix_web::Error>,
{
    let stalls = json!({ "name": "Stalls", "seats": ["A1", "A2"] });
    let event = json!({ "title": "Concert", "event_date": "2027-06-15", "sections": [stalls] });
    let event = scene.ask("host", Method::POST, "/api/v1/events", Some(event)).await["id"].clone();
    let body = json!({ "event_id": event, "seats": ["A1"] });
    let hers = scene.ask("alice", Method::POST, "/api/v1/reservations", Some(body)).await;
    (event.as_str().unwrap().to_owned(), hers)
}

#[actix_web::test]
async fn who_has_no_role_neither_sees_nor_changes_anothers_reservation_wherever_they_ask() {
    let scene = scene(Roles::NONE, &[]).await;
    let (event, hers) = held(&scene).await;
    let id = hers["id"].as_str().unwrap();
    let path = format!("/api/v1/reservations/{id}");

    let extend = json!({ "hold_seconds": 3_000 });
    let asked = [
        (Method::GET, path.clone(), None),
        (Method::GET, format!("{path}/history"), None),
        (Method::POST, format!("{path}/confirm"), Some(json!({}))),
        (Method::POST, format!("{path}/confirm"), Some(json!({ "seats": ["A1"] }))),
        (Method::POST, format!("/api/v1/bookings/{id}/confirm"), Some(json!({}))),
        (Method::POST, format!("/api/bookings/{id}/confirm"), Some(json!({}))),
        (Method::POST, format!("{path}/extend"), Some(extend)),
        (Method::DELETE, path.clone(), None),
    ];
    let unknown = "0195a2b4-7c3e-7d11-8a55-3f1b6c0e9d42";
    for (method, path, body) in asked {
        let refused = scene.ask("bob", method.clone(), &path, body.clone()).await;
        assert_eq!(refused["code"], "reservation_not_found", "{method} {path}");
        // It is told from one that is not there by nothing.
        assert_eq!(scene.ask("bob", method, &path.replace(id, unknown), body).await, refused);
    }
    for prefix in ["/api/v1", "/api"] {
        let seats = json!({ "show_id": event, "seat_ids": ["A1"], "user_id": "bob" });
        let (lock, confirm) = (format!("{prefix}/seat-lock"), format!("{prefix}/booking/confirm"));
        let locked = scene.ask("bob", Method::POST, &lock, Some(seats.clone())).await;
        let confirmed = scene.ask("bob", Method::POST, &confirm, Some(seats)).await;
        assert_eq!((&locked["code"], &confirmed["code"]), (&json!("seats_taken"), &json!("seats_not_held")));
        is_silent(&locked);
        is_silent(&confirmed);
        // Nor is it theirs who say that they are she.
        let as_her = json!({ "show_id": event, "seat_ids": ["A1"], "user_id": "alice" });
        let refused =
            scene.ask("bob", Method::POST, &format!("{prefix}/booking/confirm"), Some(as_her)).await;
        assert_eq!(refused["fields"][0]["field"], "user_id");
    }
    for list in ["/api/v1/reservations", "/api/v1/reservations?user_id=alice"] {
        assert_eq!(scene.get("bob", list).await, json!([]), "{list}");
    }

    let changes = scene.get("bob", "/api/v1/changes").await;
    let mut told = changes.as_array().unwrap().iter().filter(|it| it["type"] == "reservation_held");
    let held = told.next().unwrap();
    assert_eq!(fields(&held["data"]["reservation"]), ["event_id", "id", "status", "units"]);
    is_silent(held);
    let map = scene.get("bob", &format!("/api/v1/events/{event}/seats")).await;
    assert_eq!(map["sections"][0]["rows"][0]["states"], "hf");

    let shown = scene.get("alice", &path).await;
    assert_eq!((&shown["status"], &shown["version"]), (&json!("HOLD"), &json!(1)));
    assert_eq!(scene.get("alice", "/api/v1/reservations").await[0]["id"], id);
}

/// A concert that alice has all of, and bob and carol wait for: the event.
async fn waited_for<S>(scene: &Scene<S>) -> String
where
    S: Service<Request, Response = ServiceResponse<BoxBody>, Error = actix_web::Error>,
{
    let (event, _) = held(scene).await;
    let body = json!({ "event_id": event, "seats": ["A2"] });
    scene.ask("alice", Method::POST, "/api/v1/reservations", Some(body)).await;
    for user in ["bob", "carol"] {
        let joined = scene.ask(user, Method::POST, &line(&event), Some(json!({ "quantity": 1 }))).await;
        assert_eq!(joined["status"], "WAITING");
    }
    event
}

fn line(event: &str) -> String {
    format!("/api/v1/events/{event}/waitlist")
}

#[actix_web::test]
async fn who_has_no_role_sees_how_many_wait_and_not_who() {
    let scene = scene(Roles::NONE, &[]).await;
    let event = waited_for(&scene).await;
    let line = line(&event);
    // Who waits and is not to be seen is told from one who does not wait by nothing.
    for whose in ["bob", "nobody"] {
        let asked = scene.get("alice", &format!("{line}?user_id={whose}")).await;
        assert_eq!(asked["code"], "waitlist_entry_not_found", "{whose}");
    }
    assert_eq!(scene.get("alice", &line).await["code"], "waitlist_entry_not_found");
    let left = scene.ask("alice", Method::DELETE, &line, None).await;
    assert_eq!(left["code"], "waitlist_entry_not_found");

    let entries = scene.get("carol", &format!("{line}/entries")).await;
    assert_eq!(fields(&entries[0]), ["event_id", "id", "status"]);
    assert_eq!((&entries[1]["user_id"], &entries[1]["quantity"]), (&json!("carol"), &json!(1)));
    assert_eq!(scene.get("carol", &format!("/api/v1/events/{event}")).await["waiting"], 2);
    let changes = scene.get("carol", "/api/v1/changes").await;
    let joined = changes.as_array().unwrap().iter().find(|it| it["type"] == "waitlist_joined").unwrap();
    assert_eq!(fields(&joined["data"]["waitlist_entry"]), ["event_id", "id", "status"]);
    assert!(!joined.to_string().contains("bob"), "{joined}");
}

#[actix_web::test]
async fn control_an_observer_sees_anothers_place_in_line() {
    let scene = scene(Roles::NONE.with(holdfast_domain::Role::Observer), &[]).await;
    let line = line(&waited_for(&scene).await);
    let place = scene.get("alice", &format!("{line}?user_id=carol")).await;
    assert_eq!((&place["user_id"], &place["position"]), (&json!("carol"), &json!(2)));
    assert_eq!(scene.get("alice", &format!("{line}/entries")).await[0]["user_id"], "bob");
}

#[actix_web::test]
async fn control_an_observer_sees_anothers_reservation_and_changes_nothing_of_it() {
    let scene = scene(Roles::NONE.with(holdfast_domain::Role::Observer), &[]).await;
    let (_, hers) = held(&scene).await;
    let path = format!("/api/v1/reservations/{}", hers["id"].as_str().unwrap());
    assert_eq!(scene.get("bob", &path).await["user_id"], "alice");
    assert_eq!(scene.get("bob", "/api/v1/reservations?user_id=alice").await[0]["id"], hers["id"]);
    assert_eq!(scene.get("bob", &format!("{path}/history")).await[0]["actor"], "alice");
    let refused = scene.ask("bob", Method::DELETE, &path, None).await;
    assert_eq!(refused["code"], "reservation_not_found");
}

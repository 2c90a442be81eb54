//! Bad input about events and their units.

use holdfast_e2e::{Answer, Log};
use serde_json::{Value, json};

use super::{Scene, fault, told};

/// An event with a section of seats and one that is counted, and a hold of alice's: two paths, and the event's id.
async fn on_sale(scene: &mut Scene) -> (String, String, String) {
    let stalls = json!({ "name": "Stalls", "rows": [{ "name": "A", "seats": 4 }] });
    let sections = [stalls, json!({ "name": "Standing", "capacity": 10 })];
    let event = json!({ "title": "Concert", "event_date": "2027-06-15", "sections": sections });
    let event = scene.alice().post("/api/v1/events", &event).await.unwrap();
    let body = json!({ "event_id": event.id(), "section": "Standing", "quantity": 2 });
    let held = scene.alice().post("/api/v1/reservations", &body).await.unwrap();
    scene.end = Log::read(&scene.house.database).await.end();
    let path = |what: &str, answer: &Answer| format!("/api/v1/{what}/{}", answer.id());
    (path("events", &event), path("reservations", &held), event.id().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_sections_that_can_not_be_are_refused_by_field_and_rule() {
    let mut scene = Scene::new().await;
    let (event, ..) = on_sale(&mut scene).await;
    let nowhere = "00000000-0000-7000-8000-000000000000";
    let section = |section: Value| json!({ "sections": [section] });
    let events = [
        (json!({ "title": null }), "title", "required"),
        (json!({ "title": "" }), "title", "blank"),
        (json!({ "event_date": "2027-6-1" }), "event_date", "date"),
        (json!({ "event_date": 20_270_601 }), "event_date", "type"),
        (json!({ "venue_id": nowhere }), "venue_id", "unknown_reference"),
        (json!({ "starts_at": "2027-06-15" }), "starts_at", "rfc_3339"),
        (
            json!({ "starts_at": "2027-06-15T20:00:00Z", "ends_at": "2027-06-15T19:00:00Z" }),
            "ends_at",
            "order",
        ),
        (json!({ "units_per_user": -1 }), "units_per_user", "range"),
        (json!({ "status": "CLOSED" }), "status", "unknown"),
        (json!({ "sections": {} }), "sections", "type"),
        (section(json!({ "capacity": 1 })), "sections[0].name", "required"),
        (section(json!({ "name": "a", "capacity": 1e20 })), "sections[0].capacity", "type"),
        (section(json!({ "name": "a", "capacity": -1 })), "sections[0].capacity", "range"),
        (
            section(json!({ "name": "a", "rows": [{ "name": "A", "seats": -1 }] })),
            "sections[0].rows[0].seats",
            "range",
        ),
        (section(json!({ "name": "a", "seats": ["A1", "A1"] })), "sections[0].seats[1]", "seat_twice"),
    ];
    for (changes, field, rule) in events {
        let mut body = json!({ "title": "x", "event_date": "2027-06-15" });
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let answer = scene.alice().post("/api/v1/events", &body).await.unwrap();
        assert_eq!(told(&answer), fault(422, "invalid_body", field, rule), "{changes}");
    }
    let changes = [
        (json!({ "event_date": null }), "event_date", "type"),
        (json!({ "status": "CANCELLED" }), "status", "one_of"),
        (json!({ "venue_id": nowhere }), "venue_id", "immutable"),
        (
            json!({ "sale_opens_at": "2027-01-02T00:00:00Z", "sale_closes_at": "2027-01-01T00:00:00Z" }),
            "sale_closes_at",
            "order",
        ),
    ];
    for (change, field, rule) in changes {
        let answer = scene.alice().patch(&event, &change).await.unwrap();
        assert_eq!(told(&answer), fault(422, "invalid_body", field, rule), "{change}");
    }
    let shown = scene.alice().get(&event).await.unwrap();
    let [stalls, standing] = [0, 1]
        .map(|index| format!("{event}/sections/{}", shown.body["sections"][index]["id"].as_str().unwrap()));
    let sections = [
        (&stalls, json!({ "capacity": 7 }), "capacity", "other_kind"),
        (&standing, json!({ "seats": ["A1"] }), "capacity", "other_kind"),
        (&stalls, json!({ "seats": ["A1"] }), "seats", "seat_twice"),
        (&stalls, json!({ "rows": [{ "name": "X", "labels": ["A1"] }] }), "rows", "seat_twice"),
        (&stalls, json!({ "remove_seats": ["Z9"] }), "remove_seats", "unknown_reference"),
        (&standing, json!({ "kind": "SEATED" }), "kind", "immutable"),
    ];
    for (path, change, field, rule) in sections {
        let answer = scene.alice().patch(path, &change).await.unwrap();
        assert_eq!(told(&answer), fault(422, "invalid_body", field, rule), "{change}");
    }
    let more = json!({ "name": "Box", "seats": ["A1"] });
    let answer = scene.alice().post(&format!("{event}/sections"), &more).await.unwrap();
    assert_eq!(told(&answer), fault(422, "invalid_body", "seats", "seat_twice"));
    // A section of another event is none of this one.
    let other = json!({ "title": "x", "event_date": "2027-06-15" });
    let other = scene.alice().post("/api/v1/events", &other).await.unwrap();
    scene.end = Log::read(&scene.house.database).await.end();
    let path = standing.replace(shown.id(), other.id());
    let answer = scene.alice().patch(&path, &json!({ "name": "y" })).await.unwrap();
    assert_eq!(told(&answer).1, "section_not_found");
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn units_that_can_not_be_had_are_refused_by_field_and_rule() {
    let mut scene = Scene::new().await;
    let (.., event_id) = on_sale(&mut scene).await;
    let other =
        json!({ "title": "x", "event_date": "2027-06-15", "sections": [{ "name": "There", "capacity": 9 }] });
    let other = scene.alice().post("/api/v1/events", &other).await.unwrap();
    scene.end = Log::read(&scene.house.database).await.end();
    let elsewhere = other.body["sections"][0]["id"].clone();
    let many: Vec<String> = (0..101).map(|number| format!("A{number}")).collect();
    let holds = [
        (json!({}), "section_id", "required"),
        (json!({ "section": "Standing", "quantity": 0 }), "quantity", "range"),
        (json!({ "section": "Standing", "quantity": -1 }), "quantity", "range"),
        (json!({ "section": "Standing", "quantity": 101 }), "quantity", "range"),
        (json!({ "section": "Standing", "quantity": 99_999_999_999_i64 }), "quantity", "type"),
        (json!({ "section": "Standing", "quantity": 1.5 }), "quantity", "type"),
        (json!({ "section": "Standing", "seats_requested": 0 }), "seats_requested", "range"),
        (json!({ "section": "Nowhere", "quantity": 1 }), "section_id", "unknown_reference"),
        (json!({ "section": "There", "quantity": 1 }), "section_id", "unknown_reference"),
        (json!({ "section_id": elsewhere, "quantity": 1 }), "section_id", "unknown_reference"),
        (json!({ "section_id": "a\u{0}b", "quantity": 1 }), "section_id", "control_character"),
        (json!({ "seats": [] }), "seats", "empty"),
        (json!({ "seats": many }), "seats", "too_many"),
        (json!({ "seats": ["A1", "A2", "A1"] }), "seats[2]", "seat_twice"),
        (json!({ "seats": ["A1", "Z9"] }), "seats", "unknown_reference"),
        (json!({ "seats": ["A1", 7] }), "seats[1]", "type"),
        (json!({ "choices": [], "quantity": 1 }), "choices", "length"),
        (json!({ "choices": [{ "any": true }] }), "quantity", "required"),
        (
            json!({ "items": [{ "section": "Stalls", "seats": ["A1", "A1"] }] }),
            "items[0].seats[1]",
            "seat_twice",
        ),
        (json!({ "items": [{ "section": "Standing", "quantity": 101 }] }), "items[0].quantity", "range"),
        (json!({ "section": "Standing", "quantity": 1, "adjacent": true }), "adjacent", "type"),
        (json!({ "section": "Standing", "quantity": 1, "adjacent": "maybe" }), "adjacent", "one_of"),
        (json!({ "section": "Standing", "quantity": 1, "hold_seconds": 0 }), "hold_seconds", "range"),
        (json!({ "section": "Standing", "quantity": 1, "hold_seconds": 7_201 }), "hold_seconds", "range"),
        (json!({ "section": "Standing", "quantity": 1, "hold_seconds": i64::MAX }), "hold_seconds", "range"),
        (json!({ "section": "Standing", "quantity": 1, "user_id": "bob" }), "user_id", "unknown"),
    ];
    for (mut body, field, rule) in holds {
        if body == json!({}) {
            body["quantity"] = 1.into();
        }
        body["event_id"] = json!(event_id);
        for path in ["/api/v1/reservations", "/api/bookings/hold"] {
            let answer = scene.alice().post(path, &body).await.unwrap();
            let short: String = body.to_string().chars().take(100).collect();
            assert_eq!(told(&answer), fault(422, "invalid_body", field, rule), "{short}");
        }
    }
    let nowhere = json!({ "event_id": "00000000-0000-7000-8000-000000000000", "seats": ["A1"] });
    let answer = scene.alice().post("/api/v1/reservations", &nowhere).await.unwrap();
    assert_eq!((told(&answer).0, &*told(&answer).1), (404, "event_not_found"));
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_done_with_units_is_refused_by_field_and_rule() {
    let mut scene = Scene::new().await;
    let (event, held, event_id) = on_sale(&mut scene).await;
    let writes = [
        ("confirm", json!({ "seats": ["A1"] }), "seats", "unknown_reference"),
        ("confirm", json!({ "quantity": 3 }), "quantity", "unknown_reference"),
        ("confirm", json!({ "quantity": 0 }), "quantity", "range"),
        ("confirm", json!({ "quantity": 1, "seats": ["A1"] }), "quantity", "excluded"),
        ("extend", json!({}), "hold_seconds", "required"),
        ("extend", json!({ "hold_seconds": 0 }), "hold_seconds", "range"),
        ("extend", json!({ "hold_seconds": 7_201 }), "hold_seconds", "range"),
    ];
    for (what, body, field, rule) in writes {
        let answer = scene.alice().post(&format!("{held}/{what}"), &body).await.unwrap();
        assert_eq!(told(&answer), fault(422, "invalid_body", field, rule), "{what} {body}");
    }
    let locks = [
        (json!({ "show_id": "show-1" }), "show_id", "uuid"),
        (json!({ "seat_ids": [] }), "seat_ids", "empty"),
        (json!({ "seat_ids": ["A1", "A1"] }), "seat_ids[1]", "seat_twice"),
        (json!({ "user_id": "bob" }), "user_id", "not_the_caller"),
        (json!({ "user_id": "" }), "user_id", "blank"),
        (json!({ "request_id": "" }), "request_id", "blank"),
        (json!({ "request_id": "a\nb" }), "request_id", "control_character"),
        (json!({ "request_id": "x".repeat(201) }), "request_id", "too_long"),
    ];
    for (changes, field, rule) in locks {
        let mut body = json!({ "show_id": event_id, "seat_ids": ["A1"], "user_id": "alice" });
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let answer = scene.alice().post("/api/booking/confirm", &body).await.unwrap();
        assert_eq!(told(&answer), fault(422, "invalid_body", field, rule), "{changes}");
        if body.get("request_id").is_none() {
            let answer = scene.alice().post("/api/v1/seat-lock", &body).await.unwrap();
            assert_eq!(told(&answer), fault(422, "invalid_body", field, rule), "{changes}");
        }
    }
    let unknown = json!({ "show_id": event_id, "seat_ids": ["A1", "Z9"], "user_id": "alice" });
    let answer = scene.alice().post("/api/seat-lock", &unknown).await.unwrap();
    assert_eq!(told(&answer), fault(422, "invalid_body", "seat_ids", "unknown_reference"));
    let queries = [
        ("events?status=open", "status", "one_of"),
        ("events?from=2027-02-30", "from", "date"),
        ("events?from=2027-02-03&to=2027-02-02", "to", "range_reversed"),
        ("events?cursor=1_2", "cursor", "cursor"),
        ("reservations?user_id=", "user_id", "blank"),
        ("reservations?event_id=1", "event_id", "uuid"),
        ("reservations?status=HELD", "status", "one_of"),
        ("reservations?cursor=x", "cursor", "cursor"),
        ("reservations?limit=0", "limit", "range"),
    ];
    for (query, field, rule) in queries {
        let answer = scene.alice().get(&format!("/api/v1/{query}")).await.unwrap();
        assert_eq!(told(&answer), fault(400, "bad_query", field, rule), "{query}");
    }
    for path in ["events/1", "events/1/seats", "events/1/history", "reservations/1", "reservations/1/history"]
    {
        let answer = scene.alice().get(&format!("/api/v1/{path}")).await.unwrap();
        assert_eq!(told(&answer), fault(400, "bad_path", "id", "type"), "{path}");
    }
    let history = scene.alice().get(&format!("{event}/history?limit=0")).await.unwrap();
    assert_eq!(told(&history), fault(400, "bad_query", "limit", "range"));
    scene.is_unchanged().await;
}

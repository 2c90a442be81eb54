//! Bad input: a problem document that names the field and the rule, never a 5xx, and nothing is changed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod units;

use holdfast_domain::Seq;
use holdfast_e2e::{Answer, Binary, Client, House, Log, Process};
use reqwest::Method;
use serde_json::{Value, json};

/// One more than any limit of a text.
const LONG: usize = 10_000;

struct Scene {
    house: House,
    process: Process,
    /// One booking of alice's.
    path: String,
    resource: String,
    end: Seq,
}

impl Scene {
    async fn new() -> Self {
        let house = House::new().await;
        let process = house.ready(Binary::Holdfast).await;
        let alice = process.client().user("alice").header("Prefer", "wait=30");
        let made = alice.book("Raum1", 10, 12).await.unwrap();
        let (path, resource) = (format!("/api/v1/bookings/{}", made.id()), made.body["resource_id"].clone());
        let end = Log::read(&house.database).await.end();
        Self { house, process, path, resource: resource.as_str().unwrap().to_owned(), end }
    }

    fn alice(&self) -> Client {
        self.process.client().user("alice")
    }

    /// Nothing has happened since it was set.
    async fn is_unchanged(&self) {
        assert_eq!(Log::read(&self.house.database).await.end(), self.end);
        assert_eq!(self.process.client().get("/livez").await.unwrap().status, 200);
    }
}

/// Status, code, and each field with its rule.
fn told(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{answer:?}");
    assert_eq!(answer.body["status"], answer.status);
    assert!(answer.body["type"].as_str().unwrap().ends_with(answer.body["code"].as_str().unwrap()));
    let fields = answer.body["fields"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let fields = fields.iter().map(|field| (text(&field["field"]), text(&field["rule"]))).collect();
    (answer.status, text(&answer.body["code"]), fields)
}

fn fault(status: u16, code: &str, field: &str, rule: &str) -> (u16, String, Vec<(String, String)>) {
    (status, code.to_owned(), vec![(field.to_owned(), rule.to_owned())])
}

/// A good body but for these members; null takes one out.
fn body_with(changes: &Value) -> Value {
    let mut body = holdfast_e2e::booking("Raum1", 20, 21);
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_the_wrong_form_is_refused_by_field_and_rule() {
    let scene = Scene::new().await;
    let long = "x".repeat(LONG);
    let cases = [
        (json!({"resource": null}), "resource", "required"),
        (json!({"resource": ""}), "resource", "blank"),
        (json!({"resource": " \t"}), "resource", "blank"),
        (json!({"resource": "a\u{0}b"}), "resource", "control_character"),
        (json!({"resource": long}), "resource", "too_long"),
        (json!({"resource": 7}), "resource", "type"),
        (json!({"resource": ["Raum1"]}), "resource", "type"),
        (json!({"title": "a\nb"}), "title", "control_character"),
        (json!({"title": long}), "title", "too_long"),
        (json!({"note": long}), "note", "too_long"),
        (json!({"note": {}}), "note", "type"),
        (json!({"resource": null, "resource_id": "Raum1"}), "resource_id", "uuid"),
        (
            json!({"resource": null, "resource_id": "00000000-0000-7000-8000-000000000000"}),
            "resource_id",
            "unknown_reference",
        ),
        (
            json!({"resource": "Neu", "venue_id": "00000000-0000-7000-8000-000000000000"}),
            "venue_id",
            "unknown_reference",
        ),
        (json!({"colour": "blue"}), "colour", "unknown"),
        (json!({"start_time": null}), "start_time", "required"),
        (json!({"start_time": 1_900_000_000}), "start_time", "type"),
        (json!({"start_time": "tomorrow"}), "start_time", "rfc_3339"),
        (json!({"start_time": "2027-02-30T10:00:00Z"}), "start_time", "rfc_3339"),
        (json!({"start_time": "2027-03-21T10:00:00"}), "start_time", "rfc_3339"),
        (json!({"start_time": "2027-03-21T10:00:00+25:00"}), "start_time", "rfc_3339"),
        (json!({"start_time": "10000-01-01T00:00:00Z"}), "start_time", "rfc_3339"),
        (json!({"start_time": "2027-03-21T10:00:00Z\u{0}"}), "start_time", "rfc_3339"),
        (json!({"end_time": "9999-12-31T23:59:59-23:59"}), "end_time", "range_unbounded"),
        (json!({"start_time": "0000-01-01T00:00:00+23:59"}), "end_time", "range_unbounded"),
        (json!({"end_time": "2001-01-01T00:00:00Z"}), "end_time", "range_reversed"),
        (json!({"end_time": "9999-12-31T23:59:59Z"}), "end_time", "range_too_long"),
        (
            json!({"start_time": "2020-01-01T00:00:00Z", "end_time": "2020-01-01T01:00:00Z"}),
            "start_time",
            "range_in_the_past",
        ),
        (
            json!({"start_time": "9998-01-01T00:00:00Z", "end_time": "9998-01-01T01:00:00Z"}),
            "end_time",
            "range_too_far_ahead",
        ),
        (
            json!({"start_time": "2027-03-21T10:00:00+01:00", "end_time": "2027-03-21T09:00:00Z"}),
            "end_time",
            "range_empty",
        ),
        (
            json!({"start_time": "2027-03-21T09:00:00Z", "end_time": "2027-03-21T09:00:01Z"}),
            "end_time",
            "range_too_short",
        ),
    ];
    for (changes, field, rule) in cases {
        let answer = scene.alice().post("/api/v1/bookings", &body_with(&changes)).await.unwrap();
        let short: String = changes.to_string().chars().take(100).collect();
        assert_eq!(told(&answer), fault(422, "invalid_body", field, rule), "{short}");
    }
    let changes = [
        (json!({"start_time": null}), "start_time", "type"),
        (json!({"resource": "Raum2"}), "resource", "immutable"),
        (json!({"version": 3}), "version", "unknown"),
        (json!({"end_time": "2001-01-01T00:00:00Z"}), "end_time", "range_reversed"),
        (json!({"title": " "}), "title", "blank"),
    ];
    for (change, field, rule) in changes {
        let answer = scene.alice().put(&scene.path, &change).await.unwrap();
        assert_eq!(told(&answer), fault(422, "invalid_body", field, rule), "{change}");
    }
    let resources = [
        (json!({}), "name", "required"),
        (json!({"name": "x", "shortest_seconds": 0}), "shortest_seconds", "range"),
        (json!({"name": "x", "longest_seconds": 2_678_401}), "longest_seconds", "range"),
        (json!({"name": "x", "days_ahead": 1e20}), "days_ahead", "type"),
        (json!({"name": "x", "days_ahead": 36_526}), "days_ahead", "range"),
    ];
    for (body, field, rule) in resources {
        let answer = scene.alice().post("/api/v1/resources", &body).await.unwrap();
        assert_eq!(told(&answer), fault(422, "invalid_body", field, rule), "{body}");
    }
    let zone = json!({"name": "x", "time_zone": "Mars/Olympus"});
    let answer = scene.alice().post("/api/v1/venues", &zone).await.unwrap();
    assert_eq!(told(&answer), fault(422, "invalid_body", "time_zone", "time_zone"));
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json_object_is_refused() {
    let scene = Scene::new().await;
    let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    let nested = format!(r#"{{"note": {}1{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    let doubled = r#"{"resource": "a", "resource": "b", "start_time": "x", "end_time": "y"}"#;
    let cases: [(&[u8], u16, &str); 13] = [
        (b"", 400, "malformed_json"),
        (b"{", 400, "malformed_json"),
        (b"{\"note\": \"\\ud800\"}", 400, "malformed_json"),
        (b"{\"note\": \"\xff\"}", 400, "malformed_json"),
        (b"\xef\xbb\xbf{}", 400, "malformed_json"),
        (b"{]", 400, "malformed_json"),
        (b"NaN", 400, "malformed_json"),
        (deep.as_bytes(), 413, "body_too_large"),
        (nested.as_bytes(), 422, "invalid_body"),
        (b"[]", 422, "invalid_body"),
        (b"null", 422, "invalid_body"),
        (b"\"{}\"", 422, "invalid_body"),
        (doubled.as_bytes(), 422, "invalid_body"),
    ];
    for (body, status, code) in cases {
        for (method, path) in [(Method::POST, "/api/v1/bookings"), (Method::PUT, &*scene.path)] {
            let sent = scene.alice().raw(method, path, "application/json", body.to_vec()).await.unwrap();
            let short = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            let (told_status, told_code, _) = told(&sent);
            assert_eq!((told_status, &*told_code), (status, code), "{short}");
        }
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", ""] {
        let body = body_with(&json!({})).to_string();
        let sent = scene.alice().raw(Method::POST, "/api/v1/bookings", kind, body).await.unwrap();
        assert_eq!((sent.status, &sent.body["code"]), (415, &json!("unsupported_media_type")), "{kind}");
    }
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_ten_megabytes_is_refused_and_the_next_request_served() {
    let scene = Scene::new().await;
    let huge = format!(r#"{{"note": "{}"}}"#, "x".repeat(10 << 20));
    // Refused before it has come, so it may be that the answer can't be read for the sending.
    let sent = scene.alice().raw(Method::POST, "/api/v1/bookings", "application/json", huge).await;
    if let Ok(answer) = sent {
        assert_eq!((answer.status, &answer.body["code"]), (413, &json!("body_too_large")));
    }
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_asks_for_what_can_not_be_is_refused_by_field_and_rule() {
    let scene = Scene::new().await;
    let cases = [
        ("bookings?limit=0", "limit", "range"),
        ("bookings?limit=-1", "limit", "range"),
        ("bookings?limit=100000000000000000000", "limit", "range"),
        ("bookings?limit=ten", "limit", "range"),
        ("bookings?limit=", "limit", "range"),
        ("bookings?cursor=x", "cursor", "cursor"),
        ("bookings?cursor=9223372036854775807_00000000000000000000000000000000", "cursor", "cursor"),
        ("bookings?cursor=-9223372036854775808_00000000000000000000000000000000", "cursor", "cursor"),
        ("bookings?date=2027-02-30", "date", "date"),
        ("bookings?date=20270203", "date", "date"),
        ("bookings?date=2027-02-03T00:00:00Z", "date", "date"),
        ("bookings?from=yesterday", "from", "rfc_3339"),
        ("bookings?from=9999-12-31T23:59:59-23:59", "from", "range_unbounded"),
        ("bookings?to=0000-01-01T00:00:00%2B23:59", "to", "range_unbounded"),
        ("bookings?from=2027-03-21T10:00:00Z&to=2027-03-21T10:00:00Z", "to", "range_reversed"),
        ("bookings?status=valid", "status", "one_of"),
        ("bookings?status=", "status", "one_of"),
        ("bookings?user_id=%00", "user_id", "control_character"),
        ("bookings?user_id=", "user_id", "blank"),
        ("bookings?resource=%20", "resource", "blank"),
        ("bookings?venue_id=Haus", "venue_id", "uuid"),
        ("bookings?limit=1&limit=2", "limit", "duplicate"),
        ("bookings?colour=blue", "colour", "unknown"),
        ("changes?after=-1", "after", "range"),
        ("changes?after=9223372036854775808", "after", "range"),
        ("changes?limit=1001", "limit", "range"),
        ("venues?cursor=1", "cursor", "cursor"),
        ("resources?venue_id=1", "venue_id", "uuid"),
        ("resources?name=%0A", "name", "blank"),
    ];
    for (query, field, rule) in cases {
        let answer = scene.alice().get(&format!("/api/v1/{query}")).await.unwrap();
        assert_eq!(told(&answer), fault(400, "bad_query", field, rule), "{query}");
    }
    let availability = format!("/api/v1/resources/{}/availability", scene.resource);
    let cases = [
        ("", "from", "required"),
        ("?from=2027-03-21T10:00:00Z&to=x", "to", "rfc_3339"),
        ("?from=2027-03-21T10:00:00Z&to=2027-03-21T10:00:00Z", "to", "range_empty"),
        ("?from=2027-03-21T10:00:00Z&to=2028-03-21T10:00:00Z", "to", "range_too_long"),
    ];
    for (query, field, rule) in cases {
        let answer = scene.alice().get(&format!("{availability}{query}")).await.unwrap();
        assert_eq!(told(&answer), fault(400, "bad_query", field, rule), "{query}");
    }
    for query in ["bookings?user_id=%ff", "bookings?resource=%ff"] {
        let answer = scene.alice().get(&format!("/api/v1/{query}")).await.unwrap();
        assert_eq!(told(&answer), (400, "bad_query".to_owned(), Vec::new()), "{query}");
    }
    // The end of the calendar is a date; no day ends after it.
    let last = scene.alice().get("/api/v1/bookings?date=9999-12-31").await.unwrap();
    assert_eq!((last.status, last.body), (200, json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_none_and_headers_of_junk_are_refused() {
    let scene = Scene::new().await;
    let alice = scene.alice();
    for id in ["1", "none", "%00", "00000000-0000-0000-0000-00000000000g", "%F0%9F%92%A9"] {
        for path in [format!("bookings/{id}"), format!("bookings/{id}/history"), format!("venues/{id}")] {
            let answer = alice.get(&format!("/api/v1/{path}")).await.unwrap();
            assert_eq!(told(&answer), fault(400, "bad_path", "id", "type"), "{path}");
        }
    }
    let long = "x".repeat(256);
    let headers = [
        ("X-User-ID", " ", "blank"),
        ("X-User-ID", &*"x".repeat(129), "too_long"),
        ("Idempotency-Key", "", "empty"),
        ("Idempotency-Key", "a b", "characters"),
        ("Idempotency-Key", &*long, "too_long"),
        ("If-Match", "1", "malformed"),
        ("If-Match", "", "empty"),
    ]
    .map(|(name, value, rule)| (name, value.to_owned(), rule));
    for (name, value, rule) in headers {
        let answer = alice.header(name, &value).put(&scene.path, &json!({"title": "x"})).await.unwrap();
        assert_eq!(told(&answer), fault(400, "bad_header", name, rule), "{name}: {value}");
    }
    // What is only advice is passed over.
    for (name, value) in [
        ("Prefer", "wait=-1, ;;=, wait"),
        ("traceparent", "00-zz-1-1"),
        ("X-Request-ID", "a b"),
        ("If-None-Match", "junk"),
        ("Accept", "no/thing;q=9"),
    ] {
        let answer = alice.header(name, value).get(&scene.path).await.unwrap();
        assert_eq!(answer.status, 200, "{name}");
    }
    for method in ["TRACE", "OPTIONS", "BREW", "PATCH"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = alice.raw(method, &scene.path, "text/plain", "").await.unwrap();
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD, PUT, DELETE"));
    }
    assert_eq!(told(&alice.get("/api/v2/bookings").await.unwrap()).1, "not_found");
    scene.is_unchanged().await;
}

//! Every way to send something that is not of its form, and what is answered.

#![expect(clippy::disallowed_methods, reason = "what is tested holds however a route is mounted")]

use actix_web::{App, HttpResponse, http::header, test, web};
use holdfast_runtime::extract::{JsonBody, OptionalBody, Path, Query, configure};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    name: String,
    #[serde(default)]
    seats: Vec<Seat>,
    note: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only parsed")]
struct Seat {
    row: String,
    number: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only parsed")]
struct Page {
    limit: u32,
    after: Option<String>,
}

const LIMIT: usize = 1_024;

async fn plan(JsonBody { value, bytes }: JsonBody<Plan>) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "name": value.name, "seats": value.seats.len(), "note": value.note, "bytes": bytes.len()
    }))
}

async fn maybe(OptionalBody { value, bytes }: OptionalBody<Plan>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "name": value.map(|plan| plan.name), "bytes": bytes.len() }))
}

async fn answer(request: test::TestRequest) -> (u16, Value) {
    let app = test::init_service(
        App::new()
            .configure(|config| configure(config, LIMIT))
            .route("/plan", web::post().to(plan))
            .route("/maybe", web::post().to(maybe))
            .route("/query", web::get().to(async |_: Query<Page>| HttpResponse::Ok().json(())))
            .route("/one/{id}", web::get().to(async |_: Path<u32>| HttpResponse::Ok().json(())))
            .route("/two/{id}/{seat}", web::get().to(async |_: Path<(u32, u8)>| HttpResponse::Ok().json(())))
            .route("/form/{row}/{number}", web::get().to(async |_: Path<Seat>| HttpResponse::Ok().json(()))),
    )
    .await;
    let answer = test::call_service(&app, request.to_request()).await;
    (answer.status().as_u16(), test::read_body_json(answer).await)
}

async fn get(uri: &str) -> (u16, Value) {
    answer(test::TestRequest::get().uri(uri)).await
}

async fn post_as(media_type: &str, body: impl Into<web::Bytes>) -> (u16, Value) {
    let media_type = (header::CONTENT_TYPE, media_type);
    answer(test::TestRequest::post().uri("/plan").insert_header(media_type).set_payload(body)).await
}

async fn post(body: impl Into<web::Bytes>) -> (u16, Value) {
    post_as("application/json", body).await
}

/// Status, code, and of the one field at fault its name and rule.
fn refused((status, problem): &(u16, Value)) -> (u16, &str, &str, &str) {
    let of = |value: &'_ Value, name: &str| value[name].as_str().map(str::to_owned).unwrap_or_default();
    let field = &problem["fields"][0];
    assert!(problem["fields"].as_array().is_none_or(|fields| fields.len() == 1), "{problem}");
    (*status, of(problem, "code").leak(), of(field, "field").leak(), of(field, "rule").leak())
}

#[actix_web::test]
async fn a_body_comes_with_the_bytes_that_it_was_sent_in() {
    let text = r#" {"name": "a", "seats": [{"row": "A", "number": 1}]} "#;
    let (status, body) = post(text).await;
    assert_eq!((status, body), (200, json!({"name": "a", "seats": 1, "note": null, "bytes": text.len()})));
}

#[actix_web::test]
async fn a_field_at_fault_is_named_by_its_path() {
    let cases = [
        ("{}", "name", "required"),
        (r#"{"name": 1}"#, "name", "type"),
        (r#"{"name": null}"#, "name", "type"),
        (r#"{"name": "a", "colour": 1}"#, "colour", "unknown"),
        (r#"{"name": "a", "name": "b"}"#, "name", "duplicate"),
        (r#"{"name": "a", "note": 1, "note": 2}"#, "note", "duplicate"),
        (r#"{"name": "a", "seats": 1}"#, "seats", "type"),
        (r#"{"name": "a", "seats": [1]}"#, "seats[0]", "type"),
        (r#"{"name": "a", "seats": [{"row": "A", "number": 1}, {"number": 1}]}"#, "seats[1].row", "required"),
        (r#"{"name": "a", "seats": [{"row": 1, "number": 1}]}"#, "seats[0].row", "type"),
        (r#"{"name": "a", "seats": [{"row": "A", "number": -1}]}"#, "seats[0].number", "type"),
        (r#"{"name": "a", "seats": [{"row": "A", "number": 4294967296}]}"#, "seats[0].number", "type"),
        (r#"{"name": "a", "seats": [{"row": "A", "col": 1}]}"#, "seats[0].col", "unknown"),
        (r#"{"name": "a", "seats": [{"row": "A", "row": "B"}]}"#, "seats[0].row", "duplicate"),
    ];
    for (body, field, rule) in cases {
        assert_eq!(refused(&post(body).await), (422, "invalid_body", field, rule), "{body}");
    }
}

#[actix_web::test]
async fn a_body_that_is_no_object_is_refused_though_serde_would_take_an_array() {
    for body in [r#"["a"]"#, r#"["a", []]"#, "1", "null", "\"name\"", "true"] {
        let refusal = post(body).await;
        assert_eq!(refused(&refusal), (422, "invalid_body", "", ""), "{body}");
        assert_eq!(refusal.1["detail"], "The body must be a JSON object.");
    }
}

#[actix_web::test]
async fn what_is_not_json_is_told_with_its_place() {
    let deep = format!(r#"{{"name": "a", "note": {}1{}}}"#, "[".repeat(200), "]".repeat(200));
    let cases: [&[u8]; 15] = [
        b"",
        b" ",
        b"{",
        b"[1,",
        b"{\"name\": \"a\"} {}",
        b"{\"name\": \"a\"}\0",
        b"\0",
        b"{\"name\": \"a\0\"}",
        b"{'name': 'a'}",
        b"{\"name\": NaN}",
        b"{\"name\": \"a\",}",
        b"\xef\xbb\xbf{\"name\": \"a\"}",
        br#"{"name": "\ud800"}"#,
        br#"{"name": "a", "note": "\udc00\ud800"}"#,
        deep.as_bytes(),
    ];
    for body in cases {
        let refusal = post(body.to_vec()).await;
        let body = String::from_utf8_lossy(body);
        assert_eq!(refused(&refusal), (400, "malformed_json", "", ""), "{body}");
        let detail = refusal.1["detail"].as_str().unwrap();
        assert!(detail.contains("line") && detail.contains("column"), "{body}: {detail}");
    }
}

#[actix_web::test]
async fn a_byte_that_is_not_utf_8_is_refused_wherever_it_stands() {
    for body in [&b"{\"name\": \"\xff\"}"[..], b"{\"name\": \"a\", \"note\": \"\xc3\x28\"}", b"\xff"] {
        assert_eq!(refused(&post(body.to_vec()).await), (400, "malformed_json", "", ""));
    }
}

#[actix_web::test]
async fn only_json_in_utf_8_is_a_body() {
    for taken in
        ["application/json", "Application/JSON; charset=UTF-8", "application/json; charset=\"utf-8\""]
    {
        assert_eq!(post_as(taken, r#"{"name": "a"}"#).await.0, 200, "{taken}");
    }
    for other in ["text/plain", "application/xml", "application/json; charset=latin1", "json", ""] {
        let refusal = post_as(other, r#"{"name": "a"}"#).await;
        assert_eq!(refused(&refusal), (415, "unsupported_media_type", "", ""), "{other}");
    }
    let unsaid = answer(test::TestRequest::post().uri("/plan").set_payload(r#"{"name": "a"}"#)).await;
    assert_eq!(unsaid.0, 415);
    let packed = test::TestRequest::post()
        .uri("/plan")
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CONTENT_ENCODING, "gzip"));
    assert_eq!(answer(packed.set_payload("x")).await.0, 415);
}

#[actix_web::test]
async fn a_body_that_may_be_left_out_is_what_any_other_is_when_it_is_there() {
    let maybe = |media_type: &str, body: &'static str| {
        let request = test::TestRequest::post().uri("/maybe");
        let media_type = (header::CONTENT_TYPE, media_type.to_owned());
        answer(
            if media_type.1.is_empty() { request } else { request.insert_header(media_type) }
                .set_payload(body),
        )
    };
    let nothing = |bytes: usize| (200, json!({"name": null, "bytes": bytes}));
    for media_type in ["", "text/plain", "application/json"] {
        assert_eq!(maybe(media_type, "").await, nothing(0), "{media_type}");
    }
    assert_eq!(maybe("application/json", " null ").await, nothing(6));
    let body = r#"{"name": "a"}"#;
    assert_eq!(maybe("application/json", body).await, (200, json!({"name": "a", "bytes": body.len()})));
    for media_type in ["", "text/plain"] {
        let refusal = maybe(media_type, body).await;
        assert_eq!(refused(&refusal), (415, "unsupported_media_type", "", ""), "{media_type}");
    }
    assert_eq!(refused(&maybe("application/json", "{}").await), (422, "invalid_body", "name", "required"));
    assert_eq!(refused(&maybe("application/json", "[]").await), (422, "invalid_body", "", ""));
    assert_eq!(refused(&maybe("application/json", " ").await), (400, "malformed_json", "", ""));
    let long = test::TestRequest::post().uri("/maybe").set_payload(vec![b' '; LIMIT + 1]);
    assert_eq!(refused(&answer(long).await), (413, "body_too_large", "", ""));
}

#[actix_web::test]
async fn a_body_as_long_as_the_limit_is_taken_and_one_byte_more_is_not() {
    let body = |length: usize| format!(r#"{{"name": "{}"}}"#, "a".repeat(length - r#"{"name": ""}"#.len()));
    assert_eq!(post(body(LIMIT)).await.0, 200);
    assert_eq!(refused(&post(body(LIMIT + 1)).await), (413, "body_too_large", "", ""));
}

#[actix_web::test]
async fn what_a_caller_makes_up_is_not_sent_back_at_full_length() {
    let refusal = post(format!(r#"{{"name": "a", "{}": 1}}"#, "é".repeat(400))).await;
    let field = refusal.1["fields"][0].clone();
    assert_eq!(field["rule"], "unknown");
    assert_eq!(field["field"].as_str().unwrap().chars().count(), 201);
    assert_eq!(field["message"].as_str().unwrap().chars().count(), 201);
}

#[actix_web::test]
async fn a_parameter_at_fault_is_named() {
    let cases = [
        ("/query", "limit", "required"),
        ("/query?limit=x", "limit", "type"),
        ("/query?limit=1&limit=2", "limit", "duplicate"),
        ("/query?limit=1&colour=red", "colour", "unknown"),
        ("/query?limit=1&after=%FF", "", ""),
    ];
    for (uri, field, rule) in cases {
        assert_eq!(refused(&get(uri).await), (400, "bad_query", field, rule), "{uri}");
    }
    assert_eq!(get("/query?limit=1&after=%C3%A9").await.0, 200);
}

#[actix_web::test]
async fn a_part_of_the_path_at_fault_is_named() {
    let cases = [
        ("/one/x", "id", "type"),
        ("/two/1/256", "seat", "type"),
        ("/form/A/x", "number", "type"),
        ("/one/%FF", "", ""),
    ];
    for (uri, field, rule) in cases {
        assert_eq!(refused(&get(uri).await), (400, "bad_path", field, rule), "{uri}");
    }
    assert_eq!(get("/two/1/255").await.0, 200);
    assert_eq!(get("/form/%C3%A9/1").await.0, 200);
}

//! Controls of the check: documents that lack something, and answers that say something else.

use reqwest::header::{HeaderName, HeaderValue};
use serde_json::json;

use super::*;

/// Of one route, which answers 200 and 404.
fn document() -> Value {
    let seat = json!({
        "type": "object", "required": ["row"], "properties": {
            "row": { "type": "integer" },
            "near": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Near" }] },
        },
    });
    let problem = json!({
        "description": "No.",
        "content": { "application/problem+json": { "examples": {}, "schema": {
            "allOf": [{ "$ref": "#/components/schemas/Problem" }, { "properties": { "code": { "enum": ["no_seat"] } } }],
        } } },
    });
    let answers = json!({
        "200": {
            "description": "A seat.",
            "headers": { "ETag": { "$ref": "#/components/headers/ETag" } },
            "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/Seat" }, "example": { "row": 1 },
            } },
        },
        "204": { "description": "None." },
        "404": problem,
    });
    let parameters = json!([
        { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } },
        { "name": "near", "in": "query", "schema": { "type": "string" } },
    ]);
    let seats = json!({
        "operationId": "getSeat", "summary": "A seat", "tags": ["seats"], "parameters": parameters,
        "requestBody": { "content": { "application/json": { "schema": {
            "type": "object", "properties": { "row": { "type": "integer" } }, "additionalProperties": false,
        } } } },
        "responses": answers, "x-messages": { "schema": { "$ref": "#/components/schemas/SocketMessage" } },
    });
    json!({
        "openapi": "3.1.0", "info": { "title": "Seats", "version": "1" }, "tags": [{ "name": "seats" }],
        "paths": { "/seats/{id}": { "put": seats } },
        "components": {
            "schemas": {
                "Seat": seat,
                "Near": { "type": "object", "properties": { "row": { "type": "integer" } } },
                "Problem": { "type": "object", "required": ["code"], "properties": { "code": { "type": "string" } } },
                "SocketMessage": { "oneOf": [
                    { "type": "object", "required": ["seq"], "properties": { "seq": { "type": "integer" } } },
                ] },
            },
            "headers": { "ETag": { "required": true, "schema": { "type": "string", "pattern": "^\".*\"$" } } },
            "responses": {
                "NotFound": { "description": "Nothing.", "content": { "application/problem+json": { "schema": {
                    "allOf": [
                        { "$ref": "#/components/schemas/Problem" }, { "properties": { "code": { "enum": ["not_found"] } } },
                    ],
                } } } },
                "MethodNotAllowed": { "description": "No." },
            },
        },
    })
}

struct Told {
    method: &'static str,
    path: &'static str,
    query: &'static str,
    sent: &'static str,
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: Value,
}

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
const PROBLEM: (&str, &str) = ("content-type", "application/problem+json");
const TAG: (&str, &str) = ("etag", "\"1\"");

fn right() -> Told {
    let body = json!({ "row": 1, "near": { "row": 2 } });
    Told {
        method: "PUT",
        path: "/seats/1",
        query: "near",
        sent: "{}",
        status: 200,
        headers: &[JSON, TAG],
        body,
    }
}

fn faults_by(document: Value, told: &Told) -> Vec<String> {
    let mut headers = HeaderMap::new();
    for (name, value) in told.headers {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let body = if told.body.is_null() { Vec::new() } else { told.body.to_string().into_bytes() };
    let Told { method, path, status, .. } = *told;
    let (query, sent) = (vec![told.query.to_owned()], told.sent.as_bytes());
    Contract::new(document).answered(&Call {
        method,
        path,
        query,
        sent,
        status,
        headers: &headers,
        body: &body,
    })
}

fn faults(told: &Told) -> Vec<String> {
    faults_by(document(), told)
}

/// The document without what is at `parent`, under `name`.
fn without(parent: &str, name: &str) -> Value {
    let mut document = document();
    let removed =
        document.pointer_mut(parent).and_then(Value::as_object_mut).and_then(|object| object.remove(name));
    assert!(removed.is_some(), "{parent}/{name}");
    document
}

#[test]
fn an_answer_as_documented_has_no_fault() {
    assert_eq!(faults(&right()), [""; 0]);
    let none = Told { status: 204, headers: &[], body: Value::Null, ..right() };
    assert_eq!(faults(&none), [""; 0]);
    let problem = Told { status: 404, headers: &[PROBLEM], body: json!({ "code": "no_seat" }), ..right() };
    assert_eq!(faults(&problem), [""; 0]);
    let nowhere = Told { path: "/rows", body: json!({ "code": "not_found" }), ..problem };
    assert_eq!(faults(&nowhere), [""; 0]);
    let never = Told { method: "GET", status: 405, headers: &[], body: Value::Null, ..right() };
    assert_eq!(faults(&never), [""; 0]);
}

#[test]
fn a_route_a_method_or_a_status_that_is_not_documented_is_a_fault() {
    assert_eq!(faults_by(without("/paths", "/seats/{id}"), &right()).len(), 1);
    assert_eq!(faults_by(without("/paths/~1seats~1{id}", "put"), &right()).len(), 1);
    let answers = "/paths/~1seats~1{id}/put/responses";
    assert_eq!(faults_by(without(answers, "200"), &right()).len(), 1);
    // A code of its own says that there is a route.
    let problem = Told { status: 404, headers: &[PROBLEM], body: json!({ "code": "no_seat" }), ..right() };
    assert_eq!(faults_by(without("/paths", "/seats/{id}"), &problem).len(), 1);
}

#[test]
fn a_body_that_is_not_as_documented_is_a_fault() {
    let bodies = [
        json!({}),
        json!({ "row": "1" }),
        json!({ "row": 1, "colour": "red" }),
        json!({ "row": 1, "near": { "row": 1, "colour": "red" } }),
        json!([]),
        Value::Null,
    ];
    for body in bodies {
        let told = Told { body, ..right() };
        assert_eq!(faults(&told).len(), 1, "{}", told.body);
    }
    let unknown = Told { status: 404, headers: &[PROBLEM], body: json!({ "code": "too_far" }), ..right() };
    assert_eq!(faults(&unknown).len(), 1);
    let some = Told { status: 204, headers: &[], ..right() };
    assert_eq!(faults(&some).len(), 1);
    let content = "/paths/~1seats~1{id}/put/responses/200";
    assert_eq!(faults_by(without(content, "content"), &right()).len(), 1);
    assert_eq!(faults_by(without("/components/schemas/Seat/properties", "near"), &right()).len(), 1);
}

#[test]
fn headers_and_types_that_are_not_as_documented_are_faults() {
    for headers in [&[JSON][..], &[TAG], &[JSON, ("etag", "1")], &[PROBLEM, TAG]] {
        assert_eq!(faults(&Told { headers, ..right() }).len(), 1, "{headers:?}");
    }
}

#[test]
fn a_request_that_was_taken_and_is_not_documented_is_a_fault() {
    assert_eq!(faults(&Told { query: "far", ..right() }).len(), 1);
    assert_eq!(faults(&Told { sent: r#"{"colour": "red"}"#, ..right() }).len(), 1);
    assert_eq!(faults(&Told { sent: r#"{"row": "1"}"#, ..right() }).len(), 1);
}

#[test]
fn a_message_that_is_not_documented_is_a_fault() {
    let contract = Contract::new(document());
    assert_eq!(contract.told(&json!({ "seq": 1 })), [""; 0]);
    for message in [json!({}), json!({ "seq": "1" }), json!({ "seq": 1, "colour": "red" })] {
        assert_eq!(contract.told(&message).len(), 1, "{message}");
    }
}

#[test]
fn a_document_that_contradicts_itself_is_found_out() {
    let faults = |document: Value| Contract::new(document).faults();
    let whole = document();
    assert_eq!(faults(whole.clone()), [""; 0]);
    let doctored = |pointer: &str, value: Value| {
        let mut document = whole.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        faults(document).len()
    };
    let put = |field: &str| format!("/paths/~1seats~1{{id}}/put/{field}");
    assert_eq!(doctored("/openapi", json!("3.0.3")), 1);
    assert_eq!(doctored("/info/title", Value::Null), 1);
    assert_eq!(
        doctored(
            "/paths/~1seats~1{id}/put/responses/200/headers/ETag/$ref",
            json!("#/components/headers/Nothing")
        ),
        2,
        "dangling, and unused"
    );
    assert_eq!(doctored(&put("operationId"), json!("")), 1);
    assert_eq!(doctored(&put("summary"), Value::Null), 1);
    assert_eq!(doctored(&put("tags"), json!(["rows"])), 1);
    assert_eq!(doctored(&put("parameters"), json!([])), 1);
    assert_eq!(doctored(&put("responses/204"), json!({})), 1);
    assert_eq!(doctored(&put("responses/200/content/application~1json/example"), json!({ "row": "1" })), 1);
    let problem = |title: &str| json!({ "value": { "code": "no_seat", "title": title } });
    let examples = json!({ "a": problem("None"), "b": problem("Nothing") });
    assert_eq!(doctored(&put("responses/404/content/application~1problem+json/examples"), examples), 3);
    let mut twice = whole.clone();
    twice["paths"]["/rows/{id}"] = twice["paths"]["/seats/{id}"].clone();
    assert_eq!(faults(twice).len(), 1);
}

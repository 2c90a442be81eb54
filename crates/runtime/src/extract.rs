//! What actix's extractors answer when they can't extract: problem documents that name the field where that is known.

use actix_web::{
    error::{JsonPayloadError, PathError, PayloadError, QueryPayloadError},
    web,
};
use serde_json::error::Category;

use crate::problem::Problem;

/// Sets up the extractors `Json`, `Path`, `Query`, `Bytes` and `String`.
pub fn configure(config: &mut web::ServiceConfig, body_limit_bytes: usize) {
    config
        .app_data(
            web::JsonConfig::default().limit(body_limit_bytes).error_handler(|error, _| json(error).into()),
        )
        .app_data(web::PathConfig::default().error_handler(|error, _| path(&error).into()))
        .app_data(web::QueryConfig::default().error_handler(|error, _| query(&error).into()))
        .app_data(web::PayloadConfig::new(body_limit_bytes));
}

fn json(error: JsonPayloadError) -> Problem {
    match error {
        JsonPayloadError::OverflowKnownLength { .. }
        | JsonPayloadError::Overflow { .. }
        | JsonPayloadError::Payload(PayloadError::Overflow) => Problem::body_too_large(),
        JsonPayloadError::ContentType => Problem::unsupported_media_type(),
        JsonPayloadError::Deserialize(error) => match error.classify() {
            Category::Data => naming_field(Problem::invalid_body(), &error.to_string()),
            Category::Syntax | Category::Eof | Category::Io => {
                Problem::malformed_json().detail(error.to_string())
            }
        },
        // The enum may grow; whatever else it has to say, the body did not arrive.
        error => Problem::bad_request().detail(error.to_string()),
    }
}

fn path(error: &PathError) -> Problem {
    match error {
        PathError::Deserialize(error) => naming_field(Problem::bad_path(), &error.to_string()),
        error => Problem::bad_path().detail(error.to_string()),
    }
}

fn query(error: &QueryPayloadError) -> Problem {
    match error {
        QueryPayloadError::Deserialize(error) => naming_field(Problem::bad_query(), &error.to_string()),
        error => Problem::bad_query().detail(error.to_string()),
    }
}

/// Serde names a field that is missing, unknown or doubled, and only within its message.
fn naming_field(problem: Problem, message: &str) -> Problem {
    const RULES: [(&str, &str); 3] =
        [("missing field `", "required"), ("unknown field `", "unknown"), ("duplicate field `", "duplicate")];
    let named = RULES.iter().find_map(|(start, rule)| {
        let (field, _) = message.strip_prefix(start)?.split_once('`')?;
        Some((field, *rule))
    });
    match named {
        Some((field, rule)) => problem.field(field, rule, message),
        None => problem.detail(message),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpResponse, http::header, test};
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Body {
        count: u32,
    }

    async fn answer(request: test::TestRequest) -> (u16, Value) {
        let app = test::init_service(
            App::new()
                .configure(|config| configure(config, 64))
                .route("/json", web::post().to(|_: web::Json<Body>| HttpResponse::Ok()))
                .route("/path/{n}", web::get().to(|_: web::Path<u32>| HttpResponse::Ok()))
                .route("/query", web::get().to(|_: web::Query<Body>| HttpResponse::Ok())),
        )
        .await;
        let answer = test::call_service(&app, request.to_request()).await;
        (answer.status().as_u16(), test::read_body_json(answer).await)
    }

    async fn post(body: &str) -> (u16, Value) {
        let json = (header::CONTENT_TYPE, "application/json");
        let request = test::TestRequest::post().uri("/json").insert_header(json);
        answer(request.set_payload(body.to_owned())).await
    }

    #[actix_web::test]
    async fn a_field_that_is_missing_or_unknown_is_named() {
        let (status, problem) = post("{}").await;
        assert_eq!((status, &problem["code"]), (422, &json!("invalid_body")));
        assert_eq!(problem["fields"][0]["field"], "count");
        assert_eq!(problem["fields"][0]["rule"], "required");
        assert_eq!(post(r#"{"colour": 1}"#).await.1["fields"][0]["field"], "colour");
        let (status, problem) = answer(test::TestRequest::get().uri("/query?count=1&count=2")).await;
        assert_eq!((status, &problem["fields"][0]["rule"]), (400, &json!("duplicate")));
    }

    #[actix_web::test]
    async fn each_way_to_get_it_wrong_has_its_code() {
        let code = |(status, problem): (u16, Value)| (status, problem["code"].as_str().unwrap().to_owned());
        assert_eq!(code(post("{").await), (400, "malformed_json".to_owned()));
        assert_eq!(code(post(&" ".repeat(65)).await), (413, "body_too_large".to_owned()));
        let request = test::TestRequest::post().uri("/json").set_payload("{}");
        assert_eq!(code(answer(request).await), (415, "unsupported_media_type".to_owned()));
        assert_eq!(code(answer(test::TestRequest::get().uri("/path/x")).await), (400, "bad_path".to_owned()));
    }
}

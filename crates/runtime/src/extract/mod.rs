//! Bodies, queries and paths, as handlers get them: parsed, or refused by a problem document that names the field.
//!
//! Owns the limit on a body. Never knows what a field means: a rule of a form is serde's, any other the caller's.

mod fault;
mod json;
mod path;
mod query;

pub use json::{JsonBody, OptionalBody};
pub use path::Path;
pub use query::Query;

use actix_web::{
    HttpRequest,
    error::{JsonPayloadError, PathError, PayloadError, QueryPayloadError},
    web,
};
use serde_json::error::Category;

use crate::problem::Problem;

/// The limit where a test mounts routes without [`configure`].
const DEFAULT_LIMIT_BYTES: usize = 65_536;

/// The longest body that is read.
#[derive(Clone, Copy)]
struct BodyLimit(usize);

impl BodyLimit {
    fn of(request: &HttpRequest) -> usize {
        request.app_data().map_or(DEFAULT_LIMIT_BYTES, |Self(bytes)| *bytes)
    }
}

/// Sets up our extractors, and actix's own `Json`, `Path`, `Query`, `Bytes` and `String`.
pub fn configure(config: &mut web::ServiceConfig, body_limit_bytes: usize) {
    config
        .app_data(BodyLimit(body_limit_bytes))
        .app_data(
            web::JsonConfig::default().limit(body_limit_bytes).error_handler(|error, _| json(error).into()),
        )
        .app_data(web::PathConfig::default().error_handler(|error, _| path(&error).into()))
        .app_data(web::QueryConfig::default().error_handler(|error, _| query(&error).into()))
        .app_data(web::PayloadConfig::new(body_limit_bytes));
}

/// A body that did not arrive.
fn payload(error: &PayloadError) -> Problem {
    match error {
        PayloadError::Overflow => Problem::body_too_large(),
        error => Problem::bad_request().detail(error.to_string()),
    }
}

fn json(error: JsonPayloadError) -> Problem {
    match error {
        JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => {
            Problem::body_too_large()
        }
        JsonPayloadError::Payload(error) => payload(&error),
        JsonPayloadError::ContentType => Problem::unsupported_media_type(),
        JsonPayloadError::Deserialize(error) => match error.classify() {
            Category::Data => fault::name(Problem::invalid_body(), "", &error.to_string()),
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
        PathError::Deserialize(error) => fault::name(Problem::bad_path(), "", &error.to_string()),
        error => Problem::bad_path().detail(error.to_string()),
    }
}

fn query(error: &QueryPayloadError) -> Problem {
    match error {
        QueryPayloadError::Deserialize(error) => fault::name(Problem::bad_query(), "", &error.to_string()),
        error => Problem::bad_query().detail(error.to_string()),
    }
}

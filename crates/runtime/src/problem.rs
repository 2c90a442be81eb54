//! Problem documents (RFC 9457): the form of every error answer, and those that every service needs.
//!
//! A problem's cause is for the log, once, at the edge; it never goes into the document.

use std::{error::Error, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::lifecycle::BoxError;

/// The media type of a problem document.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// An error answer.
#[derive(Debug)]
pub struct Problem {
    /// The answer's status.
    pub status: StatusCode,
    /// Stable, for programs; `type` is made of it.
    pub code: &'static str,
    /// What the code means, the same each time.
    pub title: &'static str,
    /// What is particular to this time.
    pub detail: Option<String>,
    /// The fields at fault.
    pub fields: Vec<FieldProblem>,
    /// When to try again.
    pub retry_after_seconds: Option<u32>,
    /// Further members, such as `state`.
    pub members: Map<String, Value>,
    source: Option<BoxError>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// The field's name, with dots and indexes where it is deeper.
    pub field: String,
    /// The name of the rule that it breaks.
    pub rule: &'static str,
    /// The same for people.
    pub message: String,
}

/// An error answer (RFC 9457). Some have further members, which stand with the status that they belong to.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document<'a> {
    /// Stable; made of the code.
    #[schema(format = "uri", examples("urn:holdfast:problem:not_found"))]
    r#type: String,
    /// What the code means, the same each time.
    title: &'a str,
    /// The answer's status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// Stable, for programs.
    code: &'a str,
    /// What is particular to this time, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<&'a str>,
    /// The fields at fault.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fields: &'a [FieldProblem],
    /// When to try again; also sent as `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retry_after_seconds: Option<u32>,
    #[serde(flatten)]
    #[schema(ignore)]
    members: &'a Map<String, Value>,
}

impl Problem {
    /// A problem with nothing particular to say.
    pub fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self {
            status,
            code,
            title,
            detail: None,
            fields: Vec::new(),
            retry_after_seconds: None,
            members: Map::new(),
            source: None,
        }
    }

    /// What is particular to this time.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// One more field at fault.
    pub fn field(mut self, field: impl Into<String>, rule: &'static str, message: impl Into<String>) -> Self {
        self.fields.push(FieldProblem { field: field.into(), rule, message: message.into() });
        self
    }

    /// When to try again; also sent as `Retry-After`.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// One more member of the document, such as `state`.
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// The cause, for the log alone.
    pub fn caused_by(mut self, cause: impl Into<BoxError>) -> Self {
        self.source = Some(cause.into());
        self
    }

    /// What of it goes into the answer's body.
    pub(crate) fn document(&self) -> Document<'_> {
        Document {
            r#type: format!("urn:holdfast:problem:{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail.as_deref(),
            fields: &self.fields,
            retry_after_seconds: self.retry_after_seconds,
            members: &self.members,
        }
    }

    /// No route has this path.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here")
    }

    /// The route is there, for another method.
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Not with this method")
    }

    /// The request is not one that could be read.
    pub fn bad_request() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", "The request could not be read")
    }

    /// The body is not JSON.
    pub fn malformed_json() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_json", "The body is not well-formed JSON")
    }

    /// The body is JSON, but not of the form that is asked for.
    pub fn invalid_body() -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", "The body is not of the form asked for")
    }

    /// The body is longer than `HTTP_BODY_LIMIT_BYTES`.
    pub fn body_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large")
    }

    /// The body says that it is something else than JSON, or nothing.
    pub fn unsupported_media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "The body must be application/json",
        )
    }

    /// A part of the path is not of its form.
    pub fn bad_path() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_path", "The path is not of the form asked for")
    }

    /// A part of the query is not of its form.
    pub fn bad_query() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_query", "The query is not of the form asked for")
    }

    /// A header is not of its form.
    pub fn bad_header(field: &'static str, rule: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_header", "A header is not of the form asked for")
            .field(field, rule, message)
    }

    /// The process has been told to stop. Nothing has happened.
    pub fn stopping() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "The service is stopping").retry_after(1)
    }

    /// A bug.
    pub fn internal(cause: impl Into<BoxError>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong").caused_by(cause)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        if let Some(seconds) = self.retry_after_seconds {
            answer.insert_header((header::RETRY_AFTER, seconds));
        }
        answer.insert_header((header::CONTENT_TYPE, CONTENT_TYPE)).json(self.document())
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body;
    use serde_json::json;

    use super::*;

    #[actix_web::test]
    async fn a_document_has_what_is_known_and_nothing_else() {
        let problem = Problem::new(StatusCode::CONFLICT, "cancelled", "It is cancelled")
            .field("start_time", "not_in_the_past", "must not be in the past")
            .retry_after(3)
            .member("state", "CANCELLED")
            .caused_by("a secret");
        let answer = problem.error_response();
        assert_eq!(answer.status(), 409);
        assert_eq!(answer.headers().get(header::CONTENT_TYPE).unwrap(), CONTENT_TYPE);
        assert_eq!(answer.headers().get(header::RETRY_AFTER).unwrap(), "3");
        let document: Value =
            serde_json::from_slice(&body::to_bytes(answer.into_body()).await.unwrap()).unwrap();
        let field = json!({
            "field": "start_time", "rule": "not_in_the_past", "message": "must not be in the past"
        });
        let expected = json!({
            "type": "urn:holdfast:problem:cancelled", "title": "It is cancelled", "status": 409,
            "code": "cancelled", "fields": [field], "retry_after_seconds": 3, "state": "CANCELLED"
        });
        assert_eq!(document, expected);
    }
}

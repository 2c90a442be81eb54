//! What happens to every request before and after its handler: its id, its log line, its count and
//! time, and a problem document for an error that has none. Never looks into a body. On the hot path: nothing here may allocate for a log that is off.

use std::time::{Duration, Instant};

use actix_web::{
    HttpMessage, ResponseError,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType, StatusCode,
        header::{self, HeaderValue},
    },
};
use tracing::{Level, debug, enabled, error, warn};

use crate::{
    headers::{REQUEST_ID, RequestId, Traceparent},
    metrics::requests,
    problem::Problem,
    telemetry,
};

/// A request on its way through.
pub(crate) struct Call {
    id: RequestId,
    arrived: Instant,
}

impl Call {
    pub(crate) fn arrive(request: &ServiceRequest) -> Self {
        let id = RequestId::of(request.headers().get(REQUEST_ID));
        request.extensions_mut().insert(id.clone());
        Self { id, arrived: Instant::now() }
    }

    pub(crate) fn leave(self, answer: ServiceResponse<BoxBody>, stopping: bool) -> ServiceResponse<BoxBody> {
        let took = self.arrived.elapsed();
        self.log(&answer, took);
        let mut answer = as_problem(answer);
        requests::record(answer.request(), answer.status(), took);
        if let Some(code) = failure(&answer) {
            requests::failed(code);
        }
        if let Ok(id) = HeaderValue::from_str(self.id.as_str()) {
            answer.headers_mut().insert(REQUEST_ID, id);
        }
        // What one caller may see is not for another who asks the same cache.
        if !answer.headers().contains_key(header::CACHE_CONTROL) {
            answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        }
        // A socket that is being upgraded has no other use for the header.
        if stopping && !answer.status().is_informational() {
            answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        answer
    }

    fn log(&self, answer: &ServiceResponse, took: Duration) {
        let status = answer.status();
        if !status.is_server_error() && !enabled!(Level::DEBUG) {
            return;
        }
        let request = answer.request();
        let (id, method, path) = (self.id.as_str(), request.method().as_str(), request.path());
        let trace = Traceparent::find(request.headers());
        let trace_id = trace.trace_id();
        // As a number: of more than 64 bits the log makes a text.
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let cause = answer.response().error().map(|error| match error.as_error::<Problem>() {
            Some(problem) => telemetry::chain(problem).to_string(),
            None => error.to_string(),
        });
        let status = status.as_u16();
        match status {
            500 => error!(request_id = id, trace_id, method, path, status, micros, cause, "request"),
            501.. => warn!(request_id = id, trace_id, method, path, status, micros, cause, "request"),
            _ => debug!(request_id = id, trace_id, method, path, status, micros, cause, "request"),
        }
    }
}

/// What was wrong on our side. A probe that says no is an answer like others.
fn failure(answer: &ServiceResponse<BoxBody>) -> Option<&'static str> {
    let status = answer.status();
    if !status.is_server_error() {
        return None;
    }
    let problem = answer.response().error().and_then(|error| error.as_error::<Problem>());
    problem
        .map(|problem| problem.code)
        .or((status == StatusCode::INTERNAL_SERVER_ERROR).then_some("internal"))
}

/// What actix refuses by itself (no such route, another method, a body too large for `Bytes`) comes with text or
/// without a body.
fn as_problem(answer: ServiceResponse) -> ServiceResponse {
    let status = answer.status();
    if !status.is_client_error() && !status.is_server_error() {
        return answer;
    }
    let has_body = answer.headers().contains_key(header::CONTENT_TYPE);
    let is_ours = match answer.response().error() {
        Some(error) => error.as_error::<Problem>().is_some(),
        None => has_body,
    };
    if is_ours {
        return answer;
    }
    let problem = match status {
        StatusCode::BAD_REQUEST => Problem::bad_request(),
        StatusCode::NOT_FOUND => Problem::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => Problem::method_not_allowed(),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::body_too_large(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::unsupported_media_type(),
        StatusCode::INTERNAL_SERVER_ERROR => Problem::internal("an error that is not a problem document"),
        _ => return answer,
    };
    answer.into_response(problem.error_response())
}

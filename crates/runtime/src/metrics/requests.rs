//! How many requests there were, and how long they took. On the hot path: a series is looked up by name once, and then
//! kept by the thread.

use std::{cell::RefCell, collections::HashMap, time::Duration};

use ::metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};
use actix_web::{
    HttpRequest,
    http::{Method, StatusCode},
};

const REQUESTS: &str = "holdfast_http_requests_total";
const DURATION: &str = "holdfast_http_request_duration_seconds";

const PROBLEMS: &str = "holdfast_http_problems_total";

/// The route of a request that met none.
const NO_ROUTE: &str = "none";

thread_local! {
    /// By route: as many as were mounted, and of each as many as there are methods and statuses.
    static SERIES: RefCell<HashMap<Box<str>, Vec<Series>>> = RefCell::default();
}

struct Series {
    method: &'static str,
    status: StatusCode,
    requests: Counter,
    /// None for a socket, whose end is not seen here.
    duration: Option<Histogram>,
}

pub(super) fn describe() {
    describe_counter!(REQUESTS, Unit::Count, "Requests that were answered, by method, route and status.");
    describe_counter!(
        PROBLEMS,
        Unit::Count,
        "Requests that failed on our side (5xx), by the code of the problem."
    );
    describe_histogram!(
        DURATION,
        Unit::Seconds,
        "From the head of a request to the head of its answer, in seconds. Without those that became a socket."
    );
}

/// Counts a request that has its answer, by the template of its route.
pub(crate) fn record(request: &HttpRequest, status: StatusCode, took: Duration) {
    let method = known(request.method());
    // Where no route has taken the path, actix would look through all of them once more.
    let is_routed = request.match_info().unprocessed().is_empty();
    let pattern = is_routed.then(|| request.match_pattern()).flatten();
    let route = pattern.as_deref().unwrap_or(NO_ROUTE);
    SERIES.with_borrow_mut(|routes| {
        let series = match routes.get_mut(route) {
            Some(series) => series,
            None => routes.entry(route.into()).or_default(),
        };
        let is_it = |series: &Series| series.method == method && series.status == status;
        let index = series.iter().position(is_it).unwrap_or_else(|| {
            series.push(Series::new(method, route, status));
            series.len() - 1
        });
        series[index].count(took);
    });
}

/// Counts an answer of 500 and above by what was wrong: of 503 alone there are five.
pub(crate) fn failed(code: &'static str) {
    counter!(PROBLEMS, "code" => code).increment(1);
}

/// The methods that have a label of their own; a caller can make up any other.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

impl Series {
    fn new(method: &'static str, route: &str, status: StatusCode) -> Self {
        let route = route.to_owned();
        let code = status.as_str().to_owned();
        let requests = counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => code);
        let duration = (status != StatusCode::SWITCHING_PROTOCOLS)
            .then(|| histogram!(DURATION, "method" => method, "route" => route));
        Self { method, status, requests, duration }
    }

    fn count(&self, took: Duration) {
        self.requests.increment(1);
        if let Some(duration) = &self.duration {
            duration.record(took);
        }
    }
}

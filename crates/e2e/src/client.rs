//! A client of the HTTP API, as plain as curl: nothing is tried again, and nothing of an answer is hidden. Whatever it is
//! answered is held against the API's document.

use std::{net::SocketAddr, time::Duration};

use holdfast_domain::TimeRange;
use reqwest::{Body, Method, header::HeaderMap, redirect};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::{Call, Contract};

/// How long an answer may take.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// How long a connection is kept for the next request: long before a service closes it, even when this process was starved.
const IDLE_WAIT: Duration = Duration::from_secs(2);

/// Speaks to one process.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    address: SocketAddr,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; null when there was none.
    pub body: Value,
}

impl Client {
    /// Nobody in particular, at this address.
    ///
    /// # Panics
    /// When the system gives no client.
    pub fn new(address: SocketAddr) -> Self {
        let http = reqwest::Client::builder()
            .timeout(ANSWER_WAIT)
            .pool_idle_timeout(IDLE_WAIT)
            .redirect(redirect::Policy::none())
            .build()
            .unwrap();
        Self { http, address, headers: Vec::new() }
    }

    /// Where it speaks to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same, at another address.
    pub fn at(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// The same, as this user.
    pub fn user(&self, name: &str) -> Self {
        self.header("X-User-ID", name)
    }

    /// The same, with an id for its requests.
    pub fn request_id(&self, id: &str) -> Self {
        self.header("X-Request-ID", id)
    }

    /// The same, with a header on its requests, in the place of another of this name.
    pub fn header(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.headers.retain(|(there, _)| there != name);
        other.headers.push((name.to_owned(), value.to_owned()));
        other
    }

    /// # Errors
    /// When no answer came.
    pub async fn get(&self, path: &str) -> reqwest::Result<Answer> {
        self.send(Method::GET, path, None).await
    }

    /// # Errors
    /// When no answer came.
    pub async fn post(&self, path: &str, body: &Value) -> reqwest::Result<Answer> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// # Errors
    /// When no answer came.
    pub async fn put(&self, path: &str, body: &Value) -> reqwest::Result<Answer> {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// # Errors
    /// When no answer came.
    pub async fn patch(&self, path: &str, body: &Value) -> reqwest::Result<Answer> {
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// # Errors
    /// When no answer came.
    pub async fn delete(&self, path: &str) -> reqwest::Result<Answer> {
        self.send(Method::DELETE, path, None).await
    }

    /// Asks for a booking of these hours, as `testkit` counts them.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn book(&self, resource: &str, from: i64, to: i64) -> reqwest::Result<Answer> {
        self.post("/api/v1/bookings", &booking(resource, from, to)).await
    }

    /// The text at this path.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn text(&self, path: &str) -> reqwest::Result<String> {
        self.request(Method::GET, path).send().await?.text().await
    }

    /// Sends these bytes as what they are said to be.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn raw(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: impl Into<Body>,
    ) -> reqwest::Result<Answer> {
        self.answer(self.request(method, path).header("Content-Type", content_type).body(body)).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Result<Answer> {
        let request = self.request(method, path);
        self.answer(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("http://{}{path}", self.address));
        self.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let request = request.build()?;
        let (method, url) = (request.method().clone(), request.url().clone());
        let sent = request.body().and_then(Body::as_bytes).unwrap_or_default().to_vec();
        let answer = self.http.execute(request).await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.bytes().await?;
        let query = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        let (method, path) = (method.as_str(), url.path());
        let call = Call { method, path, query, sent: &sent, status, headers: &headers, body: &body };
        let faults = Contract::of_holdfast().answered(&call);
        assert!(faults.is_empty(), "not as documented: {faults:#?} of {call:?}");
        Ok(Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
    }
}

impl Answer {
    /// A header's value.
    ///
    /// # Panics
    /// When it isn't there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_str().unwrap()
    }

    /// The id of the booking that it tells of.
    ///
    /// # Panics
    /// When it tells of none.
    pub fn id(&self) -> &str {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id: {self:?}"))
    }
}

/// The body that asks for a booking of these hours, as `testkit` counts them.
///
/// # Panics
/// When they are no range.
pub fn booking(resource: &str, from: i64, to: i64) -> Value {
    let mut body = times(holdfast_testkit::hours(from, to));
    body["resource"] = resource.into();
    body
}

/// The part of a body that says when.
pub(crate) fn times(range: TimeRange) -> Value {
    let text = |at: time::OffsetDateTime| at.format(&Rfc3339).unwrap();
    json!({ "start_time": text(range.start()), "end_time": text(range.end()) })
}

//! A client of the HTTP API, as plain as curl: nothing is tried again, and nothing of an answer is hidden.

use std::{net::SocketAddr, time::Duration};

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

/// How long an answer may take.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// Speaks to one process.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    user: Option<String>,
    request_id: Option<String>,
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
        let http = reqwest::Client::builder().timeout(ANSWER_WAIT).build().unwrap();
        Self { http, base: format!("http://{address}"), user: None, request_id: None }
    }

    /// The same, as this user.
    pub fn user(&self, name: &str) -> Self {
        Self { user: Some(name.to_owned()), ..self.clone() }
    }

    /// The same, with an id for its requests.
    pub fn request_id(&self, id: &str) -> Self {
        Self { request_id: Some(id.to_owned()), ..self.clone() }
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

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Result<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(user) = &self.user {
            request = request.header("X-User-ID", user);
        }
        if let Some(id) = &self.request_id {
            request = request.header("X-Request-ID", id);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = serde_json::from_slice(&answer.bytes().await?).unwrap_or_default();
        Ok(Answer { status, headers, body })
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
    let range = holdfast_testkit::hours(from, to);
    let text = |at: time::OffsetDateTime| at.format(&Rfc3339).unwrap();
    json!({ "resource": resource, "start_time": text(range.start()), "end_time": text(range.end()) })
}

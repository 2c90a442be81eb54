//! `X-Request-ID`: the name of a request in logs, answers and what comes of it.

use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{HeaderName, HeaderValue},
};
use uuid::Uuid;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: the caller's own when it is fit for logs and headers, else a new one. An extractor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn of(header: Option<&HeaderValue>) -> Self {
        match header.and_then(|value| value.to_str().ok()) {
            Some(text) if is_fit(text) => Self(text.into()),
            _ => Self::fresh(),
        }
    }

    fn fresh() -> Self {
        let mut buffer = Uuid::encode_buffer();
        let text: &str = Uuid::now_v7().hyphenated().encode_lower(&mut buffer);
        Self(text.into())
    }
}

fn is_fit(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromRequest for RequestId {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // Missing only where a test mounts routes without `http::bind`.
        ready(Ok(request.extensions().get::<Self>().cloned().unwrap_or_else(Self::fresh)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_forge_a_log_line_is_replaced() {
        let id = |text| RequestId::of(Some(&HeaderValue::from_static(text)));
        assert_eq!(id("a.B_9-").as_str(), "a.B_9-");
        for unfit in ["", "a b", "a\"b", "0123456789012345678901234567890123456789012345678901234567890123X"]
        {
            assert_eq!(id(unfit).as_str().len(), 36, "{unfit}");
        }
    }
}

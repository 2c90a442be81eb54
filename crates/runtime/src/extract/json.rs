//! The body of a request: one JSON object, and the bytes that it came in.

use std::pin::Pin;

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use super::{BodyLimit, fault, payload as not_arrived};
use crate::problem::Problem;

/// A JSON object as `T`. An array is none, though serde takes one for a struct; a form is to have room for more fields.
#[derive(Debug)]
pub struct JsonBody<T> {
    /// What it says.
    pub value: T,
    /// The same as it was sent, for fingerprints.
    pub bytes: Bytes,
}

impl<T: DeserializeOwned + 'static> FromRequest for JsonBody<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = BodyLimit::of(request);
        let expected = expect_json(request).and_then(|()| expect_length(request.headers(), limit));
        let payload = payload.take();
        Box::pin(async move {
            expected?;
            let bytes = read(payload, limit).await?;
            Ok(Self { value: parse(&bytes)?, bytes })
        })
    }
}

/// The same where the body may be left out, and then needs no media type either.
#[derive(Debug)]
pub struct OptionalBody<T> {
    /// What it says; nothing, when there is none, or it is null.
    pub value: Option<T>,
    /// The same as it was sent, for fingerprints.
    pub bytes: Bytes,
}

impl<T: DeserializeOwned + 'static> FromRequest for OptionalBody<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = BodyLimit::of(request);
        let (is_json, fits) = (expect_json(request), expect_length(request.headers(), limit));
        let payload = payload.take();
        Box::pin(async move {
            fits?;
            let bytes = read(payload, limit).await?;
            if bytes.is_empty() {
                return Ok(Self { value: None, bytes });
            }
            is_json?;
            let value = if bytes.trim_ascii() == b"null" { None } else { Some(parse(&bytes)?) };
            Ok(Self { value, bytes })
        })
    }
}

fn expect_json(request: &HttpRequest) -> Result<(), Problem> {
    let mime = request.mime_type().ok().flatten().ok_or_else(Problem::unsupported_media_type)?;
    let is_utf_8 = mime.get_param("charset").is_none_or(|charset| charset == "utf-8");
    if mime.essence_str() != "application/json" || !is_utf_8 {
        return Err(Problem::unsupported_media_type());
    }
    match request.headers().get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => {
            Err(Problem::unsupported_media_type().detail("A body is taken without Content-Encoding only."))
        }
        _ => Ok(()),
    }
}

/// A body that says it is too long is not read at all.
fn expect_length(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    match announced.and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if usize::try_from(length).is_ok_and(|length| length <= limit) => Ok(()),
        Some(_) => Err(Problem::body_too_large()),
        None => Ok(()),
    }
}

async fn read(mut payload: Payload, limit: usize) -> Result<Bytes, Problem> {
    let mut whole = BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|error| not_arrived(&error))?;
        if piece.len() > limit - whole.len() {
            return Err(Problem::body_too_large());
        }
        // Copied, for a piece would hold on to the buffer of the whole connection.
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Before serde, which looks at no text that `T` has no use for.
    let text = str::from_utf8(bytes).map_err(|error| {
        Problem::malformed_json().detail(format!("It is not UTF-8 after {} bytes.", error.valid_up_to()))
    })?;
    if !text.trim_ascii_start().starts_with('{') {
        return Err(not_an_object(text));
    }
    // Twice where it fails: to keep track of the path costs more than the parsing.
    serde_json::from_str(text).or_else(|_| parse_tracking(text))
}

fn parse_tracking<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = fault::told(error.path());
        refusal(&path, error.inner())
    })?;
    json.end().map_err(|error| refusal("", &error))?;
    Ok(value)
}

fn refusal(path: &str, error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    match error.classify() {
        Category::Data => fault::name(Problem::invalid_body(), path, without_place(&message, error)),
        Category::Syntax | Category::Eof | Category::Io => Problem::malformed_json().detail(message),
    }
}

fn not_an_object(text: &str) -> Problem {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Problem::invalid_body().detail("The body must be a JSON object."),
        Err(error) => Problem::malformed_json().detail(error.to_string()),
    }
}

/// Where a field is named, line and column say nothing more.
fn without_place<'a>(message: &'a str, error: &serde_json::Error) -> &'a str {
    let place = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&place).unwrap_or(message)
}

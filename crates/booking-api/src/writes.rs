//! What is the same for every write: which versions it may meet, where what it made is, which version it left behind, and
//! that an answer is a replay.

use std::fmt::Display;

use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, http::header};
use holdfast_runtime::headers::{IfMatch, Tag};
use holdfast_store::{Versions, Written};
use serde::Serialize;

/// The versions that a write may meet.
pub fn versions(condition: IfMatch) -> Versions {
    match condition {
        IfMatch::Absent | IfMatch::Any => None,
        IfMatch::Versions(versions) => Some(versions),
    }
}

/// The beginning of an answer to a request that made something below its path.
pub fn made(request: &HttpRequest, id: impl Display) -> HttpResponseBuilder {
    let mut answer = HttpResponse::Created();
    answer.insert_header((header::LOCATION, format!("{}/{id}", request.path())));
    answer
}

/// Answers with what was written, which is at this version.
pub fn shown<T: Serialize>(
    mut answer: HttpResponseBuilder,
    written: &Written<T>,
    version: i32,
) -> HttpResponse {
    note_replay(&mut answer, written.replayed);
    answer.insert_header(Tag::version(version).header()).json(&written.value)
}

/// Answers that it is done, of a write that leaves nothing to show.
pub fn done<T>(written: &Written<T>) -> HttpResponse {
    let mut answer = HttpResponse::NoContent();
    note_replay(&mut answer, written.replayed);
    answer.finish()
}

/// Says that an earlier try of the same write is answered, if it is so.
pub fn note_replay(answer: &mut HttpResponseBuilder, replayed: bool) {
    if replayed {
        answer.insert_header(("Idempotency-Replayed", "true"));
    }
}

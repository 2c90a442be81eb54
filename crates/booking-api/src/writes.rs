//! What is the same for every write: which versions it may meet, and that an answer is a replay.

use actix_web::HttpResponseBuilder;
use holdfast_runtime::headers::IfMatch;
use holdfast_store::Versions;

/// The versions that a write may meet.
pub fn versions(condition: IfMatch) -> Versions {
    match condition {
        IfMatch::Absent | IfMatch::Any => None,
        IfMatch::Versions(versions) => Some(versions),
    }
}

/// Says that an earlier try of the same write is answered, if it is so.
pub fn note_replay(answer: &mut HttpResponseBuilder, replayed: bool) {
    if replayed {
        answer.insert_header(("Idempotency-Replayed", "true"));
    }
}

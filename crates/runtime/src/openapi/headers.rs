//! The headers of answers, each described once.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::{Header, ObjectBuilder, extensions::Extensions, header::HeaderBuilder, schema::Type};

/// Whether an answer that can have a header always has it.
const ALWAYS: bool = true;

/// A header of answers. One that is required is in each answer whose documentation names it.
pub fn header(about: &str, is_required: bool, example: impl Into<Value>) -> Header {
    let example = example.into();
    let r#type = if example.is_number() { Type::Integer } else { Type::String };
    HeaderBuilder::new()
        .description(Some(about))
        .schema(Some(ObjectBuilder::new().schema_type(r#type)))
        .example(Some(example))
        // A field of the header object that the builder does not know.
        .extensions(Some(Extensions::from_iter([("required", json!(is_required))])))
        .build()
}

/// Those that mean the same everywhere, by name.
pub(super) fn known() -> BTreeMap<&'static str, Header> {
    [
        ("Allow", header("The methods that there are.", ALWAYS, "GET, HEAD")),
        (
            "ETag",
            header(
                "The version of what is answered, for `If-Match`, and where it is taken, `If-None-Match`.",
                ALWAYS,
                "\"3\"",
            ),
        ),
        (
            "Idempotency-Replayed",
            header(
                "`true` when an earlier try of the same write took effect, and is answered.",
                !ALWAYS,
                "true",
            ),
        ),
        (
            "Link",
            header(
                "Where the next page is, if there is one.",
                !ALWAYS,
                "</api/v1/bookings?cursor=1806487200000000_5>; rel=\"next\"",
            ),
        ),
        ("Location", header("Where it is.", ALWAYS, "/api/v1/bookings/0195a2b4-7c3e-7d11-8a55-3f1b6c0e9d42")),
        (
            "Preference-Applied",
            header("That the answer has waited, and for how long at most.", !ALWAYS, "wait=5"),
        ),
        (
            "Retry-After",
            header(
                "In how many seconds to try again. Where too many waited: when they should be done.",
                ALWAYS,
                7,
            ),
        ),
        (
            "X-Request-ID",
            header(
                "The request's name in logs: the caller's own, or one that was made.",
                ALWAYS,
                "0195a2b4-7c3e-7d11-8a55-3f1b6c0e9d43",
            ),
        ),
    ]
    .into()
}

//! What each part of a request, as handlers extract it, adds to an operation: parameters, and problems.

use std::{collections::BTreeMap, marker::PhantomData};

use utoipa::{
    IntoParams, IntoResponses,
    openapi::{
        ObjectBuilder, RefOr, Required, Response,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::Type,
    },
};

use super::problems;
use crate::{
    extract::{JsonBody, OptionalBody, Path, Query},
    headers::{IdempotencyKey, IfMatch, IfNoneMatch, Prefer, WAIT_MAX_SECONDS},
    problem::Problem,
};

/// A part of a request, or of what becomes of it.
pub trait Part {
    /// What it reads.
    fn parameters() -> Vec<Parameter> {
        Vec::new()
    }

    /// What it can refuse with.
    fn problems() -> Vec<Problem> {
        Vec::new()
    }
}

/// Several parts, for `params(…)` and `responses(…)` of an operation.
pub struct Parts<T>(PhantomData<T>);

impl<T: Part> IntoParams for Parts<T> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        T::parameters()
    }
}

impl<T: Part> IntoResponses for Parts<T> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems::responses(T::problems())
    }
}

macro_rules! tuple {
    ($($part:ident)+) => {
        impl<$($part: Part),+> Part for ($($part,)+) {
            fn parameters() -> Vec<Parameter> {
                [$($part::parameters()),+].into_iter().flatten().collect()
            }

            fn problems() -> Vec<Problem> {
                [$($part::problems()),+].into_iter().flatten().collect()
            }
        }
    };
}

tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);

/// A header that a request may have.
pub(super) fn header(name: &str, schema: ObjectBuilder, about: &str) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
}

pub(super) fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

impl Part for IdempotencyKey {
    fn parameters() -> Vec<Parameter> {
        let schema = string().pattern(Some("^[!-~]{1,255}$")).examples(["9b2f1c60-order-17"]);
        let about = "A name for this write, made up by its caller: however often it is sent, it takes effect once. Kept \
                     for 24 hours, for one caller, method, path and body.";
        vec![header("Idempotency-Key", schema, about).build()]
    }

    fn problems() -> Vec<Problem> {
        vec![Problem::bad_header("Idempotency-Key", "empty", "is empty")]
    }
}

impl Part for IfMatch {
    fn parameters() -> Vec<Parameter> {
        let about = "The versions that the write may meet, as `ETag` told them: `\"3\"`, several with commas, or `*`.";
        vec![header("If-Match", string().examples(["\"3\""]), about).build()]
    }

    fn problems() -> Vec<Problem> {
        let message = r#"is neither * nor a list of quoted tags, such as "1", "2""#;
        vec![Problem::bad_header("If-Match", "malformed", message)]
    }
}

impl Part for IfNoneMatch {
    fn parameters() -> Vec<Parameter> {
        let about = "The versions that the caller has already, as `ETag` told them: then the answer is 304, without a \
                     body.";
        vec![header("If-None-Match", string().examples(["\"3\""]), about).build()]
    }
}

impl Part for Prefer {
    fn parameters() -> Vec<Parameter> {
        let about = format!(
            "`wait=N`: answer once the booking is decided, or after N seconds with what it is then; at most \
             {WAIT_MAX_SECONDS}. Anything else is ignored."
        );
        vec![header("Prefer", string().examples(["wait=5"]), &about).build()]
    }
}

impl<T> Part for JsonBody<T> {
    fn problems() -> Vec<Problem> {
        vec![
            Problem::bad_request().detail("A payload reached EOF, but is not complete."),
            Problem::malformed_json().detail("EOF while parsing an object at line 1 column 17"),
            Problem::body_too_large(),
            Problem::unsupported_media_type(),
            Problem::invalid_body().field("colour", "unknown", "unknown field `colour`, expected `name`"),
        ]
    }
}

impl<T> Part for OptionalBody<T> {
    fn problems() -> Vec<Problem> {
        JsonBody::<T>::problems()
    }
}

impl<T> Part for Path<T> {
    fn problems() -> Vec<Problem> {
        let message = "UUID parsing failed: invalid length: expected 32 bytes, found 5";
        vec![Problem::bad_path().field("id", "type", message)]
    }
}

impl<T> Part for Query<T> {
    fn problems() -> Vec<Problem> {
        vec![Problem::bad_query().field("limit", "range", "must be a number from 1 to 1000")]
    }
}

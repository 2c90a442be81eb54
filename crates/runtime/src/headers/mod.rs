//! What a request says in its headers, parsed: an extractor for each, and a handler that takes one needs no other check.
//!
//! Only headers that mean the same in every service. A header that must be right is refused as `bad_header`; one that is
//! advice is ignored where it can't be read.

mod conditional;
mod idempotency;
mod prefer;
mod request_id;
mod tag;
mod trace;

pub use conditional::{IfMatch, IfNoneMatch};
pub use idempotency::IdempotencyKey;
pub use prefer::{Prefer, WAIT_MAX_SECONDS};
pub use request_id::RequestId;
pub use tag::Tag;
pub use trace::Traceparent;

pub(crate) use request_id::REQUEST_ID;

/// Makes an extractor of a type with `fn of(&HeaderMap) -> Result<Self, $error>`.
macro_rules! extractor {
    ($header:ty, $error:ty) => {
        impl actix_web::FromRequest for $header {
            type Error = $error;
            type Future = std::future::Ready<Result<Self, $error>>;

            fn from_request(
                request: &actix_web::HttpRequest,
                _: &mut actix_web::dev::Payload,
            ) -> Self::Future {
                std::future::ready(Self::of(request.headers()))
            }
        }
    };
}
use extractor;

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    use crate::problem::Problem;

    /// A request's headers: one line for each value.
    pub(super) fn lines<'a>(name: &HeaderName, values: impl IntoIterator<Item = &'a str>) -> HeaderMap {
        values.into_iter().map(|value| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    /// The field and the rule of a refusal, which is of one header.
    pub(super) fn fault(problem: &Problem) -> (&str, &str) {
        assert_eq!((problem.status.as_u16(), problem.code, problem.fields.len()), (400, "bad_header", 1));
        (&problem.fields[0].field, problem.fields[0].rule)
    }
}

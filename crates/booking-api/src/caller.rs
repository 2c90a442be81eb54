//! Who is asking, in open mode: callers name themselves. Handlers see a [`Caller`] and no header.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::StatusCode, http::header::HeaderMap};
use holdfast_domain::{Caller, UserId};
use holdfast_runtime::problem::Problem;

const USER_HEADER: &str = "X-User-ID";

/// Somebody who reads; may be nobody in particular.
pub struct Reader(pub Caller);

/// Somebody who writes, and says who they are.
pub struct Writer {
    /// Who is asking.
    pub caller: Caller,
    /// Their name, which a writer always has.
    pub user: UserId,
}

impl FromRequest for Reader {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(user(request.headers()).map(|user| Self(Caller::open(user))))
    }
}

impl FromRequest for Writer {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(user(request.headers()).and_then(|user| match user {
            Some(user) => Ok(Self { caller: Caller::open(Some(user.clone())), user }),
            None => Err(identity_required()),
        }))
    }
}

fn user(headers: &HeaderMap) -> Result<Option<UserId>, Problem> {
    let mut values = headers.get_all(USER_HEADER);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(bad_user("duplicate", "is sent more than once"));
    }
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| bad_user("utf_8", "is not UTF-8"))?;
    UserId::parse(text).map(Some).map_err(|error| bad_user(error.rule(), &error.to_string()))
}

fn bad_user(rule: &'static str, message: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad_header", "A header is not of the form asked for").field(
        USER_HEADER,
        rule,
        message,
    )
}

fn identity_required() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "identity_required", "Say who you are")
        .detail(format!("A write needs the header {USER_HEADER}, with the name of the user who makes it."))
}

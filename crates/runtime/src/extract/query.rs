//! The query of a request.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use super::fault;
use crate::problem::Problem;

/// What stands behind the `?`, as `T`.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self))
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    // The parser puts U+FFFD for what is not UTF-8, so that two values would become one.
    if percent_decode_str(query).decode_utf8().is_err() {
        return Err(Problem::bad_query().detail("It is not UTF-8."));
    }
    serde_urlencoded::from_str(query).or_else(|_| parse_tracking(query))
}

fn parse_tracking<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        fault::name(Problem::bad_query(), &fault::told(error.path()), &error.inner().to_string())
    })
}

//! The parts of a path that its route leaves open.

use std::future::{Ready, ready};

use actix_router::PathDeserializer;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::fault;
use crate::problem::Problem;

/// The open parts as `T`: one value, a tuple in their order, or a struct by their names.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Path<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request).map(Self))
    }
}

fn parse<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Problem> {
    // As for a query: the router puts U+FFFD for what is not UTF-8.
    if percent_decode_str(request.uri().path()).decode_utf8().is_err() {
        return Err(Problem::bad_path().detail("It is not UTF-8."));
    }
    let parts = || PathDeserializer::new(request.match_info());
    T::deserialize(parts()).or_else(|_| {
        serde_path_to_error::deserialize(parts()).map_err(|error| {
            let name = name_of_part(request, error.path());
            fault::name(Problem::bad_path(), &name, &error.inner().to_string())
        })
    })
}

/// The name that the route gives to the part at fault.
fn name_of_part(request: &HttpRequest, path: &serde_path_to_error::Path) -> String {
    let mut names = request.match_info().iter().map(|(name, _)| name.to_owned());
    match path.iter().next() {
        Some(Segment::Seq { index }) => names.nth(*index).unwrap_or_default(),
        Some(_) => fault::told(path),
        None => names.next().filter(|_| request.match_info().segment_count() == 1).unwrap_or_default(),
    }
}

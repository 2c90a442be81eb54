//! What the API's document says of this service besides its operations: what the store can refuse with, and how
//! everything is meant.

use holdfast_domain::{Seq, Status, rules::Refusal};
use holdfast_runtime::{
    openapi::{self, Part},
    problem::Problem,
};
use holdfast_store::{Error, Object, WriteError};
use utoipa::{
    OpenApi as _,
    openapi::{OpenApi, OpenApiBuilder, tag::TagBuilder},
};

use crate::{bookings, changes, problems, resources, venues};

const ABOUT: &str = "\
People book shared things by time range, at the same time and from many machines, and never get the same thing twice.

- **Who asks** says so in `X-User-ID`. A write needs it.
- **A booking** is `PENDING` until it is decided, first come, first served: then `VALID`, or `REJECTED` when its time is \
up. `Prefer: wait=N` waits for that.
- **A write** can be sent again without harm under the same `Idempotency-Key`. `If-Match` guards it with a version.
- **A list** is an array, of at most `limit` entries; `Link` says where the next page is.
- **An error** is a problem document (RFC 9457) with a stable `code`. After a 503 nothing has happened, but for \
`outcome_unknown`. A path that is not here is 404 `not_found`, a method that is not here 405 `method_not_allowed`, with \
what there is in `Allow`.
- **HEAD** is answered wherever GET is.
- **Under `/api`** the routes of bookings are as they were first published; they are the same as under `/api/v1`.

Times are RFC 3339, and answered in UTC. A range goes up to, not including, its end.";

/// The groups of operations.
const TAGS: [(&str, &str); 5] = [
    ("bookings", "What users want and have."),
    ("resources", "What is booked."),
    ("venues", "Where it is."),
    ("changes", "All that has happened."),
    (FIRST_PUBLISHED, "The routes of bookings under `/api`, where they were published first."),
];

const FIRST_PUBLISHED: &str = "bookings, as first published";

/// The OpenAPI document of this service.
pub fn openapi() -> OpenApi {
    let tags = TAGS.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build());
    let mut document =
        OpenApiBuilder::new().info(openapi::info("Holdfast: bookings", ABOUT)).tags(Some(tags)).build();
    let [current, first] = bookings::PREFIXES;
    document = document.nest(current, bookings::Document::openapi());
    for other in [resources::Document::openapi(), venues::Document::openapi(), changes::Document::openapi()] {
        document = document.merge_from(other);
    }
    document = document.nest(first, as_first_published(bookings::Document::openapi()));
    let position = openapi::header("How far the log was read: go on from there.", true, 17);
    document.components.get_or_insert_default().headers.insert(changes::READ_TO.into(), position.into());
    openapi::complete(document)
}

/// The same operations under names of their own.
fn as_first_published(mut bookings: OpenApi) -> OpenApi {
    for item in bookings.paths.paths.values_mut() {
        for operation in
            [&mut item.get, &mut item.post, &mut item.put, &mut item.delete].into_iter().flatten()
        {
            operation.operation_id = operation.operation_id.take().map(|id| format!("{id}AsFirstPublished"));
            operation.tags = Some(vec![FIRST_PUBLISHED.to_owned()]);
        }
    }
    bookings
}

/// Names the problems that something can end with.
macro_rules! refusals {
    ($($(#[$about:meta])* $name:ident: [$($problem:expr),+ $(,)?];)+) => {
        $(
            $(#[$about])*
            pub struct $name;

            impl Part for $name {
                fn problems() -> Vec<Problem> {
                    vec![$($problem),+]
                }
            }
        )+
    };
}

/// The problem that this is told by.
fn by(error: WriteError) -> Problem {
    problems::of_write(error)
}

refusals! {
    /// Whatever is read.
    Read: [
        problems::of_store(Error::Busy("no connection to PostgreSQL came free in time")),
        problems::unavailable(),
        problems::of_store(Error::Stopping),
        problems::of_store(Error::Defect("an example")),
    ];
    /// No booking has the id.
    NoBooking: [problems::not_found(Object::Booking)];
    /// No resource has the id.
    NoResource: [problems::not_found(Object::Resource)];
    /// No venue has the id.
    NoVenue: [problems::not_found(Object::Venue)];
    /// The log is not kept from there.
    LogGone: [problems::log_gone(Seq(1_000), Seq(17_000))];
    /// A write to an object that has another version.
    Changed: [by(WriteError::Stale { version: 4 })];
    /// The booking has ended.
    Closed: [by(WriteError::Closed { status: Status::Cancelled })];
    /// The range can't be wanted, or too many want it.
    Wanted: [by(Refusal::InThePast.into()), by(WriteError::Crowded { limit: 5_000 })];
    /// A body refers to a resource that is not there.
    UnknownResource: [by(WriteError::Unknown(Object::Resource))];
    /// A body refers to a venue that is not there.
    UnknownVenue: [by(WriteError::Unknown(Object::Venue))];
    /// A resource's name is another's.
    ResourceTaken: [by(WriteError::NameTaken(Object::Resource))];
    /// A venue's name is another's.
    VenueTaken: [by(WriteError::NameTaken(Object::Venue))];
    /// There are as many resources as there may be.
    TooManyResources: [by(WriteError::TooMany { object: Object::Resource, limit: 10_000 })];
    /// There are as many venues as there may be.
    TooManyVenues: [by(WriteError::TooMany { object: Object::Venue, limit: 1_000 })];
}

/// Whatever is written.
pub struct Write;

impl Part for Write {
    fn problems() -> Vec<Problem> {
        let clock = Error::Clock { apart_seconds: 3_600, limit_seconds: 600 };
        let besides = [clock, Error::OutcomeUnknown].map(problems::of_store);
        Read::problems().into_iter().chain(besides).collect()
    }
}

/// A booking of the caller's own.
pub struct Own;

impl Part for Own {
    fn problems() -> Vec<Problem> {
        let mut problems = <(NoBooking, Changed)>::problems();
        problems.push(by(WriteError::NotYours));
        problems
    }
}

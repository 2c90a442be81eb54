//! What the API's document says of this service besides its operations: what the store can refuse with, and how
//! everything is meant.

use std::sync::Arc;

use holdfast_domain::{
    EventStatus, ReservationStatus, SeatLabel, Seq, Status, event::EventTimesError, openapi::example,
    reservation::WrongStanding, rules::Refusal, seating::LayoutError,
};
use holdfast_runtime::{
    openapi::{self, Part},
    problem::Problem,
};
use holdfast_store::{Error, Left, Object, WriteError};
use time::OffsetDateTime;
use utoipa::{
    OpenApi as _,
    openapi::{OpenApi, OpenApiBuilder, tag::TagBuilder},
};

use crate::{bookings, changes, events, problems, reservations, resources, venues, waitlist};

const ABOUT: &str = "\
People book shared things by time range, at the same time and from many machines, and never get the same thing twice.

- **Who asks** says so in `X-User-ID`. A write needs it.
- **A booking** is `PENDING` until it is decided, first come, first served: then `VALID`, or `REJECTED` when its time is \
up. `Prefer: wait=N` waits for that.
- **A reservation** holds units of an event until its hold ends, and keeps them once it is confirmed. It is answered at \
once: what was got, or what is left. Who gets nothing may wait in line: what comes back is held for the first whose request \
fits.
- **A write** can be sent again without harm under the same `Idempotency-Key`. `If-Match` guards it with a version.
- **A list** is an array, of at most `limit` entries; `Link` says where the next page is.
- **An error** is a problem document (RFC 9457) with a stable `code`. After a 503 nothing has happened, but for \
`outcome_unknown`, and `Retry-After` says in how many seconds to try again; no place is kept meanwhile. A path that is \
not here is 404 `not_found`, a method that is not here 405 `method_not_allowed`, with what there is in `Allow`.
- **HEAD** is answered wherever GET is.
- **Under `/api`** the routes are that were published there first; they are the same as under `/api/v1`.

Times are RFC 3339, and answered in UTC. A range goes up to, not including, its end.";

/// The groups of operations.
const TAGS: [(&str, &str); 8] = [
    ("bookings", "What users want and have."),
    ("resources", "What is booked."),
    ("events", "What people attend, and what is sold of it."),
    ("reservations", "Units of events: held, confirmed, given back."),
    ("waiting lists", "Who waits for units of an event, and is offered what comes back."),
    ("venues", "Where it is."),
    ("changes", "All that has happened."),
    (FIRST_PUBLISHED, "The same where it was published first."),
];

const FIRST_PUBLISHED: &str = "as first published";

/// The OpenAPI document of this service.
pub fn openapi() -> OpenApi {
    let tags = TAGS.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build());
    let mut document =
        OpenApiBuilder::new().info(openapi::info("Holdfast: bookings", ABOUT)).tags(Some(tags)).build();
    let [current, first] = bookings::PREFIXES;
    document = document.nest(current, bookings::Document::openapi());
    let others = [
        resources::Document::openapi(),
        venues::Document::openapi(),
        events::Document::openapi(),
        reservations::document(FIRST_PUBLISHED),
        waitlist::Document::openapi(),
        changes::Document::openapi(),
    ];
    for other in others {
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

/// Seats that could be at fault.
fn seats() -> Vec<SeatLabel> {
    example::reservation().seats().cloned().collect()
}

/// A moment that could be meant.
fn moment() -> OffsetDateTime {
    example::reservation().updated_at
}

/// What could be left where something was not.
fn left() -> Left {
    let sections = example::event().sections.into_iter().map(|section| (section.id, section.name, 3));
    Left { sections: sections.collect(), may_come_back: true, next_end_at: Some(moment()) }
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
    /// No event has the id.
    NoEvent: [problems::not_found(Object::Event)];
    /// No section of the event has the id.
    NoSection: [problems::not_found(Object::Section)];
    /// No reservation of the caller's has the id.
    NoReservation: [problems::not_found(Object::Reservation)];
    /// There are as many events as there may be.
    TooManyEvents: [by(WriteError::TooMany { object: Object::Event, limit: 20_000 })];
    /// The event is called off.
    EventOver: [by(WriteError::EventOver { status: EventStatus::Cancelled })];
    /// The times can't be an event's.
    EventTimes: [by(EventTimesError::Ends.into())];
    /// A section's name is another's.
    SectionTaken: [by(WriteError::NameTaken(Object::Section))];
    /// The sections or their seats can't be an event's.
    SeatsRefused: [
        by(LayoutError::TooMany { limit: 100_000 }.into()),
        by(WriteError::TooLarge { what: "rows", limit: 5_000 }),
    ];
    /// The section can't be changed in this way.
    Shrunk: [
        by(WriteError::BelowTaken { taken: 17 }),
        by(WriteError::OtherKind),
        by(WriteError::SeatsTaken(seats())),
        by(WriteError::UnknownSeats(seats())),
    ];
    /// A body refers to a section that is not there, or to a category that no seat has.
    UnknownSection: [by(WriteError::Unknown(Object::Section)), by(WriteError::UnknownCategory)];
    /// Units of the event are not to be had now.
    NotOnSale: [
        by(holdfast_domain::NotOnSale::Closed { status: EventStatus::Closed }.into()),
        by(holdfast_domain::NotOnSale::NotYet { opens_at: moment() }.into()),
        by(holdfast_domain::NotOnSale::Over { closes_at: moment() }.into()),
    ];
    /// The user may not have so many.
    EventsUnits: [by(WriteError::TooManyUnits { limit: 8, has: 7 })];
    /// The seats are not to be had.
    SeatsGone: [by(WriteError::SeatsTaken(seats())), by(WriteError::UnknownSeats(seats()))];
    /// Not so many units are to be had.
    SoldOut: [
        by(WriteError::SoldOut(Arc::new(left()))),
        by(WriteError::NotAdjacent(Arc::new(left()))),
        // A category was asked for of a section that has no seats.
        by(WriteError::OtherKind),
    ];
    /// It would be held for too long.
    TooLong: [by(WrongStanding::TooLong { most_seconds: 7_200 }.into())];
    /// The caller never stood in that line.
    NoPlaceInLine: [problems::not_found(Object::WaitlistEntry)];
    /// What they waited for was offered to them.
    Offered: [by(WriteError::AlreadyOffered { id: example::reservation().id })];
    /// There is no place in that line for the caller, or for what they ask.
    LineClosed: [
        by(WriteError::AlreadyWaiting { id: example::waitlist_entry().id }),
        by(WriteError::LineFull { limit: 10_000 }),
        by(WriteError::TooManyRequests { limit: 500 }),
    ];
    /// What is waited for can't be, or would be held for too long.
    OfferRefused: [
        problems::of_line(WriteError::OtherKind),
        problems::of_line(WrongStanding::TooLong { most_seconds: 7_200 }.into()),
    ];
    /// The reservation is no hold that goes on.
    Held: [
        by(WrongStanding::Ended { expires_at: moment() }.into()),
        by(WrongStanding::Closed { status: ReservationStatus::Cancelled }.into()),
        by(WriteError::EventOver { status: EventStatus::Cancelling }),
    ];
    /// It has no such part.
    PartMissing: [by(WriteError::NoSuchPart)];
    /// Seats that are not the caller's to confirm.
    SeatsNotHeld: [by(WriteError::SeatsNotHeld(seats()))];
}

/// Whatever is written.
pub struct Write;

impl Part for Write {
    fn problems() -> Vec<Problem> {
        let clock = Error::Clock { apart_seconds: 3_600, limit_seconds: 600 };
        // Of the two ways to be busy, what a write meets; a read has the other for its example.
        let busy = Error::Backlog { reason: "a write would wait for too long", retry_after_seconds: 7 };
        let besides = [clock, Error::OutcomeUnknown, busy].map(problems::of_store);
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

//! What a failed read or write is to its caller: every error of the store, to its problem document.

use actix_web::http::StatusCode;
use holdfast_domain::{EventId, NotOnSale, ReservationId, SeatLabel, Seq, reservation::WrongStanding};
use holdfast_runtime::problem::Problem;
use holdfast_store::{Error, Left, Object, WriteError};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// How long a client may leave a crowded resource alone, in seconds.
const CROWDED_FOR: u32 = 60;

/// The document for a write that did not happen.
pub fn of_write(error: WriteError) -> Problem {
    match error {
        WriteError::Refused(refusal) => {
            Problem::invalid_body().field(refusal.field(), refusal.rule(), refusal.to_string())
        }
        WriteError::NoRange(error) => {
            Problem::invalid_body().field("end_time", error.rule(), error.to_string())
        }
        WriteError::Limits(error) => Problem::invalid_body().field(error.field(), "range", error.to_string()),
        WriteError::Unknown(object) => {
            let (field, message) = (reference(object), format!("There is no such {}.", object.as_str()));
            Problem::invalid_body().field(field, "unknown_reference", message)
        }
        WriteError::Crowded { limit } => {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "crowded", "Too many wait for this resource")
                .detail(format!("{limit} bookings of it wait to be decided. Try again when some are."))
                .retry_after(CROWDED_FOR)
        }
        WriteError::TooMany { object, limit } => conflict("too_many", "There are as many as there may be")
            .detail(format!("There may be {limit} of the kind {}.", object.as_str()))
            .member("limit", limit),
        WriteError::NotFound(object) => not_found(object),
        WriteError::NameTaken(object) => conflict("name_taken", "The name is taken")
            .detail(format!("Another {} has it.", object.as_str()))
            .field("name", "unique", "is the name of another"),
        WriteError::NotYours => {
            Problem::new(StatusCode::FORBIDDEN, "not_yours", "The booking is another user's")
        }
        WriteError::Closed { status } => conflict("booking_closed", "The booking is closed")
            .detail(format!("It is {}: make another.", status.as_str()))
            .member("state", status.as_str()),
        WriteError::Stale { version } => {
            Problem::new(StatusCode::PRECONDITION_FAILED, "version_changed", "It has another version")
                .detail("Somebody was faster: read it again, and decide anew.")
                .member("version", version)
        }
        WriteError::NotOnSale(why) => not_on_sale(why),
        WriteError::SoldOut(left) => what_is_left(conflict("sold_out", "Not so many are left"), &left),
        WriteError::NotAdjacent(left) => {
            what_is_left(conflict("not_adjacent", "Not so many are left beside each other"), &left)
        }
        WriteError::SeatsTaken(seats) => conflict("seats_taken", "Seats are taken")
            .detail(format!("Somebody has {}: nothing was changed.", listed(&seats)))
            .member("seats", json!(seats)),
        WriteError::UnknownSeats(seats) => Problem::invalid_body().field(
            "seats",
            "unknown_reference",
            format!("There are no seats {} for sale.", listed(&seats)),
        ),
        WriteError::SeatsNotHeld(seats) => conflict("seats_not_held", "You do not hold these seats")
            .detail(format!("{} are not held by you. Nothing was confirmed.", listed(&seats)))
            .member("seats", json!(seats)),
        WriteError::TooManyUnits { limit, has } => {
            conflict("too_many_units", "You may not have so many of this event")
                .detail(format!("You have {has} of it, and may have {limit}."))
                .member("limit", limit)
                .member("has", has)
        }
        WriteError::AlreadyWaiting { id } => {
            conflict("already_waiting", "You stand in this waiting list already")
                .detail("A user has one place there. Leave it first to ask for something else.")
                .member("waitlist_entry_id", json!(id))
        }
        WriteError::AlreadyOffered { id } => already_offered(id),
        WriteError::LineFull { limit } => line_full(limit),
        WriteError::TooManyRequests { limit } => too_many_requests(limit),
        WriteError::Standing(why) => standing(why),
        WriteError::NoSuchPart => Problem::invalid_body().field(
            "seats",
            "unknown_reference",
            "The reservation has no such part: name seats that it has, or fewer units than it has of its only section.",
        ),
        WriteError::OtherKind => Problem::invalid_body().field(
            "capacity",
            "other_kind",
            "A counted section has a capacity, a seated one has seats.",
        ),
        WriteError::UnknownCategory => unknown_category(),
        WriteError::BelowTaken { taken } => conflict("below_taken", "More are taken")
            .detail(format!("{taken} are held or confirmed: a section can't have less than that."))
            .member("taken", taken),
        WriteError::Seats(error) => Problem::invalid_body().field("seats", error.rule(), error.to_string()),
        WriteError::TooLarge { what, limit } => Problem::invalid_body().field(
            "sections",
            "too_many",
            format!("An event has at most {limit} {what}."),
        ),
        WriteError::Times(error) => Problem::invalid_body().field(error.field(), "order", error.to_string()),
        WriteError::EventOver { status } => not_on_sale(NotOnSale::Closed { status }),
        WriteError::KeyReused => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "The key stands for another request",
        )
        .detail("A key belongs to one method, path and body. Make up another for another request."),
        WriteError::Store(error) => of_store(error),
    }
}

/// The same, where the body at fault calls its `seats` otherwise.
pub fn of_seats(error: WriteError, field: &str) -> Problem {
    with_field(of_write(error), "seats", field)
}

/// The same for a hold of units of this event.
pub fn of_hold(error: WriteError, event: EventId) -> Problem {
    let mut problem = of_units(error);
    if let Some(detail) = &mut problem.detail {
        *detail = detail.replace("/events/{id}/", &format!("/events/{event}/"));
    }
    problem
}

/// The same for units that are asked for: what is not there is a section of the event, and what may be of the other kind is the
/// section that a category is asked of.
fn of_units(error: WriteError) -> Problem {
    if matches!(error, WriteError::Unknown(Object::Section)) {
        let message = "There is no such section of the event, by id or by name (capitals matter): GET the event, it lists them.";
        return Problem::invalid_body().field(reference(Object::Section), "unknown_reference", message);
    }
    if matches!(error, WriteError::OtherKind) {
        let message = "is of seats, and the section is counted: leave it out, or name a section of seats";
        return Problem::invalid_body().field("category", "other_kind", message);
    }
    of_write(error)
}

/// The same for a request to wait, whose body calls the seconds of a hold otherwise.
pub fn of_line(error: WriteError) -> Problem {
    with_field(of_units(error), "hold_seconds", "offer_seconds")
}

/// Names a field at fault as the body does that was sent.
fn with_field(mut problem: Problem, usual: &str, here: &str) -> Problem {
    for fault in problem.fields.iter_mut().filter(|fault| fault.field == usual) {
        here.clone_into(&mut fault.field);
    }
    problem
}

fn conflict(code: &'static str, title: &'static str) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, title)
}

/// Nothing of the kind has this id, or may be seen.
pub fn not_found(object: Object) -> Problem {
    let (code, title) = match object {
        Object::Booking => ("booking_not_found", "There is no such booking"),
        Object::Resource => ("resource_not_found", "There is no such resource"),
        Object::Venue => ("venue_not_found", "There is no such venue"),
        Object::Event => ("event_not_found", "There is no such event"),
        Object::Section => ("section_not_found", "There is no such section"),
        Object::Reservation => ("reservation_not_found", "You have no such reservation"),
        Object::WaitlistEntry => {
            ("waitlist_entry_not_found", "There is no such place in the event's waiting list")
        }
    };
    Problem::new(StatusCode::NOT_FOUND, code, title)
}

/// The log is not kept from there on, or does not go that far.
pub fn log_gone(floor: Seq, seq: Seq) -> Problem {
    Problem::new(StatusCode::GONE, "log_gone", "The log is not there from that position")
        .detail(format!(
            "It goes from {floor} to {seq}. Read afresh what you keep a copy of, and go on after {seq}."
        ))
        .member("floor", floor.0)
        .member("seq", seq.0)
}

/// The field by which a body refers to one.
const fn reference(object: Object) -> &'static str {
    match object {
        Object::Booking => "booking_id",
        Object::Resource => "resource_id",
        Object::Venue => "venue_id",
        Object::Event => "event_id",
        Object::Section => "section_id",
        Object::Reservation => "reservation_id",
        Object::WaitlistEntry => "waitlist_entry_id",
    }
}

fn not_on_sale(why: NotOnSale) -> Problem {
    match why {
        NotOnSale::Closed { status } => conflict("event_closed", "The event is closed")
            .detail(format!("It is {}.", status.as_str()))
            .member("state", status.as_str()),
        NotOnSale::NotYet { opens_at } => conflict("sale_not_open", "The sale has not begun")
            .detail(format!("It begins at {}.", when(opens_at)))
            .member("opens_at", when(opens_at)),
        NotOnSale::Over { closes_at } => conflict("sale_over", "The sale is over")
            .detail(format!("It ended at {}.", when(closes_at)))
            .member("closes_at", when(closes_at)),
    }
}

fn standing(why: WrongStanding) -> Problem {
    match why {
        WrongStanding::Ended { expires_at } => conflict("hold_expired", "The hold is over")
            .detail(format!(
                "It ended at {}. Hold the units anew, or stand in line for them again.",
                when(expires_at)
            ))
            .member("expires_at", when(expires_at)),
        WrongStanding::Closed { status } => {
            conflict("reservation_closed", "The reservation's state forbids it")
                .detail(format!("It is {}.", status.as_str()))
                .member("state", status.as_str())
        }
        WrongStanding::TooLong { most_seconds } => {
            Problem::invalid_body().field("hold_seconds", "range", format!("must be {most_seconds} or less"))
        }
    }
}

fn unknown_category() -> Problem {
    let message = "There is no seat of that category: GET /api/v1/events/{id}/seats tells that of each row.";
    Problem::invalid_body().field("category", "unknown_reference", message)
}

fn already_offered(id: ReservationId) -> Problem {
    conflict("already_offered", "You were offered what you waited for")
        .detail(format!(
            "There is no place to leave any more: it became reservation {id}. To give that up: DELETE /api/v1/reservations/{id}."
        ))
        .member("reservation_id", json!(id))
}

fn line_full(limit: i32) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "line_full", "The waiting list is full")
        .detail(format!("{limit} stand in it. Try again when some have left or been served."))
        .retry_after(CROWDED_FOR)
}

fn too_many_requests(limit: usize) -> Problem {
    let title = "Too many different requests wait in this list";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests_in_line", title)
        .detail(format!(
            "{limit} different ones do. Ask for what others ask for, as with fewer choices, or try again later."
        ))
        .retry_after(CROWDED_FOR)
}

/// Says what else there is to be had, and how to wait for it: the sale goes on, or that would be the refusal.
fn what_is_left(problem: Problem, left: &Left) -> Problem {
    let Left { sections, may_come_back, next_end_at } = left;
    let detail = match next_end_at {
        Some(end) => format!("Nothing was held. The next hold of the event ends at {}.", when(*end)),
        None => "Nothing was held, and no hold of the event is about to end.".to_owned(),
    };
    let detail = detail + " To be offered what comes back: POST /api/v1/events/{id}/waitlist.";
    let sections: Vec<Value> = sections
        .iter()
        .map(|(id, name, available)| json!({ "section_id": id, "section": name, "available": available }))
        .collect();
    let problem = problem.detail(detail).member("left", sections).member("may_come_back", *may_come_back);
    match next_end_at {
        Some(end) => problem.member("next_end_at", when(*end)),
        None => problem,
    }
}

/// The first of them, for people.
fn listed(seats: &[SeatLabel]) -> String {
    const LISTED: usize = 10;
    let first: Vec<&str> = seats.iter().take(LISTED).map(SeatLabel::as_str).collect();
    let more = if seats.len() > LISTED { " and others" } else { "" };
    first.join(", ") + more
}

fn when(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

/// PostgreSQL can't be reached.
pub fn unavailable() -> Problem {
    try_again("unavailable", "Not available now").detail("Nothing happened: the database is away.")
}

fn try_again(code: &'static str, title: &'static str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, title).retry_after(1)
}

/// The document for a read or a write that the store could not do. 503 is "try again": nothing has
/// happened, but for `outcome_unknown`.
pub fn of_store(error: Error) -> Problem {
    match error {
        Error::Busy(reason) => {
            try_again("busy", "Too much at once").detail(format!("Nothing happened: {reason}. Try again."))
        }
        Error::Backlog { reason, retry_after_seconds } => try_again("busy", "Too much at once")
            .detail(format!(
                "Nothing happened: {reason}. Try again in {retry_after_seconds} s, when what waits now should be done. A \
                 retry has no place kept for it: it competes anew."
            ))
            .retry_after(retry_after_seconds),
        Error::Unavailable(_) | Error::Silent => unavailable().caused_by(error),
        Error::Clock { .. } => try_again("clock", "The clocks disagree")
            .detail("Nothing was written. An operator has to look at the clocks of the servers.")
            .caused_by(error),
        Error::Stopping => Problem::stopping(),
        Error::OutcomeUnknown => try_again("outcome_unknown", "The outcome is not known")
            .detail("It may have happened: try again with the same Idempotency-Key, or look before you do.")
            .caused_by(error),
        Error::Data(_) | Error::Defect(_) | Error::Statement(_) => Problem::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_finds_too_many_waiting_is_told_for_how_long_and_all_others_a_second() {
        let reason = "a write would wait for too long";
        let backlog = of_store(Error::Backlog { reason, retry_after_seconds: 7 });
        assert_eq!((backlog.code, backlog.retry_after_seconds), ("busy", Some(7)));
        assert!(backlog.detail.is_some_and(|detail| detail.contains("Try again in 7 s")));
        let busy = of_store(Error::Busy("another writer holds the shard"));
        assert_eq!((busy.code, busy.retry_after_seconds), ("busy", Some(1)));
    }
}

//! What a failed read or write is to its caller: every error of the store, to its problem document.

use actix_web::http::StatusCode;
use holdfast_domain::Seq;
use holdfast_runtime::problem::Problem;
use holdfast_store::{Error, Object, WriteError};

/// How long a client may leave a crowded resource alone, in seconds.
const CROWDED_FOR: u32 = 60;

/// The document for a write that did not happen.
pub fn of_write(error: WriteError) -> Problem {
    let conflict = |code, title| Problem::new(StatusCode::CONFLICT, code, title);
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
        WriteError::KeyReused => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "The key stands for another request",
        )
        .detail("A key belongs to one method, path and body. Make up another for another request."),
        WriteError::Store(error) => of_store(error),
    }
}

/// Nothing of the kind has this id, or may be seen.
pub fn not_found(object: Object) -> Problem {
    let (code, title) = match object {
        Object::Booking => ("booking_not_found", "There is no such booking"),
        Object::Resource => ("resource_not_found", "There is no such resource"),
        Object::Venue => ("venue_not_found", "There is no such venue"),
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
    }
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
            try_again("busy", "Too much at once").detail(format!("Nothing happened: {reason}."))
        }
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

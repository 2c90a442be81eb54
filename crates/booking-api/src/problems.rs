//! What a failed read or write is to its caller: every error of the store, to its problem document.

use actix_web::http::StatusCode;
use holdfast_runtime::problem::Problem;
use holdfast_store::{Error, WriteError};

/// The document for a write that did not happen.
pub fn of_write(error: WriteError) -> Problem {
    match error {
        WriteError::Refused(refusal) => {
            Problem::invalid_body().field(refusal.field(), refusal.rule(), refusal.to_string())
        }
        WriteError::Crowded { limit } => {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "crowded", "Too many wait for this resource")
                .detail(format!("{limit} bookings of it wait to be decided. Try again when some are."))
                .retry_after(60)
        }
        WriteError::NotFound => {
            Problem::new(StatusCode::NOT_FOUND, "booking_not_found", "There is no such booking")
        }
        WriteError::NotYours => {
            Problem::new(StatusCode::FORBIDDEN, "not_yours", "The booking is another user's")
        }
        WriteError::Store(error) => of_store(error),
    }
}

/// The document for a read or a write that the store could not do. 503 is "try again": nothing has
/// happened, but for `outcome_unknown`.
pub fn of_store(error: Error) -> Problem {
    let unavailable = |code, title| Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, title).retry_after(1);
    match error {
        Error::Busy(reason) => {
            unavailable("busy", "Too much at once").detail(format!("Nothing happened: {reason}."))
        }
        Error::Unavailable(_) => {
            unavailable("unavailable", "The database is away").detail("Nothing happened.").caused_by(error)
        }
        Error::Clock { .. } => unavailable("clock", "The clocks disagree")
            .detail("Nothing was written. An operator has to look at the clocks of the servers.")
            .caused_by(error),
        Error::Stopping => Problem::stopping(),
        Error::OutcomeUnknown => unavailable("outcome_unknown", "The outcome is not known")
            .detail("It may have happened: look before you try again.")
            .caused_by(error),
        Error::Data(_) | Error::Defect(_) | Error::Statement(_) => Problem::internal(error),
    }
}

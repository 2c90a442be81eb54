//! The document of everything that is served here: the services' own as one.

use holdfast_runtime::{lifecycle::BoxError, openapi};
use utoipa::openapi::OpenApi;

use crate::stdout;

/// The OpenAPI document of `holdfast run`.
pub fn document() -> OpenApi {
    let mut document = openapi::merge(holdfast_booking_api::openapi(), holdfast_notifier::openapi());
    document.info.title = "Holdfast".into();
    openapi::served(document)
}

/// Prints it.
///
/// # Errors
/// When it can't be written as JSON, or nobody reads it.
pub fn print() -> Result<(), BoxError> {
    stdout::line(&serde_json::to_string_pretty(&document())?)
}

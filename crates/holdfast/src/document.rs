//! The document of everything that is served here: the services' own as one.

use holdfast_runtime::openapi;
use utoipa::openapi::OpenApi;

/// The OpenAPI document of `holdfast run`.
pub fn document() -> OpenApi {
    let mut document = openapi::merge(holdfast_booking_api::openapi(), holdfast_notifier::openapi());
    document.info.title = "Holdfast".into();
    openapi::served(document)
}

/// Prints it.
///
/// # Errors
/// When it can't be written as JSON.
#[expect(clippy::print_stdout, reason = "what the command is for")]
pub fn print() -> Result<(), serde_json::Error> {
    println!("{}", serde_json::to_string_pretty(&document())?);
    Ok(())
}

//! The pages for people of an installation whose services run on their own: each has the document of its own part, and
//! this process that of all. It leans on nothing.

use holdfast_runtime::{
    docs::Docs,
    http,
    lifecycle::{BoxError, Stage},
    service::Process,
    settings::{HttpSettings, ShutdownSettings},
};
use time::Duration;

use crate::{document, greeting};

/// Starts to serve `/`, `/docs` and `/openapi.json`.
///
/// # Errors
/// When the port can't be had.
pub fn start(
    settings: &HttpSettings,
    shutdown: &ShutdownSettings,
    process: &Process,
) -> Result<(), BoxError> {
    let docs = docs()?;
    let bound = http::bind(settings, shutdown, &process.health, move |config| docs.configure(config))?;
    let http = process.tasks.at(Stage::Http);
    http.spawn("http", bound.run(http.stopping()));
    Ok(())
}

/// The pages of everything, with a first request to where they are read.
///
/// # Errors
/// When the document can't be written as JSON.
pub fn docs() -> Result<Docs, BoxError> {
    // Far enough ahead for a process that runs for months, and near enough to be booked.
    let first_request = greeting::first_request("http{s}://{host}", Duration::days(365));
    Ok(Docs::of(&greeting::start(&first_request), &document::document())?)
}

//! One binary for who wants one: all services in one process, and the operator's commands.
//!
//! Nothing happens here that the services don't do themselves; they share a port, and what they commit is
//! told to each other without a way over Redis.

mod document;
mod fairness;
mod greeting;
mod help;
mod pages;
mod recover;
mod run;
mod settings;
mod stdout;
mod verify;
mod watch;

use std::{cell::Cell, process::ExitCode};

use holdfast_runtime::{lifecycle::BoxError, service::Process, telemetry};
use settings::{Command, Holdfast};

/// The exit code of a verification that was not done.
const NOT_VERIFIED: u8 = 2;

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _failpoints = fail::FailScenario::setup();
    // A verification that fails, or is cut short, must not look like one that found nothing, nor like one that did.
    let verified = Cell::new(None);
    // Of what a person asks for they are told in plain words, not in a line of the log.
    let plainly = |done: Result<(), BoxError>| {
        if let Err(error) = done {
            eprintln!("holdfast: {}", telemetry::chain(&*error));
            verified.set(verified.get().or(Some(ExitCode::FAILURE)));
        }
        Ok(())
    };
    let ended =
        holdfast_runtime::main(async |holdfast: Holdfast, process: Process| match &holdfast.command {
            Command::Run(settings) => run::start(settings, &holdfast.process.shutdown, &process),
            Command::Migrate(settings) => {
                let version =
                    holdfast_store::migrate(&settings.database, &settings.default_time_zone).await?;
                tracing::info!(version, "the schema is up to date");
                Ok::<_, BoxError>(())
            }
            Command::Recover(command) => plainly(recover::run(command).await),
            Command::Watch(settings) => plainly(watch::run(settings).await),
            Command::Verify(settings) => {
                verified.set(Some(ExitCode::from(NOT_VERIFIED)));
                let judged = verify::run(settings).await;
                plainly(judged.map(|is_clean| {
                    verified.set(Some(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }));
                }))
            }
            Command::Fairness(settings) => plainly(fairness::run(settings).await),
            Command::Docs(settings) => pages::start(settings, &holdfast.process.shutdown, &process),
            Command::Openapi => plainly(document::print()),
        });
    verified.get().unwrap_or(ended)
}

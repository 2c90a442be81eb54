//! One binary for who wants one: all services in one process, and the operator's commands.
//!
//! Nothing happens here that the services don't do themselves; they share a port, and what they commit is
//! told to each other without a way over Redis.

mod document;
mod greeting;
mod pages;
mod recover;
mod run;
mod settings;

use std::process::ExitCode;

use holdfast_runtime::{lifecycle::BoxError, service::Process};
use settings::{Command, Holdfast};

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _failpoints = fail::FailScenario::setup();
    holdfast_runtime::main(async |holdfast: Holdfast, process: Process| match &holdfast.command {
        Command::Run(settings) => run::start(settings, &holdfast.process.shutdown, &process),
        Command::Migrate(settings) => {
            let version = holdfast_store::migrate(&settings.database, &settings.default_time_zone).await?;
            tracing::info!(version, "the schema is up to date");
            Ok::<_, BoxError>(())
        }
        Command::Recover(command) => recover::run(command).await,
        Command::Docs(settings) => pages::start(settings, &holdfast.process.shutdown, &process),
        Command::Openapi => Ok(document::print()?),
    })
}

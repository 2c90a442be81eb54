//! One `main` for every binary: settings, telemetry, lifecycle, the service's own start, the wait, the exit code.
//! Never knows what the service does.

use std::{fmt::Display, process::ExitCode, time::Duration};

use clap::{Args, Parser, error::ErrorKind};
use tokio::runtime;
use tracing::{error, info};

pub use crate::help::taught;
use crate::{
    handles,
    health::{Health, Need},
    lifecycle::{BoxError, Lifecycle, Stage, Tasks},
    metrics,
    settings::{ShutdownSettings, bounded, cores},
    telemetry::{self, TelemetrySettings},
};

/// How long the runtime may take to drop what outlived the hard stop.
const DROP_WAIT: Duration = Duration::from_secs(1);

/// The settings of every process.
#[derive(Debug, Clone, Args)]
pub struct ProcessSettings {
    /// What is logged, and how.
    #[command(flatten)]
    pub telemetry: TelemetrySettings,
    /// How long the process may take to stop.
    #[command(flatten)]
    pub shutdown: ShutdownSettings,
    /// Threads for everything but requests, which have threads of their own (`HTTP_WORKERS`); by default half the cores:
    /// a hop between threads costs more than it gains where there are few.
    #[arg(id = "RUNTIME_THREADS", long = "runtime-threads", env, default_value_t = (cores() / 2).max(1),
        value_parser = bounded(1..=512_usize), help_heading = "Process")]
    pub runtime_threads: usize,
}

/// A service's settings, as a whole.
pub trait Settings: Parser {
    /// Those that every process has.
    fn process(&self) -> &ProcessSettings;

    /// Refuses settings that contradict each other.
    ///
    /// # Errors
    /// Names them, with their values and what is allowed.
    fn check(&self) -> Result<(), String>;
}

/// What a service is started with, besides its settings.
pub struct Process {
    /// Starts tasks; [`Tasks::at`] gives the handle of each stage.
    pub tasks: Tasks,
    /// Where components report.
    pub health: Health,
}

impl Process {
    /// Has a server that the service leans on asked once a second how it is, and `/readyz` tell it.
    pub fn watch<F, E>(&self, name: &'static str, need: Need, mut probe: impl FnMut() -> F + Send + 'static)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        let component = self.health.component(name, need);
        let tasks = self.tasks.at(Stage::Telemetry);
        let stopping = tasks.stopping();
        tasks.spawn(name, async move {
            component.watch(stopping, &mut probe).await;
            Ok::<_, BoxError>(())
        });
    }
}

/// Runs a service, or a command, to its end. `start` opens what it needs, leaves its tasks behind, and returns; one
/// that leaves none is a command, and the process ends with it.
pub fn main<S, F, R, E>(start: F) -> ExitCode
where
    S: Settings,
    F: FnOnce(S, Process) -> R,
    R: Future<Output = Result<(), E>>,
    E: Into<BoxError>,
{
    let settings = parse::<S>();
    let process = settings.process().clone();
    if let Err(message) = process.shutdown.check().and_then(|()| settings.check()) {
        // In clap's own form, so that every wrong setting reads alike; 2 is its exit code.
        let _ = S::command().error(ErrorKind::ArgumentConflict, message).print();
        return ExitCode::from(2);
    }
    match telemetry::init(&process.telemetry).and_then(|()| run(&process, |process| start(settings, process)))
    {
        Ok(is_service) => {
            if is_service {
                info!("stopped");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            error!("{}", telemetry::chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// The settings as they are given; a wrong one, or `--help`, ends the process.
fn parse<S: Settings>() -> S {
    let mut command = taught(S::command());
    let mut matches = command.get_matches_mut();
    S::from_arg_matches_mut(&mut matches).unwrap_or_else(|error| error.format(&mut command).exit())
}

/// Whether it was a service: a command is over when it is done.
fn run<R, E>(settings: &ProcessSettings, start: impl FnOnce(Process) -> R) -> Result<bool, BoxError>
where
    R: Future<Output = Result<(), E>>,
    E: Into<BoxError>,
{
    handles::raise();
    metrics::install();
    let runtime =
        runtime::Builder::new_multi_thread().worker_threads(settings.runtime_threads).enable_all().build()?;
    let ended = runtime.block_on(async {
        let lifecycle = Lifecycle::new(settings.shutdown.total())?;
        let process = Process { tasks: lifecycle.tasks(Stage::Workers), health: Health::default() };
        let tasks = process.tasks.at(Stage::Telemetry);
        let mut is_service = false;
        let start = async {
            start(process).await.map_err(Into::into)?;
            is_service = tasks.exist();
            // Only beside others: a command that left a task behind would not end.
            if is_service {
                metrics::spawn_upkeep(&tasks);
            }
            Ok::<_, BoxError>(())
        };
        let ended = lifecycle.run(start).await;
        Ok(ended.map(|()| is_service)?)
    });
    runtime.shutdown_timeout(DROP_WAIT);
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Parser)]
    struct Test {
        #[command(flatten)]
        process: ProcessSettings,
    }

    fn settings() -> ProcessSettings {
        Test::parse_from(["test", "--shutdown-seconds=5"]).process
    }

    #[test]
    fn a_command_ends_though_the_metrics_would_be_kept_and_is_no_service() {
        assert!(!run(&settings(), async |_| Ok::<_, BoxError>(())).unwrap());
    }

    #[test]
    fn the_metrics_are_kept_until_the_service_has_stopped() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let start = async |process: Process| {
            let (tasks, kept) = (process.tasks.clone(), process.tasks.at(Stage::Telemetry));
            process.tasks.spawn("service", async move {
                tokio::task::yield_now().await;
                tasks.stop_process();
                tasks.stopping().cancelled().await;
                sender.send(kept.names()).map_err(BoxError::from)
            });
            Ok::<_, BoxError>(())
        };
        assert!(run(&settings(), start).unwrap());
        assert_eq!(receiver.recv().unwrap(), ["metrics"]);
    }
}

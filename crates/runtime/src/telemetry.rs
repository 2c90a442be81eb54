//! Logs: their settings, the one subscriber, and how an error is told. Never decides what is logged.

use std::{
    error::Error,
    fmt,
    io::{self, IsTerminal},
};

use clap::{Args, ValueEnum};
use tracing_subscriber::{EnvFilter, fmt::Subscriber, util::SubscriberInitExt};

use crate::lifecycle::BoxError;

/// What is logged, and how.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Logs")]
pub struct TelemetrySettings {
    /// What to log: error, warn, info, debug or trace; also by target, as in `info,fred=warn`.
    #[arg(id = "LOG_LEVEL", long = "log-level", env, default_value = "info", value_parser = log_level)]
    pub level: String,

    /// JSON for machines, text for people.
    #[arg(id = "LOG_FORMAT", long = "log-format", env, default_value = "json")]
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// One line of text.
    Text,
}

/// Sends the logs of the whole process to stderr; once a process.
///
/// # Errors
/// When there is a subscriber already.
pub fn init(settings: &TelemetrySettings) -> Result<(), BoxError> {
    let logs =
        Subscriber::builder().with_env_filter(EnvFilter::try_new(&settings.level)?).with_writer(io::stderr);
    match settings.format {
        LogFormat::Json => logs.json().flatten_event(true).with_current_span(false).finish().try_init()?,
        LogFormat::Text => logs.with_ansi(io::stderr().is_terminal()).finish().try_init()?,
    }
    Ok(())
}

/// An error with all its causes in one line. Display of an error never repeats its source, so nothing is told twice.
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl fmt::Display + 'a {
    fmt::from_fn(move |f| {
        write!(f, "{error}")?;
        let mut cause = error.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    })
}

fn log_level(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|_| {
        "must be off, error, warn, info, debug or trace, or a list such as info,fred=warn".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_tells_every_cause_once() {
        let error = crate::lifecycle::LifecycleError::Failed("relay", "no route".into());
        assert_eq!(chain(&error).to_string(), "task relay failed: no route");
    }

    #[test]
    fn a_filter_that_is_none_is_refused() {
        assert!(log_level("info,fred=warn").is_ok());
        assert!(log_level("info,fred=loud").is_err());
    }
}

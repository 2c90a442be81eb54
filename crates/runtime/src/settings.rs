//! Settings that every service has, and what is needed to declare others. They come from the environment or the
//! command line, are parsed once, and are documented by `--help`.
//!
//! Never reads a file.

use std::{
    fmt::Display, net::IpAddr, num::NonZero, ops::RangeInclusive, str::FromStr, thread, time::Duration,
};

use clap::Args;

/// Where and how a service listens.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "HTTP")]
pub struct HttpSettings {
    /// Address to listen on.
    #[arg(id = "HTTP_HOST", long = "http-host", env, default_value = "127.0.0.1")]
    pub host: IpAddr,

    /// Port to listen on; 0 takes any free one.
    #[arg(id = "HTTP_PORT", long = "http-port", env, default_value_t = 8000, value_parser = bounded(0..=u16::MAX))]
    pub port: u16,

    /// Threads that serve requests.
    #[arg(id = "HTTP_WORKERS", long = "http-workers", env, default_value_t = cores(),
        value_parser = bounded(1..=512_usize))]
    pub workers: usize,

    /// Largest request body, in bytes.
    #[arg(id = "HTTP_BODY_LIMIT_BYTES", long = "http-body-limit-bytes", env, default_value_t = 65_536,
        value_parser = bounded(1_024..=16_777_216_usize))]
    pub body_limit_bytes: usize,

    /// Most connections served at once; more wait to be accepted. Shared out evenly among the workers.
    #[arg(id = "HTTP_CONNECTIONS_MAX", long = "http-connections-max", env, default_value_t = 25_000,
        value_parser = bounded(1..=1_000_000_usize))]
    pub connections_max: usize,
}

/// How long the process may take to stop.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Shutdown")]
pub struct ShutdownSettings {
    /// Seconds from the signal to the end, for everything together.
    #[arg(id = "SHUTDOWN_SECONDS", long = "shutdown-seconds", env, default_value_t = 25,
        value_parser = bounded(1..=3_600_u64))]
    pub seconds: u64,

    /// Seconds in which `/readyz` says `stopping` while requests are still taken, so that a proxy looks elsewhere.
    #[arg(id = "SHUTDOWN_DRAIN_SECONDS", long = "shutdown-drain-seconds", env, default_value_t = 0,
        value_parser = bounded(0..=600_u64))]
    pub drain_seconds: u64,
}

impl HttpSettings {
    /// # Errors
    /// Names the settings that contradict each other.
    pub fn check(&self) -> Result<(), String> {
        if self.connections_max < self.workers {
            return Err(format!(
                "HTTP_CONNECTIONS_MAX ({}) must be at least HTTP_WORKERS ({})",
                self.connections_max, self.workers
            ));
        }
        Ok(())
    }
}

impl ShutdownSettings {
    /// # Errors
    /// Names the settings that contradict each other.
    pub fn check(&self) -> Result<(), String> {
        if self.drain_seconds >= self.seconds {
            return Err(format!(
                "SHUTDOWN_DRAIN_SECONDS ({}) must be less than SHUTDOWN_SECONDS ({})",
                self.drain_seconds, self.seconds
            ));
        }
        Ok(())
    }

    /// Whether what may take so long can be finished within the stop.
    ///
    /// # Errors
    /// Names the settings that contradict each other.
    pub fn outlasts(&self, name: &str, millis: u64) -> Result<(), String> {
        if (self.seconds - self.drain_seconds) * 1_000 > millis {
            return Ok(());
        }
        Err(format!(
            "SHUTDOWN_SECONDS ({}) less SHUTDOWN_DRAIN_SECONDS ({}) must be more than {name} ({millis}), or what is \
             underway at the stop can't be finished",
            self.seconds, self.drain_seconds
        ))
    }

    /// The time for all stages together.
    pub fn total(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// The part of it, after the drain, that listeners have: what accepted requests leave behind still has to be
    /// written. Only for settings that have passed [`check`](Self::check).
    pub fn http(&self) -> Duration {
        Duration::from_secs(((self.seconds - self.drain_seconds) * 3 / 4).max(1))
    }

    /// How long `/readyz` says `stopping` before the port is closed.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

/// A value parser for a number within limits, whose error says what is allowed.
pub fn bounded<T>(
    allowed: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| match text.parse() {
        Ok(number) if allowed.contains(&number) => Ok(number),
        _ => Err(format!("must be a number from {} to {}", allowed.start(), allowed.end())),
    }
}

/// How many cores this process may use.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Settings {
        #[command(flatten)]
        http: HttpSettings,
        #[command(flatten)]
        shutdown: ShutdownSettings,
    }

    fn parse(arguments: &[&str]) -> Result<Settings, clap::Error> {
        Settings::try_parse_from([&["test"], arguments].concat())
    }

    #[test]
    fn a_wrong_value_is_named_with_what_is_allowed() {
        let message = parse(&["--http-workers", "none"]).unwrap_err().to_string();
        assert!(message.contains("HTTP_WORKERS"), "{message}");
        assert!(message.contains("must be a number from 1 to 512"), "{message}");
    }

    #[test]
    fn contradictory_settings_are_refused() {
        let settings = parse(&["--shutdown-seconds", "5", "--shutdown-drain-seconds", "5"]).unwrap();
        assert!(settings.shutdown.check().unwrap_err().contains("SHUTDOWN_DRAIN_SECONDS (5)"));
        let settings = parse(&["--shutdown-seconds", "9", "--shutdown-drain-seconds", "4"]).unwrap();
        assert_eq!(settings.shutdown.outlasts("STATEMENT_TIMEOUT_MILLIS", 4_999), Ok(()));
        let refused = settings.shutdown.outlasts("STATEMENT_TIMEOUT_MILLIS", 5_000).unwrap_err();
        assert!(refused.contains("STATEMENT_TIMEOUT_MILLIS (5000)"), "{refused}");
        let settings = parse(&["--http-workers", "4", "--http-connections-max", "3"]).unwrap();
        assert!(settings.http.check().unwrap_err().contains("HTTP_CONNECTIONS_MAX (3)"));
    }
}

//! What an operator can set of this service.

use std::time::Duration;

use clap::{Args, Parser};
use holdfast_runtime::{
    service::ProcessSettings,
    settings::{HttpSettings, bounded},
};
use holdfast_store::StepLimits;

/// Decides open wants: grants them in the order in which they were asked for, and rejects what can't be had in time.
#[derive(Debug, Clone, Parser)]
#[command(name = "holdfast-validator", version)]
pub struct Settings {
    /// What every process has.
    #[command(flatten)]
    pub process: ProcessSettings,
    /// Where the probes listen.
    #[command(flatten)]
    pub http: HttpSettings,
    /// PostgreSQL.
    #[command(flatten)]
    pub database: holdfast_store::Settings,
    /// Redis.
    #[command(flatten)]
    pub streams: holdfast_stream::Settings,
    /// The service's own.
    #[command(flatten)]
    pub validator: ValidatorSettings,
}

/// What is the service's own, wherever it runs.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Decisions")]
pub struct ValidatorSettings {
    /// Milliseconds between two looks at all heads, for changes of which no bell told.
    #[arg(id = "VALIDATOR_POLL_MILLIS", long = "validator-poll-millis", env, default_value_t = 1_000,
        value_parser = bounded(10..=60_000_u64))]
    pub poll_millis: u64,

    /// Shards that are worked on at once.
    #[arg(id = "VALIDATOR_WORKERS", long = "validator-workers", env, default_value_t = 4,
        value_parser = bounded(1..=64_usize))]
    pub workers: usize,

    /// Seconds between two searches for open wants that fit and were passed by; a find is a defect, and is mended.
    #[arg(id = "VALIDATE_INTERVAL_SECONDS", long = "validate-interval-seconds", env, default_value_t = 60,
        value_parser = bounded(1..=86_400_u64))]
    pub validate_interval_seconds: u64,

    /// Days that the log's changes are kept; without it, for ever. The last of each shard is kept in any case. A cursor from
    /// before is answered `log_gone`, and a booking's history begins later.
    #[arg(id = "CHANGES_KEEP_DAYS", long = "changes-keep-days", env, value_parser = bounded(2..=36_500_i64))]
    pub changes_keep_days: Option<i64>,

    /// Most open wants that a step loads.
    #[arg(id = "STEP_WANTS", long = "step-wants", env, default_value_t = 500, value_parser = bounded(1..=100_000_i64))]
    pub step_wants: i64,

    /// Most decisions that a step writes.
    #[arg(id = "STEP_WRITES", long = "step-writes", env, default_value_t = 500, value_parser = bounded(1..=10_000_usize))]
    pub step_writes: usize,
}

impl ValidatorSettings {
    pub(crate) fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_millis)
    }

    pub(crate) fn search(&self) -> Duration {
        Duration::from_secs(self.validate_interval_seconds)
    }

    pub(crate) fn kept(&self) -> Option<time::Duration> {
        self.changes_keep_days.map(time::Duration::days)
    }

    pub(crate) fn limits(&self) -> StepLimits {
        StepLimits { wants: self.step_wants, writes: self.step_writes, ..StepLimits::default() }
    }
}

impl holdfast_runtime::service::Settings for Settings {
    fn process(&self) -> &ProcessSettings {
        &self.process
    }

    fn check(&self) -> Result<(), String> {
        self.http.check()?;
        self.process.shutdown.outlasts("STATEMENT_TIMEOUT_MILLIS", self.database.statement_timeout_millis)?;
        self.database.check()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_settings_of_all_parts_go_together() {
        Settings::command().debug_assert();
    }
}

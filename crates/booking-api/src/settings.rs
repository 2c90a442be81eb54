//! What an operator can set of this service.

use clap::{Args, Parser};
use holdfast_runtime::{
    service::ProcessSettings,
    settings::{HttpSettings, bounded},
};

/// Takes bookings over HTTP, answers reads, and publishes what was committed.
#[derive(Debug, Clone, Parser)]
#[command(name = "holdfast-booking-api", version)]
pub struct Settings {
    /// What every process has.
    #[command(flatten)]
    pub process: ProcessSettings,
    /// Where it listens.
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
    pub api: ApiSettings,
}

/// What is the service's own, wherever it is mounted.
#[derive(Debug, Clone, Args)]
// clap names a group after the struct, and other crates have one of this name too.
#[group(skip)]
pub struct ApiSettings {
    /// How writes are queued.
    #[command(flatten)]
    pub lanes: holdfast_store::LaneSettings,
    /// How the log is published.
    #[command(flatten)]
    pub relay: holdfast_relay::Settings,
    /// Most requests that wait for a decision at once (`Prefer: wait`); one more is answered at once
    #[arg(id = "WAITS_MAX", long = "waits-max", env, default_value_t = 1_000,
        value_parser = bounded(0..=100_000_usize), help_heading = "Writes")]
    pub waits_max: usize,
}

impl holdfast_runtime::service::Settings for Settings {
    fn process(&self) -> &ProcessSettings {
        &self.process
    }

    fn check(&self) -> Result<(), String> {
        self.http.check()?;
        self.process.shutdown.outlasts("STATEMENT_TIMEOUT_MILLIS", self.database.statement_timeout_millis)?;
        self.process.shutdown.outlasts("LANE_WAIT_MILLIS", self.api.lanes.lane_wait_millis)?;
        self.api.lanes.check()?;
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

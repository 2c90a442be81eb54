//! How often the relay looks by itself.

use std::time::Duration;

use clap::Args;

/// How the relay works.
#[derive(Debug, Clone, Args)]
// clap names a group after the struct, and other crates have a `Settings` too.
#[group(skip)]
#[command(next_help_heading = "Relay")]
pub struct Settings {
    /// Milliseconds between two looks at all heads, for changes of which no wake told.
    #[arg(id = "RELAY_POLL_MILLIS", long = "relay-poll-millis", env, default_value_t = 1_000,
        value_parser = clap::value_parser!(u32).range(10..=60_000))]
    pub poll_millis: u32,
}

impl Settings {
    pub(crate) fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_millis.into())
    }
}

//! The limits of the sockets.

use std::time::Duration;

use clap::Args;
use holdfast_runtime::settings::{HttpSettings, bounded};

/// How many sockets, and how patient with each.
#[derive(Debug, Clone, Args)]
// clap names a group after the struct, and other crates have a `Settings` too.
#[group(skip)]
#[command(next_help_heading = "Sockets")]
pub struct Settings {
    /// Most sockets open at once; more are answered 503.
    #[arg(id = "SOCKETS_MAX", long = "sockets-max", env, default_value_t = 10_000,
        value_parser = bounded(1..=1_000_000_usize))]
    pub sockets_max: usize,

    /// Most messages that wait for one socket; whoever is further behind catches up from where they are.
    #[arg(id = "SOCKET_QUEUE", long = "socket-queue", env, default_value_t = 256,
        value_parser = bounded(1..=65_536_usize))]
    pub socket_queue: usize,

    /// Seconds between two beats of a socket: each tells the position, and asks whether the other end is there. Clients
    /// take 30 seconds of silence for a dead line.
    #[arg(id = "SOCKET_BEAT_SECONDS", long = "socket-beat-seconds", env, default_value_t = 10,
        value_parser = bounded(1..=20_u64))]
    pub socket_beat_seconds: u64,

    /// How many of its newest changes each shard keeps in memory, for those who come back to what they missed. Older ones
    /// are read from Redis.
    #[arg(id = "SOCKET_WINDOW_ENTRIES", long = "socket-window-entries", env, default_value_t = 8_192,
        value_parser = bounded(0..=1_000_000_usize))]
    pub socket_window_entries: usize,

    /// Most bytes that those of one shard take, about.
    #[arg(id = "SOCKET_WINDOW_BYTES", long = "socket-window-bytes", env, default_value_t = 16_777_216,
        value_parser = bounded(0..=1_073_741_824_usize))]
    pub socket_window_bytes: usize,
}

impl Settings {
    /// Refuses more sockets than there may be connections.
    ///
    /// # Errors
    /// Names the settings that contradict each other.
    pub fn check(&self, http: &HttpSettings) -> Result<(), String> {
        if self.sockets_max >= http.connections_max {
            return Err(format!(
                "SOCKETS_MAX ({}) must be less than HTTP_CONNECTIONS_MAX ({}), or sockets leave no room for requests",
                self.sockets_max, http.connections_max
            ));
        }
        Ok(())
    }

    pub(crate) fn beat(&self) -> Duration {
        Duration::from_secs(self.socket_beat_seconds)
    }
}

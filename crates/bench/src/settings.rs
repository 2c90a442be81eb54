//! What is measured and how; from the command line and, for the servers, from the environment. `--help` is its manual.

use std::path::PathBuf;

use clap::{Parser, ValueEnum, value_parser};

/// Measures how many bookings a second Holdfast takes over HTTP, beside what PostgreSQL takes by itself, and how many sockets
/// it tells of them how soon.
///
/// Each round measures these parts, each in a fresh database. The intake: `http` (holdfast-booking-api alone), `pgbench` (one
/// statement that inserts one row and one change into the same tables, without a head), and `validator` (as `http`, with
/// one holdfast-validator). The sockets, all of one holdfast-notifier: `fan-out` (each of many is told every booking, as many
/// as they keep up with), `paced` (the same with so many bookings a second), `idle` (memory of each), `reconnect` (all come
/// back at once). The order of the parts rotates from round to round. The service binaries are taken from the directory of
/// this one.
///
/// Ends with status 0 only if every request was answered 201, the log holds what was acknowledged, and every socket was told
/// all that it should be, each change once and in order.
///
/// The databases are dropped at the end. The streams stay in Redis: give it one that is thrown away.
#[derive(Parser)]
#[command(name = "holdfast-bench", version)]
pub(crate) struct Settings {
    /// The PostgreSQL server, as a user who may create databases; ends in the name of any database.
    #[arg(long, env, hide_env_values = true)]
    pub(crate) database_url: String,

    /// The Redis server.
    #[arg(long, env, hide_env_values = true)]
    pub(crate) redis_url: String,

    /// The directory of psql and pgbench.
    #[arg(long, env = "HOLDFAST_PG_BIN")]
    pub(crate) pg_bin: PathBuf,

    /// How long each part is counted.
    #[arg(long, default_value_t = 15, value_parser = value_parser!(u32).range(1..=3_600))]
    pub(crate) seconds: u32,

    /// How long each part is under load before it is counted.
    #[arg(long, default_value_t = 2, value_parser = value_parser!(u32).range(1..=600))]
    pub(crate) warm_up_seconds: u32,

    /// Connections; each has one request in flight.
    #[arg(long, default_value_t = 64, value_parser = value_parser!(u16).range(1..=1_000))]
    pub(crate) connections: u16,

    /// How many resources there are.
    #[arg(long, default_value_t = 1_000, value_parser = value_parser!(u32).range(1..=9_999))]
    pub(crate) resources: u32,

    /// How many users there are.
    #[arg(long, default_value_t = 10_000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) users: u32,

    /// Sockets of `fan-out` and `paced`; each is told everything.
    #[arg(long, default_value_t = 1_000, value_parser = value_parser!(u16).range(1..=20_000))]
    pub(crate) sockets: u16,

    /// Bookings a second of `paced`.
    #[arg(long, default_value_t = 200, value_parser = value_parser!(u32).range(1..=100_000))]
    pub(crate) bookings_per_second: u32,

    /// Sockets of `idle` and `reconnect`; each is told what concerns its user.
    #[arg(long, default_value_t = 5_000, value_parser = value_parser!(u16).range(1..=20_000))]
    pub(crate) many_sockets: u16,

    /// Bookings that are made while those of `reconnect` are away.
    #[arg(long, default_value_t = 2_000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) behind: u32,

    /// Whose bookings those are, and how many users come back; with 1, each socket has missed all of them.
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) reconnect_users: u32,

    /// What the random numbers follow from.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// How often each part is measured; the medians are told.
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,

    /// Measure this part alone, once: for profiling.
    #[arg(long)]
    pub(crate) only: Option<Part>,

    /// Write all figures to this file, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// What is measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Bookings over HTTP; nobody decides them.
    Http,
    /// PostgreSQL alone.
    Pgbench,
    /// Bookings over HTTP while a validator decides them.
    Validator,
    /// Each of many sockets is told every booking, as many as they keep up with.
    FanOut,
    /// The same, with so many bookings a second.
    Paced,
    /// Sockets on which nothing happens.
    Idle,
    /// Sockets that come back all at once to what they missed.
    Reconnect,
}

impl Part {
    /// What is taken.
    pub(crate) const INTAKE: [Self; 3] = [Self::Http, Self::Pgbench, Self::Validator];
    /// What is told.
    pub(crate) const SOCKETS: [Self; 4] = [Self::FanOut, Self::Paced, Self::Idle, Self::Reconnect];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Pgbench => "pgbench",
            Self::Validator => "validator",
            Self::FanOut => "fan-out",
            Self::Paced => "paced",
            Self::Idle => "idle",
            Self::Reconnect => "reconnect",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_contradict_nothing() {
        Settings::command().debug_assert();
    }
}

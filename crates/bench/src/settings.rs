//! What is measured and how; from the command line and, for the servers, from the environment. `--help` is its manual.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, value_parser};

use crate::row::Row;

/// Most clients of pgbench.
const PGBENCH_CLIENTS_MAX: u16 = 150;

/// Measures the release binaries on this machine, a row at a time, each beside its peer where it has one.
///
/// Each row is measured in a fresh database, by processes of its own. What is taken: `http` (holdfast-booking-api alone),
/// `pgbench` (one statement that inserts one row and one change into the same tables, without a head), `validator` (as
/// `http`, with one holdfast-validator), `wide` (as `http`, with many connections), `pgbench-wide` (as `pgbench`, with more
/// clients), `alone` (one connection, beside pgbench with one client), `curve` (`http` and `pgbench` from 1 connection to
/// 512). What is decided: `sustained` (taken and decided in the same time), `decision` (from the request to the decision on
/// a socket), `hot-slot` (everybody wants one slot), `backlog` (many wants that wait). What sockets of one
/// holdfast-notifier are told: `fan-out` (each of many is told every booking, as many as they keep up with), `paced` (the
/// same with so many bookings a second), `idle` (memory of each), `reconnect` (all come back at once). What is sold of events:
/// `hot` (many want the few units of one counted section), `hot-pgbench` (the plain way of that: a counter that each locks),
/// `hot-seated` (many want the best of few seats), `spread` (units held and confirmed, over many sections), `map` (the map of a
/// hall while it is being sold), `locks` (the five load tests that systems which lock seats publish), `wanted` (many holds end
/// at once while many wait in line and others knock).
///
/// The order of the rows rotates from round to round; `backlog`, `curve` and `idle` are measured in the first round only. The service binaries are taken from the directory of this one.
///
/// Ends with status 0 only if every figure is valid: every request was answered 201, the log holds what was acknowledged,
/// all that was to be decided was, every socket was told all that it should be, each change once and in order, and of
/// events just what was acknowledged was sold, no unit to two.
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

    /// How long each row that goes by time is counted.
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(1..=3_600))]
    pub(crate) seconds: u32,

    /// How long each row is under load before it is counted.
    #[arg(long, default_value_t = 2, value_parser = value_parser!(u32).range(1..=600))]
    pub(crate) warm_up_seconds: u32,

    /// Connections; each has one request in flight.
    #[arg(long, default_value_t = 64, value_parser = value_parser!(u16).range(1..=1_000))]
    pub(crate) connections: u16,

    /// Connections of `wide`, `sustained` and `spread`.
    #[arg(long, default_value_t = 256, value_parser = value_parser!(u16).range(1..=1_000))]
    pub(crate) many_connections: u16,

    /// How many resources there are.
    #[arg(long, default_value_t = 1_000, value_parser = value_parser!(u32).range(1..=9_999))]
    pub(crate) resources: u32,

    /// How many users there are.
    #[arg(long, default_value_t = 10_000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) users: u32,

    /// Wants that wait in `backlog`.
    #[arg(long, default_value_t = 100_000, value_parser = value_parser!(u32).range(1_000..=120_000))]
    pub(crate) backlog: u32,

    /// Bookings a second of `decision`.
    #[arg(long, default_value_t = 1_000, value_parser = value_parser!(u32).range(1..=100_000))]
    pub(crate) decisions_per_second: u32,

    /// Users of `hot-slot`; then twice as many.
    #[arg(long, default_value_t = 1_000, value_parser = value_parser!(u32).range(100..=2_400))]
    pub(crate) hot_users: u32,

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

    /// How often each row is measured; the medians are told.
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,

    /// Measure these rows alone. A row that is compared with another is so only if that is named, too.
    #[arg(long, value_name = "ROW,…", value_delimiter = ',')]
    pub(crate) only: Vec<Row>,

    /// Write all figures to this file, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Draw `curve` into this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

impl Settings {
    /// Clients of `pgbench-wide`: twice those of `pgbench`, as far as the server has room (`deploy/local-stack` allows 200
    /// connections).
    pub(crate) fn pgbench_wide(&self) -> u16 {
        (self.connections * 2).min(PGBENCH_CLIENTS_MAX)
    }

    /// How long is counted, where a row goes by time.
    pub(crate) fn counted(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    /// How long is loaded before that.
    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_secs(self.warm_up_seconds.into())
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

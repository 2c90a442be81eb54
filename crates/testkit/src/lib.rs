//! Tests only: a PostgreSQL database of one's own, servers that a test may stop, a line that it may cut, bounded waits, and
//! the SQL that only tests need.
//!
//! The servers are given by `DATABASE_URL` and `REDIS_URL`, which `make test` sets. Never a
//! dependency of a service.

mod command;
mod database;
pub mod postgres;
mod process;
pub mod proxy;
mod publish;
mod random;
pub mod redis;
mod scene;
mod units;
mod wait;

pub use command::{
    assert_replays, cancel, create, hours, keyed, lane_settings, move_to, note, now, order, shard,
};
pub use database::{Backup, HeldHead, TestDatabase};
pub use process::free_port;
pub use publish::publish;
pub use random::Random;
pub use scene::Scene;
pub use units::{
    confirm, confirm_part, confirm_seats, counted, create_event, extend, hold, hold_best, hold_seats, join,
    join_any, leave, lock_seats, on_sale, release, rows, seated, seats, update_section,
};
pub use wait::eventually;

/// The value of an environment variable that `make test` sets.
///
/// # Panics
/// When it is missing.
#[expect(clippy::disallowed_methods, reason = "tests have no settings to parse")]
fn server(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run `make test`, or `deploy/local-stack --help`"))
}

//! PostgreSQL, and the only crate that knows SQL.
//!
//! Everything that a tenant owns is written under its shard's [`Head`]: whoever holds one may append to
//! the log, and nothing else can be changed. Writes go through [`Lanes`], which batch them; open wants
//! are decided by [`Database::step`]. Never here: HTTP, Redis, and the rules themselves, which are
//! `domain`'s.

/// Whether a test has set this failpoint; never without the feature.
macro_rules! failpoint {
    ($name:literal) => {{
        #[cfg(feature = "failpoints")]
        let set = fail::eval($name, |_| ()).is_some();
        #[cfg(not(feature = "failpoints"))]
        let set = false;
        set
    }};
}

/// A place where a test can kill the process.
macro_rules! crashpoint {
    ($name:literal) => {
        if failpoint!($name) {
            std::process::abort();
        }
    };
}

mod asked;
mod bookings;
mod changes;
mod database;
mod decision;
mod error;
mod head;
mod heads;
mod lane;
mod migrate;
#[cfg(test)]
mod plans;
mod resources;
mod settings;

pub use asked::{Conflict, Conflicts};
pub use bookings::Filter;
pub use database::Database;
pub use decision::{Look, Step, StepLimits};
pub use error::Error;
pub use head::Head;
pub use heads::HeadRow;
pub use lane::{CancelBooking, CreateBooking, Created, Lanes, WriteError};
pub use migrate::{SchemaError, migrate};
pub use settings::{LaneSettings, Settings};

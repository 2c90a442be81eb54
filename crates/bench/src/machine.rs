//! Where the figures were taken: without that they mean nothing. Also the bench's only look at calendar and clock of day.

use std::{fs, num::NonZero, thread};

use rustix::time::{ClockId, clock_gettime};
use time::{Date, OffsetDateTime};

use crate::{database::Server, error::Error};

/// What the figures depend on.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) cpu: String,
    pub(crate) kernel: String,
    pub(crate) postgresql: String,
}

impl Machine {
    /// # Errors
    /// When PostgreSQL does not answer, or does not wait for the disk: its figures would be of something else.
    pub(crate) fn look(server: &Server) -> Result<Self, Error> {
        let durability = "SELECT current_setting('fsync'), current_setting('synchronous_commit')";
        let durability = server.query(durability)?;
        if durability != "on|on" {
            return Err(Error::Unusable(format!(
                "fsync and synchronous_commit of PostgreSQL must be on to measure, not {durability}"
            )));
        }
        Ok(Self {
            cores: thread::available_parallelism().map_or(1, NonZero::get),
            cpu: cpu_model(),
            kernel: read("/proc/sys/kernel/osrelease"),
            postgresql: server.query("SHOW server_version")?,
        })
    }
}

/// The day after today, in UTC.
pub(crate) fn tomorrow() -> Date {
    #[expect(clippy::disallowed_methods, reason = "the bench's one look at the calendar")]
    let now = OffsetDateTime::now_utc();
    (now + time::Duration::DAY).date()
}

/// Microseconds since 1970, by the clock that services on this machine have, too.
pub(crate) fn micros() -> i64 {
    let now = clock_gettime(ClockId::Realtime);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

fn cpu_model() -> String {
    read("/proc/cpuinfo")
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == "model name")
        .map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, model)| model.trim().to_owned())
}

/// The text of a file of the kernel's; empty where there is none.
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

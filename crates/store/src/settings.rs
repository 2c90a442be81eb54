//! What an operator can set about PostgreSQL and the write path.

use std::{num::NonZeroUsize, time::Duration};

use clap::Args;

/// More connections than any PostgreSQL serves well.
const POOL_SIZE_MAX: usize = 1_000;

/// How PostgreSQL is reached, and how long it may take.
#[derive(Debug, Clone, Args)]
// clap names a group after the struct, and other crates have one of this name too.
#[group(skip)]
#[command(next_help_heading = "PostgreSQL")]
pub struct Settings {
    /// Where PostgreSQL is: postgres://USER:PASSWORD@HOST:PORT/NAME
    #[arg(id = "DATABASE_URL", long = "database-url", env, hide_env_values = true)]
    pub database_url: tokio_postgres::Config,
    /// Most connections of this process
    #[arg(id = "DATABASE_POOL_SIZE", long = "database-pool-size", env, default_value = "12", value_parser = pool_size)]
    pub database_pool_size: NonZeroUsize,
    /// Longest wait for a free connection, and for a new one, in milliseconds
    #[arg(id = "DATABASE_WAIT_MILLIS", long = "database-wait-millis", env, default_value = "2000", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub database_wait_millis: u64,
    /// Longest wait for another writer of the same shard, in milliseconds
    #[arg(id = "LOCK_TIMEOUT_MILLIS", long = "lock-timeout-millis", env, default_value = "2000", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub lock_timeout_millis: u64,
    /// Longest run of a statement, in milliseconds
    #[arg(id = "STATEMENT_TIMEOUT_MILLIS", long = "statement-timeout-millis", env, default_value = "5000", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub statement_timeout_millis: u64,
    /// How far a shard's clock may be off this process's before writes are refused, in seconds
    #[arg(id = "CLOCK_MAX_SKEW_SECONDS", long = "clock-max-skew-seconds", env, default_value = "600", value_parser = clap::value_parser!(i64).range(1..=86_400))]
    pub clock_max_skew_seconds: i64,
}

fn pool_size(text: &str) -> Result<NonZeroUsize, String> {
    let size = text.parse().ok().filter(|size: &NonZeroUsize| size.get() <= POOL_SIZE_MAX);
    size.ok_or_else(|| format!("must be a number from 1 to {POOL_SIZE_MAX}"))
}

impl Settings {
    /// [`Self::database_wait_millis`] as a duration.
    pub fn wait(&self) -> Duration {
        Duration::from_millis(self.database_wait_millis)
    }

    /// What contradicts itself, in a sentence.
    ///
    /// # Errors
    /// When a lock may be waited for longer than a statement may run.
    pub fn check(&self) -> Result<(), String> {
        if self.lock_timeout_millis > self.statement_timeout_millis {
            return Err(format!(
                "LOCK_TIMEOUT_MILLIS ({}) must not be above STATEMENT_TIMEOUT_MILLIS ({}): the wait would be cut short",
                self.lock_timeout_millis, self.statement_timeout_millis
            ));
        }
        Ok(())
    }
}

/// How writes are queued and batched, and what they are held to.
#[derive(Debug, Clone, Args)]
#[group(skip)]
#[command(next_help_heading = "Writes")]
pub struct LaneSettings {
    /// Most writes of one shard that wait in this process, half of them of events that are being settled; one more is answered
    /// 503 at once
    #[arg(id = "LANE_QUEUE", long = "lane-queue", env, default_value = "4096", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub lane_queue: u32,
    /// Longest wait that a new write of a shard can expect, by the rate of the last ones and by what its event has to settle
    /// first, in milliseconds; one that would wait for longer is answered 503 at once
    #[arg(id = "LANE_WAIT_MILLIS", long = "lane-wait-millis", env, default_value = "5000", value_parser = clap::value_parser!(u64).range(100..=60_000))]
    pub lane_wait_millis: u64,
    /// Most writes in one transaction
    #[arg(id = "LANE_BATCH", long = "lane-batch", env, default_value = "256", value_parser = clap::value_parser!(u32).range(2..=1_000))]
    pub lane_batch: u32,
    /// How long an open want may wait for its range to come free, in minutes
    #[arg(id = "GRACE_PERIOD_MINUTES", long = "grace-period-minutes", env, default_value = "15", value_parser = clap::value_parser!(i64).range(0..=525_600))]
    pub grace_period_minutes: i64,
    /// Most open wants of one resource; one more is refused
    #[arg(id = "OPEN_WANTS_PER_RESOURCE", long = "open-wants-per-resource", env, default_value = "5000", value_parser = clap::value_parser!(i32).range(1..=100_000))]
    pub open_wants_per_resource: i32,
    /// Most resources of one tenant; one more is refused
    #[arg(id = "RESOURCES_PER_TENANT", long = "resources-per-tenant", env, default_value = "20000", value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    pub resources_per_tenant: i64,
    /// How long units of an event are held that nobody says how long to hold, in minutes
    #[arg(id = "HOLD_MINUTES", long = "hold-minutes", env, default_value = "10", value_parser = clap::value_parser!(i64).range(1..=10_080))]
    pub hold_minutes: i64,
    /// How long units of an event may be held, extensions among them, in minutes
    #[arg(id = "HOLD_MAX_MINUTES", long = "hold-max-minutes", env, default_value = "120", value_parser = clap::value_parser!(i64).range(1..=10_080))]
    pub hold_max_minutes: i64,
    /// Most events of one tenant; one more is refused
    #[arg(id = "EVENTS_PER_TENANT", long = "events-per-tenant", env, default_value = "20000", value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    pub events_per_tenant: i64,
    /// Most users that wait in line for units of one event; one more is refused
    #[arg(id = "WAITLIST_PER_EVENT", long = "waitlist-per-event", env, default_value = "10000", value_parser = clap::value_parser!(i32).range(1..=100_000))]
    pub waitlist_per_event: i32,
}

impl LaneSettings {
    /// [`Self::lane_wait_millis`] as a duration.
    pub fn lane_wait(&self) -> Duration {
        Duration::from_millis(self.lane_wait_millis)
    }

    /// [`Self::grace_period_minutes`] as a duration.
    pub fn grace(&self) -> time::Duration {
        time::Duration::minutes(self.grace_period_minutes)
    }

    /// [`Self::hold_minutes`] as a duration.
    pub fn hold(&self) -> time::Duration {
        time::Duration::minutes(self.hold_minutes)
    }

    /// [`Self::hold_max_minutes`] as a duration.
    pub fn hold_max(&self) -> time::Duration {
        time::Duration::minutes(self.hold_max_minutes)
    }

    /// What contradicts itself, in a sentence.
    ///
    /// # Errors
    /// When units would be held for longer than they may.
    pub fn check(&self) -> Result<(), String> {
        if self.hold_minutes > self.hold_max_minutes {
            return Err(format!(
                "HOLD_MINUTES ({}) must not be above HOLD_MAX_MINUTES ({}): no hold could last so long",
                self.hold_minutes, self.hold_max_minutes
            ));
        }
        Ok(())
    }
}

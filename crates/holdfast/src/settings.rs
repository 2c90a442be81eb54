//! The commands and their settings.

use clap::{Args, Parser, Subcommand};
use holdfast_booking_api::ApiSettings;
use holdfast_domain::{DEFAULT_TENANT, EventId, Seq, Shard, TenantId};
use holdfast_runtime::{
    service::ProcessSettings,
    settings::{HttpSettings, bounded},
};
use holdfast_validator::ValidatorSettings;

use crate::{help, verify, watch};

#[derive(Debug, Parser)]
#[command(name = "holdfast", version, about = help::ABOUT, help_template = help::TEMPLATE, after_help = help::ALL)]
pub struct Holdfast {
    #[command(flatten)]
    pub process: ProcessSettings,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring the schema up to date
    #[command(after_long_help = help::MIGRATE)]
    Migrate(Box<MigrateSettings>),
    /// Serve everything in one process: API, sockets, decisions, relay
    #[command(after_long_help = help::RUN)]
    Run(Box<RunSettings>),
    /// See how a running system does: a line a second, or each change as it is written
    #[command(after_long_help = help::WATCH)]
    Watch(Box<WatchSettings>),
    /// Hold the log and the tables of a live system against the promises
    #[command(after_long_help = help::VERIFY)]
    Verify(Box<VerifySettings>),
    /// Tell of one event who came when, who got what, and who was served before whom
    #[command(after_long_help = help::FAIRNESS)]
    Fairness(Box<FairnessSettings>),
    /// Set right what a restore, or a clock that ran away, has left in disorder
    #[command(subcommand, after_long_help = help::RECOVER)]
    Recover(Box<Recover>),
    /// Serve the pages for people, with the API's document: where the services run on their own
    #[command(after_long_help = help::DOCS)]
    Docs(HttpSettings),
    /// Print the API's document, OpenAPI in JSON
    #[command(after_long_help = help::OPENAPI)]
    Openapi,
}

#[derive(Debug, Subcommand)]
pub enum Recover {
    /// Have every log go on far ahead, after PostgreSQL was restored from an older copy: before the services start
    ///
    /// Everybody is told to reload, once for each time that it is run: the log before is kept and shown in the history of its
    /// bookings, but no position in it can be gone on from. Needs PostgreSQL and Redis, and no service. Relays do the same by
    /// themselves, as soon as they see a stream that has more than its log; until then a client could miss what is written in
    /// the place of what it knows.
    Leap(LeapSettings),
    /// Set clocks back that are so far ahead of the server's that writes are refused (503 clock)
    ///
    /// Set the server's own clock right first.
    Clock(holdfast_store::Settings),
}

/// What `holdfast recover leap` takes.
#[derive(Debug, Args)]
pub struct LeapSettings {
    #[command(flatten)]
    pub database: holdfast_store::Settings,
    #[command(flatten)]
    pub streams: holdfast_stream::Settings,
    /// The streams in Redis are lost as well: don't ask how far they were told
    #[arg(long)]
    pub without_redis: bool,
}

/// What `holdfast run` takes.
#[derive(Debug, Clone, Args)]
pub struct RunSettings {
    #[command(flatten)]
    pub http: HttpSettings,
    #[command(flatten)]
    pub database: holdfast_store::Settings,
    #[command(flatten)]
    pub streams: holdfast_stream::Settings,
    #[command(flatten)]
    pub api: ApiSettings,
    #[command(flatten)]
    pub validator: ValidatorSettings,
    #[command(flatten)]
    pub sockets: holdfast_notifier::Settings,
    /// Print a first request to try, once everything serves
    #[arg(long)]
    pub greet: bool,
}

/// What `holdfast watch` takes.
#[derive(Debug, Args)]
pub struct WatchSettings {
    /// Tell each change as it is written, a line each, in place of the figures
    #[arg(long)]
    pub changes: bool,
    /// Begin after this position of one shard's log; without it, with what is written from now on
    #[arg(long, value_name = "SEQ", requires = "changes", value_parser = clap::value_parser!(i64).range(0..=Seq::BEYOND.0 - 1))]
    pub after: Option<i64>,
    /// Only changes of these shards: `--shard 3 --shard 17`; without it, of all
    #[arg(long, value_name = "NUMBER", requires = "changes", value_parser = shard)]
    pub shard: Vec<Shard>,
    /// Only changes of this tenant
    #[arg(long, value_name = "ID", requires = "changes", conflicts_with = "shard")]
    pub tenant: Option<TenantId>,
    /// Print JSON, an object a line, for programs
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub database: holdfast_store::Settings,
    #[command(flatten)]
    pub streams: holdfast_stream::Settings,
}

impl WatchSettings {
    /// Which changes are told; none when it is figures.
    pub fn scope(&self) -> Option<watch::Scope> {
        let after = self.after.map(Seq);
        self.changes.then(|| watch::Scope {
            shards: shards(self.tenant, &self.shard),
            after,
            tenant: self.tenant,
        })
    }

    fn check(&self) -> Result<(), String> {
        if self.after.is_some() && shards(self.tenant, &self.shard).len() > 1 {
            return Err(format!("--after {ONE_SHARD}"));
        }
        self.database.check()
    }
}

/// What `holdfast verify` takes.
#[derive(Debug, Args)]
pub struct VerifySettings {
    /// Only these shards: `--shard 3 --shard 17`; without it, all
    #[arg(long, value_name = "NUMBER", value_parser = shard)]
    pub shard: Vec<Shard>,
    /// Only the shard on which this tenant is
    #[arg(long, value_name = "ID", conflicts_with = "shard")]
    pub tenant: Option<TenantId>,
    /// Replay only what comes after this position of one shard's log
    #[arg(long, value_name = "SEQ", default_value = "0", value_parser = clap::value_parser!(i64).range(0..=Seq::BEYOND.0 - 1))]
    pub from: i64,
    /// Most finds that are printed; all are counted
    #[arg(long, value_name = "NUMBER", default_value = "100", value_parser = bounded(0..=1_000_000_usize))]
    pub finds_max: usize,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub database: holdfast_store::Settings,
}

impl VerifySettings {
    /// What is to be verified.
    pub fn scope(&self) -> verify::Scope {
        let shards = shards(self.tenant, &self.shard);
        verify::Scope { shards, from: Seq(self.from), finds_max: self.finds_max }
    }

    fn check(&self) -> Result<(), String> {
        if self.from > 0 && self.scope().shards.len() > 1 {
            return Err(format!("--from {ONE_SHARD}"));
        }
        self.database.check()
    }
}

/// What `holdfast fairness` takes.
#[derive(Debug, Args)]
pub struct FairnessSettings {
    /// Of which event: its id
    #[arg(value_name = "EVENT_ID")]
    pub event: EventId,
    /// Whose event it is; without it, that of open mode
    #[arg(long, value_name = "ID", default_value_t = DEFAULT_TENANT)]
    pub tenant: TenantId,
    /// Print JSON, one object, with each who came and each who got something
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub database: holdfast_store::Settings,
}

/// What a position is of.
const ONE_SHARD: &str = "is a position of one shard: name it with --shard or --tenant";

/// The shard of a tenant, or those that are named, or all.
fn shards(tenant: Option<TenantId>, named: &[Shard]) -> Vec<Shard> {
    match tenant {
        Some(tenant) => vec![Shard::of(tenant)],
        None if named.is_empty() => Shard::all().collect(),
        None => named.to_vec(),
    }
}

fn shard(text: &str) -> Result<Shard, String> {
    text.parse()
        .ok()
        .and_then(Shard::new)
        .ok_or_else(|| format!("must be a number from 0 to {}", Shard::COUNT - 1))
}

impl RunSettings {
    /// Whether the log is kept for longer than a want may wait: when a range was asked for must be known while it is wanted.
    fn keeps_open_wants(&self) -> Result<(), String> {
        let (days, minutes) = (self.validator.changes_keep_days, self.api.lanes.grace_period_minutes);
        match days {
            Some(days) if days * 24 * 60 <= minutes => Err(format!(
                "CHANGES_KEEP_DAYS ({days}) must be longer than GRACE_PERIOD_MINUTES ({minutes}), or the log forgets wants \
                 that are still open"
            )),
            _ => Ok(()),
        }
    }
}

/// What `holdfast migrate` takes.
#[derive(Debug, Args)]
pub struct MigrateSettings {
    #[command(flatten)]
    pub database: holdfast_store::Settings,
    /// IANA time zone of the default venue, when it is made
    #[arg(id = "DEFAULT_TIME_ZONE", long = "default-time-zone", env, default_value = "UTC")]
    pub default_time_zone: String,
}

impl holdfast_runtime::service::Settings for Holdfast {
    fn process(&self) -> &ProcessSettings {
        &self.process
    }

    fn check(&self) -> Result<(), String> {
        match &self.command {
            Command::Run(settings) => {
                settings.http.check()?;
                settings.sockets.check(&settings.http)?;
                let (shutdown, database) = (&self.process.shutdown, &settings.database);
                shutdown.outlasts("STATEMENT_TIMEOUT_MILLIS", database.statement_timeout_millis)?;
                shutdown.outlasts("LANE_WAIT_MILLIS", settings.api.lanes.lane_wait_millis)?;
                settings.keeps_open_wants()?;
                settings.api.lanes.check()?;
                database.check()
            }
            Command::Migrate(settings) => settings.database.check(),
            Command::Recover(recover) => match &**recover {
                Recover::Leap(settings) => settings.database.check(),
                Recover::Clock(settings) => settings.check(),
            },
            Command::Docs(settings) => settings.check(),
            Command::Watch(settings) => settings.check(),
            Command::Verify(settings) => settings.check(),
            Command::Fairness(settings) => settings.database.check(),
            Command::Openapi => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

//! An installation of one's own: a database, a prefix in Redis, and the settings that make processes part of it.

use std::{path::Path, process::ExitStatus};

use holdfast_domain::audit::Report;
use holdfast_testkit::{TestDatabase, eventually, postgres::PostgresServer, redis::TestRedis, shard};
use tokio::process::Command;

use crate::{Binary, Ledger, Log, Process, stream};

/// The servers of a test. Its processes must be dropped before it.
pub struct House {
    /// PostgreSQL.
    pub database: TestDatabase,
    redis_url: String,
    prefix: String,
    /// Unless the test has a server of its own.
    redis: Option<TestRedis>,
}

impl House {
    /// With a prefix of its own in the shared Redis.
    pub async fn new() -> Self {
        let redis = TestRedis::new();
        let (redis_url, prefix) = (redis.url.clone(), redis.prefix.clone());
        Self { database: TestDatabase::new().await, redis_url, prefix, redis: Some(redis) }
    }

    /// With the Redis at this address, or none, if none is there.
    pub async fn with_redis_at(url: &str) -> Self {
        let (redis_url, prefix) = (url.to_owned(), "test".to_owned());
        Self { database: TestDatabase::new().await, redis_url, prefix, redis: None }
    }

    /// On a PostgreSQL that the test may stop.
    pub async fn on(server: &PostgresServer) -> Self {
        let redis = TestRedis::new();
        let (redis_url, prefix) = (redis.url.clone(), redis.prefix.clone());
        Self { database: TestDatabase::on(server).await, redis_url, prefix, redis: Some(redis) }
    }

    /// Starts a process of it.
    pub async fn start(&self, binary: Binary) -> Process {
        self.start_with(binary, &[]).await
    }

    /// Runs a command of it to its end.
    ///
    /// # Panics
    /// When it can't be run.
    pub async fn command(&self, binary: Binary, arguments: &[&str]) -> ExitStatus {
        let mut command = Command::new(binary.path());
        command.args(arguments).env_clear().envs(self.servers()).kill_on_drop(true);
        command.status().await.expect("a command that runs")
    }

    /// Where its servers are.
    pub fn servers(&self) -> [(&'static str, String); 3] {
        let (url, prefix) = (self.redis_url.clone(), self.prefix.clone());
        [("DATABASE_URL", self.database.url()), ("REDIS_URL", url), ("REDIS_PREFIX", prefix)]
    }

    /// Starts a process of it with these settings besides.
    pub async fn start_with(&self, binary: Binary, settings: &[(&str, &str)]) -> Process {
        let servers = self.servers();
        let mut all: Vec<(&str, &str)> =
            servers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        all.extend([
            // Several processes of several tests share a server and two cores: patience, and few connections.
            ("DATABASE_POOL_SIZE", "6"),
            ("DATABASE_WAIT_MILLIS", "10000"),
            ("LOCK_TIMEOUT_MILLIS", "10000"),
            ("STATEMENT_TIMEOUT_MILLIS", "20000"),
        ]);
        all.extend(settings);
        Process::start(binary, &all).await
    }

    /// Starts a process, and waits until it is ready.
    pub async fn ready(&self, binary: Binary) -> Process {
        let process = self.start(binary).await;
        process.until("ready").await;
        process
    }

    /// Waits until this many more wants have been decided.
    ///
    /// # Panics
    /// When they are not.
    pub async fn until_decided(&self, more: usize) {
        let client = self.database.client().await;
        let decided = async || -> i64 {
            let count =
                "SELECT count(*) FROM changes WHERE type IN ('booking_validated', 'booking_rejected')";
            client.query_one(count, &[]).await.unwrap().get(0)
        };
        let enough = decided().await + i64::try_from(more).unwrap();
        eventually("more is decided", async || (decided().await >= enough).then_some(())).await;
    }

    /// The seqs of the default tenant's stream, in its order.
    ///
    /// # Panics
    /// When the test has a server of its own.
    pub fn stream_seqs(&self) -> Vec<i64> {
        stream::seqs(self.redis.as_ref().expect("a prefix in the shared Redis"))
    }

    /// Loses all that is in Redis.
    ///
    /// # Panics
    /// When the test has a server of its own.
    pub fn lose_streams(&self) {
        self.redis.as_ref().expect("a prefix in the shared Redis").lose();
    }

    /// Waits until the validators are at rest, and judges what they did by the log alone.
    ///
    /// # Panics
    /// When a promise was broken.
    pub async fn at_rest(&self) -> (Log, Report) {
        let log = Log::at_rest(&self.database).await;
        let report = self.database.replay(shard()).await;
        assert_eq!(report.faults, Vec::<String>::new());
        let Report { changes, grants, rejections, checks, .. } = report;
        eprintln!("{changes} changes, {grants} grants, {rejections} rejections: {checks} checks");
        (log, report)
    }

    /// The same, and what clients were told besides.
    ///
    /// # Panics
    /// When a promise was broken, or the log contradicts an answer.
    pub async fn judge(&self, ledger: &Ledger) -> (Log, Report) {
        let judged = self.at_rest().await;
        eprintln!("{} answers agree with the log", ledger.agrees_with(&judged.0));
        judged
    }
}

/// The workspace's root.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

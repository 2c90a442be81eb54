//! A PostgreSQL and a Redis for a run, and what becomes of them.

use holdfast_testkit::{
    postgres::PostgresServer,
    redis::{Dump, RedisServer},
};
use tokio::task::block_in_place;

use super::fault::{Outage, Server};

/// Both. Their calls wait for processes, so each gives its thread away meanwhile.
pub(super) struct Servers {
    pub(super) postgres: PostgresServer,
    pub(super) redis: RedisServer,
    /// What Redis held some time ago.
    old: Option<Dump>,
}

impl Servers {
    /// Starts both.
    pub(super) fn start() -> Self {
        let (postgres, redis) = block_in_place(|| (PostgresServer::start(), RedisServer::start()));
        Self { postgres, redis, old: None }
    }

    /// Keeps what Redis holds now, for later.
    pub(super) fn keep_dump(&mut self) {
        self.old = Some(block_in_place(|| self.redis.dump()));
    }

    /// Has one of them fail.
    pub(super) fn fail(&mut self, server: Server, outage: Outage) {
        block_in_place(|| match (server, outage) {
            (Server::Postgres, Outage::Fast) => self.postgres.stop_fast(),
            (Server::Postgres, Outage::Immediate) => self.postgres.stop_immediate(),
            (Server::Postgres, Outage::Pause) => self.postgres.pause(),
            (Server::Postgres, _) => self.postgres.kill(),
            (Server::Redis, Outage::Flush) => self.redis.flush(),
            (Server::Redis, Outage::Pause) => self.redis.pause(),
            (Server::Redis, _) => self.redis.kill(),
        });
    }

    /// Has it come back.
    pub(super) fn recover(&mut self, server: Server, outage: Outage) {
        block_in_place(|| match (server, outage) {
            (Server::Postgres, Outage::Pause) => self.postgres.resume(),
            (Server::Postgres, _) => self.postgres.restart(),
            (Server::Redis, Outage::Flush) => {}
            (Server::Redis, Outage::Pause) => self.redis.resume(),
            (Server::Redis, Outage::Old) if let Some(dump) = &self.old => self.redis.restart_from(dump),
            (Server::Redis, _) => self.redis.restart(),
        });
    }
}

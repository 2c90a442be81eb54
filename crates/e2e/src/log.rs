//! The log as a test reads it: whole, and straight from PostgreSQL.

use std::collections::HashMap;

use holdfast_domain::{
    Booking, BookingId, Change, Seq,
    audit::{Replay, Report},
};
use holdfast_testkit::{TestDatabase, eventually, now, shard};

/// Most changes of a page.
const PAGE: i64 = 5_000;

/// The default tenant's log.
#[derive(Debug, Default)]
pub struct Log(Vec<Change>);

impl From<Vec<Change>> for Log {
    fn from(changes: Vec<Change>) -> Self {
        Self(changes)
    }
}

impl Log {
    /// The log as it is now.
    ///
    /// # Panics
    /// When it can't be read.
    pub async fn read(database: &TestDatabase) -> Self {
        let mut log = Self::default();
        log.read_on(&database.database()).await;
        log
    }

    /// The log as soon as the validators can be at rest: no open want fits, and none is due.
    ///
    /// # Panics
    /// When that does not come about.
    pub async fn at_rest(test: &TestDatabase) -> Self {
        let database = test.database();
        let mut log = Self::default();
        eventually("the validators come to rest", async || {
            log.read_on(&database).await;
            log.is_at_rest().then_some(())
        })
        .await;
        log
    }

    /// Its changes, in order.
    pub fn changes(&self) -> &[Change] {
        &self.0
    }

    /// Where it ends.
    pub fn end(&self) -> Seq {
        self.0.last().map(|change| change.seq).unwrap_or_default()
    }

    /// The judge's report on it.
    pub fn replay(&self) -> Report {
        let mut replay = Replay::default();
        self.0.iter().for_each(|change| replay.step(change));
        replay.finish()
    }

    async fn read_on(&mut self, database: &holdfast_store::Database) {
        let mut is_full = true;
        while is_full {
            let page = database.log_after(shard(), self.end(), PAGE).await.unwrap();
            is_full = i64::try_from(page.len()).unwrap() == PAGE;
            self.0.extend(page.iter().map(|change| change.parse().unwrap()));
        }
    }

    fn is_at_rest(&self) -> bool {
        let mut bookings: HashMap<BookingId, &Booking> = HashMap::new();
        bookings.extend(self.0.iter().filter_map(|change| change.fact.booking()).map(|b| (b.id, b)));
        let now = now();
        let none_is_due = bookings.values().all(|b| b.claim.decide_by().is_none_or(|by| by > now));
        none_is_due && !self.replay().faults.iter().any(|fault| fault.starts_with("P4: at rest"))
    }
}

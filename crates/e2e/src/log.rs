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
        let mut log = Self::read(test).await;
        // Ends: with no client at work, each open want makes it grow once at most.
        loop {
            let (end, none_fits) = (log.end(), log.none_fits());
            eventually("the validators go on, or come to rest", async || {
                log.read_on(&database).await;
                (log.end() > end || none_fits && log.none_is_due()).then_some(())
            })
            .await;
            if log.end() == end {
                return log;
            }
        }
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

    fn none_fits(&self) -> bool {
        !self.replay().faults.iter().any(|fault| fault.starts_with("P4: at rest"))
    }

    fn none_is_due(&self) -> bool {
        let mut bookings: HashMap<BookingId, &Booking> = HashMap::new();
        bookings.extend(self.0.iter().filter_map(|change| change.fact.booking()).map(|b| (b.id, b)));
        let now = now();
        bookings.values().all(|booking| booking.claim.decide_by().is_none_or(|by| by > now))
    }
}

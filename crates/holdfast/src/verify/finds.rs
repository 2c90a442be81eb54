//! What a verification found, and how much it looked at. Never prints.

use std::ops::AddAssign;

use holdfast_domain::{Seq, Shard, audit};
use serde::Serialize;

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Promise {
    /// The log itself.
    #[serde(rename = "log")]
    Log,
    /// Nobody holds what another holds.
    P1,
    /// The tables have what the log tells, and the log what the tables have.
    P2,
    /// First come, first served.
    P4,
    /// No more is taken than there is, and a hold ends at its end.
    P5,
    /// Nobody in line is passed over, and each gets what they waited for.
    #[serde(rename = "waitlist")]
    Waitlist,
}

impl Promise {
    /// In the order in which they are told.
    pub const ALL: [Self; 6] = [Self::Log, Self::P1, Self::P2, Self::P4, Self::P5, Self::Waitlist];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P4 => "P4",
            Self::P5 => "P5",
            Self::Waitlist => "waitlist",
        }
    }

    /// What it says.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Log => {
                "every position is there, in order of time, and each change follows from the one before"
            }
            Self::P1 => "no two bookings hold the same time of one resource",
            Self::P2 => "the tables have what the log says, and the log has what the tables have",
            Self::P4 => "first come, first served; nobody is rejected too soon, or though there was room",
            Self::P5 => {
                "held plus confirmed never exceeds capacity; a hold ends at its end; taken and free make the capacity"
            }
            Self::Waitlist => {
                "who is first in line, of those whose request fits, gets what comes back; nobody slips in"
            }
        }
    }
}

impl From<audit::Rule> for Promise {
    fn from(rule: audit::Rule) -> Self {
        match rule {
            audit::Rule::Log => Self::Log,
            audit::Rule::P1 => Self::P1,
            audit::Rule::P4 => Self::P4,
            audit::Rule::P5 => Self::P5,
            audit::Rule::Waitlist => Self::Waitlist,
        }
    }
}

/// Where a promise was broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Find {
    /// Which.
    pub promise: Promise,
    /// In which shard's log; none, when it is about all of them.
    pub shard: Option<i16>,
    /// At which position.
    pub seq: Option<Seq>,
    /// What it is about, as in `booking 0190…`.
    pub object: Option<String>,
    /// What is wrong.
    pub what: String,
}

/// A number for each promise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Each {
    log: u64,
    #[serde(rename = "P1")]
    p1: u64,
    #[serde(rename = "P2")]
    p2: u64,
    #[serde(rename = "P4")]
    p4: u64,
    #[serde(rename = "P5")]
    p5: u64,
    waitlist: u64,
}

impl Each {
    /// That of one.
    pub const fn of(&self, promise: Promise) -> u64 {
        match promise {
            Promise::Log => self.log,
            Promise::P1 => self.p1,
            Promise::P2 => self.p2,
            Promise::P4 => self.p4,
            Promise::P5 => self.p5,
            Promise::Waitlist => self.waitlist,
        }
    }

    /// All together.
    pub fn total(&self) -> u64 {
        Promise::ALL.iter().map(|promise| self.of(*promise)).sum()
    }

    fn add(&mut self, promise: Promise, count: u64) {
        match promise {
            Promise::Log => self.log += count,
            Promise::P1 => self.p1 += count,
            Promise::P2 => self.p2 += count,
            Promise::P4 => self.p4 += count,
            Promise::P5 => self.p5 += count,
            Promise::Waitlist => self.waitlist += count,
        }
    }
}

impl AddAssign for Each {
    fn add_assign(&mut self, other: Self) {
        for promise in Promise::ALL {
            self.add(promise, other.of(promise));
        }
    }
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Shards.
    pub shards: u64,
    /// Those of them that have a log.
    pub shards_with_changes: u64,
    /// Changes read.
    pub changes: u64,
    /// Grants among them.
    pub grants: u64,
    /// Rejections among them.
    pub rejections: u64,
    /// Holds among them.
    pub holds: u64,
    /// Confirmations among them.
    pub confirmations: u64,
    /// Holds among them that were made for who stood in line.
    pub offers: u64,
    /// Rows read, by table.
    pub bookings: u64,
    /// The same.
    pub resources: u64,
    /// The same.
    pub venues: u64,
    /// The same.
    pub events: u64,
    /// The same.
    pub reservations: u64,
    /// The same.
    pub waitlist_entries: u64,
    /// How often something was held against each promise.
    pub checks: Each,
    /// Bookings, events, reservations and places in line that begin before what was read of the log.
    pub begun_before: u64,
    /// Objects of which the log has nothing, since it was pruned.
    pub untold: u64,
    /// What could not be held against a promise, because it hangs on what was pruned.
    pub unjudged: u64,
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.shards += other.shards;
        self.shards_with_changes += other.shards_with_changes;
        self.changes += other.changes;
        self.grants += other.grants;
        self.rejections += other.rejections;
        self.holds += other.holds;
        self.confirmations += other.confirmations;
        self.offers += other.offers;
        self.bookings += other.bookings;
        self.resources += other.resources;
        self.venues += other.venues;
        self.events += other.events;
        self.reservations += other.reservations;
        self.waitlist_entries += other.waitlist_entries;
        self.checks += other.checks;
        self.begun_before += other.begun_before;
        self.untold += other.untold;
        self.unjudged += other.unjudged;
    }
}

/// What was found: each is counted, the first of them are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// How much was looked at.
    pub figures: Figures,
    /// How many finds there are.
    pub found: Each,
    /// The first of them.
    pub finds: Vec<Find>,
    #[serde(skip)]
    finds_max: usize,
}

impl Verdict {
    /// One that keeps so many finds.
    pub fn keeping(finds_max: usize) -> Self {
        Self { finds_max, ..Self::default() }
    }

    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.found.total() == 0
    }

    /// Something was found.
    pub fn find(&mut self, find: Find) {
        self.found.add(find.promise, 1);
        if self.finds.len() < self.finds_max {
            self.finds.push(find);
        }
    }

    /// Holds something against a promise.
    pub fn check(&mut self, promise: Promise, holds: bool, find: impl FnOnce() -> Find) {
        self.checked(promise, 1);
        if !holds {
            self.find(find());
        }
    }

    /// So much was held against a promise.
    pub fn checked(&mut self, promise: Promise, count: u64) {
        self.figures.checks.add(promise, count);
    }

    /// What was found in one shard, besides.
    pub fn add(&mut self, other: Self) {
        self.figures += other.figures;
        self.found += other.found;
        let room = self.finds_max - self.finds.len();
        self.finds.extend(other.finds.into_iter().take(room));
    }
}

/// Where in a shard finds are made.
#[derive(Debug, Clone, Copy)]
pub struct At(pub Shard);

impl At {
    /// A find about the shard's log.
    pub fn log(self, seq: Option<Seq>, what: impl Into<String>) -> Find {
        self.find(Promise::Log, seq, None, what)
    }

    /// A find of any kind.
    pub fn find(
        self,
        promise: Promise,
        seq: Option<Seq>,
        object: Option<String>,
        what: impl Into<String>,
    ) -> Find {
        Find { promise, shard: Some(self.0.number()), seq, object, what: what.into() }
    }
}

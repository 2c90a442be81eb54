//! Somebody who books: asks for slots, moves what is asked for, and gives it up.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use holdfast_domain::{BookingId, TimeRange};
use holdfast_testkit::hours;
use serde_json::Value;

use super::{asker::Asker, history::Asked};

/// What there is to book: little, so that most wants overlap others.
pub const RESOURCES: u64 = 3;
const HOURS: i64 = 24;
const LONGEST_HOURS: i64 = 4;

/// Bookings that a user keeps; then the oldest makes room for those who wait.
const BOOKINGS_KEPT: usize = 4;

/// Somebody who books.
pub(super) struct User {
    asker: Asker,
    held: VecDeque<BookingId>,
}

impl User {
    pub(super) fn new(asker: Asker) -> Self {
        Self { asker, held: VecDeque::new() }
    }

    /// Books, moves and gives up until told to stop, one after the other.
    pub(super) async fn work(mut self, is_over: Arc<AtomicBool>) {
        while !is_over.load(Ordering::Relaxed) {
            self.act().await;
            self.asker.think(40).await;
        }
    }

    /// Books something of this resource; gives the answer's body, if it was made.
    pub(super) async fn book(&mut self, resource: &str) -> Option<Value> {
        let (range, title) = (self.range(), self.asker.title());
        let last = self.asker.perform(Asked::Create { resource: resource.to_owned(), range, title }).await?;
        let id = serde_json::from_value(last.body["id"].clone()).ok()?;
        self.held.push_back(id);
        Some(last.body)
    }

    async fn act(&mut self) {
        let turn = self.asker.random.below(10);
        if self.held.len() > BOOKINGS_KEPT {
            let booking = self.held.pop_front().expect("it holds some");
            self.asker.perform(Asked::Cancel { booking }).await;
        } else if turn < 3 && !self.held.is_empty() {
            let place = self.asker.one_of(self.held.len());
            let (booking, range, title) = (self.held[place], self.range(), self.asker.title());
            if self.asker.perform(Asked::Move { booking, range, title }).await.is_none() {
                // Rejected meanwhile, as a rule.
                self.held.remove(place);
            }
        } else {
            let resource = format!("Raum{}", self.asker.random.below(RESOURCES));
            self.book(&resource).await;
        }
    }

    fn range(&mut self) -> TimeRange {
        let from = self.asker.random.hours(HOURS);
        hours(from, from + 1 + self.asker.random.hours(LONGEST_HOURS))
    }
}

//! A client that does what a careful client does: each write has a key, and is sent again with it, to the other API, until
//! it is answered for good.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use holdfast_domain::{BookingId, TimeRange};
use holdfast_testkit::{Random, hours};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    doors::{Doors, Who},
    history::{Asked, Try},
    journal::History,
};
use crate::{Client, Told, client::times};

/// What there is to book: little, so that most wants overlap others.
pub const RESOURCES: u64 = 3;
const HOURS: i64 = 24;
const LONGEST_HOURS: i64 = 4;

/// Bookings that a user keeps; then the oldest makes room for those who wait.
const BOOKINGS_KEPT: usize = 4;

/// One in so many writes is sent to both APIs at once, and one in so many once more after its answer.
const ONE_IN: u64 = 8;

/// How long a user goes on trying: far longer than any fault lasts.
const TRY_FOR: Duration = Duration::from_mins(2);

/// Somebody who books.
pub(super) struct User {
    name: String,
    random: Random,
    client: Client,
    doors: Arc<Doors>,
    history: Arc<History>,
    held: VecDeque<BookingId>,
}

impl User {
    pub(super) fn new(name: &str, seed: u64, doors: &Arc<Doors>, history: &Arc<History>) -> Self {
        let client = Client::new(([127, 0, 0, 1], 0).into()).user(name);
        Self {
            name: name.to_owned(),
            random: Random::seeded(seed),
            client,
            doors: Arc::clone(doors),
            history: Arc::clone(history),
            held: VecDeque::new(),
        }
    }

    /// Books, moves and gives up until told to stop, one after the other.
    pub(super) async fn work(mut self, is_over: Arc<AtomicBool>) {
        while !is_over.load(Ordering::Relaxed) {
            self.act().await;
            self.think(40).await;
        }
    }

    /// Books something of this resource; gives the answer's body, if it was made.
    pub(super) async fn book(&mut self, resource: &str) -> Option<Value> {
        let (range, title) = (self.range(), self.title());
        let last = self.perform(Asked::Create { resource: resource.to_owned(), range, title }).await?;
        let id = serde_json::from_value(last.body["id"].clone()).ok()?;
        self.held.push_back(id);
        Some(last.body)
    }

    async fn act(&mut self) {
        let turn = self.random.below(10);
        if self.held.len() > BOOKINGS_KEPT {
            let booking = self.held.pop_front().expect("it holds some");
            self.perform(Asked::Cancel { booking }).await;
        } else if turn < 3 && !self.held.is_empty() {
            let place = self.random.below(self.held.len() as u64);
            let place = usize::try_from(place).expect("a few");
            let (booking, range, title) = (self.held[place], self.range(), self.title());
            if self.perform(Asked::Move { booking, range, title }).await.is_none() {
                // Rejected meanwhile, as a rule.
                self.held.remove(place);
            }
        } else {
            let resource = format!("Raum{}", self.random.below(RESOURCES));
            self.book(&resource).await;
        }
    }

    /// Has it done, whatever it takes; gives the answer, if it was.
    async fn perform(&mut self, asked: Asked) -> Option<Try> {
        let operation = self.history.wanted(&self.name, asked.clone());
        let mut api = usize::from(self.random.below(2) == 1);
        let mut last = None;
        if self.random.below(ONE_IN) == 0 {
            let both = [0, 1].map(|api| self.send(operation, api, &asked));
            last = futures_util::future::join_all(both).await.into_iter().flatten().find(is_final);
        }
        let began = Instant::now();
        while last.is_none() && began.elapsed() < TRY_FOR {
            last = self.send(operation, api, &asked).await.filter(is_final);
            if last.is_none() {
                self.think(100).await;
            }
            api = 1 - api;
        }
        if self.random.below(ONE_IN) == 0 {
            self.send(operation, api, &asked).await;
        }
        last.filter(|last| last.told == Told::Done)
    }

    /// Sends it once, if that process is up.
    async fn send(&self, operation: usize, api: usize, asked: &Asked) -> Option<Try> {
        let address = self.doors.of(Who::api(api))?;
        let (number, key, request_id) = self.history.sent(operation, api);
        let client = self.client.at(address).request_id(&request_id).header("Idempotency-Key", &key);
        let answer = match asked {
            Asked::Create { resource, range, title } => {
                let mut body = wanted(*range, title);
                body["resource"] = resource.as_str().into();
                client.post("/api/v1/bookings", &body).await
            }
            Asked::Move { booking, range, title } => {
                client.put(&format!("/api/v1/bookings/{booking}"), &wanted(*range, title)).await
            }
            Asked::Cancel { booking } => client.delete(&format!("/api/v1/bookings/{booking}")).await,
        };
        Some(self.history.answered(operation, number, answer))
    }

    fn range(&mut self) -> TimeRange {
        let from = self.random.hours(HOURS);
        hours(from, from + 1 + self.random.hours(LONGEST_HOURS))
    }

    /// One that no other write has, so that each changes something.
    fn title(&mut self) -> String {
        format!("{} {}", self.name, self.random.below(u64::MAX))
    }

    /// What people do between two requests.
    async fn think(&mut self, millis: u64) {
        sleep(Duration::from_millis(millis / 2 + self.random.below(millis))).await;
    }
}

/// Whether there is no use in asking again.
fn is_final(attempt: &Try) -> bool {
    match attempt.told {
        Told::Done => true,
        Told::Refused => attempt.status != 503,
        Told::Nothing => false,
    }
}

fn wanted(range: TimeRange, title: &str) -> Value {
    let mut body = times(range);
    body["title"] = title.into();
    body
}

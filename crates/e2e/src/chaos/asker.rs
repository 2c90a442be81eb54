//! A client that does what a careful client does: each write has a key, and is sent again with it, to the other API, until
//! it is answered for good.

use std::{sync::Arc, time::Duration};

use holdfast_testkit::Random;
use tokio::time::{Instant, sleep};

use super::{
    doors::{Doors, Who},
    history::{Asked, Try},
    journal::History,
    request::Request,
};
use crate::{Client, Told};

/// One in so many writes is sent to both APIs at once, and one in so many once more after its answer.
const ONE_IN: u64 = 8;

/// How long it goes on trying: far longer than any fault lasts.
const TRY_FOR: Duration = Duration::from_mins(2);

/// Somebody who wants writes done, whatever they are.
pub(super) struct Asker {
    pub(super) name: String,
    pub(super) random: Random,
    client: Client,
    doors: Arc<Doors>,
    history: Arc<History>,
}

impl Asker {
    pub(super) fn new(name: &str, seed: u64, doors: &Arc<Doors>, history: &Arc<History>) -> Self {
        let client = Client::new(([127, 0, 0, 1], 0).into()).user(name);
        Self {
            name: name.to_owned(),
            random: Random::seeded(seed),
            client,
            doors: Arc::clone(doors),
            history: Arc::clone(history),
        }
    }

    /// Has it done, whatever it takes; gives the answer, if it was.
    pub(super) async fn perform(&mut self, asked: Asked) -> Option<Try> {
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
        let client = self.client.at(address).request_id(&request_id);
        let client = if asked.has_key_in_body() { client } else { client.header("Idempotency-Key", &key) };
        let answer = match asked.request(&key) {
            Request::Post(path, body) => client.post(&path, &body).await,
            Request::Put(path, body) => client.put(&path, &body).await,
            Request::Delete(path) => client.delete(&path).await,
        };
        Some(self.history.answered(operation, number, answer))
    }

    /// A title that no other write has, so that each changes something.
    pub(super) fn title(&mut self) -> String {
        format!("{} {}", self.name, self.random.below(u64::MAX))
    }

    /// One of so many.
    pub(super) fn one_of(&mut self, count: usize) -> usize {
        usize::try_from(self.random.below(count as u64)).expect("less than a usize")
    }

    /// What people do between two requests.
    pub(super) async fn think(&mut self, millis: u64) {
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

//! The history of a run, as it is written: by all clients and subscribers at once. Nothing here judges.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{sync::watch, time::Instant};

use super::history::{Asked, Feed, Heard, Operation, Try};
use crate::{Answer, Told};

/// The history of a run, written by all of its clients.
#[derive(Debug)]
pub struct History {
    began: Instant,
    acknowledged: watch::Sender<usize>,
    operations: Mutex<Vec<Operation>>,
    feeds: Mutex<Vec<Feed>>,
    /// Each text once, however many heard it.
    texts: Mutex<HashSet<Arc<str>>>,
}

impl Default for History {
    fn default() -> Self {
        let (acknowledged, operations, feeds, texts) = Default::default();
        Self { began: Instant::now(), acknowledged, operations, feeds, texts }
    }
}

impl History {
    /// Notes that somebody wants a write; gives its number.
    pub fn wanted(&self, user: &str, asked: Asked) -> usize {
        let mut operations = locked(&self.operations);
        let key = format!("{user}-{}", operations.len());
        operations.push(Operation { user: user.to_owned(), key, asked, tries: Vec::new() });
        operations.len() - 1
    }

    /// Notes that it is about to be sent; gives the number of the try, the key, and the id that it is to have.
    pub fn sent(&self, operation: usize, api: usize) -> (usize, String, String) {
        let asked_at = self.began.elapsed();
        let operation = &mut locked(&self.operations)[operation];
        let number = operation.tries.len();
        let (key, request_id) = (operation.key.clone(), format!("{}.{number}", operation.key));
        operation.tries.push(Try {
            request_id: request_id.clone(),
            api,
            asked_at,
            told_at: None,
            told: Told::Nothing,
            status: 0,
            body: Value::Null,
            is_replay: false,
        });
        (number, key, request_id)
    }

    /// Notes what came of a try; gives it back as it is now.
    pub fn answered(&self, operation: usize, number: usize, answer: reqwest::Result<Answer>) -> Try {
        let told_at = Some(self.began.elapsed());
        let mut operations = locked(&self.operations);
        let operation = &mut operations[operation];
        let is_first = !operation.is_acknowledged();
        let attempt = &mut operation.tries[number];
        attempt.told_at = told_at;
        // A 500 says nothing of what happened, and is a fault that the check finds.
        let is_defect = answer.as_ref().is_ok_and(|answer| answer.status == 500);
        attempt.told = if is_defect { Told::Nothing } else { Told::by(&answer) };
        match answer {
            Ok(answer) => {
                attempt.status = answer.status;
                attempt.is_replay = answer.headers.get("idempotency-replayed").is_some();
                attempt.body = answer.body;
            }
            Err(error) => attempt.body = format!("{error:?}").into(),
        }
        if is_first && attempt.told == Told::Done {
            self.acknowledged.send_modify(|count| *count += 1);
        }
        attempt.clone()
    }

    /// How long it has been going on.
    pub fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Takes in a subscriber, who has heard nothing; gives their number.
    pub fn listens(&self, feed: Feed) -> usize {
        let mut feeds = locked(&self.feeds);
        feeds.push(feed);
        feeds.len() - 1
    }

    /// Notes what a subscriber hears.
    pub fn hears(&self, feed: usize, heard: Heard) {
        locked(&self.feeds)[feed].heard.push(heard);
    }

    /// The one copy of a text.
    pub fn text(&self, text: &str) -> Arc<str> {
        let mut texts = locked(&self.texts);
        texts.get(text).cloned().unwrap_or_else(|| {
            let text: Arc<str> = text.into();
            texts.insert(Arc::clone(&text));
            text
        })
    }

    /// How many writes are acknowledged, as it grows.
    pub fn acknowledged(&self) -> watch::Receiver<usize> {
        self.acknowledged.subscribe()
    }

    /// All writes that were wanted so far.
    pub fn operations(&self) -> Vec<Operation> {
        locked(&self.operations).clone()
    }

    /// All that was heard so far.
    pub fn feeds(&self) -> Vec<Feed> {
        locked(&self.feeds).clone()
    }
}

/// One line for each operation, try, and thing heard.
impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Operation { key, asked, tries, .. } in &*locked(&self.operations) {
            writeln!(f, "{key} {asked:?}")?;
            for attempt in tries {
                writeln!(f, "  {attempt:?}")?;
            }
        }
        for Feed { name, heard, .. } in &*locked(&self.feeds) {
            for heard in heard {
                writeln!(f, "{name} {heard:?}")?;
            }
        }
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

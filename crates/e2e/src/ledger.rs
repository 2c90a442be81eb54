//! What clients were told, held against the log: the one place that says what an answer promises.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use holdfast_domain::{BookingId, Change, Fact};
use serde_json::Value;

use crate::{Answer, Log};

/// What an answer, or the lack of one, says of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It happened.
    Done,
    /// Nothing happened.
    Refused,
    /// Nothing at all: the connection broke, or the outcome is unknown.
    Nothing,
}

impl Told {
    /// What `answer` says.
    ///
    /// # Panics
    /// When it says 500.
    pub fn by(answer: &reqwest::Result<Answer>) -> Self {
        match answer {
            Ok(answer) if (200..300).contains(&answer.status) => Self::Done,
            Ok(answer) if answer.body["code"] == "outcome_unknown" => Self::Nothing,
            Ok(answer) if answer.status == 500 => panic!("a defect: {answer:?}"),
            Ok(_) => Self::Refused,
            Err(_) => Self::Nothing,
        }
    }
}

/// A write that was asked for.
#[derive(Debug)]
struct Write {
    request_id: String,
    /// Of a create, only when it was answered; of a cancel, always.
    booking: Option<BookingId>,
    is_cancel: bool,
    told: Told,
}

/// All the writes of a test.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Vec<Write>>);

impl Ledger {
    /// Notes a create; gives the booking's id when it was told.
    pub fn created(&self, request_id: &str, answer: &reqwest::Result<Answer>) -> Option<BookingId> {
        let told = Told::by(answer);
        let id = answer.as_ref().ok().filter(|_| told == Told::Done).map(|answer| answer.body["id"].clone());
        let booking = id.map(|id: Value| serde_json::from_value(id).expect("a created booking has an id"));
        self.note(Write { request_id: request_id.to_owned(), booking, is_cancel: false, told });
        booking
    }

    /// Notes a cancel.
    pub fn cancelled(&self, request_id: &str, booking: BookingId, answer: &reqwest::Result<Answer>) {
        let booking = Some(booking);
        let told = Told::by(answer);
        self.note(Write { request_id: request_id.to_owned(), booking, is_cancel: true, told });
    }

    /// How many writes were answered with this.
    pub fn count(&self, told: Told) -> usize {
        self.writes().iter().filter(|write| write.told == told).count()
    }

    /// How many writes were held against `log`.
    ///
    /// # Panics
    /// When the log contradicts what somebody was told, or has a write that nobody asked for.
    pub fn agrees_with(&self, log: &Log) -> usize {
        let faults = self.faults(log);
        assert!(faults.is_empty(), "{faults:#?}");
        self.writes().len()
    }

    /// Each contradiction, in words.
    fn faults(&self, log: &Log) -> Vec<String> {
        let mut by_request: HashMap<&str, Vec<&Change>> = HashMap::new();
        let mut ends: HashMap<BookingId, Vec<&Change>> = HashMap::new();
        for change in log.changes() {
            let Some(booking) = change.fact.booking() else { continue };
            if let Some(id) = &change.request_id {
                by_request.entry(id.as_str()).or_default().push(change);
            }
            if matches!(change.fact, Fact::BookingDeleted { .. } | Fact::BookingRejected { .. }) {
                ends.entry(booking.id).or_default().push(change);
            }
        }
        let mut faults = Vec::new();
        for write in self.writes().iter() {
            let found = by_request.remove(write.request_id.as_str()).unwrap_or_default();
            let is_true = match (write.told, write.booking) {
                // To give up what was rejected before changes nothing, and is no error.
                (Told::Done, Some(id)) if write.is_cancel => {
                    ends.get(&id).is_some_and(|ends| ends.len() == 1)
                }
                (Told::Done, id) => found.len() == 1 && found[0].fact.booking().map(|b| b.id) == id,
                (Told::Refused, _) => found.is_empty(),
                (Told::Nothing, _) => found.len() <= 1,
            };
            if !is_true {
                faults.push(format!("{write:?}, and the log has {found:?}"));
            }
        }
        faults.extend(by_request.keys().map(|id| format!("nobody asked for {id}")));
        faults
    }

    fn note(&self, write: Write) {
        self.writes().push(write);
    }

    fn writes(&self) -> MutexGuard<'_, Vec<Write>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Create,
    Update,
    Cancel,
}

/// A write that was asked for.
#[derive(Debug)]
struct Write {
    request_id: String,
    /// Of a create, only when it was answered; else always.
    booking: Option<BookingId>,
    asked: Asked,
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
        self.note(Write { request_id: request_id.to_owned(), booking, asked: Asked::Create, told });
        booking
    }

    /// Notes an update, which changes something.
    pub fn updated(&self, request_id: &str, booking: BookingId, answer: &reqwest::Result<Answer>) {
        let (booking, told) = (Some(booking), Told::by(answer));
        self.note(Write { request_id: request_id.to_owned(), booking, asked: Asked::Update, told });
    }

    /// Notes a cancel.
    pub fn cancelled(&self, request_id: &str, booking: BookingId, answer: &reqwest::Result<Answer>) {
        let booking = Some(booking);
        let told = Told::by(answer);
        self.note(Write { request_id: request_id.to_owned(), booking, asked: Asked::Cancel, told });
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
            // A notice comes with a write, and is none.
            if matches!(change.fact, Fact::BookingConflict { .. }) {
                continue;
            }
            if let Some(id) = &change.trace.request_id {
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
                (Told::Done, Some(id)) if write.asked == Asked::Cancel => {
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

#[cfg(test)]
mod tests {
    use holdfast_domain::{
        Booking, Claim, DEFAULT_TENANT, DEFAULT_VENUE, RequestId, ResourceId, ResourceName, Seq, Trace,
        UserId,
    };
    use holdfast_testkit::{hours, now};

    use super::*;

    fn change(seq: i64, request_id: &str, fact: impl FnOnce(Booking) -> Fact) -> Change {
        let (at, user_id) = (now(), UserId::parse("alice").unwrap());
        let booking = Booking {
            id: BookingId::from_u128(1),
            resource_id: ResourceId::from_u128(1),
            resource: ResourceName::parse("Raum1").unwrap(),
            venue_id: DEFAULT_VENUE,
            user_id: user_id.clone(),
            claim: Claim::want(hours(10, 12), Seq(1), at, time::Duration::ZERO),
            title: None,
            note: None,
            version: 1,
            created_at: at,
            updated_at: at,
        };
        let trace = Trace { request_id: RequestId::parse(request_id).ok(), traceparent: None };
        let (tenant_id, actor) = (DEFAULT_TENANT, Some(user_id));
        Change { tenant_id, seq: Seq(seq), at, actor, trace, fact: fact(booking) }
    }

    fn created(seq: i64) -> Change {
        change(seq, "create", |booking| Fact::BookingCreated { booking })
    }

    fn deleted(seq: i64) -> Change {
        change(seq, "cancel", |booking| Fact::BookingDeleted { booking })
    }

    /// How many contradictions there are to a create and a cancel, told these.
    fn faults(create: Told, cancel: Told, changes: Vec<Change>) -> usize {
        let (ledger, id) = (Ledger::default(), BookingId::from_u128(1));
        let write = |request_id: &str, booking, asked, told| {
            ledger.note(Write { request_id: request_id.to_owned(), booking, asked, told });
        };
        write("create", (create == Told::Done).then_some(id), Asked::Create, create);
        write("cancel", Some(id), Asked::Cancel, cancel);
        ledger.faults(&Log::from(changes)).len()
    }

    #[test]
    fn a_log_that_says_what_was_told_has_no_fault() {
        use Told::{Done, Nothing, Refused};
        assert_eq!(faults(Done, Done, vec![created(1), deleted(2)]), 0);
        assert_eq!(faults(Done, Refused, vec![created(1)]), 0);
        assert_eq!(faults(Nothing, Nothing, vec![created(1), deleted(2)]), 0);
        assert_eq!(faults(Nothing, Nothing, vec![]), 0);
    }

    #[test]
    fn a_promise_that_the_log_does_not_keep_is_caught() {
        use Told::{Done, Nothing, Refused};
        assert_eq!(faults(Done, Refused, vec![]), 1, "a lost create");
        assert_eq!(faults(Done, Done, vec![created(1)]), 1, "a lost cancel");
        assert_eq!(faults(Done, Refused, vec![created(1), created(2)]), 1, "a create that happened twice");
        assert_eq!(
            faults(Nothing, Refused, vec![created(1), created(2)]),
            1,
            "the same, unknown to its client"
        );
        assert_eq!(faults(Refused, Refused, vec![created(1)]), 1, "a refusal that happened");
        let strange = change(2, "strange", |booking| Fact::BookingDeleted { booking });
        assert_eq!(faults(Done, Refused, vec![created(1), strange]), 1, "a write that nobody asked for");
    }
}

//! What a history is made of: what clients asked for and were told, what subscribers heard, and the log.

use std::{sync::Arc, time::Duration};

use holdfast_domain::{
    BookingId, Caller, Change, EventId, ReservationId, ResourceId, Seq, TimeRange, change::Recorded,
};
use serde_json::Value;

use super::wish::Wish;
use crate::Told;

/// A write that somebody wanted, by its key, and each time that it was sent.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Who wants it.
    pub user: String,
    /// The idempotency key of all tries.
    pub key: String,
    /// What is wanted.
    pub asked: Asked,
    /// Each time that it was sent, in the order of sending.
    pub tries: Vec<Try>,
}

/// What a write asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    Create {
        resource: String,
        range: TimeRange,
        title: String,
    },
    Move {
        booking: BookingId,
        range: TimeRange,
        title: String,
    },
    Cancel {
        booking: BookingId,
    },
    /// An event with a hall.
    Announce {
        title: String,
    },
    Hold {
        event: EventId,
        wish: Wish,
        hold_seconds: i64,
    },
    /// A place in line, for units of this section or of any.
    Wait {
        event: EventId,
        section: Option<&'static str>,
        quantity: i32,
        offer_seconds: i32,
    },
    Leave {
        event: EventId,
    },
    Confirm {
        reservation: ReservationId,
        part: Part,
    },
    Extend {
        reservation: ReservationId,
        hold_seconds: i64,
    },
    Release {
        reservation: ReservationId,
    },
    /// Seats as they were first locked, and confirmed.
    Lock {
        event: EventId,
        seats: Vec<String>,
    },
    ConfirmSeats {
        event: EventId,
        seats: Vec<String>,
    },
}

/// Which part of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    All,
    Seats(Vec<String>),
    Quantity(i32),
}

/// One request. Until it is answered it was told nothing.
#[derive(Debug, Clone)]
pub struct Try {
    /// The id that its changes have in the log.
    pub request_id: String,
    /// Which process was asked.
    pub api: usize,
    /// When it was sent, since the history began.
    pub asked_at: Duration,
    /// When it was answered, or known not to be; nothing while it is under way.
    pub told_at: Option<Duration>,
    /// What that means.
    pub told: Told,
    /// The answer's status; 0 when there was none.
    pub status: u16,
    /// The answer's body, or why there was none.
    pub body: Value,
    /// Whether it says that an earlier try did it.
    pub is_replay: bool,
}

/// Somebody who listens, and all that they heard over all of their connections.
#[derive(Debug, Clone)]
pub struct Feed {
    /// A name, for reports.
    pub name: String,
    /// As whom.
    pub caller: Caller,
    /// Besides their own: everything of these resources.
    pub resources: Vec<ResourceId>,
    /// Besides their own: everything of these events.
    pub events: Vec<EventId>,
    /// Besides their own: everything.
    pub is_all: bool,
    /// What they heard.
    pub heard: Vec<Heard>,
}

/// What a subscriber hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A connection opened, to go on after this if it was asked for; the hello said where it begins.
    Hello { after: Option<Seq>, seq: Seq },
    /// A change.
    Told { seq: Seq, text: Arc<str> },
    /// That this is how far all has been told.
    Position(Seq),
    /// That something up to here may be missing.
    Resync(Seq),
    /// What they read of the log instead, from the API: all of it between these.
    Reloaded { after: Seq, until: Seq, changes: Vec<Value> },
    /// The connection ended, so.
    Broken(String),
}

/// A change as the log has it, and its text as it travels.
#[derive(Debug, Clone)]
pub struct Record {
    /// The change.
    pub change: Change,
    /// Its whole text.
    pub text: String,
}

impl From<&Recorded> for Record {
    fn from(recorded: &Recorded) -> Self {
        Self { change: recorded.parse().expect("a change of a known kind"), text: recorded.wire() }
    }
}

impl Operation {
    /// Whether somebody was told that it happened.
    pub fn is_acknowledged(&self) -> bool {
        self.tries.iter().any(|attempt| attempt.told == Told::Done)
    }
}

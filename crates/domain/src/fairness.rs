//! Who came when, who got what, and who was served before whom: of one event, from its log alone.
//!
//! What is kept grows with those who took units of the event or stood in line for some, and with nothing else. Whether somebody
//! was passed over is the judge's to say ([`crate::audit`]); here it is counted how often one who came later was served first
//! for a good reason. Never here: who was refused, which leaves no trace in a log.

mod door;
mod holds;
mod line;
mod report;
#[cfg(test)]
mod tests;

use crate::{
    Change, EventId, Fact, ReservationId, Section, Seq, TenantId, WaitlistEntryId,
    audit::{Replay, Rule},
};
use holds::Holds;
use line::Line;
pub use report::{AtTheDoor, Ended, Got, InLine, Outcomes, Report, Stood, Taken, Waits, Way};

/// How many breaches are told in words; all are counted.
const WORDS: usize = 10;

/// The changes of one event, in the order of its log.
#[derive(Debug)]
pub struct Fairness {
    event: (TenantId, EventId),
    replay: Replay,
    changes: u64,
    first: Option<(Seq, bool)>,
    last: Option<Seq>,
    sections: Vec<Section>,
    holds: Holds,
    line: Line,
    breaches: u64,
    words: Vec<String>,
}

impl Fairness {
    /// Nothing of this event so far.
    pub fn new(tenant_id: TenantId, event_id: EventId) -> Self {
        Self {
            event: (tenant_id, event_id),
            replay: Replay::default(),
            changes: 0,
            first: None,
            last: None,
            sections: Vec::new(),
            holds: Holds::default(),
            line: Line::default(),
            breaches: 0,
            words: Vec::new(),
        }
    }

    /// Takes the log's next change; one that is not of the event is passed over.
    pub fn step(&mut self, change: &Change) {
        if change.fact.event_id().map(|id| (change.tenant_id, id)) != Some(self.event) {
            return;
        }
        self.changes += 1;
        self.last = Some(change.seq);
        if self.first.is_none() {
            self.begin(change);
        }
        self.adopt(change);
        self.replay.step(change);
        self.note();
        match &change.fact {
            Fact::WaitlistOffered { waitlist_entry: entry } => {
                self.holds.offered(entry.state.reservation_id());
                self.line.put(change, entry);
            }
            fact => {
                self.holds.settle();
                if let Some(event) = fact.event() {
                    self.sections.clone_from(&event.sections);
                } else if let Some(reservation) = fact.reservation() {
                    self.holds.put(change, reservation);
                } else if let Some(entry) = fact.waitlist_entry() {
                    self.line.put(change, entry);
                }
            }
        }
    }

    /// What the log tells up to here; nothing when it has no change of the event.
    pub fn report(mut self) -> Option<Report> {
        let ((first_seq, is_whole), last_seq) = self.first.zip(self.last)?;
        self.replay.end();
        self.note();
        let (taken, got) = self.holds.report(&self.sections);
        let (line, mut in_line) = self.line.report();
        (in_line.out_of_turn, in_line.breaches) = (self.breaches, self.words);
        Some(Report {
            event_id: self.event.1,
            changes: self.changes,
            first_seq,
            last_seq,
            is_whole,
            at_the_door: door::look(&taken),
            in_line,
            got,
            taken,
            line,
        })
    }

    /// An event whose begin the log has no more is one of which somebody may have units or stand in line whom it never names.
    fn begin(&mut self, change: &Change) {
        let is_whole = matches!(change.fact, Fact::EventCreated { .. });
        self.first = Some((change.seq, is_whole));
        self.replay.begin_after(change.seq.previous());
        if !is_whole {
            let (tenant_id, event_id) = self.event;
            self.replay.adopt_unsettled_event(tenant_id, event_id);
            self.replay.adopt_unsettled_reservation(tenant_id, event_id, ReservationId::from_u128(0));
            self.replay.adopt_unsettled_waitlist_entry(tenant_id, event_id, WaitlistEntryId::from_u128(0));
        }
    }

    /// Whoever the log of such an event tells of without a begin, began before.
    fn adopt(&mut self, change: &Change) {
        let (tenant_id, event_id) = self.event;
        if self.first.is_none_or(|(_, is_whole)| is_whole) {
            return;
        }
        match &change.fact {
            Fact::ReservationHeld { .. } | Fact::WaitlistJoined { .. } => {}
            fact => {
                if let Some(reservation) = fact.reservation().filter(|of| !self.holds.knows(of.id)) {
                    self.replay.adopt_unsettled_reservation(tenant_id, event_id, reservation.id);
                }
                if let Some(entry) = fact.waitlist_entry().filter(|of| !self.line.knows(of.id)) {
                    self.replay.adopt_unsettled_waitlist_entry(tenant_id, event_id, entry.id);
                }
            }
        }
    }

    /// What the judge has found of waiting lists. The rest is `verify`'s to tell, which reads what is between, too.
    fn note(&mut self) {
        for fault in self.replay.take_faults().into_iter().filter(|fault| fault.rule == Rule::Waitlist) {
            self.breaches += 1;
            if self.words.len() < WORDS {
                self.words.push(fault.what);
            }
        }
    }
}

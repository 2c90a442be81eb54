//! The judge: replays one shard's log and says where a promise was broken.
//!
//! It looks at nothing but the changes, and shares no code with the decision: it holds each change
//! against the sentence of the promise. P1: no two bookings ever hold overlapping
//! ranges. P4: at each grant no open want of lower rank that overlaps it would fit; a want is rejected
//! only when it is due and does not fit, or is over. P5: no more of a section is taken than there is, a seat has one
//! holder, and a hold ends at its end, neither sooner nor later. And of the lines for what is sold out: whoever takes units,
//! nobody stands in line whose request would fit; and units are held for those in line by rank, of those who fit the first.
//!
//! It keeps what is open, and forgets what is closed: its memory grows with the bookings that want or hold something, and
//! with the events that are not called off, the units that are taken of them and those who stand in line for some. Of a log that was pruned it judges what can
//! be known, and counts what can't.

mod events;
mod found;
mod hall;
mod known;
mod lawful;
mod line;
mod room;
mod seats;
#[cfg(test)]
pub(crate) mod tests;
mod turns;
mod units;

use std::collections::HashMap;

use time::OffsetDateTime;

use crate::{
    Booking, BookingId, Change, Claim, Event, EventId, Fact, Reservation, ReservationId, ResourceId, Seq,
    Status, TenantId, TimeRange, WaitlistEntry, WaitlistEntryId,
};
use found::Found;
pub use found::{Fault, Report, Rule};
use known::{Known, Resource};
use units::Sales;

/// A replay of one shard's log, change by change.
#[derive(Debug, Default)]
pub struct Replay {
    seq: Seq,
    at: Option<OffsetDateTime>,
    resources: HashMap<(TenantId, ResourceId), Resource>,
    /// What the change before told of, if that was a booking.
    told: Option<Booking>,
    sales: Sales,
    found: Found,
}

impl Replay {
    /// The log's changes up to `seq` are forgotten, or not asked for: the first is the one after.
    pub fn begin_after(&mut self, seq: Seq) {
        self.seq = seq;
        self.sales.unreadable();
    }

    /// Takes a booking that was so before the log's first change.
    pub fn adopt(&mut self, tenant_id: TenantId, booking: &Booking) {
        self.resources.entry((tenant_id, booking.resource_id)).or_default().put(booking);
    }

    /// Takes note of a booking that there was before the log's first change, nobody knows how: until the log tells of it,
    /// what hangs on whether it leaves room is not judged.
    pub fn adopt_unsettled(&mut self, tenant_id: TenantId, resource_id: ResourceId, id: BookingId) {
        self.resources.entry((tenant_id, resource_id)).or_default().unsettled.insert(id);
    }

    /// Takes an event that was so before the log's first change. Which seats it has is not known, nor how many units of it
    /// are taken until the log first says so.
    pub fn adopt_event(&mut self, tenant_id: TenantId, event: &Event) {
        self.sales.adopt_event(tenant_id, event);
    }

    /// Takes note of an event that there was before the log's first change, nobody knows how.
    pub fn adopt_unsettled_event(&mut self, tenant_id: TenantId, id: EventId) {
        self.sales.hall(tenant_id, id);
    }

    /// Takes a reservation that was so before the log's first change.
    pub fn adopt_reservation(&mut self, tenant_id: TenantId, reservation: &Reservation) {
        self.sales.adopt_reservation(tenant_id, reservation);
    }

    /// Takes note of a reservation that there was before the log's first change, nobody knows how.
    pub fn adopt_unsettled_reservation(&mut self, tenant_id: TenantId, event_id: EventId, id: ReservationId) {
        self.sales.hall(tenant_id, event_id).unsettled.insert(id);
    }

    /// Takes an entry of a waiting list that was so before the log's first change.
    pub fn adopt_waitlist_entry(&mut self, tenant_id: TenantId, entry: &WaitlistEntry) {
        self.sales.adopt_entry(tenant_id, entry);
    }

    /// Takes note of an entry of a waiting list that there was before the log's first change, nobody knows how: until the
    /// log tells of it, nobody who may stand behind it is known to be first.
    pub fn adopt_unsettled_waitlist_entry(
        &mut self,
        tenant_id: TenantId,
        event_id: EventId,
        id: WaitlistEntryId,
    ) {
        self.sales.hall(tenant_id, event_id).line.unsettled.insert(id);
    }

    /// Passes over a change that can't be read.
    pub fn unreadable(&mut self, seq: Seq, at: OffsetDateTime) {
        self.found.report.changes += 1;
        self.in_order(seq, at, None);
        self.told = None;
        self.sales.unreadable();
    }

    /// Holds the next change against the promises, then lets it happen.
    pub fn step(&mut self, change: &Change) {
        self.found.report.changes += 1;
        self.in_order(change.seq, change.at, Some(&change.fact));
        self.sales.step(change, &mut self.found);
        let Some(booking) = change.fact.booking() else {
            self.told = None;
            return;
        };
        let key = (change.tenant_id, booking.resource_id);
        let mut resource = self.resources.remove(&key).unwrap_or_default();
        if resource.unsettled.remove(&booking.id) {
            self.found.report.unjudged += 1;
            if let Fact::BookingValidated { .. } = change.fact {
                self.grant(change.seq, booking, &resource);
            }
        } else {
            let before = resource.get(booking.id);
            self.transition(change, before, booking);
            match change.fact {
                Fact::BookingValidated { .. } => self.grant(change.seq, booking, &resource),
                // What is granted without a decision lies within what was held, or it overlaps somebody's.
                Fact::BookingUpdated { .. } => self.fits(change.seq, booking, &resource),
                Fact::BookingRejected { .. } | Fact::BookingMoveRejected { .. } => {
                    self.rejection(change, booking.id, before, &resource);
                }
                _ => {}
            }
        }
        resource.put(booking);
        self.resources.insert(key, resource);
        self.told = Some(booking.clone());
    }

    /// The log ends here, as far as it was asked for, between two transactions: what should have been told right behind its
    /// last change is not.
    pub fn end(&mut self) {
        self.sales.end(&mut self.found);
    }

    /// The end of the log: what was found, and besides that each open want that would fit, and each line in which somebody
    /// stands who would fit or whose event is no longer on sale: these are faults once the validators have come to rest.
    pub fn finish(mut self) -> Report {
        self.end();
        if let Some(at) = self.at {
            self.sales.lines_rest(at, &mut self.found);
        }
        for resource in std::mem::take(&mut self.resources).into_values() {
            for (rank, id, wanted) in resource.wants() {
                self.fits_not(&resource, id, wanted, || {
                    format!("at rest, the open want of rank {rank} would fit")
                });
            }
        }
        self.report()
    }

    /// What was found so far.
    pub fn report(&self) -> Report {
        Report {
            faults: self.found.faults.iter().map(Fault::to_string).collect(),
            ..self.found.report.clone()
        }
    }

    /// The faults found since the last time; [`Self::report`] has them no more.
    pub fn take_faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.found.faults)
    }

    fn check(&mut self, rule: Rule, holds: bool, fault: impl FnOnce() -> String) {
        self.found.check(rule, holds, fault);
    }

    /// Somebody holds what this want asks for; whether so is not known while somebody there is unsettled.
    fn fits_not(
        &mut self,
        resource: &Resource,
        id: BookingId,
        wanted: TimeRange,
        fault: impl FnOnce() -> String,
    ) {
        let fits = resource.fits(id, wanted);
        if fits && !resource.unsettled.is_empty() {
            self.found.report.unjudged += 1;
        } else {
            self.check(Rule::P4, !fits, fault);
        }
    }

    /// One after the other, and later; but for a log that says itself that it leapt, or that its clock was set back.
    fn in_order(&mut self, seq: Seq, at: OffsetDateTime, fact: Option<&Fact>) {
        let last = self.seq;
        let follows = match fact {
            Some(Fact::LogLeapt { from }) => *from == last && last < seq,
            _ => seq == last.next(),
        };
        self.check(Rule::Log, follows, || format!("seq {seq} follows {last}"));
        let forward = self.at.is_none_or(|last| match fact {
            Some(Fact::ClockSetBack { from }) => last <= *from && at < *from,
            _ => last <= at,
        });
        self.check(Rule::Log, forward, || format!("the clock runs backwards at seq {seq}"));
        self.seq = seq;
        self.at = Some(at);
    }

    /// A booking goes only from one state to one that may follow, and its rank stays.
    fn transition(&mut self, change: &Change, before: Option<Known>, after: &Booking) {
        let legal = match (&change.fact, before.map(|known| known.claim)) {
            (Fact::BookingCreated { .. }, None) => {
                matches!(after.claim, Claim::Pending { held: None, rank, .. } if rank == change.seq)
            }
            (Fact::BookingUpdated { range_changed, .. }, Some(claim)) => {
                let stayed = claim.wanted() == after.claim.wanted();
                if stayed {
                    claim == after.claim && !range_changed
                } else {
                    *range_changed && asked(claim, after.claim, change.seq)
                }
            }
            (Fact::BookingDeleted { .. }, Some(claim)) => claim.cancel() == Ok(after.claim),
            (Fact::BookingValidated { .. }, Some(claim)) => claim.grant() == Ok(after.claim),
            (Fact::BookingRejected { .. }, Some(claim)) => {
                claim.reject() == Ok(after.claim) && after.claim.status() == Status::Rejected
            }
            (Fact::BookingMoveRejected { .. }, Some(claim)) => {
                claim.reject() == Ok(after.claim) && after.claim.status() == Status::Valid
            }
            _ => false,
        };
        let (legal, written) = match change.fact {
            Fact::BookingConflict { .. } => (self.changes_nothing(before, after), 0),
            _ => (legal, 1),
        };
        let version = before.map_or(0, |known| known.version) + written;
        let in_time = after.claim.decide_by().is_none_or(|by| by <= after.claim.wanted().start());
        self.check(Rule::Log, legal && in_time && after.version == version, || {
            let kind = change.fact.kind().as_str();
            format!("{kind} at seq {} does not follow from what booking {} was", change.seq, after.id)
        });
    }

    /// A notice comes right after what it is about, as it was then.
    fn changes_nothing(&self, before: Option<Known>, after: &Booking) -> bool {
        match &self.told {
            Some(told) if told.id == after.id => told == after,
            _ => before.is_some_and(|known| known.claim == after.claim),
        }
    }

    fn fits(&mut self, seq: Seq, booking: &Booking, resource: &Resource) {
        let fits = booking.claim.granted().is_none_or(|granted| resource.fits(booking.id, granted));
        self.check(Rule::P1, fits, || format!("the grant at seq {seq} overlaps what another booking holds"));
    }

    fn grant(&mut self, seq: Seq, booking: &Booking, resource: &Resource) {
        self.found.report.grants += 1;
        self.fits(seq, booking, resource);
        let Some(granted) = booking.claim.granted() else {
            return;
        };
        let (rank, at) = (booking.claim.rank(), self.at);
        let earlier = resource.wants().take_while(|(earlier, ..)| *earlier < rank);
        for (earlier, id, wanted) in earlier.filter(|(.., wanted)| wanted.overlaps(granted)) {
            if at.is_some_and(|at| wanted.end() <= at) {
                continue;
            }
            self.fits_not(resource, id, wanted, || {
                format!("the grant at seq {seq} of rank {rank} passes over the want of rank {earlier}")
            });
        }
    }

    fn rejection(&mut self, change: &Change, id: BookingId, before: Option<Known>, resource: &Resource) {
        self.found.report.rejections += 1;
        let Some(Claim::Pending { wanted, decide_by, .. }) = before.map(|known| known.claim) else {
            return;
        };
        let seq = change.seq;
        self.check(Rule::P4, decide_by <= change.at, || {
            format!("the rejection at seq {seq} comes before its time")
        });
        if change.at < wanted.end() {
            self.fits_not(resource, id, wanted, || {
                format!("the want rejected at seq {seq} would have fitted")
            });
        }
    }
}

/// Whether a claim that asks for another range at `seq` becomes this: the slot is kept, or cut down at once; the rank
/// is that of the change unless the range lies within the one that was wanted.
fn asked(before: Claim, after: Claim, seq: Seq) -> bool {
    let within =
        |range: TimeRange| range.start() <= after.wanted().start() && after.wanted().end() <= range.end();
    let rank = if within(before.wanted()) { before.rank() } else { seq };
    let claim = match (before, before.granted()) {
        (Claim::Rejected { .. } | Claim::Cancelled { .. }, _) => false,
        (_, Some(held)) if within(held) => after.status() == Status::Valid,
        (_, held) => after.status() == Status::Pending && after.granted() == held,
    };
    claim && after.rank() == rank
}

//! The judge: replays one shard's log from its beginning and says where a promise was broken.
//!
//! It looks at nothing but the changes, and shares no code with the decision: it holds each change
//! against the sentence of the promise, however slowly. P1: no two bookings ever hold overlapping
//! ranges. P4: at each grant no open want of lower rank that overlaps it would fit; a want is rejected
//! only when it is due and does not fit, or is over.

use std::collections::HashMap;

use time::OffsetDateTime;

use crate::{Booking, BookingId, Change, Claim, Fact, ResourceId, Seq, Status, TenantId, TimeRange};

/// What a replay found.
#[derive(Debug, Default, Clone)]
pub struct Report {
    /// Changes replayed.
    pub changes: u64,
    /// Grants among them.
    pub grants: u64,
    /// Rejections among them.
    pub rejections: u64,
    /// How many times something was held against a promise.
    pub checks: u64,
    /// Each broken promise, in words, with the seq. Empty is good.
    pub faults: Vec<String>,
}

/// A replay of one shard's log, change by change from seq 1.
#[derive(Debug, Default)]
pub struct Replay {
    seq: Seq,
    at: Option<OffsetDateTime>,
    resources: HashMap<(TenantId, ResourceId), Resource>,
    report: Report,
}

/// What the log has told so far of one resource's bookings that want or hold something, and of the rest.
#[derive(Debug, Default)]
struct Resource {
    live: HashMap<BookingId, Booking>,
    closed: HashMap<BookingId, Booking>,
}

impl Replay {
    /// Holds the next change against the promises, then lets it happen.
    pub fn step(&mut self, change: &Change) {
        self.report.changes += 1;
        self.in_order(change);
        let Some(booking) = change.fact.booking() else {
            return;
        };
        let key = (change.tenant_id, booking.resource_id);
        let resource = self.resources.remove(&key).unwrap_or_default();
        let before = resource.live.get(&booking.id).or_else(|| resource.closed.get(&booking.id));
        self.transition(change, before, booking);
        match change.fact {
            Fact::BookingValidated { .. } => self.grant(change.seq, booking, before, &resource),
            // What is granted without a decision lies within what was held, or it overlaps somebody's.
            Fact::BookingUpdated { .. } => self.fits(change.seq, booking, &resource),
            Fact::BookingRejected { .. } | Fact::BookingMoveRejected { .. } => {
                self.rejection(change, before, &resource);
            }
            _ => {}
        }
        self.resources.insert(key, resource.after(booking.clone()));
    }

    /// The end of the log: what was found, and besides that each open want that would fit, which is a
    /// fault once the validators have come to rest.
    pub fn finish(mut self) -> Report {
        for resource in std::mem::take(&mut self.resources).into_values() {
            for booking in resource.live.values() {
                let Claim::Pending { wanted, rank, .. } = booking.claim else {
                    continue;
                };
                let fits = resource.fits(booking.id, wanted);
                self.check(!fits, || format!("P4: at rest, the open want of rank {rank} would fit"));
            }
        }
        self.report
    }

    /// What was found so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    fn check(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        self.report.checks += 1;
        if !holds {
            self.report.faults.push(fault());
        }
    }

    /// One after the other, and later; but for a log that says itself that it leapt, or that its clock was set back.
    fn in_order(&mut self, change: &Change) {
        let (last, seq) = (self.seq, change.seq);
        let follows = match change.fact {
            Fact::LogLeapt { from } => from == last && last < seq,
            _ => seq == last.next(),
        };
        self.check(follows, || format!("log: seq {seq} follows {last}"));
        let forward = self.at.is_none_or(|last| match change.fact {
            Fact::ClockSetBack { from } => last <= from && change.at < from,
            _ => last <= change.at,
        });
        self.check(forward, || format!("log: the clock runs backwards at seq {seq}"));
        self.seq = seq;
        self.at = Some(change.at);
    }

    /// A booking goes only from one state to one that may follow, and its rank stays.
    fn transition(&mut self, change: &Change, before: Option<&Booking>, after: &Booking) {
        let legal = match (&change.fact, before.map(|booking| booking.claim)) {
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
        // A notice changes nothing.
        let (legal, written) = match change.fact {
            Fact::BookingConflict { .. } => (before == Some(after), 0),
            _ => (legal, 1),
        };
        let version = before.map_or(0, |booking| booking.version) + written;
        let in_time = after.claim.decide_by().is_none_or(|by| by <= after.claim.wanted().start());
        self.check(legal && in_time && after.version == version, || {
            let kind = change.fact.kind().as_str();
            format!("log: {kind} at seq {} does not follow from what booking {} was", change.seq, after.id)
        });
    }

    fn fits(&mut self, seq: Seq, booking: &Booking, resource: &Resource) {
        let fits = booking.claim.granted().is_none_or(|granted| resource.fits(booking.id, granted));
        self.check(fits, || format!("P1: the grant at seq {seq} overlaps what another booking holds"));
    }

    fn grant(&mut self, seq: Seq, booking: &Booking, before: Option<&Booking>, resource: &Resource) {
        self.report.grants += 1;
        self.fits(seq, booking, resource);
        let Some(granted) = booking.claim.granted() else {
            return;
        };
        let Some(rank) = before.map(|before| before.claim.rank()) else {
            return;
        };
        for other in resource.live.values() {
            let Claim::Pending { wanted, rank: earlier, .. } = other.claim else {
                continue;
            };
            if earlier >= rank || !wanted.overlaps(granted) {
                continue;
            }
            let over = self.at.is_some_and(|at| wanted.end() <= at);
            let passed_over = !over && resource.fits(other.id, wanted);
            self.check(!passed_over, || {
                format!("P4: the grant at seq {seq} of rank {rank} passes over the want of rank {earlier}")
            });
        }
    }

    fn rejection(&mut self, change: &Change, before: Option<&Booking>, resource: &Resource) {
        self.report.rejections += 1;
        let Some((id, Claim::Pending { wanted, decide_by, .. })) = before.map(|b| (b.id, b.claim)) else {
            return;
        };
        let seq = change.seq;
        self.check(decide_by <= change.at, || {
            format!("P4: the rejection at seq {seq} comes before its time")
        });
        let over = wanted.end() <= change.at;
        self.check(over || !resource.fits(id, wanted), || {
            format!("P4: the want rejected at seq {seq} would have fitted")
        });
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

impl Resource {
    /// Whether nothing that another booking holds overlaps `range`.
    fn fits(&self, id: BookingId, range: TimeRange) -> bool {
        let others = self.live.values().filter(|other| other.id != id);
        others.filter_map(|other| other.claim.granted()).all(|held| !held.overlaps(range))
    }

    fn after(mut self, booking: Booking) -> Self {
        self.live.remove(&booking.id);
        self.closed.remove(&booking.id);
        let kept = if booking.claim.is_live() { &mut self.live } else { &mut self.closed };
        kept.insert(booking.id, booking);
        self
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;
    use crate::{ResourceName, Trace, UserId, VenueId};

    const NOON: OffsetDateTime = datetime!(2027-03-21 12:00 UTC);

    fn created(seq: i64, from: i64, to: i64) -> Booking {
        let range = TimeRange::new(NOON + Duration::hours(from), NOON + Duration::hours(to)).unwrap();
        Booking {
            id: BookingId::from_u128(seq.unsigned_abs().into()),
            resource_id: ResourceId::from_u128(1),
            resource: ResourceName::parse("Raum1").unwrap(),
            venue_id: VenueId::from_u128(2),
            user_id: UserId::parse("alice").unwrap(),
            claim: Claim::want(range, Seq(seq), NOON, Duration::minutes(15)),
            title: None,
            note: None,
            version: 1,
            created_at: NOON,
            updated_at: NOON,
        }
    }

    /// The faults of a log with these facts, the last of them `minutes` after noon.
    fn faults(minutes: i64, facts: Vec<Fact>) -> Vec<String> {
        let mut replay = Replay::default();
        let last = facts.len();
        for (seq, fact) in (1..).zip(facts) {
            let at = if seq == last { NOON + Duration::minutes(minutes) } else { NOON };
            let seq = Seq(i64::try_from(seq).unwrap());
            let tenant_id = TenantId::from_u128(1);
            replay.step(&Change { tenant_id, seq, at, actor: None, trace: Trace::default(), fact });
        }
        replay.report().faults.clone()
    }

    fn create(booking: &Booking) -> Fact {
        Fact::BookingCreated { booking: booking.clone() }
    }

    fn validate(booking: &Booking) -> Fact {
        Fact::BookingValidated { booking: booking.with(booking.claim.grant().unwrap(), NOON) }
    }

    fn reject(booking: &Booking) -> Fact {
        Fact::BookingRejected { booking: booking.with(booking.claim.reject().unwrap(), NOON) }
    }

    #[test]
    fn a_true_log_has_no_fault() {
        let (first, second) = (created(1, 1, 3), created(2, 2, 4));
        let facts = vec![create(&first), create(&second), validate(&first), reject(&second)];
        assert_eq!(faults(15, facts), Vec::<String>::new());
    }

    #[test]
    fn a_move_that_lets_its_slot_go_or_keeps_its_place_in_line_is_caught() {
        let first = created(1, 1, 3);
        let valid = first.with(first.claim.grant().unwrap(), NOON);
        let update =
            |claim: Claim| Fact::BookingUpdated { booking: valid.with(claim, NOON), range_changed: true };
        let wanted = created(9, 2, 4).claim.wanted();
        let moved = valid.claim.ask(wanted, Seq(3), NOON, NOON, Duration::minutes(15)).unwrap();
        let log = |claim| faults(0, vec![create(&first), validate(&first), update(claim)]);
        assert_eq!(log(moved), Vec::<String>::new());
        let fault = ["log: booking_updated at seq 3 does not follow from what booking \
            00000000-0000-0000-0000-000000000001 was"];
        assert_eq!(log(Claim::want(wanted, Seq(3), NOON, Duration::minutes(15))), fault);
        let early = valid.claim.ask(wanted, Seq(1), NOON, NOON, Duration::minutes(15)).unwrap();
        assert_eq!(log(early), fault);
        assert_eq!(log(Claim::Valid { granted: wanted, rank: Seq(3) }), fault);
    }

    #[test]
    fn a_double_booking_is_caught() {
        let (first, second) = (created(1, 1, 3), created(2, 2, 4));
        let facts = vec![create(&first), create(&second), validate(&first), validate(&second)];
        assert_eq!(faults(0, facts), ["P1: the grant at seq 4 overlaps what another booking holds"]);
    }

    #[test]
    fn one_who_is_passed_over_is_caught() {
        let (first, second) = (created(1, 1, 3), created(2, 2, 4));
        let found = faults(0, vec![create(&first), create(&second), validate(&second)]);
        assert_eq!(found, ["P4: the grant at seq 3 of rank 2 passes over the want of rank 1"]);
    }

    #[test]
    fn a_rejection_too_soon_or_of_what_fits_is_caught() {
        let (first, second) = (created(1, 1, 3), created(2, 2, 4));
        let found = faults(14, vec![create(&first), create(&second), validate(&first), reject(&second)]);
        assert_eq!(found, ["P4: the rejection at seq 4 comes before its time"]);
        let found = faults(15, vec![create(&first), reject(&first)]);
        assert_eq!(found, ["P4: the want rejected at seq 2 would have fitted"]);
    }

    #[test]
    fn a_gap_a_clock_that_runs_back_and_a_write_out_of_nothing_are_caught() {
        let first = created(1, 1, 3);
        assert_eq!(
            faults(-1, vec![create(&first), validate(&first)]),
            ["log: the clock runs backwards at seq 2"]
        );
        let unfounded = faults(0, vec![validate(&first)]);
        assert!(unfounded[0].starts_with("log: booking_validated at seq 1 does not follow"), "{unfounded:?}");
        let mut replay = Replay::default();
        let fact = create(&created(2, 1, 3));
        let tenant_id = TenantId::from_u128(1);
        replay.step(&Change { tenant_id, seq: Seq(2), at: NOON, actor: None, trace: Trace::default(), fact });
        assert_eq!(replay.report().faults, ["log: seq 2 follows 0"]);
    }

    #[test]
    fn a_leap_and_a_clock_set_back_are_no_faults_where_the_log_says_so_and_tells_the_truth() {
        let found = |seq: i64, from: i64, minutes: i64| {
            let mut replay = Replay::default();
            let mut step = |seq, minutes, fact| {
                let (tenant_id, trace) = (crate::NO_TENANT, Trace::default());
                let at = NOON + Duration::minutes(minutes);
                replay.step(&Change { tenant_id, seq: Seq(seq), at, actor: None, trace, fact });
            };
            step(1, 60, create(&created(1, 2, 3)));
            step(seq, 60, Fact::LogLeapt { from: Seq(from) });
            step(seq + 1, 0, Fact::ClockSetBack { from: NOON + Duration::minutes(minutes) });
            replay.report().faults.clone()
        };
        assert_eq!(found(1_001, 1, 60), Vec::<String>::new());
        assert_eq!(found(1_001, 2, 60), ["log: seq 1001 follows 1"]);
        assert_eq!(found(1, 1, 60), ["log: seq 1 follows 1"]);
        assert_eq!(found(1_001, 1, 59), ["log: the clock runs backwards at seq 1002"]);
    }

    #[test]
    fn a_want_that_fits_and_is_left_open_is_caught_at_the_end() {
        let mut replay = Replay::default();
        let (seq, at, fact) = (Seq(1), NOON, create(&created(1, 1, 3)));
        replay.step(&Change {
            tenant_id: TenantId::from_u128(1),
            seq,
            at,
            actor: None,
            trace: Trace::default(),
            fact,
        });
        assert_eq!(replay.finish().faults, ["P4: at rest, the open want of rank 1 would fit"]);
    }
}

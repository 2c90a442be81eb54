//! Each rule broken by hand, and found.

pub(crate) mod units;

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

/// The facts of a replay of what comes after seq 10 of one log, in which the first booking is known and the second is not.
fn faults_after_ten(first: &Booking, second: BookingId, facts: Vec<(i64, Fact)>) -> (Vec<String>, u64) {
    let tenant_id = TenantId::from_u128(1);
    let mut replay = Replay::default();
    replay.begin_after(Seq(10));
    replay.adopt(tenant_id, first);
    replay.adopt_unsettled(tenant_id, first.resource_id, second);
    for (seq, (minutes, fact)) in (11..).zip(facts) {
        let at = NOON + Duration::minutes(minutes);
        replay.step(&Change { tenant_id, seq: Seq(seq), at, actor: None, trace: Trace::default(), fact });
    }
    (replay.report().faults, replay.report().unjudged)
}

#[test]
fn of_a_pruned_log_what_hangs_on_the_forgotten_part_is_not_judged_and_the_rest_is() {
    let (first, second) = (created(1, 1, 3), created(2, 2, 4));
    let held = second.with(second.claim.grant().unwrap(), NOON);
    let gives_up = Fact::BookingDeleted { booking: held.with(held.claim.cancel().unwrap(), NOON) };
    let judged = |facts| faults_after_ten(&first, second.id, facts);
    // Whoever holds a booking of which nothing is known yet may have been in the way.
    assert_eq!(judged(vec![(15, reject(&first)), (15, gives_up.clone())]), (Vec::new(), 2));
    let would_have_fitted = vec!["P4: the want rejected at seq 12 would have fitted".to_owned()];
    assert_eq!(judged(vec![(0, gives_up), (15, reject(&first))]), (would_have_fitted, 1));
    let too_soon = vec!["P4: the rejection at seq 11 comes before its time".to_owned()];
    assert_eq!(judged(vec![(14, reject(&first))]), (too_soon, 1));
    // What is known to be held is held.
    let overlap = vec!["P1: the grant at seq 12 overlaps what another booking holds".to_owned()];
    assert_eq!(judged(vec![(0, validate(&first)), (0, validate(&second))]), (overlap, 1));
    // Nobody else began before.
    let (faults, _) = judged(vec![(0, validate(&created(3, 5, 6)))]);
    assert!(faults[0].contains("does not follow"), "{faults:?}");
}

#[test]
fn nothing_follows_what_is_closed() {
    let first = created(1, 1, 3);
    let Fact::BookingRejected { booking: rejected } = reject(&first) else { unreachable!() };
    let found = faults(
        15,
        vec![create(&first), create(&created(2, 5, 6)), reject(&first), validate(&rejected_again(&rejected))],
    );
    assert!(
        found.iter().any(|fault| fault.starts_with("log: booking_validated at seq 4 does not follow")),
        "{found:?}"
    );
}

/// The rejected booking as if it were wanted still.
fn rejected_again(booking: &Booking) -> Booking {
    let claim = Claim::want(booking.claim.wanted(), booking.claim.rank(), NOON, Duration::minutes(15));
    Booking { claim, ..booking.clone() }
}

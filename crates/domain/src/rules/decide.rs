//! Who is granted what: first come, first served, for one resource at one moment.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use time::OffsetDateTime;

use crate::{BookingId, Seq, TimeRange};

/// A range that a booking holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Who holds it.
    pub booking: BookingId,
    /// What is held.
    pub range: TimeRange,
}

/// An open want. What its booking still holds, if it is a move, is among the slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// Who wants it.
    pub booking: BookingId,
    /// What is wanted.
    pub wanted: TimeRange,
    /// Who came first.
    pub rank: Seq,
    /// When it is rejected if it still does not fit; not after its range begins.
    pub decide_by: OffsetDateTime,
}

/// What becomes of a want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is granted.
    Grant,
    /// It can't be had in time.
    Reject,
}

/// A verdict on one booking's want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whose want.
    pub booking: BookingId,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// Decides the open `wants` of one resource at `at`, with `slots` held around them.
///
/// Of all open wants that fit (overlap nothing held, their own booking's slot aside), the lowest rank is
/// granted; again until none fits. A granted move frees its old slot at once. Then what still does not
/// fit and is due is rejected, and with it what is over, however free its range may be. A blocked
/// want reserves nothing.
///
/// The decisions stand in the order in which they hold, and every beginning of them is right by itself:
/// a caller may stop after any of them and decide the rest later.
///
/// `slots` must have all that overlaps any of the wants, and no two that overlap each other.
pub fn decide(at: OffsetDateTime, wants: &[Want], slots: &[Slot]) -> Vec<Decision> {
    let mut held = Held::new(slots);
    let mut decisions = Vec::new();
    // Invariant: a want that is in neither list is granted; one in `blocked` does not fit.
    let mut open: BinaryHeap<_> =
        wants.iter().map(|want| (Reverse(want.rank), Reverse(want.booking))).collect();
    let by_booking: BTreeMap<_, _> = wants.iter().map(|want| (want.booking, want)).collect();
    let mut blocked: Vec<&Want> = Vec::new();

    while let Some((_, Reverse(booking))) = open.pop() {
        let want = by_booking[&booking];
        if is_over(want, at) || !held.fits(want) {
            blocked.push(want);
            continue;
        }
        decisions.push(Decision { booking, verdict: Verdict::Grant });
        if let Some(freed) = held.grant(want) {
            // Whoever waited for the freed range comes before all of higher rank.
            open.extend(
                blocked
                    .extract_if(.., |want| want.wanted.overlaps(freed))
                    .map(|want| (Reverse(want.rank), Reverse(want.booking))),
            );
        }
    }

    blocked.sort_by_key(|want| want.rank);
    let due = blocked.iter().filter(|want| want.decide_by <= at);
    decisions.extend(due.map(|want| Decision { booking: want.booking, verdict: Verdict::Reject }));
    decisions
}

fn is_over(want: &Want, at: OffsetDateTime) -> bool {
    want.wanted.end() <= at
}

/// What is held of the resource, by start; never two that overlap.
struct Held {
    slots: BTreeMap<OffsetDateTime, Slot>,
    starts: BTreeMap<BookingId, OffsetDateTime>,
}

impl Held {
    fn new(slots: &[Slot]) -> Self {
        Self {
            slots: slots.iter().map(|slot| (slot.range.start(), *slot)).collect(),
            starts: slots.iter().map(|slot| (slot.booking, slot.range.start())).collect(),
        }
    }

    /// Whether nothing of another booking overlaps the want.
    fn fits(&self, want: &Want) -> bool {
        self.slots
            .range(..want.wanted.end())
            .rev()
            .map(|(_, slot)| slot)
            .take_while(|slot| slot.range.overlaps(want.wanted))
            .all(|slot| slot.booking == want.booking)
    }

    /// Moves the want's booking to what it wants; the slot that this frees, if it held one.
    fn grant(&mut self, want: &Want) -> Option<TimeRange> {
        let start = want.wanted.start();
        let old_start = self.starts.insert(want.booking, start);
        let freed = old_start.and_then(|old_start| self.slots.remove(&old_start));
        self.slots.insert(start, Slot { booking: want.booking, range: want.wanted });
        freed.map(|slot| slot.range)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::{Duration, macros::datetime};

    use super::*;

    const DAY: OffsetDateTime = datetime!(2027-03-21 00:00 UTC);

    fn hours(from: i64, to: i64) -> TimeRange {
        TimeRange::new(DAY + Duration::hours(from), DAY + Duration::hours(to)).unwrap()
    }

    fn want(rank: i64, from: i64, to: i64) -> Want {
        let booking = BookingId::from_u128(rank.unsigned_abs().into());
        Want { booking, wanted: hours(from, to), rank: Seq(rank), decide_by: DAY + Duration::hours(from) }
    }

    fn slot(booking: u128, from: i64, to: i64) -> Slot {
        Slot { booking: BookingId::from_u128(booking), range: hours(from, to) }
    }

    fn decided(at: OffsetDateTime, wants: &[Want], slots: &[Slot]) -> Vec<(u128, Verdict)> {
        let plain = |decision: Decision| (decision.booking.uuid().as_u128(), decision.verdict);
        decide(at, wants, slots).into_iter().map(plain).collect()
    }

    /// The rule in one sentence, and nothing clever: of all open wants that fit, own grant aside, grant
    /// the lowest rank; repeat; then reject the due.
    fn oracle(at: OffsetDateTime, wants: &[Want], slots: &[Slot]) -> Vec<Decision> {
        let (mut open, mut slots, mut decisions) = (wants.to_vec(), slots.to_vec(), Vec::new());
        loop {
            let fits = |want: &Want| {
                want.wanted.end() > at
                    && !slots
                        .iter()
                        .any(|slot| slot.booking != want.booking && slot.range.overlaps(want.wanted))
            };
            let Some(want) = open.iter().filter(|want| fits(want)).min_by_key(|want| want.rank).copied()
            else {
                break;
            };
            open.retain(|other| other.booking != want.booking);
            slots.retain(|slot| slot.booking != want.booking);
            slots.push(Slot { booking: want.booking, range: want.wanted });
            decisions.push(Decision { booking: want.booking, verdict: Verdict::Grant });
        }
        open.sort_by_key(|want| want.rank);
        let due = open.iter().filter(|want| want.decide_by <= at);
        decisions.extend(due.map(|want| Decision { booking: want.booking, verdict: Verdict::Reject }));
        decisions
    }

    #[test]
    fn of_two_that_overlap_the_first_gets_it_and_the_other_waits() {
        assert_eq!(decided(DAY, &[want(2, 15, 17), want(1, 14, 16)], &[]), [(1, Verdict::Grant)]);
    }

    #[test]
    fn a_blocked_want_reserves_nothing() {
        // 1 blocks 2, 2 would block 3, 3 does not overlap 1.
        let wants = [want(1, 10, 12), want(2, 11, 13), want(3, 12, 14)];
        assert_eq!(decided(DAY, &wants, &[]), [(1, Verdict::Grant), (3, Verdict::Grant)]);
    }

    #[test]
    fn a_move_frees_its_slot_for_the_first_who_waits_for_it() {
        // 5 moves away from 10–12, which 2 and 3 want; 4 is free all along.
        let wants = [want(2, 10, 11), want(3, 10, 12), want(4, 20, 21), want(5, 14, 16)];
        let grants = [4, 5, 2].map(|booking| (booking, Verdict::Grant));
        assert_eq!(decided(DAY, &wants, &[slot(5, 10, 12)]), grants);
    }

    #[test]
    fn two_that_would_swap_stay_until_their_time_is_up() {
        let wants = [want(1, 12, 14), want(2, 10, 12)];
        let slots = [slot(1, 10, 12), slot(2, 12, 14)];
        assert_eq!(decided(DAY, &wants, &slots), []);
        let late = DAY + Duration::hours(13);
        assert_eq!(decided(late, &wants[..1], &slots), [(1, Verdict::Reject)]);
    }

    #[test]
    fn a_late_want_that_fits_is_granted_unless_its_range_is_over() {
        let late = DAY + Duration::hours(11);
        assert_eq!(decided(late, &[want(1, 10, 12)], &[]), [(1, Verdict::Grant)]);
        assert_eq!(decided(late, &[want(1, 10, 11)], &[]), [(1, Verdict::Reject)]);
    }

    /// Up to 24 wants, some of them moves, over a day of hours, with slots that overlap nobody's.
    fn scene() -> impl Strategy<Value = (OffsetDateTime, Vec<Want>, Vec<Slot>)> {
        let range = (0i64..24, 1i64..6);
        let wants = prop::collection::vec((range.clone(), 0i64..30), 0..24);
        let slots = prop::collection::vec((range, 1u128..30), 0..12);
        (0i64..26, wants, slots).prop_map(|(at, wants, slots)| {
            let wants = (1..).zip(wants).map(|(rank, ((from, length), decide_by))| Want {
                decide_by: DAY + Duration::hours(decide_by.min(from)),
                ..want(rank, from, from + length)
            });
            let mut held: Vec<Slot> = Vec::new();
            for ((from, length), booking) in slots {
                let slot = slot(booking, from, from + length);
                if !held.iter().any(|other| other.booking == slot.booking || other.range.overlaps(slot.range))
                {
                    held.push(slot);
                }
            }
            (DAY + Duration::hours(at), wants.collect(), held)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..Default::default() })]

        #[test]
        fn decides_as_the_sentence_says((at, wants, slots) in scene()) {
            prop_assert_eq!(decide(at, &wants, &slots), oracle(at, &wants, &slots));
        }

        #[test]
        fn a_decision_cut_anywhere_and_taken_up_again_ends_the_same(
            (at, wants, slots) in scene(),
            cut in 0usize..24,
        ) {
            let whole = decide(at, &wants, &slots);
            let cut = cut.min(whole.len());
            let (mut open, mut held) = (wants.clone(), slots.clone());
            for decision in &whole[..cut] {
                let want = wants.iter().find(|want| want.booking == decision.booking).unwrap();
                open.retain(|other| other.booking != want.booking);
                if decision.verdict == Verdict::Grant {
                    held.retain(|slot| slot.booking != want.booking);
                    held.push(Slot { booking: want.booking, range: want.wanted });
                }
            }
            prop_assert_eq!(decide(at, &open, &held), &whole[cut..]);
        }
    }
}

//! Who stood in line, how long, and who was served before them.

use std::collections::{HashMap, HashSet};

use super::{
    door::Tree,
    report::{Ended, InLine, Stood, Waits},
};
use crate::{Change, WaitlistEntry, WaitlistEntryId, WaitlistState};

/// All who stood in line.
#[derive(Debug, Default)]
pub(super) struct Line {
    stood: Vec<Stood>,
    places: HashMap<WaitlistEntryId, usize>,
}

impl Line {
    /// Whether an entry has been told of.
    pub(super) fn knows(&self, id: WaitlistEntryId) -> bool {
        self.places.contains_key(&id)
    }

    /// An entry is so now; what of it is before the log, it says itself.
    pub(super) fn put(&mut self, change: &Change, after: &WaitlistEntry) {
        let place = *self.places.entry(after.id).or_insert(self.stood.len());
        if place == self.stood.len() {
            self.stood.push(Stood {
                waitlist_entry_id: after.id,
                user_id: after.user_id.clone(),
                rank: after.rank,
                joined_at: after.created_at,
                quantity: after.request.quantity,
                ended: None,
                ended_seq: None,
                waited_millis: None,
                reservation_id: None,
                was_overtaken: false,
            });
        }
        let stood = &mut self.stood[place];
        stood.ended = match after.state {
            WaitlistState::Waiting => return,
            WaitlistState::Offered { .. } => Some(Ended::Offered),
            WaitlistState::Left => Some(Ended::Left),
            WaitlistState::Ended { reason } => Some(reason.into()),
        };
        stood.ended_seq = Some(change.seq);
        let waited = (change.at - stood.joined_at).whole_milliseconds();
        stood.waited_millis = Some(i64::try_from(waited).unwrap_or(i64::MAX));
        stood.reservation_id = after.state.reservation_id();
    }

    /// Who stood there, by rank, and what that comes to; but for what the judge has found.
    pub(super) fn report(self) -> (Vec<Stood>, InLine) {
        let mut stood = self.stood;
        stood.sort_by_key(|stood| stood.rank);
        let overtaken_pairs = overtake(&mut stood);
        let count = |ended| stood.iter().filter(|stood| stood.ended == ended).count() as u64;
        let people: HashSet<_> =
            stood.iter().filter(|stood| stood.was_overtaken).map(|stood| &stood.user_id).collect();
        let in_line = InLine {
            joined: stood.len() as u64,
            waiting: count(None),
            offered: count(Some(Ended::Offered)),
            left: count(Some(Ended::Left)),
            sale_over: count(Some(Ended::SaleOver)),
            limit_reached: count(Some(Ended::LimitReached)),
            waits: waits(&stood),
            overtaken_pairs,
            overtaken_people: people.len() as u64,
            ..InLine::default()
        };
        (stood, in_line)
    }
}

/// Marks those, by rank, before whom somebody behind them was served, and counts the pairs. Whoever stands behind another came
/// later, so who is before an offer and has not come out of line by then is in line.
fn overtake(stood: &mut [Stood]) -> u64 {
    let mut out: Vec<usize> = (0..stood.len()).filter(|place| stood[*place].ended_seq.is_some()).collect();
    out.sort_by_key(|place| stood[*place].ended_seq);
    let (mut gone, mut pairs, mut last_served) = (Tree::new(stood.len()), 0, None);
    for place in out {
        stood[place].was_overtaken = Some(place) < last_served;
        if stood[place].ended == Some(Ended::Offered) {
            pairs += place as u64 - gone.below(place);
            last_served = last_served.max(Some(place));
        }
        gone.add(place);
    }
    for (place, stood) in stood.iter_mut().enumerate().filter(|(_, stood)| stood.ended.is_none()) {
        stood.was_overtaken = Some(place) < last_served;
    }
    pairs
}

fn waits(stood: &[Stood]) -> Option<Waits> {
    let served = stood.iter().filter(|stood| stood.ended == Some(Ended::Offered));
    let mut waited: Vec<i64> = served.filter_map(|stood| stood.waited_millis).collect();
    waited.sort_unstable();
    let longest_millis = *waited.last()?;
    // The shortest that so many of ten don't exceed.
    let of_ten = |tenths: usize| waited[(waited.len() * tenths).div_ceil(10) - 1];
    Some(Waits { median_millis: of_ten(5), most_of_them_millis: of_ten(9), longest_millis })
}

//! Whether every unit is free or somebody's when all is over, and what was confirmed is its owner's.

use std::collections::HashMap;

use holdfast_domain::{Fact, Reservation, ReservationId, reservation::State};

use super::{Breach, Rule};
use crate::chaos::{history::Record, rest::Rest};

pub(super) fn breaches(log: &[Record], rest: &Rest) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut last: HashMap<ReservationId, &Reservation> = HashMap::new();
    for Record { change, .. } in log {
        let Some(after) = change.fact.reservation() else { continue };
        let before = last.insert(after.id, after);
        if before.is_some_and(|before| matches!(before.state, State::Confirmed { .. })) {
            let is_given_up = matches!(change.fact, Fact::ReservationCancelled { .. })
                && change.actor.as_ref() == Some(&after.user_id);
            if !is_given_up {
                breaches.push(Breach::of(Rule::Owned, format!("it was confirmed, and then {change:?}")));
            }
        }
    }
    let held = last.values().filter(|last| matches!(last.state, State::Hold { .. }));
    breaches.extend(held.map(|last| Breach::of(Rule::Settled, format!("still held: {last:?}"))));
    breaches.extend(rest.uneven.iter().map(|uneven| Breach::of(Rule::Settled, uneven)));
    breaches.extend(rest.unverified.iter().map(|said| Breach::of(Rule::Settled, format!("verify: {said}"))));
    breaches
}

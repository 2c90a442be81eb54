//! Whether the API shows every booking as the log left it.

use std::collections::HashMap;

use holdfast_domain::{Caller, visible};
use serde_json::Value;

use super::{Breach, Rule};
use crate::chaos::history::Record;

/// Holds all bookings that the API shows to nobody in particular against the log's end.
pub(super) fn breaches(log: &[Record], shown: &[Value]) -> Vec<Breach> {
    let bookings = log.iter().filter_map(|record| record.change.fact.booking());
    // The last of each is as it is now.
    let mut logged: HashMap<String, _> = bookings.map(|booking| (booking.id.to_string(), booking)).collect();
    let mut breaches = Vec::new();
    let caller = Caller::open(None);
    for booking in shown {
        let left = logged.remove(booking["id"].as_str().unwrap_or_default());
        let left =
            left.map(|left| serde_json::to_value(visible::booking(left, &caller)).expect("it is JSON"));
        if left.as_ref() != Some(booking) {
            breaches.push(Breach::of(Rule::Shown, format!("{booking} is shown, and the log has {left:?}")));
        }
    }
    breaches.extend(logged.values().map(|left| Breach::of(Rule::Shown, format!("not shown: {left:?}"))));
    breaches
}

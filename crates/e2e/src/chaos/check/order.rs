//! Whether the log's order is the real one: what was answered before another was asked stands before it.

use std::{collections::HashMap, time::Duration};

use super::{Breach, Rule};
use crate::{
    Told,
    chaos::history::{Operation, Record},
};

pub(super) fn breaches(log: &[Record], operations: &[Operation]) -> Vec<Breach> {
    let mut spans = HashMap::new();
    for operation in operations {
        let done = operation.tries.iter().filter(|attempt| attempt.told == Told::Done);
        let told_at = done.filter_map(|attempt| attempt.told_at).min();
        for attempt in &operation.tries {
            spans.insert(attempt.request_id.as_str(), (attempt.asked_at, told_at));
        }
    }
    let mut breaches = Vec::new();
    let mut latest = Duration::ZERO;
    for Record { change, .. } in log {
        let id = change.trace.request_id.as_ref().map(holdfast_domain::RequestId::as_str);
        let Some((asked_at, told_at)) = id.and_then(|id| spans.get(id)) else { continue };
        if told_at.is_some_and(|told_at| told_at < latest) {
            let what = format!("seq {} was answered before one that stands before it was asked", change.seq);
            breaches.push(Breach::of(Rule::RealTime, what));
        }
        latest = latest.max(*asked_at);
    }
    breaches
}

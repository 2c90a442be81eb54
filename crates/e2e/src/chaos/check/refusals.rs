//! Whether those who were sent away for want of units had to be.
//!
//! A refusal has no position in the log, but it lies between what had been answered before it was asked and what was asked
//! after it was answered. If what was wanted was free at each position in between, it was refused for nothing. A hold that
//! is over counts as taken until the log says otherwise, so this never accuses wrongly.

use std::{collections::HashMap, time::Duration};

use holdfast_domain::Seq;

use super::{Breach, Rule, past::Past};
use crate::{
    Told,
    chaos::history::{Asked, Operation, Record, Try},
};

/// Positions of the log by when they were certain, and by when they could be.
struct Window {
    /// When a write was answered, and the last position that was answered by then.
    answered: Vec<(Duration, Seq)>,
    /// When a write was asked, and the first position that was asked from then on.
    asked: Vec<(Duration, Seq)>,
    end: Seq,
}

/// How many refusals could be judged, and those that were unfounded.
pub(super) fn judge(log: &[Record], past: &Past<'_>, operations: &[Operation]) -> (usize, Vec<Breach>) {
    let window = Window::of(log, operations);
    let (mut count, mut breaches) = (0, Vec::new());
    for operation in operations {
        for attempt in operation.tries.iter().filter(|attempt| attempt.told == Told::Refused) {
            let Some(told_at) = attempt.told_at.filter(|_| !attempt.is_replay) else { continue };
            let (first, last) = window.between(attempt.asked_at, told_at);
            let mut founded =
                (first.0..=last.0).map(|seq| is_founded(operation, attempt, past, Seq(seq))).peekable();
            if founded.peek().is_none_or(Option::is_none) {
                continue;
            }
            count += 1;
            if !founded.flatten().any(|is_founded| is_founded) {
                let what = format!(
                    "{:?} was free from seq {first} to {last}, and refused: {attempt:?}",
                    operation.asked
                );
                breaches.push(Breach::of(Rule::SoldOut, what));
            }
        }
    }
    (count, breaches)
}

/// Whether it could be refused as it was at this position; nothing when that can't be told.
fn is_founded(operation: &Operation, attempt: &Try, past: &Past<'_>, seq: Seq) -> Option<bool> {
    let named =
        || attempt.body["seats"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
    match (attempt.body["code"].as_str()?, &operation.asked) {
        ("sold_out", Asked::Hold { event, wish, .. }) => {
            wish.fits(|section| past.left(*event, section, seq)).map(|fits| !fits)
        }
        ("seats_taken", Asked::Hold { event, .. }) => {
            Some(named().all(|seat| past.holder(*event, seat, seq).is_some()))
        }
        ("seats_taken", Asked::Lock { event, .. }) => Some(named().all(|seat| {
            past.holder(*event, seat, seq).is_some_and(|holder| holder.is_in_the_way_of(&operation.user))
        })),
        _ => None,
    }
}

impl Window {
    fn of(log: &[Record], operations: &[Operation]) -> Self {
        let mut spans = HashMap::new();
        for operation in operations {
            let done = operation.tries.iter().filter(|attempt| attempt.told == Told::Done);
            let told_at = done.filter_map(|attempt| attempt.told_at).min();
            for attempt in &operation.tries {
                spans.insert(attempt.request_id.as_str(), (attempt.asked_at, told_at));
            }
        }
        let (mut answered, mut asked) = (Vec::new(), Vec::new());
        for Record { change, .. } in log {
            let id = change.trace.request_id.as_ref().map(holdfast_domain::RequestId::as_str);
            let Some((asked_at, told_at)) = id.and_then(|id| spans.get(id)) else { continue };
            asked.push((*asked_at, change.seq));
            answered.extend(told_at.map(|told_at| (told_at, change.seq)));
        }
        answered.sort_unstable();
        asked.sort_unstable();
        let mut last = Seq::default();
        for (_, seq) in &mut answered {
            last = last.max(*seq);
            *seq = last;
        }
        let end = log.last().map(|record| record.change.seq).unwrap_or_default();
        let mut first = end.next();
        for (_, seq) in asked.iter_mut().rev() {
            first = first.min(*seq);
            *seq = first;
        }
        Self { answered, asked, end }
    }

    /// The first and the last position at which something was decided that was asked and told then.
    fn between(&self, asked_at: Duration, told_at: Duration) -> (Seq, Seq) {
        let before = self.answered.partition_point(|(answered, _)| *answered < asked_at);
        let first = self.answered[..before].last().map(|(_, seq)| *seq).unwrap_or_default();
        let behind = self.asked.partition_point(|(asked, _)| *asked <= told_at);
        let last = self.asked.get(behind).map_or(self.end, |(_, seq)| seq.previous());
        (first, last)
    }
}

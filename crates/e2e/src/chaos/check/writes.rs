//! What clients were told of their writes, held against the log.

use std::{collections::HashMap, time::Duration};

use holdfast_domain::{Booking, BookingId, Caller, Change, Fact, UserId, visible};

use super::{Breach, Rule};
use crate::{
    Told,
    chaos::history::{Asked, Operation, Record, Try},
};

/// How long an answer may take. Nothing hangs: whatever is away, a 503 comes before.
pub(super) const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// The changes of a log by the request that they came from.
type ByRequest<'a> = HashMap<&'a str, Vec<&'a Change>>;

pub(super) fn breaches(log: &[Record], operations: &[Operation]) -> Vec<Breach> {
    let mut by_request = ByRequest::new();
    let mut breaches = Vec::new();
    for Record { change, .. } in log {
        match (&change.trace.request_id, &change.actor) {
            (Some(id), _) => by_request.entry(id.as_str()).or_default().push(change),
            (None, Some(_)) => breaches.push(Breach::of(Rule::Unasked, format!("{change:?}"))),
            // The engine's own.
            (None, None) => {}
        }
    }
    let closed = closed(log);
    for operation in operations {
        let effects: Vec<_> = operation
            .tries
            .iter()
            .filter_map(|attempt| Some((attempt, by_request.remove(attempt.request_id.as_str())?)))
            .collect();
        let is_closed = |id| closed.contains_key(&id);
        let found = of_operation(operation, &effects, is_closed);
        breaches.extend(found.into_iter().map(|(rule, what)| {
            Breach::of(rule, format!("{what}: {operation:?}, and the log has {effects:?}"))
        }));
    }
    breaches
        .extend(by_request.values().flatten().map(|change| Breach::of(Rule::Unasked, format!("{change:?}"))));
    breaches
}

fn of_operation(
    operation: &Operation,
    effects: &[(&Try, Vec<&Change>)],
    is_closed: impl Fn(BookingId) -> bool,
) -> Vec<(Rule, &'static str)> {
    let mut breaches = Vec::new();
    let writes: Vec<(&Try, &Change)> = effects
        .iter()
        .flat_map(|(attempt, changes)| changes.iter().map(move |change| (*attempt, *change)))
        .filter(|(_, change)| is_write(change))
        .collect();
    let done: Vec<&Try> = operation.tries.iter().filter(|attempt| attempt.told == Told::Done).collect();
    if operation.tries.iter().any(is_late) {
        breaches.push((Rule::Answered, "no answer in time"));
    }
    if operation.tries.iter().any(|attempt| attempt.status == 500) {
        breaches.push((Rule::Answered, "the answer to a defect"));
    }
    if effects.iter().any(|(attempt, _)| attempt.told == Told::Refused) {
        breaches.push((Rule::Refused, "it was refused, and happened"));
    }
    if writes.len() > 1 && done.is_empty() {
        breaches.push((Rule::OnceAtMost, "it happened more than once, and its client knows of none"));
    } else if writes.len() > 1 {
        breaches.push((Rule::OneEffect, "it happened more than once"));
    }
    let asked_for = |change: &Change| is_asked_for(operation, change);
    if writes.iter().any(|(_, change)| !asked_for(change)) {
        breaches.push((Rule::Kept, "it is not as it was asked for"));
    }
    let Some(first) = done.first() else { return breaches };
    match (writes.first(), &operation.asked) {
        (Some((effective, change)), _) => {
            let is_replay = |attempt: &Try| attempt.request_id != effective.request_id;
            if done.iter().any(|attempt| attempt.is_replay != is_replay(attempt)) {
                breaches.push((
                    Rule::OneAnswer,
                    "what happened before is answered as new, or the other way round",
                ));
            }
            if !done.iter().all(|attempt| tells(attempt, change, &operation.user)) {
                breaches.push((Rule::OneAnswer, "the answer is not what the log has"));
            }
        }
        // To give up what is closed changes nothing, and is no error.
        (None, Asked::Cancel { booking }) if is_closed(*booking) => {}
        (None, _) => breaches.push((Rule::Kept, "it was answered as done, and did not happen")),
    }
    if done.iter().any(|attempt| attempt.body != first.body || attempt.status != first.status) {
        breaches.push((Rule::OneAnswer, "one key has two answers"));
    }
    breaches
}

/// The bookings that are over.
fn closed(log: &[Record]) -> HashMap<BookingId, &Change> {
    let is_end = |fact: &Fact| matches!(fact, Fact::BookingDeleted { .. } | Fact::BookingRejected { .. });
    let ends = log.iter().map(|record| &record.change).filter(|change| is_end(&change.fact));
    ends.filter_map(|change| Some((change.fact.booking()?.id, change))).collect()
}

/// Whether it is what a request does; a notice, and the resource that a booking names first, only come with it.
fn is_write(change: &Change) -> bool {
    !matches!(change.fact, Fact::BookingConflict { .. } | Fact::ResourceCreated { .. })
}

fn is_asked_for(operation: &Operation, change: &Change) -> bool {
    let is_titled = |booking: &Booking, wanted: &str| {
        booking.title.as_ref().is_some_and(|title| title.as_str() == wanted)
    };
    let is_theirs = change.actor.as_ref().is_some_and(|actor| actor.as_str() == operation.user);
    is_theirs
        && match (&operation.asked, &change.fact) {
            (Asked::Create { resource, range, title }, Fact::BookingCreated { booking }) => {
                booking.resource.as_str() == resource
                    && booking.claim.wanted() == *range
                    && is_titled(booking, title)
                    && booking.user_id.as_str() == operation.user
            }
            (Asked::Move { booking: id, range, title }, Fact::BookingUpdated { booking, .. }) => {
                booking.id == *id && booking.claim.wanted() == *range && is_titled(booking, title)
            }
            (Asked::Cancel { booking: id }, Fact::BookingDeleted { booking }) => booking.id == *id,
            _ => false,
        }
}

/// Whether the answer tells of the booking what the change has.
fn tells(attempt: &Try, change: &Change, user: &str) -> bool {
    let Some(booking) = change.fact.booking().filter(|_| !matches!(change.fact, Fact::BookingDeleted { .. }))
    else {
        return attempt.body.is_null();
    };
    let caller = Caller::open(UserId::parse(user).ok());
    let told = serde_json::to_value(visible::booking(booking, &caller)).expect("a booking is JSON");
    told.as_object().is_some_and(|told| told.iter().all(|(name, value)| attempt.body[name] == *value))
}

fn is_late(attempt: &Try) -> bool {
    attempt.told_at.is_none_or(|told_at| told_at.saturating_sub(attempt.asked_at) >= ANSWER_WAIT)
}

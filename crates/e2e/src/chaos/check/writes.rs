//! What clients were told of their writes, held against the log.

use std::{collections::HashMap, time::Duration};

use holdfast_domain::{Booking, Caller, Change, Fact, UserId, visible};

use super::{Breach, Rule, past::Past, units};
use crate::{
    Told,
    chaos::history::{Asked, Operation, Record, Try},
};

/// How long an answer may take. Nothing hangs: whatever is away, a 503 comes before.
pub(super) const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// The changes of a log by the request that they came from.
type ByRequest<'a> = HashMap<&'a str, Vec<&'a Change>>;

pub(super) fn breaches(log: &[Record], past: &Past<'_>, operations: &[Operation]) -> Vec<Breach> {
    let mut by_request = ByRequest::new();
    let mut breaches = Vec::new();
    for Record { change, .. } in log {
        match (&change.trace.request_id, &change.actor) {
            (Some(id), _) => by_request.entry(id.as_str()).or_default().push(change),
            (None, None) if is_engines(&change.fact) => {}
            (None, _) => breaches.push(Breach::of(Rule::Unasked, format!("{change:?}"))),
        }
    }
    for operation in operations {
        let effects: Vec<_> = operation
            .tries
            .iter()
            .filter_map(|attempt| Some((attempt, by_request.remove(attempt.request_id.as_str())?)))
            .collect();
        let found = of_operation(operation, &effects, past);
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
    past: &Past<'_>,
) -> Vec<(Rule, &'static str)> {
    let mut breaches = Vec::new();
    let writes: Vec<(&Try, &Change)> = effects
        .iter()
        .flat_map(|(attempt, changes)| changes.iter().map(move |change| (*attempt, *change)))
        .filter(|(_, change)| is_write(change) && !units::is_companion(&operation.asked, change))
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
    let asked_for = |change: &Change| is_asked_for(operation, change, past);
    if writes.iter().any(|(_, change)| !asked_for(change)) {
        breaches.push((Rule::Kept, "it is not as it was asked for"));
    }
    let Some(first) = done.first() else { return breaches };
    if let Some((effective, change)) = writes.first() {
        let is_replay = |attempt: &Try| attempt.request_id != effective.request_id;
        if done.iter().any(|attempt| attempt.is_replay != is_replay(attempt)) {
            breaches
                .push((Rule::OneAnswer, "what happened before is answered as new, or the other way round"));
        }
        if !done.iter().all(|attempt| tells(operation, attempt, change)) {
            breaches.push((Rule::OneAnswer, "the answer is not what the log has"));
        }
    } else if !done.iter().all(|attempt| was_done(operation, attempt, past)) {
        breaches.push((Rule::Kept, "it was answered as done, and did not happen"));
    }
    let said = |attempt: &Try| (attempt.status, units::said(&attempt.body));
    if done.iter().any(|attempt| said(attempt) != said(first)) {
        breaches.push((Rule::OneAnswer, "one key has two answers"));
    }
    breaches
}

/// Whether what was asked for was so already: to do it again changes nothing, and is no error.
fn was_done(operation: &Operation, attempt: &Try, past: &Past<'_>) -> bool {
    match &operation.asked {
        Asked::Cancel { booking } => past.is_closed(*booking),
        asked => units::was_so(asked, &operation.user, attempt, past),
    }
}

/// Whether the engine does that by itself: a hold only for somebody in line, as the judge sees to.
fn is_engines(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::BookingValidated { .. }
            | Fact::BookingRejected { .. }
            | Fact::BookingMoveRejected { .. }
            | Fact::ReservationExpired { .. }
            | Fact::ReservationHeld { .. }
            | Fact::WaitlistOffered { .. }
            | Fact::WaitlistEnded { .. }
    )
}

/// Whether it is what a request does; a notice, and the resource that a booking names first, only come with it.
fn is_write(change: &Change) -> bool {
    !matches!(change.fact, Fact::BookingConflict { .. } | Fact::ResourceCreated { .. })
}

fn is_asked_for(operation: &Operation, change: &Change, past: &Past<'_>) -> bool {
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
            (asked, _) => units::is_asked_for(asked, &operation.user, change, past),
        }
}

/// Whether the answer tells of its object what the change has.
fn tells(operation: &Operation, attempt: &Try, change: &Change) -> bool {
    if change.fact.booking().is_none() {
        return units::tells(&operation.asked, attempt, change);
    }
    let Some(booking) = change.fact.booking().filter(|_| !matches!(change.fact, Fact::BookingDeleted { .. }))
    else {
        return attempt.body.is_null();
    };
    let caller = Caller::open(UserId::parse(&operation.user).ok());
    let told = serde_json::to_value(visible::booking(booking, &caller)).expect("a booking is JSON");
    told.as_object().is_some_and(|told| told.iter().all(|(name, value)| attempt.body[name] == *value))
}

fn is_late(attempt: &Try) -> bool {
    attempt.told_at.is_none_or(|told_at| told_at.saturating_sub(attempt.asked_at) >= ANSWER_WAIT)
}

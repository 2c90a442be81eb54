//! What clients were told of units that they took, held against the log.

use std::collections::BTreeSet;

use holdfast_domain::{Change, Fact, Reservation, ReservationStatus};
use serde_json::{Value, json};

use super::past::Past;
use crate::chaos::{
    history::{Asked, Part, Try},
    wish::seats_of,
};

/// Whether a change only comes with what a request does: what is not confirmed, or goes to another reservation first; what is
/// offered to who takes a place in line.
pub(super) fn is_companion(asked: &Asked, change: &Change) -> bool {
    match asked {
        Asked::Confirm { .. } | Asked::ConfirmSeats { .. } => {
            matches!(change.fact, Fact::ReservationSplit { .. } | Fact::ReservationHeld { .. })
        }
        Asked::Wait { .. } => {
            matches!(change.fact, Fact::ReservationHeld { .. } | Fact::WaitlistOffered { .. })
        }
        _ => false,
    }
}

/// Whether a change is what this user asked for.
pub(super) fn is_asked_for(asked: &Asked, user: &str, change: &Change, past: &Past<'_>) -> bool {
    let lasts = |reservation: &Reservation, seconds: i64| {
        reservation.state.expires_at() == Some(change.at + time::Duration::seconds(seconds))
    };
    let is_theirs = change.fact.owner().is_none_or(|owner| owner.as_str() == user);
    is_theirs
        && match (asked, &change.fact) {
            (Asked::Announce { title }, Fact::EventCreated { event, .. }) => event.title.as_str() == title,
            (Asked::Hold { event, wish, hold_seconds }, Fact::ReservationHeld { reservation, .. }) => {
                reservation.event_id == *event
                    && wish.is_met_by(reservation)
                    && lasts(reservation, *hold_seconds)
            }
            (
                Asked::Wait { event, section, quantity, offer_seconds },
                Fact::WaitlistJoined { waitlist_entry: entry },
            ) => {
                let [choice] = &entry.request.choices[..] else { return false };
                entry.event_id == *event
                    && entry.request.quantity == *quantity
                    && choice.section_id.is_some() == section.is_some()
                    && entry.offer_seconds == *offer_seconds
            }
            (Asked::Leave { event }, Fact::WaitlistLeft { waitlist_entry }) => {
                waitlist_entry.event_id == *event
            }
            (Asked::Lock { event, seats }, Fact::ReservationHeld { reservation, .. }) => {
                let got = seats_of(reservation);
                // What they did not get they had.
                let is_had = |seat: &&String| {
                    let holder = past.holder(*event, seat, change.seq.previous());
                    holder.is_some_and(|holder| !holder.is_in_the_way_of(user))
                };
                reservation.event_id == *event
                    && got.iter().all(|got| seats.iter().any(|seat| seat == got))
                    && seats.iter().filter(|seat| !got.contains(seat.as_str())).all(|seat| is_had(&seat))
            }
            (
                Asked::Confirm { reservation: id, part },
                Fact::ReservationConfirmed { reservation, rest, .. },
            ) => {
                let is_part = match part {
                    Part::All => rest.is_none(),
                    Part::Seats(seats) => is_of(reservation, seats),
                    Part::Quantity(quantity) => reservation.quantity() == *quantity,
                };
                reservation.id == *id && is_part
            }
            (Asked::ConfirmSeats { event, seats }, Fact::ReservationConfirmed { reservation, .. }) => {
                reservation.event_id == *event && is_of(reservation, seats)
            }
            (Asked::Extend { reservation: id, hold_seconds }, Fact::ReservationExtended { reservation }) => {
                reservation.id == *id && lasts(reservation, *hold_seconds)
            }
            (
                Asked::Release { reservation: id },
                Fact::ReservationReleased { reservation, .. }
                | Fact::ReservationCancelled { reservation, .. },
            ) => reservation.id == *id,
            _ => false,
        }
}

/// Whether the answer tells what the change has.
pub(super) fn tells(asked: &Asked, attempt: &Try, change: &Change) -> bool {
    let body = &attempt.body;
    match (asked, &change.fact) {
        (Asked::Announce { .. }, fact) => fact.event().is_some_and(|event| body["id"] == json!(event.id)),
        (Asked::Release { .. } | Asked::Leave { .. }, _) => body.is_null(),
        // It may have been offered something at once.
        (Asked::Wait { .. }, Fact::WaitlistJoined { waitlist_entry: entry }) => {
            let told = [&body["id"], &body["rank"], &body["user_id"]];
            told == [&json!(entry.id), &json!(entry.rank), &json!(entry.user_id)]
        }
        (Asked::Lock { seats, .. }, fact) => {
            fact.reservation().is_some_and(|reservation| is_locked(body, seats, reservation))
        }
        (_, Fact::ReservationConfirmed { reservation, rest, .. }) => {
            let told = body.get("rest").cloned().unwrap_or_default();
            is_told(body, reservation) && told == json!(rest)
        }
        (_, fact) => fact.reservation().is_some_and(|reservation| is_told(body, reservation)),
    }
}

/// Whether there was nothing to do: so the answer tells of what had been before.
pub(super) fn was_so(asked: &Asked, user: &str, attempt: &Try, past: &Past<'_>) -> bool {
    let was = |body: &Value, is_it: &dyn Fn(&Reservation) -> bool| {
        let id = serde_json::from_value(body.clone());
        let is_theirs = |state: &&Reservation| state.user_id.as_str() == user;
        id.is_ok_and(|id| past.states(id).filter(is_theirs).any(is_it))
    };
    let (body, status) = (&attempt.body, |state: &Reservation| state.state.status());
    match asked {
        Asked::Release { reservation } => {
            let last = past.states(*reservation).next_back().map(status);
            let is_over = matches!(last, Some(ReservationStatus::Expired | ReservationStatus::Cancelled));
            is_over && body.is_null()
        }
        Asked::Leave { event } => past.has_left_line(*event, user) && body.is_null(),
        Asked::Confirm { reservation, part } => was(&json!(reservation), &|state| {
            status(state) == ReservationStatus::Confirmed && is_all_of(part, state) && is_told(body, state)
        }),
        Asked::Extend { reservation, .. } => was(&json!(reservation), &|state| {
            status(state) == ReservationStatus::Hold && is_told(body, state)
        }),
        Asked::ConfirmSeats { seats, .. } => was(&body["id"], &|state| {
            status(state) == ReservationStatus::Confirmed && is_of(state, seats) && is_told(body, state)
        }),
        Asked::Lock { seats, .. } => was(&body["reservation_id"], &|state| {
            status(state) == ReservationStatus::Hold && is_locked(body, seats, state)
        }),
        _ => false,
    }
}

/// What an answer says that is the same however late it is given.
pub(super) fn said(body: &Value) -> Value {
    let mut said = body.clone();
    if let Some(fields) = said.as_object_mut() {
        for relative in ["expires_in_ms", "position", "estimated_wait_seconds"] {
            fields.remove(relative);
        }
    }
    said
}

/// Whether what was asked for is all that the reservation has by now, though it may have had more.
fn is_all_of(part: &Part, reservation: &Reservation) -> bool {
    match part {
        Part::All => true,
        Part::Seats(seats) => is_of(reservation, seats),
        Part::Quantity(quantity) => {
            matches!(reservation.units.as_slice(), [only] if only.quantity == *quantity)
        }
    }
}

fn is_of(reservation: &Reservation, seats: &[String]) -> bool {
    let count = usize::try_from(reservation.quantity());
    count == Ok(seats.len()) && seats_of(reservation) == seats.iter().map(String::as_str).collect()
}

fn is_told(body: &Value, reservation: &Reservation) -> bool {
    let logged = json!(reservation);
    let (id, fields) = (&logged["id"], logged.as_object().expect("an object"));
    fields.iter().all(|(name, value)| body[name] == *value)
        && [&body["reservation_id"], &body["booking_id"]] == [id, id]
}

fn is_locked(body: &Value, seats: &[String], reservation: &Reservation) -> bool {
    let logged = json!(reservation);
    let told: BTreeSet<&str> =
        body["seat_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    body["status"] == "LOCKED"
        && body["reservation_id"] == logged["id"]
        && body["expires_at"] == logged["expires_at"]
        && body["user_id"] == logged["user_id"]
        && told == seats.iter().map(String::as_str).collect()
}

//! What a reservation's change is held against: what the reservation was, when its hold ends, and what is on sale.

use super::{
    found::{Found, Rule},
    hall::{Hall, are_same, are_sound, is_live, lost},
    units::told,
};
use crate::{Change, Fact, Reservation, SectionKind, Units, reservation::State};

/// Whether a reservation's change is one that may follow.
pub(super) fn follows(change: &Change, before: Option<&Reservation>, after: &Reservation) -> bool {
    let is_written = after.updated_at == change.at && are_sound(&after.units);
    let Some(before) = before else {
        return is_written
            && matches!(change.fact, Fact::ReservationHeld { .. })
            && matches!(after.state, State::Hold { .. })
            && (after.version, after.created_at) == (1, change.at)
            && !after.units.is_empty();
    };
    let stays = before.user_id == after.user_id
        && (before.venue_id, before.choice) == (after.venue_id, after.choice)
        && (before.version + 1, before.created_at) == (after.version, after.created_at);
    let (was, is) = (&before.state, &after.state);
    let was_held = matches!(was, State::Hold { .. });
    let keeps = are_same(&before.units, &after.units);
    let legal = match &change.fact {
        Fact::ReservationHeld { .. } => before.version == 0 && is == was && keeps,
        _ if before.version == 0 => false,
        Fact::ReservationSplit { to, .. } => {
            let loses = lost(&before.units, &after.units).is_some_and(|lost| !lost.is_empty());
            let state = if after.units.is_empty() { *is == State::Cancelled } else { is == was };
            was_held && loses && state && *to != after.id
        }
        Fact::ReservationConfirmed { .. } => was_held && keeps && matches!(is, State::Confirmed { .. }),
        Fact::ReservationExtended { .. } => {
            keeps
                && matches!((was, is), (State::Hold { expires_at: was }, State::Hold { expires_at: is }) if was < is)
        }
        Fact::ReservationExpired { .. } => {
            keeps
                && matches!((was, is), (State::Hold { expires_at: was }, State::Expired { expires_at: is }) if was == is)
        }
        Fact::ReservationReleased { .. } => was_held && keeps && *is == State::Cancelled,
        Fact::ReservationCancelled { .. } => is_live(before) && keeps && *is == State::Cancelled,
        _ => false,
    };
    is_written && stays && legal
}

/// A hold is open until its end, and from then on nobody's.
pub(super) fn in_time(change: &Change, before: Option<&Reservation>, found: &mut Found) {
    let Some(State::Hold { expires_at }) = before.map(|before| &before.state) else { return };
    match change.fact {
        Fact::ReservationExpired { .. } => {
            found.check(Rule::P5, *expires_at <= change.at, || told(change, "ends a hold before its end"));
        }
        Fact::ReservationHeld { .. } => {}
        _ => found.check(Rule::P5, change.at < *expires_at, || told(change, "comes when the hold is over")),
    }
}

/// Nothing of an event that is called off is confirmed, or held for longer.
pub(super) fn goes_with_the_event(hall: &Hall, change: &Change, found: &mut Found) {
    let goes_on = matches!(
        change.fact,
        Fact::ReservationSplit { .. } | Fact::ReservationConfirmed { .. } | Fact::ReservationExtended { .. }
    );
    if goes_on {
        let takes_place = hall.event.as_ref().map(|event| !event.status.is_over());
        found.check_known(Rule::Log, takes_place, || told(change, "is of an event that is called off"));
    }
}

/// Units may be held anew: they are on sale, and whatever was over has been given back.
pub(super) fn admitted(hall: &Hall, change: &Change, after: &Reservation, found: &mut Found) {
    let at = change.at;
    let ends_later = after.state.expires_at().is_some_and(|expires_at| at < expires_at);
    found.check(Rule::P5, ends_later, || told(change, "holds nothing for any time"));
    let lapsed = hall.lapsed(at);
    found.check(Rule::P5, lapsed.is_none(), || {
        let (end, id) = lapsed.unzip();
        let (end, id) = (end.map(|end| end.to_string()), id.map(|id| id.to_string()));
        told(
            change,
            &format!(
                "comes before reservation {} was ended, which was over at {}",
                id.unwrap_or_default(),
                end.unwrap_or_default()
            ),
        )
    });
    let Some(event) = &hall.event else {
        found.report.unjudged += 1;
        return;
    };
    found.check_known(Rule::Log, hall.is_on_sale(at), || told(change, "holds units that are not on sale"));
    let has = hall.has(&after.user_id) + i64::from(after.quantity());
    let is_allowed = event.units_per_user.is_none_or(|limit| has <= i64::from(limit));
    found.check(Rule::Log, is_allowed, || {
        told(change, &format!("gives a user {has} units, which is more than they may have"))
    });
    let is_of_it = |units: &Units| {
        event.section(units.section_id).is_some_and(|section| {
            section.name == units.section && (section.kind == SectionKind::Counted) == units.seats.is_empty()
        })
    };
    found.check(Rule::Log, after.units.iter().all(is_of_it), || {
        told(change, "holds units that the event does not have")
    });
}

/// The seats are those of their sections, and have not been taken out.
pub(super) fn are_seats_there(hall: &Hall, change: &Change, after: &Reservation, found: &mut Found) {
    for units in after.units.iter().filter(|units| !units.seats.is_empty()) {
        let are_there = hall.seats.as_ref().map(|seats| {
            let is_there = |seat| seats.section_of(seat) == Some(units.section_id) && !hall.is_out(seat);
            units.seats.iter().all(is_there)
        });
        found.check_known(Rule::P5, are_there, || told(change, "holds seats that are not there"));
    }
}

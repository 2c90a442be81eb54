//! Whether the API shows every booking, every reservation and every section as the log left it.

use std::collections::HashMap;

use holdfast_domain::{Availability, Caller, Reservation, SectionId, visible};
use serde_json::{Value, json};

use super::{Breach, Rule};
use crate::chaos::{history::Record, rest::Rest};

/// Holds all that the API shows against the log's end.
pub(super) fn breaches(log: &[Record], rest: &Rest) -> Vec<Breach> {
    let facts = || log.iter().map(|record| &record.change.fact);
    let caller = Caller::open(None);
    // The last of each is as it is now.
    let bookings = facts().filter_map(|fact| fact.booking());
    let bookings =
        bookings.map(|booking| (booking.id.to_string(), json!(visible::booking(booking, &caller))));
    let reservations = facts().filter_map(|fact| fact.reservation());
    let reservations = reservations.map(|reservation| (reservation.id.to_string(), as_shown(reservation)));
    let mut sections: HashMap<SectionId, Availability> = HashMap::new();
    for fact in facts() {
        for section in fact.event().iter().flat_map(|event| &event.sections) {
            sections.entry(section.id).or_insert(Availability::new(section.id, section.capacity, 0, 0));
        }
        sections.extend(fact.sections().iter().map(|left| (left.section_id, *left)));
    }
    let sections = sections.iter().map(|(id, left)| (id.to_string(), counts(&json!(left))));
    let shown_sections =
        rest.events.iter().flat_map(|event| event["sections"].as_array().into_iter().flatten());
    let shown_sections = shown_sections.map(|section| {
        let mut shown = counts(section);
        shown["section_id"] = section["id"].clone();
        shown
    });
    let mut breaches = differences(bookings.collect(), rest.bookings.iter().cloned(), "id");
    breaches.extend(differences(reservations.collect(), rest.reservations.iter().cloned(), "id"));
    breaches.extend(differences(sections.collect(), shown_sections, "section_id"));
    breaches
}

fn differences(
    mut logged: HashMap<String, Value>,
    shown: impl Iterator<Item = Value>,
    id: &str,
) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for shown in shown {
        let left = logged.remove(shown[id].as_str().unwrap_or_default());
        if left.as_ref() != Some(&shown) {
            breaches.push(Breach::of(Rule::Shown, format!("{shown} is shown, and the log has {left:?}")));
        }
    }
    breaches.extend(logged.values().map(|left| Breach::of(Rule::Shown, format!("not shown: {left}"))));
    breaches
}

/// A reservation that is no hold any more, as the API shows it.
fn as_shown(reservation: &Reservation) -> Value {
    let mut shown = json!(reservation);
    shown["reservation_id"] = shown["id"].clone();
    shown["booking_id"] = shown["id"].clone();
    shown["expires_in_ms"] = Value::Null;
    shown
}

fn counts(left: &Value) -> Value {
    let names = ["section_id", "capacity", "available", "held", "confirmed"];
    names.map(|name| (name.to_owned(), left[name].clone())).into_iter().collect()
}

//! A row beside the last that the log has of its object: what of them differs, in words. Never here: what is read.

use std::fmt::Display;

use holdfast_domain::{Booking, Resource, TimeRange, Venue};

/// What differs of two of a kind.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn of<T: PartialEq + Display + ?Sized>(mut self, name: &str, stored: &T, told: &T) -> Self {
        if stored != told {
            self.0.push(format!("{name} is {stored} in the table and {told} in the log"));
        }
        self
    }

    /// What people wrote is named, not shown: an operator's terminal is no place for it.
    fn text<T: PartialEq>(mut self, name: &str, stored: &T, told: &T) -> Self {
        if stored != told {
            self.0.push(format!("{name} is another in the table than in the log"));
        }
        self
    }
}

/// Of a booking; but for its resource's name, which changes without it.
pub fn bookings(stored: &Booking, told: &Booking) -> Vec<String> {
    if *stored == (Booking { resource: stored.resource.clone(), ..told.clone() }) {
        return Vec::new();
    }
    let range = |range: TimeRange| format!("{} to {}", range.start(), range.end());
    let granted = |booking: &Booking| or_none(booking.claim.granted().map(range));
    let decide_by = |booking: &Booking| or_none(booking.claim.decide_by());
    Differences::default()
        .of("status", stored.claim.status().as_str(), told.claim.status().as_str())
        .of("the range that is wanted", &range(stored.claim.wanted()), &range(told.claim.wanted()))
        .of("the range that is held", &granted(stored), &granted(told))
        .of("rank", &stored.claim.rank().0, &told.claim.rank().0)
        .of("decide_by", &decide_by(stored), &decide_by(told))
        .of("version", &stored.version, &told.version)
        .of("resource", &stored.resource_id.uuid(), &told.resource_id.uuid())
        .of("venue", &stored.venue_id.uuid(), &told.venue_id.uuid())
        .text("user", &stored.user_id, &told.user_id)
        .text("title", &stored.title, &told.title)
        .text("note", &stored.note, &told.note)
        .of("created_at", &stored.created_at, &told.created_at)
        .of("updated_at", &stored.updated_at, &told.updated_at)
        .0
}

/// Of a resource.
pub fn resources(stored: &Resource, told: &Resource) -> Vec<String> {
    Differences::default()
        .of("name", stored.name.as_str(), told.name.as_str())
        .of("venue", &stored.venue_id.uuid(), &told.venue_id.uuid())
        .of("shortest_seconds", &stored.limits.shortest_seconds, &told.limits.shortest_seconds)
        .of("longest_seconds", &stored.limits.longest_seconds, &told.limits.longest_seconds)
        .of("days_ahead", &stored.limits.days_ahead, &told.limits.days_ahead)
        .of("version", &stored.version, &told.version)
        .of("created_at", &stored.created_at, &told.created_at)
        .of("updated_at", &stored.updated_at, &told.updated_at)
        .0
}

/// Of a venue.
pub fn venues(stored: &Venue, told: &Venue) -> Vec<String> {
    Differences::default()
        .of("name", stored.name.as_str(), told.name.as_str())
        .of("time zone", stored.time_zone.as_str(), told.time_zone.as_str())
        .text("address", &stored.address, &told.address)
        .of("version", &stored.version, &told.version)
        .of("created_at", &stored.created_at, &told.created_at)
        .of("updated_at", &stored.updated_at, &told.updated_at)
        .0
}

fn or_none<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "none".into(), |value| value.to_string())
}

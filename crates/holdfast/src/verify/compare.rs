//! A row beside the last that the log has of its object: what of them differs, in words. Never here: what is read.

use std::fmt::Debug;

use holdfast_domain::{Booking, Resource, Venue};

/// What differs of two of a kind.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn of<T: PartialEq + Debug>(mut self, name: &str, stored: T, told: T) -> Self {
        if stored != told {
            self.0.push(format!("{name} is {stored:?} in the table and {told:?} in the log"));
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
    let range = |range: holdfast_domain::TimeRange| format!("{} to {}", range.start(), range.end());
    let granted = |booking: &Booking| booking.claim.granted().map(range);
    Differences::default()
        .of("status", stored.claim.status(), told.claim.status())
        .of("the range that is wanted", range(stored.claim.wanted()), range(told.claim.wanted()))
        .of("the range that is held", granted(stored), granted(told))
        .of("rank", stored.claim.rank().0, told.claim.rank().0)
        .of("decide_by", stored.claim.decide_by(), told.claim.decide_by())
        .of("version", stored.version, told.version)
        .of("resource", stored.resource_id.uuid(), told.resource_id.uuid())
        .of("venue", stored.venue_id.uuid(), told.venue_id.uuid())
        .text("user", &stored.user_id, &told.user_id)
        .text("title", &stored.title, &told.title)
        .text("note", &stored.note, &told.note)
        .of("created_at", stored.created_at, told.created_at)
        .of("updated_at", stored.updated_at, told.updated_at)
        .0
}

/// Of a resource.
pub fn resources(stored: &Resource, told: &Resource) -> Vec<String> {
    Differences::default()
        .of("name", stored.name.as_str(), told.name.as_str())
        .of("venue", stored.venue_id.uuid(), told.venue_id.uuid())
        .of("limits", stored.limits, told.limits)
        .of("version", stored.version, told.version)
        .of("created_at", stored.created_at, told.created_at)
        .of("updated_at", stored.updated_at, told.updated_at)
        .0
}

/// Of a venue.
pub fn venues(stored: &Venue, told: &Venue) -> Vec<String> {
    Differences::default()
        .of("name", stored.name.as_str(), told.name.as_str())
        .of("time zone", stored.time_zone.as_str(), told.time_zone.as_str())
        .text("address", &stored.address, &told.address)
        .of("version", stored.version, told.version)
        .of("created_at", stored.created_at, told.created_at)
        .of("updated_at", stored.updated_at, told.updated_at)
        .0
}

//! A row beside the last that the log has of its object: what of them differs, in words. Never here: what is read.

use std::fmt::Display;

use holdfast_domain::{
    Booking, Event, Reservation, Resource, SeatLabel, Section, SectionName, TimeRange, Units, Venue,
    WaitlistEntry, waitlist::Ending,
};

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

/// Of an event, with its sections.
pub fn events(stored: &Event, told: &Event) -> Vec<String> {
    let mut found = Differences::default()
        .of("status", stored.status.as_str(), told.status.as_str())
        .of("venue", &stored.venue_id.uuid(), &told.venue_id.uuid())
        .text("title", &stored.title, &told.title)
        .of("event_date", &stored.event_date, &told.event_date)
        .of("starts_at", &or_none(stored.starts_at), &or_none(told.starts_at))
        .of("ends_at", &or_none(stored.ends_at), &or_none(told.ends_at))
        .of("sale_opens_at", &or_none(stored.sale_opens_at), &or_none(told.sale_opens_at))
        .of("sale_closes_at", &or_none(stored.sale_closes_at), &or_none(told.sale_closes_at))
        .of("units_per_user", &or_none(stored.units_per_user), &or_none(told.units_per_user))
        .of("version", &stored.version, &told.version)
        .of("created_at", &stored.created_at, &told.created_at)
        .of("updated_at", &stored.updated_at, &told.updated_at);
    let ids = |event: &Event| {
        event.sections.iter().map(|section| section.id.to_string()).collect::<Vec<_>>().join(", ")
    };
    found = found.of("its sections", &ids(stored), &ids(told));
    for (stored, told) in
        stored.sections.iter().zip(&told.sections).filter(|(stored, told)| stored.id == told.id)
    {
        found = found.section(stored, told);
    }
    found.0
}

/// Of a reservation.
pub fn reservations(stored: &Reservation, told: &Reservation) -> Vec<String> {
    if stored == told {
        return Vec::new();
    }
    let code = |reservation: &Reservation| reservation.state.code().cloned();
    let expires_at = |reservation: &Reservation| or_none(reservation.state.expires_at());
    Differences::default()
        .of("status", stored.state.status().as_str(), told.state.status().as_str())
        .of("expires_at", &expires_at(stored), &expires_at(told))
        .text("the code", &code(stored), &code(told))
        .of("units", &units(&stored.units), &units(&told.units))
        .text("the name of a section", &names(&stored.units), &names(&told.units))
        .of("choice", &or_none(stored.choice), &or_none(told.choice))
        .of("version", &stored.version, &told.version)
        .of("event", &stored.event_id, &told.event_id)
        .of("venue", &stored.venue_id, &told.venue_id)
        .text("user", &stored.user_id, &told.user_id)
        .of("created_at", &stored.created_at, &told.created_at)
        .of("updated_at", &stored.updated_at, &told.updated_at)
        .0
}

/// Of an entry of a waiting list.
pub fn entries(stored: &WaitlistEntry, told: &WaitlistEntry) -> Vec<String> {
    if stored == told {
        return Vec::new();
    }
    let reservation = |entry: &WaitlistEntry| or_none(entry.state.reservation_id());
    let expires_at = |entry: &WaitlistEntry| or_none(entry.state.expires_at());
    let reason = |entry: &WaitlistEntry| or_none(entry.state.reason().map(Ending::as_str));
    Differences::default()
        .of("status", stored.state.status().as_str(), told.state.status().as_str())
        .of("the hold that was made for it", &reservation(stored), &reservation(told))
        .of("expires_at", &expires_at(stored), &expires_at(told))
        .of("reason", &reason(stored), &reason(told))
        .of("rank", &stored.rank, &told.rank)
        .of("quantity", &stored.request.quantity, &told.request.quantity)
        .text("adjacent", &stored.request.adjacent, &told.request.adjacent)
        .text("what it chooses from", &stored.request.choices, &told.request.choices)
        .of("offer_seconds", &stored.offer_seconds, &told.offer_seconds)
        .of("version", &stored.version, &told.version)
        .of("event", &stored.event_id, &told.event_id)
        .of("venue", &stored.venue_id, &told.venue_id)
        .text("user", &stored.user_id, &told.user_id)
        .of("created_at", &stored.created_at, &told.created_at)
        .of("updated_at", &stored.updated_at, &told.updated_at)
        .0
}

impl Differences {
    fn section(self, stored: &Section, told: &Section) -> Self {
        let named = |what: &str| format!("{what} of section {}", stored.id);
        self.of(&named("the name"), stored.name.as_str(), told.name.as_str())
            .of(&named("the kind"), stored.kind.as_str(), told.kind.as_str())
            .of(&named("the capacity"), &stored.capacity, &told.capacity)
            .text(&named("the price"), &stored.price, &told.price)
    }
}

/// As in `2 of 0190…; A1, A2 of 0191…`.
fn units(units: &[Units]) -> String {
    let of = |units: &Units| {
        let seats: Vec<&str> = units.seats.iter().map(SeatLabel::as_str).collect();
        let what = if seats.is_empty() { units.quantity.to_string() } else { seats.join(", ") };
        format!("{what} of {}", units.section_id)
    };
    units.iter().map(of).collect::<Vec<_>>().join("; ")
}

fn names(units: &[Units]) -> Vec<&SectionName> {
    units.iter().map(|units| &units.section).collect()
}

fn or_none<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "none".into(), |value| value.to_string())
}

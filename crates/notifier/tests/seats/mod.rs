//! Changes of what is reserved, to deliver.

use holdfast_domain::{
    Availability, DEFAULT_TENANT, EventId, Fact, Reservation, ReservationId, SectionId, SectionName, Units,
    reservation::State,
};
use holdfast_stream::Entry;
use time::Duration;

use crate::common::{AT, entry, user, venue_of};

/// Units of the one section of each event.
const CAPACITY: i32 = 10_000;

pub(crate) fn event(number: u128) -> EventId {
    EventId::from_u128(number)
}

/// One unit of this event, which is where the resource of its number is, is held by `owner`; with it `held` are.
pub(crate) fn held(seq: i64, owner: &str, event_number: u128, held: i32) -> Entry {
    let section_id = SectionId::from_u128(100 + event_number);
    let section = SectionName::parse("VIP").unwrap();
    let reservation = Reservation {
        id: ReservationId::from_u128(1),
        event_id: event(event_number),
        venue_id: venue_of(event_number),
        user_id: user(owner),
        units: vec![Units { section_id, section, quantity: 1, seats: Vec::new() }],
        state: State::Hold { expires_at: AT + Duration::MINUTE },
        choice: None,
        version: 1,
        created_at: AT,
        updated_at: AT,
    };
    let sections = vec![Availability::new(section_id, CAPACITY, held, 0)];
    entry(DEFAULT_TENANT, seq, Some(owner), &Fact::ReservationHeld { reservation, sections })
}

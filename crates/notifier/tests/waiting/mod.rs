//! Changes of who waits for what, to deliver.

use holdfast_domain::{
    DEFAULT_TENANT, Fact, ReservationId, Seq, WaitlistEntry, WaitlistEntryId, WaitlistState,
    seating::Adjacency,
    waitlist::{Choice, Request},
};
use holdfast_stream::Entry;
use time::Duration;

use crate::{
    common::{AT, entry, user, venue_of},
    seats::event,
};

/// `owner` comes into the line of this event.
pub(crate) fn joined(seq: i64, owner: &str, event_number: u128) -> Entry {
    let waitlist_entry = waits(owner, event_number);
    entry(DEFAULT_TENANT, seq, Some(owner), &Fact::WaitlistJoined { waitlist_entry })
}

/// Something is held for them; by the engine.
pub(crate) fn offered(seq: i64, owner: &str, event_number: u128) -> Entry {
    let (reservation_id, expires_at) = (ReservationId::from_u128(1), AT + Duration::MINUTE);
    let state = WaitlistState::Offered { reservation_id, expires_at };
    let waitlist_entry = waits(owner, event_number).with(state, AT);
    entry(DEFAULT_TENANT, seq, None, &Fact::WaitlistOffered { waitlist_entry })
}

fn waits(owner: &str, event_number: u128) -> WaitlistEntry {
    WaitlistEntry {
        id: WaitlistEntryId::from_u128(event_number),
        event_id: event(event_number),
        venue_id: venue_of(event_number),
        user_id: user(owner),
        request: Request {
            quantity: 1,
            adjacent: Adjacency::default(),
            choices: vec![Choice { section_id: None, category: None }],
        },
        offer_seconds: 60,
        rank: Seq(1),
        state: WaitlistState::Waiting,
        version: 1,
        created_at: AT,
        updated_at: AT,
    }
}

//! What a verification is given of events and units of them, as it is stored.

use holdfast_domain::{
    Event, EventId, Reservation, ReservationId, SectionId, Seq, TenantId, Units,
    seating::{Layout, SeatMap},
};

use time::OffsetDateTime;

use crate::Error;

/// An event's row, with its sections.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// What it is.
    pub event: Event,
    /// What is taken of each section, in their order.
    pub taken: Vec<SectionTaken>,
    /// Whether any seats of it are somebody's, by the table that says whose.
    pub has_taken_seats: bool,
    /// Its line.
    pub line: StoredLine,
}

/// What an event's row says of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredLine {
    /// How many it says stand in it.
    pub waiting: i32,
    /// From when on it says that it has to be looked at.
    pub due_at: Option<OffsetDateTime>,
    /// How many entries are `WAITING`.
    pub now_waiting: i64,
}

/// What is taken of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectionTaken {
    /// How many units its row says are held.
    pub held: i32,
    /// How many it says are confirmed.
    pub confirmed: i32,
    /// How many reservations hold.
    pub now_held: i64,
    /// How many are confirmed to reservations.
    pub now_confirmed: i64,
}

/// A reservation's row.
#[derive(Debug, Clone)]
pub struct StoredReservation {
    /// What it is; without its event, the venue is made up.
    pub reservation: Reservation,
    /// Whether its event is there.
    pub has_event: bool,
    /// How many units it says that it has.
    pub quantity: i32,
    /// Of which sections it says that they are.
    pub section_ids: Vec<SectionId>,
}

/// The seats of a section.
#[derive(Debug)]
pub struct Seating {
    /// Of which.
    pub section_id: SectionId,
    /// How many it says are for sale.
    pub capacity: i32,
    /// Which there are, and what has become of them; nothing where the two contradict each other.
    pub seats: Option<(Layout, SeatMap)>,
}

/// The seats of an event, in one snapshot.
#[derive(Debug, Default)]
pub struct StoredSeats {
    /// The sections that have any.
    pub sections: Vec<Seating>,
    /// Who has those that are taken, by what they are called.
    pub taken: Vec<(String, ReservationId)>,
    /// The reservations that have seats, what they have, and whether it is confirmed.
    pub reservations: Vec<(ReservationId, Vec<Units>, bool)>,
}

/// Which of the nets are there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnitNets {
    /// That which refuses more units than a section has.
    pub bounds_sections: bool,
    /// That which refuses a seat to two.
    pub seats_one: bool,
    /// That which refuses a user a second place in a line.
    pub places_one: bool,
}

/// An event that may begin before the log, in one snapshot.
#[derive(Debug, Clone)]
pub struct BegunEvent {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which event.
    pub id: EventId,
    /// What it is now; an error when its row breaks the rules of its texts or its status.
    pub row: Result<Event, Error>,
    /// The first change of it that the log has after the position, and the word for its kind.
    pub first: Option<(Seq, String)>,
}

/// A reservation that may begin before the log, in one snapshot.
#[derive(Debug, Clone)]
pub struct BegunReservation {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Of which event.
    pub event_id: EventId,
    /// Which reservation.
    pub id: ReservationId,
    /// What it is now; an error when its row breaks the rules of its texts or its status.
    pub row: Result<Reservation, Error>,
    /// The first change of it that the log has after the position, and the word for its kind.
    pub first: Option<(Seq, String)>,
}

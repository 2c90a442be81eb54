//! Commands about events and their units, as a caller of open mode would give them.

use holdfast_domain::{
    ConfirmationCode, DEFAULT_VENUE, EventId, EventStatus, EventTitle, ReservationId, RowName, SeatLabel,
    SectionId, SectionName,
    seating::{Adjacency, Row, RowSeats, rows_of},
};
use holdfast_store::{
    ConfirmReservation, ConfirmSeats, CreateEvent, Edit, ExtendReservation, HoldUnits, JoinWaitlist,
    LeaveWaitlist, NewSection, NewUnits, Part, Place, ReleaseReservation, SectionRef, UnitsWanted,
    UpdateEvent, UpdateSection,
};
use time::{Duration, macros::date};
use uuid::Uuid;

use crate::order;

/// An event with these sections, on sale from now on and for good.
///
/// # Panics
/// When the title is none.
pub fn create_event(title: &str, sections: Vec<NewSection>) -> CreateEvent {
    CreateEvent {
        order: order("organiser"),
        id: Uuid::now_v7().into(),
        venue_id: DEFAULT_VENUE,
        title: EventTitle::parse(title).expect("a title"),
        event_date: date!(2027 - 06 - 15),
        starts_at: None,
        ends_at: None,
        sale_opens_at: None,
        sale_closes_at: None,
        units_per_user: None,
        sections,
    }
}

/// A section of so many units.
///
/// # Panics
/// When the name is none.
pub fn counted(name: &str, capacity: i32) -> NewSection {
    section(name, NewUnits::Counted(capacity))
}

/// A section of these seats.
///
/// # Panics
/// When a name is none.
pub fn seated(name: &str, labels: &[&str]) -> NewSection {
    section(name, NewUnits::Seated(rows_of(seats(labels))))
}

/// A section of rows of so many seats each, numbered from 1.
///
/// # Panics
/// When a name is none, or a row is.
pub fn rows(name: &str, rows: &[(&str, u16)]) -> NewSection {
    let row = |(name, seats): &(&str, u16)| {
        let name = RowName::parse(name).expect("a row's name");
        Row::new(name, RowSeats::Count(*seats), 0, None).expect("a row")
    };
    section(name, NewUnits::Seated(rows.iter().map(row).collect()))
}

/// The organiser puts an event on sale, or closes it.
pub fn on_sale(id: EventId, status: EventStatus) -> UpdateEvent {
    UpdateEvent {
        order: order("organiser"),
        id,
        versions: None,
        title: None,
        event_date: None,
        starts_at: Edit::Keep,
        ends_at: Edit::Keep,
        sale_opens_at: Edit::Keep,
        sale_closes_at: Edit::Keep,
        units_per_user: Edit::Keep,
        status: Some(status),
    }
}

/// The organiser changes nothing of a section: what is to change is set in it.
pub fn update_section(event_id: EventId, section_id: SectionId) -> UpdateSection {
    UpdateSection {
        order: order("organiser"),
        event_id,
        section_id,
        versions: None,
        name: None,
        capacity: None,
        price: Edit::Keep,
        add: Vec::new(),
        remove: Vec::new(),
    }
}

/// What these seats are called.
///
/// # Panics
/// When a label is none.
pub fn seats(labels: &[&str]) -> Vec<SeatLabel> {
    labels.iter().map(|label| SeatLabel::parse(label).expect("a seat's label")).collect()
}

/// `user` wants the best units of the section of this name.
///
/// # Panics
/// When a name is none.
pub fn hold_best(user: &str, event: EventId, section: &str, quantity: i32) -> HoldUnits {
    let section = SectionRef::Name(SectionName::parse(section).expect("a section's name"));
    let places = vec![Place { section: Some(section), category: None }];
    hold(user, event, UnitsWanted::Choices { places, quantity })
}

/// `user` wants these seats.
///
/// # Panics
/// When a name is none.
pub fn hold_seats(user: &str, event: EventId, labels: &[&str]) -> HoldUnits {
    hold(user, event, UnitsWanted::Seats(seats(labels)))
}

/// `user` wants these seats; those that they hold already stay as they are.
///
/// # Panics
/// When a name is none.
pub fn lock_seats(user: &str, event: EventId, labels: &[&str]) -> HoldUnits {
    HoldUnits { keeps_own: true, ..hold_seats(user, event, labels) }
}

/// `user` waits for so many units of the section of this name.
///
/// # Panics
/// When a name is none.
pub fn join(user: &str, event: EventId, section: &str, quantity: i32) -> JoinWaitlist {
    join_any(user, event, &[section], quantity)
}

/// `user` waits for so many units of the first of these sections that has them; of whichever has, when none is named.
///
/// # Panics
/// When a name is none.
pub fn join_any(user: &str, event: EventId, sections: &[&str], quantity: i32) -> JoinWaitlist {
    let named = |name: &&str| SectionRef::Name(SectionName::parse(name).expect("a section's name"));
    let mut choices: Vec<Place> =
        sections.iter().map(|name| Place { section: Some(named(name)), category: None }).collect();
    if choices.is_empty() {
        choices.push(Place { section: None, category: None });
    }
    JoinWaitlist {
        order: order(user),
        id: Uuid::now_v7().into(),
        event_id: event,
        quantity,
        adjacency: Adjacency::Preferred,
        choices,
        offer_for: None,
    }
}

/// `user` waits no longer.
///
/// # Panics
/// When the name is none.
pub fn leave(user: &str, event: EventId) -> LeaveWaitlist {
    LeaveWaitlist { order: order(user), event_id: event, versions: None }
}

/// `user` wants these units, for as long as is usual.
///
/// # Panics
/// When the name is none.
pub fn hold(user: &str, event: EventId, wanted: UnitsWanted) -> HoldUnits {
    HoldUnits {
        order: order(user),
        id: Uuid::now_v7().into(),
        event_id: event,
        wanted,
        adjacency: Adjacency::default(),
        hold_for: None,
        keeps_own: false,
    }
}

/// `user` confirms all of a hold.
///
/// # Panics
/// When the name is none.
pub fn confirm(user: &str, id: ReservationId) -> ConfirmReservation {
    confirm_part(user, id, Part::All)
}

/// `user` confirms a part of a hold.
///
/// # Panics
/// When the name is none.
pub fn confirm_part(user: &str, id: ReservationId, part: Part) -> ConfirmReservation {
    let (code, rest_id) = (code(), Uuid::now_v7().into());
    ConfirmReservation { order: order(user), id, versions: None, part, code, rest_id }
}

/// `user` confirms seats, by however many holds they have them.
///
/// # Panics
/// When a name is none.
pub fn confirm_seats(user: &str, event: EventId, labels: &[&str]) -> ConfirmSeats {
    let (code, rest_id) = (code(), Uuid::now_v7().into());
    ConfirmSeats { order: order(user), event_id: event, seats: seats(labels), code, rest_id }
}

/// `user` wants a hold to last for so many seconds from now on.
///
/// # Panics
/// When the name is none.
pub fn extend(user: &str, id: ReservationId, seconds: i64) -> ExtendReservation {
    ExtendReservation { order: order(user), id, versions: None, hold_for: Duration::seconds(seconds) }
}

/// `user` gives a reservation up.
///
/// # Panics
/// When the name is none.
pub fn release(user: &str, id: ReservationId) -> ReleaseReservation {
    ReleaseReservation { order: order(user), id, versions: None }
}

fn section(name: &str, units: NewUnits) -> NewSection {
    let name = SectionName::parse(name).expect("a section's name");
    NewSection { id: Uuid::now_v7().into(), name, units, price: None }
}

fn code() -> ConfirmationCode {
    // Of the newest kind: all but six of its bits are random.
    ConfirmationCode::from_random(Uuid::now_v7().as_u128())
}

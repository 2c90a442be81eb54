//! What a lane can be told to do with events and their sections.

use holdfast_domain::{
    EventId, EventStatus, EventTitle, Price, SeatLabel, SectionId, SectionName, VenueId, seating::Row,
};
use time::{Date, OffsetDateTime};

use super::{Edit, Order, Versions};

/// The units of a section that is to be made.
#[derive(Debug, Clone)]
pub enum NewUnits {
    /// So many.
    Counted(i32),
    /// These seats.
    Seated(Vec<Row>),
}

/// A section that is to be made.
#[derive(Debug, Clone)]
pub struct NewSection {
    /// The id that it will have.
    pub id: SectionId,
    /// What people call it.
    pub name: SectionName,
    /// What is sold.
    pub units: NewUnits,
    /// What a unit costs.
    pub price: Option<Price>,
}

/// Makes an event.
#[derive(Debug, Clone)]
pub struct CreateEvent {
    /// Who asks.
    pub order: Order,
    /// The id that the event will have.
    pub id: EventId,
    /// Where it is.
    pub venue_id: VenueId,
    /// What people call it.
    pub title: EventTitle,
    /// The day that it is on.
    pub event_date: Date,
    /// When it begins.
    pub starts_at: Option<OffsetDateTime>,
    /// When it ends.
    pub ends_at: Option<OffsetDateTime>,
    /// From when on units are to be had.
    pub sale_opens_at: Option<OffsetDateTime>,
    /// From when on they are no longer.
    pub sale_closes_at: Option<OffsetDateTime>,
    /// Most units that one user may have.
    pub units_per_user: Option<i32>,
    /// What is sold.
    pub sections: Vec<NewSection>,
}

/// Changes what is said of an event, or whether it is on sale. What is not given stays.
#[derive(Debug, Clone)]
pub struct UpdateEvent {
    /// Who asks.
    pub order: Order,
    /// Which event.
    pub id: EventId,
    /// In which versions.
    pub versions: Versions,
    /// What people call it.
    pub title: Option<EventTitle>,
    /// The day that it is on.
    pub event_date: Option<Date>,
    /// When it begins.
    pub starts_at: Edit<OffsetDateTime>,
    /// When it ends.
    pub ends_at: Edit<OffsetDateTime>,
    /// From when on units are to be had.
    pub sale_opens_at: Edit<OffsetDateTime>,
    /// From when on they are no longer.
    pub sale_closes_at: Edit<OffsetDateTime>,
    /// Most units that one user may have.
    pub units_per_user: Edit<i32>,
    /// `OPEN` or `CLOSED`.
    pub status: Option<EventStatus>,
}

/// Adds a section to an event.
#[derive(Debug, Clone)]
pub struct AddSection {
    /// Who asks.
    pub order: Order,
    /// To which event.
    pub event_id: EventId,
    /// In which versions.
    pub versions: Versions,
    /// The section.
    pub section: NewSection,
}

/// Changes a section. What is not given stays.
#[derive(Debug, Clone)]
pub struct UpdateSection {
    /// Who asks.
    pub order: Order,
    /// Of which event.
    pub event_id: EventId,
    /// Which section.
    pub section_id: SectionId,
    /// In which versions of the event.
    pub versions: Versions,
    /// What people call it.
    pub name: Option<SectionName>,
    /// How many units there are; of a counted section.
    pub capacity: Option<i32>,
    /// What a unit costs.
    pub price: Edit<Price>,
    /// Seats that it has besides; those that were taken out are for sale again.
    pub add: Vec<Row>,
    /// Seats that it has no longer.
    pub remove: Vec<SeatLabel>,
}

/// Calls an event off. Nobody has units of it any more.
#[derive(Debug, Clone)]
pub struct CancelEvent {
    /// Who asks.
    pub order: Order,
    /// Which event.
    pub id: EventId,
    /// In which versions.
    pub versions: Versions,
}

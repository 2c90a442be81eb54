//! An event as the API shows it: with what is left of each of its sections.

use holdfast_domain::{
    Availability, Event, EventId, EventStatus, EventTitle, Section, VenueId, openapi::example,
};
use holdfast_store::EventNow;
use serde::Serialize;
use serde_json::{Value, json};
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;

time::serde::format_description!(day, Date, "[year]-[month]-[day]");

/// An event, and what is left of it.
#[derive(Serialize, ToSchema)]
#[schema(as = EventNow)]
pub struct Answer<'a> {
    /// Which one.
    id: EventId,
    /// Where it is; never changes.
    venue_id: VenueId,
    /// What people call it.
    title: &'a EventTitle,
    /// The day that it is on, as its venue counts it.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    event_date: Date,
    /// When it begins.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required = true)]
    starts_at: Option<OffsetDateTime>,
    /// When it ends.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required = true)]
    ends_at: Option<OffsetDateTime>,
    /// Whether units of it are to be had.
    status: EventStatus,
    /// From when on they are.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required = true)]
    sale_opens_at: Option<OffsetDateTime>,
    /// From when on they are no longer.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required = true)]
    sale_closes_at: Option<OffsetDateTime>,
    /// Most units that one user may have of it, held and confirmed.
    #[schema(required = true, minimum = 1)]
    units_per_user: Option<i32>,
    /// What is sold of it, and what is left of that.
    sections: Vec<SectionNow<'a>>,
    /// How many stand in line for units of it.
    #[schema(minimum = 0)]
    waiting: i32,
    /// Whether holds have ended that are not settled yet, or somebody in line is to be served; the units of those holds count
    /// as available here.
    settling: bool,
    /// Rises with each write of what is said here, from 1; the `ETag`. What is taken and left rises nothing.
    #[schema(minimum = 1)]
    version: i32,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last written.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

/// A section, and what is left of it.
#[derive(Serialize, ToSchema)]
#[schema(as = SectionNow)]
struct SectionNow<'a> {
    #[schema(value_type = Section)]
    #[serde(flatten)]
    section: &'a Section,
    /// How many units are to be had.
    #[schema(minimum = 0)]
    available: i32,
    /// How many are held.
    #[schema(minimum = 0)]
    held: i32,
    /// How many are confirmed.
    #[schema(minimum = 0)]
    confirmed: i32,
}

impl<'a> From<&'a EventNow> for Answer<'a> {
    fn from(now: &'a EventNow) -> Self {
        Self::new(&now.event, &now.left, now.waiting, now.settling)
    }
}

impl<'a> Answer<'a> {
    fn new(event: &'a Event, left: &[Availability], waiting: i32, settling: bool) -> Self {
        let sections = event.sections.iter().zip(left).map(|(section, left)| SectionNow {
            section,
            available: left.available,
            held: left.held,
            confirmed: left.confirmed,
        });
        Self {
            id: event.id,
            venue_id: event.venue_id,
            title: &event.title,
            event_date: event.event_date,
            starts_at: event.starts_at,
            ends_at: event.ends_at,
            status: event.status,
            sale_opens_at: event.sale_opens_at,
            sale_closes_at: event.sale_closes_at,
            units_per_user: event.units_per_user,
            sections: sections.collect(),
            waiting,
            settling,
            version: event.version,
            created_at: event.created_at,
            updated_at: event.updated_at,
        }
    }

    /// One of which something is held.
    pub fn example() -> Value {
        json!(Answer::new(&example::event(), &[example::left()], 0, false))
    }
}

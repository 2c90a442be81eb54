//! `GET /api/v1/events/{id}/seats`: what has become of each seat, short enough for a map of all of them.

use actix_web::{HttpResponse, http::header::ContentType, web::Data};
use holdfast_domain::{
    Category, EventId, RowName, SeatLabel, SectionId, SectionName,
    openapi::example,
    seating::{Row, RowSeats},
};
use holdfast_runtime::{
    extract::Path,
    headers::{IfNoneMatch, Tag},
    openapi::Parts,
    problem::Problem,
};
use holdfast_store::{Database, Hall, HallSection, Object};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::Reader,
    document::{NoEvent, Read},
    problems,
};

/// The seats of an event.
#[derive(Serialize, ToSchema)]
#[schema(as = Seats)]
struct Answer<'a> {
    /// Of which event.
    event_id: EventId,
    /// Whether holds have ended that are not settled yet; their seats are free here.
    settling: bool,
    /// Its sections that have seats.
    sections: Vec<SectionSeats<'a>>,
}

/// The seats of a section.
#[derive(Serialize, ToSchema)]
struct SectionSeats<'a> {
    /// Which one.
    section_id: SectionId,
    /// What people call it.
    name: &'a SectionName,
    /// Its rows, as they were added.
    rows: Vec<RowStates<'a>>,
}

/// The seats of a row.
#[derive(Serialize, ToSchema)]
struct RowStates<'a> {
    /// What people call it.
    name: &'a RowName,
    /// How good it is: the lowest is given first.
    rank: i32,
    /// What kind of seats it has.
    #[schema(required = true)]
    category: Option<&'a Category>,
    /// What its seats are called, where they are not called by the row's name and their number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    labels: Option<&'a [SeatLabel]>,
    /// The number of its first seat, where they are: `A` and 1 make `A1`, and `1` and 1 make `1-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    first: Option<u32>,
    /// A letter a seat: `f` is free, `h` held, `c` confirmed, `-` not for sale.
    #[schema(pattern = "^[fhc-]+$", example = "ffhhc-")]
    states: String,
}

#[utoipa::path(
    get,
    path = "/api/v1/events/{id}/seats",
    operation_id = "getSeats",
    tag = "events",
    params(("id" = EventId, Path, description = "Of which event."), Parts<(Reader, IfNoneMatch)>),
    responses(
        (status = 200, description = "What has become of each.", body = Answer,
            headers(("ETag")), example = json!(Answer::example())),
        (status = 304, description = "As the caller has it.", headers(("ETag"))),
        Parts<(Reader, Path<Uuid>, NoEvent, Read)>,
    )
)]
/// What has become of each seat
///
/// For a map of all of them, to be asked for again with `If-None-Match`.
pub async fn seats(
    Reader(caller): Reader,
    Path(id): Path<Uuid>,
    had: IfNoneMatch,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let hall = database.hall(caller.tenant, id.into()).await.map_err(problems::of_store)?;
    let hall = hall.ok_or_else(|| problems::not_found(Object::Event))?;
    let body = serde_json::to_vec(&Answer::new(id.into(), &hall)).map_err(Problem::internal)?;
    let tag = Tag::content(&body);
    Ok(had.not_modified(&tag).unwrap_or_else(|| {
        HttpResponse::Ok().insert_header(tag.header()).insert_header(ContentType::json()).body(body)
    }))
}

impl<'a> Answer<'a> {
    fn new(event_id: EventId, hall: &'a Hall) -> Self {
        let sections = hall.sections.iter().map(SectionSeats::new).collect();
        Self { event_id, settling: hall.settling, sections }
    }

    /// Those of one row, of which some are taken.
    fn example() -> Value {
        let (event, added) = (example::event(), example::seats_added());
        let states = |row: &Row| (0..row.len()).map(|seat| if (9..11).contains(&seat) { 'h' } else { 'f' });
        let sections = event.sections.iter().zip(&added).map(|(section, added)| SectionSeats {
            section_id: section.id,
            name: &section.name,
            rows: added.rows.iter().map(|row| RowStates::new(row, states(row).collect())).collect(),
        });
        json!(Answer { event_id: event.id, settling: false, sections: sections.collect() })
    }
}

impl<'a> SectionSeats<'a> {
    fn new(section: &'a HallSection) -> Self {
        let rows = section.layout.rows().iter().enumerate().map(|(place, row)| {
            let seats = section.layout.span(place);
            RowStates::new(row, seats.map(|seat| section.seats.get(seat).as_char()).collect())
        });
        Self { section_id: section.id, name: &section.name, rows: rows.collect() }
    }
}

impl<'a> RowStates<'a> {
    fn new(row: &'a Row, states: String) -> Self {
        let labels = match row.seats() {
            RowSeats::Labels(labels) => Some(labels.as_slice()),
            RowSeats::Count(_) => None,
        };
        Self {
            name: row.name(),
            rank: row.rank(),
            category: row.category(),
            labels,
            first: row.first(),
            states,
        }
    }
}

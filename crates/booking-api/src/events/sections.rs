//! The routes of an event's sections: one more, and one that changes.

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use holdfast_domain::{
    Event, EventId, Price, SeatLabel, SectionId, SectionName,
    event::most,
    openapi::example,
    seating::{Row, rows_of},
};
use holdfast_runtime::{
    extract::{JsonBody, Path},
    headers::IfMatch,
    openapi::Parts,
    problem::Problem,
};
use holdfast_store::{AddSection, Edit, Lanes, UpdateSection, WriteError};
use serde::{Deserialize, de::IgnoredAny};
use utoipa::ToSchema;
use uuid::Uuid;

use super::units::{PriceBody, RowBody, SectionBody, rows_at, section_name};
use crate::{
    caller::Writer,
    document::{Changed, EventOver, NoEvent, NoSection, SeatsRefused, SectionTaken, Shrunk, Write},
    form::{Faults, edit, given},
    problems,
    writes::{shown, versions},
};

/// The body of `PATCH /api/v1/events/{id}/sections/{section_id}`; what is not given stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SectionChanges)]
#[serde(deny_unknown_fields)]
pub struct ChangeBody {
    /// What people call it.
    #[schema(value_type = SectionName, required = false)]
    #[serde(default, deserialize_with = "given")]
    name: Option<String>,
    /// How many units there are; of a section that is counted. Not below what is taken.
    #[schema(minimum = 0, maximum = 10_000_000, nullable = false)]
    #[serde(default, deserialize_with = "given")]
    capacity: Option<i32>,
    /// What a unit costs; null takes it away.
    #[schema(value_type = Option<Price>)]
    #[serde(default, deserialize_with = "edit")]
    price: Edit<PriceBody>,
    /// Seats that it has besides; those that were taken out are for sale again.
    #[schema(value_type = Vec<SeatLabel>, required = false, min_items = 1)]
    #[serde(default, deserialize_with = "given")]
    seats: Option<Vec<String>>,
    /// Rows that it has besides, behind its own.
    #[schema(value_type = Vec<RowBody>, required = false, min_items = 1)]
    #[serde(default, deserialize_with = "given")]
    rows: Option<Vec<RowBody>>,
    /// Seats that it has no longer; none that is held or confirmed.
    #[schema(value_type = Vec<SeatLabel>, required = false, min_items = 1)]
    #[serde(default, deserialize_with = "given")]
    remove_seats: Option<Vec<String>>,
    #[schema(ignore)]
    #[serde(default, deserialize_with = "given")]
    kind: Option<IgnoredAny>,
}

/// What is to change; what is not given stays.
#[derive(Debug)]
pub struct Changes {
    name: Option<SectionName>,
    capacity: Option<i32>,
    price: Edit<Price>,
    add: Vec<Row>,
    remove: Vec<SeatLabel>,
}

impl ChangeBody {
    /// Which field the seats at fault are in.
    fn seats_field(&self, error: &WriteError) -> &'static str {
        match error {
            WriteError::UnknownSeats(_) => "remove_seats",
            _ if self.seats.is_none() => "rows",
            _ => "seats",
        }
    }

    /// What the body asks for, or all that is wrong with it.
    pub fn parse(&self) -> Result<Changes, Problem> {
        let mut faults = Faults::default();
        faults.immutable("kind", self.kind.as_ref());
        let name = self.name.as_deref().and_then(|text| section_name(&mut faults, "name", text));
        let capacity = self.capacity.and_then(|given| faults.number("capacity", given, 0, most::CAPACITY));
        let price = faults.edit_by(&self.price, |faults, price| price.parse(faults, "price"));
        let rows = self.rows.as_deref().and_then(|rows| rows_at(&mut faults, "rows", rows));
        let seats = self.seats.as_deref().and_then(|seats| faults.seats("seats", seats, most::SEATS));
        let remove = self.remove_seats.as_deref();
        let remove = remove.and_then(|seats| faults.seats("remove_seats", seats, most::SEATS));
        let add = rows.unwrap_or_default().into_iter().chain(rows_of(seats.unwrap_or_default())).collect();
        let changes = Changes { name, capacity, price, add, remove: remove.unwrap_or_default() };
        faults.or(Some(changes), Problem::invalid_body())
    }
}

#[utoipa::path(
    post,
    path = "/api/v1/events/{id}/sections",
    operation_id = "addSection",
    tag = "events",
    params(("id" = EventId, Path, description = "To which event."), Parts<(Writer, IfMatch)>),
    request_body(content = SectionBody, example = json!({
        "name": "Balcony",
        "rows": [{ "name": "B", "seats": 12, "rank": 1, "category": "balcony" }],
        "price": { "amount": 2_900, "currency": "EUR" },
    })),
    responses(
        (status = 201, description = "The event as it is now, with the section as the last.", body = Event,
            headers(("ETag"), ("Location"), ("Idempotency-Replayed")), example = json!(example::event())),
        Parts<(
            Writer,
            Path<Uuid>,
            JsonBody<SectionBody>,
            IfMatch,
            (NoEvent, Changed, EventOver, SectionTaken, SeatsRefused),
            Write,
        )>,
    )
)]
/// Adds a section to an event
///
/// What is left of it is told by the event when it is read.
pub async fn add(
    writer: Writer,
    Path(id): Path<Uuid>,
    body: JsonBody<SectionBody>,
    condition: IfMatch,
    request: HttpRequest,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let section = body.value.parse(&mut faults, "");
    let section = faults.or(section, Problem::invalid_body())?;
    let seats = body.value.seats_field();
    let add = AddSection {
        order: writer.order(&body.bytes),
        event_id: id.into(),
        versions: versions(condition),
        section,
    };
    let written = lanes.add_section(add).await.map_err(|error| problems::of_seats(error, seats))?;
    let mut answer = HttpResponse::Created();
    if let Some(section) = written.value.sections.last() {
        answer.insert_header((header::LOCATION, format!("{}/{}", request.path(), section.id)));
    }
    Ok(shown(answer, &written, written.value.version))
}

#[utoipa::path(
    patch,
    path = "/api/v1/events/{id}/sections/{section_id}",
    operation_id = "updateSection",
    tag = "events",
    params(
        ("id" = EventId, Path, description = "Of which event."),
        ("section_id" = SectionId, Path, description = "Which section."),
        Parts<(Writer, IfMatch)>
    ),
    request_body(content = ChangeBody, example = json!({ "capacity": 120 })),
    responses(
        (status = 200, description = "The event as it is now.", body = Event,
            headers(("ETag"), ("Idempotency-Replayed")), example = json!(example::event())),
        Parts<(
            Writer,
            Path<(Uuid, Uuid)>,
            JsonBody<ChangeBody>,
            IfMatch,
            ((NoEvent, NoSection), Changed, EventOver, SectionTaken, SeatsRefused, Shrunk),
            Write,
        )>,
    )
)]
/// Changes a section
///
/// What is not given stays. A section grows, and shrinks no further than to what is held and confirmed of it.
pub async fn update(
    writer: Writer,
    Path((id, section_id)): Path<(Uuid, Uuid)>,
    body: JsonBody<ChangeBody>,
    condition: IfMatch,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let Changes { name, capacity, price, add, remove } = body.value.parse()?;
    let update = UpdateSection {
        order: writer.order(&body.bytes),
        event_id: id.into(),
        section_id: section_id.into(),
        versions: versions(condition),
        name,
        capacity,
        price,
        add,
        remove,
    };
    let written = lanes.update_section(update).await;
    let written = written.map_err(|error| {
        let field = body.value.seats_field(&error);
        problems::of_seats(error, field)
    })?;
    Ok(shown(HttpResponse::Ok(), &written, written.value.version))
}

//! The routes of events: what people attend, and the sections of it that are sold.

mod answer;
mod body;
mod list;
mod seats;
mod sections;
#[cfg(test)]
mod tests;
mod units;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, ServiceConfig},
};
use holdfast_domain::{Event, EventId, openapi::example};
use holdfast_runtime::{
    extract::{JsonBody, Path},
    headers::{IfMatch, Tag},
    openapi::Parts,
    problem::Problem,
    routes,
};
use holdfast_store::{CancelEvent, Database, Lanes, Object};
use utoipa::OpenApi;
use uuid::Uuid;

use crate::{
    caller::{Reader, Writer},
    document::{
        Changed, EventOver, EventTimes, NoEvent, Read, SeatsRefused, TooManyEvents, UnknownVenue, Write,
    },
    history, problems,
    writes::{done, made, shown, versions},
};
use answer::Answer;

/// What the API's document says of them.
#[derive(OpenApi)]
#[openapi(paths(
    list::list,
    create,
    show,
    update,
    cancel,
    sections::add,
    sections::update,
    seats::seats,
    history::of_event
))]
pub struct Document;

/// Mounts the routes.
pub fn configure(config: &mut ServiceConfig) {
    let at = |path: &str| routes::at(format!("/api/v1/events{path}"));
    config
        .service(at("").get(list::list).post(create))
        .service(at("/{id}").get(show).patch(update).delete(cancel))
        .service(at("/{id}/sections").post(sections::add))
        .service(at("/{id}/sections/{section_id}").patch(sections::update))
        .service(at("/{id}/seats").get(seats::seats))
        .service(at("/{id}/history").get(history::of_event));
}

#[utoipa::path(
    post,
    path = "/api/v1/events",
    operation_id = "createEvent",
    tag = "events",
    params(Parts<(Writer,)>),
    request_body(content = body::Body, example = json!({
        "title": "Concert 2027",
        "event_date": "2027-06-15",
        "sections": [
            { "name": "Stalls", "rows": [{ "name": "A", "seats": 20 }, { "name": "B", "seats": 24, "rank": 1 }] },
            { "name": "Standing", "capacity": 100, "price": { "amount": 4_900, "currency": "EUR" } },
        ],
    })),
    responses(
        (status = 201, description = "It was made.", body = Event,
            headers(("ETag"), ("Location"), ("Idempotency-Replayed")), example = json!(example::event())),
        Parts<(
            Writer,
            JsonBody<body::Body>,
            (EventTimes, SeatsRefused),
            UnknownVenue,
            TooManyEvents,
            Write,
        )>,
    )
)]
/// Makes an event, and what is sold of it
///
/// What is left of its sections is told by the event when it is read.
async fn create(
    writer: Writer,
    body: JsonBody<body::Body>,
    request: HttpRequest,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let create = body.value.parse(writer.order(&body.bytes))?;
    let written = lanes.create_event(create).await.map_err(problems::of_write)?;
    Ok(shown(made(&request, written.value.id), &written, written.value.version))
}

#[utoipa::path(
    get,
    path = "/api/v1/events/{id}",
    operation_id = "getEvent",
    tag = "events",
    params(("id" = EventId, Path, description = "Which one."), Parts<(Reader,)>),
    responses(
        (status = 200, description = "The event, and what is left of it.", body = Answer,
            headers(("ETag")), example = json!(Answer::example())),
        Parts<(Reader, Path<Uuid>, NoEvent, Read)>,
    )
)]
/// One event, and what is left of it
async fn show(
    Reader(caller): Reader,
    Path(id): Path<Uuid>,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let now = database.event(caller.tenant, id.into()).await.map_err(problems::of_store)?;
    let now = now.ok_or_else(|| problems::not_found(Object::Event))?;
    // Never 304: what is left is shown with it, and has no version.
    let tag = Tag::version(now.event.version).header();
    Ok(HttpResponse::Ok().insert_header(tag).json(Answer::from(&now)))
}

#[utoipa::path(
    patch,
    path = "/api/v1/events/{id}",
    operation_id = "updateEvent",
    tag = "events",
    params(("id" = EventId, Path, description = "Which one."), Parts<(Writer, IfMatch)>),
    request_body(content = body::ChangeBody, example = json!({ "status": "CLOSED" })),
    responses(
        (status = 200, description = "The event as it is now.", body = Event,
            headers(("ETag"), ("Idempotency-Replayed")), example = json!(example::event())),
        Parts<(
            Writer,
            Path<Uuid>,
            JsonBody<body::ChangeBody>,
            IfMatch,
            (NoEvent, Changed, EventOver, EventTimes),
            Write,
        )>,
    )
)]
/// Changes an event, or whether it is on sale
///
/// What is not given stays, and null takes away what may be missing. What is held and confirmed stays, too. Its venue can't
/// be changed.
async fn update(
    writer: Writer,
    Path(id): Path<Uuid>,
    body: JsonBody<body::ChangeBody>,
    condition: IfMatch,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let update = body.value.parse(writer.order(&body.bytes), id.into(), versions(condition))?;
    let written = lanes.update_event(update).await.map_err(problems::of_write)?;
    Ok(shown(HttpResponse::Ok(), &written, written.value.version))
}

#[utoipa::path(
    delete,
    path = "/api/v1/events/{id}",
    operation_id = "cancelEvent",
    tag = "events",
    params(("id" = EventId, Path, description = "Which one."), Parts<(Writer, IfMatch)>),
    responses(
        (status = 204, description = "It is called off, or was already.", headers(("Idempotency-Replayed"))),
        Parts<(Writer, Path<Uuid>, IfMatch, NoEvent, Changed, Write)>,
    )
)]
/// Calls an event off
///
/// Whoever has units of it is told, and has none any more. With many it is `CANCELLING` until all are. It stays to be read.
async fn cancel(
    writer: Writer,
    Path(id): Path<Uuid>,
    condition: IfMatch,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let cancel = CancelEvent { order: writer.order(&[]), id: id.into(), versions: versions(condition) };
    let written = lanes.cancel_event(cancel).await.map_err(problems::of_write)?;
    Ok(done(&written))
}

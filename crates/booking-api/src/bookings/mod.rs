//! The routes of bookings. A handler extracts, calls and answers; the rules are elsewhere.

mod answer;
mod body;
mod list;
mod process;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, ServiceConfig},
};
use holdfast_domain::{
    BookingId,
    openapi::{SeenBooking, example},
};
use holdfast_runtime::{
    extract::{JsonBody, Path},
    headers::{IfMatch, Prefer, Tag},
    openapi::Parts,
    problem::Problem,
    routes,
};
use holdfast_store::{Booked, CancelBooking, CreateBooking, Database, Lanes, Object, UpdateBooking, Written};
use utoipa::OpenApi;
use uuid::Uuid;

use crate::{
    caller::{Reader, Writer},
    document::{Closed, NoBooking, Own, Read, TooManyResources, UnknownResource, Wanted, Write},
    history, problems,
    waits::Waits,
    writes::{done, made, note_replay, versions},
};
use answer::Answer;

/// Where the routes are: as they are now, and as they were first published.
pub const PREFIXES: [&str; 2] = ["/api/v1", "/api"];

/// What the API's document says of them, under each prefix.
#[derive(OpenApi)]
#[openapi(paths(list::list, create, show, update, cancel, history::of_booking, process::process_pending))]
pub struct Document;

/// Mounts the routes under `/api/v1`, and under `/api` as they were first published. Full paths, literals
/// before parameters: a second scope of the same prefix would never be reached.
pub fn configure(config: &mut ServiceConfig) {
    for prefix in PREFIXES {
        let at = |path: &str| routes::at(format!("{prefix}/bookings{path}"));
        config
            .service(at("").get(list::list).post(create))
            .service(at("/process-pending").post(process::process_pending))
            .service(at("/{id}").get(show).put(update).delete(cancel))
            .service(at("/{id}/history").get(history::of_booking));
    }
}

#[utoipa::path(
    post,
    path = "/bookings",
    operation_id = "createBooking",
    tag = "bookings",
    params(Parts<(Writer, Prefer)>),
    request_body(content = body::Body, example = json!({
        "resource": "Raum1",
        "start_time": "2027-03-21T10:00:00Z",
        "end_time": "2027-03-21T12:00:00Z",
        "title": "Planning",
    })),
    responses(
        (status = 201, description = "It was made, and waits for its decision unless the answer has waited for it.",
            body = Answer,
            headers(("ETag"), ("Location"), ("Idempotency-Replayed"), ("Preference-Applied")),
            example = json!(Answer::example())),
        Parts<(Writer, JsonBody<body::Body>, Wanted, UnknownResource, TooManyResources, Write)>,
    )
)]
/// Asks for a range of a resource
///
/// Accepted though others want or have it: the answer says whom it meets. A resource that is named for the first time is
/// made.
async fn create(
    writer: Writer,
    body: JsonBody<body::Body>,
    prefer: Prefer,
    request: HttpRequest,
    lanes: Data<Lanes>,
    waits: Data<Waits>,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let new = body.value.parse()?;
    let create = CreateBooking {
        order: writer.order(&body.bytes),
        id: Uuid::now_v7().into(),
        target: new.target,
        wanted: new.wanted,
        title: new.title,
        note: new.note,
    };
    let written = lanes.create(create).await.map_err(problems::of_write)?;
    let answer = made(&request, written.value.booking.id);
    Ok(booked(answer, written, &writer, prefer, &waits, &database).await)
}

#[utoipa::path(
    get,
    path = "/bookings/{id}",
    operation_id = "getBooking",
    tag = "bookings",
    params(("id" = BookingId, Path, description = "Which one."), Parts<(Reader,)>),
    responses(
        (status = 200, description = "The booking.", body = SeenBooking,
            headers(("ETag")), example = json!(example::booking().view())),
        Parts<(Reader, Path<Uuid>, NoBooking, Read)>,
    )
)]
/// One booking
async fn show(
    Reader(caller): Reader,
    Path(id): Path<Uuid>,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let booking = database.booking(caller.tenant, id.into()).await.map_err(problems::of_store)?;
    let booking = booking.ok_or_else(|| problems::not_found(Object::Booking))?;
    // Never 304: the name of the resource is shown with it, and has versions of its own.
    let tag = Tag::version(booking.version).header();
    Ok(HttpResponse::Ok().insert_header(tag).json(Answer::stored(&booking, &caller)))
}

#[utoipa::path(
    put,
    path = "/bookings/{id}",
    operation_id = "updateBooking",
    tag = "bookings",
    params(("id" = BookingId, Path, description = "Which one."), Parts<(Writer, IfMatch, Prefer)>),
    request_body(content = body::ChangeBody, example = json!({ "end_time": "2027-03-21T13:00:00Z" })),
    responses(
        (status = 200, description = "The booking as it is now, or once it was decided, if the answer has waited for that.",
            body = Answer,
            headers(("ETag"), ("Idempotency-Replayed"), ("Preference-Applied")), example = json!(Answer::example())),
        Parts<(Writer, Path<Uuid>, JsonBody<body::ChangeBody>, IfMatch, (Own, Closed, Wanted), Write)>,
    )
)]
/// Changes a booking
///
/// What is not given stays. Another range is granted or not, as a new one is; until then the booking keeps the slot that
/// it has.
#[expect(clippy::too_many_arguments, reason = "each is a part of the request, or what it needs")]
async fn update(
    writer: Writer,
    Path(id): Path<Uuid>,
    body: JsonBody<body::ChangeBody>,
    condition: IfMatch,
    prefer: Prefer,
    lanes: Data<Lanes>,
    waits: Data<Waits>,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let body::Changes { start, end, title, note } = body.value.parse()?;
    let update = UpdateBooking {
        order: writer.order(&body.bytes),
        id: id.into(),
        versions: versions(condition),
        start,
        end,
        title,
        note,
    };
    let written = lanes.update(update).await.map_err(problems::of_write)?;
    Ok(booked(HttpResponse::Ok(), written, &writer, prefer, &waits, &database).await)
}

#[utoipa::path(
    delete,
    path = "/bookings/{id}",
    operation_id = "cancelBooking",
    tag = "bookings",
    params(("id" = BookingId, Path, description = "Which one."), Parts<(Writer, IfMatch)>),
    responses(
        (status = 204, description = "It is given up, or had nothing left to give.",
            headers(("Idempotency-Replayed"))),
        Parts<(Writer, Path<Uuid>, IfMatch, Own, Write)>,
    )
)]
/// Gives a booking up
///
/// It stays to be read, and so does its history.
async fn cancel(
    writer: Writer,
    Path(id): Path<Uuid>,
    condition: IfMatch,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let order = writer.order(&[]);
    let cancel = CancelBooking { order, id: id.into(), versions: versions(condition) };
    let written = lanes.cancel(cancel).await.map_err(problems::of_write)?;
    Ok(done(&written))
}

/// Answers with a booking that was written, and if the caller would rather wait, as it is once it is decided.
async fn booked(
    mut answer: actix_web::HttpResponseBuilder,
    written: Written<Booked>,
    writer: &Writer,
    prefer: Prefer,
    waits: &Waits,
    database: &Database,
) -> HttpResponse {
    let Booked { mut booking, conflicts } = written.value;
    if let Some((wait, applied)) = prefer.wait().zip(prefer.applied())
        && let Some(now) = waits.decided(database, writer.caller.tenant, &booking, wait).await
    {
        booking = now;
        answer.insert_header(applied);
    }
    note_replay(&mut answer, written.replayed);
    answer.insert_header(Tag::version(booking.version).header()).json(Answer::written(
        &booking,
        conflicts.as_ref(),
        &writer.caller,
    ))
}

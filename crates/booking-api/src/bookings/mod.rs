//! The routes of bookings. A handler extracts, calls and answers; the rules are elsewhere.

mod answer;
mod body;
mod page;
mod process;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{self, Data, Json, Path, Query},
};
use holdfast_domain::{BookingId, RequestId};
use holdfast_runtime::problem::Problem;
use holdfast_store::{CancelBooking, CreateBooking, Database, Filter, Lanes};
use uuid::Uuid;

use crate::{
    caller::{Reader, Writer},
    problems,
};
use answer::Answer;

/// Mounts the routes under `/api/v1`, and under `/api` as they were first published. Full paths, literals
/// before parameters: a second scope of the same prefix would never be reached.
pub fn configure(config: &mut web::ServiceConfig) {
    for prefix in ["/api", "/api/v1"] {
        let route = |path: &str| web::resource(format!("{prefix}/bookings{path}"));
        config
            .service(route("").get(list).post(create))
            .service(route("/process-pending").post(process::process_pending))
            .service(route("/{id}").get(show).delete(cancel));
    }
}

async fn create(
    Writer { caller, user }: Writer,
    body: Json<body::Body>,
    request_id: holdfast_runtime::RequestId,
    request: HttpRequest,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let new = body.parse()?;
    let create = CreateBooking {
        tenant_id: caller.tenant,
        command_id: Uuid::now_v7().into(),
        request_id: logged(&request_id),
        id: Uuid::now_v7().into(),
        user_id: user,
        venue_id: holdfast_domain::DEFAULT_VENUE,
        resource: new.resource,
        resource_id_if_new: Uuid::now_v7().into(),
        wanted: new.wanted,
        title: new.title,
        note: new.note,
    };
    let created = lanes.create(create).await.map_err(problems::of_write)?;
    let location = format!("{}/{}", request.path(), created.booking.id);
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, location))
        .insert_header((header::ETAG, answer::etag(&created.booking)))
        .json(Answer::created(&created)))
}

async fn list(
    Reader(caller): Reader,
    query: Query<page::Query>,
    request: HttpRequest,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let page = query.parse()?;
    // One more than asked for tells whether there is a next page.
    let filter = Filter { limit: page.limit + 1, ..page };
    let mut bookings = database.bookings(caller.tenant, filter).await.map_err(problems::of_store)?;
    let most = usize::try_from(page.limit).map_err(Problem::internal)?;
    let more = bookings.len() > most;
    bookings.truncate(most);
    let mut answer = HttpResponse::Ok();
    if let Some(last) = bookings.last().filter(|_| more) {
        answer.insert_header((header::LINK, page::next(request.path(), last, page.limit)));
    }
    Ok(answer.json(bookings.iter().map(Answer::stored).collect::<Vec<_>>()))
}

async fn show(
    Reader(caller): Reader,
    id: Path<Uuid>,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let booking = database.booking(caller.tenant, (*id).into()).await.map_err(problems::of_store)?;
    let booking = booking.ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "booking_not_found", "There is no such booking")
    })?;
    Ok(HttpResponse::Ok()
        .insert_header((header::ETAG, answer::etag(&booking)))
        .json(Answer::stored(&booking)))
}

async fn cancel(
    Writer { caller, user }: Writer,
    id: Path<Uuid>,
    request_id: holdfast_runtime::RequestId,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let id = BookingId::from(*id);
    let (tenant_id, command_id, request_id) = (caller.tenant, Uuid::now_v7().into(), logged(&request_id));
    let cancel = CancelBooking { tenant_id, command_id, request_id, id, user_id: user };
    lanes.cancel(cancel).await.map_err(problems::of_write)?;
    Ok(HttpResponse::NoContent().finish())
}

/// The request's id as the log keeps it; the runtime has seen to its form.
fn logged(request_id: &holdfast_runtime::RequestId) -> Option<RequestId> {
    RequestId::parse(request_id.as_str()).ok()
}

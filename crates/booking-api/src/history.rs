//! Histories: who did what to an object, and when, from the log.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use holdfast_domain::{
    BookingId, Caller, EventId, Kind, ReservationId,
    change::Recorded,
    openapi::{LoggedChange, example},
    visible::{self, visible},
};
use holdfast_runtime::{
    extract::{Path, Query},
    openapi::Parts,
    problem::Problem,
};
use holdfast_store::{Database, Object};
use uuid::Uuid;

use crate::{
    caller::Reader,
    document::{NoBooking, NoEvent, NoReservation, Read},
    page, problems,
};

#[utoipa::path(
    get,
    path = "/bookings/{id}/history",
    operation_id = "getBookingHistory",
    tag = "bookings",
    params(("id" = BookingId, Path, description = "Which booking."), Parts<(Reader,)>, page::Asked),
    responses(
        (status = 200, description = "A page of its changes, in their order, as far as the caller may see them.",
            body = Vec<LoggedChange>, headers(("Link")),
            example = json!([example::change(Kind::BookingCreated), example::change(Kind::BookingValidated)])),
        Parts<(Reader, Path<Uuid>, Query<page::Asked>, NoBooking, Read)>,
    )
)]
/// Who did what to a booking, and when
pub async fn of_booking(
    Reader(caller): Reader,
    Path(id): Path<Uuid>,
    Query(query): Query<page::Asked>,
    request: HttpRequest,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let booking = database.booking(caller.tenant, id.into()).await.map_err(problems::of_store)?;
    // The log knows venues and resources by their ids, too.
    booking.ok_or_else(|| problems::not_found(Object::Booking))?;
    history(&database, &caller, id, query, &request).await
}

#[utoipa::path(
    get,
    path = "/api/v1/events/{id}/history",
    operation_id = "getEventHistory",
    tag = "events",
    params(("id" = EventId, Path, description = "Which event."), Parts<(Reader,)>, page::Asked),
    responses(
        (status = 200, description = "A page of its changes, in their order.",
            body = Vec<LoggedChange>, headers(("Link")), example = json!([example::change(Kind::EventCreated)])),
        Parts<(Reader, Path<Uuid>, Query<page::Asked>, NoEvent, Read)>,
    )
)]
/// Who did what to an event, and when
///
/// What became of its units is told of the reservations that have them.
pub async fn of_event(
    Reader(caller): Reader,
    Path(id): Path<Uuid>,
    Query(query): Query<page::Asked>,
    request: HttpRequest,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let event = database.event(caller.tenant, id.into()).await.map_err(problems::of_store)?;
    event.ok_or_else(|| problems::not_found(Object::Event))?;
    history(&database, &caller, id, query, &request).await
}

#[utoipa::path(
    get,
    path = "/api/v1/reservations/{id}/history",
    operation_id = "getReservationHistory",
    tag = "reservations",
    params(("id" = ReservationId, Path, description = "Which reservation."), Parts<(Reader,)>, page::Asked),
    responses(
        (status = 200, description = "A page of its changes, in their order.",
            body = Vec<LoggedChange>, headers(("Link")),
            example = json!([
                example::change(Kind::ReservationHeld),
                example::change(Kind::ReservationConfirmed),
            ])),
        Parts<(Reader, Path<Uuid>, Query<page::Asked>, NoReservation, Read)>,
    )
)]
/// Who did what to a reservation, and when
pub async fn of_reservation(
    Reader(caller): Reader,
    Path(id): Path<Uuid>,
    Query(query): Query<page::Asked>,
    request: HttpRequest,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let now = database.reservation(caller.tenant, id.into()).await.map_err(problems::of_store)?;
    let seen = now.filter(|now| visible::sees_all_of(&now.reservation.user_id, &caller));
    seen.ok_or_else(|| problems::not_found(Object::Reservation))?;
    history(&database, &caller, id, query, &request).await
}

/// A page of the changes of an object that is there.
async fn history(
    database: &Database,
    caller: &Caller,
    id: Uuid,
    query: page::Asked,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (limit, after) = query.by_seq()?;
    // One more than asked for tells whether there is a next page.
    let recorded = database.history(caller.tenant, id, after, limit + 1).await;
    let mut recorded = recorded.map_err(problems::of_store)?;
    let mut answer = HttpResponse::Ok();
    if let Some(last) = page::cut(&mut recorded, limit)? {
        page::link_next(&mut answer, request, query.after(last.seq))?;
    }
    let changes = recorded.iter().map(Recorded::parse).collect::<Result<Vec<_>, _>>();
    let changes = changes.map_err(Problem::internal)?;
    Ok(answer.json(changes.iter().filter_map(|change| visible(change, caller)).collect::<Vec<_>>()))
}

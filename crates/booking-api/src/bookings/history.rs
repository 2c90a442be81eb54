//! `GET /api/bookings/{id}/history`: who did what to a booking, and when.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use holdfast_domain::{
    BookingId, Kind, Seq,
    change::Recorded,
    openapi::{LoggedChange, example},
    visible::visible,
};
use holdfast_runtime::{extract, openapi::Parts, problem::Problem};
use holdfast_store::{Database, Object};
use uuid::Uuid;

use crate::{
    caller::Reader,
    document::{NoBooking, Read},
    form::Faults,
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
        Parts<(Reader, extract::Path<Uuid>, extract::Query<page::Asked>, NoBooking, Read)>,
    )
)]
/// Who did what to a booking, and when
pub async fn history(
    Reader(caller): Reader,
    extract::Path(id): extract::Path<Uuid>,
    extract::Query(query): extract::Query<page::Asked>,
    request: HttpRequest,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let (id, tenant) = (BookingId::from(id), caller.tenant);
    let mut faults = Faults::default();
    let limit = page::limit(&mut faults, query.limit.as_deref());
    let after = page::cursor(&mut faults, query.cursor.as_deref(), page::read_seq).unwrap_or_default();
    faults.or(Some(()), Problem::bad_query())?;
    // The log knows venues and resources by their ids, too.
    if database.booking(tenant, id).await.map_err(problems::of_store)?.is_none() {
        return Err(problems::not_found(Object::Booking));
    }
    // One more than asked for tells whether there is a next page.
    let mut recorded = database.history(tenant, id, after, limit + 1).await.map_err(problems::of_store)?;
    let more = i64::try_from(recorded.len()).is_ok_and(|found| found > limit);
    if more {
        recorded.pop();
    }
    let changes = recorded.iter().map(Recorded::parse).collect::<Result<Vec<_>, _>>();
    let changes = changes.map_err(Problem::internal)?;
    let mut answer = HttpResponse::Ok();
    if let Some(Seq(last)) = changes.last().map(|change| change.seq).filter(|_| more) {
        page::link_next(&mut answer, &request, page::Asked { cursor: Some(last.to_string()), ..query })?;
    }
    Ok(answer.json(changes.iter().filter_map(|change| visible(change, &caller)).collect::<Vec<_>>()))
}

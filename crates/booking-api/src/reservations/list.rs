//! `GET /api/v1/reservations`: a user's, and the page of them.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use holdfast_domain::{Caller, EventId, ReservationId, ReservationStatus, UserId, visible};
use holdfast_runtime::{extract, openapi::Parts, problem::Problem};
use holdfast_store::{Database, ReservationFilter};
use serde::{Deserialize, Serialize};

use super::answer::Answer;
use crate::{caller::Reader, document::Read, form::Faults, page, problems};

/// The query.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Those of this user; of who asks, without it.
    #[param(value_type = UserId, required = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// Only those of this event.
    #[param(value_type = EventId, required = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    /// Only those in one of these states, with commas between them.
    #[param(value_type = Vec<ReservationStatus>, required = false, style = Form, explode = false, example = json!(["HOLD", "CONFIRMED"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// Entries on a page at most.
    #[param(value_type = i64, required = false, minimum = 1, maximum = 1_000, default = 100)]
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<String>,
    /// Where the last page ended; comes with `Link`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

#[utoipa::path(
    get,
    path = "/api/v1/reservations",
    operation_id = "listReservations",
    tag = "reservations",
    params(Parts<(Reader,)>, Query),
    responses(
        (status = 200,
            description = "A page of them, the newest first. It may be shorter than asked for and not be the last.",
            body = Vec<Answer>, headers(("Link")), example = json!([Answer::held()])),
        Parts<(Reader, extract::Query<Query>, Read)>,
    )
)]
/// A user's reservations, the newest first
pub async fn list(
    Reader(caller): Reader,
    extract::Query(query): extract::Query<Query>,
    request: HttpRequest,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let filter = query.parse(&caller)?;
    // What another has must not be found out by asking for it.
    if !visible::sees_all_of(&filter.user, &caller) {
        return Ok(HttpResponse::Ok().json([(); 0]));
    }
    let page = database.reservations(caller.tenant, &filter).await.map_err(problems::of_store)?;
    let mut answer = HttpResponse::Ok();
    if let Some(id) = page.next {
        page::link_next(&mut answer, &request, Query { cursor: Some(id.to_string()), ..query })?;
    }
    Ok(answer.json(page.reservations.iter().map(Answer::from).collect::<Vec<_>>()))
}

impl Query {
    fn parse(&self, caller: &Caller) -> Result<ReservationFilter, Problem> {
        let mut faults = Faults::default();
        let user = faults.user("user_id", self.user_id.as_deref(), caller);
        let event = self.event_id.as_deref().and_then(|id| faults.id::<EventId>("event_id", id));
        let all = ReservationStatus::ALL;
        let statuses =
            page::words(&mut faults, "status", self.status.as_deref(), &all, ReservationStatus::as_str);
        let limit = page::limit(&mut faults, self.limit.as_deref());
        let after = page::cursor(&mut faults, self.cursor.as_deref(), page::read_id::<ReservationId>);
        let filter = user.map(|user| ReservationFilter { user, event, statuses, after, limit });
        faults.or(filter, Problem::bad_query())
    }
}

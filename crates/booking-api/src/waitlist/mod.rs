//! The routes of waiting lists: a place in the line for units of an event is taken, looked at, and left.

mod answer;
mod body;
mod entries;
#[cfg(test)]
mod tests;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, ServiceConfig},
};
use holdfast_domain::{Caller, EventId, UserId, visible};
use holdfast_runtime::{
    extract::{self, JsonBody, Path},
    headers::{IfMatch, Tag},
    openapi::Parts,
    problem::Problem,
    routes,
};
use holdfast_store::{Database, JoinWaitlist, Lanes, LeaveWaitlist, Object};
use serde::{Deserialize, Serialize};
use utoipa::OpenApi;
use uuid::Uuid;

use crate::{
    caller::{Reader, Writer},
    document::{
        Changed, EventsUnits, LineClosed, NoEvent, NoPlaceInLine, NotOnSale, OfferRefused, Offered, Read,
        UnknownSection, Write,
    },
    form::Faults,
    problems,
    writes::{done, note_replay, versions},
};
use answer::Answer;

/// What the API's document says of them.
#[derive(OpenApi)]
#[openapi(paths(join, show, leave, entries::list))]
pub struct Document;

/// Mounts the routes.
pub fn configure(config: &mut ServiceConfig) {
    let at = |path: &str| routes::at(format!("/api/v1/events/{{id}}/waitlist{path}"));
    config.service(at("").get(show).post(join).delete(leave)).service(at("/entries").get(entries::list));
}

#[utoipa::path(
    post,
    path = "/api/v1/events/{id}/waitlist",
    operation_id = "joinWaitlist",
    tag = "waiting lists",
    params(("id" = EventId, Path, description = "For units of which event."), Parts<(Writer,)>),
    request_body(content = body::Body, examples(
        ("section" = (summary = "So many of a section", value = json!({ "section_id": "Stalls", "quantity": 2 }))),
        ("any" = (summary = "So many of whichever section has them", value = json!({ "quantity": 1 }))),
        ("choices" = (summary = "The first of several sections that has them", value = json!({
            "quantity": 2, "adjacent": "required", "offer_seconds": 300,
            "choices": [{ "section": "VIP" }, { "section": "Stalls", "category": "balcony" }, { "any": true }],
        }))),
    )),
    responses(
        (status = 201, description = "They stand in line; or, where it could be had, it is held for them.",
            body = Answer, headers(("ETag"), ("Location"), ("Idempotency-Replayed")),
            example = json!(Answer::waiting())),
        Parts<(
            Writer,
            Path<Uuid>,
            JsonBody<body::Body>,
            (NoEvent, UnknownSection, NotOnSale),
            (EventsUnits, LineClosed, OfferRefused),
            Write,
        )>,
    )
)]
/// Takes a place in line
///
/// A hold is made for the first in line whose request fits what is free, before anybody else can take it; at once, when there
/// is something that fits and nobody before who wants it. A user has one place in the line of an event. What they ask for
/// can't be changed: leave, and come again.
async fn join(
    writer: Writer,
    Path(id): Path<Uuid>,
    body: JsonBody<body::Body>,
    request: HttpRequest,
    lanes: Data<Lanes>,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let body::Wait { quantity, choices, adjacency, offer_for } = body.value.parse()?;
    let (order, event_id) = (writer.order(&body.bytes), EventId::from(id));
    let id = Uuid::now_v7().into();
    let join = JoinWaitlist { order, id, event_id, quantity, adjacency, choices, offer_for };
    let written = lanes.join_waitlist(join).await.map_err(problems::of_line)?;
    let entry = &written.value;
    // Where they stand is as of now. It is written: that nothing can be read must not look as if it were not.
    let now = if entry.is_waiting() {
        database.waitlist_place(writer.caller.tenant, event_id, writer.user()).await.ok().flatten()
    } else {
        None
    };
    let mut answer = HttpResponse::Created();
    note_replay(&mut answer, written.replayed);
    answer.insert_header((header::LOCATION, request.path()));
    answer.insert_header(Tag::version(entry.version).header());
    Ok(answer.json(Answer::written(entry, now.as_ref())))
}

/// The query of `GET /api/v1/events/{id}/waitlist`.
#[derive(Debug, Deserialize, Serialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The place of this user; of who asks, without it.
    #[param(value_type = UserId, required = false)]
    user_id: Option<String>,
}

impl Query {
    fn user(&self, caller: &Caller) -> Result<UserId, Problem> {
        let mut faults = Faults::default();
        let user = faults.user("user_id", self.user_id.as_deref(), caller);
        faults.or(user, Problem::bad_query())
    }
}

#[utoipa::path(
    get,
    path = "/api/v1/events/{id}/waitlist",
    operation_id = "getWaitlistPlace",
    tag = "waiting lists",
    params(("id" = EventId, Path, description = "For units of which event."), Parts<(Reader,)>, Query),
    responses(
        (status = 200, description = "The last place that they took.", body = Answer,
            headers(("ETag")), example = json!(Answer::waiting())),
        Parts<(Reader, Path<Uuid>, extract::Query<Query>, NoPlaceInLine, Read)>,
    )
)]
/// A user's place in line
///
/// Once something was held for it, it says so for good; the reservation tells what became of that.
async fn show(
    Reader(caller): Reader,
    Path(id): Path<Uuid>,
    extract::Query(query): extract::Query<Query>,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let user = query.user(&caller)?;
    let none = || problems::not_found(Object::WaitlistEntry);
    // Whether another waits must not be found out by asking for it.
    if !visible::sees_all_of(&user, &caller) {
        return Err(none());
    }
    let now = database.waitlist_place(caller.tenant, id.into(), &user).await;
    let now = now.map_err(problems::of_store)?.ok_or_else(none)?;
    // Never 304: where it stands is shown with it, and has no version.
    let tag = Tag::version(now.entry.version).header();
    Ok(HttpResponse::Ok().insert_header(tag).json(Answer::from(&now)))
}

#[utoipa::path(
    delete,
    path = "/api/v1/events/{id}/waitlist",
    operation_id = "leaveWaitlist",
    tag = "waiting lists",
    params(("id" = EventId, Path, description = "For units of which event."), Parts<(Writer, IfMatch)>),
    responses(
        (status = 204, description = "They stand in that line no longer, or did not any more.",
            headers(("Idempotency-Replayed"))),
        Parts<(Writer, Path<Uuid>, IfMatch, (NoPlaceInLine, Offered), Changed, Write)>,
    )
)]
/// Leaves the line
///
/// What was offered to them already is a reservation: give it back there.
async fn leave(
    writer: Writer,
    Path(id): Path<Uuid>,
    condition: IfMatch,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let leave =
        LeaveWaitlist { order: writer.order(&[]), event_id: id.into(), versions: versions(condition) };
    let written = lanes.leave_waitlist(leave).await.map_err(problems::of_write)?;
    Ok(done(&written))
}

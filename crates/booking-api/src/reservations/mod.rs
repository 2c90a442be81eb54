//! The routes of reservations: units of an event are held, confirmed, and given back.

mod answer;
mod body;
pub mod hold;
mod list;
mod seat_lock;
#[cfg(test)]
mod tests;

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::header,
    web::{Data, ServiceConfig},
};
use holdfast_domain::{ConfirmationCode, ReservationId, openapi::example, visible};
use holdfast_runtime::{
    extract::{JsonBody, OptionalBody, Path},
    headers::{IfMatch, Tag},
    openapi::Parts,
    problem::Problem,
    routes,
};
use holdfast_store::{
    ConfirmReservation, Database, ExtendReservation, HoldUnits, Lanes, Object, Part, ReleaseReservation,
    Reserved, Written,
};
use utoipa::{
    OpenApi,
    openapi::{HttpMethod, PathItem},
};
use uuid::Uuid;

use crate::{
    caller::{Reader, Writer},
    document::{
        Changed, EventsUnits, Held, NoEvent, NoReservation, NotOnSale, PartMissing, Read, SeatsGone, SoldOut,
        TooLong, UnknownSection, Write,
    },
    history, problems,
    writes::{done, note_replay, versions},
};
use answer::Answer;

/// Where they are.
const HERE: &str = "/api/v1/reservations";

/// What the API's document says of them.
#[derive(OpenApi)]
#[openapi(paths(
    hold,
    list::list,
    show,
    confirm,
    extend,
    release,
    history::of_reservation,
    seat_lock::lock,
    seat_lock::confirm
))]
struct Document;

/// Where else the writes are that were published first elsewhere: what is there, where, and what that is added to its name.
const ELSEWHERE: [(&str, &str, &str); 6] = [
    (HERE, "/api/v1/bookings/hold", "AsBooking"),
    (HERE, "/api/bookings/hold", "AsFirstPublished"),
    ("/api/v1/reservations/{id}/confirm", "/api/v1/bookings/{id}/confirm", "AsBooking"),
    ("/api/v1/reservations/{id}/confirm", "/api/bookings/{id}/confirm", "AsFirstPublished"),
    ("/api/v1/seat-lock", "/api/seat-lock", "AsFirstPublished"),
    ("/api/v1/booking/confirm", "/api/booking/confirm", "AsFirstPublished"),
];

/// What the API's document says of them, wherever they are; `elsewhere` is the group of those that are elsewhere, too.
pub fn document(elsewhere: &str) -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    for (there, path, suffix) in ELSEWHERE {
        let Some(post) = document.paths.paths.get(there).and_then(|item| item.post.clone()) else { continue };
        let mut post = post;
        post.operation_id = post.operation_id.map(|id| id + suffix);
        post.tags = Some(vec![elsewhere.to_owned()]);
        document.paths.paths.insert(path.to_owned(), PathItem::new(HttpMethod::Post, post));
    }
    document
}

/// Mounts the routes. Before those of bookings, which leave open what stands here.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(routes::at(HERE).get(list::list).post(hold))
        .service(routes::at(format!("{HERE}/{{id}}")).get(show).delete(release))
        .service(routes::at(format!("{HERE}/{{id}}/confirm")).post(confirm))
        .service(routes::at(format!("{HERE}/{{id}}/extend")).post(extend))
        .service(routes::at(format!("{HERE}/{{id}}/history")).get(history::of_reservation));
    for prefix in ["/api/v1", "/api"] {
        config
            .service(routes::at(format!("{prefix}/bookings/hold")).post(hold))
            .service(routes::at(format!("{prefix}/bookings/{{id}}/confirm")).post(confirm))
            .service(routes::at(format!("{prefix}/seat-lock")).post(seat_lock::lock))
            .service(routes::at(format!("{prefix}/booking/confirm")).post(seat_lock::confirm));
    }
}

#[utoipa::path(
    post,
    path = "/api/v1/reservations",
    operation_id = "holdUnits",
    tag = "reservations",
    params(Parts<(Writer,)>),
    request_body(content = hold::Body, examples(
        ("section" = (summary = "So many of a section", value = json!({
            "event_id": example::event().id, "section_id": "Stalls", "seats_requested": 2,
        }))),
        ("seats" = (summary = "These seats", value = json!({
            "event_id": example::event().id, "seats": ["A10", "A11"], "hold_seconds": 300,
        }))),
        ("choices" = (summary = "The first of several sections that has them", value = json!({
            "event_id": example::event().id, "quantity": 1,
            "choices": [{ "section": "King" }, { "section": "Queen", "category": "quiet" }, { "any": true }],
        }))),
        ("items" = (summary = "Of several sections, all or nothing", value = json!({
            "event_id": example::event().id, "adjacent": "required",
            "items": [{ "section": "VIP", "quantity": 2 }, { "section": "Stalls", "seats": ["A1"] }],
        }))),
    )),
    responses(
        (status = 201, description = "They are held.", body = Answer,
            headers(("ETag"), ("Location"), ("Idempotency-Replayed")), example = json!(Answer::held())),
        Parts<(
            Writer,
            JsonBody<hold::Body>,
            (NoEvent, UnknownSection, NotOnSale),
            (EventsUnits, SeatsGone, SoldOut, TooLong),
            Write,
        )>,
    )
)]
/// Holds units of an event
///
/// All that is asked for or nothing, at once: what was got, or what is left. They are the caller's alone to confirm until the
/// hold ends.
async fn hold(
    writer: Writer,
    body: JsonBody<hold::Body>,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let hold::Hold { event_id, wanted, adjacency, hold_for } = body.value.parse()?;
    let order = writer.order(&body.bytes);
    let id = Uuid::now_v7().into();
    let hold = HoldUnits { order, id, event_id, wanted, adjacency, hold_for, keeps_own: false };
    let written = lanes.hold(hold).await.map_err(|error| problems::of_hold(error, event_id))?;
    let mut answer = HttpResponse::Created();
    answer.insert_header((header::LOCATION, format!("{HERE}/{}", written.value.reservation.id)));
    Ok(reserved(answer, &written))
}

#[utoipa::path(
    get,
    path = "/api/v1/reservations/{id}",
    operation_id = "getReservation",
    tag = "reservations",
    params(("id" = ReservationId, Path, description = "Which one."), Parts<(Reader,)>),
    responses(
        (status = 200, description = "The reservation.", body = Answer,
            headers(("ETag")), example = json!(Answer::held())),
        Parts<(Reader, Path<Uuid>, NoReservation, Read)>,
    )
)]
/// One reservation
async fn show(
    Reader(caller): Reader,
    Path(id): Path<Uuid>,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let now = database.reservation(caller.tenant, id.into()).await.map_err(problems::of_store)?;
    let seen = now.filter(|now| visible::sees_all_of(&now.reservation.user_id, &caller));
    let now = seen.ok_or_else(|| problems::not_found(Object::Reservation))?;
    // Never 304: how long it is held is shown with it, and a hold that is over has no other version before that is noticed.
    let tag = Tag::version(now.reservation.version).header();
    Ok(HttpResponse::Ok().insert_header(tag).json(Answer::from(&now)))
}

#[utoipa::path(
    post,
    path = "/api/v1/reservations/{id}/confirm",
    operation_id = "confirmReservation",
    tag = "reservations",
    params(("id" = ReservationId, Path, description = "Which one."), Parts<(Writer, IfMatch)>),
    request_body(content = Option<body::ConfirmBody>, description = "Which part of it; all, without a body.",
        example = json!({ "seats": ["A10"] })),
    responses(
        (status = 200, description = "It is confirmed.", body = Answer,
            headers(("ETag"), ("Idempotency-Replayed")), example = json!(Answer::confirmed())),
        Parts<(
            Writer,
            Path<Uuid>,
            OptionalBody<body::ConfirmBody>,
            IfMatch,
            (NoReservation, Changed, Held, PartMissing),
            Write,
        )>,
    )
)]
/// Confirms a hold, or a part of it
///
/// Its units are its owner's from then on, and the answer has the code for them; twice is the same. What is not confirmed
/// becomes a hold of its own with the same end: `rest`.
async fn confirm(
    writer: Writer,
    Path(id): Path<Uuid>,
    body: OptionalBody<body::ConfirmBody>,
    condition: IfMatch,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let part = body.value.map_or(Ok(Part::All), |body| body.parse())?;
    let field = if matches!(part, Part::Quantity(_)) { "quantity" } else { "seats" };
    let confirm = ConfirmReservation {
        order: writer.order(&body.bytes),
        id: id.into(),
        versions: versions(condition),
        part,
        code: ConfirmationCode::from_random(Uuid::new_v4().as_u128()),
        rest_id: Uuid::now_v7().into(),
    };
    let written = lanes.confirm(confirm).await.map_err(|error| problems::of_seats(error, field))?;
    Ok(reserved(HttpResponse::Ok(), &written))
}

#[utoipa::path(
    post,
    path = "/api/v1/reservations/{id}/extend",
    operation_id = "extendReservation",
    tag = "reservations",
    params(("id" = ReservationId, Path, description = "Which one."), Parts<(Writer, IfMatch)>),
    request_body(content = body::ExtendBody, example = json!({ "hold_seconds": 600 })),
    responses(
        (status = 200, description = "It ends so long from now, and no sooner than it did.", body = Answer,
            headers(("ETag"), ("Idempotency-Replayed")), example = json!(Answer::held())),
        Parts<(
            Writer,
            Path<Uuid>,
            JsonBody<body::ExtendBody>,
            IfMatch,
            (NoReservation, Changed, Held, TooLong),
            Write,
        )>,
    )
)]
/// Has a hold end later
async fn extend(
    writer: Writer,
    Path(id): Path<Uuid>,
    body: JsonBody<body::ExtendBody>,
    condition: IfMatch,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let hold_for = body.value.parse()?;
    let order = writer.order(&body.bytes);
    let extend = ExtendReservation { order, id: id.into(), versions: versions(condition), hold_for };
    let written = lanes.extend(extend).await.map_err(problems::of_write)?;
    Ok(reserved(HttpResponse::Ok(), &written))
}

#[utoipa::path(
    delete,
    path = "/api/v1/reservations/{id}",
    operation_id = "releaseReservation",
    tag = "reservations",
    params(("id" = ReservationId, Path, description = "Which one."), Parts<(Writer, IfMatch)>),
    responses(
        (status = 204, description = "Its units are given back, or it had none left to give.",
            headers(("Idempotency-Replayed"))),
        Parts<(Writer, Path<Uuid>, IfMatch, NoReservation, Changed, Write)>,
    )
)]
/// Gives units back, held or confirmed
///
/// The reservation stays to be read, and so does its history.
async fn release(
    writer: Writer,
    Path(id): Path<Uuid>,
    condition: IfMatch,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let release =
        ReleaseReservation { order: writer.order(&[]), id: id.into(), versions: versions(condition) };
    let written = lanes.release(release).await.map_err(problems::of_write)?;
    Ok(done(&written))
}

/// Answers with a reservation that was written.
fn reserved(mut answer: HttpResponseBuilder, written: &Written<Reserved>) -> HttpResponse {
    note_replay(&mut answer, written.replayed);
    let tag = Tag::version(written.value.reservation.version).header();
    answer.insert_header(tag).json(Answer::written(&written.value, written.at))
}

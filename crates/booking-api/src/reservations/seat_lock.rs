//! Seat locks as they were first published: seats are locked for a user, and confirmed in one go, by however many calls they
//! were locked. Thin: to lock is to hold, and what is confirmed is a reservation.

use actix_web::{HttpResponse, web::Data};
use holdfast_domain::{
    ConfirmationCode, EventId, IdempotencyKey, ReservationId, SeatLabel, UserId, event::most,
    openapi::example, seating::Adjacency,
};
use holdfast_runtime::{extract::JsonBody, headers::Tag, openapi::Parts, problem::Problem};
use holdfast_store::{ConfirmSeats, HoldUnits, Key, Lanes, UnitsWanted};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::{Answer, expires_in_ms};
use crate::{
    caller::{MaybeWriter, Writer},
    document::{EventsUnits, Held, NoEvent, NotOnSale, SeatsGone, SeatsNotHeld, Write},
    form::Faults,
    problems,
    writes::note_replay,
};

/// The most characters of a `request_id`: with what stands before it, it is an idempotency key.
const REQUEST_ID_LIMIT: usize = 200;

/// The body of `POST /api/v1/seat-lock`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SeatLock)]
#[serde(deny_unknown_fields)]
pub struct LockBody {
    /// Of which event.
    #[schema(value_type = EventId)]
    show_id: String,
    /// Which seats.
    #[schema(value_type = Vec<SeatLabel>, min_items = 1, max_items = 100)]
    seat_ids: Vec<String>,
    /// For whom: who asks.
    #[schema(value_type = Option<UserId>)]
    user_id: Option<String>,
}

/// The body of `POST /api/v1/booking/confirm`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SeatConfirmation)]
#[serde(deny_unknown_fields)]
pub struct ConfirmBody {
    /// Of which event.
    #[schema(value_type = EventId)]
    show_id: String,
    /// Which seats; all of them are locked by who asks.
    #[schema(value_type = Vec<SeatLabel>, min_items = 1, max_items = 100)]
    seat_ids: Vec<String>,
    /// Whose they are: who asks.
    #[schema(value_type = Option<UserId>)]
    user_id: Option<String>,
    /// A name for this write, made up by its caller, in the place of `Idempotency-Key`: however often it is sent, it takes
    /// effect once. It belongs to one user and the same seats, in whichever order.
    #[schema(min_length = 1, max_length = 200, example = "order-17")]
    request_id: Option<String>,
}

/// Seats that are locked.
#[derive(Serialize, ToSchema)]
#[schema(as = LockedSeats)]
pub struct Locked<'a> {
    /// Of which event.
    show_id: EventId,
    /// Which seats.
    seat_ids: &'a [SeatLabel],
    /// For whom.
    user_id: &'a UserId,
    /// `LOCKED`.
    #[schema(pattern = "^LOCKED$")]
    status: &'static str,
    /// When the first of them is no longer.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required = true)]
    expires_at: Option<OffsetDateTime>,
    /// In how many milliseconds that is.
    #[schema(required = true, minimum = 0)]
    expires_in_ms: Option<i64>,
    /// The reservation that has them, or those that were locked last.
    reservation_id: ReservationId,
}

#[utoipa::path(
    post,
    path = "/api/v1/seat-lock",
    operation_id = "lockSeats",
    tag = "reservations",
    params(Parts<(MaybeWriter,)>),
    request_body(content = LockBody, example = json!({
        "show_id": example::event().id, "seat_ids": ["A10", "A11"], "user_id": "alice",
    })),
    responses(
        (status = 200, description = "They are locked.", body = Locked,
            headers(("Idempotency-Replayed")), example = json!(Locked::example())),
        Parts<(MaybeWriter, JsonBody<LockBody>, (NoEvent, NotOnSale), (EventsUnits, SeatsGone), Write)>,
    )
)]
/// Locks seats
///
/// All or none; the answer names those that are gone. Seats that one has locked already stay locked as long as they were.
pub async fn lock(
    writer: MaybeWriter,
    body: JsonBody<LockBody>,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let LockBody { show_id, seat_ids, user_id } = &body.value;
    let mut faults = Faults::default();
    let show = faults.id::<EventId>("show_id", show_id);
    let seats = faults.seats("seat_ids", seat_ids, most::UNITS);
    let user = user(&mut faults, &writer, user_id.as_deref());
    let (event_id, seats) = faults.or(show.zip(seats), Problem::invalid_body())?;
    let writer = writer.or(user)?;
    let hold = HoldUnits {
        order: writer.order(&body.bytes),
        id: Uuid::now_v7().into(),
        event_id,
        wanted: UnitsWanted::Seats(seats.clone()),
        adjacency: Adjacency::default(),
        hold_for: None,
        keeps_own: true,
    };
    let written = lanes.hold(hold).await.map_err(|error| problems::of_seats(error, "seat_ids"))?;
    let reservation = &written.value.reservation;
    let mut answer = HttpResponse::Ok();
    note_replay(&mut answer, written.replayed);
    Ok(answer.json(Locked {
        show_id: event_id,
        seat_ids: &seats,
        user_id: writer.user(),
        status: "LOCKED",
        expires_at: reservation.state.expires_at(),
        expires_in_ms: expires_in_ms(reservation, written.at),
        reservation_id: reservation.id,
    }))
}

#[utoipa::path(
    post,
    path = "/api/v1/booking/confirm",
    operation_id = "confirmSeats",
    tag = "reservations",
    params(Parts<(MaybeWriter,)>),
    request_body(content = ConfirmBody, example = json!({
        "show_id": example::event().id, "seat_ids": ["A10", "A11"], "user_id": "alice", "request_id": "order-17",
    })),
    responses(
        (status = 200, description = "They are confirmed, as one reservation.", body = Answer,
            headers(("ETag"), ("Idempotency-Replayed")), example = json!(Answer::confirmed())),
        Parts<(MaybeWriter, JsonBody<ConfirmBody>, SeatsNotHeld, Held, Write)>,
    )
)]
/// Confirms seats that are locked
///
/// All or none, by however many calls they were locked; what else was locked with them stays so. Seats that one has not
/// locked, of whichever event, are named.
pub async fn confirm(
    writer: MaybeWriter,
    body: JsonBody<ConfirmBody>,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let ConfirmBody { show_id, seat_ids, user_id, request_id } = &body.value;
    let mut faults = Faults::default();
    let show = faults.id::<EventId>("show_id", show_id);
    let seats = faults.seats("seat_ids", seat_ids, most::UNITS);
    let user = user(&mut faults, &writer, user_id.as_deref());
    let name = request_id.as_deref().and_then(|name| name_of(&mut faults, &writer, name));
    let (event_id, seats) = faults.or(show.zip(seats), Problem::invalid_body())?;
    let writer = writer.or(user)?;
    let order = match name {
        Some(name) => {
            let fingerprint = fingerprint(&writer, event_id, &seats);
            writer.order_under(Some(Key { name, fingerprint }))
        }
        None => writer.order(&body.bytes),
    };
    let confirm = ConfirmSeats {
        order,
        event_id,
        seats,
        code: ConfirmationCode::from_random(Uuid::new_v4().as_u128()),
        rest_id: Uuid::now_v7().into(),
    };
    let written = lanes.confirm_seats(confirm).await.map_err(problems::of_write)?;
    let mut answer = HttpResponse::Ok();
    note_replay(&mut answer, written.replayed);
    answer.insert_header(Tag::version(written.value.reservation.version).header());
    Ok(answer.json(Answer::written(&written.value, written.at)))
}

/// The user that a body names, who is the caller.
fn user(faults: &mut Faults, writer: &MaybeWriter, user: Option<&str>) -> Option<UserId> {
    let user = faults.text("user_id", UserId::parse(user?))?;
    if writer.contradicts(&user) {
        faults.add("user_id", "not_the_caller", "is another than X-User-ID says");
    }
    Some(user)
}

/// The key that a `request_id` is. It has a space, which no key in a header has: so they never meet.
fn name_of(faults: &mut Faults, writer: &MaybeWriter, request_id: &str) -> Option<IdempotencyKey> {
    if writer.has_key() {
        faults.add("request_id", "excluded", "is given beside Idempotency-Key: give one of the two");
    }
    if request_id.chars().count() > REQUEST_ID_LIMIT {
        let message = format!("is longer than {REQUEST_ID_LIMIT} characters");
        faults.add("request_id", "too_long", message);
        return None;
    }
    faults.text("request_id", IdempotencyKey::parse(request_id))?;
    IdempotencyKey::parse(&format!("request_id: {request_id}")).ok()
}

/// What the write is by which a `request_id` goes: the same for the same seats in another order, and under another path.
fn fingerprint(writer: &Writer, event: EventId, seats: &[SeatLabel]) -> [u8; 32] {
    let mut seats: Vec<&str> = seats.iter().map(SeatLabel::as_str).collect();
    seats.sort_unstable();
    // No label and no user has a line break.
    let asked = format!("confirm seats\n{}\n{event}\n{}", writer.user(), seats.join("\n"));
    Sha256::digest(asked).into()
}

impl Locked<'_> {
    /// Those of the example.
    fn example() -> Value {
        let reservation = example::reservation();
        let seats: Vec<SeatLabel> = reservation.seats().cloned().collect();
        json!(Locked {
            show_id: reservation.event_id,
            seat_ids: &seats,
            user_id: &reservation.user_id,
            status: "LOCKED",
            expires_at: reservation.state.expires_at(),
            expires_in_ms: expires_in_ms(&reservation, reservation.created_at),
            reservation_id: reservation.id,
        })
    }
}

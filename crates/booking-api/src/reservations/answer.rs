//! A reservation as the API answers it.

use holdfast_domain::{Reservation, ReservationId, ReservationStatus, openapi::example};
use holdfast_store::{ReservationNow, Reserved};
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A reservation; right after a part of it was confirmed, with what has the rest.
#[derive(Serialize, ToSchema)]
#[schema(as = ReservationNow)]
pub struct Answer<'a> {
    #[schema(value_type = Reservation)]
    #[serde(flatten)]
    reservation: &'a Reservation,
    /// Its id once more.
    reservation_id: ReservationId,
    /// Its id once more, as it was first published.
    booking_id: ReservationId,
    /// In how many milliseconds the hold ends, 0 when it is over; null unless it is one.
    #[schema(required = true, minimum = 0)]
    expires_in_ms: Option<i64>,
    /// The hold of what was not confirmed of it, with the same end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    rest: Option<ReservationId>,
}

impl<'a> Answer<'a> {
    /// One that was just written.
    pub fn written(reserved: &'a Reserved, at: OffsetDateTime) -> Self {
        Self { rest: reserved.rest, ..Self::new(&reserved.reservation, at) }
    }

    fn new(reservation: &'a Reservation, at: OffsetDateTime) -> Self {
        let id = reservation.id;
        let expires_in_ms = expires_in_ms(reservation, at);
        Self { reservation, reservation_id: id, booking_id: id, expires_in_ms, rest: None }
    }

    /// One that was just held.
    pub fn held() -> Value {
        let reservation = example::reservation();
        json!(Answer::new(&reservation, reservation.created_at))
    }

    /// One that was just confirmed.
    pub fn confirmed() -> Value {
        let reservation = example::confirmed();
        json!(Answer::new(&reservation, reservation.updated_at))
    }
}

impl<'a> From<&'a ReservationNow> for Answer<'a> {
    fn from(now: &'a ReservationNow) -> Self {
        Self::new(&now.reservation, now.at)
    }
}

/// In how many milliseconds a hold ends by the shard's clock.
pub fn expires_in_ms(reservation: &Reservation, at: OffsetDateTime) -> Option<i64> {
    let is_hold = reservation.state.status() == ReservationStatus::Hold;
    let left = reservation.state.expires_at().filter(|_| is_hold)? - at;
    Some(i64::try_from(left.whole_milliseconds()).unwrap_or(i64::MAX).max(0))
}

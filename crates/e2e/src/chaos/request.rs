//! How what is asked for is said over HTTP.

use holdfast_domain::{EventId, TimeRange};
use serde_json::{Value, json};

use super::{
    history::{Asked, Part},
    wish::hall,
};
use crate::client::times;

/// What is sent: its path, and its body.
pub(super) enum Request {
    Post(String, Value),
    Put(String, Value),
    Delete(String),
}

const BOOKINGS: &str = "/api/v1/bookings";
const RESERVATIONS: &str = "/api/v1/reservations";

impl Asked {
    /// The request that asks for it; `key` is only said where it is a part of the body.
    pub(super) fn request(&self, key: &str) -> Request {
        match self {
            Self::Create { resource, range, title } => {
                let mut body = wanted(*range, title);
                body["resource"] = resource.as_str().into();
                Request::Post(BOOKINGS.to_owned(), body)
            }
            Self::Move { booking, range, title } => {
                Request::Put(format!("{BOOKINGS}/{booking}"), wanted(*range, title))
            }
            Self::Cancel { booking } => Request::Delete(format!("{BOOKINGS}/{booking}")),
            Self::Announce { title } => Request::Post("/api/v1/events".to_owned(), hall(title)),
            Self::Hold { event, wish, hold_seconds } => {
                let mut body = wish.body();
                body["event_id"] = json!(event);
                body["hold_seconds"] = json!(hold_seconds);
                Request::Post(RESERVATIONS.to_owned(), body)
            }
            Self::Wait { event, section, quantity, offer_seconds } => {
                let choice = section.map_or(json!({ "any": true }), |section| json!({ "section": section }));
                let body =
                    json!({ "choices": [choice], "quantity": quantity, "offer_seconds": offer_seconds });
                Request::Post(line(*event), body)
            }
            Self::Leave { event } => Request::Delete(line(*event)),
            Self::Confirm { reservation, part } => {
                let body = match part {
                    Part::All => json!({}),
                    Part::Seats(seats) => json!({ "seats": seats }),
                    Part::Quantity(quantity) => json!({ "quantity": quantity }),
                };
                Request::Post(format!("{RESERVATIONS}/{reservation}/confirm"), body)
            }
            Self::Extend { reservation, hold_seconds } => {
                let body = json!({ "hold_seconds": hold_seconds });
                Request::Post(format!("{RESERVATIONS}/{reservation}/extend"), body)
            }
            Self::Release { reservation } => Request::Delete(format!("{RESERVATIONS}/{reservation}")),
            Self::Lock { event, seats } => {
                let body = json!({ "show_id": event, "seat_ids": seats });
                Request::Post("/api/v1/seat-lock".to_owned(), body)
            }
            Self::ConfirmSeats { event, seats } => {
                let body = json!({ "show_id": event, "seat_ids": seats, "request_id": key });
                Request::Post("/api/v1/booking/confirm".to_owned(), body)
            }
        }
    }

    /// Whether its key is said in the body, not in a header.
    pub(super) fn has_key_in_body(&self) -> bool {
        matches!(self, Self::ConfirmSeats { .. })
    }
}

fn line(event: EventId) -> String {
    format!("/api/v1/events/{event}/waitlist")
}

fn wanted(range: TimeRange, title: &str) -> Value {
    let mut body = times(range);
    body["title"] = title.into();
    body
}

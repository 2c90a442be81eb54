//! What clients ask of a reservation: to confirm it, or a part of it, and to hold it for longer.

use holdfast_domain::{SeatLabel, event::most};
use holdfast_runtime::problem::Problem;
use holdfast_store::Part;
use serde::Deserialize;
use time::Duration;
use utoipa::ToSchema;

use super::hold::{seconds_of, units};
use crate::form::Faults;

/// The body of a confirmation: nothing, or which part of the reservation.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = Confirmation)]
#[serde(deny_unknown_fields)]
pub struct ConfirmBody {
    /// Only these of its seats.
    #[schema(value_type = Option<Vec<SeatLabel>>, min_items = 1, max_items = 100)]
    seats: Option<Vec<String>>,
    /// Only so many, of the one section that it has units of.
    #[schema(minimum = 1, maximum = 100)]
    quantity: Option<i32>,
}

impl ConfirmBody {
    /// Which part is meant, or what is wrong with it.
    pub fn parse(&self) -> Result<Part, Problem> {
        let mut faults = Faults::default();
        let part = match (&self.seats, self.quantity) {
            (None, None) => Some(Part::All),
            (Some(seats), None) => faults.seats("seats", seats, most::UNITS).map(Part::Seats),
            (None, Some(quantity)) => units(&mut faults, "quantity", quantity).map(Part::Quantity),
            (Some(_), Some(_)) => {
                faults.add("quantity", "excluded", "is given beside seats: give one of the two");
                None
            }
        };
        faults.or(part, Problem::invalid_body())
    }
}

/// The body of `POST /api/v1/reservations/{id}/extend`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Extension)]
#[serde(deny_unknown_fields)]
pub struct ExtendBody {
    /// How long it is held from now on, in seconds; `HOLD_MAX_MINUTES` from when it was made at most.
    #[schema(minimum = 1)]
    hold_seconds: i64,
}

impl ExtendBody {
    /// How long it is to be held from now on, or what is wrong with that.
    pub fn parse(&self) -> Result<Duration, Problem> {
        let mut faults = Faults::default();
        let hold_for = seconds_of(&mut faults, "hold_seconds", self.hold_seconds);
        faults.or(hold_for, Problem::invalid_body())
    }
}

//! A booking as the API answers it.

use holdfast_domain::{
    Booking, Caller, Conflict, Conflicts,
    booking::View,
    openapi::{SeenConflict, example},
    visible::{self, Seen},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A booking; right after a range was asked for, with what overlaps it.
#[derive(Serialize, ToSchema)]
#[schema(as = WrittenBooking)]
pub struct Answer<'a> {
    // It is the writer's own.
    #[schema(value_type = View)]
    #[serde(flatten)]
    booking: Seen<View<'a>>,
    #[schema(value_type = Overlaps)]
    #[serde(flatten)]
    overlaps: Option<Overlaps<'a>>,
}

/// What overlaps a range that was just asked for.
#[derive(Serialize, ToSchema)]
struct Overlaps<'a> {
    /// The first 20: what is held, then what is wanted, each by rank.
    #[schema(value_type = Vec<SeenConflict>, required = false, max_items = 20)]
    conflicts: Vec<Seen<&'a Conflict>>,
    /// How many there are; 100 means that many or more.
    #[schema(required = false, minimum = 0, maximum = 100)]
    conflict_count: i64,
}

impl<'a> Answer<'a> {
    /// A booking as it stands, as far as the caller may see it.
    pub fn stored(booking: &'a Booking, caller: &Caller) -> Self {
        Self { booking: visible::booking(booking, caller), overlaps: None }
    }

    /// One that has met another.
    pub fn example() -> Value {
        let conflicts = Conflicts { first: vec![example::conflict()], count: 1 };
        json!(Answer::written(&example::booking(), Some(&conflicts), &Caller::open(None)))
    }

    /// A booking that was just written.
    pub fn written(booking: &'a Booking, conflicts: Option<&'a Conflicts>, caller: &Caller) -> Self {
        let overlaps = conflicts.map(|conflicts| Overlaps {
            conflicts: conflicts.first.iter().map(|each| visible::conflict(each, caller)).collect(),
            conflict_count: conflicts.count,
        });
        Self { overlaps, ..Self::stored(booking, caller) }
    }
}

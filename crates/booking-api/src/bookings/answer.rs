//! A booking as the API answers it.

use holdfast_domain::{Booking, BookingId, ResourceId, Status, booking::View};
use holdfast_store::{Conflict, Created};
use serde::Serialize;
use time::OffsetDateTime;

/// A booking; right after it was made, with what overlaps it.
#[derive(Serialize)]
pub struct Answer<'a> {
    #[serde(flatten)]
    booking: View<'a>,
    #[serde(flatten)]
    overlaps: Option<Overlaps>,
}

#[derive(Serialize)]
struct Overlaps {
    conflicts: Vec<Overlap>,
    conflict_count: i64,
}

#[derive(Serialize)]
struct Overlap {
    id: BookingId,
    resource_id: ResourceId,
    #[serde(with = "time::serde::rfc3339")]
    start_time: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    end_time: OffsetDateTime,
    status: Status,
}

impl<'a> Answer<'a> {
    /// A booking as it stands.
    pub fn stored(booking: &'a Booking) -> Self {
        Self { booking: booking.view(), overlaps: None }
    }

    /// A booking that was just made.
    pub fn created(created: &'a Created) -> Self {
        let conflicts = created.conflicts.first.iter().map(Overlap::of).collect();
        let overlaps = Overlaps { conflicts, conflict_count: created.conflicts.count };
        Self { booking: created.booking.view(), overlaps: Some(overlaps) }
    }
}

impl Overlap {
    fn of(conflict: &Conflict) -> Self {
        Self {
            id: conflict.id,
            resource_id: conflict.resource_id,
            start_time: conflict.range.start(),
            end_time: conflict.range.end(),
            status: conflict.status,
        }
    }
}

/// The booking's version, as `ETag`.
pub fn etag(booking: &Booking) -> String {
    format!("\"{}\"", booking.version)
}

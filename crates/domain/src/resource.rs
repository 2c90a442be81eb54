//! What is booked.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{ResourceId, ResourceName, VenueId, rules::BookingLimits};

/// Something of capacity one that is booked by time range: a room, a desk, a car.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(example = json!(crate::openapi::example::resource()))
)]
pub struct Resource {
    /// Which one.
    pub id: ResourceId,
    /// Where it is.
    pub venue_id: VenueId,
    /// What people call it.
    pub name: ResourceName,
    /// How long and how far ahead it may be booked.
    #[serde(flatten)]
    pub limits: BookingLimits,
    /// Rises with each write, from 1; the `ETag`.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub version: i32,
    /// When it was made, on the shard's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last written, on the shard's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

//! Where things are booked.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Address, VenueId, VenueName, ZoneName};

/// A place of a tenant, in whose time zone a day begins and ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(example = json!(crate::openapi::example::venue()))
)]
pub struct Venue {
    /// Which one.
    pub id: VenueId,
    /// What people call it.
    pub name: VenueName,
    /// Which day a time falls on here.
    pub time_zone: ZoneName,
    /// Where it is.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub address: Option<Address>,
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

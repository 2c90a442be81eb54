//! Who else wants or holds what somebody asks for. It is told, and decides nothing.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{BookingId, ResourceId, Status, TimeRange, UserId};

/// Another booking whose range overlaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Conflict {
    /// Which one.
    pub id: BookingId,
    /// Of which resource.
    pub resource_id: ResourceId,
    /// Whose it is.
    pub user_id: UserId,
    /// What of it overlaps: what it holds, else what it wants.
    pub range: TimeRange,
    /// Which of the two: `VALID` or `PENDING`.
    pub status: Status,
}

/// All that overlap one want.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conflicts {
    /// The first [`Self::LISTED`]: what is held, then what is wanted, each by rank.
    pub first: Vec<Conflict>,
    /// How many there are; [`Self::COUNTED`] means that many or more.
    pub count: i64,
}

impl Conflicts {
    /// Most that are told one by one: to list all would be quadratic where many want one slot.
    pub const LISTED: usize = 20;

    /// Most that are counted.
    pub const COUNTED: i64 = 100;
}

/// Another booking whose range overlaps.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(as = Conflict, example = json!(crate::openapi::example::conflict()))
)]
pub(crate) struct Wire {
    /// Which one.
    id: BookingId,
    /// Of which resource.
    resource_id: ResourceId,
    /// Whose it is.
    user_id: UserId,
    /// When what of it overlaps begins: what it holds, else what it wants.
    #[serde(with = "time::serde::rfc3339")]
    start_time: OffsetDateTime,
    /// The first moment that is no longer in that.
    #[serde(with = "time::serde::rfc3339")]
    end_time: OffsetDateTime,
    /// `VALID` when it holds that range, `PENDING` when it wants it.
    status: Status,
}

impl TryFrom<Wire> for Conflict {
    type Error = crate::range::RangeError;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        let Wire { id, resource_id, user_id, start_time, end_time, status } = wire;
        Ok(Self { id, resource_id, user_id, range: TimeRange::new(start_time, end_time)?, status })
    }
}

impl From<Conflict> for Wire {
    fn from(conflict: Conflict) -> Self {
        let Conflict { id, resource_id, user_id, range, status } = conflict;
        Self { id, resource_id, user_id, start_time: range.start(), end_time: range.end(), status }
    }
}

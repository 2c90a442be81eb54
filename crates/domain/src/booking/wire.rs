//! A booking in JSON: as the API shows it, and whole, as the log keeps it and gives it back.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Booking, Claim, Status};
use crate::{BookingId, Note, ResourceId, ResourceName, Seq, TimeRange, Title, UserId, VenueId};

impl Booking {
    /// The booking as the API shows it.
    pub fn view(&self) -> View<'_> {
        let wanted = self.claim.wanted();
        View {
            id: self.id,
            resource: &self.resource,
            resource_id: self.resource_id,
            venue_id: self.venue_id,
            user_id: &self.user_id,
            start_time: wanted.start(),
            end_time: wanted.end(),
            status: self.claim.status(),
            held: match self.claim {
                Claim::Pending { held, .. } => held,
                _ => None,
            },
            title: self.title.as_ref(),
            note: self.note.as_ref(),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// A booking as the API shows it: its range is the one that is wanted, `held` the slot that a move
/// still keeps. Times are RFC 3339 in UTC.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(as = Booking, example = json!(crate::openapi::example::booking().view()))
)]
pub struct View<'a> {
    /// Which one.
    pub id: BookingId,
    /// What people call what is booked.
    pub resource: &'a ResourceName,
    /// What is booked; never changes.
    pub resource_id: ResourceId,
    /// Where that is; never changes.
    pub venue_id: VenueId,
    /// Whose it is.
    pub user_id: &'a UserId,
    /// When the range that is wanted begins.
    #[serde(with = "time::serde::rfc3339")]
    pub start_time: OffsetDateTime,
    /// The first moment that is no longer in it.
    #[serde(with = "time::serde::rfc3339")]
    pub end_time: OffsetDateTime,
    /// `VALID` means that what is wanted is granted.
    pub status: Status,
    /// The slot that a move keeps until it is granted or given up; null unless the booking is moving.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub held: Option<TimeRange>,
    /// A line about it.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub title: Option<&'a Title>,
    /// More about it.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub note: Option<&'a Note>,
    /// Rises with each write, from 1; the `ETag`.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub version: i32,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last written.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// A booking as the log keeps it: as the API shows it, and what a replay needs besides.
#[derive(Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(as = RecordedBooking, example = json!(crate::openapi::example::booking()))
)]
pub(crate) struct Whole<'a> {
    #[serde(flatten)]
    view: View<'a>,
    /// The range that it holds now.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    granted: Option<TimeRange>,
    /// The position in the log at which the range was asked for: who has the lower one goes first.
    rank: Seq,
    /// When a want that still does not fit is rejected; null unless it is open.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    decide_by: Option<OffsetDateTime>,
}

impl Serialize for Booking {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Whole {
            view: self.view(),
            granted: self.claim.granted(),
            rank: self.claim.rank(),
            decide_by: self.claim.decide_by(),
        }
        .serialize(serializer)
    }
}

/// What [`Booking`]'s `Serialize` wrote.
#[derive(Deserialize)]
pub(super) struct Record {
    id: BookingId,
    resource: ResourceName,
    resource_id: ResourceId,
    venue_id: VenueId,
    user_id: UserId,
    #[serde(with = "time::serde::rfc3339")]
    start_time: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    end_time: OffsetDateTime,
    status: Status,
    granted: Option<TimeRange>,
    rank: Seq,
    #[serde(with = "time::serde::rfc3339::option")]
    decide_by: Option<OffsetDateTime>,
    title: Option<Title>,
    note: Option<Note>,
    version: i32,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl TryFrom<Record> for Booking {
    type Error = BrokenClaim;

    fn try_from(record: Record) -> Result<Self, Self::Error> {
        let wanted =
            TimeRange::new(record.start_time, record.end_time).map_err(|_| BrokenClaim { id: record.id })?;
        let claim = Claim::rebuild(record.status, wanted, record.granted, record.rank, record.decide_by)
            .ok_or(BrokenClaim { id: record.id })?;
        Ok(Self {
            id: record.id,
            resource_id: record.resource_id,
            resource: record.resource,
            venue_id: record.venue_id,
            user_id: record.user_id,
            claim,
            title: record.title,
            note: record.note,
            version: record.version,
            created_at: record.created_at,
            updated_at: record.updated_at,
        })
    }
}

/// A stored booking whose status contradicts its ranges: nothing of ours writes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("booking {id} has a status that contradicts its ranges")]
pub struct BrokenClaim {
    /// The booking.
    pub id: BookingId,
}

//! A booking in JSON: as the API shows it, and whole, as the log keeps it and gives it back.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Booking, Claim, Status};
use crate::{BookingId, Note, ResourceId, ResourceName, Seq, TimeRange, Title, UserId};

impl Booking {
    /// The booking as the API shows it.
    pub fn view(&self) -> View<'_> {
        let wanted = self.claim.wanted();
        View {
            id: self.id,
            resource: &self.resource,
            resource_id: self.resource_id,
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
#[expect(missing_docs, reason = "the fields are those of `Booking`")]
pub struct View<'a> {
    pub id: BookingId,
    pub resource: &'a ResourceName,
    pub resource_id: ResourceId,
    pub user_id: &'a UserId,
    #[serde(with = "time::serde::rfc3339")]
    pub start_time: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub end_time: OffsetDateTime,
    pub status: Status,
    pub held: Option<TimeRange>,
    pub title: Option<&'a Title>,
    pub note: Option<&'a Note>,
    pub version: i32,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// Whole, as the log keeps it: the view and what a replay needs besides.
impl Serialize for Booking {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Whole<'a> {
            #[serde(flatten)]
            view: View<'a>,
            granted: Option<TimeRange>,
            rank: Seq,
            #[serde(with = "time::serde::rfc3339::option")]
            decide_by: Option<OffsetDateTime>,
        }
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

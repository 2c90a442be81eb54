//! An entry of a waiting list in JSON: whole, as the log keeps it and the API shows it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Choice, Ending, Request, WaitlistEntry, WaitlistState, WaitlistStatus};
use crate::{EventId, ReservationId, Seq, UserId, VenueId, WaitlistEntryId, seating::Adjacency};

/// One user's place in the line for units of an event.
#[derive(Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(as = WaitlistEntry, example = json!(crate::openapi::example::waitlist_entry()))
)]
pub(crate) struct Whole<'a> {
    /// Which one.
    id: WaitlistEntryId,
    /// For units of which event; never changes.
    event_id: EventId,
    /// Where that is; never changes.
    venue_id: VenueId,
    /// Who waits.
    user_id: &'a UserId,
    /// The state.
    status: WaitlistStatus,
    /// How many units, all of one section.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 100))]
    quantity: i32,
    /// Whether seats have to be neighbours.
    adjacent: Adjacency,
    /// Where they may come from, the dearest first.
    choices: &'a [Choice],
    /// How long the hold lasts that is made for it, in seconds.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    offer_seconds: i32,
    /// Its place in line: whoever has a lower one came before.
    rank: Seq,
    /// The hold that was made for it; null unless there was one.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    reservation_id: Option<ReservationId>,
    /// When that hold ends, as it was made; null unless there was one.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    expires_at: Option<OffsetDateTime>,
    /// Why it was taken out of line; null unless it was.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    reason: Option<Ending>,
    /// Rises with each write, from 1; the `ETag`.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    version: i32,
    /// When it came into line.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last written.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl Serialize for WaitlistEntry {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Whole {
            id: self.id,
            event_id: self.event_id,
            venue_id: self.venue_id,
            user_id: &self.user_id,
            status: self.state.status(),
            quantity: self.request.quantity,
            adjacent: self.request.adjacent,
            choices: &self.request.choices,
            offer_seconds: self.offer_seconds,
            rank: self.rank,
            reservation_id: self.state.reservation_id(),
            expires_at: self.state.expires_at(),
            reason: self.state.reason(),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
        .serialize(serializer)
    }
}

/// What [`WaitlistEntry`]'s `Serialize` wrote.
#[derive(Deserialize)]
pub(super) struct Record {
    id: WaitlistEntryId,
    event_id: EventId,
    venue_id: VenueId,
    user_id: UserId,
    status: WaitlistStatus,
    #[serde(flatten)]
    request: Request,
    offer_seconds: i32,
    rank: Seq,
    reservation_id: Option<ReservationId>,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    reason: Option<Ending>,
    version: i32,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl TryFrom<Record> for WaitlistEntry {
    type Error = BrokenEntry;

    fn try_from(record: Record) -> Result<Self, Self::Error> {
        let state =
            WaitlistState::rebuild(record.status, record.reservation_id, record.expires_at, record.reason)
                .ok_or(BrokenEntry { id: record.id })?;
        Ok(Self {
            id: record.id,
            event_id: record.event_id,
            venue_id: record.venue_id,
            user_id: record.user_id,
            request: record.request,
            offer_seconds: record.offer_seconds,
            rank: record.rank,
            state,
            version: record.version,
            created_at: record.created_at,
            updated_at: record.updated_at,
        })
    }
}

/// A stored entry whose status contradicts its facts: nothing of ours writes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("waiting list entry {id} has a status that contradicts its facts")]
pub struct BrokenEntry {
    /// The entry.
    pub id: WaitlistEntryId,
}

//! A reservation in JSON: whole, as the log keeps it and the API shows it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{ConfirmationCode, Reservation, ReservationStatus, State, Units};
use crate::{EventId, ReservationId, UserId, VenueId};

/// One user's units of an event.
#[derive(Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(as = RecordedReservation, example = json!(crate::openapi::example::reservation()))
)]
pub(crate) struct Whole<'a> {
    /// Which one.
    id: ReservationId,
    /// Of which event; never changes.
    event_id: EventId,
    /// Where that is; never changes.
    venue_id: VenueId,
    /// Whose it is.
    user_id: &'a UserId,
    /// The state.
    status: ReservationStatus,
    /// When the hold ends, or ended; null when it was confirmed or given up.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    expires_at: Option<OffsetDateTime>,
    /// What its owner shows for its units; null unless it is confirmed.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    confirmation_code: Option<&'a ConfirmationCode>,
    /// Which of the ranked choices was got, from 0; null, when there was no choice.
    #[cfg_attr(feature = "openapi", schema(required = true, minimum = 0))]
    choice: Option<i16>,
    /// What it has, or had when it ended.
    units: &'a [Units],
    /// Rises with each write, from 1; the `ETag`.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    version: i32,
    /// When its units were first held.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last written.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl Serialize for Reservation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Whole {
            id: self.id,
            event_id: self.event_id,
            venue_id: self.venue_id,
            user_id: &self.user_id,
            status: self.state.status(),
            expires_at: self.state.expires_at(),
            confirmation_code: self.state.code(),
            choice: self.choice,
            units: &self.units,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
        .serialize(serializer)
    }
}

/// What [`Reservation`]'s `Serialize` wrote.
#[derive(Deserialize)]
pub(super) struct Record {
    id: ReservationId,
    event_id: EventId,
    venue_id: VenueId,
    user_id: UserId,
    status: ReservationStatus,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    confirmation_code: Option<ConfirmationCode>,
    choice: Option<i16>,
    units: Vec<Units>,
    version: i32,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl TryFrom<Record> for Reservation {
    type Error = BrokenReservation;

    fn try_from(record: Record) -> Result<Self, Self::Error> {
        let state = State::rebuild(record.status, record.expires_at, record.confirmation_code)
            .ok_or(BrokenReservation { id: record.id })?;
        Ok(Self {
            id: record.id,
            event_id: record.event_id,
            venue_id: record.venue_id,
            user_id: record.user_id,
            units: record.units,
            state,
            choice: record.choice,
            version: record.version,
            created_at: record.created_at,
            updated_at: record.updated_at,
        })
    }
}

/// A stored reservation whose status contradicts its end or its code: nothing of ours writes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("reservation {id} has a status that contradicts its end or its code")]
pub struct BrokenReservation {
    /// The reservation.
    pub id: ReservationId,
}

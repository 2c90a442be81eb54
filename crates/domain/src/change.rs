//! Facts of the log, and how they are written on the wire.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Booking, RequestId, Resource, ResourceId, Seq, TenantId, UserId};

/// What kind of fact a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is said at its `Fact`")]
pub enum Kind {
    BookingCreated,
    BookingDeleted,
    BookingValidated,
    BookingRejected,
    BookingMoveRejected,
    ResourceCreated,
}

impl Kind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BookingCreated => "booking_created",
            Self::BookingDeleted => "booking_deleted",
            Self::BookingValidated => "booking_validated",
            Self::BookingRejected => "booking_rejected",
            Self::BookingMoveRejected => "booking_move_rejected",
            Self::ResourceCreated => "resource_created",
        }
    }
}

/// What happened, with the whole object as it was right after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant has one field, the object")]
pub enum Fact {
    /// Somebody wants a range.
    BookingCreated { booking: Booking },
    /// Its owner gave a booking up.
    BookingDeleted { booking: Booking },
    /// A want was granted.
    BookingValidated { booking: Booking },
    /// A want could not be had in time.
    BookingRejected { booking: Booking },
    /// A move could not be had in time; the booking keeps its old slot.
    BookingMoveRejected { booking: Booking },
    /// A resource was named for the first time.
    ResourceCreated { resource: Resource },
}

impl Fact {
    /// What kind of fact it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::BookingCreated { .. } => Kind::BookingCreated,
            Self::BookingDeleted { .. } => Kind::BookingDeleted,
            Self::BookingValidated { .. } => Kind::BookingValidated,
            Self::BookingRejected { .. } => Kind::BookingRejected,
            Self::BookingMoveRejected { .. } => Kind::BookingMoveRejected,
            Self::ResourceCreated { .. } => Kind::ResourceCreated,
        }
    }

    /// The booking that it is about, if it is about one.
    pub const fn booking(&self) -> Option<&Booking> {
        match self {
            Self::BookingCreated { booking }
            | Self::BookingDeleted { booking }
            | Self::BookingValidated { booking }
            | Self::BookingRejected { booking }
            | Self::BookingMoveRejected { booking } => Some(booking),
            Self::ResourceCreated { .. } => None,
        }
    }

    /// The resource that it is about, or whose ranges it touches.
    pub fn resource_id(&self) -> ResourceId {
        match self {
            Self::ResourceCreated { resource } => resource.id,
            Self::BookingCreated { booking }
            | Self::BookingDeleted { booking }
            | Self::BookingValidated { booking }
            | Self::BookingRejected { booking }
            | Self::BookingMoveRejected { booking } => booking.resource_id,
        }
    }

    /// The resource whose ranges it changes: who is wanted or granted what. The decision looks at
    /// these, and at no others.
    pub fn ranges_of(&self) -> Option<ResourceId> {
        self.booking().map(|booking| booking.resource_id)
    }

    /// The id of the object that it is about.
    pub fn object_id(&self) -> uuid::Uuid {
        self.booking().map_or_else(|| self.resource_id().uuid(), |booking| booking.id.uuid())
    }

    /// The JSON object that the log keeps as `data`.
    pub fn data_json(&self) -> String {
        #[derive(Serialize)]
        #[serde(rename_all = "snake_case")]
        enum Data<'a> {
            Booking(&'a Booking),
            Resource(&'a Resource),
        }
        let data = match self {
            Self::ResourceCreated { resource } => Data::Resource(resource),
            Self::BookingCreated { booking }
            | Self::BookingDeleted { booking }
            | Self::BookingValidated { booking }
            | Self::BookingRejected { booking }
            | Self::BookingMoveRejected { booking } => Data::Booking(booking),
        };
        serde_json::to_string(&data).expect("ids, texts and times within the calendar are always JSON")
    }
}

/// One fact in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Where in its shard's log it stands.
    pub seq: Seq,
    /// When it happened, on the shard's clock.
    pub at: OffsetDateTime,
    /// Who did it; nobody, when the engine did.
    pub actor: Option<UserId>,
    /// The request that it came from.
    pub request_id: Option<RequestId>,
    /// What happened.
    pub fact: Fact,
}

/// A change as it travels: in the streams, over sockets, in `/changes`.
#[derive(Serialize, Deserialize)]
struct Wire<F> {
    #[serde(flatten)]
    fact: F,
    seq: Seq,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    actor: Option<UserId>,
    request_id: Option<RequestId>,
}

impl Change {
    /// Reads a change of `tenant_id` from the JSON that [`Recorded::wire`] or this type's `Serialize` wrote.
    ///
    /// # Errors
    /// When it is none, or of a kind that this version does not know.
    pub fn from_wire(tenant_id: TenantId, text: &str) -> Result<Self, serde_json::Error> {
        let Wire { fact, seq, at, actor, request_id } = serde_json::from_str(text)?;
        Ok(Self { tenant_id, seq, at, actor, request_id, fact })
    }
}

impl Serialize for Change {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (actor, request_id) = (self.actor.clone(), self.request_id.clone());
        Wire { fact: &self.fact, seq: self.seq, at: self.at, actor, request_id }.serialize(serializer)
    }
}

/// A change as the log's row has it: `data` stays the text that was stored, so that passing it on
/// neither parses it nor writes it anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Where in its shard's log it stands.
    pub seq: Seq,
    /// The kind's word; may be one that this version does not know.
    pub kind: String,
    /// When it happened, on the shard's clock.
    pub at: OffsetDateTime,
    /// Who did it.
    pub actor: Option<String>,
    /// The request that it came from.
    pub request_id: Option<String>,
    /// The JSON object that tells it.
    pub data: String,
}

impl Recorded {
    /// The JSON in which it travels.
    pub fn wire(&self) -> String {
        #[derive(Serialize)]
        struct Envelope<'a> {
            r#type: &'a str,
            seq: Seq,
            #[serde(with = "time::serde::rfc3339")]
            at: OffsetDateTime,
            actor: Option<&'a str>,
            request_id: Option<&'a str>,
        }
        let envelope = Envelope {
            r#type: &self.kind,
            seq: self.seq,
            at: self.at,
            actor: self.actor.as_deref(),
            request_id: self.request_id.as_deref(),
        };
        let mut text =
            serde_json::to_string(&envelope).expect("texts and times within the calendar are always JSON");
        text.pop();
        text.reserve(self.data.len() + 9);
        text.push_str(",\"data\":");
        text.push_str(&self.data);
        text.push('}');
        text
    }

    /// The change that it tells of.
    ///
    /// # Errors
    /// When it is of a kind that this version does not know, or its data is broken.
    pub fn parse(&self) -> Result<Change, serde_json::Error> {
        Change::from_wire(self.tenant_id, &self.wire())
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::{ResourceName, VenueId, rules::BookingLimits};

    #[test]
    fn a_recorded_change_travels_and_arrives_as_it_was() {
        let at = datetime!(2027-03-20 08:00:00.5 UTC);
        let resource = Resource {
            id: ResourceId::from_u128(5),
            venue_id: VenueId::from_u128(6),
            name: ResourceName::parse("Raum \"1\"").unwrap(),
            limits: BookingLimits::default(),
            version: 1,
            created_at: at,
            updated_at: at,
        };
        let change = Change {
            tenant_id: TenantId::from_u128(9),
            seq: Seq(17),
            at,
            actor: Some(UserId::parse("alice").unwrap()),
            request_id: None,
            fact: Fact::ResourceCreated { resource },
        };
        let recorded = Recorded {
            tenant_id: change.tenant_id,
            seq: change.seq,
            kind: change.fact.kind().as_str().into(),
            at,
            actor: Some("alice".into()),
            request_id: None,
            data: change.fact.data_json(),
        };
        assert_eq!(recorded.parse().unwrap(), change);
        let whole = serde_json::to_string(&change).unwrap();
        assert_eq!(Change::from_wire(change.tenant_id, &whole).unwrap(), change);
    }
}

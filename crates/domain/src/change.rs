//! Facts of the log, and how they are written on the wire.

mod recorded;
mod wire;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use recorded::Recorded;

use crate::{
    Booking, Conflict, RequestId, Resource, ResourceId, Seq, TenantId, Traceparent, UserId, Venue, VenueId,
};

/// What kind of fact a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is said at its `Fact`")]
pub enum Kind {
    BookingCreated,
    BookingUpdated,
    BookingDeleted,
    BookingConflict,
    BookingValidated,
    BookingRejected,
    BookingMoveRejected,
    ResourceCreated,
    ResourceUpdated,
    VenueCreated,
    VenueUpdated,
    LogLeapt,
    ClockSetBack,
}

impl Kind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BookingCreated => "booking_created",
            Self::BookingUpdated => "booking_updated",
            Self::BookingDeleted => "booking_deleted",
            Self::BookingConflict => "booking_conflict",
            Self::BookingValidated => "booking_validated",
            Self::BookingRejected => "booking_rejected",
            Self::BookingMoveRejected => "booking_move_rejected",
            Self::ResourceCreated => "resource_created",
            Self::ResourceUpdated => "resource_updated",
            Self::VenueCreated => "venue_created",
            Self::VenueUpdated => "venue_updated",
            Self::LogLeapt => "log_leapt",
            Self::ClockSetBack => "clock_set_back",
        }
    }
}

/// What happened, with the whole object as it was right after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the object, and what is said of them")]
pub enum Fact {
    /// Somebody wants a range.
    BookingCreated { booking: Booking },
    /// Its owner changed a booking: what it wants (`range_changed`), or only what is said about it.
    BookingUpdated { booking: Booking, range_changed: bool },
    /// Its owner gave a booking up.
    BookingDeleted { booking: Booking },
    /// What was just asked for is wanted or held by others, too: the first of them, and how many there are.
    BookingConflict { booking: Booking, conflicting: Vec<Conflict>, conflict_count: i64 },
    /// A want was granted.
    BookingValidated { booking: Booking },
    /// A want could not be had in time.
    BookingRejected { booking: Booking },
    /// A move could not be had in time; the booking keeps its old slot.
    BookingMoveRejected { booking: Booking },
    /// A resource was made, or named for the first time.
    ResourceCreated { resource: Resource },
    /// A resource was renamed, or its limits were changed.
    ResourceUpdated { resource: Resource },
    /// A venue was made.
    VenueCreated { venue: Venue },
    /// A venue was renamed or moved.
    VenueUpdated { venue: Venue },
    /// The log ended at `from`, and may once have gone on from there to what is lost; no position in between was ever
    /// told, or will be. Belongs to [`NO_TENANT`](crate::NO_TENANT): it is told by `resync` and by `log_gone`.
    LogLeapt { from: Seq },
    /// The shard's clock stood at `from`, too far ahead. Belongs to [`NO_TENANT`](crate::NO_TENANT), and is told to nobody.
    ClockSetBack {
        #[serde(with = "time::serde::rfc3339")]
        from: OffsetDateTime,
    },
}

impl Fact {
    /// What kind of fact it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::BookingCreated { .. } => Kind::BookingCreated,
            Self::BookingUpdated { .. } => Kind::BookingUpdated,
            Self::BookingDeleted { .. } => Kind::BookingDeleted,
            Self::BookingConflict { .. } => Kind::BookingConflict,
            Self::BookingValidated { .. } => Kind::BookingValidated,
            Self::BookingRejected { .. } => Kind::BookingRejected,
            Self::BookingMoveRejected { .. } => Kind::BookingMoveRejected,
            Self::ResourceCreated { .. } => Kind::ResourceCreated,
            Self::ResourceUpdated { .. } => Kind::ResourceUpdated,
            Self::VenueCreated { .. } => Kind::VenueCreated,
            Self::VenueUpdated { .. } => Kind::VenueUpdated,
            Self::LogLeapt { .. } => Kind::LogLeapt,
            Self::ClockSetBack { .. } => Kind::ClockSetBack,
        }
    }

    /// The booking that it is about, if it is about one.
    pub const fn booking(&self) -> Option<&Booking> {
        match self {
            Self::BookingCreated { booking }
            | Self::BookingUpdated { booking, .. }
            | Self::BookingDeleted { booking }
            | Self::BookingConflict { booking, .. }
            | Self::BookingValidated { booking }
            | Self::BookingRejected { booking }
            | Self::BookingMoveRejected { booking } => Some(booking),
            Self::ResourceCreated { .. }
            | Self::ResourceUpdated { .. }
            | Self::VenueCreated { .. }
            | Self::VenueUpdated { .. }
            | Self::LogLeapt { .. }
            | Self::ClockSetBack { .. } => None,
        }
    }

    /// The resource that it is about, or whose bookings it is about.
    pub const fn resource_id(&self) -> Option<ResourceId> {
        match self {
            Self::ResourceCreated { resource } | Self::ResourceUpdated { resource } => Some(resource.id),
            Self::VenueCreated { .. }
            | Self::VenueUpdated { .. }
            | Self::LogLeapt { .. }
            | Self::ClockSetBack { .. } => None,
            _ => match self.booking() {
                Some(booking) => Some(booking.resource_id),
                None => None,
            },
        }
    }

    /// The venue that it is about, or where what it is about is.
    pub const fn venue_id(&self) -> Option<VenueId> {
        match self {
            Self::ResourceCreated { resource } | Self::ResourceUpdated { resource } => {
                Some(resource.venue_id)
            }
            Self::VenueCreated { venue } | Self::VenueUpdated { venue } => Some(venue.id),
            _ => match self.booking() {
                Some(booking) => Some(booking.venue_id),
                None => None,
            },
        }
    }

    /// The bookings of others that it tells of, besides the one that it is about.
    pub fn conflicting(&self) -> &[Conflict] {
        match self {
            Self::BookingConflict { conflicting, .. } => conflicting,
            _ => &[],
        }
    }

    /// The resource whose ranges it changes: who is wanted or granted what. The decision looks at
    /// these, and at no others.
    pub fn ranges_of(&self) -> Option<ResourceId> {
        match self {
            Self::BookingConflict { .. } | Self::BookingUpdated { range_changed: false, .. } => None,
            _ => self.booking().map(|booking| booking.resource_id),
        }
    }

    /// The id of the object that it is about; nil when that is the log itself.
    pub fn object_id(&self) -> uuid::Uuid {
        match self {
            Self::ResourceCreated { resource } | Self::ResourceUpdated { resource } => resource.id.uuid(),
            Self::VenueCreated { venue } | Self::VenueUpdated { venue } => venue.id.uuid(),
            Self::LogLeapt { .. } | Self::ClockSetBack { .. } => uuid::Uuid::nil(),
            Self::BookingCreated { booking }
            | Self::BookingUpdated { booking, .. }
            | Self::BookingDeleted { booking }
            | Self::BookingConflict { booking, .. }
            | Self::BookingValidated { booking }
            | Self::BookingRejected { booking }
            | Self::BookingMoveRejected { booking } => booking.id.uuid(),
        }
    }

    /// The JSON object that the log keeps as `data`.
    pub fn data_json(&self) -> String {
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Data<'a> {
            Booking {
                booking: &'a Booking,
            },
            Updated {
                booking: &'a Booking,
                range_changed: bool,
            },
            Conflict {
                booking: &'a Booking,
                conflicting: &'a [Conflict],
                conflict_count: i64,
            },
            Resource {
                resource: &'a Resource,
            },
            Venue {
                venue: &'a Venue,
            },
            Leapt {
                from: Seq,
            },
            SetBack {
                #[serde(with = "time::serde::rfc3339")]
                from: OffsetDateTime,
            },
        }
        let data = match self {
            Self::ResourceCreated { resource } | Self::ResourceUpdated { resource } => {
                Data::Resource { resource }
            }
            Self::VenueCreated { venue } | Self::VenueUpdated { venue } => Data::Venue { venue },
            Self::LogLeapt { from } => Data::Leapt { from: *from },
            Self::ClockSetBack { from } => Data::SetBack { from: *from },
            Self::BookingUpdated { booking, range_changed } => {
                Data::Updated { booking, range_changed: *range_changed }
            }
            Self::BookingConflict { booking, conflicting, conflict_count } => {
                Data::Conflict { booking, conflicting, conflict_count: *conflict_count }
            }
            Self::BookingCreated { booking }
            | Self::BookingDeleted { booking }
            | Self::BookingValidated { booking }
            | Self::BookingRejected { booking }
            | Self::BookingMoveRejected { booking } => Data::Booking { booking },
        };
        serde_json::to_string(&data).expect("ids, texts and times within the calendar are always JSON")
    }
}

/// What a change came from, as its caller told it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// The request.
    pub request_id: Option<RequestId>,
    /// The trace that the request is part of.
    pub traceparent: Option<Traceparent>,
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
    /// What it came from.
    pub trace: Trace,
    /// What happened.
    pub fact: Fact,
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::{
        BookingId, Claim, ResourceName, Status, TimeRange, VenueName, ZoneName, rules::BookingLimits,
    };

    const AT: OffsetDateTime = datetime!(2027-03-20 08:00:00.5 UTC);

    fn resource() -> Resource {
        Resource {
            id: ResourceId::from_u128(5),
            venue_id: VenueId::from_u128(6),
            name: ResourceName::parse("Raum \"1\"").unwrap(),
            limits: BookingLimits::default(),
            version: 1,
            created_at: AT,
            updated_at: AT,
        }
    }

    fn venue() -> Venue {
        Venue {
            id: VenueId::from_u128(6),
            name: VenueName::parse("Haus A").unwrap(),
            time_zone: ZoneName::parse("Europe/Berlin").unwrap(),
            address: None,
            version: 2,
            created_at: AT,
            updated_at: AT,
        }
    }

    fn booking() -> Booking {
        let range = TimeRange::new(AT, AT + time::Duration::HOUR).unwrap();
        Booking {
            id: BookingId::from_u128(1),
            resource_id: ResourceId::from_u128(5),
            resource: ResourceName::parse("Raum1").unwrap(),
            venue_id: VenueId::from_u128(6),
            user_id: UserId::parse("alice").unwrap(),
            claim: Claim::Valid { granted: range, rank: Seq(3) },
            title: None,
            note: None,
            version: 1,
            created_at: AT,
            updated_at: AT,
        }
    }

    fn conflict() -> Conflict {
        Conflict {
            id: BookingId::from_u128(2),
            resource_id: ResourceId::from_u128(5),
            user_id: UserId::parse("bob").unwrap(),
            range: TimeRange::new(AT, AT + time::Duration::MINUTE).unwrap(),
            status: Status::Pending,
        }
    }

    #[test]
    fn a_recorded_change_travels_and_arrives_as_it_was() {
        let (booking, resource, venue) = (booking(), resource(), venue());
        let facts = [
            Fact::BookingCreated { booking: booking.clone() },
            Fact::BookingUpdated { booking: booking.clone(), range_changed: true },
            Fact::BookingDeleted { booking: booking.clone() },
            Fact::BookingConflict {
                booking: booking.clone(),
                conflicting: vec![conflict()],
                conflict_count: 100,
            },
            Fact::BookingValidated { booking: booking.clone() },
            Fact::BookingRejected { booking: booking.clone() },
            Fact::BookingMoveRejected { booking },
            Fact::ResourceCreated { resource: resource.clone() },
            Fact::ResourceUpdated { resource },
            Fact::VenueCreated { venue: venue.clone() },
            Fact::VenueUpdated { venue },
            Fact::LogLeapt { from: Seq(4) },
            Fact::ClockSetBack { from: AT },
        ];
        for fact in facts {
            let (user, request) = ("alice", "a-1");
            let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            let change = Change {
                tenant_id: TenantId::from_u128(9),
                seq: Seq(17),
                at: AT,
                actor: UserId::parse(user).ok(),
                trace: Trace {
                    request_id: RequestId::parse(request).ok(),
                    traceparent: Traceparent::parse(trace).ok(),
                },
                fact,
            };
            let recorded = Recorded {
                tenant_id: change.tenant_id,
                seq: change.seq,
                kind: change.fact.kind().as_str().into(),
                at: AT,
                actor: Some(user.into()),
                request_id: Some(request.into()),
                traceparent: Some(trace.into()),
                data: change.fact.data_json(),
                object_id: change.fact.object_id(),
            };
            assert_eq!(recorded.parse().unwrap(), change);
            let whole = serde_json::to_string(&change).unwrap();
            assert_eq!(Change::from_wire(change.tenant_id, &whole).unwrap(), change);
        }
    }

    #[test]
    fn what_changes_no_range_is_none_of_the_decisions_business() {
        let booking = booking();
        let note = Fact::BookingUpdated { booking: booking.clone(), range_changed: false };
        let told = Fact::BookingConflict { booking, conflicting: Vec::new(), conflict_count: 1 };
        assert_eq!([note.ranges_of(), told.ranges_of()], [None, None]);
    }
}

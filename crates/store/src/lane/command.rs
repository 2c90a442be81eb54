//! What a lane can be told to do.

use holdfast_domain::{
    Address, BookingId, CommandId, EventId, IdempotencyKey, Note, ReservationId, ResourceId, ResourceName,
    TenantId, TimeRange, Title, Trace, UserId, VenueId, VenueName, ZoneName, rules::BookingLimits,
};
use time::OffsetDateTime;
use uuid::Uuid;

mod event;
mod reservation;

pub use event::{AddSection, CancelEvent, CreateEvent, NewSection, NewUnits, UpdateEvent, UpdateSection};
pub(super) use reservation::Units;
pub use reservation::{
    ConfirmReservation, ConfirmSeats, ExtendReservation, HoldUnits, Item, JoinWaitlist, LeaveWaitlist, Part,
    Place, ReleaseReservation, SectionRef, UnitsWanted,
};

/// Who asks for a write, and the names by which it is found again.
#[derive(Debug, Clone)]
pub struct Order {
    /// Whose objects.
    pub tenant_id: TenantId,
    /// Who asks.
    pub user_id: UserId,
    /// Made before the first try, and the same at each.
    pub command_id: CommandId,
    /// The request that it came from.
    pub trace: Trace,
    /// Under which a later try of the same write has no second effect.
    pub key: Option<Key>,
}

/// A caller's name for a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The name.
    pub name: IdempotencyKey,
    /// SHA-256 of what was asked for: the same name for something else is an error.
    pub fingerprint: [u8; 32],
}

/// The versions that a write is meant for; any, when none are named.
pub type Versions = Option<Vec<i32>>;

/// What becomes of something that an object may lack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays.
    #[default]
    Keep,
    /// It goes.
    Clear,
    /// This takes its place.
    Set(T),
}

impl<T: Clone> Edit<T> {
    pub(super) fn of(&self, before: Option<&T>) -> Option<T> {
        match self {
            Self::Keep => before.cloned(),
            Self::Clear => None,
            Self::Set(after) => Some(after.clone()),
        }
    }
}

/// What is to be booked.
#[derive(Debug, Clone)]
pub enum Target {
    /// The resource of this name, which is made if there is none.
    Named {
        /// Where it is.
        venue_id: VenueId,
        /// Its name there.
        name: ResourceName,
        /// The id that it will have if it is made.
        id_if_new: ResourceId,
    },
    /// The resource with this id.
    Id(ResourceId),
}

/// Makes a booking, and the resource too if its name is new.
#[derive(Debug, Clone)]
pub struct CreateBooking {
    /// Who asks.
    pub order: Order,
    /// The id that the booking will have.
    pub id: BookingId,
    /// What is booked.
    pub target: Target,
    /// What is wanted.
    pub wanted: TimeRange,
    /// A line about it.
    pub title: Option<Title>,
    /// More about it.
    pub note: Option<Note>,
}

/// Changes what a booking wants, or what is said about it. What is not given stays.
#[derive(Debug, Clone)]
pub struct UpdateBooking {
    /// Who asks; only its owner may.
    pub order: Order,
    /// Which booking.
    pub id: BookingId,
    /// In which versions.
    pub versions: Versions,
    /// When it is to begin.
    pub start: Option<OffsetDateTime>,
    /// When it is to end.
    pub end: Option<OffsetDateTime>,
    /// The line about it.
    pub title: Edit<Title>,
    /// More about it.
    pub note: Edit<Note>,
}

/// Gives a booking up.
#[derive(Debug, Clone)]
pub struct CancelBooking {
    /// Who asks; only its owner may.
    pub order: Order,
    /// Which booking.
    pub id: BookingId,
    /// In which versions.
    pub versions: Versions,
}

/// Makes a venue.
#[derive(Debug, Clone)]
pub struct CreateVenue {
    /// Who asks.
    pub order: Order,
    /// The id that the venue will have.
    pub id: VenueId,
    /// What people call it.
    pub name: VenueName,
    /// Its time zone.
    pub time_zone: ZoneName,
    /// Where it is.
    pub address: Option<Address>,
}

/// Changes a venue. What is not given stays.
#[derive(Debug, Clone)]
pub struct UpdateVenue {
    /// Who asks.
    pub order: Order,
    /// Which venue.
    pub id: VenueId,
    /// In which versions.
    pub versions: Versions,
    /// What people call it.
    pub name: Option<VenueName>,
    /// Its time zone.
    pub time_zone: Option<ZoneName>,
    /// Where it is.
    pub address: Edit<Address>,
}

/// Makes a resource.
#[derive(Debug, Clone)]
pub struct CreateResource {
    /// Who asks.
    pub order: Order,
    /// The id that the resource will have.
    pub id: ResourceId,
    /// Where it is.
    pub venue_id: VenueId,
    /// What people call it.
    pub name: ResourceName,
    /// How long and how far ahead it may be booked.
    pub limits: BookingLimits,
}

/// Changes a resource. What is not given stays.
#[derive(Debug, Clone)]
pub struct UpdateResource {
    /// Who asks.
    pub order: Order,
    /// Which resource.
    pub id: ResourceId,
    /// In which versions.
    pub versions: Versions,
    /// What people call it.
    pub name: Option<ResourceName>,
    /// The shortest booking, in seconds.
    pub shortest_seconds: Option<i32>,
    /// The longest booking, in seconds.
    pub longest_seconds: Option<i32>,
    /// How many days ahead a booking may end.
    pub days_ahead: Option<i32>,
}

#[derive(Debug)]
pub(super) enum Command {
    Create(CreateBooking),
    Update(UpdateBooking),
    Cancel(CancelBooking),
    Units(Units),
    Catalogue(Catalogue),
}

/// Changes what there is to book, or where. Such a command travels alone: others look up what it changes.
#[derive(Debug)]
pub(super) enum Catalogue {
    CreateVenue(CreateVenue),
    UpdateVenue(UpdateVenue),
    CreateResource(CreateResource),
    UpdateResource(UpdateResource),
    CreateEvent(CreateEvent),
    UpdateEvent(UpdateEvent),
    AddSection(AddSection),
    UpdateSection(UpdateSection),
    CancelEvent(CancelEvent),
}

impl Command {
    pub(super) fn order(&self) -> &Order {
        match self {
            Self::Create(create) => &create.order,
            Self::Update(update) => &update.order,
            Self::Cancel(cancel) => &cancel.order,
            Self::Units(units) => units.order(),
            Self::Catalogue(catalogue) => catalogue.order(),
        }
    }

    /// The object that it writes.
    pub(super) fn object(&self) -> (TenantId, Uuid) {
        let id = match self {
            Self::Create(create) => create.id.uuid(),
            Self::Update(update) => update.id.uuid(),
            Self::Cancel(cancel) => cancel.id.uuid(),
            Self::Units(units) => units.object(),
            Self::Catalogue(catalogue) => catalogue.object(),
        };
        (self.order().tenant_id, id)
    }

    /// The object that was there before it, if it is one.
    pub(super) fn existing(&self) -> Option<Uuid> {
        match self {
            Self::Create(_)
            | Self::Catalogue(
                Catalogue::CreateVenue(_) | Catalogue::CreateResource(_) | Catalogue::CreateEvent(_),
            ) => None,
            Self::Units(units) => units.existing().map(ReservationId::uuid),
            _ => Some(self.object().1),
        }
    }

    /// The event that it settles first: its holds that are over, and its line.
    pub(super) fn settles(&self) -> Option<EventId> {
        match self {
            Self::Units(Units::Hold(hold)) => Some(hold.event_id),
            Self::Units(Units::Join(join)) => Some(join.event_id),
            // It settles nothing, and does not pass who came before it into the same line.
            Self::Units(Units::Leave(leave)) => Some(leave.event_id),
            _ => None,
        }
    }

    pub(super) fn is_alone(&self) -> bool {
        matches!(self, Self::Catalogue(_))
    }
}

impl Catalogue {
    pub(super) fn order(&self) -> &Order {
        match self {
            Self::CreateVenue(create) => &create.order,
            Self::UpdateVenue(update) => &update.order,
            Self::CreateResource(create) => &create.order,
            Self::UpdateResource(update) => &update.order,
            Self::CreateEvent(create) => &create.order,
            Self::UpdateEvent(update) => &update.order,
            Self::AddSection(add) => &add.order,
            Self::UpdateSection(update) => &update.order,
            Self::CancelEvent(cancel) => &cancel.order,
        }
    }

    fn object(&self) -> Uuid {
        match self {
            Self::CreateVenue(create) => create.id.uuid(),
            Self::UpdateVenue(update) => update.id.uuid(),
            Self::CreateResource(create) => create.id.uuid(),
            Self::UpdateResource(update) => update.id.uuid(),
            Self::CreateEvent(create) => create.id.uuid(),
            Self::UpdateEvent(update) => update.id.uuid(),
            Self::AddSection(add) => add.event_id.uuid(),
            Self::UpdateSection(update) => update.event_id.uuid(),
            Self::CancelEvent(cancel) => cancel.id.uuid(),
        }
    }
}

//! What a lane can be told to do with units of events.

use holdfast_domain::{
    Category, ConfirmationCode, EventId, ReservationId, SeatLabel, SectionId, SectionName, WaitlistEntryId,
    seating::Adjacency,
};
use time::Duration;
use uuid::Uuid;

use super::{Order, Versions};

/// A section, as its caller names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SectionRef {
    /// By its id.
    Id(SectionId),
    /// By its name in the event.
    Name(SectionName),
}

/// Where units may come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// From this section; from any, without it.
    pub section: Option<SectionRef>,
    /// Only seats of this category.
    pub category: Option<Category>,
}

/// Units of one section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// So many, the best there are.
    Best {
        /// From where.
        place: Place,
        /// How many.
        quantity: i32,
    },
    /// These seats, of this section.
    Seats {
        /// Which section.
        section: SectionRef,
        /// Which seats.
        seats: Vec<SeatLabel>,
    },
}

/// What is to be held; all of it, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitsWanted {
    /// These seats, in whichever sections of the event they are.
    Seats(Vec<SeatLabel>),
    /// So many, of the first of these places that has them.
    Choices {
        /// The places, the dearest first.
        places: Vec<Place>,
        /// How many.
        quantity: i32,
    },
    /// All of these.
    Items(Vec<Item>),
}

/// Holds units of an event.
#[derive(Debug, Clone)]
pub struct HoldUnits {
    /// Who asks.
    pub order: Order,
    /// The id that the reservation will have.
    pub id: ReservationId,
    /// Of which event.
    pub event_id: EventId,
    /// Which units.
    pub wanted: UnitsWanted,
    /// Whether seats have to be neighbours.
    pub adjacency: Adjacency,
    /// For how long; as long as is usual, without it.
    pub hold_for: Option<Duration>,
    /// Whether seats that the caller holds already count as got, and stay as they are.
    pub keeps_own: bool,
}

/// Which of a reservation's units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All.
    All,
    /// These seats.
    Seats(Vec<SeatLabel>),
    /// So many, of the only section that it has units of.
    Quantity(i32),
}

/// Makes held units their owner's. What is not confirmed becomes a hold of its own, with the same end.
#[derive(Debug, Clone)]
pub struct ConfirmReservation {
    /// Who asks; only its owner may.
    pub order: Order,
    /// Which reservation.
    pub id: ReservationId,
    /// In which versions.
    pub versions: Versions,
    /// Which of its units.
    pub part: Part,
    /// What its owner will show for them.
    pub code: ConfirmationCode,
    /// The id that the hold of the rest will have.
    pub rest_id: ReservationId,
}

/// Makes seats their holder's, whichever of their holds have them. They become one reservation.
#[derive(Debug, Clone)]
pub struct ConfirmSeats {
    /// Who asks; only who holds them may.
    pub order: Order,
    /// Of which event.
    pub event_id: EventId,
    /// Which seats.
    pub seats: Vec<SeatLabel>,
    /// What their owner will show for them.
    pub code: ConfirmationCode,
    /// The id that the hold of the rest will have.
    pub rest_id: ReservationId,
}

/// Has a hold end later.
#[derive(Debug, Clone)]
pub struct ExtendReservation {
    /// Who asks; only its owner may.
    pub order: Order,
    /// Which reservation.
    pub id: ReservationId,
    /// In which versions.
    pub versions: Versions,
    /// From now on.
    pub hold_for: Duration,
}

/// Gives units back, held or confirmed.
#[derive(Debug, Clone)]
pub struct ReleaseReservation {
    /// Who asks; only its owner may.
    pub order: Order,
    /// Which reservation.
    pub id: ReservationId,
    /// In which versions.
    pub versions: Versions,
}

/// Takes a place in the line for units of an event.
#[derive(Debug, Clone)]
pub struct JoinWaitlist {
    /// Who asks.
    pub order: Order,
    /// The id that the entry will have.
    pub id: WaitlistEntryId,
    /// Of which event.
    pub event_id: EventId,
    /// How many, all of one section.
    pub quantity: i32,
    /// Whether seats have to be neighbours.
    pub adjacency: Adjacency,
    /// Where they may come from, the dearest first.
    pub choices: Vec<Place>,
    /// How long the hold lasts that is made for it; as long as is usual, without it.
    pub offer_for: Option<Duration>,
}

/// Leaves the line for units of an event.
#[derive(Debug, Clone)]
pub struct LeaveWaitlist {
    /// Who asks; it is their own place that they leave.
    pub order: Order,
    /// Of which event.
    pub event_id: EventId,
    /// In which versions.
    pub versions: Versions,
}

/// Takes units, does something with those that are taken, or waits for them.
#[derive(Debug)]
pub(in crate::lane) enum Units {
    Hold(HoldUnits),
    Confirm(ConfirmReservation),
    ConfirmSeats(ConfirmSeats),
    Extend(ExtendReservation),
    Release(ReleaseReservation),
    Join(JoinWaitlist),
    Leave(LeaveWaitlist),
}

impl Units {
    pub(in crate::lane) fn order(&self) -> &Order {
        match self {
            Self::Hold(hold) => &hold.order,
            Self::Confirm(confirm) => &confirm.order,
            Self::ConfirmSeats(confirm) => &confirm.order,
            Self::Extend(extend) => &extend.order,
            Self::Release(release) => &release.order,
            Self::Join(join) => &join.order,
            Self::Leave(leave) => &leave.order,
        }
    }

    /// The object that it makes, or is about.
    pub(in crate::lane) fn object(&self) -> Uuid {
        match self {
            Self::Hold(hold) => hold.id.uuid(),
            Self::Confirm(confirm) => confirm.id.uuid(),
            Self::ConfirmSeats(confirm) => confirm.rest_id.uuid(),
            Self::Extend(extend) => extend.id.uuid(),
            Self::Release(release) => release.id.uuid(),
            Self::Join(join) => join.id.uuid(),
            // Which entry it is about is not known before it is read.
            Self::Leave(leave) => leave.order.command_id.uuid(),
        }
    }

    /// The reservation that was there before it, if it names one.
    pub(in crate::lane) fn existing(&self) -> Option<ReservationId> {
        match self {
            Self::Hold(_) | Self::ConfirmSeats(_) | Self::Join(_) | Self::Leave(_) => None,
            Self::Confirm(confirm) => Some(confirm.id),
            Self::Extend(extend) => Some(extend.id),
            Self::Release(release) => Some(release.id),
        }
    }
}

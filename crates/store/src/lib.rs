//! PostgreSQL, and the only crate that knows SQL.
//!
//! Everything that a tenant owns is written under its shard's [`Head`]: whoever holds one may append to
//! the log, and nothing else can be changed. Writes go through [`Lanes`], which batch them; open wants
//! are decided by [`Database::step`]. Never here: HTTP, Redis, and the rules themselves, which are
//! `domain`'s.

/// Whether a test has set this failpoint; never without the feature.
macro_rules! failpoint {
    ($name:literal) => {{
        #[cfg(feature = "failpoints")]
        let set = fail::eval($name, |_| ()).is_some();
        #[cfg(not(feature = "failpoints"))]
        let set = false;
        set
    }};
}

/// A place where a test can kill the process.
macro_rules! crashpoint {
    ($name:literal) => {
        if failpoint!($name) {
            std::process::abort();
        }
    };
}

mod asked;
mod availability;
mod bookings;
mod changes;
mod clock;
mod database;
mod decision;
mod error;
mod events;
mod feed;
mod head;
mod heads;
mod history;
mod holdings;
mod in_line;
mod installation;
mod inventory;
mod keys;
mod lane;
mod lapsed;
mod layouts;
mod leap;
mod listing;
mod meters;
mod migrate;
mod pause;
#[cfg(test)]
mod plans;
mod program;
mod prune;
mod reading;
mod reservations;
mod resources;
mod seats;
mod sections;
mod settings;
mod settling;
mod venues;
mod verify;
mod waitlist;
mod watch;

pub use availability::Slots;
pub use database::Database;
pub use decision::{Look, Step, StepLimits};
pub use error::Error;
pub use feed::{Log, LogPage};
pub use head::Head;
pub use heads::HeadRow;
pub use holdings::{ReservationFilter, ReservationNow, ReservationsPage};
pub use in_line::WaitlistNow;
pub use installation::{Installation, Origin};
pub use inventory::ResourceFilter;
pub use lane::{
    AddSection, Booked, CancelBooking, CancelEvent, ConfirmReservation, ConfirmSeats, CreateBooking,
    CreateEvent, CreateResource, CreateVenue, Edit, ExtendReservation, HoldUnits, Item, JoinWaitlist, Key,
    Lanes, LeaveWaitlist, Left, NewSection, NewUnits, Object, Order, Part, Place, ReleaseReservation,
    Reserved, SectionRef, Target, UnitsWanted, UpdateBooking, UpdateEvent, UpdateResource, UpdateSection,
    UpdateVenue, Versions, WriteError, Written,
};
pub use leap::LEAP;
pub use listing::{Filter, Page};
pub use migrate::{SchemaError, migrate};
pub use pause::Pause;
pub use program::{EventFilter, EventNow, EventsPage, Hall, HallSection};
pub use settings::{LaneSettings, Settings};
pub use settling::Settled;
pub use venues::VENUES_MAX;
pub use verify::{
    After, Begun, BegunEntry, BegunEvent, BegunReservation, LogEnds, Seating, SectionTaken, Stored,
    StoredBooking, StoredEntry, StoredEvent, StoredLine, StoredReservation, StoredResource, StoredSeats,
    Table, UnitNets,
};
pub use watch::{Glance, Stand, Tally};

//! Units of events, in one process: who gets what, until when, and what the tables and the log say of it.

mod catalogue;
mod ending;
mod keys;
mod parts;
mod seats;
mod settling;
mod taking;
mod waiting;

use holdfast_domain::{Event, EventId, Kind, Reservation, ReservationId};
use holdfast_store::{HoldUnits, LaneSettings, NewSection, WriteError};
use holdfast_testkit::{Scene, create_event, lane_settings, shard};
use time::OffsetDateTime;

/// One process, and one event.
struct Office {
    scene: Scene,
    event: EventId,
}

impl Office {
    async fn selling(sections: Vec<NewSection>) -> Self {
        Self::selling_with(lane_settings(), sections).await
    }

    async fn selling_with(settings: LaneSettings, sections: Vec<NewSection>) -> Self {
        let scene = Scene::with(settings).await;
        let made = scene.lanes.create_event(create_event("Concert", sections)).await.expect("an event");
        Self { scene, event: made.value.id }
    }

    async fn hold(&self, hold: HoldUnits) -> Result<Reservation, WriteError> {
        self.scene.lanes.hold(hold).await.map(|held| held.value.reservation)
    }

    /// What is left of each section: available, held, confirmed.
    async fn left(&self) -> Vec<(i32, i32, i32)> {
        let left = self.now().await.left;
        left.iter().map(|left| (left.available, left.held, left.confirmed)).collect()
    }

    async fn now(&self) -> holdfast_store::EventNow {
        let now = self.scene.database.event(holdfast_domain::DEFAULT_TENANT, self.event).await;
        now.expect("an answer").expect("the event")
    }

    async fn event(&self) -> Event {
        self.now().await.event
    }

    async fn reservation(&self, id: ReservationId) -> Reservation {
        let now = self.scene.database.reservation(holdfast_domain::DEFAULT_TENANT, id).await;
        now.expect("an answer").expect("the reservation").reservation
    }

    /// The shard's clock stands at `at`, until the real one has passed it.
    async fn at(&self, at: OffsetDateTime) {
        let nanos = at.unix_timestamp_nanos() / 1_000;
        let set = format!(
            "UPDATE heads SET at = timestamptz 'epoch' + {nanos} * interval '1 microsecond' WHERE shard = {}",
            shard()
        );
        self.scene.test.sql(&set).await;
    }

    /// The kinds of change that were told of events and reservations, in order.
    async fn told(&self) -> Vec<Kind> {
        let log = self.scene.test.log(shard()).await;
        let told = log.iter().filter(|change| change.fact.event_id().is_some());
        told.map(|change| change.fact.kind()).collect()
    }

    /// The judge finds nothing in the log, and the tables agree with each other.
    async fn is_faultless(&self) {
        assert_eq!(self.scene.test.replay(shard()).await.faults, Vec::<String>::new());
        assert_eq!(self.scene.test.uneven().await, Vec::<String>::new());
    }
}

/// What a reservation has: the seats by their labels, or how many.
fn got(reservation: &Reservation) -> Vec<(String, i32, String)> {
    let units = reservation.units.iter().map(|units| {
        let seats: Vec<&str> = units.seats.iter().map(holdfast_domain::SeatLabel::as_str).collect();
        (units.section.to_string(), units.quantity, seats.join(" "))
    });
    units.collect()
}

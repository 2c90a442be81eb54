//! One room, one process: what somebody wants, holds, moves; what is decided, and what the log says of it.

use holdfast_domain::{Booking, BookingId, DEFAULT_TENANT, Kind, TimeRange, rules::Verdict};
use holdfast_store::{Database, LaneSettings, Lanes, StepLimits};

use crate::{TestDatabase, create, lane_settings, move_to, shard};

/// One process that takes writes and decides.
pub struct Scene {
    /// Where it keeps all.
    pub test: TestDatabase,
    /// Its connections, with a clock that may be off by a day.
    pub database: Database,
    /// Its writes.
    pub lanes: Lanes,
}

impl Scene {
    /// Lanes with a quarter of an hour of grace.
    ///
    /// # Panics
    /// When it does not come about.
    pub async fn new() -> Self {
        Self::with(lane_settings()).await
    }

    /// Lanes of these settings.
    ///
    /// # Panics
    /// When it does not come about.
    pub async fn with(settings: LaneSettings) -> Self {
        let test = TestDatabase::new().await;
        let database = test.database_ahead();
        let lanes = Lanes::new(database.clone(), settings, |_| {});
        Self { test, database, lanes }
    }

    /// `user` wants `range` of the room.
    ///
    /// # Panics
    /// When it does not come about.
    pub async fn wants(&self, user: &str, range: TimeRange) -> BookingId {
        self.lanes.create(create(user, "Raum1", range)).await.expect("a want").value.booking.id
    }

    /// `user` wants `range` of the room and is granted it.
    ///
    /// # Panics
    /// When it does not come about.
    pub async fn holds(&self, user: &str, range: TimeRange) -> BookingId {
        let id = self.wants(user, range).await;
        self.step().await;
        assert_eq!(self.held(id).await, Some(range));
        id
    }

    /// `user` wants another range for a booking.
    ///
    /// # Panics
    /// When it does not come about.
    pub async fn moves(&self, user: &str, id: BookingId, range: TimeRange) -> Booking {
        self.lanes.update(move_to(user, id, range)).await.expect("a move").value.booking
    }

    /// Decides, and says what.
    ///
    /// # Panics
    /// When it does not come about.
    pub async fn step(&self) -> Vec<Verdict> {
        let step = self.database.step(shard(), StepLimits::default()).await.expect("a step");
        step.decided.into_iter().map(|(_, verdict)| verdict).collect()
    }

    /// The booking as it is.
    ///
    /// # Panics
    /// When it does not come about.
    pub async fn booking(&self, id: BookingId) -> Booking {
        self.database.booking(DEFAULT_TENANT, id).await.expect("an answer").expect("one")
    }

    /// What the booking holds.
    ///
    /// # Panics
    /// When it does not come about.
    pub async fn held(&self, id: BookingId) -> Option<TimeRange> {
        self.booking(id).await.claim.granted()
    }

    /// The changes of these kinds, in the order of the log, each with whose booking it is about.
    ///
    /// # Panics
    /// When it does not come about.
    pub async fn told(&self, kinds: &[Kind]) -> Vec<(Kind, String)> {
        let log = self.test.log(shard()).await;
        let told = log.iter().filter(|change| kinds.contains(&change.fact.kind()));
        told.map(|change| {
            let booking = change.fact.booking().expect("a booking");
            (change.fact.kind(), booking.user_id.to_string())
        })
        .collect()
    }

    /// To whom grants went, in the order of the log.
    ///
    /// # Panics
    /// When it does not come about.
    pub async fn granted_to(&self) -> Vec<String> {
        self.told(&[Kind::BookingValidated]).await.into_iter().map(|(_, user)| user).collect()
    }

    /// The shard's clock goes on by so many minutes.
    ///
    /// # Panics
    /// When it does not come about.
    pub async fn later(&self, minutes: i64) {
        self.test
            .sql(&format!("UPDATE heads SET at = clock_timestamp() + interval '{minutes} minutes'"))
            .await;
    }

    /// At rest, the judge finds nothing.
    ///
    /// # Panics
    /// When it does not come about.
    pub async fn is_faultless(&self) {
        self.step().await;
        assert_eq!(self.test.replay(shard()).await.faults, Vec::<String>::new());
        assert_eq!(self.test.miscounted().await, Vec::<String>::new());
    }
}

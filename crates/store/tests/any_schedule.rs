//! P1, P3 and P4 under any schedule: writes of two processes, retried and guarded; steps of two validators cut at any
//! size, at once, and dropped in the middle. Judged by replaying the log.

use std::time::Duration;

use holdfast_domain::{Booking, BookingId, DEFAULT_TENANT, Kind, Note, TimeRange};
use holdfast_store::{Database, Edit, LaneSettings, Lanes, StepLimits, UpdateBooking, WriteError, Written};
use holdfast_testkit::{Random, TestDatabase, cancel, create, hours, keyed, lane_settings, move_to, shard};

/// Two processes that take writes, and two that decide.
struct Scene {
    lanes: [Lanes; 2],
    validators: [Database; 2],
    bookings: Vec<(String, BookingId)>,
    /// How many keys and notes there have been: each is another.
    names: u32,
}

impl Scene {
    fn new(test: &TestDatabase) -> Self {
        // Wants of the second process are due at once: rejections among the rest.
        let settings = [lane_settings(), LaneSettings { grace_period_minutes: 0, ..lane_settings() }];
        Self {
            lanes: settings.map(|settings| Lanes::new(test.database(), settings, |_| {})),
            validators: [test.database(), test.database()],
            bookings: Vec::new(),
            names: 0,
        }
    }

    async fn act(&mut self, random: &mut Random) {
        match random.below(20) {
            0..=6 => self.book(random).await,
            7 => self.leave(random).await,
            8..=10 => self.move_one(random).await,
            11 => self.swap(random).await,
            12 => self.note(random).await,
            13 => self.retry(random).await,
            _ => self.decide(random).await,
        }
    }

    /// One of the processes.
    fn lanes(&self, random: &mut Random) -> &Lanes {
        &self.lanes[usize::from(random.below(2) == 0)]
    }

    /// One of the bookings, and how it is.
    async fn any(&self, random: &mut Random) -> Option<(String, Booking)> {
        let place = random.below(u64::try_from(self.bookings.len()).expect("a few").max(1));
        let (user, id) = self.bookings.get(usize::try_from(place).expect("a place"))?.clone();
        let booking = self.validators[0].booking(DEFAULT_TENANT, id).await.expect("an answer");
        Some((user, booking.expect("a booking")))
    }

    async fn book(&mut self, random: &mut Random) {
        let user = format!("user-{}", random.below(9));
        let room = format!("Raum{}", random.below(3));
        let create = create(&user, &room, any_range(random));
        let made = self.lanes(random).create(create).await.expect("a booking");
        self.bookings.push((user, made.value.booking.id));
    }

    async fn leave(&mut self, random: &mut Random) {
        if let Some((user, booking)) = self.any(random).await {
            self.bookings.retain(|(_, id)| *id != booking.id);
            self.lanes(random).cancel(cancel(&user, booking.id)).await.expect("a cancel");
        }
    }

    /// To any other range, to more, or to a part.
    async fn move_one(&mut self, random: &mut Random) {
        let Some((user, booking)) = self.any(random).await else { return };
        let wanted = booking.claim.wanted();
        let by = time::Duration::minutes(random.hours(120));
        let range = match random.below(3) {
            0 => Ok(any_range(random)),
            1 => TimeRange::new(wanted.start() - by, wanted.end() + by),
            _ => TimeRange::new(wanted.start() + by / 3, wanted.end() - by / 3),
        };
        if let Ok(range) = range {
            written(self.lanes(random).update(move_to(&user, booking.id, range)).await);
        }
    }

    async fn swap(&mut self, random: &mut Random) {
        let Some((one, first)) = self.any(random).await else { return };
        let Some((other, second)) = self.any(random).await else { return };
        if first.id == second.id {
            return;
        }
        let there = move_to(&one, first.id, second.claim.wanted());
        let back = move_to(&other, second.id, first.claim.wanted());
        let (there, back) = tokio::join!(self.lanes(random).update(there), self.lanes(random).update(back));
        written(there);
        written(back);
    }

    /// By two who have seen the same version, or neither of them.
    async fn note(&mut self, random: &mut Random) {
        let Some((user, booking)) = self.any(random).await else { return };
        let versions = Some(vec![booking.version - i32::from(random.below(4) == 0)]);
        self.names += 1;
        let note = |text: &str| UpdateBooking {
            start: None,
            end: None,
            versions: versions.clone(),
            note: Edit::Set(Note::parse(&format!("{text} {}", self.names)).expect("a note")),
            ..move_to(&user, booking.id, booking.claim.wanted())
        };
        let [first, second] = &self.lanes;
        let (first, second) = tokio::join!(first.update(note("one")), second.update(note("other")));
        assert!(!(written(first) && written(second)), "both wrote one version");
    }

    /// A write under a key, tried in both processes at once and once more.
    async fn retry(&mut self, random: &mut Random) {
        self.names += 1;
        let (key, range) = (keyed(&format!("key-{}", self.names), 1), any_range(random));
        let once = || {
            let mut create = create("user-0", "Raum0", range);
            create.order.key.clone_from(&key);
            create
        };
        let [first, second] = &self.lanes;
        let (first, second) = tokio::join!(first.create(once()), second.create(once()));
        let (first, second) = (first.expect("a yes"), second.expect("a yes"));
        assert_eq!((&first.value, first.replayed), (&second.value, !second.replayed));
        if random.below(2) == 0 {
            self.decide(random).await;
        }
        let third = self.lanes(random).create(once()).await.expect("a yes");
        self.bookings.push(("user-0".into(), first.value.booking.id));
        assert_eq!((third.value, third.replayed), (first.value, true));
    }

    async fn decide(&self, random: &mut Random) {
        let limits = StepLimits {
            window: 1 + random.hours(20),
            wants: 1 + random.hours(8),
            writes: 1 + usize::try_from(random.below(4)).expect("few"),
        };
        let [first, second] = &self.validators;
        match random.below(6) {
            // Bells doubled: both validators come at once.
            0 => {
                let (first, second) =
                    tokio::join!(first.step(shard(), limits), second.step(shard(), StepLimits::default()));
                first.and(second).expect("two steps");
            }
            // Killed anywhere: the connection goes with the future.
            1 => {
                let killed = Duration::from_micros(random.below(6_000));
                let _ = tokio::time::timeout(killed, first.step(shard(), limits)).await;
            }
            // A bell lost: nothing happens.
            2 => {}
            _ => {
                second.step(shard(), limits).await.expect("a step");
            }
        }
    }

    async fn come_to_rest(&self) {
        while self.validators[0].step(shard(), StepLimits::default()).await.expect("a step").more {}
    }
}

fn any_range(random: &mut Random) -> TimeRange {
    let from = random.hours(24);
    hours(from, from + 1 + random.hours(5))
}

/// Whether it was: what is closed by now, has gone on, or leaves nothing is refused.
fn written<T>(answer: Result<Written<T>, WriteError>) -> bool {
    match answer {
        Ok(_) => true,
        Err(WriteError::Closed { .. } | WriteError::Stale { .. } | WriteError::Refused(_)) => false,
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_schedule_keeps_to_the_order_and_ends_with_no_open_want_that_fits() {
    let (mut checks, mut reverted) = (0, 0);
    for seed in 0..10 {
        let test = TestDatabase::new().await;
        let mut random = Random::seeded(seed);
        let mut scene = Scene::new(&test);
        for _ in 0..120 {
            scene.act(&mut random).await;
        }
        scene.come_to_rest().await;
        let report = test.replay(shard()).await;
        assert_eq!(report.faults, Vec::<String>::new(), "seed {seed}");
        assert!(report.grants > 0 && report.rejections > 0, "seed {seed} decided nothing: {report:?}");
        assert_eq!(test.miscounted().await, Vec::<String>::new(), "seed {seed}");
        let overlooked = test.database().overlooked(shard()).await.expect("an answer");
        assert_eq!(overlooked, [], "seed {seed}");
        checks += report.checks;
        let log = test.log(shard()).await;
        reverted += log.iter().filter(|change| change.fact.kind() == Kind::BookingMoveRejected).count();
    }
    assert!(reverted > 0, "no move was rejected");
    println!("{checks} checks, 0 faults; {reverted} moves rejected");
}

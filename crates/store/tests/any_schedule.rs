//! P1 and P4 under any schedule: writes of two processes, steps of two validators cut at any size, at
//! once, and dropped in the middle. Judged by replaying the log.

use std::time::Duration;

use holdfast_domain::BookingId;
use holdfast_store::{Database, LaneSettings, Lanes, StepLimits};
use holdfast_testkit::{Random, TestDatabase, cancel, create, hours, lane_settings, shard};

/// Two processes that take writes, and two that decide.
struct Scene {
    lanes: [Lanes; 2],
    validators: [Database; 2],
    bookings: Vec<(String, BookingId)>,
}

impl Scene {
    fn new(test: &TestDatabase) -> Self {
        // Wants of the second process are due at once: rejections among the rest.
        let settings = [lane_settings(), LaneSettings { grace_period_minutes: 0, ..lane_settings() }];
        Self {
            lanes: settings.map(|settings| Lanes::new(test.database(), settings, |_| {})),
            validators: [test.database(), test.database()],
            bookings: Vec::new(),
        }
    }

    async fn act(&mut self, random: &mut Random) {
        let lanes = &self.lanes[usize::from(random.below(2) == 0)];
        let limits = StepLimits {
            window: 1 + random.hours(20),
            wants: 1 + random.hours(8),
            writes: 1 + usize::try_from(random.below(4)).expect("few"),
        };
        let [first, second] = &self.validators;
        match random.below(10) {
            0..=4 => {
                let (from, user) = (random.hours(24), format!("user-{}", random.below(9)));
                let (range, room) = (hours(from, from + 1 + random.hours(5)), random.below(3));
                let made =
                    lanes.create(create(&user, &format!("Raum{room}"), range)).await.expect("a booking");
                self.bookings.push((user, made.booking.id));
            }
            5 if !self.bookings.is_empty() => {
                let place = usize::try_from(random.below(self.bookings.len() as u64)).expect("a place");
                let (user, id) = self.bookings.swap_remove(place);
                lanes.cancel(cancel(&user, id)).await.expect("a cancel");
            }
            6 => {
                // Bells doubled: both validators come at once.
                let (first, second) =
                    tokio::join!(first.step(shard(), limits), second.step(shard(), StepLimits::default()));
                first.and(second).expect("two steps");
            }
            7 => {
                // Killed anywhere: the connection goes with the future.
                let killed = Duration::from_micros(random.below(6_000));
                let _ = tokio::time::timeout(killed, first.step(shard(), limits)).await;
            }
            // A bell lost: nothing happens.
            8 => {}
            _ => {
                second.step(shard(), limits).await.expect("a step");
            }
        }
    }

    async fn come_to_rest(&self) {
        while self.validators[0].step(shard(), StepLimits::default()).await.expect("a step").more {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_schedule_keeps_to_the_order_and_ends_with_no_open_want_that_fits() {
    let mut checks = 0;
    for seed in 0..12 {
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
        checks += report.checks;
    }
    println!("{checks} checks, 0 faults");
}

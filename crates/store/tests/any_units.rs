//! Anything that can be done with units, in any order, in two processes at once, while the clock goes on and steps are taken:
//! the judge finds nothing in the log, and the tables agree with each other.

use std::sync::Mutex;

use futures_util::future::join_all;
use holdfast_domain::{
    EventId, EventStatus, Kind, ReservationId, SectionId, SectionName,
    seating::{Adjacency, rows_of},
};
use holdfast_store::{
    CreateEvent, Edit, HoldUnits, Item, JoinWaitlist, LaneSettings, Lanes, Part, Place, SectionRef,
    UnitsWanted, UpdateEvent, UpdateSection, WriteError,
};
use holdfast_testkit::{
    Random, TestDatabase, confirm_part, confirm_seats, counted, create_event, extend, hold, hold_seats,
    join_any, lane_settings, leave, lock_seats, on_sale, order, release, rows, seats, shard,
};
use time::Duration;

const SEATS: [&str; 11] = ["A1", "A2", "A3", "A4", "A5", "B1", "B2", "B3", "B4", "B5", "C1"];
const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];
const WAITING: [&str; 12] = ["w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "w9", "w10", "w11", "w12"];

/// What there is to do something with.
struct Town {
    lanes: [Lanes; 2],
    events: Vec<(EventId, Vec<SectionId>)>,
    made: Mutex<Vec<(&'static str, ReservationId)>>,
}

fn one_of<T: Copy>(random: &mut Random, all: &[T]) -> T {
    all[usize::try_from(random.below(all.len() as u64)).expect("a place")]
}

fn some_seats(random: &mut Random) -> Vec<&'static str> {
    let mut some: Vec<&str> = (0..=random.below(3)).map(|_| one_of(random, &SEATS)).collect();
    some.sort_unstable();
    some.dedup();
    some
}

fn place(random: &mut Random) -> Place {
    let section = match random.below(3) {
        0 => None,
        1 => Some("Stalls"),
        _ => Some("Hall"),
    };
    let section = section.map(|name| SectionRef::Name(SectionName::parse(name).expect("a name")));
    Place { section, category: None }
}

fn any_hold(random: &mut Random, user: &str, event: EventId) -> HoldUnits {
    let quantity = 1 + i32::try_from(random.below(3)).expect("a few");
    let held = match random.below(5) {
        0 => hold_seats(user, event, &some_seats(random)),
        1 => lock_seats(user, event, &some_seats(random)),
        2 => {
            let places = vec![place(random), place(random)];
            hold(user, event, UnitsWanted::Choices { places, quantity })
        }
        _ => {
            let items = vec![
                Item::Best { place: place(random), quantity },
                Item::Best { place: place(random), quantity: 1 },
            ];
            hold(user, event, UnitsWanted::Items(items))
        }
    };
    let adjacency = one_of(random, &[Adjacency::Any, Adjacency::Preferred, Adjacency::Required]);
    let hold_for = Some(Duration::seconds(1 + i64::try_from(random.below(300)).expect("minutes")));
    HoldUnits { adjacency, hold_for, ..held }
}

impl Town {
    /// One write, of anything; refusals are answers like any other.
    async fn write(&self, process: usize, mut random: Random) -> Option<WriteError> {
        let random = &mut random;
        let (lanes, user) = (&self.lanes[process], one_of(random, &USERS));
        let (event, sections) = &self.events[usize::from(random.below(4) == 0)];
        let known = self.made.lock().expect("no panic").clone();
        let any = known.get(usize::try_from(random.below(known.len().max(1) as u64)).expect("a place"));
        // Mostly its owner.
        let who = |owner| if any.is_some() { owner } else { user };
        let answer = match (random.below(12), any) {
            (0..=1, Some((owner, id))) => {
                let part = match random.below(3) {
                    0 => Part::All,
                    1 => Part::Quantity(1),
                    _ => Part::Seats(seats(&some_seats(random))),
                };
                lanes.confirm(confirm_part(who(owner), *id, part)).await.map(|done| done.value.rest)
            }
            (2, Some((owner, id))) => lanes.release(release(who(owner), *id)).await.map(|_| None),
            (3, Some((owner, id))) => {
                let seconds = i64::try_from(random.below(400)).expect("seconds");
                lanes.extend(extend(who(owner), *id, seconds)).await.map(|_| None)
            }
            (4, _) => {
                let asked = confirm_seats(user, *event, &some_seats(random));
                lanes.confirm_seats(asked).await.map(|done| done.value.rest)
            }
            (6..=7, _) if random.below(5) > 0 => {
                let user = one_of(random, &WAITING);
                // Mostly the same as others ask for.
                let choices = if random.below(3) > 0 {
                    vec![Place { section: None, category: None }]
                } else {
                    vec![place(random), place(random)]
                };
                let quantity = 1 + i32::try_from(random.below(2)).expect("a few");
                let adjacency = one_of(random, &[Adjacency::Any, Adjacency::Required]);
                let seconds = 1 + i64::try_from(random.below(200)).expect("seconds");
                let offer_for = Some(Duration::seconds(seconds));
                let asked =
                    JoinWaitlist { choices, adjacency, offer_for, ..join_any(user, *event, &[], quantity) };
                lanes.join_waitlist(asked).await.map(|joined| {
                    let offered = joined.value.state.reservation_id();
                    self.made.lock().expect("no panic").extend(offered.map(|id| (user, id)));
                    None
                })
            }
            (7, _) if random.below(3) == 0 => {
                lanes.leave_waitlist(leave(one_of(random, &WAITING), *event)).await.map(|_| None)
            }
            (8, _) if random.below(12) == 0 => {
                let status = one_of(random, &[EventStatus::Closed, EventStatus::Open, EventStatus::Open]);
                let units_per_user = if random.below(2) == 0 { Edit::Set(2) } else { Edit::Clear };
                let update = UpdateEvent { units_per_user, ..on_sale(*event, status) };
                lanes.update_event(update).await.map(|_| None)
            }
            (5, _) if random.below(4) == 0 => {
                let place = usize::try_from(random.below(2)).expect("a place");
                let some = some_seats(random);
                let (add, remove) =
                    if random.below(2) == 0 { (&some[..], &[][..]) } else { (&[][..], &some[..]) };
                let capacity = (place == 0).then(|| i32::try_from(random.below(12)).expect("a few"));
                let update = UpdateSection {
                    order: order("organiser"),
                    event_id: *event,
                    section_id: sections[place],
                    versions: None,
                    name: None,
                    capacity,
                    price: Edit::Keep,
                    add: if place == 1 { rows_of(seats(add)) } else { Vec::new() },
                    remove: if place == 1 { seats(remove) } else { Vec::new() },
                };
                lanes.update_section(update).await.map(|_| None)
            }
            _ => {
                let held = lanes.hold(any_hold(random, user, *event)).await;
                held.map(|held| {
                    self.made.lock().expect("no panic").push((user, held.value.reservation.id));
                    None
                })
            }
        };
        match answer {
            Ok(rest) => {
                // The rest is whose the whole was; who that is, the next to ask finds out.
                self.made.lock().expect("no panic").extend(rest.map(|rest| (user, rest)));
                None
            }
            Err(error) => Some(error),
        }
    }
}

async fn town(test: &TestDatabase) -> Town {
    let small = LaneSettings { lane_batch: 16, hold_max_minutes: 10, ..lane_settings() };
    let lanes = [(); 2].map(|()| Lanes::new(test.database_ahead(), small.clone(), |_| {}));
    let mut events = Vec::new();
    for limit in [None, Some(3)] {
        let sections = vec![counted("Stalls", 6), rows("Hall", &[("A", 5), ("B", 5)])];
        let create = CreateEvent { units_per_user: limit, ..create_event("Concert", sections) };
        let ids = create.sections.iter().map(|section| section.id).collect();
        lanes[0].create_event(create.clone()).await.expect("an event");
        events.push((create.id, ids));
    }
    Town { lanes, events, made: Mutex::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_done_with_units_none_is_had_twice_and_none_is_lost() {
    let (mut done, mut refused, mut offers) = (0, 0, 0);
    for seed in 0..6 {
        let test = TestDatabase::new().await;
        let mut random = Random::seeded(seed);
        let town = town(&test).await;
        for _ in 0..14 {
            let writes = (0..40).map(|number| town.write(number % 2, Random::seeded(random.below(u64::MAX))));
            for answer in join_all(writes.collect::<Vec<_>>()).await {
                match answer {
                    None => done += 1,
                    Some(WriteError::Store(error)) => panic!("seed {seed}: {error:?}"),
                    Some(_) => refused += 1,
                }
            }
            let ahead = random.below(200);
            test.sql(&format!(
                "UPDATE heads SET at = greatest(at, clock_timestamp()) + interval '{ahead} seconds' WHERE shard = {}",
                shard()
            ))
            .await;
            if random.below(2) == 0 {
                test.database_ahead().settle_reservations(shard()).await.expect("a step");
            }
        }
        // Validators come to rest.
        let database = test.database_ahead();
        while database.settle_reservations(shard()).await.expect("a step").has_written {}
        let log = test.log(shard()).await;
        offers += log.iter().filter(|change| change.fact.kind() == Kind::WaitlistOffered).count();
        let report = test.replay(shard()).await;
        assert_eq!(report.faults, Vec::<String>::new(), "seed {seed}");
        assert_eq!(test.uneven().await, Vec::<String>::new(), "seed {seed}");
    }
    println!("{done} writes done, {refused} refused, {offers} offers");
    assert!(offers > 50, "{offers} offers: not much of a line");
    assert!(done > 600 && refused > 600, "{done} done, {refused} refused: not much of a test");
}

//! A system that is written to, decided, pruned and leapt while it is verified: nothing is found that is not so.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use holdfast_domain::{
    BookingId, DEFAULT_TENANT, Event, EventId, EventStatus, ReservationId, SectionName, Seq, TimeRange,
    UserId, seating::rows_of,
};
use holdfast_store::{
    AddSection, CancelEvent, CreateEvent, Database, Error, HoldUnits, JoinWaitlist, LaneSettings, Lanes,
    Part, Settings, StepLimits, UpdateSection,
};
use holdfast_testkit::{
    Random, TestDatabase, cancel, confirm, confirm_part, confirm_seats, counted, create, create_event,
    extend, hold_best, hours, join_any, lane_settings, leave, lock_seats, move_to, note, on_sale, release,
    rows, shard, update_section,
};
use time::Duration;

use crate::verify::verify;

/// It is verified again and again until so many changes were judged.
const JUDGED: u64 = 5_000;

/// And so often at most: then nothing is written.
const TIMES_MAX: usize = 5_000;

fn any_range(random: &mut Random) -> TimeRange {
    let from = 1 + random.hours(40);
    hours(from, from + 1 + random.hours(4))
}

/// Books, moves, writes notes, gives up.
async fn writes(lanes: &Lanes, seed: u64, is_over: &AtomicBool) {
    let (mut random, mut mine) = (Random::seeded(seed), Vec::<BookingId>::new());
    let user = format!("user-{seed}");
    while !is_over.load(Ordering::Relaxed) {
        let place = random.below(mine.len().max(1) as u64);
        let id = mine.get(usize::try_from(place).expect("a place")).copied();
        match (random.below(10), id) {
            (0..=5, _) | (_, None) => {
                let room = format!("Raum{}", random.below(4));
                let made = lanes.create(create(&user, &room, any_range(&mut random))).await;
                mine.push(made.expect("a booking").value.booking.id);
            }
            (6 | 7, Some(id)) => {
                // What is closed is not moved.
                let _ = lanes.update(move_to(&user, id, any_range(&mut random))).await;
            }
            (8, Some(id)) => {
                let _ = lanes.update(note(&user, id, &format!("note {}", random.below(99)))).await;
            }
            (_, Some(id)) => {
                mine.retain(|other| *other != id);
                lanes.cancel(cancel(&user, id)).await.expect("a cancel");
            }
        }
    }
}

/// Sells events: holds that are confirmed, in part or whole, kept longer, given up or left to lapse; sections that grow and
/// shrink, and events that are closed, opened and called off. What is refused is refused.
async fn sells(lanes: &Lanes, seed: u64, is_over: &AtomicBool) {
    let mut random = Random::seeded(seed);
    let mut events = [made(lanes).await, made(lanes).await];
    let mut mine: Vec<(String, ReservationId)> = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let place = usize::try_from(random.below(2)).expect("a place");
        let event = events[place].clone();
        let any = |random: &mut Random, count: u64| usize::try_from(random.below(count)).expect("a place");
        let user = format!("user-{seed}-{}", random.below(5));
        let seats = |random: &mut Random| -> Vec<String> {
            let many = 1 + random.below(3);
            let seat = |random: &mut Random| format!("{}{}", ["A", "B"][any(random, 2)], 1 + random.below(9));
            (0..many).map(|_| seat(random)).collect::<BTreeSet<_>>().into_iter().collect()
        };
        let (labels, of_mine) = (seats(&mut random), any(&mut random, mine.len().max(1) as u64));
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let held = mine.get(of_mine).cloned();
        let what = random.below(40);
        match (what, held) {
            (0..=17, _) | (20..=31, None) => {
                let quantity = 1 + i32::try_from(random.below(3)).expect("a few");
                let wanted = match random.below(3) {
                    0 => hold_best(&user, event.id, "Bar", quantity),
                    1 => hold_best(&user, event.id, "Hall", quantity),
                    _ => lock_seats(&user, event.id, &labels),
                };
                let hold_for = (random.below(2) == 0).then(|| Duration::milliseconds(20));
                if let Ok(held) = lanes.hold(HoldUnits { hold_for, ..wanted }).await {
                    mine.push((user, held.value.reservation.id));
                }
            }
            (18 | 19, _) => drop(lanes.confirm_seats(confirm_seats(&user, event.id, &labels[..1])).await),
            (20..=23, Some((user, id))) => drop(lanes.confirm(confirm(&user, id)).await),
            (24 | 25, Some((user, id))) => {
                drop(lanes.confirm(confirm_part(&user, id, Part::Quantity(1))).await);
            }
            (26 | 27, Some((user, id))) => drop(lanes.extend(extend(&user, id, 900)).await),
            (28..=31, Some((user, id))) => {
                mine.swap_remove(of_mine);
                drop(lanes.release(release(&user, id)).await);
            }
            (32..=34, _) => {
                let of = |name: &str| event.sections.iter().find(|section| section.name.as_str() == name);
                let section_id = of(["Bar", "Hall"][any(&mut random, 2)]).expect("a section").id;
                let change = update_section(event.id, section_id);
                let change = match (random.below(3), section_id == event.sections[0].id) {
                    (_, true) => {
                        let capacity = i32::try_from(random.below(30)).expect("a few");
                        UpdateSection { capacity: Some(capacity), ..change }
                    }
                    (0, _) => UpdateSection { remove: holdfast_testkit::seats(&labels), ..change },
                    (1, _) => UpdateSection { add: rows_of(holdfast_testkit::seats(&labels)), ..change },
                    _ => UpdateSection { name: SectionName::parse("Hall").ok(), ..change },
                };
                drop(lanes.update_section(change).await);
            }
            (35 | 36, _) => {
                let section = counted(&format!("Standing {}", random.below(50)), 5);
                let order = holdfast_testkit::order("organiser");
                drop(
                    lanes
                        .add_section(AddSection { order, event_id: event.id, versions: None, section })
                        .await,
                );
            }
            (37 | 38, _) => {
                let status = [EventStatus::Open, EventStatus::Closed][usize::from(random.below(4) == 0)];
                drop(lanes.update_event(on_sale(event.id, status)).await);
            }
            _ if random.below(4) == 0 => {
                let order = holdfast_testkit::order("organiser");
                lanes
                    .cancel_event(CancelEvent { order, id: event.id, versions: None })
                    .await
                    .expect("an end");
                events[place] = made(lanes).await;
            }
            _ => {}
        }
    }
}

async fn made(lanes: &Lanes) -> Event {
    let sections = vec![counted("Bar", 20), rows("Hall", &[("A", 6), ("B", 6)])];
    let event = CreateEvent { units_per_user: Some(6), ..create_event("Concert", sections) };
    lanes.create_event(event).await.expect("an event").value
}

/// Stands in line for an event of which there is little, and leaves; holds some of it and gives that back, as others do with
/// what they were offered; closes it, opens it, and calls it off for another. What is refused is refused.
async fn waits(lanes: &Lanes, database: &Database, event: &Mutex<EventId>, seed: u64, is_over: &AtomicBool) {
    let (mut random, mut holds) = (Random::seeded(seed), Vec::<ReservationId>::new());
    while !is_over.load(Ordering::Relaxed) {
        let id = *event.lock().expect("nobody panics with it");
        let user = format!("waiter-{}", random.below(8));
        match random.below(24) {
            0..=8 => {
                let place = usize::try_from(random.below(3)).expect("a place");
                let sections = [&["Bar"][..], &["Hall", "Bar"], &[]][place];
                let quantity = 1 + i32::try_from(random.below(2)).expect("a few");
                let offer_for = (random.below(2) == 0).then_some(Duration::SECOND);
                let wanted = join_any(&user, id, sections, quantity);
                drop(lanes.join_waitlist(JoinWaitlist { offer_for, ..wanted }).await);
            }
            9 | 10 => drop(lanes.leave_waitlist(leave(&user, id)).await),
            11..=14 => {
                if let Ok(held) = lanes.hold(hold_best("holder", id, "Bar", 1)).await {
                    holds.push(held.value.reservation.id);
                }
            }
            15..=17 => {
                if let Some(hold) = holds.pop() {
                    drop(lanes.release(release("holder", hold)).await);
                }
            }
            18..=21 => {
                let waiter = UserId::parse(&user).expect("a user");
                let place = database.waitlist_place(DEFAULT_TENANT, id, &waiter).await.expect("an answer");
                if let Some(offer) = place.and_then(|place| place.entry.state.reservation_id()) {
                    drop(lanes.release(release(&user, offer)).await);
                }
            }
            22 => {
                let status = [EventStatus::Open, EventStatus::Closed][usize::from(random.below(3) == 0)];
                drop(lanes.update_event(on_sale(id, status)).await);
            }
            _ if random.below(4) == 0 => {
                let order = holdfast_testkit::order("organiser");
                if lanes.cancel_event(CancelEvent { order, id, versions: None }).await.is_ok() {
                    let other = scarce(lanes).await;
                    *event.lock().expect("nobody panics with it") = other;
                }
            }
            _ => {}
        }
    }
}

async fn scarce(lanes: &Lanes) -> EventId {
    let sections = vec![counted("Bar", 2), rows("Hall", &[("A", 2)])];
    let event = CreateEvent { units_per_user: Some(3), ..create_event("Recital", sections) };
    lanes.create_event(event).await.expect("an event").value.id
}

/// Some stood in line for a while: what came back was theirs, or they left, or were taken leave of.
async fn assert_lines_moved(test: &TestDatabase) {
    let ends = "
        SELECT count(*) FILTER (WHERE status = 'OFFERED'), count(*) FILTER (WHERE status = 'LEFT'),
            count(*) FILTER (WHERE status = 'ENDED')
        FROM waitlist
        WHERE updated_at > created_at";
    let row = test.client().await.query_one(ends, &[]).await.expect("a count");
    let ends: [i64; 3] = [row.get(0), row.get(1), row.get(2)];
    println!("of those who stood in line: [offered, left, ended] = {ends:?}");
    assert!(ends.iter().all(|count| *count > 0), "{ends:?}");
}

async fn decides(database: &Database, is_over: &AtomicBool) {
    let limits = StepLimits { wants: 7, writes: 3, ..StepLimits::default() };
    while !is_over.load(Ordering::Relaxed) {
        database.step(shard(), limits).await.expect("a step");
        database.settle_reservations(shard()).await.expect("a step");
    }
}

/// Verifies again and again while others write.
async fn verified(database: &Database, each: impl AsyncFn(usize)) {
    let mut judged = 0;
    for time in 0..TIMES_MAX {
        if judged > JUDGED {
            println!("{judged} changes judged, in {time} verifications");
            return;
        }
        each(time).await;
        match verify(database, &super::scope()).await {
            Ok(verdict) => {
                assert_eq!(verdict.finds, []);
                judged += verdict.figures.changes;
            }
            // It was pruned while it was read: again and again.
            Err(Error::Busy(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("{judged} changes judged, and no more come");
}

async fn lively(each: impl AsyncFn(&TestDatabase, &Database, usize)) {
    let test = TestDatabase::new().await;
    let is_over = AtomicBool::new(false);
    // Wants of the second process are due at once: rejections among the rest.
    let settings = [lane_settings(), LaneSettings { grace_period_minutes: 0, ..lane_settings() }];
    // Bear a clock that is ahead; the one that reads sets it back.
    let patient =
        || Database::new(&Settings { clock_max_skew_seconds: 86_400, ..test.settings() }).expect("a pool");
    let lanes = settings.map(|settings| Lanes::new(patient(), settings, |_| {}));
    let (first, second, reader) = (patient(), patient(), test.database());
    let verified = async {
        verified(&reader, async |time| each(&test, &reader, time).await).await;
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(
        verified,
        writes(&lanes[0], 1, &is_over),
        writes(&lanes[0], 2, &is_over),
        writes(&lanes[1], 3, &is_over),
        writes(&lanes[1], 4, &is_over),
        sells(&lanes[0], 5, &is_over),
        sells(&lanes[1], 6, &is_over),
        decides(&first, &is_over),
        decides(&second, &is_over),
    );
    // The same, with something to find.
    test.sql("UPDATE resources SET open_wants = open_wants + 1 WHERE name = 'Raum1'").await;
    let verdict = verify(&reader, &super::scope()).await.expect("a verdict");
    assert_eq!(verdict.finds.len(), 1, "{:#?}", verdict.finds);
}

async fn leap(database: &Database) {
    let floor = database.head(shard()).await.expect("a head").floor;
    database.leap(shard(), Seq(0), floor).await.expect("a leap");
}

/// While it is read.
fn prune(database: &Database) {
    let database = database.clone();
    tokio::spawn(async move {
        for _ in 0..50 {
            // It may be busy; the next time it is not.
            let _ = database.prune(shard(), Duration::milliseconds(500)).await;
            tokio::task::yield_now().await;
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_found_while_others_book_move_hold_confirm_and_give_up() {
    Box::pin(lively(async |_, _, _| {})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_found_while_the_log_is_pruned_leaps_and_has_its_clock_set_back() {
    Box::pin(lively(async |test, database, time| match time % 4 {
        1 => leap(database).await,
        2 => prune(database),
        3 => {
            test.sql("UPDATE heads SET at = clock_timestamp() + interval '15 minutes'").await;
            database.set_clock_back(shard()).await.expect("a clock").expect("it was ahead");
        }
        _ => {}
    }))
    .await;
}

/// Two processes serve a line.
async fn served(each: impl AsyncFn(&Database, usize)) {
    let test = TestDatabase::new().await;
    let is_over = AtomicBool::new(false);
    let (first, second, reader) = (test.database(), test.database(), test.database());
    let lanes = [&first, &second].map(|database| Lanes::new(database.clone(), lane_settings(), |_| {}));
    let recital = Mutex::new(scarce(&lanes[0]).await);
    let verified = async {
        verified(&reader, async |time| each(&reader, time).await).await;
        is_over.store(true, Ordering::Relaxed);
    };
    let wait =
        |seed: u64| waits(&lanes[usize::from(seed.is_multiple_of(2))], &reader, &recital, seed, &is_over);
    let decide = decides(&first, &is_over);
    tokio::join!(verified, decide, wait(1), wait(2), wait(3), wait(4), wait(5), wait(6));
    assert_lines_moved(&test).await;
    test.sql("UPDATE events SET waiting = waiting + 1").await;
    assert!(!verify(&reader, &super::scope()).await.expect("a verdict").is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_found_while_many_join_and_leave_a_line_that_two_processes_serve() {
    Box::pin(served(async |_, _| {})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_found_while_the_log_is_pruned_and_leaps_from_under_a_line() {
    Box::pin(served(async |database, time| match time % 3 {
        1 => leap(database).await,
        2 => prune(database),
        _ => {}
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_found_while_events_are_sold_by_two_processes() {
    let test = TestDatabase::new().await;
    let is_over = AtomicBool::new(false);
    let (first, second, reader) = (test.database(), test.database(), test.database());
    let lanes = [first.clone(), second].map(|database| Lanes::new(database, lane_settings(), |_| {}));
    let verified = async {
        verified(&reader, async |_| drop(first.settle_reservations(shard()).await)).await;
        is_over.store(true, Ordering::Relaxed);
    };
    let sell = |seed: u64| sells(&lanes[usize::from(seed.is_multiple_of(2))], seed, &is_over);
    Box::pin(async { tokio::join!(verified, sell(1), sell(2), sell(3), sell(4), sell(5), sell(6)) }).await;
    test.sql("UPDATE sections SET held = held + 1 WHERE held < capacity - confirmed AND name = 'Bar'").await;
    assert!(!verify(&reader, &super::scope()).await.expect("a verdict").is_clean());
}

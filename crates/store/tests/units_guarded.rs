//! Controls for units: the same scenes with a guard taken out. Each must show the harm that the guard keeps away, or the test
//! beside it proves nothing. And COMMITs whose answer is lost. A binary of its own, since a failpoint holds for the whole process.

use fail::FailScenario;
use futures_util::future::join_all;
use holdfast_domain::{DEFAULT_TENANT, EventId, Kind, UserId};
use holdfast_store::{CreateEvent, Error, HoldUnits, Lanes, NewSection, WriteError};
use holdfast_testkit::{
    TestDatabase, confirm, confirm_part, confirm_seats, counted, create_event, extend, hold_best, hold_seats,
    join, keyed, lane_settings, leave, release, rows, shard,
};
use uuid::Uuid;

fn lanes(test: &TestDatabase) -> Lanes {
    Lanes::new(test.database_ahead(), lane_settings(), |_| {})
}

async fn selling(lanes: &Lanes, sections: Vec<NewSection>) -> EventId {
    lanes.create_event(create_event("Concert", sections)).await.expect("an event").value.id
}

/// The shard's clock goes on by so many minutes.
async fn later(test: &TestDatabase, minutes: i64) {
    let ahead =
        format!("UPDATE heads SET at = greatest(at, clock_timestamp()) + interval '{minutes} minutes'");
    test.sql(&ahead).await;
}

/// What a scene comes to with its guard, and without.
async fn both<T>(guard: &str, scene: impl AsyncFn() -> T) -> (T, T) {
    let scenario = FailScenario::setup();
    let guarded = scene().await;
    scenario.teardown();
    let scenario = FailScenario::setup();
    fail::cfg(guard, "return").expect("a failpoint");
    let unguarded = scene().await;
    scenario.teardown();
    (guarded, unguarded)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_of_a_section_is_read_after_the_lock() {
    let (guarded, unguarded) = both("head.read_before_lock", async || {
        let test = TestDatabase::new().await;
        let processes = [lanes(&test), lanes(&test)];
        let event = selling(&processes[0], vec![counted("Stalls", 1)]).await;
        let held = test.hold(shard()).await;
        let takes = processes.iter().map(|lanes| lanes.hold(hold_best("alice", event, "Stalls", 1)));
        let release = async {
            held.awaited_by(2).await;
            held.release().await;
        };
        let (answers, ()) = tokio::join!(join_all(takes), release);
        answers.iter().filter(|answer| answer.is_ok()).count()
    })
    .await;
    assert_eq!(guarded, 1);
    assert_eq!(unguarded, 2, "the control did not go red");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_held_than_there_is_and_if_it_were_the_table_would_refuse_it() {
    let (guarded, unguarded) = both("sale.counts_not", async || {
        let test = TestDatabase::new().await;
        let lanes = lanes(&test);
        let event = selling(&lanes, vec![counted("Stalls", 1)]).await;
        let mut answers = Vec::new();
        for _ in 0..2 {
            answers.push(lanes.hold(hold_best("alice", event, "Stalls", 1)).await.map(drop));
        }
        answers.pop().expect("the second")
    })
    .await;
    assert!(matches!(guarded, Err(WriteError::SoldOut(_))), "{guarded:?}");
    assert!(
        matches!(unguarded, Err(WriteError::Store(Error::Data(_)))),
        "the net did not hold: {unguarded:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_that_two_would_have_is_refused_by_the_table() {
    let test = TestDatabase::new().await;
    let lanes = lanes(&test);
    let event = selling(&lanes, vec![rows("Hall", &[("A", 2)])]).await;
    lanes.hold(hold_seats("alice", event, &["A1"])).await.unwrap();
    // As if a defect of ours had forgotten that it is taken.
    test.sql(
        "UPDATE seat_blocks SET states = decode(repeat('00', 256), 'hex'); UPDATE sections SET held = 0",
    )
    .await;
    let second = lanes.hold(hold_seats("bob", event, &["A1"])).await;
    assert!(matches!(second, Err(WriteError::Store(Error::Data(_)))), "{second:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_settled_before_anything_is_taken() {
    let (guarded, unguarded) = both("sale.settles_not", async || {
        let test = TestDatabase::new().await;
        let lanes = lanes(&test);
        let event = selling(&lanes, vec![counted("Stalls", 1)]).await;
        lanes.hold(hold_best("alice", event, "Stalls", 1)).await.unwrap();
        later(&test, 10).await;
        lanes.hold(hold_best("bob", event, "Stalls", 1)).await.map(drop)
    })
    .await;
    assert!(guarded.is_ok(), "{guarded:?}");
    assert!(matches!(unguarded, Err(WriteError::SoldOut(_))), "the control did not go red: {unguarded:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_settled_in_one_transaction_has_a_bound() {
    let (guarded, unguarded) = both("sale.settles_all", async || {
        let test = TestDatabase::new().await;
        let lanes = lanes(&test);
        let event = selling(&lanes, vec![counted("Stalls", 201)]).await;
        let holds = (0..201).map(|_| lanes.hold(hold_best("alice", event, "Stalls", 1)));
        join_all(holds.collect::<Vec<_>>()).await;
        later(&test, 11).await;
        lanes.hold(hold_best("bob", event, "Stalls", 1)).await.unwrap();
        let most = "SELECT max(count) FROM (
            SELECT count(*) FROM reservations WHERE status = 'EXPIRED' GROUP BY xmin::text) by_transaction";
        test.client().await.query_one(most, &[]).await.unwrap().get::<_, i64>(0)
    })
    .await;
    assert_eq!(guarded, 200);
    assert_eq!(unguarded, 201, "the control did not go red");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_an_event_that_is_never_settled_is_told_so_in_time_and_nobody_else_waits() {
    let scenario = FailScenario::setup();
    let test = TestDatabase::new().await;
    let lanes = lanes(&test);
    let event = selling(&lanes, vec![counted("Stalls", 9)]).await;
    let other = selling(&lanes, vec![counted("Stalls", 9)]).await;
    lanes.hold(hold_best("alice", event, "Stalls", 1)).await.unwrap();
    later(&test, 11).await;
    fail::cfg("sale.never_settles", "return").expect("a failpoint");
    let waits = lanes.hold(hold_best("bob", event, "Stalls", 1));
    let others = async {
        for _ in 0..20 {
            let _ = lanes.hold(hold_best("carol", other, "Stalls", 1)).await;
        }
        std::time::Instant::now()
    };
    let waits = async { (waits.await, std::time::Instant::now()) };
    let ((answer, told), others) = tokio::join!(waits, others);
    scenario.teardown();
    assert!(matches!(answer, Err(WriteError::Store(Error::Backlog { .. }))), "{answer:?}");
    assert!(others < told, "others waited for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_is_over_is_not_confirmed() {
    let (guarded, unguarded) = both("sale.confirms_late", async || {
        let test = TestDatabase::new().await;
        let lanes = lanes(&test);
        let event = selling(&lanes, vec![counted("Stalls", 1)]).await;
        let held = lanes.hold(hold_best("alice", event, "Stalls", 1)).await.unwrap().value.reservation;
        later(&test, 10).await;
        lanes.confirm(confirm("alice", held.id)).await.map(drop)
    })
    .await;
    assert!(matches!(guarded, Err(WriteError::Standing(_))), "{guarded:?}");
    assert!(unguarded.is_ok(), "the control did not go red: {unguarded:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_no_more_of_an_event_than_it_allows() {
    let (guarded, unguarded) = both("sale.limits_not", async || {
        let test = TestDatabase::new().await;
        let lanes = lanes(&test);
        let limited =
            CreateEvent { units_per_user: Some(1), ..create_event("Concert", vec![counted("Stalls", 9)]) };
        let event = lanes.create_event(limited).await.expect("an event").value.id;
        let takes = (0..5).map(|_| lanes.hold(hold_best("alice", event, "Stalls", 1)));
        join_all(takes.collect::<Vec<_>>()).await.iter().filter(|answer| answer.is_ok()).count()
    })
    .await;
    assert_eq!(guarded, 1);
    assert_eq!(unguarded, 5, "the control did not go red");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_confirms_what_is_anothers() {
    let (guarded, unguarded) = both("sale.asks_not_whose", async || {
        let test = TestDatabase::new().await;
        let lanes = lanes(&test);
        let event = selling(&lanes, vec![rows("Hall", &[("A", 2)])]).await;
        let held = lanes.hold(hold_seats("alice", event, &["A1"])).await.unwrap().value.reservation;
        let seats = lanes.confirm_seats(confirm_seats("mallory", event, &["A1"])).await.is_ok();
        [seats, lanes.confirm(confirm("mallory", held.id)).await.is_ok()]
    })
    .await;
    assert_eq!(guarded, [false, false]);
    assert_eq!(unguarded, [true, true], "the control did not go red");
}

/// COMMIT takes place and its answer is lost, or it never gets there.
const LOST: [&str; 2] = ["head.loses_answer", "head.loses_commit"];

async fn kinds(test: &TestDatabase) -> Vec<Kind> {
    test.log(shard()).await.iter().map(|change| change.fact.kind()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_commit_is_lost_has_one_effect_and_each_command_its_own_answer() {
    for lost in LOST {
        let scenario = FailScenario::setup();
        let test = TestDatabase::new().await;
        let lanes = lanes(&test);
        let event = selling(&lanes, vec![counted("Stalls", 9), rows("Hall", &[("A", 9)])]).await;
        let old = lanes.hold(hold_best("alice", event, "Stalls", 4)).await.unwrap().value.reservation;
        later(&test, 9).await;
        let mut made = Vec::new();
        for seats in [&["A1", "A2"][..], &["A3"], &["A4"], &["A5"]] {
            made.push(lanes.hold(hold_seats("alice", event, seats)).await.unwrap().value.reservation.id);
        }
        // The first hold is over, and is settled by the batch that is lost.
        later(&test, 2).await;
        let before = kinds(&test).await.len();
        fail::cfg(lost, "1*return").expect("a failpoint");
        let part = holdfast_store::Part::Quantity(1);
        let (held, sold_out, parted, seats, longer, gone) = tokio::join!(
            lanes.hold(hold_best("bob", event, "Stalls", 9)),
            lanes.hold(hold_best("carol", event, "Stalls", 1)),
            lanes.confirm(confirm_part("alice", made[0], part)),
            lanes.confirm_seats(confirm_seats("alice", event, &["A3", "A4"])),
            lanes.extend(extend("alice", made[3], 1_800)),
            lanes.release(release("alice", old.id)),
        );
        let (held, parted, seats) = (held.unwrap(), parted.unwrap(), seats.unwrap());
        assert!(!held.replayed && !parted.replayed && !seats.replayed, "{lost}");
        assert_eq!(held.value.reservation.quantity(), 9);
        assert!(matches!(sold_out, Err(WriteError::SoldOut(_))), "{lost}: {sold_out:?}");
        assert!(parted.value.rest.is_some() && parted.value.reservation.id == made[0], "{lost}");
        assert_eq!(seats.value.reservation.id, made[1], "{lost}");
        assert_eq!(longer.unwrap().value.reservation.version, 2, "{lost}");
        gone.unwrap();
        let told = kinds(&test).await.split_off(before);
        let once = |kind| told.iter().filter(|other| **other == kind).count();
        assert_eq!(once(Kind::ReservationExpired), 1, "{lost}: {told:?}");
        assert_eq!(once(Kind::ReservationConfirmed), 2, "{lost}: {told:?}");
        assert_eq!(once(Kind::ReservationExtended), 1, "{lost}: {told:?}");
        assert_eq!(test.replay(shard()).await.faults, Vec::<String>::new(), "{lost}");
        assert_eq!(test.uneven().await, Vec::<String>::new(), "{lost}");
        scenario.teardown();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_whose_commit_is_lost_is_served_once_and_each_is_told_their_place() {
    for lost in LOST {
        let scenario = FailScenario::setup();
        let test = TestDatabase::new().await;
        let lanes = lanes(&test);
        let event = selling(&lanes, vec![counted("Stalls", 2), counted("Balcony", 1)]).await;
        let held = lanes.hold(hold_best("holder", event, "Stalls", 2)).await.unwrap().value.reservation;
        lanes.join_waitlist(join("first", event, "Stalls", 1)).await.unwrap();
        lanes.release(release("holder", held.id)).await.unwrap();
        let before = kinds(&test).await.len();
        fail::cfg(lost, "1*return").expect("a failpoint");
        // The first is served by the batch that is lost; one joins and is served at once, one waits, one leaves.
        let (served, waits, takes) = tokio::join!(
            lanes.join_waitlist(join("second", event, "Stalls", 1)),
            lanes.join_waitlist(join("third", event, "Stalls", 1)),
            lanes.hold(hold_best("fourth", event, "Balcony", 1)),
        );
        let (served, waits) = (served.unwrap(), waits.unwrap());
        assert!(!served.replayed && served.value.state.reservation_id().is_some(), "{lost}: {served:?}");
        assert!(!waits.replayed && waits.value.is_waiting(), "{lost}: {waits:?}");
        takes.unwrap();
        fail::cfg(lost, "1*return").expect("a failpoint");
        lanes.leave_waitlist(leave("third", event)).await.unwrap();
        let told = kinds(&test).await.split_off(before);
        let once = |kind| told.iter().filter(|other| **other == kind).count();
        assert_eq!((once(Kind::WaitlistJoined), once(Kind::WaitlistOffered)), (2, 2), "{lost}: {told:?}");
        assert_eq!((once(Kind::ReservationHeld), once(Kind::WaitlistLeft)), (3, 1), "{lost}: {told:?}");
        assert_eq!(test.replay(shard()).await.faults, Vec::<String>::new(), "{lost}");
        assert_eq!(test.uneven().await, Vec::<String>::new(), "{lost}");
        scenario.teardown();
    }
}

/// Whether the one who waits is offered the unit that came back, when another asks for it and a validator is about.
async fn who_is_served(test: &TestDatabase) -> (bool, bool) {
    let lanes = lanes(test);
    let event = selling(&lanes, vec![counted("Stalls", 2)]).await;
    let held = lanes.hold(hold_best("holder", event, "Stalls", 2)).await.expect("a scene").value.reservation;
    lanes.join_waitlist(join("two", event, "Stalls", 2)).await.expect("a scene");
    lanes.join_waitlist(join("one", event, "Stalls", 1)).await.expect("a scene");
    lanes.release(release("holder", held.id)).await.expect("a scene");
    let late = lanes.hold(hold_best("late", event, "Stalls", 1)).await.is_ok();
    test.database().settle_reservations(shard()).await.expect("a scene");
    let two = UserId::parse("two").expect("a user");
    let place =
        test.database().waitlist_place(DEFAULT_TENANT, event, &two).await.expect("a scene").expect("a scene");
    (place.entry.state.reservation_id().is_some(), late)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_slips_in_before_the_line() {
    for guard in ["line.not_served", "line.not_told"] {
        let (guarded, unguarded) = both(guard, async || {
            let test = TestDatabase::new().await;
            let served = who_is_served(&test).await;
            (served, test.replay(shard()).await.faults)
        })
        .await;
        assert_eq!(guarded, ((true, false), Vec::new()), "{guard}");
        assert_eq!(unguarded.0, (false, true), "{guard}: the control did not go red");
        assert!(unguarded.1.iter().any(|fault| fault.starts_with("waitlist")), "{guard}: {:?}", unguarded.1);
    }
}

/// What comes back in the middle of a batch, after its line was served once: whether somebody at the door had it.
async fn who_slips_in(test: &TestDatabase) -> bool {
    let lanes = lanes(test);
    let event = selling(&lanes, vec![counted("Stalls", 2)]).await;
    let other = selling(&lanes, vec![counted("Stalls", 9)]).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(
            lanes.hold(hold_best("holder", event, "Stalls", 1)).await.expect("a scene").value.reservation.id,
        );
    }
    for user in ["first", "second", "third"] {
        lanes.join_waitlist(join(user, event, "Stalls", 1)).await.expect("a scene");
    }
    lanes.release(release("holder", held[0])).await.expect("a scene");
    // All but the first are one batch.
    let locked = test.hold(shard()).await;
    let all = async {
        tokio::join!(lanes.hold(hold_best("elsewhere", other, "Stalls", 1)), async {
            locked.awaited_by(1).await;
            tokio::join!(
                lanes.hold(hold_best("late", event, "Stalls", 1)),
                lanes.release(release("holder", held[1])),
                lanes.hold(hold_best("later", event, "Stalls", 1)),
                async { locked.release().await },
            )
        })
    };
    let (_, (late, released, later, ())) = all.await;
    released.expect("a scene");
    late.is_ok() || later.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_slips_in_before_those_in_line_who_were_not_read() {
    let (guarded, unguarded) = both("line.forgets_unread", async || {
        let test = TestDatabase::new().await;
        let slips_in = who_slips_in(&test).await;
        (slips_in, test.replay(shard()).await.faults.is_empty())
    })
    .await;
    assert_eq!(guarded, (false, true));
    assert_eq!(unguarded, (true, false), "the control did not go red");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_in_line_is_passed_over_who_fits() {
    let (guarded, unguarded) = both("line.passes_over", async || {
        let test = TestDatabase::new().await;
        let served = who_is_served(&test).await;
        (served, test.replay(shard()).await.faults)
    })
    .await;
    assert_eq!(guarded, ((true, false), Vec::new()));
    assert!(!unguarded.0.0, "the control did not go red");
    assert!(unguarded.1.iter().any(|fault| fault.starts_with("waitlist")), "{:?}", unguarded.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_look_in_the_log_a_lost_commit_holds_twice() {
    let scenario = FailScenario::setup();
    let test = TestDatabase::new().await;
    let lanes = lanes(&test);
    let event = selling(&lanes, vec![counted("Stalls", 9)]).await;
    fail::cfg("log.not_asked", "return").expect("a failpoint");
    fail::cfg("head.loses_answer", "1*return").expect("a failpoint");
    let held = lanes.hold(hold_best("alice", event, "Stalls", 2)).await;
    scenario.teardown();
    let taken = test.taken_of(event).await;
    assert!(held.is_err() || taken == 4, "the control did not go red: {held:?}, {taken} taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_looked_up_has_one_effect_whatever_became_of_the_first_answer() {
    let (guarded, unguarded) = both("keys.not_looked_up", async || {
        let test = TestDatabase::new().await;
        let lanes = lanes(&test);
        let event = selling(&lanes, vec![counted("Stalls", 9)]).await;
        let mut hold = hold_best("alice", event, "Stalls", 2);
        hold.order.key = keyed("once", 1);
        for _ in 0..2 {
            let mut again: HoldUnits = hold.clone();
            (again.id, again.order.command_id) = (Uuid::now_v7().into(), Uuid::now_v7().into());
            lanes.hold(again).await.unwrap();
        }
        let now = test.database().event(DEFAULT_TENANT, event).await.unwrap().unwrap();
        now.left[0].held
    })
    .await;
    assert_eq!((guarded, unguarded), (2, 4));
}

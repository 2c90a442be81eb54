//! P1 and P4 with everything at once: many users, several processes of each kind, and validators that are killed in the
//! middle. The log alone judges.

use std::sync::Arc;

use holdfast_domain::{Fact, audit::Report};
use holdfast_e2e::{Answer, Binary, Crowd, House, Ledger, Plan, Told};
use holdfast_testkit::shard;

/// How often a validator is killed while the crowd is at work.
const KILLS: usize = 4;

/// Decisions between two kills.
const BETWEEN: usize = 30;

/// Steps that stop in the middle of a resource, as they otherwise would only with thousands of wants.
const SMALL_STEPS: [(&str, &str); 2] = [("STEP_WANTS", "20"), ("STEP_WRITES", "3")];

#[tokio::test(flavor = "multi_thread")]
async fn no_two_bookings_ever_overlap_and_nobody_is_passed_over_though_validators_are_killed() {
    let house = House::new().await;
    let patient = house.ready(Binary::BookingApi).await;
    // For a part of the run there is no grace: a want that does not fit at its first decision is rejected, so that there
    // are rejections to judge as well.
    let strict = house.start_with(Binary::BookingApi, &[("GRACE_PERIOD_MINUTES", "0")]).await;
    strict.until("ready").await;
    let mut validators = Vec::new();
    for _ in 0..2 {
        validators.push(house.start_with(Binary::Validator, &SMALL_STEPS).await);
    }

    let ledger = Arc::new(Ledger::default());
    let crowd = Crowd::start(Plan { users: 48, ..Plan::ENDLESS }, &[&patient, &strict], &ledger);
    for _ in 0..KILLS {
        house.until_decided(BETWEEN).await;
        validators.remove(0).kill().await;
        validators.push(house.start_with(Binary::Validator, &SMALL_STEPS).await);
    }
    house.until_decided(BETWEEN).await;
    crowd.end().await;
    house.at_rest().await;
    // With nothing due any more, only what changes brings a resource back to a validator.
    Crowd::start(Plan { users: 48, rounds: 6 }, &[&patient], &ledger).left().await;

    for validator in &validators {
        validator.until("ready").await;
    }
    let (_, Report { grants, rejections, .. }) = house.judge(&ledger).await;
    assert!(grants > 0 && rejections > 0, "{grants} grants, {rejections} rejections: nothing to judge");
    assert_eq!(
        ledger.count(Told::Nothing),
        0,
        "an API died or did not know, though only validators were killed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_the_same_the_first_gets_it_and_the_next_when_it_leaves() {
    let house = House::new().await;
    let (api, _validator) = (house.ready(Binary::BookingApi).await, house.ready(Binary::Validator).await);
    let ledger = Ledger::default();
    let mut answers = Vec::new();
    let wishes = (0..100).map(|number| {
        let client = api.client().user(&format!("user{number}")).request_id(&format!("create-{number}"));
        async move { (number, client.book("Raum1", 10, 12).await) }
    });
    for (number, answer) in futures_util::future::join_all(wishes).await {
        let id = ledger.created(&format!("create-{number}"), &answer);
        answers.push((number, id.expect("a booking")));
    }
    let (log, _) = house.judge(&ledger).await;
    let mut ranked = log.changes().iter().filter(|c| matches!(c.fact, Fact::BookingCreated { .. }));
    let mut next = || ranked.next().and_then(|change| change.fact.booking()).expect("a created booking").id;
    let granted = |log: &holdfast_e2e::Log| {
        let last = log.changes().iter().rev().find(|c| matches!(c.fact, Fact::BookingValidated { .. }));
        last.and_then(|change| change.fact.booking()).expect("a grant").id
    };
    let first = next();
    assert_eq!(granted(&log), first);

    let (number, _) = answers.iter().find(|(_, id)| *id == first).expect("its owner");
    let owner = api.client().user(&format!("user{number}")).request_id("cancel");
    ledger.cancelled("cancel", first, &owner.delete(&format!("/api/bookings/{first}")).await);
    let (log, report) = house.judge(&ledger).await;
    assert_eq!((granted(&log), report.grants), (next(), 2));
}

/// Books a resource that nobody has named before through both at once, until `is_enough` of the two answers or so many
/// times; gives whether it was.
async fn both_name_a_resource(
    house: &House,
    settings: &[(&str, &str)],
    times: usize,
    is_enough: fn(&[u16; 2]) -> bool,
) -> bool {
    let mut clients = Vec::new();
    for user in ["alice", "bob"] {
        let api = house.start_with(Binary::BookingApi, settings).await;
        api.until("ready").await;
        clients.push((api.client().user(user), api));
    }
    for number in 0..times {
        let name = format!("Raum{number}");
        let booked = clients.iter().map(|(client, _)| client.book(&name, 10, 12));
        let answers = futures_util::future::join_all(booked).await;
        let [one, other] = &answers[..] else { unreachable!("two clients") };
        let status = |answer: &reqwest::Result<Answer>| answer.as_ref().expect("an answer").status;
        if is_enough(&[status(one), status(other)]) {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_write_at_once_see_what_the_other_wrote() {
    let house = House::new().await;
    let is_wrong = |statuses: &[u16; 2]| *statuses != [201, 201];
    assert!(!both_name_a_resource(&house, &[], 50, is_wrong).await);
    // The resource, two bookings, and what the second is told of the first.
    assert_eq!(house.database.replay(shard()).await.changes, 4 * 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn control_two_processes_that_read_before_they_hold_the_head_do_not() {
    let house = House::new().await;
    let blind = [("FAILPOINTS", "head.read_before_lock=return")];
    assert!(both_name_a_resource(&house, &blind, 1_000, |statuses| statuses.contains(&500)).await);
}

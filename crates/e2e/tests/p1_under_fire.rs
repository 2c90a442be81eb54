//! P1 and P4 with everything at once: many users, several processes of each kind, and validators that are killed in the
//! middle. The log alone judges.

use std::sync::Arc;

use holdfast_domain::{Fact, audit::Report};
use holdfast_e2e::{Binary, Crowd, House, Ledger, Plan, Told};

/// How often a validator is killed while the crowd is at work.
const KILLS: usize = 4;

/// Writes that are answered with 2xx between two kills.
const BETWEEN: usize = 80;

#[tokio::test(flavor = "multi_thread")]
async fn no_two_bookings_ever_overlap_and_nobody_is_passed_over_though_validators_are_killed() {
    let house = House::new().await;
    let patient = house.ready(Binary::BookingApi).await;
    // Without grace a want that does not fit at its first decision is rejected: there are rejections to judge as well.
    let strict = house.start_with(Binary::BookingApi, &[("GRACE_PERIOD_MINUTES", "0")]).await;
    strict.until("ready").await;
    let mut validators = Vec::new();
    for _ in 0..2 {
        validators.push(house.ready(Binary::Validator).await);
    }

    let ledger = Arc::new(Ledger::default());
    let crowd = Crowd::start(Plan { users: 48, rounds: 12 }, &[&patient, &strict], &ledger);
    for _ in 0..KILLS {
        crowd.until_done(BETWEEN).await;
        validators.remove(0).kill().await;
        validators.push(house.start(Binary::Validator).await);
    }
    crowd.left().await;

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

//! A process that dies at each place where dying could hurt: around the COMMIT of a write, and in a decision step.
//!
//! The binaries have these places only in a test run; each is set to abort the process after some passes.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus, sync::Arc};

use holdfast_domain::Fact;
use holdfast_e2e::{Binary, Crowd, House, Ledger, Log, Plan, Told};
use serde_json::json;

const SIGABRT: i32 = 6;

/// Whoever comes after a crash works as if nothing had been.
const AFTERWARDS: Plan = Plan { users: 12, rounds: 4 };

fn assert_died(status: ExitStatus) {
    assert_eq!(status.signal(), Some(SIGABRT), "{status}");
}

/// An API dies at this place under load; another one next to it and its successor go on.
async fn api_dies(place: &str) {
    let house = House::new().await;
    let _validator = house.ready(Binary::Validator).await;
    let failpoints = format!("{place}=10*off->return");
    let mut doomed = house.start_with(Binary::BookingApi, &[("FAILPOINTS", &failpoints)]).await;
    let other = house.ready(Binary::BookingApi).await;
    let ledger = Arc::new(Ledger::default());
    let crowd = Crowd::start(Plan::ENDLESS, &[&doomed, &other], &ledger);
    assert_died(doomed.ended().await);
    crowd.left().await;
    assert!(ledger.count(Told::Nothing) > 0, "nobody noticed");

    let successor = house.ready(Binary::BookingApi).await;
    Crowd::start(AFTERWARDS, &[&successor, &other], &ledger).left().await;
    house.judge(&ledger).await;
}

/// A validator dies at this place under load; its successor takes up from there.
async fn validator_dies(place: &str) {
    let house = House::new().await;
    let api = house.ready(Binary::BookingApi).await;
    let failpoints = format!("{place}=5*off->return");
    let mut doomed = house.start_with(Binary::Validator, &[("FAILPOINTS", &failpoints)]).await;
    let ledger = Arc::new(Ledger::default());
    let crowd = Crowd::start(Plan::ENDLESS, &[&api], &ledger);
    assert_died(doomed.ended().await);

    let _successor = house.ready(Binary::Validator).await;
    crowd.until_done(50).await;
    crowd.end().await;
    house.judge(&ledger).await;
    assert_eq!(ledger.count(Told::Nothing), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_dies_before_its_commit_loses_no_promise() {
    api_dies("head.before_commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_dies_after_its_commit_loses_no_promise() {
    api_dies("head.after_commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_dies_before_it_writes_is_taken_over_from() {
    validator_dies("step.before_write").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_dies_with_its_decisions_written_and_not_logged_is_taken_over_from() {
    validator_dies("step.before_commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_dies_before_its_commit_is_taken_over_from() {
    validator_dies("head.before_commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_dies_after_its_commit_is_taken_over_from() {
    validator_dies("head.after_commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_is_in_the_log_if_and_only_if_its_commit_was_sent_before_the_crash() {
    for (place, is_in_the_log) in [("head.before_commit", false), ("head.after_commit", true)] {
        let house = House::new().await;
        let failpoints = format!("{place}=3*off->return");
        let mut doomed = house.start_with(Binary::BookingApi, &[("FAILPOINTS", &failpoints)]).await;
        let alice = doomed.client().user("alice");
        for hour in 0..3 {
            assert_eq!(alice.book("Raum1", hour, hour + 1).await.expect("an answer").status, 201);
        }
        let last = alice.request_id("last").book("Raum1", 10, 11).await;
        assert!(last.is_err(), "{place}: {last:?}");
        assert_died(doomed.ended().await);

        let log = Log::read(&house.database).await;
        let of_last = log
            .changes()
            .iter()
            .filter(|c| c.trace.request_id.as_ref().is_some_and(|id| id.as_str() == "last"));
        assert_eq!(of_last.count(), usize::from(is_in_the_log), "{place}");
        let created = log.changes().iter().filter(|c| matches!(c.fact, Fact::BookingCreated { .. }));
        assert_eq!(created.count(), 3 + usize::from(is_in_the_log), "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn process_pending_that_dies_in_its_step_leaves_the_wants_to_the_next() {
    let house = House::new().await;
    let mut doomed =
        house.start_with(Binary::BookingApi, &[("FAILPOINTS", "step.before_commit=return")]).await;
    let alice = doomed.client().user("alice");
    assert_eq!(alice.book("Raum1", 10, 11).await.expect("an answer").status, 201);
    assert!(alice.post("/api/bookings/process-pending", &json!({})).await.is_err());
    assert_died(doomed.ended().await);
    let before = Log::read(&house.database).await.end();

    let successor = house.ready(Binary::BookingApi).await;
    let answer =
        successor.client().post("/api/bookings/process-pending", &json!({})).await.expect("an answer");
    assert_eq!(answer.body, json!({ "processed": 1, "validated": 1, "rejected": 0, "remaining": 0 }));
    let (log, _) = house.at_rest().await;
    assert_eq!(log.end(), before.next());
}

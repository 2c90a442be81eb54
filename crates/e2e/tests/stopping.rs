//! SIGTERM to each binary at full work. An exit status of 0 says that it ended by itself within `SHUTDOWN_SECONDS`; one
//! whose stop was cut short fails.

use std::sync::Arc;

use holdfast_e2e::{Binary, Crowd, House, Ledger, Plan, Process, Socket};
use holdfast_testkit::eventually;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Writes that are answered before the signal.
const WARM_UP: usize = 60;

/// Sockets of some of the crowd, read all the while; each ends with the code of its close.
async fn listeners(process: &Process) -> JoinSet<CloseCode> {
    let mut listeners = JoinSet::new();
    for user in 0..8 {
        let mut socket = Socket::open(process.address(), &format!("user_id=user{user}")).await;
        listeners.spawn(async move { socket.close_code().await });
    }
    listeners
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_told_to_stop_keeps_what_it_has_promised() {
    let house = House::new().await;
    let (mut api, _validator) = (house.ready(Binary::BookingApi).await, house.ready(Binary::Validator).await);
    let ledger = Arc::new(Ledger::default());
    let crowd = Crowd::start(Plan::ENDLESS, &[&api], &ledger);
    crowd.until_done(WARM_UP).await;
    assert!(api.terminate().await.success());
    crowd.left().await;
    house.judge(&ledger).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_is_told_to_stop_leaves_the_rest_to_the_next() {
    let house = House::new().await;
    let (api, mut validator) = (house.ready(Binary::BookingApi).await, house.ready(Binary::Validator).await);
    let ledger = Arc::new(Ledger::default());
    let crowd = Crowd::start(Plan::ENDLESS, &[&api], &ledger);
    crowd.until_done(WARM_UP).await;
    assert!(validator.terminate().await.success());
    crowd.until_done(WARM_UP).await;
    crowd.end().await;
    let _next = house.ready(Binary::Validator).await;
    house.judge(&ledger).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notifier_that_is_told_to_stop_sends_everybody_away_to_come_back() {
    let house = House::new().await;
    let (api, mut notifier) = (house.ready(Binary::BookingApi).await, house.ready(Binary::Notifier).await);
    let listeners = listeners(&notifier).await;
    let ledger = Arc::new(Ledger::default());
    let crowd = Crowd::start(Plan::ENDLESS, &[&api], &ledger);
    crowd.until_done(WARM_UP).await;
    assert!(notifier.terminate().await.success());
    assert_eq!(listeners.join_all().await, [CloseCode::Away; 8]);
    crowd.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_of_all_services_stops_all_of_them_and_keeps_what_it_has_promised() {
    let house = House::new().await;
    let mut process = house.ready(Binary::Holdfast).await;
    let listeners = listeners(&process).await;
    let ledger = Arc::new(Ledger::default());
    let crowd = Crowd::start(Plan::ENDLESS, &[&process], &ledger);
    crowd.until_done(WARM_UP).await;
    assert!(process.terminate().await.success());
    assert_eq!(listeners.join_all().await, [CloseCode::Away; 8]);
    crowd.left().await;
    let _next = house.ready(Binary::Holdfast).await;
    let (log, _) = house.judge(&ledger).await;
    let published = || house.stream_seqs().last() == Some(&log.end().0);
    eventually("all is published", async || published().then_some(())).await;
}

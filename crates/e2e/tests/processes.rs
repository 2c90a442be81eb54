//! Processes that others lean on come and go: validators, PostgreSQL's connections, a second relay.

use std::sync::Arc;

use holdfast_e2e::{Binary, Crowd, House, Ledger, Plan, Socket, Told};
use serde_json::{Value, json};

const PROCESS_PENDING: &str = "/api/bookings/process-pending";

#[tokio::test(flavor = "multi_thread")]
async fn process_pending_decides_without_a_validator_and_counts_what_it_did() {
    let house = House::new().await;
    let patient = house.ready(Binary::BookingApi).await;
    let strict = house.start_with(Binary::BookingApi, &[("GRACE_PERIOD_MINUTES", "0")]).await;
    strict.until("ready").await;
    let counts = async || -> Value {
        let answer = patient.client().post(PROCESS_PENDING, &json!({})).await.expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    };
    let nothing = json!({ "processed": 0, "validated": 0, "rejected": 0, "remaining": 0 });
    assert_eq!(counts().await, nothing);

    let (alice, bob) = (patient.client().user("alice"), strict.client().user("bob"));
    for (from, to) in [(10, 12), (11, 13), (14, 15)] {
        assert_eq!(alice.book("Raum1", from, to).await.expect("an answer").status, 201);
    }
    let expected = json!({ "processed": 3, "validated": 2, "rejected": 0, "remaining": 1 });
    assert_eq!(counts().await, expected);
    assert_eq!(counts().await["validated"], 0);

    // No grace: what does not fit now is rejected now. The one that waits with grace goes on waiting.
    assert_eq!(bob.book("Raum1", 10, 11).await.expect("an answer").status, 201);
    let expected = json!({ "processed": 2, "validated": 0, "rejected": 1, "remaining": 1 });
    assert_eq!(counts().await, expected);
    house.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_connections_to_postgresql_are_all_killed_recovers_by_itself() {
    let house = House::new().await;
    let (api, validator) = (house.ready(Binary::BookingApi).await, house.ready(Binary::Validator).await);
    let ledger = Arc::new(Ledger::default());
    let crowd = Crowd::start(Plan::ENDLESS, &[&api], &ledger);
    for _ in 0..5 {
        crowd.until_done(40).await;
        let killed = house
            .database
            .client()
            .await
            .query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
                &[],
            )
            .await
            .expect("the right to kill our own");
        assert!(!killed.is_empty(), "nobody was connected");
    }
    crowd.until_done(40).await;
    crowd.end().await;
    for process in [&api, &validator] {
        process.until("ready").await;
    }
    house.judge(&ledger).await;
    eprintln!("{} refused, {} unknown", ledger.count(Told::Refused), ledger.count(Told::Nothing));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_relays_of_the_same_log_publish_each_change_once_and_in_order() {
    let house = House::new().await;
    let (one, other) = (house.ready(Binary::BookingApi).await, house.ready(Binary::BookingApi).await);
    let _validator = house.ready(Binary::Validator).await;
    // Room for everything: whether a slow reader is cut off is another question.
    let notifier = house.start_with(Binary::Notifier, &[("SOCKET_QUEUE", "65536")]).await;
    notifier.until("ready").await;
    let mut socket = Socket::open(notifier.address(), "topic=all").await;
    let ledger = Arc::new(Ledger::default());
    Crowd::start(Plan { users: 24, rounds: 10 }, &[&one, &other], &ledger).left().await;

    let (log, _) = house.judge(&ledger).await;
    let end = log.end().0;
    assert_eq!(socket.seqs_up_to(end).await, (1..=end).collect::<Vec<_>>());
    assert_eq!(house.stream_seqs(), (1..=end).collect::<Vec<_>>());
}

//! Whoever holds a shard's head and stalls must let go: others write on, and what the stalled one answers in the end is
//! true.

use std::sync::Arc;

use holdfast_e2e::{Binary, Crowd, House, Ledger, Log, Plan, Process, Told};
use holdfast_testkit::{TestDatabase, eventually, postgres::PostgresServer, proxy::Proxy, shard};

/// Waits until one of the services holds the head and says nothing.
async fn held_in_silence(database: &TestDatabase) {
    let held = "SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'holdfast'
                    AND state = 'idle in transaction' AND state_change < clock_timestamp() - interval '300 ms'";
    let client = database.client().await;
    eventually("the head is held", async || {
        let found = client.query(held, &[]).await.expect("the sessions");
        (!found.is_empty()).then_some(())
    })
    .await;
}

/// Books through `api`, again while it is told to try again.
async fn books(api: &Process, ledger: &Ledger, name: &str) {
    let client = api.client().user(name);
    let mut tries = 0;
    eventually("others write on", async || {
        tries += 1;
        let request_id = format!("{name}-{tries}");
        let answer = client.request_id(&request_id).book("Raum1", tries, tries + 1).await;
        ledger.created(&request_id, &answer).map(|_| ())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_stopped_while_it_holds_a_head_holds_up_nobody_for_long_and_answers_the_truth() {
    let house = House::new().await;
    // Right before COMMIT; longer than it takes to find out and to stop the whole process.
    let stall = ("FAILPOINTS", "head.before_commit=1*off->1*sleep(1500)->off");
    let stalled = house.start_with(Binary::BookingApi, &[stall]).await;
    stalled.until("ready").await;
    let (other, _validator) = (house.ready(Binary::BookingApi).await, house.ready(Binary::Validator).await);
    let ledger = Arc::new(Ledger::default());
    books(&stalled, &ledger, "first").await;

    let crowd = Crowd::start(Plan { users: 6, rounds: 1 }, &[&stalled], &ledger);
    held_in_silence(&house.database).await;
    stalled.pause().await;
    books(&other, &ledger, "other").await;
    assert_eq!(ledger.count(Told::Done), 2, "nobody else was answered");
    stalled.resume().await;
    crowd.left().await;
    books(&stalled, &ledger, "stalled").await;
    house.judge(&ledger).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_does_not_read_what_it_asked_for_is_gone_after_a_while() {
    let server = PostgresServer::start_with(&[("tcp_user_timeout", "2s")]);
    let house = House::on(&server).await;
    let api = house.ready(Binary::BookingApi).await;
    let proxy = Proxy::to(server.address()).await;
    let holder = house.database.client_by(proxy.address()).await;
    holder.batch_execute("BEGIN").await.expect("a transaction");
    let lock = "SELECT FROM heads WHERE shard = $1 FOR UPDATE";
    assert_eq!(holder.execute(lock, &[&shard().number()]).await.expect("the head"), 1);

    proxy.stall_answers();
    // More than all buffers on the way can take.
    let unread = "SELECT repeat('x', 1000) FROM generate_series(1, 1000000)";
    let asking = tokio::spawn(async move { holder.simple_query(unread).await.map(|rows| rows.len()) });
    let ledger = Ledger::default();
    books(&api, &ledger, "other").await;
    proxy.cut();
    assert!(asking.await.expect("no panic").is_err(), "it was never cut off");
    ledger.agrees_with(&Log::read(&house.database).await);
}

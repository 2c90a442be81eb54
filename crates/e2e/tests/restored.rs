//! P6 and P7 where the past comes back: a PostgreSQL restored from an older copy under a Redis that is ahead, and streams
//! that are lost under subscribers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use holdfast_e2e::{Binary, Client, House, Process, Socket};
use holdfast_testkit::{eventually, shard};
use serde_json::Value;

async fn book(client: &Client, from: i64, to: i64) {
    for hour in from..to {
        let answer = client.book("Raum1", hour, hour + 1).await.unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
    }
}

async fn all_is_published(house: &House) -> i64 {
    let end = house.database.database().head(shard()).await.unwrap().seq.0;
    eventually("all is published", async || (house.stream_seqs().last() == Some(&end)).then_some(())).await;
    end
}

async fn stopped(processes: impl IntoIterator<Item = Process>) {
    for mut process in processes {
        assert!(process.terminate().await.success());
    }
}

/// An installation that was restored from a copy, with subscribers who know what was lost: one on an open socket, and the
/// position of one who is away.
async fn restored() -> (House, Process, Socket, i64) {
    let house = House::new().await;
    let api = house.ready(Binary::BookingApi).await;
    book(&api.client().user("alice"), 1, 4).await;
    all_is_published(&house).await;
    stopped([api]).await;
    let backup = house.database.backup().await;

    let (api, notifier) = (house.ready(Binary::BookingApi).await, house.ready(Binary::Notifier).await);
    let socket = Socket::open(notifier.address(), "topic=all").await;
    book(&api.client().user("bob"), 4, 9).await;
    let known = all_is_published(&house).await;
    stopped([api]).await;
    house.database.restore(backup).await;
    (house, notifier, socket, known)
}

/// What clients of `house` see after the leap, whoever they are.
async fn everybody_is_told_to_reload(house: &House, notifier: &Process, mut socket: Socket, known: i64) {
    let api = house.ready(Binary::BookingApi).await;
    // Who was there: first what is lost now, then that it has to be asked for anew.
    let mut told = Vec::new();
    let resync = loop {
        let message = socket.message().await;
        if message["type"] == "resync" {
            break message["seq"].as_i64().unwrap();
        }
        told.push(message["seq"].as_i64().unwrap());
    };
    assert_eq!(told.last(), Some(&known));
    assert!(resync > known);

    // Who was away, and asks the API or another notifier.
    let alice = api.client().user("alice");
    for cursor in [0, known - 2, known] {
        let answer = alice.get(&format!("/api/v1/changes?after={cursor}")).await.unwrap();
        assert_eq!((answer.status, &answer.body["code"]), (410, &"log_gone".into()));
    }
    let fresh = house.ready(Binary::Notifier).await;
    for notifier in [notifier, &fresh] {
        let mut back = Socket::open(notifier.address(), &format!("topic=all&after={known}")).await;
        assert_eq!(back.message().await["type"], "resync");
    }

    // From where they were told to, they go on, and that is no position of the past.
    book(&alice, 20, 22).await;
    let answer = alice.get(&format!("/api/v1/changes?after={resync}")).await.unwrap();
    let of_log: Vec<Value> = serde_json::from_value(answer.body).unwrap();
    assert_eq!((answer.status, of_log.len()), (200, 2));
    for from_log in of_log {
        assert_eq!(socket.message().await["seq"], from_log["seq"]);
    }
    let mut back = Socket::open(fresh.address(), &format!("topic=all&after={resync}")).await;
    assert_eq!(back.message().await["type"], "booking_created");
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_redis_that_is_ahead_everybody_is_told_to_reload_and_nothing_is_silently_missing() {
    let (house, notifier, socket, known) = restored().await;
    everybody_is_told_to_reload(&house, &notifier, socket, known).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_who_has_the_logs_leap_before_the_services_start_gets_the_same() {
    let (house, notifier, socket, known) = restored().await;
    let leapt = house.command(Binary::Holdfast, &["recover", "leap"]).await;
    assert!(leapt.success());
    everybody_is_told_to_reload(&house, &notifier, socket, known).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_by_the_operator_lets_writes_in_again() {
    let house = House::new().await;
    let api = house.ready(Binary::BookingApi).await;
    let alice = api.client().user("alice");
    house.database.sql("UPDATE heads SET at = clock_timestamp() + interval '1 hour'").await;
    let refused = alice.book("Raum1", 1, 2).await.unwrap();
    assert_eq!((refused.status, &refused.body["code"]), (503, &"clock".into()));
    assert!(house.command(Binary::Holdfast, &["recover", "clock"]).await.success());
    book(&alice, 1, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_do_not_notice_that_the_streams_were_lost() {
    let house = House::new().await;
    let (api, notifier) = (house.ready(Binary::BookingApi).await, house.ready(Binary::Notifier).await);
    let alice = api.client().user("alice");
    let mut socket = Socket::open(notifier.address(), "topic=all").await;
    let mut told = Vec::new();
    for round in 0..3 {
        book(&alice, 10 * round, 10 * round + 4).await;
        let end = all_is_published(&house).await;
        // All that was written since, and not a position more.
        told.extend(socket.seqs_up_to(end).await);
        house.lose_streams();
    }
    let late = Socket::open(notifier.address(), &format!("topic=all&after={}", told[1])).await;
    let end = all_is_published(&house).await;
    assert_eq!(told, (1..=end).collect::<Vec<_>>());
    let mut late = late;
    assert_eq!(late.seqs_up_to(end).await, told[2..]);
}

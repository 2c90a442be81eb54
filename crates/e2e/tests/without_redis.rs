//! P7 as processes show it: Redis away from the beginning, and Redis that goes and comes back empty.

use std::net::TcpListener;

use holdfast_e2e::{Binary, Client, House, Socket};
use holdfast_testkit::{eventually, redis::RedisServer};

/// An address at which nobody listens.
fn nowhere() -> String {
    let taken = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    format!("redis://{}", taken.expect("a free port"))
}

/// Books, and waits for the grant; gives the booking's id.
async fn booked(client: &Client, from: i64) -> String {
    let created = client.book("Raum1", from, from + 1).await.expect("an answer");
    assert_eq!(created.status, 201, "{created:?}");
    let location = created.header("location");
    eventually("it is granted", async || {
        let shown = client.get(location).await.ok()?;
        (shown.body["status"] == "VALID").then_some(())
    })
    .await;
    created.id().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_bookings_are_made_and_decided_and_only_the_notifier_is_not_ready() {
    let house = House::with_redis_at(&nowhere()).await;
    let (api, validator) = (house.start(Binary::BookingApi).await, house.start(Binary::Validator).await);
    let notifier = house.start(Binary::Notifier).await;
    let all = house.start(Binary::Holdfast).await;
    assert_eq!(notifier.until("unavailable").await, 503);
    for process in [&api, &validator, &all] {
        assert_eq!(process.until("degraded").await, 200);
    }
    let alice = api.client().user("alice");
    let id = booked(&alice, 10).await;
    assert_eq!(alice.delete(&format!("/api/v1/bookings/{id}")).await.expect("an answer").status, 204);
    booked(&all.client().user("bob"), 10).await;
    // Who waits is woken by nobody, and looks.
    let waited = alice.header("Prefer", "wait=30").book("Raum1", 20, 21).await.expect("an answer");
    assert_eq!((waited.status, &waited.body["status"]), (201, &"VALID".into()));
    house.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_get_changes_again_when_redis_returns_empty_and_what_they_missed_is_not_kept_from_them() {
    let mut redis = RedisServer::start();
    let house = House::with_redis_at(&redis.url()).await;
    let (api, _validator) = (house.ready(Binary::BookingApi).await, house.ready(Binary::Validator).await);
    let notifier = house.ready(Binary::Notifier).await;
    let alice = api.client().user("alice");
    let mut socket = Socket::open(notifier.address(), "user_id=alice").await;
    socket.until("booking_validated", &booked(&alice, 1).await).await;

    redis.kill();
    assert_eq!(notifier.until("unavailable").await, 503);
    assert_eq!(api.until("degraded").await, 200);
    let missed = booked(&alice, 2).await;

    redis.restart();
    for process in [&api, &notifier] {
        process.until("ready").await;
    }
    let mut late = Socket::open(notifier.address(), "user_id=alice").await;
    let then = booked(&alice, 3).await;
    late.until("booking_validated", &then).await;
    let messages = socket.until("booking_validated", &then).await;
    let is_told = |message: &serde_json::Value| {
        message["type"] == "resync" || message["data"]["booking"]["id"] == missed.as_str()
    };
    assert!(messages.iter().any(is_told), "neither the change nor a resync: {messages:#?}");
    house.at_rest().await;
}

//! The notifier as a process has it: from the streams to the sockets, through the loss of Redis, to the stop.
#![expect(clippy::unwrap_used, reason = "clippy takes a helper of a test for no test")]

mod common;
mod seats;

use std::time::Duration;

use clap::Parser;
use common::{booked, shard};
use futures_util::StreamExt;
use holdfast_notifier::{Service, ServiceSettings, bind};
use holdfast_runtime::health::{Health, Readiness};
use holdfast_stream::{Entry, Streams};
use holdfast_testkit::{
    publish,
    redis::{RedisServer, TestRedis},
};
use seats::{event, held};
use serde_json::{Value, json};
use tokio::{task::yield_now, time::timeout};
use tokio_tungstenite::{connect_async, tungstenite::Message};
use tokio_util::sync::CancellationToken;

async fn soon<T>(wait: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), wait).await.expect("it never came")
}

fn notifier(url: &str, prefix: &str, health: &Health, stopping: &CancellationToken) -> Service {
    let place = ["--http-port", "0", "--http-workers", "1", "--redis-url", url, "--redis-prefix", prefix];
    let settings = ServiceSettings::parse_from([&["test"], &place[..]].concat());
    bind(&settings, health, stopping.clone()).unwrap()
}

async fn until(health: &Health, readiness: Readiness) {
    soon(async {
        while health.readiness() != readiness {
            yield_now().await;
        }
    })
    .await;
}

async fn append(streams: &Streams, entry: Entry) {
    soon(publish(streams, shard(), &[entry])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_outlives_redis_and_is_told_to_reload_when_it_came_back_empty() {
    let mut redis = RedisServer::start();
    let streams = Streams::connect(&redis.settings()).unwrap();
    let (health, stopping) = (Health::default(), CancellationToken::new());
    let notifier = notifier(&redis.url(), "test", &health, &stopping);
    let url = format!("ws://{}/api/bookings/ws?user_id=alice", notifier.address());
    let service = tokio::spawn(notifier.run());
    until(&health, Readiness::Ready).await;

    let (mut socket, _) = soon(connect_async(url)).await.unwrap();
    let mut next = async || -> Value {
        soon(async {
            loop {
                match socket.next().await.unwrap().unwrap() {
                    Message::Text(text) => {
                        let message: Value = serde_json::from_str(&text).unwrap();
                        if message["type"] != "position" {
                            return message;
                        }
                    }
                    Message::Close(frame) => return json!(u16::from(frame.unwrap().code)),
                    _ => {}
                }
            }
        })
        .await
    };
    assert_eq!(next().await, json!({"type": "hello", "seq": 0}));
    append(&streams, booked(1, "alice")).await;
    assert_eq!(next().await["seq"], 1);

    redis.kill();
    until(&health, Readiness::Unavailable).await;
    redis.restart();
    until(&health, Readiness::Ready).await;
    assert_eq!(next().await, json!({"type": "resync", "seq": 0}));
    append(&streams, booked(1, "alice")).await;
    assert_eq!(next().await["seq"], 1);

    stopping.cancel();
    assert_eq!(next().await, 1001);
    soon(service).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_of_several_hints_comes_though_nothing_happens_any_more() {
    let redis = TestRedis::new();
    let streams = Streams::connect(&redis.settings()).unwrap();
    let (health, stopping) = (Health::default(), CancellationToken::new());
    let notifier = notifier(&redis.url, &redis.prefix, &health, &stopping);
    let url = format!("ws://{}/api/v1/ws?event={}", notifier.address(), event(1));
    let service = tokio::spawn(notifier.run());
    until(&health, Readiness::Ready).await;
    let (mut socket, _) = soon(connect_async(url)).await.unwrap();
    for seq in 1..=2 {
        append(&streams, held(seq, "bob", 1, i32::try_from(seq).unwrap())).await;
    }
    soon(async {
        let mut held = Vec::new();
        while held != [1, 2] {
            let message = socket.next().await.unwrap().unwrap();
            if let Ok(message) = serde_json::from_slice::<Value>(&message.into_data()) {
                held.extend(message["data"]["held"].as_i64());
            }
        }
    })
    .await;
    stopping.cancel();
    soon(service).await.unwrap().unwrap();
}

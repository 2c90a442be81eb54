//! A Redis that goes and comes back: whoever asked in the meantime gets in nobody's way.

use futures_util::future::join_all;
use holdfast_domain::{DEFAULT_TENANT, Seq, Shard};
use holdfast_stream::{Entry, Logged, Settings, Streams};
use holdfast_testkit::{eventually, proxy::Proxy, redis::RedisServer};

/// Each asks for 64 streams: together they are far more than could wait.
const LOOKS: usize = 40;

/// Entries of a megabyte each: together more than all buffers on the way take.
const LARGE: i64 = 40;

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_takes_nothing_any_more_is_given_up_though_much_is_left_to_send() {
    let redis = RedisServer::start();
    let proxy = Proxy::to(redis.address()).await;
    let Ok(url) = format!("redis://{}", proxy.address()).parse();
    let streams = Streams::connect(&Settings { url, ..redis.settings() }).unwrap();
    streams.ping().await.unwrap();
    let before = proxy.taken();
    proxy.stall();
    let logged = |seq| {
        let entry = Entry { seq: Seq(seq), tenant_id: DEFAULT_TENANT, wire: " ".repeat(1 << 20) };
        [Logged { fingerprint: seq.to_string(), entry }]
    };
    let runs: Vec<_> = (1..=LARGE).map(logged).collect();
    for appended in join_all(runs.iter().map(|run| streams.append(Shard::of(DEFAULT_TENANT), run))).await {
        appended.unwrap_err();
    }
    eventually("it connects anew", async || (proxy.taken() > before).then_some(())).await;
    proxy.flow();
    eventually("it answers", async || streams.ping().await.ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_answered_at_once_again_however_many_were_given_up_while_redis_was_away() {
    let mut redis = RedisServer::start();
    let streams = Streams::connect(&redis.settings()).unwrap();
    streams.ping().await.unwrap();
    redis.kill();
    for looked in join_all((0..LOOKS).map(|_| streams.lasts())).await {
        looked.unwrap_err();
    }
    redis.restart();
    eventually("it answers", async || streams.ping().await.ok()).await;
    for _ in 0..3 {
        streams.lasts().await.unwrap();
    }
}

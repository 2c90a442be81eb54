//! The reading ends: nothing is skipped in silence.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{future::Future, time::Duration};

use holdfast_domain::{DEFAULT_TENANT, Seq, Shard};
use holdfast_stream::{About, Doorbell, Entry, Read, Reader, Settings, Shards, Streams};
use holdfast_testkit::{
    publish,
    redis::{RedisServer, TestRedis},
};
use tokio::time::timeout;
use uuid::Uuid;

fn shard() -> Shard {
    Shard::of(DEFAULT_TENANT)
}

fn run(seqs: impl IntoIterator<Item = i64>) -> Vec<Entry> {
    let entry = |seq| Entry { seq: Seq(seq), tenant_id: DEFAULT_TENANT, wire: format!("{{\"seq\":{seq}}}") };
    seqs.into_iter().map(entry).collect()
}

async fn soon<T>(wait: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), wait).await.expect("it never came")
}

/// The next of our shard's reads, whatever troubles lie before it.
async fn next(reader: &mut Reader) -> Read {
    let of_ours = |read: &Read| match read {
        Read::Entries(one, _) | Read::Gap(one, _) => *one == shard(),
    };
    soon(async {
        loop {
            if let Ok(reads) = reader.next().await
                && let Some(read) = reads.into_iter().find(of_ours)
            {
                return read;
            }
        }
    })
    .await
}

async fn append(streams: &Streams, seqs: impl IntoIterator<Item = i64>) {
    soon(publish(streams, shard(), &run(seqs))).await;
}

/// A stream that ends at 5, and a reader who knows.
async fn at_five(settings: &Settings) -> (Streams, Reader) {
    let streams = Streams::connect(settings).unwrap();
    append(&streams, 1..=5).await;
    let reader = begun(settings, 5).await;
    (streams, reader)
}

async fn begun(settings: &Settings, at: i64) -> Reader {
    let mut reader = Reader::connect(settings).unwrap();
    assert_eq!(next(&mut reader).await, Read::Gap(shard(), Seq(at)));
    reader
}

#[tokio::test]
async fn a_reader_begins_at_the_end_and_tells_what_comes_after() {
    let redis = TestRedis::new();
    let streams = Streams::connect(&redis.settings()).unwrap();
    append(&streams, 1..=2).await;
    let mut reader = begun(&redis.settings(), 2).await;
    append(&streams, 3..=4).await;
    assert_eq!(next(&mut reader).await, Read::Entries(shard(), run(3..=4)));
}

#[tokio::test]
async fn a_stream_that_was_trimmed_under_the_reader_is_a_gap() {
    let redis = TestRedis::new();
    let streams = Streams::connect(&redis.settings()).unwrap();
    let mut reader = begun(&redis.settings(), 0).await;
    append(&streams, 1..=3).await;
    redis.command(&["XTRIM", &redis.stream(shard()), "MAXLEN", "1"]);
    let first = next(&mut reader).await;
    assert_eq!(first, Read::Gap(shard(), Seq(2)));
}

#[tokio::test]
async fn a_stream_that_was_lost_while_connected_is_a_gap_though_nothing_comes() {
    let redis = TestRedis::new();
    let (streams, mut reader) = at_five(&redis.settings()).await;
    redis.command(&["DEL", &redis.stream(shard())]);
    append(&streams, 1..=2).await;
    assert_eq!(next(&mut reader).await, Read::Gap(shard(), Seq(2)));
    append(&streams, 3..=3).await;
    assert_eq!(next(&mut reader).await, Read::Entries(shard(), run(3..=3)));
}

#[tokio::test]
async fn a_stream_that_was_lost_and_filled_again_is_gone_on_with_as_if_nothing_had_been() {
    let redis = TestRedis::new();
    let (streams, mut reader) = at_five(&redis.settings()).await;
    redis.command(&["DEL", &redis.stream(shard())]);
    append(&streams, 1..=2).await;
    // It looks while the stream is behind.
    for _ in 0..3 {
        assert_eq!(reader.next().await.unwrap(), []);
    }
    append(&streams, 3..=7).await;
    assert_eq!(next(&mut reader).await, Read::Entries(shard(), run(6..=7)));
}

#[tokio::test]
async fn an_entry_beyond_all_positions_is_a_gap_and_so_is_the_way_back() {
    let redis = TestRedis::new();
    let (streams, mut reader) = at_five(&redis.settings()).await;
    let id = format!("{}-0", u64::MAX);
    redis.command(&["XADD", &redis.stream(shard()), &id, "by", "a stranger"]);
    assert_eq!(next(&mut reader).await, Read::Gap(shard(), Seq::BEYOND));
    redis.command(&["DEL", &redis.stream(shard())]);
    append(&streams, 1..=6).await;
    assert_eq!(next(&mut reader).await, Read::Gap(shard(), Seq(6)));
}

#[tokio::test]
async fn a_reader_outlives_redis_and_says_when_it_came_back_empty() {
    let mut redis = RedisServer::start();
    let (streams, mut reader) = at_five(&redis.settings()).await;
    redis.kill();
    soon(async { while reader.next().await.is_ok() {} }).await;
    redis.restart();
    assert_eq!(next(&mut reader).await, Read::Gap(shard(), Seq(0)));
    append(&streams, 1..=1).await;
    assert_eq!(next(&mut reader).await, Read::Entries(shard(), run(1..=1)));
}

#[tokio::test]
async fn a_reader_that_starts_without_redis_begins_when_it_comes() {
    let mut redis = RedisServer::start();
    redis.kill();
    let mut reader = Reader::connect(&redis.settings()).unwrap();
    assert!(soon(reader.next()).await.is_err());
    redis.restart();
    assert_eq!(next(&mut reader).await, Read::Gap(shard(), Seq(0)));
}

#[tokio::test]
async fn without_redis_every_call_fails_in_time_and_works_again_when_it_returns() {
    let mut redis = RedisServer::start();
    let streams = Streams::connect(&redis.settings()).unwrap();
    soon(async { while streams.ping().await.is_err() {} }).await;
    redis.kill();
    let limit = Duration::from_secs(2);
    assert!(timeout(limit, streams.claim(Uuid::nil())).await.expect("a claim hangs").is_err());
    assert!(timeout(limit, streams.lasts()).await.expect("lasts hangs").is_err());
    assert!(timeout(limit, streams.ping()).await.expect("ping hangs").is_err());
    redis.restart();
    soon(async { while streams.ping().await.is_err() {} }).await;
    append(&streams, 1..=1).await;
}

#[tokio::test]
async fn the_doorbell_rings_for_the_shard_that_has_something_new_and_again_after_a_restart() {
    let mut redis = RedisServer::start();
    let streams = Streams::connect(&redis.settings()).unwrap();
    let doorbell = Doorbell::connect(&redis.settings(), About::Stream).unwrap();
    assert_eq!(soon(doorbell.heard()).await, Shards::ALL, "it can't know what it missed");
    append(&streams, 1..=1).await;
    assert_eq!(soon(doorbell.heard()).await, [shard()].into_iter().collect());
    redis.restart();
    assert_eq!(soon(doorbell.heard()).await, Shards::ALL);
    append(&streams, 1..=1).await;
    assert_eq!(soon(doorbell.heard()).await, [shard()].into_iter().collect());
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_showing_it() {
    let redis = TestRedis { url: "redis://127.0.0.1".into(), prefix: "x".into() };
    let mut settings = redis.settings();
    let Ok(url) = "rediss//:hunter2".parse();
    settings.url = url;
    let error = Streams::connect(&settings).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"));
    std::mem::forget(redis);
}

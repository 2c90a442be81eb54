//! Coming back to what is older than memory: from the stream, as far as it has that.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use holdfast_domain::Seq;
use holdfast_stream::{Entry, Streams};
use holdfast_testkit::{publish, redis::TestRedis};

use crate::{
    LAST, all, back,
    common::{booked, shard},
    expected,
    hubs::hub_at,
    is_told_to_ask_anew, mixed, race, seq_of, seqs, soon, stranger, told_up_to,
};

/// A stream with this log.
async fn stream(redis: &TestRedis, log: &[Entry]) -> Streams {
    let streams = Streams::connect(&redis.settings()).unwrap();
    for run in log.chunks(100) {
        soon(publish(&streams, shard(), run)).await;
    }
    streams
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_when_memory_is_short_and_most_comes_from_the_stream() {
    const LAST: i64 = 2_000;
    let redis = TestRedis::new();
    let log: Vec<_> = (1..=LAST).map(|seq| booked(seq, "bob")).collect();
    let streams = stream(&redis, &log[..1]).await;
    let hub = hub_at(0, &["--socket-queue", "5000", "--socket-window-entries", "50"], Some(streams.clone()));
    let (publisher, runtime) = (Arc::clone(&hub), tokio::runtime::Handle::current());
    race(&hub, LAST, move || {
        for run in log.chunks(20) {
            // As in life: the stream has it first.
            runtime.block_on(publish(&streams, shard(), run));
            publisher.publish(shard(), run.to_vec());
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_older_than_memory_comes_from_the_stream() {
    let redis = TestRedis::new();
    let log = mixed(LAST);
    let hub = hub_at(LAST - 1, &[], Some(stream(&redis, &log).await));
    hub.publish(shard(), vec![log.last().unwrap().clone()]);
    for after in [0, 1, 255, 256, 257, 400, LAST - 2, LAST - 1, LAST] {
        let told = told_up_to(&mut back(&hub, after), LAST).await;
        let expected = expected(&log, &stranger("alice"), &all(), after);
        let told: Vec<_> = told.iter().map(seq_of).collect();
        assert_eq!(told, expected.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), "after {after}");
    }
}

#[tokio::test]
async fn what_is_older_than_the_stream_is_asked_for_anew_and_what_is_not_is_told() {
    let redis = TestRedis::new();
    let log: Vec<_> = (1..=LAST).map(|seq| booked(seq, "bob")).collect();
    let hub = hub_at(LAST, &[], Some(stream(&redis, &log).await));
    redis.command(&["XTRIM", &redis.stream(shard()), "MAXLEN", "100"]);
    let mut late = back(&hub, LAST - 101);
    is_told_to_ask_anew(&mut late, LAST).await;
    hub.publish(shard(), vec![booked(LAST + 1, "bob")]);
    assert_eq!(soon(late.next()).await.unwrap().seq(), Some(Seq(LAST + 1)));
    let told = told_up_to(&mut back(&hub, LAST - 100), LAST + 1).await;
    assert_eq!(seqs(&told), (LAST - 99..=LAST + 1).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_that_is_trimmed_between_two_pages_is_found_out() {
    let redis = TestRedis::new();
    let log: Vec<_> = (1..=LAST).map(|seq| booked(seq, "bob")).collect();
    let hub = hub_at(LAST, &[], Some(stream(&redis, &log).await));
    let mut back = back(&hub, 0);
    assert_eq!(soon(back.next()).await.unwrap().seq(), Some(Seq(1)));
    redis.command(&["XTRIM", &redis.stream(shard()), "MAXLEN", "100"]);
    let mut before = Vec::new();
    let last = loop {
        let message = soon(back.next()).await.unwrap();
        if message.kind() == "resync" {
            break seq_of(&message);
        }
        before.push(seq_of(&message));
    };
    assert_eq!(before, (2..=255).collect::<Vec<_>>(), "the page that was read, and nothing of the next");
    assert_eq!(last, LAST);
}

#[tokio::test]
async fn a_hole_in_the_stream_and_what_is_no_change_are_found_out() {
    for harm in ["hole", "stranger"] {
        let redis = TestRedis::new();
        let log: Vec<_> = (1..=50).map(|seq| booked(seq, "bob")).collect();
        let hub = hub_at(50, &[], Some(stream(&redis, &log[..30]).await));
        let name = redis.stream(shard());
        if harm == "hole" {
            redis.command(&["XDEL", &name, "20-0"]);
        } else {
            redis.command(&["XADD", &name, "31-0", "a", "b"]);
        }
        let mut back = back(&hub, 0);
        let until = if harm == "hole" { 19 } else { 30 };
        for seq in 1..=until {
            assert_eq!(soon(back.next()).await.unwrap().seq(), Some(Seq(seq)));
        }
        is_told_to_ask_anew(&mut back, 50).await;
    }
}

#[tokio::test]
async fn a_page_that_was_read_too_soon_is_read_again() {
    let redis = TestRedis::new();
    let log: Vec<_> = (1..=200).map(|seq| booked(seq, "bob")).collect();
    let streams = stream(&redis, &log[..100]).await;
    let hub = hub_at(100, &["--socket-window-entries", "1"], Some(streams.clone()));
    assert_eq!(told_up_to(&mut back(&hub, 0), 100).await.len(), 100);
    for run in log[100..].chunks(100) {
        soon(publish(&streams, shard(), run)).await;
        hub.publish(shard(), run.to_vec());
    }
    assert_eq!(seqs(&told_up_to(&mut back(&hub, 0), 200).await), (1..=200).collect::<Vec<_>>());
}

#[tokio::test]
async fn without_redis_what_is_older_than_memory_is_asked_for_anew_in_time() {
    let mut redis = holdfast_testkit::redis::RedisServer::start();
    let streams = Streams::connect(&redis.settings()).unwrap();
    let hub = hub_at(50, &[], Some(streams));
    redis.kill();
    let began = Instant::now();
    is_told_to_ask_anew(&mut back(&hub, 0), 50).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn who_was_left_behind_when_a_gap_came_is_told_to_ask_anew() {
    let redis = TestRedis::new();
    let log: Vec<_> = (1..=300).map(|seq| booked(seq, "bob")).collect();
    let streams = stream(&redis, &log).await;
    for count in [4, 5] {
        let hub = hub_at(0, &["--socket-queue", "4"], Some(streams.clone()));
        let mut slow = hub.subscribe(stranger("alice"), all(), None).unwrap();
        // At 4 it is the notice for which there is no room.
        hub.publish(shard(), log[..count].to_vec());
        hub.gap(shard(), Seq(300));
        hub.publish(shard(), vec![booked(301, "bob")]);
        for seq in 1..=4 {
            assert_eq!(soon(slow.next()).await.unwrap().seq(), Some(Seq(seq)));
        }
        is_told_to_ask_anew(&mut slow, 301).await;
        assert_eq!(slow.so_far(), (vec![], Some(Seq(301))));
    }
}

//! The append: whole, in order, once, whoever sends it and however often.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use holdfast_domain::{DEFAULT_TENANT, Seq, Shard};
use holdfast_stream::{Appended, Entry, Streams};
use holdfast_testkit::redis::TestRedis;

fn shard() -> Shard {
    Shard::of(DEFAULT_TENANT)
}

fn run(seqs: impl IntoIterator<Item = i64>) -> Vec<Entry> {
    let entry = |seq| Entry { seq: Seq(seq), tenant_id: DEFAULT_TENANT, wire: format!("{{\"seq\":{seq}}}") };
    seqs.into_iter().map(entry).collect()
}

fn appended(last: i64) -> Appended {
    Appended::Appended { last: Seq(last) }
}

fn does_not_join(last: i64) -> Appended {
    Appended::DoesNotJoin { last: Seq(last) }
}

fn connect(redis: &TestRedis) -> Streams {
    Streams::connect(&redis.settings()).unwrap()
}

#[tokio::test]
async fn a_run_sent_twice_is_there_once() {
    let redis = TestRedis::new();
    let streams = connect(&redis);
    for _ in 0..2 {
        assert_eq!(streams.append(shard(), &run(1..=5)).await.unwrap(), appended(5));
    }
    assert_eq!(redis.command(&["XLEN", &redis.stream(shard())]), ":5");
    assert_eq!(streams.append(shard(), &run(3..=7)).await.unwrap(), appended(7));
    assert_eq!(redis.command(&["XLEN", &redis.stream(shard())]), ":7");
}

#[tokio::test]
async fn two_who_copy_at_once_leave_every_entry_once() {
    let redis = TestRedis::new();
    let copiers = [7, 11].map(|size| {
        let streams = connect(&redis);
        tokio::spawn(async move {
            let mut last = Seq(0);
            while last < Seq(500) {
                let run = run((last.0 + 1)..=(last.0 + size).min(500));
                let Appended::Appended { last: now } = streams.append(shard(), &run).await.unwrap() else {
                    panic!("a run that joins was refused");
                };
                last = now;
            }
        })
    });
    for copier in copiers {
        copier.await.unwrap();
    }
    assert_eq!(redis.command(&["XLEN", &redis.stream(shard())]), ":500");
    assert_eq!(connect(&redis).last(shard()).await.unwrap(), Seq(500));
}

/// The control to the two above: entries that the server numbers join on to anything.
#[tokio::test]
async fn control_two_who_copy_without_naming_the_position_leave_every_entry_twice() {
    let redis = TestRedis::new();
    let stream = redis.stream(shard());
    std::thread::scope(|copiers| {
        for _ in 0..2 {
            copiers.spawn(|| {
                for entry in run(1..=50) {
                    redis.command(&["XADD", &stream, "*", "c", &entry.wire]);
                }
            });
        }
    });
    assert_eq!(redis.command(&["XLEN", &stream]), ":100");
}

#[tokio::test]
async fn a_run_that_does_not_join_writes_nothing() {
    let redis = TestRedis::new();
    let streams = connect(&redis);
    assert_eq!(streams.append(shard(), &run(2..=3)).await.unwrap(), does_not_join(0));
    assert_eq!(redis.command(&["EXISTS", &redis.stream(shard())]), ":0");
    streams.append(shard(), &run(1..=3)).await.unwrap();
    assert_eq!(streams.append(shard(), &run(5..=6)).await.unwrap(), does_not_join(3));
    assert_eq!(redis.command(&["XLEN", &redis.stream(shard())]), ":3");
}

#[tokio::test]
async fn a_run_is_written_up_to_its_first_hole() {
    let redis = TestRedis::new();
    let streams = connect(&redis);
    assert_eq!(streams.append(shard(), &run([1, 2, 4, 5])).await.unwrap(), appended(2));
}

#[tokio::test]
async fn a_stream_whose_entries_were_all_trimmed_away_still_knows_where_it_ends() {
    let redis = TestRedis::new();
    let streams = connect(&redis);
    streams.append(shard(), &run(1..=3)).await.unwrap();
    redis.command(&["XTRIM", &redis.stream(shard()), "MAXLEN", "0"]);
    assert_eq!(streams.append(shard(), &run(2..=3)).await.unwrap(), appended(3));
    assert_eq!(streams.append(shard(), &run(4..=4)).await.unwrap(), appended(4));
    assert_eq!(redis.command(&["XLEN", &redis.stream(shard())]), ":1");
}

#[tokio::test]
async fn positions_past_a_leap_are_exact() {
    let redis = TestRedis::new();
    let streams = connect(&redis);
    let far = 4_000_000_000_000_001;
    let stream = redis.stream(shard());
    redis.command(&["XADD", &stream, &format!("{far}-0"), "t", "x", "c", "x"]);
    assert_eq!(streams.append(shard(), &run(far - 2..=far + 2)).await.unwrap(), appended(far + 2));
    assert_eq!(redis.command(&["XLEN", &stream]), ":3");
}

#[tokio::test]
async fn a_server_that_forgot_the_script_is_taught_it_again() {
    let redis = TestRedis::new();
    let streams = connect(&redis);
    streams.append(shard(), &run(1..=1)).await.unwrap();
    redis.command(&["SCRIPT", "FLUSH"]);
    assert_eq!(streams.append(shard(), &run(2..=2)).await.unwrap(), appended(2));
}

#[tokio::test]
async fn the_ends_of_all_streams_are_told_in_the_order_of_the_shards() {
    let redis = TestRedis::new();
    let streams = connect(&redis);
    streams.append(shard(), &run(1..=9)).await.unwrap();
    let lasts = streams.lasts().await.unwrap();
    let expected: Vec<Seq> = Shard::all().map(|one| Seq(if one == shard() { 9 } else { 0 })).collect();
    assert_eq!(lasts, expected);
}

//! The append: whole, in order, once, whoever sends it and however often.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use holdfast_domain::{DEFAULT_TENANT, Seq, Shard};
use holdfast_stream::{Appended, Entry, Logged, Streams};
use holdfast_testkit::redis::TestRedis;
use uuid::Uuid;

const NONE: Seq = Seq(0);

fn shard() -> Shard {
    Shard::of(DEFAULT_TENANT)
}

/// These of a log.
fn run(seqs: impl IntoIterator<Item = i64>) -> Vec<Logged> {
    of_another("", seqs)
}

/// The same of another log.
fn of_another(log: &str, seqs: impl IntoIterator<Item = i64>) -> Vec<Logged> {
    let logged = |seq| {
        let entry = Entry { seq: Seq(seq), tenant_id: DEFAULT_TENANT, wire: format!("{{\"seq\":{seq}}}") };
        Logged { entry, fingerprint: format!("{seq}{log}") }
    };
    seqs.into_iter().map(logged).collect()
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

/// A stream that has these.
async fn filled(redis: &TestRedis, seqs: impl IntoIterator<Item = i64>) -> Streams {
    let (streams, run) = (connect(redis), run(seqs));
    let last = run.last().unwrap().entry.seq.0;
    assert_eq!(streams.refill(shard(), NONE, &run).await.unwrap(), appended(last));
    streams
}

fn length(redis: &TestRedis) -> String {
    redis.command(&["XLEN", &redis.stream(shard())])
}

#[tokio::test]
async fn a_run_sent_twice_is_there_once() {
    let redis = TestRedis::new();
    let streams = filled(&redis, 1..=3).await;
    for _ in 0..2 {
        assert_eq!(streams.append(shard(), &run(2..=5)).await.unwrap(), appended(5));
    }
    assert_eq!(length(&redis), ":5");
    assert_eq!(streams.append(shard(), &run(1..=3)).await.unwrap(), appended(5), "others are further");
    assert_eq!(streams.append(shard(), &run(5..=7)).await.unwrap(), appended(7));
    assert_eq!(length(&redis), ":7");
}

#[tokio::test]
async fn two_who_copy_at_once_leave_every_entry_once() {
    let redis = TestRedis::new();
    let copiers = [7, 11].map(|size| {
        let streams = connect(&redis);
        tokio::spawn(async move {
            let mut last = NONE;
            while last < Seq(500) {
                let run = run(last.0.max(1)..=(last.0 + size).min(500));
                last = match streams.append(shard(), &run).await.unwrap() {
                    Appended::Appended { last } => last,
                    Appended::DoesNotJoin { last: NONE } => {
                        match streams.refill(shard(), NONE, &run).await.unwrap() {
                            Appended::Appended { last } | Appended::DoesNotJoin { last } => last,
                            wrong @ Appended::Differs { .. } => panic!("{wrong:?}"),
                        }
                    }
                    wrong => panic!("a run that joins was refused: {wrong:?}"),
                };
            }
        })
    });
    for copier in copiers {
        copier.await.unwrap();
    }
    assert_eq!(length(&redis), ":500");
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
                    redis.command(&["XADD", &stream, "*", "c", &entry.fingerprint]);
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
    for seqs in [1..=3, 2..=3] {
        assert_eq!(streams.append(shard(), &run(seqs)).await.unwrap(), does_not_join(0));
    }
    assert_eq!(redis.command(&["EXISTS", &redis.stream(shard())]), ":0");
    let streams = filled(&redis, 1..=3).await;
    for seqs in [4..=5, 5..=6] {
        assert_eq!(streams.append(shard(), &run(seqs)).await.unwrap(), does_not_join(3));
    }
    assert_eq!(length(&redis), ":3");
}

#[tokio::test]
async fn a_run_of_another_log_is_told_by_its_fingerprint_and_writes_nothing() {
    let redis = TestRedis::new();
    let streams = filled(&redis, 1..=3).await;
    let differs = Appended::Differs { last: Seq(3) };
    for seqs in [2..=5, 3..=3, 1..=3] {
        assert_eq!(streams.append(shard(), &of_another("b", seqs)).await.unwrap(), differs);
    }
    assert_eq!(length(&redis), ":3");
    // What was before the stream's end can't be told apart any more, and is not written.
    let mut joined = of_another("b", 1..=2);
    joined.extend(run(3..=4));
    assert_eq!(streams.append(shard(), &joined).await.unwrap(), appended(4));
    assert_eq!(length(&redis), ":4");
}

#[tokio::test]
async fn a_refill_takes_the_place_of_what_was_judged_and_of_nothing_else() {
    let redis = TestRedis::new();
    let streams = filled(&redis, 1..=3).await;
    assert_eq!(streams.refill(shard(), Seq(2), &run(8..=9)).await.unwrap(), does_not_join(3));
    assert_eq!(streams.refill(shard(), NONE, &run(8..=9)).await.unwrap(), does_not_join(3));
    assert_eq!(length(&redis), ":3");
    assert_eq!(streams.refill(shard(), Seq(3), &run(8..=9)).await.unwrap(), appended(9));
    assert_eq!(length(&redis), ":2");
    // As two relays do it that have seen the same.
    assert_eq!(streams.refill(shard(), Seq(3), &run(8..=9)).await.unwrap(), does_not_join(9));
}

#[tokio::test]
async fn a_run_is_written_up_to_its_first_hole() {
    let redis = TestRedis::new();
    let streams = filled(&redis, 1..=1).await;
    assert_eq!(streams.append(shard(), &run([1, 2, 4, 5])).await.unwrap(), appended(2));
}

#[tokio::test]
async fn a_stream_whose_entries_were_all_trimmed_away_still_knows_where_it_ends_and_is_not_gone_on_with() {
    let redis = TestRedis::new();
    let streams = filled(&redis, 1..=3).await;
    redis.command(&["XTRIM", &redis.stream(shard()), "MAXLEN", "0"]);
    assert_eq!(streams.append(shard(), &run(3..=4)).await.unwrap(), does_not_join(3));
    assert_eq!(streams.refill(shard(), Seq(3), &run(2..=4)).await.unwrap(), appended(4));
    assert_eq!(length(&redis), ":3");
}

#[tokio::test]
async fn an_entry_without_a_fingerprint_or_with_a_strangers_id_is_not_gone_on_with() {
    let redis = TestRedis::new();
    let streams = filled(&redis, 1..=3).await;
    redis.command(&["XADD", &redis.stream(shard()), "3-1", "f", "3"]);
    assert_eq!(streams.append(shard(), &run(3..=4)).await.unwrap(), does_not_join(3));
    redis.command(&["XADD", &redis.stream(shard()), "4-0", "c", "{}"]);
    assert_eq!(streams.append(shard(), &run(4..=5)).await.unwrap(), does_not_join(4));
}

#[tokio::test]
async fn positions_past_a_leap_are_exact() {
    let redis = TestRedis::new();
    let far = 4_000_000_000_000_001;
    let streams = filled(&redis, far..=far).await;
    assert_eq!(streams.append(shard(), &run(far - 2..=far + 2)).await.unwrap(), appended(far + 2));
    assert_eq!(length(&redis), ":3");
}

#[tokio::test]
async fn a_server_that_forgot_the_script_is_taught_it_again() {
    let redis = TestRedis::new();
    let streams = filled(&redis, 1..=1).await;
    redis.command(&["SCRIPT", "FLUSH"]);
    assert_eq!(streams.append(shard(), &run(1..=2)).await.unwrap(), appended(2));
}

#[tokio::test]
async fn the_ends_of_all_streams_are_told_in_the_order_of_the_shards() {
    let redis = TestRedis::new();
    let lasts = filled(&redis, 1..=9).await.lasts().await.unwrap();
    let expected: Vec<Seq> = Shard::all().map(|one| Seq(if one == shard() { 9 } else { 0 })).collect();
    assert_eq!(lasts, expected);
}

#[tokio::test]
async fn streams_belong_to_the_installation_that_came_first() {
    let redis = TestRedis::new();
    let streams = connect(&redis);
    let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let mut claimed = Vec::new();
    for installation in [first, second, first, second] {
        claimed.push(streams.claim(installation).await.unwrap());
    }
    assert_eq!(claimed, [true, false, true, false]);
}

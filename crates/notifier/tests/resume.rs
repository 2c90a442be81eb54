//! Coming back: all that was missed, in order and once, then what comes; or `resync`.
#![expect(clippy::unwrap_used, reason = "clippy takes a helper of a test for no test")]

mod common;
mod hubs;

use std::{
    future::Future,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use common::{booked, change, resource, shard, user, venue_of};
use holdfast_domain::{Caller, Change, DEFAULT_TENANT, Roles, Seq, TenantId, visible};
use holdfast_notifier::{Hub, Interest, Message, Subscription};
use holdfast_stream::{Entry, Streams};
use holdfast_testkit::{Random, publish, redis::TestRedis};
use hubs::hub_at;
use tokio::time::timeout;

/// Enough to need several goes, and several pages.
const LAST: i64 = 600;

/// Changes that are looked at in one go.
const CHUNK: i64 = 256;

async fn soon<T>(wait: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), wait).await.expect("it never came")
}

fn stranger(name: &str) -> Caller {
    Caller { roles: Roles::NONE, ..Caller::open(Some(user(name))) }
}

fn all() -> Interest {
    Interest { is_all: true, ..Interest::default() }
}

fn back(hub: &Arc<Hub>, after: i64) -> Subscription {
    hub.subscribe(stranger("alice"), all(), Some(Seq(after))).unwrap()
}

/// A log of several people's bookings of several resources, of two tenants on one shard.
fn mixed(last: i64) -> Vec<Entry> {
    let neighbour = (2..1_000).map(TenantId::from_u128).find(|id| holdfast_domain::Shard::of(*id) == shard());
    let mut random = Random::seeded(17);
    let mut of = |among: &[&'static str]| among[usize::try_from(random.below(among.len() as u64)).unwrap()];
    (1..=last)
        .map(|seq| {
            let tenant =
                if of(&["ours", "ours", "theirs"]) == "ours" { DEFAULT_TENANT } else { neighbour.unwrap() };
            let names = ["alice", "bob", "carol"];
            // In two places.
            let number = of(&["1", "2", "3"]).parse().unwrap();
            change(tenant, seq, of(&names), of(&names), number, "secret")
        })
        .collect()
}

/// What of `log` a subscriber has to be told after `after`, as the domain has it.
fn expected(log: &[Entry], caller: &Caller, interest: &Interest, after: i64) -> Vec<(i64, String)> {
    let mut texts = Vec::new();
    for entry in log.iter().filter(|entry| entry.seq.0 > after) {
        let change = Change::from_wire(entry.tenant_id, &entry.wire).unwrap();
        let booking = change.fact.booking().unwrap();
        let is_own =
            caller.is(&booking.user_id) || change.actor.as_ref().is_some_and(|actor| caller.is(actor));
        let is_asked = interest.is_all
            || is_own
            || interest.resources.contains(&booking.resource_id)
            || interest.venues.contains(&booking.venue_id);
        if let Some(seen) = visible(&change, caller).filter(|_| is_asked) {
            texts.push((entry.seq.0, serde_json::to_string(&seen).unwrap()));
        }
    }
    texts
}

/// What is told until it is said that it was all that was missed.
async fn missed(subscription: &mut Subscription) -> Vec<Message> {
    let mut told = Vec::new();
    loop {
        let message = soon(subscription.next()).await.expect("it goes on");
        if message.kind == "position" {
            return told;
        }
        told.push(message);
    }
}

/// What is told until it is said that all up to `last` was, in one or several ways.
async fn told_up_to(subscription: &mut Subscription, last: i64) -> Vec<Message> {
    let mut told = Vec::new();
    loop {
        let message = soon(subscription.next()).await.expect("it goes on");
        let is_end = message.kind == "position" && message.seq.0 >= last;
        if message.kind != "position" {
            told.push(message);
        }
        if is_end || told.last().is_some_and(|message| message.seq.0 >= last) {
            return told;
        }
    }
}

fn seqs(messages: &[Message]) -> Vec<i64> {
    assert!(messages.iter().all(|message| message.kind != "resync"), "{messages:?}");
    messages.iter().map(|message| message.seq.0).collect()
}

async fn is_told_to_ask_anew(subscription: &mut Subscription, seq: i64) {
    let message = soon(subscription.next()).await.unwrap();
    assert_eq!((message.kind, message.seq), ("resync", Seq(seq)));
}

/// A stream with this log.
async fn stream(redis: &TestRedis, log: &[Entry]) -> Streams {
    let streams = Streams::connect(&redis.settings()).unwrap();
    for run in log.chunks(100) {
        soon(publish(&streams, shard(), run)).await;
    }
    streams
}

#[tokio::test]
async fn whoever_comes_back_is_told_what_the_log_has_for_them_from_every_position_and_then_what_comes() {
    let mut log = mixed(150);
    let hub = hub_at(0, &[], None);
    hub.publish(shard(), log.clone());
    let interests = [
        Interest::default(),
        Interest { resources: vec![resource(2)], ..Interest::default() },
        Interest { venues: vec![venue_of(3)], ..Interest::default() },
        all(),
    ];
    let mut subscriptions = Vec::new();
    for caller in [stranger("alice"), Caller::open(Some(user("bob"))), stranger("nobody")] {
        for (interest, after) in
            interests.iter().flat_map(|interest| (0..=150).map(move |after| (interest, after)))
        {
            let mut back = hub.subscribe(caller.clone(), interest.clone(), Some(Seq(after))).unwrap();
            assert_eq!(back.from, Seq(after));
            let told = missed(&mut back).await;
            subscriptions.push((back, caller.clone(), interest, after, told));
        }
    }
    let live = mixed(160).split_off(150);
    hub.publish(shard(), live.clone());
    log.extend(live);
    for (mut back, caller, interest, after, mut told) in subscriptions {
        told.extend(back.so_far().0);
        let texts: Vec<_> = told.iter().map(|it| (it.seq.0, it.text.to_string())).collect();
        // What is whole goes out as it came; it says the same.
        let values = |texts: &[(i64, String)]| -> Vec<serde_json::Value> {
            texts.iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect()
        };
        let expected = expected(&log, &caller, interest, after);
        assert_eq!(values(&texts), values(&expected), "{caller:?} {interest:?} after {after}");
    }
}

/// Hundreds come while changes are published as fast as they can be, from memory alone or from the stream as well.
async fn race(hub: &Arc<Hub>, last: i64, publish: impl FnOnce() + Send + 'static) {
    let publisher = thread::spawn(publish);
    let mut random = Random::seeded(5);
    let mut joins = Vec::new();
    let mut count = 0;
    while count < 300 {
        let position = hub.subscribe(stranger("x"), Interest::default(), None).unwrap().from.0;
        let after = random.hours(position + 1);
        let mut back = back(hub, after);
        joins.push(tokio::spawn(async move {
            let told = told_up_to(&mut back, last).await;
            assert_eq!(seqs(&told), (after + 1..=last).collect::<Vec<_>>(), "after {after}");
        }));
        count += 1;
        tokio::task::yield_now().await;
    }
    for join in joins {
        join.await.unwrap();
    }
    publisher.join().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_while_much_is_going_on_misses_nothing_and_gets_nothing_twice() {
    const LAST: i64 = 2_000;
    // With room for all that comes, and with so little that most are left behind again and again.
    for queue in ["5000", "3"] {
        let hub = hub_at(0, &["--socket-queue", queue], None);
        let publisher = Arc::clone(&hub);
        race(&hub, LAST, move || {
            (1..=LAST).for_each(|seq| publisher.publish(shard(), vec![booked(seq, "bob")]));
        })
        .await;
        assert_eq!(hub.subscribers(), 0);
    }
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
        let told: Vec<_> = told.iter().map(|message| message.seq.0).collect();
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
    assert_eq!(soon(late.next()).await.unwrap().seq, Seq(LAST + 1));
    let told = told_up_to(&mut back(&hub, LAST - 100), LAST + 1).await;
    assert_eq!(seqs(&told), (LAST - 99..=LAST + 1).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_that_is_trimmed_between_two_pages_is_found_out() {
    let redis = TestRedis::new();
    let log: Vec<_> = (1..=LAST).map(|seq| booked(seq, "bob")).collect();
    let hub = hub_at(LAST, &[], Some(stream(&redis, &log).await));
    let mut back = back(&hub, 0);
    assert_eq!(soon(back.next()).await.unwrap().seq, Seq(1));
    redis.command(&["XTRIM", &redis.stream(shard()), "MAXLEN", "100"]);
    let mut before = Vec::new();
    let last = loop {
        let message = soon(back.next()).await.unwrap();
        if message.kind == "resync" {
            break message.seq;
        }
        before.push(message.seq.0);
    };
    assert_eq!(before, (2..=255).collect::<Vec<_>>(), "the page that was read, and nothing of the next");
    assert_eq!(last, Seq(LAST));
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
            assert_eq!(soon(back.next()).await.unwrap().seq, Seq(seq));
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
async fn a_gap_while_somebody_catches_up_is_told_to_them_too() {
    let hub = hub_at(0, &[], None);
    hub.publish(shard(), (1..=LAST).map(|seq| booked(seq, "bob")).collect());
    let mut back = back(&hub, 0);
    assert_eq!(soon(back.next()).await.unwrap().seq, Seq(1));
    hub.gap(shard(), Seq(LAST + 200));
    let pending: Vec<_> = back.so_far().0.iter().map(|message| message.seq.0).collect();
    assert_eq!(pending, (2..=CHUNK).collect::<Vec<_>>());
    is_told_to_ask_anew(&mut back, LAST + 200).await;
}

#[tokio::test]
async fn who_catches_up_while_the_stream_comes_back_old_is_told_to_ask_anew() {
    let hub = hub_at(0, &[], None);
    hub.publish(shard(), (1..=LAST).map(|seq| booked(seq, "bob")).collect());
    let mut back = back(&hub, 60);
    assert_eq!(soon(back.next()).await.unwrap().seq, Seq(61));
    hub.gap(shard(), Seq(10));
    hub.publish(shard(), (11..=2 * LAST).map(|seq| booked(seq, "carol")).collect());
    back.so_far();
    is_told_to_ask_anew(&mut back, 2 * LAST).await;
}

#[tokio::test]
async fn who_claims_to_be_further_than_the_log_is_told_to_ask_anew_and_no_position_is_made_up_for_them() {
    let hub = hub_at(16, &[], None);
    for after in [17, i64::MAX] {
        let mut ahead = back(&hub, after);
        assert_eq!(ahead.so_far(), (vec![], None));
        is_told_to_ask_anew(&mut ahead, 16).await;
    }
}

#[tokio::test]
async fn who_is_further_by_a_moment_is_waited_for() {
    let hub = hub_at(16, &[], None);
    let mut ahead = back(&hub, 18);
    assert!(timeout(Duration::from_millis(20), ahead.next()).await.is_err());
    hub.publish(shard(), (17..=20).map(|seq| booked(seq, "bob")).collect());
    assert_eq!(seqs(&told_up_to(&mut ahead, 20).await), [19, 20]);
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
async fn a_change_that_cannot_be_read_is_not_missed_in_silence_by_who_comes_back() {
    let hub = hub_at(0, &[], None);
    let wire = r#"{"type":"weather_changed","seq":1}"#.into();
    hub.publish(shard(), vec![Entry { seq: Seq(1), tenant_id: DEFAULT_TENANT, wire }, booked(2, "bob")]);
    let mut back = back(&hub, 0);
    is_told_to_ask_anew(&mut back, 1).await;
    assert_eq!(soon(back.next()).await.unwrap().seq, Seq(2));
}

#[tokio::test]
async fn who_does_not_take_what_they_missed_holds_nobody_up_and_goes_on_where_they_were() {
    let hub = hub_at(0, &["--socket-queue", "4"], None);
    hub.publish(shard(), (1..=500).map(|seq| booked(seq, "bob")).collect());
    let mut slow = back(&hub, 0);
    let mut told = vec![soon(slow.next()).await.unwrap()];
    hub.publish(shard(), (501..=1_000).map(|seq| booked(seq, "bob")).collect());
    assert_eq!(hub.subscribers(), 0, "they are no part of the audience yet");
    assert!(!slow.cut_off.is_cancelled());
    let (pending, position) = slow.so_far();
    told.extend(pending);
    assert_eq!((told.len(), position), (256, Some(Seq(CHUNK))));
    told.extend(told_up_to(&mut slow, 1_000).await);
    assert_eq!(seqs(&told), (1..=1_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_has_no_room_for_all_that_comes_is_told_the_rest_from_memory_and_then_what_comes() {
    let hub = hub_at(0, &["--socket-queue", "4"], None);
    let mut slow = hub.subscribe(stranger("alice"), all(), None).unwrap();
    hub.publish(shard(), (1..=300).map(|seq| booked(seq, "bob")).collect());
    assert_eq!(seqs(&missed(&mut slow).await), (1..=300).collect::<Vec<_>>());
    hub.publish(shard(), (301..=304).map(|seq| booked(seq, "bob")).collect());
    assert_eq!(seqs(&slow.so_far().0), [301, 302, 303, 304]);
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
            assert_eq!(soon(slow.next()).await.unwrap().seq, Seq(seq));
        }
        is_told_to_ask_anew(&mut slow, 301).await;
        assert_eq!(slow.so_far(), (vec![], Some(Seq(301))));
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_far_too_long_to_catch_up_is_cut_off() {
    let hub = hub_at(0, &[], None);
    hub.publish(shard(), (1..=LAST).map(|seq| booked(seq, "bob")).collect());
    let mut slow = back(&hub, 0);
    assert_eq!(slow.next().await.unwrap().seq, Seq(1));
    tokio::time::advance(Duration::from_secs(61)).await;
    let rest = slow.so_far().0;
    assert_eq!(seqs(&rest), (2..=CHUNK).collect::<Vec<_>>());
    assert!(timeout(Duration::from_millis(1), slow.next()).await.is_err());
    assert!(slow.cut_off.is_cancelled());
}

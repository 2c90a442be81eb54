//! Coming back: all that was missed, in order and once, then what comes; or `resync`.
#![expect(clippy::unwrap_used, reason = "clippy takes a helper of a test for no test")]

mod common;
mod hubs;
mod older;
mod seats;

use std::{future::Future, sync::Arc, thread, time::Duration};

use common::{booked, change, resource, shard, user, venue_of};
use holdfast_domain::{Caller, Change, DEFAULT_TENANT, Roles, Seq, TenantId, visible};
use holdfast_notifier::{Hub, Interest, Message, Subscription};
use holdfast_stream::Entry;
use holdfast_testkit::Random;
use hubs::hub_at;
use seats::{event, held};
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

/// A log of several people's bookings of several resources, and of what they reserve of several events, of two tenants on
/// one shard.
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
            match of(&["booking", "reservation"]) {
                "booking" => change(tenant, seq, of(&names), of(&names), number, "secret"),
                _ => Entry { tenant_id: tenant, ..held(seq, of(&names), number, 1) },
            }
        })
        .collect()
}

/// What of `log` a subscriber has to be told after `after`, as the domain has it.
fn expected(log: &[Entry], caller: &Caller, interest: &Interest, after: i64) -> Vec<(i64, String)> {
    let mut texts = Vec::new();
    for entry in log.iter().filter(|entry| entry.seq.0 > after) {
        let change = Change::from_wire(entry.tenant_id, &entry.wire).unwrap();
        let fact = &change.fact;
        let is_own = [fact.owner(), change.actor.as_ref()].into_iter().flatten().any(|user| caller.is(user));
        let is_asked = interest.is_all
            || is_own
            || fact.resource_id().is_some_and(|id| interest.resources.contains(&id))
            || fact.venue_id().is_some_and(|id| interest.venues.contains(&id))
            || fact.event_id().is_some_and(|id| interest.events.contains(&id));
        if let Some(seen) = visible(&change, caller).filter(|_| is_asked) {
            texts.push((entry.seq.0, serde_json::to_string(&seen).unwrap()));
        }
    }
    texts
}

/// Where a message stands in the log; all that is missed does.
fn seq_of(message: &Message) -> i64 {
    message.seq().expect("it stands in the log").0
}

/// What is told until it is said that it was all that was missed.
async fn missed(subscription: &mut Subscription) -> Vec<Message> {
    let mut told = Vec::new();
    loop {
        let message = soon(subscription.next()).await.expect("it goes on");
        if message.kind() == "position" {
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
        let is_end = message.kind() == "position" && seq_of(&message) >= last;
        if message.kind() != "position" {
            told.push(message);
        }
        if is_end || told.last().is_some_and(|message| seq_of(message) >= last) {
            return told;
        }
    }
}

fn seqs(messages: &[Message]) -> Vec<i64> {
    assert!(messages.iter().all(|message| message.kind() != "resync"), "{messages:?}");
    messages.iter().map(seq_of).collect()
}

async fn is_told_to_ask_anew(subscription: &mut Subscription, seq: i64) {
    let message = soon(subscription.next()).await.unwrap();
    assert_eq!((message.kind(), message.seq()), ("resync", Some(Seq(seq))));
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
        Interest { events: vec![event(2)], ..Interest::default() },
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
            assert!(told.iter().all(|message| message.seq().is_some()), "a hint while they catch up");
            subscriptions.push((back, caller.clone(), interest, after, told));
        }
    }
    let live = mixed(160).split_off(150);
    hub.publish(shard(), live.clone());
    log.extend(live);
    for (mut back, caller, interest, after, mut told) in subscriptions {
        told.extend(back.so_far().0);
        let text = |it: &Message| Some((it.seq()?.0, it.text().to_string()));
        let texts: Vec<_> = told.iter().filter_map(text).collect();
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

#[tokio::test]
async fn a_gap_while_somebody_catches_up_is_told_to_them_too() {
    let hub = hub_at(0, &[], None);
    hub.publish(shard(), (1..=LAST).map(|seq| booked(seq, "bob")).collect());
    let mut back = back(&hub, 0);
    assert_eq!(soon(back.next()).await.unwrap().seq(), Some(Seq(1)));
    hub.gap(shard(), Seq(LAST + 200));
    let pending: Vec<_> = back.so_far().0.iter().map(seq_of).collect();
    assert_eq!(pending, (2..=CHUNK).collect::<Vec<_>>());
    is_told_to_ask_anew(&mut back, LAST + 200).await;
}

#[tokio::test]
async fn who_catches_up_while_the_stream_comes_back_old_is_told_to_ask_anew() {
    let hub = hub_at(0, &[], None);
    hub.publish(shard(), (1..=LAST).map(|seq| booked(seq, "bob")).collect());
    let mut back = back(&hub, 60);
    assert_eq!(soon(back.next()).await.unwrap().seq(), Some(Seq(61)));
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
async fn a_change_that_cannot_be_read_is_not_missed_in_silence_by_who_comes_back() {
    let hub = hub_at(0, &[], None);
    let wire = r#"{"type":"weather_changed","seq":1}"#.into();
    hub.publish(shard(), vec![Entry { seq: Seq(1), tenant_id: DEFAULT_TENANT, wire }, booked(2, "bob")]);
    let mut back = back(&hub, 0);
    is_told_to_ask_anew(&mut back, 1).await;
    assert_eq!(soon(back.next()).await.unwrap().seq(), Some(Seq(2)));
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

#[tokio::test(start_paused = true)]
async fn who_takes_far_too_long_to_catch_up_is_cut_off() {
    let hub = hub_at(0, &[], None);
    hub.publish(shard(), (1..=LAST).map(|seq| booked(seq, "bob")).collect());
    let mut slow = back(&hub, 0);
    assert_eq!(slow.next().await.unwrap().seq(), Some(Seq(1)));
    tokio::time::advance(Duration::from_secs(61)).await;
    let rest = slow.so_far().0;
    assert_eq!(seqs(&rest), (2..=CHUNK).collect::<Vec<_>>());
    assert!(timeout(Duration::from_millis(1), slow.next()).await.is_err());
    assert!(slow.cut_off.is_cancelled());
}

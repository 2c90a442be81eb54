//! Who hears what, without any socket.
#![expect(clippy::unwrap_used, reason = "clippy takes a helper of a test for no test")]

mod common;
mod hubs;

use std::{sync::Arc, thread};

use common::{booked, change, resource, shard, user};
use holdfast_domain::{Caller, DEFAULT_TENANT, Roles, Seq, Shard, TenantId};
use holdfast_notifier::{Hub, Interest, Subscription};
use holdfast_stream::Entry;
use hubs::hub_at;
use serde_json::Value;

fn hub() -> Arc<Hub> {
    hub_at(0, &[], None)
}

fn alice() -> Caller {
    Caller::open(Some(user("alice")))
}

fn all() -> Interest {
    Interest { is_all: true, ..Interest::default() }
}

fn heard(subscription: &mut Subscription) -> Vec<Value> {
    let (messages, _) = subscription.so_far();
    messages.iter().map(|message| serde_json::from_str(&message.text).unwrap()).collect()
}

fn seqs(subscription: &mut Subscription) -> Vec<i64> {
    let seq = |message: Value| message["seq"].as_i64().unwrap();
    heard(subscription).into_iter().map(seq).collect()
}

#[test]
fn a_subscriber_hears_of_their_own_bookings_and_of_nobody_elses() {
    let hub = hub();
    let mut alice = hub.subscribe(alice(), Interest::default(), None).unwrap();
    hub.publish(shard(), vec![booked(1, "alice"), booked(2, "bob"), booked(3, "alice")]);
    assert_eq!(seqs(&mut alice), [1, 3]);
}

#[test]
fn a_subscriber_hears_of_what_they_did_to_anothers_booking() {
    let hub = hub();
    let mut alice = hub.subscribe(alice(), Interest::default(), None).unwrap();
    hub.publish(shard(), vec![change(DEFAULT_TENANT, 1, "bob", "alice", 1, "x")]);
    assert_eq!(seqs(&mut alice), [1]);
}

#[test]
fn nobody_in_particular_hears_nothing_of_their_own() {
    let hub = hub();
    let mut nobody = hub.subscribe(Caller::open(None), Interest::default(), None).unwrap();
    hub.publish(shard(), vec![booked(1, "alice")]);
    assert!(heard(&mut nobody).is_empty());
}

#[test]
fn a_resource_adds_to_ones_own_and_no_change_comes_twice() {
    let hub = hub();
    let interest = Interest { resources: vec![resource(2), resource(2)], is_all: false };
    let mut alice = hub.subscribe(alice(), interest, None).unwrap();
    let of = |seq, owner, resource| change(DEFAULT_TENANT, seq, owner, owner, resource, "x");
    hub.publish(shard(), vec![of(1, "alice", 1), of(2, "bob", 2), of(3, "bob", 3), of(4, "alice", 2)]);
    assert_eq!(seqs(&mut alice), [1, 2, 4]);
}

#[test]
fn all_is_everything_of_the_tenant_and_nothing_of_another() {
    let hub = hub();
    let mut everything = hub.subscribe(alice(), all(), None).unwrap();
    let neighbour = (2..1_000).map(TenantId::from_u128).find(|id| Shard::of(*id) == shard()).unwrap();
    let theirs = change(neighbour, 2, "alice", "alice", 1, "x");
    hub.publish(shard(), vec![booked(1, "bob"), theirs, booked(3, "carol")]);
    assert_eq!(seqs(&mut everything), [1, 3]);
}

#[test]
fn a_change_goes_out_as_the_log_tells_it() {
    let hub = hub();
    let mut alice = hub.subscribe(alice(), Interest::default(), None).unwrap();
    hub.publish(shard(), vec![booked(1, "alice")]);
    let message = heard(&mut alice).remove(0);
    assert_eq!(message["type"], "booking_created");
    assert_eq!(message["at"], "2027-03-20T08:00:00Z");
    assert_eq!((&message["actor"], &message["request_id"]), (&"alice".into(), &"r-1".into()));
    assert_eq!(message["data"]["booking"]["title"], "secret");
}

#[test]
fn who_may_not_see_a_booking_hears_only_that_it_is_there() {
    let hub = hub();
    let stranger = Caller { roles: Roles::NONE, ..alice() };
    let mut stranger = hub.subscribe(stranger, all(), None).unwrap();
    hub.publish(shard(), vec![booked(1, "bob")]);
    let message = heard(&mut stranger).remove(0);
    assert_eq!(message["actor"], Value::Null);
    assert!(message["data"]["booking"]["start_time"].is_string());
    assert!(message["data"]["booking"].get("title").is_none());
}

#[test]
fn whoever_does_not_take_their_messages_is_cut_off_and_slows_nobody() {
    let hub = hub_at(0, &["--socket-queue", "2"], None);
    let slow = hub.subscribe(alice(), all(), None).unwrap();
    let mut quick = hub.subscribe(alice(), all(), None).unwrap();
    for seq in 1..=3 {
        hub.publish(shard(), vec![booked(seq, "bob")]);
        assert_eq!(seqs(&mut quick), [seq]);
    }
    assert!(slow.cut_off.is_cancelled());
    assert!(!quick.cut_off.is_cancelled());
    assert_eq!(hub.subscribers(), 1);
}

#[test]
fn who_is_too_slow_is_told_no_position_beyond_what_they_have() {
    let hub = hub_at(0, &["--socket-queue", "2"], None);
    let mut slow = hub.subscribe(alice(), all(), None).unwrap();
    hub.publish(shard(), (1..=3).map(|seq| booked(seq, "bob")).collect());
    // A beat may come before they notice.
    let (messages, position) = slow.so_far();
    assert_eq!(messages.len(), 2);
    assert!(position <= Some(Seq(2)), "{position:?}");
}

#[test]
fn a_gap_is_told_to_all_of_the_shard_and_to_no_other() {
    let hub = hub();
    let mut ours = hub.subscribe(alice(), Interest::default(), None).unwrap();
    let elsewhere = (2..1_000).map(TenantId::from_u128).find(|id| Shard::of(*id) != shard()).unwrap();
    let theirs = Caller { tenant: elsewhere, ..alice() };
    let mut theirs = hub.subscribe(theirs, all(), None).unwrap();
    hub.gap(shard(), Seq(40));
    assert_eq!(heard(&mut ours), [serde_json::json!({"type": "resync", "seq": 40})]);
    assert!(heard(&mut theirs).is_empty());
    assert_eq!(ours.so_far(), (vec![], Some(Seq(40))));
}

#[test]
fn a_change_that_this_version_cannot_read_is_not_missed_in_silence() {
    let hub = hub();
    let mut alice = hub.subscribe(alice(), Interest::default(), None).unwrap();
    let strange = Entry {
        seq: Seq(1),
        tenant_id: DEFAULT_TENANT,
        wire: r#"{"type":"weather_changed","seq":1}"#.into(),
    };
    hub.publish(shard(), vec![strange, booked(2, "alice")]);
    assert_eq!(heard(&mut alice)[0], serde_json::json!({"type": "resync", "seq": 1}));
    assert_eq!(alice.so_far(), (vec![], Some(Seq(2))));
}

#[test]
fn a_position_comes_with_everything_that_it_covers() {
    let hub = hub();
    let mut alice = hub.subscribe(alice(), Interest::default(), None).unwrap();
    hub.publish(shard(), vec![booked(1, "alice"), booked(2, "alice"), booked(3, "bob")]);
    let (messages, position) = alice.so_far();
    assert_eq!((messages.len(), position), (2, Some(Seq(3))));
}

#[test]
fn a_position_is_never_before_what_comes_with_it() {
    const LAST: i64 = 5_000;
    let hub = hub_at(0, &["--socket-queue", "5000"], None);
    let mut alice = hub.subscribe(alice(), all(), None).unwrap();
    let publisher = thread::spawn({
        let hub = Arc::clone(&hub);
        move || (1..=LAST).for_each(|seq| hub.publish(shard(), vec![booked(seq, "bob")]))
    });
    let mut end = Seq(0);
    while end < Seq(LAST) {
        let (messages, position) = alice.so_far();
        end = messages.last().map_or(end, |message| message.seq);
        assert_eq!(position, Some(end));
    }
    publisher.join().unwrap();
}

#[test]
fn nobody_is_let_in_before_it_is_known_where_the_log_stands() {
    let hub = Arc::new(Hub::new(&hubs::settings(&[]), None));
    assert!(hub.subscribe(alice(), all(), None).is_none());
}

#[test]
fn who_comes_in_the_middle_hears_all_that_is_after_what_they_were_told() {
    const LAST: i64 = 2_000;
    let hub = hub_at(0, &["--socket-queue", "5000"], None);
    let publisher = thread::spawn({
        let hub = Arc::clone(&hub);
        move || (1..=LAST).for_each(|seq| hub.publish(shard(), vec![booked(seq, "bob")]))
    });
    let mut subscriptions = Vec::new();
    while !publisher.is_finished() && subscriptions.len() < 20 {
        subscriptions.push(hub.subscribe(alice(), all(), None).unwrap());
    }
    publisher.join().unwrap();
    for mut subscription in subscriptions {
        let expected: Vec<i64> = (subscription.from.0 + 1..=LAST).collect();
        assert_eq!(seqs(&mut subscription), expected);
    }
    assert_eq!(hub.subscribers(), 0);
}

//! What is left of a section, told to those who watch it: the newest, not too often, and to nobody's cost.
#![expect(clippy::unwrap_used, reason = "clippy takes a helper of a test for no test")]

mod common;
mod hubs;
mod seats;

use std::{sync::Arc, thread, time::Duration};

use common::{booked, shard, user, venue_of};
use holdfast_domain::{Caller, Seq, Shard, TenantId};
use holdfast_notifier::{Hub, Interest, Message, Subscription};
use holdfast_stream::Entry;
use hubs::hub_at;
use seats::{event, held};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Longer than a section rests.
const REST: Duration = Duration::from_millis(250);

/// How often it is looked what has come, in milliseconds: each is seen so much too late at most.
const LOOK_MILLIS: u64 = 3;

/// A hub whose clock goes.
fn hub(arguments: &[&str]) -> Arc<Hub> {
    let hub = hub_at(0, arguments, None);
    tokio::spawn({
        let hub = Arc::clone(&hub);
        async move { hub.tell_hints(CancellationToken::new()).await }
    });
    hub
}

fn all() -> Interest {
    Interest { is_all: true, ..Interest::default() }
}

fn watcher(hub: &Arc<Hub>) -> Subscription {
    let interest = Interest { events: vec![event(1)], ..Interest::default() };
    hub.subscribe(Caller::open(None), interest, None).unwrap()
}

/// How many of the section are held, of a hint or a change of what is reserved.
fn held_of(message: &Message) -> i64 {
    let message: Value = serde_json::from_str(message.text()).unwrap();
    let data = &message["data"];
    data["held"].as_i64().or_else(|| data["sections"][0]["held"].as_i64()).unwrap()
}

/// What the hints say that there are, as many as have come.
fn hints(subscription: &mut Subscription) -> Vec<i64> {
    let (messages, _) = subscription.so_far();
    messages.iter().filter(|message| message.seq().is_none()).map(held_of).collect()
}

#[tokio::test(start_paused = true)]
async fn whoever_asked_for_the_event_its_venue_or_all_is_told_and_whose_reservation_it_is_is_not() {
    let hub = hub(&[]);
    let of = |interest| hub.subscribe(Caller::open(Some(user("alice"))), interest, None).unwrap();
    let mut watching = [
        of(Interest { events: vec![event(1)], ..Interest::default() }),
        of(Interest { venues: vec![venue_of(1)], events: vec![event(1)], ..Interest::default() }),
        of(Interest { venues: vec![venue_of(1)], ..Interest::default() }),
        of(all()),
    ];
    let mut others =
        [of(Interest::default()), of(Interest { events: vec![event(2)], ..Interest::default() })];
    hub.publish(shard(), vec![held(1, "alice", 1, 1), held(2, "alice", 1, 2)]);
    sleep(REST).await;
    assert!(watching.iter_mut().all(|watching| hints(watching) == [1, 2]));
    assert!(others.iter_mut().all(|other| hints(other).is_empty()));
}

#[tokio::test(start_paused = true)]
async fn the_first_comes_right_behind_its_change_and_of_a_flood_five_a_second_and_the_last() {
    let (hub, began) = (hub(&[]), Instant::now());
    let mut watcher = watcher(&hub);
    let mut told = Vec::new();
    for held in 1..=1_000 {
        hub.publish(shard(), vec![seats::held(held.into(), "bob", 1, held)]);
        let (messages, _) = watcher.so_far();
        if held == 1 {
            let kinds: Vec<_> = messages.iter().map(Message::kind).collect();
            assert_eq!(kinds, ["reservation_held", "availability_changed"]);
        }
        let hints = messages.iter().filter(|message| message.seq().is_none()).map(held_of);
        told.extend(hints.map(|held| (began.elapsed(), held)));
        sleep(Duration::from_millis(LOOK_MILLIS)).await;
    }
    for (from, _) in &told {
        let second = *from..*from + Duration::from_millis(1_000 - LOOK_MILLIS);
        assert!(told.iter().filter(|(at, _)| second.contains(at)).count() <= 5, "{told:?}");
    }
    assert!(told.len() >= 14, "in three seconds: {told:?}");
    sleep(REST).await;
    assert_eq!(hints(&mut watcher), [1_000]);
    sleep(REST * 2).await;
    assert!(hints(&mut watcher).is_empty(), "nothing is new");
}

#[tokio::test(start_paused = true)]
async fn a_hint_has_no_position_and_changes_none() {
    let hub = hub(&[]);
    let mut watcher = watcher(&hub);
    hub.publish(shard(), vec![held(1, "bob", 1, 1), held(2, "bob", 1, 2), booked(3, "bob")]);
    let (messages, position) = watcher.so_far();
    let seqs: Vec<_> = messages.iter().map(Message::seq).collect();
    assert_eq!((seqs, position), (vec![Some(Seq(1)), None, Some(Seq(2))], Some(Seq(3))));
    sleep(REST).await;
    let (messages, position) = watcher.so_far();
    let seqs: Vec<_> = messages.iter().map(Message::seq).collect();
    assert_eq!((seqs, position), (vec![None], Some(Seq(3))));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_slow_is_told_no_hint_where_a_change_needs_the_room() {
    let hub = hub(&["--socket-queue", "8"]);
    let mut slow = hub.subscribe(Caller::open(None), all(), None).unwrap();
    // Each of another section, so that each has a hint.
    hub.publish(shard(), (1..=6).map(|seq| held(seq.into(), "bob", seq.try_into().unwrap(), seq)).collect());
    assert_eq!(hub.subscribers(), 1, "let go for the sake of a hint");
    let (messages, _) = slow.so_far();
    let changes: Vec<_> = messages.iter().filter_map(Message::seq).collect();
    assert_eq!(changes, (1..=6).map(Seq).collect::<Vec<_>>());
    assert_eq!(messages.len(), 8, "as many hints as had room");
}

#[tokio::test(start_paused = true)]
async fn whoever_catches_up_is_told_none_until_they_have() {
    let hub = hub(&[]);
    hub.publish(shard(), (1..=3).map(|seq| held(seq, "bob", 1, 1)).collect());
    let mut others = watcher(&hub);
    let mut back = hub.subscribe(Caller::open(None), all(), Some(Seq(0))).unwrap();
    let mut told = vec![back.next().await.unwrap()];
    hub.publish(shard(), vec![held(4, "bob", 1, 4), held(5, "bob", 1, 5)]);
    sleep(REST).await;
    assert_eq!(hints(&mut others), [4, 5]);
    while told.last().unwrap().kind() != "position" {
        told.push(back.next().await.unwrap());
    }
    assert!(told.iter().all(|message| message.seq().is_some()), "{told:?}");
    hub.publish(shard(), vec![held(6, "bob", 1, 6)]);
    sleep(REST).await;
    assert_eq!(hints(&mut back), [6]);
}

#[tokio::test(start_paused = true)]
async fn what_may_have_become_untrue_unseen_is_not_told_after_the_resync() {
    let hub = hub(&[]);
    let mut watcher = watcher(&hub);
    hub.publish(shard(), vec![held(1, "bob", 1, 1), held(2, "bob", 1, 2)]);
    hub.gap(shard(), Seq(40));
    sleep(REST).await;
    assert_eq!(hints(&mut watcher), [1]);
    let unreadable = Entry { wire: "?".into(), ..held(43, "bob", 1, 5) };
    hub.publish(shard(), vec![held(41, "bob", 1, 3), held(42, "bob", 1, 4), unreadable]);
    sleep(REST).await;
    assert_eq!(hints(&mut watcher), [3]);
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_for_those_who_are_gone_is_not_told_to_who_comes_after_them() {
    let hub = hub(&[]);
    let gone = watcher(&hub);
    hub.publish(shard(), vec![held(1, "bob", 1, 1), held(2, "bob", 1, 2)]);
    drop(gone);
    // Nobody is there to be told, so nobody looks.
    hub.publish(shard(), vec![held(3, "bob", 1, 3)]);
    let mut watcher = watcher(&hub);
    sleep(REST).await;
    assert!(hints(&mut watcher).is_empty());
}

#[tokio::test(start_paused = true)]
async fn another_tenant_is_told_nothing_though_the_section_has_the_same_id() {
    let hub = hub(&[]);
    let mut ours = hub.subscribe(Caller::open(None), all(), None).unwrap();
    let neighbour = (2..1_000).map(TenantId::from_u128).find(|id| Shard::of(*id) == shard()).unwrap();
    let theirs = |seq, held| Entry { tenant_id: neighbour, ..seats::held(seq, "bob", 1, held) };
    let caller = Caller { tenant: neighbour, ..Caller::open(None) };
    let mut neighbour = hub.subscribe(caller, all(), None).unwrap();
    hub.publish(shard(), vec![held(1, "bob", 1, 1), theirs(2, 2), theirs(3, 3)]);
    sleep(REST).await;
    assert_eq!((hints(&mut ours), hints(&mut neighbour)), (vec![1], vec![2, 3]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_much_is_going_on_a_hint_says_what_the_change_before_it_said_and_no_change_is_missed() {
    const LAST: i32 = 3_000;
    // With room for all that comes, and with so little that they are left behind again and again.
    for queue in ["20000", "3"] {
        let hub = hub(&["--socket-queue", queue]);
        let mut watcher = watcher(&hub);
        let publisher = thread::spawn(move || {
            for held in 1..=LAST {
                hub.publish(shard(), vec![seats::held(held.into(), "bob", 1, held)]);
                // A pace, so that hints wait meanwhile; nothing is expected of how long it takes.
                thread::sleep(Duration::from_micros(100));
            }
        });
        let (mut last, mut count) = (0, 0);
        while last < LAST.into() {
            let message = timeout(Duration::from_secs(20), watcher.next()).await.unwrap().unwrap();
            match message.kind() {
                "position" => {}
                "reservation_held" => {
                    assert_eq!(held_of(&message), last + 1);
                    last += 1;
                }
                _ => {
                    assert_eq!(held_of(&message), last);
                    count += 1;
                }
            }
        }
        assert!(count > 0, "no hint at all");
        publisher.join().unwrap();
    }
}

//! Who hears what, without any socket.
#![expect(clippy::unwrap_used, reason = "clippy takes a helper of a test for no test")]

mod common;
mod hubs;
mod places;
mod seats;
mod waiting;

use std::{sync::Arc, thread};

use common::{AT, booked, change, entry, resource, shard, user, venue_of};
use holdfast_domain::{
    Caller, Change, DEFAULT_TENANT, Event, EventStatus, EventTitle, Fact, Reservation, Roles, Seq, Shard,
    TenantId, reservation::State,
};
use holdfast_notifier::{Hub, Interest, Subscription};
use holdfast_stream::Entry;
use hubs::hub_at;
use places::made;
use seats::{event, held};
use serde_json::Value;
use waiting::{joined, offered};

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
    messages.iter().map(|message| serde_json::from_str(message.text()).unwrap()).collect()
}

/// Of what stands in the log.
fn seqs(subscription: &mut Subscription) -> Vec<i64> {
    let seq = |message: Value| message["seq"].as_i64();
    heard(subscription).into_iter().filter_map(seq).collect()
}

/// This event's being made.
fn announced(seq: i64, event_number: u128) -> Entry {
    let event = Event {
        id: event(event_number),
        venue_id: venue_of(event_number),
        title: EventTitle::parse("Fest").unwrap(),
        event_date: AT.date(),
        starts_at: None,
        ends_at: None,
        status: EventStatus::Open,
        sale_opens_at: None,
        sale_closes_at: None,
        units_per_user: None,
        sections: Vec::new(),
        version: 1,
        created_at: AT,
        updated_at: AT,
    };
    entry(DEFAULT_TENANT, seq, Some("somebody"), &Fact::EventCreated { event, seats_added: Vec::new() })
}

/// The end of what `owner` held of event 1.
fn expired(seq: i64, owner: &str) -> Entry {
    let held = Change::from_wire(DEFAULT_TENANT, &held(seq, owner, 1, 0).wire).unwrap();
    let Fact::ReservationHeld { reservation, sections } = held.fact else { panic!("{held:?}") };
    let reservation = Reservation { state: State::Expired { expires_at: AT }, ..reservation };
    entry(DEFAULT_TENANT, seq, None, &Fact::ReservationExpired { reservation, sections })
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
    let interest = Interest { resources: vec![resource(2), resource(2)], ..Interest::default() };
    let mut alice = hub.subscribe(alice(), interest, None).unwrap();
    let of = |seq, owner, resource| change(DEFAULT_TENANT, seq, owner, owner, resource, "x");
    hub.publish(shard(), vec![of(1, "alice", 1), of(2, "bob", 2), of(3, "bob", 3), of(4, "alice", 2)]);
    assert_eq!(seqs(&mut alice), [1, 2, 4]);
}

#[test]
fn a_venue_adds_all_that_is_there_and_the_venue_itself_and_nothing_elsewhere() {
    let hub = hub();
    let interest =
        Interest { resources: vec![resource(1)], venues: vec![venue_of(1)], ..Interest::default() };
    let mut alice = hub.subscribe(alice(), interest, None).unwrap();
    let of = |seq, resource| change(DEFAULT_TENANT, seq, "bob", "bob", resource, "x");
    let there =
        vec![of(1, 1), of(2, 2), made(3, 2, false), made(4, 2, true), announced(5, 2), held(6, "bob", 1, 1)];
    let elsewhere =
        vec![of(7, 3), made(8, 3, false), made(9, 3, true), announced(10, 3), held(11, "bob", 3, 1)];
    hub.publish(shard(), [there, elsewhere, vec![of(12, 2)]].concat());
    assert_eq!(seqs(&mut alice), [1, 2, 3, 4, 5, 6, 12]);
}

#[test]
fn an_event_adds_all_that_is_reserved_of_it_and_the_event_itself_and_no_other_event() {
    let hub = hub();
    let interest = Interest { events: vec![event(1), event(1)], ..Interest::default() };
    let mut alice = hub.subscribe(alice(), interest, None).unwrap();
    let of_another = vec![announced(1, 2), held(2, "bob", 2, 1), made(3, 1, true), booked(4, "bob")];
    let of_it = vec![announced(5, 1), held(6, "bob", 1, 1), expired(7, "bob"), held(8, "alice", 1, 1)];
    hub.publish(shard(), [of_another, of_it].concat());
    assert_eq!(seqs(&mut alice), [5, 6, 7, 8]);
}

#[test]
fn a_subscriber_hears_of_their_own_reservations_though_nobody_did_it_and_of_nobody_elses() {
    let hub = hub();
    let mut alice = hub.subscribe(alice(), Interest::default(), None).unwrap();
    let of_alice = vec![held(1, "alice", 1, 1), expired(2, "alice")];
    hub.publish(shard(), [of_alice, vec![held(3, "bob", 1, 1), expired(4, "bob")]].concat());
    assert_eq!(seqs(&mut alice), [1, 2]);
}

#[test]
fn of_an_event_a_stranger_hears_what_is_taken_and_not_by_whom() {
    let hub = hub();
    let stranger = Caller { roles: Roles::NONE, ..alice() };
    let interest = Interest { events: vec![event(1)], ..Interest::default() };
    let mut stranger = hub.subscribe(stranger, interest, None).unwrap();
    hub.publish(shard(), vec![held(1, "bob", 1, 4)]);
    let message = heard(&mut stranger).remove(0);
    let reservation = message["data"]["reservation"].as_object().unwrap();
    assert_eq!(reservation.keys().collect::<Vec<_>>(), ["event_id", "id", "status", "units"]);
    assert_eq!(message["data"]["sections"][0]["available"], 9_996);
}

#[test]
fn who_waits_is_told_of_the_offer_whole_though_nobody_made_it_and_a_stranger_only_that_there_is_one() {
    let hub = hub();
    let roleless = |caller: Caller| Caller { roles: Roles::NONE, ..caller };
    let mut owner = hub.subscribe(roleless(alice()), Interest::default(), None).unwrap();
    let of_event = Interest { events: vec![event(1)], ..Interest::default() };
    let carol = roleless(Caller::open(Some(user("carol"))));
    let mut stranger = hub.subscribe(carol.clone(), of_event, None).unwrap();
    let mut elsewhere = hub.subscribe(carol, Interest::default(), None).unwrap();
    hub.publish(shard(), vec![joined(1, "alice", 1), joined(2, "bob", 2), offered(3, "alice", 1)]);

    let told = heard(&mut owner);
    let types: Vec<_> = told.iter().map(|message| &message["type"]).collect();
    assert_eq!(types, ["waitlist_joined", "waitlist_offered"]);
    let entry = &told[1]["data"]["waitlist_entry"];
    assert_eq!((&entry["status"], &entry["user_id"]), (&"OFFERED".into(), &"alice".into()));
    assert!(entry["reservation_id"].is_string() && entry["expires_at"].is_string(), "{entry}");

    let told = heard(&mut stranger);
    assert_eq!(told.iter().map(|message| message["seq"].as_i64()).collect::<Vec<_>>(), [Some(1), Some(3)]);
    let entry = told[1]["data"]["waitlist_entry"].as_object().unwrap();
    assert_eq!(entry.keys().collect::<Vec<_>>(), ["event_id", "id", "status"]);
    assert!(told.iter().all(|message| message["actor"].is_null() && !message.to_string().contains("alice")));
    assert!(heard(&mut elsewhere).is_empty());
}

#[test]
fn of_a_venue_a_stranger_hears_what_they_may_see_and_no_more() {
    let hub = hub();
    let stranger = Caller { roles: Roles::NONE, ..alice() };
    let interest = Interest { venues: vec![venue_of(1)], ..Interest::default() };
    let mut stranger = hub.subscribe(stranger, interest, None).unwrap();
    hub.publish(shard(), vec![booked(1, "bob")]);
    let message = heard(&mut stranger).remove(0);
    let booking = message["data"]["booking"].as_object().unwrap();
    assert_eq!(booking.keys().collect::<Vec<_>>(), ["end_time", "id", "resource_id", "start_time", "status"]);
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
fn whoever_does_not_take_their_messages_is_let_go_and_slows_nobody() {
    let hub = hub_at(0, &["--socket-queue", "2"], None);
    let mut slow = hub.subscribe(alice(), all(), None).unwrap();
    let mut quick = hub.subscribe(alice(), all(), None).unwrap();
    for seq in 1..=3 {
        hub.publish(shard(), vec![booked(seq, "bob")]);
        assert_eq!(seqs(&mut quick), [seq]);
    }
    assert_eq!(hub.subscribers(), 1);
    let (messages, position) = slow.so_far();
    assert_eq!((messages.len(), position), (2, Some(Seq(2))), "no position beyond what they were told");
}

#[test]
fn who_is_left_behind_is_told_the_position_of_what_they_have_and_no_further() {
    let hub = hub_at(0, &["--socket-queue", "2"], None);
    let mut slow = hub.subscribe(alice(), all(), None).unwrap();
    hub.publish(shard(), (1..=3).map(|seq| booked(seq, "bob")).collect());
    // A beat may come before they go on.
    let (messages, position) = slow.so_far();
    assert_eq!((messages.len(), position), (2, Some(Seq(2))));
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

//! What a client asks for on an open socket, and from where to where it is told of it.

use std::{sync::Arc, time::Duration};

use futures_util::SinkExt;
use holdfast_domain::{DEFAULT_TENANT, SectionId};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    Client,
    common::{booked, change, resource, shard, venue_of},
    places::made,
    seats::{event, held},
    server::{Running, start},
};

impl Client {
    /// The next message that stands in the log.
    async fn placed(&mut self) -> Value {
        loop {
            let message = self.message().await;
            if message.get("seq").is_some() {
                return message;
            }
        }
    }

    async fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_subscribes_and_unsubscribes_on_the_open_socket_and_is_told_from_where() {
    let running = start(&[]);
    let mut client = running.connect("/api/v1/ws").await;
    running.hub.publish(shard(), vec![booked(17, "bob")]);
    client.say(&json!({"type": "subscribe", "id": "a", "resources": [resource(1)]})).await;
    assert_eq!(client.message().await, json!({"type": "subscribed", "id": "a", "seq": 17}));
    running.hub.publish(shard(), vec![booked(18, "bob"), change(DEFAULT_TENANT, 19, "bob", "bob", 2, "x")]);
    assert_eq!(client.message().await["seq"], 18);
    client.say(&json!({"type": "unsubscribe", "id": "b", "resources": [resource(1)]})).await;
    assert_eq!(client.message().await, json!({"type": "unsubscribed", "id": "b", "seq": 19}));
    client.say(&json!({"type": "subscribe", "id": "c", "all": true})).await;
    assert_eq!(client.message().await, json!({"type": "subscribed", "id": "c", "seq": 19}));
    running.hub.publish(shard(), vec![booked(20, "bob")]);
    assert_eq!(client.message().await["seq"], 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_follows_a_venue_from_the_start_or_from_when_it_says_so_until_it_says_no() {
    let running = start(&[]);
    let mut from_start = running.connect(&format!("/api/v1/ws?venue={}", venue_of(1))).await;
    let mut later = running.connect("/api/v1/ws").await;
    running.hub.publish(shard(), vec![made(17, 2, true)]);
    later.say(&json!({"type": "subscribe", "id": "a", "venues": [venue_of(1)]})).await;
    assert_eq!(later.message().await, json!({"type": "subscribed", "id": "a", "seq": 17}));
    let elsewhere = change(DEFAULT_TENANT, 18, "bob", "bob", 3, "x");
    running.hub.publish(shard(), vec![elsewhere, booked(19, "bob")]);
    assert_eq!(later.message().await["seq"], 19);
    later.say(&json!({"type": "unsubscribe", "id": "b", "venues": [venue_of(1)]})).await;
    assert_eq!(later.message().await, json!({"type": "unsubscribed", "id": "b", "seq": 19}));
    running.hub.publish(shard(), vec![made(20, 1, false)]);
    later.say(&json!({"type": "unsubscribe", "id": "c"})).await;
    assert_eq!(later.message().await, json!({"type": "unsubscribed", "id": "c", "seq": 20}));
    for seq in [17, 19, 20] {
        assert_eq!(from_start.message().await["seq"], seq);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_follows_an_event_from_the_start_or_from_when_it_says_so_until_it_says_no() {
    let running = start(&[]);
    let mut from_start = running.connect(&format!("/api/v1/ws?event={}", event(1))).await;
    let mut later = running.connect("/api/v1/ws").await;
    running.hub.publish(shard(), vec![held(17, "bob", 1, 1)]);
    later.say(&json!({"type": "subscribe", "id": "a", "events": [event(1)]})).await;
    assert_eq!(later.placed().await, json!({"type": "subscribed", "id": "a", "seq": 17}));
    running.hub.publish(shard(), vec![held(18, "bob", 2, 1), held(19, "bob", 1, 2)]);
    assert_eq!(later.placed().await["seq"], 19);
    later.say(&json!({"type": "unsubscribe", "id": "b", "events": [event(1)]})).await;
    assert_eq!(later.placed().await, json!({"type": "unsubscribed", "id": "b", "seq": 19}));
    running.hub.publish(shard(), vec![held(20, "bob", 1, 3)]);
    later.say(&json!({"type": "unsubscribe", "id": "c"})).await;
    assert_eq!(later.placed().await, json!({"type": "unsubscribed", "id": "c", "seq": 20}));
    for seq in [17, 19, 20] {
        assert_eq!(from_start.placed().await["seq"], seq);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_an_event_is_told_what_is_left_at_once_and_at_last_and_an_owner_is_not() {
    let running = start(&[]);
    let mut watcher = running.connect(&format!("/api/v1/ws?event={}", event(1))).await;
    let mut owner = running.connect("/api/v1/ws?user_id=bob").await;
    let left = |held: i32| {
        json!({"type": "availability_changed", "data": {
            "event_id": event(1), "section_id": SectionId::from_u128(101), "capacity": 10_000,
            "available": 10_000 - held, "held": held, "confirmed": 0,
        }})
    };
    running.hub.publish(shard(), vec![held(17, "bob", 1, 1)]);
    assert_eq!(watcher.message().await["seq"], 17);
    assert_eq!(watcher.message().await, left(1));
    running
        .hub
        .publish(shard(), (18..=20).map(|seq| held(seq, "bob", 1, i32::try_from(seq).unwrap())).collect());
    let mut last = Value::Null;
    while last != left(20) {
        last = watcher.message().await;
    }
    running.hub.publish(shard(), vec![booked(21, "bob")]);
    for seq in 17..=21 {
        assert_eq!(owner.message().await["seq"], seq, "a hint that they did not ask for");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_much_is_going_on_a_topic_begins_and_ends_exactly_where_the_answers_say() {
    for queue in ["10000", "2"] {
        // They take turns in reading; nobody is to be taken for dead meanwhile.
        let running = start(&["--socket-queue", queue, "--socket-beat-seconds", "20"]);
        topics_begin_and_end_where_the_answers_say(&running).await;
    }
}

/// Also where there is so little room that everybody is left behind again and again.
async fn topics_begin_and_end_where_the_answers_say(running: &Running) {
    const LAST: i64 = 6_000;
    let hub = Arc::clone(&running.hub);
    let mut clients = Vec::new();
    for query in ["user_id=alice", "user_id=alice&after=16"] {
        clients.push(running.connect(&format!("/api/v1/ws?{query}")).await);
    }
    let publisher = std::thread::spawn(move || {
        for seq in 17..=LAST {
            hub.publish(shard(), vec![booked(seq, if seq == LAST { "alice" } else { "bob" })]);
            // A pace, so that it goes on while they ask; nothing is expected of how long it takes.
            std::thread::sleep(Duration::from_micros(50));
        }
    });
    // One comes back in the middle of it.
    clients.push(running.connect("/api/v1/ws?user_id=alice&after=16").await);
    for mut client in clients {
        let (mut begun, mut expected) = (None, Vec::new());
        let mut told = Vec::new();
        let mut asked = 1;
        client.say(&json!({"type": "subscribe", "id": "on", "all": true})).await;
        // To the last change, and to the answer to each message.
        while told.last() != Some(&LAST) || asked > 0 {
            let message = client.message().await;
            let seq = message["seq"].as_i64().unwrap();
            match message["type"].as_str().unwrap() {
                "subscribed" => {
                    begun = Some(seq);
                    client.say(&json!({"type": "unsubscribe", "id": "off", "all": true})).await;
                }
                "unsubscribed" => {
                    expected.extend(begun.take().unwrap() + 1..=seq);
                    asked = if asked < 8 { asked + 1 } else { 0 };
                    if asked > 0 {
                        client.say(&json!({"type": "subscribe", "id": "on", "all": true})).await;
                    }
                }
                "booking_created" => told.push(seq),
                other => panic!("{other}"),
            }
        }
        // Their own is told in any case.
        expected.push(LAST);
        expected.dedup();
        assert_eq!(told, expected);
    }
    publisher.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_may_not_have_is_refused_and_it_keeps_what_it_had() {
    let running = start(&[]);
    let mut client = running.connect(&format!("/api/v1/ws?resource={}", resource(1))).await;
    let more: Vec<_> = (2..65).map(resource).collect();
    client.say(&json!({"type": "subscribe", "id": "a", "resources": more, "venues": [venue_of(1)]})).await;
    let refusal = client.message().await;
    assert_eq!(
        (&refusal["type"], &refusal["id"], &refusal["code"]),
        (&json!("error"), &json!("a"), &json!("too_many"))
    );
    client.say(&json!({"type": "subscribe", "id": "b", "resources": ["Raum1"]})).await;
    assert_eq!(client.message().await["code"], "bad_message");
    running.hub.publish(shard(), vec![change(DEFAULT_TENANT, 17, "bob", "bob", 2, "x"), booked(18, "bob")]);
    assert_eq!(client.message().await["seq"], 18);
}

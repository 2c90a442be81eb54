//! Events over a real listener, with a hub that the test feeds.
#![expect(clippy::unwrap_used, reason = "clippy takes a helper of a test for no test")]

mod common;
mod seats;
mod server;

use common::{booked, shard};
use reqwest::Response;
use seats::{event, held};
use serde_json::{Value, json};
use server::{Running, soon, start};

/// A stream of events that is being read.
struct Events {
    response: Response,
    read: String,
}

/// An event, or something else that stands between two empty lines.
#[derive(Debug, Default)]
struct Event {
    kind: String,
    id: Option<i64>,
    data: Value,
    retry: Option<u64>,
    is_comment: bool,
}

async fn ask(running: &Running, query: &str, last: Option<&str>) -> Response {
    let url = format!("http://{}/api/v1/sse?{query}", running.address);
    let mut request = reqwest::Client::new().get(url);
    if let Some(last) = last {
        request = request.header("Last-Event-ID", last);
    }
    soon(request.send()).await.unwrap()
}

async fn listen(running: &Running, query: &str, last: Option<&str>) -> Events {
    let response = ask(running, query, last).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    Events { response, read: String::new() }
}

impl Events {
    /// The next that there is, whatever it is; nothing at the end.
    async fn any(&mut self) -> Option<Event> {
        let whole = loop {
            if let Some((whole, rest)) = self.read.split_once("\n\n") {
                let (whole, rest) = (whole.to_owned(), rest.to_owned());
                self.read = rest;
                break whole;
            }
            let piece = soon(self.response.chunk()).await.unwrap()?;
            self.read.push_str(str::from_utf8(&piece).unwrap());
        };
        let mut event = Event::default();
        for line in whole.lines() {
            match line.split_once(": ").unwrap_or((line, "")) {
                ("event", kind) => event.kind.push_str(kind),
                ("id", id) => event.id = Some(id.parse().unwrap()),
                ("data", data) => event.data = serde_json::from_str(data).unwrap(),
                ("retry", millis) => event.retry = Some(millis.parse().unwrap()),
                (":", _) => event.is_comment = true,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(event.kind, event.data["type"].as_str().unwrap_or_default());
        assert_eq!(event.id, event.data["seq"].as_i64());
        Some(event)
    }

    /// The next event that is not about a position.
    async fn next(&mut self) -> Value {
        loop {
            let event = self.any().await.expect("it goes on");
            if !event.kind.is_empty() && event.kind != "position" {
                return event.data;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_what_a_socket_tells_with_type_and_position() {
    let running = start(&[]);
    let mut events = listen(&running, "user_id=alice", None).await;
    assert!(events.any().await.unwrap().retry.is_some());
    assert_eq!(events.next().await, json!({"type": "hello", "seq": 16}));
    running.hub.publish(shard(), vec![booked(17, "alice"), booked(18, "bob"), booked(19, "alice")]);
    for seq in [17, 19] {
        let change = events.next().await;
        assert_eq!((&change["type"], &change["seq"]), (&json!("booking_created"), &json!(seq)));
        assert_eq!(change["data"]["booking"]["user_id"], "alice");
    }
    running.hub.gap(shard(), holdfast_domain::Seq(30));
    assert_eq!(events.next().await, json!({"type": "resync", "seq": 30}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hint_has_no_id_so_that_whoever_comes_back_does_so_from_the_last_change() {
    let running = start(&[]);
    let mut events = listen(&running, &format!("event={}", event(1)), None).await;
    running.hub.publish(shard(), vec![held(17, "bob", 1, 1)]);
    let mut told = Vec::new();
    while told.last() != Some(&("availability_changed".to_owned(), None)) {
        let event = events.any().await.unwrap();
        told.push((event.kind, event.id));
    }
    assert!(told.contains(&("reservation_held".to_owned(), Some(17))), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_stream_has_comments_and_says_where_it_stands() {
    let running = start(&[]);
    let mut events = listen(&running, "", None).await;
    running.hub.publish(shard(), vec![booked(17, "bob")]);
    while !events.any().await.unwrap().is_comment {}
    assert_eq!(events.any().await.unwrap().data, json!({"type": "position", "seq": 17}));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_gets_what_they_missed_and_the_last_event_goes_before_the_query() {
    let running = start(&[]);
    running.hub.publish(shard(), (17..=117).map(|seq| booked(seq, "bob")).collect());
    for (query, last, from) in [
        ("topic=all&after=20", None, 20),
        ("topic=all", Some("50"), 50),
        ("topic=all&after=20", Some("117"), 117),
    ] {
        let mut events = listen(&running, query, last).await;
        assert_eq!(events.next().await, json!({"type": "hello", "seq": from}));
        for seq in from + 1..=117 {
            assert_eq!(events.next().await["seq"], seq);
        }
        assert_eq!(events.any().await.unwrap().data, json!({"type": "position", "seq": 117}));
    }
    let mut lost = listen(&running, "topic=all", Some("3")).await;
    assert_eq!(lost.next().await["type"], "hello");
    assert_eq!(lost.next().await, json!({"type": "resync", "seq": 117}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_event_that_is_no_position_is_refused() {
    let running = start(&[]);
    for last in ["x", "-1", "", "1,2"] {
        let response = ask(&running, "", Some(last)).await;
        assert_eq!(response.status(), 400, "{last}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["fields"][0]["field"], "Last-Event-ID", "{last}");
    }
    assert_eq!(running.hub.subscribers(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_take_the_places_of_sockets_and_give_them_back() {
    let running = start(&["--sockets-max", "1"]);
    let first = listen(&running, "", None).await;
    assert_eq!(ask(&running, "", None).await.status(), 503);
    drop(first);
    running.until_subscribers_are(0).await;
    soon(async { while ask(&running, "", None).await.status() != 200 {} }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_stop_each_is_told_when_to_come_back_and_the_server_ends() {
    let running = start(&[]);
    let mut listening = Vec::new();
    for _ in 0..5 {
        let mut events = listen(&running, "", None).await;
        assert_eq!(events.next().await["type"], "hello");
        listening.push(events);
    }
    running.stopping.cancel();
    let mut times = Vec::new();
    for events in &mut listening {
        while let Some(event) = events.any().await {
            times.extend(event.retry);
        }
    }
    assert_eq!(times.len(), 5);
    times.dedup();
    assert!(times.len() > 1, "all at once: {times:?}");
    soon(running.server).await.unwrap().unwrap();
}

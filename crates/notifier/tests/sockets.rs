//! Sockets over a real listener, with a hub that the test feeds.
#![expect(clippy::unwrap_used, reason = "clippy takes a helper of a test for no test")]

mod common;
mod places;
mod seats;
mod server;
mod topics;

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use common::{booked, change, shard};
use futures_util::{SinkExt, StreamExt};
use holdfast_domain::DEFAULT_TENANT;
use holdfast_stream::Entry;
use serde_json::{Value, json};
use server::{Running, soon, start};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async, connect_async,
    tungstenite::{
        Bytes, Error, Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Running {
    async fn try_connect(&self, path: &str) -> Result<Client, Error> {
        let (stream, _) = soon(connect_async(format!("ws://{}{path}", self.address))).await?;
        Ok(Client(stream))
    }

    /// Connects, and takes the hello.
    async fn connect(&self, path: &str) -> Client {
        let mut client = self.try_connect(path).await.unwrap();
        assert_eq!(client.message().await["type"], "hello");
        client
    }

    /// The same with little room for what is not read.
    async fn connect_narrowly(&self, path: &str) -> Client {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(65_536).unwrap();
        let stream = MaybeTlsStream::Plain(socket.connect(self.address).await.unwrap());
        let (stream, _) = soon(client_async(format!("ws://{}{path}", self.address), stream)).await.unwrap();
        let mut client = Client(stream);
        assert_eq!(client.message().await["type"], "hello");
        client
    }

    async fn refusal(&self, path: &str) -> (u16, Value) {
        let Err(Error::Http(answer)) = self.try_connect(path).await.map(|_| ()) else {
            panic!("{path} was not refused");
        };
        (answer.status().as_u16(), serde_json::from_slice(answer.body().as_deref().unwrap()).unwrap())
    }

    /// A client that does the handshake and then neither reads nor answers.
    async fn connect_and_freeze(&self) -> TcpStream {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let request = "GET /api/v1/ws?topic=all HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
        socket.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(socket.read_u8().await.unwrap(), b'H');
        self.until_subscribers_are(1).await;
        socket
    }
}

impl Client {
    /// The next message that is not about a position.
    async fn message(&mut self) -> Value {
        loop {
            let message = self.any_message().await;
            if message["type"] != "position" {
                return message;
            }
        }
    }

    async fn any_message(&mut self) -> Value {
        soon(async {
            loop {
                match self.0.next().await.unwrap().unwrap() {
                    Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                    Message::Close(frame) => panic!("closed: {frame:?}"),
                    _ => {}
                }
            }
        })
        .await
    }

    async fn close_code(&mut self) -> CloseCode {
        self.close().await.code
    }

    async fn close(&mut self) -> CloseFrame {
        soon(async {
            loop {
                if let Message::Close(frame) = self.0.next().await.unwrap().unwrap() {
                    return frame.unwrap();
                }
            }
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_begins_with_where_it_stands_and_goes_on_with_each_change() {
    let running = start(&[]);
    for path in ["/api/bookings/ws?user_id=alice", "/api/v1/ws?user_id=alice"] {
        let mut client = running.try_connect(path).await.unwrap();
        let hello = client.message().await;
        assert_eq!(hello["type"], "hello");
        let next = hello["seq"].as_i64().unwrap() + 1;
        running.hub.publish(shard(), vec![booked(next, "alice")]);
        let change = client.message().await;
        assert_eq!(change["type"], "booking_created");
        assert_eq!(change["seq"], next);
        assert_eq!(change["data"]["booking"]["user_id"], "alice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_client_learns_where_it_stands_after_all_that_it_asked_for() {
    let running = start(&[]);
    let mut client = running.connect("/api/v1/ws?user_id=alice").await;
    running.hub.publish(shard(), vec![booked(17, "alice"), booked(18, "bob")]);
    let mut messages = Vec::new();
    while messages.last() != Some(&json!({"type": "position", "seq": 18})) {
        messages.push(client.any_message().await);
    }
    assert!(messages.iter().any(|message| message["seq"] == 17), "{messages:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_comes_back_goes_on_where_it_was_and_is_told_when_it_has_caught_up() {
    let running = start(&[]);
    running.hub.publish(shard(), (17..=117).map(|seq| booked(seq, "alice")).collect());
    let mut client = running.try_connect("/api/v1/ws?user_id=alice&after=17").await.unwrap();
    assert_eq!(client.any_message().await, json!({"type": "hello", "seq": 17}));
    for seq in 18..=117 {
        assert_eq!(client.message().await["seq"], seq);
    }
    assert_eq!(client.any_message().await, json!({"type": "position", "seq": 117}));
    running.hub.publish(shard(), vec![booked(118, "alice")]);
    assert_eq!(client.message().await["seq"], 118);
    let mut lost = running.connect("/api/v1/ws?user_id=alice&after=3").await;
    assert_eq!(lost.message().await, json!({"type": "resync", "seq": 118}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_query_is_refused_before_the_upgrade() {
    let running = start(&[]);
    let (status, problem) = running.refusal("/api/v1/ws?resource=Raum1").await;
    assert_eq!((status, &problem["code"]), (400, &json!("bad_query")));
    assert_eq!(problem["fields"][0]["field"], "resource");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_request_is_refused_with_a_problem_document() {
    let running = start(&[]);
    let mut socket = TcpStream::connect(running.address).await.unwrap();
    let request = "GET /api/v1/ws HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(socket.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("problem+json"), "{answer}");
    assert_eq!(running.hub.subscribers(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_socket_too_many_is_busy_until_another_leaves() {
    let running = start(&["--sockets-max", "1"]);
    let first = running.connect("/api/v1/ws").await;
    let (status, problem) = running.refusal("/api/v1/ws").await;
    assert_eq!((status, &problem["code"]), (503, &json!("busy")));
    drop(first);
    soon(async { while running.try_connect("/api/v1/ws").await.is_err() {} }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_from_the_client_closes_with_the_reason() {
    let running = start(&[]);
    let cases = [
        (Message::text("hello"), CloseCode::Invalid),
        (Message::text("{}"), CloseCode::Policy),
        (Message::text(r#"{"type":"publish"}"#), CloseCode::Policy),
        (Message::binary(vec![1]), CloseCode::Unsupported),
        (Message::text("x".repeat(5_000)), CloseCode::Size),
    ];
    for (message, code) in cases {
        let mut client = running.connect("/api/v1/ws").await;
        client.0.send(message).await.unwrap();
        assert_eq!(client.close_code().await, code);
    }
    running.until_subscribers_are(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_says_too_much_is_closed() {
    let running = start(&[]);
    let mut client = running.connect("/api/v1/ws").await;
    for _ in 0..200 {
        // It may be closed already.
        let _ = client.0.send(Message::text(r#"{"type":"subscribe","id":"a"}"#)).await;
    }
    assert_eq!(client.close_code().await, CloseCode::Policy);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_stop_everybody_is_told_to_come_back_and_the_server_ends() {
    let running = start(&[]);
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(running.connect("/api/v1/ws?topic=all").await);
    }
    let asked = Instant::now();
    running.stopping.cancel();
    let mut times = HashSet::new();
    for client in &mut clients {
        let CloseFrame { code, reason } = client.close().await;
        assert_eq!(code, CloseCode::Away);
        let millis = reason.strip_prefix("reconnect in ").and_then(|rest| rest.strip_suffix(" ms"));
        times.insert(millis.unwrap().parse::<u32>().unwrap());
    }
    assert!(times.len() > 10, "all at once: {times:?}");
    soon(running.server).await.unwrap().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_answer_pings_is_dropped() {
    let running = start(&[]);
    let _frozen = running.connect_and_freeze().await;
    running.until_subscribers_are(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_cut_off_while_another_hears_everything() {
    let running = start(&["--socket-beat-seconds", "20", "--socket-queue", "64"]);
    let _frozen = running.connect_and_freeze().await;
    let mut quick = running.connect("/api/v1/ws?topic=all").await;
    let mut seq = 16;
    let title = "x".repeat(100);
    soon(async {
        while running.hub.subscribers() == 2 {
            seq += 1;
            running.hub.publish(shard(), vec![change(DEFAULT_TENANT, seq, "bob", "bob", 1, &title)]);
            assert_eq!(quick.message().await["seq"], seq);
        }
    })
    .await;
    assert_eq!(running.hub.subscribers(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_answer_waits_to_be_heard_while_much_is_told_is_not_taken_for_dead() {
    /// Enough that the server has to wait for room.
    const BURST: i64 = 600;
    let running = start(&["--socket-queue", "2000"]);
    let mut slow = running.connect_narrowly("/api/v1/ws?topic=all").await;
    let mut clock = running.connect("/api/v1/ws").await;
    let long = |seq| {
        let entry = booked(seq, "bob");
        Entry { wire: entry.wire + &" ".repeat(10_000), ..entry }
    };
    let mut seq = 16;
    for _ in 0..5 {
        soon(async { while !matches!(slow.0.next().await, Some(Ok(Message::Ping(_)))) {} }).await;
        running.hub.publish(shard(), (seq + 1..=seq + BURST).map(long).collect());
        // The answer to the ping.
        slow.0.flush().await.unwrap();
        // A beat and more passes, in which nothing is read.
        for _ in 0..2 {
            assert_eq!(clock.any_message().await["type"], "position");
        }
        for expected in seq + 1..=seq + BURST {
            assert_eq!(slow.message().await["seq"], expected);
        }
        seq += BURST;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_asked_for_are_messages_too() {
    let running = start(&[]);
    let mut client = running.connect("/api/v1/ws").await;
    for _ in 0..200 {
        // It may be closed already.
        let _ = client.0.send(Message::Pong(Bytes::new())).await;
    }
    assert_eq!(client.close_code().await, CloseCode::Policy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_cuts_off_nobody_who_reads() {
    const LAST: i64 = 416;
    let running = start(&["--socket-queue", "16"]);
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = running.connect("/api/v1/ws?topic=all").await;
        clients.push(tokio::spawn(async move {
            for seq in 17..=LAST {
                assert_eq!(client.message().await["seq"], seq);
            }
        }));
    }
    running.hub.publish(shard(), (17..=LAST).map(|seq| booked(seq, "bob")).collect());
    for client in clients {
        client.await.unwrap();
    }
}

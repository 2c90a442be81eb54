//! A subscriber on a socket. Whatever it is told is held against the API's document.

use std::{net::SocketAddr, time::Duration};

use futures_util::StreamExt;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

use crate::{Call, Contract};

/// How long a message may take.
const MESSAGE_WAIT: Duration = Duration::from_secs(30);

/// An open socket.
pub struct Socket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// What the hello said.
    pub from: i64,
}

impl Socket {
    /// Opens one with this query, and takes the hello.
    ///
    /// # Panics
    /// When it is refused, or begins with something else.
    pub async fn open(address: SocketAddr, query: &str) -> Self {
        Self::open_at(address, &format!("/api/bookings/ws?{query}")).await
    }

    /// The same by whole path.
    ///
    /// # Panics
    /// As `open`.
    pub async fn open_at(address: SocketAddr, path: &str) -> Self {
        let opened = connect_async(format!("ws://{address}{path}"));
        let (socket, answer) = timeout(MESSAGE_WAIT, opened).await.expect("an answer").unwrap();
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let (status, headers) = (answer.status().as_u16(), answer.headers());
        let call = Call { method: "GET", path, query: Vec::new(), sent: &[], status, headers, body: &[] };
        assert_eq!(Contract::of_holdfast().answered(&call), [""; 0], "not as documented");
        let mut socket = Self { socket, from: 0 };
        let hello = socket.any_message().await;
        assert_eq!(hello["type"], "hello");
        socket.from = hello["seq"].as_i64().unwrap();
        socket
    }

    /// The next message that is not about a position, and no hint, which has none.
    ///
    /// # Panics
    /// When none comes.
    pub async fn message(&mut self) -> Value {
        loop {
            let message = self.any_message().await;
            if message["type"] != "position" && message["type"] != "availability_changed" {
                return message;
            }
        }
    }

    /// Whatever comes until there is a message of this type about this booking; that one is the last.
    ///
    /// # Panics
    /// When it never comes.
    pub async fn until(&mut self, kind: &str, booking: &str) -> Vec<Value> {
        let mut messages = Vec::new();
        let heard = async {
            loop {
                let message = self.message().await;
                let is_it = message["type"] == kind && message["data"]["booking"]["id"] == booking;
                messages.push(message);
                if is_it {
                    break;
                }
            }
        };
        timeout(MESSAGE_WAIT, heard).await.unwrap_or_else(|_| panic!("no {kind} of {booking} came"));
        messages
    }

    /// The seqs of all changes up to this one, as they come.
    ///
    /// # Panics
    /// When they stop coming, or it is told to ask anew.
    pub async fn seqs_up_to(&mut self, last: i64) -> Vec<i64> {
        let mut seqs = Vec::new();
        while seqs.last().is_none_or(|seq| *seq < last) {
            let message = self.message().await;
            assert_ne!(message["type"], "resync");
            seqs.push(message["seq"].as_i64().unwrap());
        }
        seqs
    }

    /// Whatever comes until the line breaks.
    ///
    /// # Panics
    /// When it stays silent, or is told something that is not documented.
    pub async fn until_broken(&mut self) -> Vec<Value> {
        let mut messages = Vec::new();
        while let Some(Ok(frame)) = timeout(MESSAGE_WAIT, self.socket.next()).await.expect("a frame in time")
        {
            messages.extend(documented(&frame));
        }
        messages
    }

    /// The first message about this booking; nothing when the line breaks before.
    ///
    /// # Panics
    /// When it stays silent.
    pub async fn broken_or_told(&mut self, booking: &str) -> Option<Value> {
        loop {
            let frame = timeout(MESSAGE_WAIT, self.socket.next()).await.expect("a frame in time")?.ok()?;
            let told = documented(&frame).filter(|message| message["data"]["booking"]["id"] == booking);
            if told.is_some() {
                return told;
            }
        }
    }

    /// The code with which it is closed, whatever comes before.
    ///
    /// # Panics
    /// When it is not closed, or without a reason.
    pub async fn close_code(&mut self) -> CloseCode {
        let closed = async {
            loop {
                if let Message::Close(frame) = self.frame().await {
                    return frame.unwrap().code;
                }
            }
        };
        timeout(MESSAGE_WAIT, closed).await.expect("a close")
    }

    async fn any_message(&mut self) -> Value {
        loop {
            if let Some(message) = documented(&self.frame().await) {
                return message;
            }
        }
    }

    async fn frame(&mut self) -> Message {
        let frame = timeout(MESSAGE_WAIT, self.socket.next()).await;
        frame.expect("a frame in time").expect("an open socket").unwrap()
    }
}

/// The message in a frame, which is as the document says.
fn documented(frame: &Message) -> Option<Value> {
    let Message::Text(text) = frame else { return None };
    let message = serde_json::from_str(text).unwrap();
    let faults = Contract::of_holdfast().told(&message);
    assert!(faults.is_empty(), "not as documented: {faults:#?}");
    Some(message)
}

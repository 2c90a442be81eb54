//! A subscriber's connection: a WebSocket or server-sent events, message by message. What it is told is not judged here.

use std::{io, net::SocketAddr, time::Duration};

use futures_util::StreamExt;
use holdfast_domain::Seq;
use serde_json::Value;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// Longest silence of a line that is not dead: many beats.
const SILENCE: Duration = Duration::from_secs(10);

/// What a slow reader has room for, as the system counts it.
const SMALL_BUFFER_BYTES: u32 = 4_096;

/// How a subscriber listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    Socket,
    /// One with little room for what was not read yet.
    SmallSocket,
    Events,
}

/// An open connection.
pub(super) enum Line {
    Socket(Box<WebSocketStream<TcpStream>>),
    Events { answer: reqwest::Response, read: Vec<u8> },
}

/// What is left of a section: said besides the change that left it so, in no place of the log, and not for certain.
const HINT: &str = "availability_changed";

/// A message as it was told.
pub(super) struct Heeded {
    pub(super) kind: String,
    pub(super) seq: Seq,
    pub(super) text: String,
}

impl Line {
    /// Opens one with this query, to go on after a position.
    pub(super) async fn open(
        means: Means,
        address: SocketAddr,
        query: &str,
        after: Option<Seq>,
    ) -> Result<Self, String> {
        let opened = async {
            if means == Means::Events {
                let mut request = reqwest::Client::new().get(format!("http://{address}/api/v1/sse?{query}"));
                if let Some(after) = after {
                    request = request.header("Last-Event-ID", after.to_string());
                }
                let answer = request.send().await.and_then(reqwest::Response::error_for_status);
                let answer = answer.map_err(|error| format!("{error:?}"))?;
                return Ok(Self::Events { answer, read: Vec::new() });
            }
            let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
            let stream = connect(means, address).await.map_err(|error| error.to_string())?;
            let (socket, _) = client_async(format!("ws://{address}/api/v1/ws?{query}{after}"), stream)
                .await
                .map_err(|error| error.to_string())?;
            Ok(Self::Socket(Box::new(socket)))
        };
        timeout(SILENCE, opened).await.unwrap_or_else(|_| Err("no answer".to_owned()))
    }

    /// The next message that is no hint; why there is none, when the line is broken.
    pub(super) async fn next(&mut self) -> Result<Heeded, String> {
        loop {
            let next = async {
                match self {
                    Self::Socket(socket) => text_of_frame(socket).await,
                    Self::Events { answer, read } => text_of_event(answer, read).await,
                }
            };
            let text = timeout(SILENCE, next).await.map_err(|_| "silence".to_owned())??;
            let message: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
            match (message["type"].as_str(), message["seq"].as_i64()) {
                (Some(HINT), None) => {}
                (Some(kind), Some(seq)) => return Ok(Heeded { kind: kind.to_owned(), seq: Seq(seq), text }),
                _ => return Err(format!("no message: {text}")),
            }
        }
    }
}

async fn connect(means: Means, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if means == Means::SmallSocket {
        socket.set_recv_buffer_size(SMALL_BUFFER_BYTES)?;
    }
    socket.connect(address).await
}

async fn text_of_frame(socket: &mut WebSocketStream<TcpStream>) -> Result<String, String> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
            Some(Ok(Message::Close(frame))) => {
                return Err(
                    frame.map_or("closed".to_owned(), |frame| format!("{} {}", frame.code, frame.reason))
                );
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err("ended".to_owned()),
        }
    }
}

/// An event that carries data; its other lines say the same again.
async fn text_of_event(answer: &mut reqwest::Response, read: &mut Vec<u8>) -> Result<String, String> {
    loop {
        if let Some(end) = read.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = read.drain(..end + 2).collect();
            let event = String::from_utf8(event).map_err(|error| error.to_string())?;
            if let Some(text) = event.lines().find_map(|line| line.strip_prefix("data: ")) {
                return Ok(text.to_owned());
            }
            continue;
        }
        match answer.chunk().await {
            Ok(Some(piece)) => read.extend_from_slice(&piece),
            Ok(None) => return Err("ended".to_owned()),
            Err(error) => return Err(format!("{error:?}")),
        }
    }
}

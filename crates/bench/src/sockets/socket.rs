//! One socket of the load: opened, read, and its pings answered. Never waits.

use std::{
    io::{ErrorKind, Read, Write},
    net::SocketAddr,
};

use memchr::memmem;
use mio::{Interest, Registry, Token, net::TcpStream};

use crate::{
    error::Error,
    sockets::{
        frame::{self, Frame, Kind},
        message::Message,
    },
};

/// Most bytes of the answer that opens it.
const HEAD_BYTES_MAX: usize = 8_192;

/// A socket, from the connect on.
pub(crate) struct Socket {
    stream: TcpStream,
    /// What asks for it; empty once it has been sent.
    request: Vec<u8>,
    is_open: bool,
    /// What has been read and is not whole yet.
    kept: Vec<u8>,
    /// The pieces of a message that comes in several frames.
    pieces: Option<Vec<u8>>,
}

impl Socket {
    /// Begins to connect and has `registry` tell of it as `token`.
    ///
    /// # Errors
    /// When there is no file handle or no port left.
    pub(crate) fn open(
        address: SocketAddr,
        path: &str,
        registry: &Registry,
        token: Token,
    ) -> Result<Self, Error> {
        let open = || {
            let mut stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            Ok(stream)
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        Ok(Self {
            stream: open().map_err(Error::io(format!("no socket to {address}")))?,
            request: request.into_bytes(),
            is_open: false,
            kept: Vec::new(),
            pieces: None,
        })
    }

    /// Goes on after it has become ready, and gives all messages that have come to `hear`. `inbox` is room to read into,
    /// and `is_ended` that nothing will come any more.
    ///
    /// # Errors
    /// When it was refused, closed or lost, or told something that is no message.
    pub(crate) fn ready(
        &mut self,
        inbox: &mut [u8],
        is_ended: bool,
        mut hear: impl FnMut(&Message<'_>),
    ) -> Result<(), Error> {
        if !self.request.is_empty() && !self.ask()? {
            return Ok(());
        }
        loop {
            let kept = self.kept.len();
            if kept == inbox.len() {
                return Err(Error::Load(format!("a message has more than {kept} bytes")));
            }
            inbox[..kept].copy_from_slice(&self.kept);
            let count = match self.stream.read(&mut inbox[kept..]) {
                Ok(0) => return Err(Error::Load("a socket was cut without a word".into())),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(source) => return Err(Error::Io { what: "a socket was lost".into(), source }),
            };
            let filled = kept + count;
            let taken = self.take(&inbox[..filled], &mut hear)?;
            self.kept.clear();
            self.kept.extend_from_slice(&inbox[taken..filled]);
            // There was room for more, so there is no more: what comes next makes it ready anew.
            if filled < inbox.len() && !is_ended {
                return Ok(());
            }
        }
    }

    /// Sends what asks for it; whether that is done.
    fn ask(&mut self) -> Result<bool, Error> {
        match self.stream.write(&self.request) {
            Ok(count) if count == self.request.len() => self.request = Vec::new(),
            Ok(_) => return Err(Error::Load("a socket takes no request".into())),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                return Ok(false);
            }
            Err(source) => return Err(Error::Io { what: "a socket can't be opened".into(), source }),
        }
        Ok(true)
    }

    /// Takes what is whole of `bytes`, and gives how many that were.
    fn take(&mut self, bytes: &[u8], hear: &mut impl FnMut(&Message<'_>)) -> Result<usize, Error> {
        let mut taken = 0;
        if !self.is_open {
            let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
                return if bytes.len() > HEAD_BYTES_MAX { Err(refused(bytes)) } else { Ok(0) };
            };
            if !bytes.starts_with(b"HTTP/1.1 101 ") {
                return Err(refused(bytes));
            }
            self.is_open = true;
            taken = end + 4;
        }
        let strange = || Error::Load("a socket told what is no frame of ours".into());
        while let Some(frame) = frame::parse(&bytes[taken..]).map_err(|_| strange())? {
            self.follow(&frame, hear)?;
            taken += frame.length;
        }
        Ok(taken)
    }

    fn follow(&mut self, frame: &Frame<'_>, hear: &mut impl FnMut(&Message<'_>)) -> Result<(), Error> {
        let Frame { kind, is_last, payload, .. } = *frame;
        match kind {
            Kind::Text if is_last && self.pieces.is_none() => tell(payload, hear),
            Kind::Text if self.pieces.is_none() => {
                self.pieces = Some(payload.to_vec());
                Ok(())
            }
            Kind::Continuation if let Some(mut pieces) = self.pieces.take() => {
                pieces.extend_from_slice(payload);
                if is_last {
                    return tell(&pieces, hear);
                }
                self.pieces = Some(pieces);
                Ok(())
            }
            Kind::Text | Kind::Continuation => Err(Error::Load("the pieces of a message don't join".into())),
            Kind::Ping => {
                let failed = Error::io("a ping can't be answered");
                self.stream.write_all(&frame::pong(payload)).map_err(failed)
            }
            Kind::Pong => Ok(()),
            Kind::Close => Err(closed(payload)),
        }
    }
}

fn tell(text: &[u8], hear: &mut impl FnMut(&Message<'_>)) -> Result<(), Error> {
    let strange = || Error::Load(format!("no message: {}", String::from_utf8_lossy(text)));
    hear(&Message::parse(text).ok_or_else(strange)?);
    Ok(())
}

fn refused(answer: &[u8]) -> Error {
    Error::Load(format!("a socket was refused: {}", String::from_utf8_lossy(answer)))
}

fn closed(payload: &[u8]) -> Error {
    let (code, reason) = match payload {
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
        _ => (1_005, &[][..]),
    };
    Error::Load(format!("a socket was closed with {code}: {}", String::from_utf8_lossy(reason)))
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread, time::Duration};

    use crate::sockets::crowd::Crowd;

    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n";
    const HELLO: &[u8] = b"\x81\x18{\"type\":\"hello\",\"seq\":7}";

    /// What a client hears of a server that sends these pieces, each by itself, and how it ends; and what the server heard.
    fn heard(pieces: &[&[u8]]) -> (Vec<i64>, String, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 4_096];
            let count = stream.read(&mut asked).unwrap();
            assert!(asked[..count].starts_with(b"GET /ws HTTP/1.1\r\n"));
            stream.set_nodelay(true).unwrap();
            for piece in pieces {
                stream.write_all(&piece).unwrap();
                // So that the client reads them one by one; should it not, they are only joined.
                thread::yield_now();
            }
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut told = Vec::new();
            stream.read_to_end(&mut told).unwrap();
            told
        });
        let mut crowd = Crowd::open(address, ["/ws".to_owned()]).unwrap();
        let mut seqs = Vec::new();
        let end = loop {
            let wait = Duration::from_secs(5);
            if let Err(error) = crowd.turn(wait, |_, message, _| seqs.push(message.seq), |_| Ok(())) {
                break error.to_string();
            }
        };
        drop(crowd);
        (seqs, end, server.join().unwrap())
    }

    #[test]
    fn messages_are_heard_wherever_they_are_cut() {
        let whole = [ANSWER, HELLO, HELLO].concat();
        for cut in 1..whole.len() {
            let (seqs, end, _) = heard(&[&whole[..cut], &whole[cut..]]);
            assert_eq!(seqs, [7, 7], "{cut}");
            assert!(end.contains("cut without a word"), "{end}");
        }
    }

    #[test]
    fn the_pieces_of_a_message_are_joined_and_a_ping_between_them_is_answered() {
        let pieces = [ANSWER, b"\x01\x0a{\"type\":\"h", b"\x89\x02hi", b"\x80\x0eello\",\"seq\":9}"];
        let (seqs, _, told) = heard(&pieces);
        assert_eq!(seqs, [9]);
        assert_eq!(told, b"\x8a\x82\0\0\0\0hi");
    }

    #[test]
    fn a_close_and_a_refusal_end_it_and_say_why() {
        let (_, end, _) = heard(&[ANSWER, HELLO, b"\x88\x06\x03\xf5slow"]);
        assert!(end.ends_with("closed with 1013: slow"), "{end}");
        let (_, end, _) = heard(&[b"HTTP/1.1 503 Service Unavailable\r\n\r\n"]);
        assert!(end.contains("refused: HTTP/1.1 503"), "{end}");
    }

    #[test]
    fn what_is_no_message_ends_it() {
        for strange in [&b"\x81\x02{}"[..], b"\x82\x01x", b"\x80\x01x"] {
            let (_, end, _) = heard(&[ANSWER, strange]);
            assert!(!end.contains("without a word"), "{end}");
        }
    }
}

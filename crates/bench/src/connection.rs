//! One connection of the load, with one request in flight at most. Never waits.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::SocketAddr,
    time::Instant,
};

use mio::{Interest, Registry, Token, net::TcpStream};

use crate::{
    error::Error,
    response::{self, Answer},
};

/// Room for an answer, which grows with answers that are longer.
const ANSWER_BYTES: usize = 65_536;

/// Most bytes that an answer may have.
const ANSWER_BYTES_MAX: usize = 64 * ANSWER_BYTES;

/// A socket that is kept alive, and what is in flight on it.
pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    written: usize,
    answer: Vec<u8>,
    read: usize,
    /// When the request in flight was sent; none when there is none.
    sent_at: Option<Instant>,
}

impl Connection {
    /// Opens it and has `registry` tell of it as `token`.
    ///
    /// # Errors
    /// When the address does not answer.
    pub(crate) fn open(address: SocketAddr, registry: &Registry, token: Token) -> Result<Self, Error> {
        let open = || {
            let stream = std::net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            Ok(stream)
        };
        Ok(Self {
            stream: open().map_err(Error::io(format!("no connection to {address}")))?,
            request: Vec::with_capacity(512),
            written: 0,
            answer: vec![0; ANSWER_BYTES],
            read: 0,
            sent_at: None,
        })
    }

    /// Sends the request that `write` writes over the last one; `now` may also be when it was due.
    ///
    /// # Errors
    /// When the connection is lost.
    pub(crate) fn send(&mut self, now: Instant, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), Error> {
        write(&mut self.request);
        self.sent_at = Some(now);
        self.written = 0;
        self.read = 0;
        self.write().map_err(lost)
    }

    /// Goes on after the socket has become ready; gives when the request was sent, and its answer, once that is whole.
    ///
    /// # Errors
    /// When the connection is lost or the answer is none.
    pub(crate) fn ready(&mut self) -> Result<Option<(Instant, Answer)>, Error> {
        let Some(sent_at) = self.sent_at else {
            return Ok(None);
        };
        if self.written < self.request.len() {
            self.write().map_err(lost)?;
        }
        loop {
            if self.read == self.answer.len() {
                if self.read >= ANSWER_BYTES_MAX {
                    return Err(Error::Load(format!("an answer has more than {ANSWER_BYTES_MAX} bytes")));
                }
                self.answer.resize(2 * self.read, 0);
            }
            match self.stream.read(&mut self.answer[self.read..]) {
                Ok(0) => return Err(Error::Load("the service closed a connection".into())),
                Ok(count) => self.read += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(lost(error)),
            }
            let parsed = response::parse(&self.answer[..self.read]);
            let parsed = parsed.map_err(|_| Error::Load("an answer is not HTTP with a length".into()))?;
            // Nothing can follow a whole answer, so the read that would find nothing is spared: what comes next makes
            // the socket ready anew.
            if let Some(answer) = parsed {
                self.sent_at = None;
                return Ok(Some((sent_at, answer)));
            }
        }
    }

    /// The last answer, head and body.
    pub(crate) fn bytes(&self, answer: Answer) -> &[u8] {
        &self.answer[..answer.length]
    }

    /// Its body alone.
    pub(crate) fn body(&self, answer: Answer) -> &[u8] {
        &self.answer[answer.body..answer.length]
    }

    /// All of it as text.
    pub(crate) fn text(&self, answer: Answer) -> String {
        String::from_utf8_lossy(self.bytes(answer)).into_owned()
    }

    fn write(&mut self) -> io::Result<()> {
        while self.written < self.request.len() {
            match self.stream.write(&self.request[self.written..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn lost(source: io::Error) -> Error {
    Error::Io { what: "a connection was lost".into(), source }
}

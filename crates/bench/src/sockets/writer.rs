//! Who makes the changes that sockets are told of: books over HTTP, with some connections and one request in flight on
//! each. Counts what was taken; every other answer ends the load.

use std::{
    collections::VecDeque,
    io::ErrorKind,
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::{Events, Poll, Registry, Token};

use crate::{
    connection::Connection,
    error::Error,
    request::{Choice, Requests},
    stop::Stop,
};

/// Between two looks at the stop flag.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long nothing may be answered.
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// Its connections, and what it asks for.
pub(crate) struct Writer {
    connections: Vec<Connection>,
    /// The one that has been so for longest first: a service closes what is never used.
    idle: VecDeque<usize>,
    requests: Requests,
    first_token: usize,
    /// How many requests have been sent, and how many of them taken.
    pub(crate) sent: u64,
    pub(crate) taken: u64,
}

impl Writer {
    /// One with so many connections, which have the numbers from `first_token` on.
    ///
    /// # Errors
    /// When the address does not answer.
    pub(crate) fn open(
        address: SocketAddr,
        requests: Requests,
        connections: usize,
        (registry, first_token): (&Registry, usize),
    ) -> Result<Self, Error> {
        let idle = (0..connections).collect();
        let connections = (first_token..first_token + connections)
            .map(|number| Connection::open(address, registry, Token(number)))
            .collect::<Result<_, _>>()?;
        Ok(Self { connections, idle, requests, first_token, sent: 0, taken: 0 })
    }

    /// Sends the next request, which was due at `due`, if a connection is free; whether one was.
    ///
    /// # Errors
    /// When the connection is lost.
    pub(crate) fn send(&mut self, due: Instant) -> Result<bool, Error> {
        let Some(number) = self.idle.pop_front() else {
            return Ok(false);
        };
        self.connections[number].send(due, |request| self.requests.write_next(request))?;
        self.sent += 1;
        Ok(true)
    }

    /// Goes on with the connection of this number, which has become ready; gives when the request was due, and its answer,
    /// once that is whole.
    ///
    /// # Errors
    /// When it is lost, or the answer is not that the booking was taken.
    pub(crate) fn ready(&mut self, number: usize) -> Result<Option<(Instant, &[u8])>, Error> {
        let number = number - self.first_token;
        let connection = &mut self.connections[number];
        let Some((due, answer)) = connection.ready()? else {
            return Ok(None);
        };
        if answer.status != 201 {
            return Err(Error::Load(format!("a booking was not taken: {}", connection.text(answer))));
        }
        self.taken += 1;
        self.idle.push_back(number);
        Ok(Some((due, connection.bytes(answer))))
    }

    /// Whether every request has been answered.
    pub(crate) fn is_quiet(&self) -> bool {
        self.sent == self.taken
    }
}

/// Books over so many connections, as fast as it is taken: each resource once, and then `more`. Gives how the requests
/// would go on.
///
/// # Errors
/// When one is not taken, or the bench has been told to end.
pub(crate) fn book(
    address: SocketAddr,
    requests: Requests,
    connections: usize,
    more: u64,
    stop: &Stop,
) -> Result<Requests, Error> {
    let failed = || Error::io("connections can't be waited for");
    let mut poll = Poll::new().map_err(failed())?;
    let mut events = Events::with_capacity(connections);
    let mut writer = Writer::open(address, requests, connections, (poll.registry(), 0))?;
    let (mut left, mut answered) = (more, Instant::now());
    loop {
        stop.check()?;
        while left > 0 || !writer.requests.all_named() {
            let is_named = writer.requests.all_named();
            if !writer.send(Instant::now())? {
                break;
            }
            left -= u64::from(is_named);
        }
        if writer.is_quiet() {
            return Ok(writer.requests);
        }
        match poll.poll(&mut events, Some(LOOK_EVERY)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled.map_err(failed())?,
        }
        for event in &events {
            writer.ready(event.token().0)?;
            answered = Instant::now();
        }
        if answered.elapsed() > SILENCE_MAX {
            return Err(Error::Load(format!("no answer for {} s", SILENCE_MAX.as_secs())));
        }
    }
}

/// What a load draws its requests from, for this service.
pub(crate) fn requests(choice: Choice, address: SocketAddr) -> Requests {
    Requests::new(choice, &address.to_string())
}

//! Many sockets on one thread and one event loop. Never waits on a single one.

use std::{
    io::ErrorKind,
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::{Events, Poll, Registry, Token};

use crate::{
    error::Error,
    machine,
    sockets::{message::Message, socket::Socket},
    stop::Stop,
};

/// Room to read into, shared by all: large, so that a read takes all that has come.
const INBOX_BYTES: usize = 256 << 10;

/// Most events of one look.
const EVENTS_MAX: usize = 1_024;

/// Between two looks at the stop flag when nothing comes.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The sockets, by number.
pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    sockets: Vec<Socket>,
    inbox: Vec<u8>,
}

impl Crowd {
    /// Begins to open as many as there are paths, all at once.
    ///
    /// # Errors
    /// When there is no file handle or no port left.
    pub(crate) fn open(address: SocketAddr, paths: impl IntoIterator<Item = String>) -> Result<Self, Error> {
        let poll = Poll::new().map_err(Error::io("sockets can't be waited for"))?;
        let sockets = paths
            .into_iter()
            .enumerate()
            .map(|(number, path)| Socket::open(address, &path, poll.registry(), Token(number)))
            .collect::<Result<_, _>>()?;
        let events = Events::with_capacity(EVENTS_MAX);
        Ok(Self { poll, events, sockets, inbox: vec![0; INBOX_BYTES] })
    }

    /// Waits until a notifier has got as far as `seq`.
    ///
    /// # Errors
    /// When it does not get there in `limit`.
    pub(crate) fn await_position(
        address: SocketAddr,
        seq: u64,
        (limit, stop): (Duration, &Stop),
    ) -> Result<(), Error> {
        let mut one = Self::open(address, ["/api/v1/ws?topic=all".to_owned()])?;
        let hear = |heard: &mut u64, _, message: &Message<'_>, _| {
            *heard = u64::try_from(message.seq).unwrap_or(0);
        };
        if one.until(&mut 0, (limit, stop), hear, |heard| *heard >= seq)? {
            return Ok(());
        }
        Err(Error::Load(format!("the notifier did not get as far as {seq} in {} s", limit.as_secs())))
    }

    /// How many there are; also the first number that is no socket's.
    pub(crate) fn len(&self) -> usize {
        self.sockets.len()
    }

    /// For others who wait in the same loop, under numbers that are no socket's.
    pub(crate) fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// Waits for something to come, no longer than `wait`. Each message goes to `hear`, with its socket's number and the
    /// time of its receipt in microseconds since 1970; whoever else is ready, to `other`.
    ///
    /// # Errors
    /// When a socket ends, or `other` fails.
    pub(crate) fn turn(
        &mut self,
        wait: Duration,
        mut hear: impl FnMut(usize, &Message<'_>, i64),
        mut other: impl FnMut(usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled.map_err(Error::io("sockets can't be waited for"))?,
        }
        for event in &self.events {
            let Token(number) = event.token();
            let Some(socket) = self.sockets.get_mut(number) else {
                other(number)?;
                continue;
            };
            let is_ended = event.is_read_closed() || event.is_error();
            // One look at the clock for all that a read brings.
            let mut at = None;
            socket.ready(&mut self.inbox, is_ended, |message| {
                hear(number, message, *at.get_or_insert_with(machine::micros));
            })?;
        }
        Ok(())
    }

    /// Listens until `is_done`, for `limit` at most; whether it is.
    ///
    /// # Errors
    /// When a socket ends, or the bench has been told to end.
    pub(crate) fn until<T>(
        &mut self,
        state: &mut T,
        (limit, stop): (Duration, &Stop),
        mut hear: impl FnMut(&mut T, usize, &Message<'_>, i64),
        is_done: impl Fn(&T) -> bool,
    ) -> Result<bool, Error> {
        let started = Instant::now();
        while !is_done(state) {
            stop.check()?;
            if started.elapsed() > limit {
                return Ok(false);
            }
            self.turn(LOOK_EVERY, |number, message, at| hear(state, number, message, at), |_| Ok(()))?;
        }
        Ok(true)
    }
}

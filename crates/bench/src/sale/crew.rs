//! Those who ask: some connections to a service, each with one request in flight, on one thread with one event loop. What
//! each asks next is a script's; who has been answered asks again at once, or when the next request is due.

use std::{
    collections::VecDeque,
    io::ErrorKind,
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::{Events, Poll, Token};

use crate::{connection::Connection, error::Error, pace::Pace, stop::Stop};

/// Between two looks at the stop flag when nothing is answered.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long nothing may be answered.
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// What is asked, and what becomes of the answers.
pub(crate) trait Script {
    /// Writes what this connection asks next to the end of `into`, which is empty; whether it asks for anything more.
    fn ask(&mut self, connection: usize, now: Instant, into: &mut Vec<u8>) -> bool;

    /// Takes the answer to what it asked last.
    ///
    /// # Errors
    /// When the row can't go on with such an answer.
    fn hear(&mut self, connection: usize, heard: &Heard<'_>) -> Result<(), Error>;
}

/// An answer, as it has just come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
    /// When it was whole.
    pub(crate) at: Instant,
    /// How long after the request was sent that was; or after it was due, if it was due at a time.
    pub(crate) took: Duration,
}

/// The connections.
pub(crate) struct Crew {
    poll: Poll,
    connections: Vec<Connection>,
    request: Vec<u8>,
}

impl Crew {
    /// # Errors
    /// When the address does not answer.
    pub(crate) fn open(address: SocketAddr, connections: usize) -> Result<Self, Error> {
        let poll = Poll::new().map_err(Error::io("connections can't be waited for"))?;
        let connections = (0..connections)
            .map(|number| Connection::open(address, poll.registry(), Token(number)))
            .collect::<Result<_, _>>()?;
        Ok(Self { poll, connections, request: Vec::with_capacity(512) })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.connections.len()
    }

    /// Asks as the script says, until no connection asks for more and all are answered; gives how long that took.
    ///
    /// # Errors
    /// When a connection is lost, nothing is answered for long, the script breaks off, or the bench has been told to end.
    pub(crate) fn run(&mut self, script: &mut impl Script, stop: &Stop) -> Result<Duration, Error> {
        let started = Instant::now();
        let (mut in_flight, mut answered) = (0, started);
        for number in 0..self.connections.len() {
            in_flight += usize::from(self.ask(number, started, script)?);
        }
        let mut events = Events::with_capacity(self.connections.len());
        while in_flight > 0 {
            stop.check()?;
            self.wait(&mut events, LOOK_EVERY)?;
            for event in &events {
                let number = event.token().0;
                let Some(at) = self.hear(number, script)? else { continue };
                answered = at;
                in_flight -= usize::from(!self.ask(number, at, script)?);
            }
            check_silence(answered)?;
        }
        Ok(answered - started)
    }

    /// Asks so often a second, whatever becomes of those before, until the script asks for no more and all are answered; gives
    /// the most that were in flight. What is due when no connection is free is sent by the first that is, and timed from when
    /// it was due.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) fn run_paced(
        &mut self,
        script: &mut impl Script,
        per_second: u32,
        stop: &Stop,
    ) -> Result<usize, Error> {
        let started = Instant::now();
        let (mut pace, mut answered) = (Pace::new(started, per_second), started);
        let mut idle: VecDeque<usize> = (0..self.connections.len()).collect();
        let (mut is_over, mut most) = (false, 0);
        let mut events = Events::with_capacity(self.connections.len());
        while !is_over || idle.len() < self.connections.len() {
            stop.check()?;
            while !is_over
                && let Some(due) = pace.due(Instant::now())
                && let Some(number) = idle.pop_front()
            {
                pace.sent();
                is_over = !self.ask(number, due, script)?;
                if is_over {
                    idle.push_back(number);
                }
            }
            most = most.max(self.connections.len() - idle.len());
            self.wait(&mut events, pace.wait(Instant::now(), LOOK_EVERY))?;
            for event in &events {
                let number = event.token().0;
                let Some(at) = self.hear(number, script)? else { continue };
                answered = at;
                idle.push_back(number);
            }
            check_silence(answered)?;
        }
        Ok(most)
    }

    /// Sends all of these at once, each over a connection of its own, and gives the answers in their order.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) fn volley(&mut self, requests: Vec<Vec<u8>>, stop: &Stop) -> Result<Volley, Error> {
        assert!(requests.len() <= self.connections.len(), "each request needs a connection");
        let answers = requests.iter().map(|_| Reply::default()).collect();
        let mut shots = Shots { requests: requests.into_iter().map(Some).collect(), answers };
        let took = self.run(&mut shots, stop)?;
        Ok(Volley { took, answers: shots.answers })
    }

    /// Waits until a connection is ready, and no longer than that.
    fn wait(&mut self, events: &mut Events, most: Duration) -> Result<(), Error> {
        match self.poll.poll(events, Some(most)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                events.clear();
                Ok(())
            }
            polled => polled.map_err(Error::io("connections can't be waited for")),
        }
    }

    /// Goes on with a connection that is ready; when its answer was whole, if it is.
    fn hear(&mut self, number: usize, script: &mut impl Script) -> Result<Option<Instant>, Error> {
        let connection = &mut self.connections[number];
        let Some((sent_at, answer)) = connection.ready()? else { return Ok(None) };
        let (at, status, body) = (Instant::now(), answer.status, connection.body(answer));
        script.hear(number, &Heard { status, body, at, took: at - sent_at })?;
        Ok(Some(at))
    }

    fn ask(&mut self, number: usize, now: Instant, script: &mut impl Script) -> Result<bool, Error> {
        self.request.clear();
        if !script.ask(number, now, &mut self.request) {
            return Ok(false);
        }
        let written = &mut self.request;
        self.connections[number].send(now, |request| std::mem::swap(request, written))?;
        Ok(true)
    }
}

fn check_silence(answered: Instant) -> Result<(), Error> {
    if answered.elapsed() > SILENCE_MAX {
        return Err(Error::Load(format!("no answer for {} s", SILENCE_MAX.as_secs())));
    }
    Ok(())
}

/// What requests that were sent at once came to.
#[derive(Debug)]
pub(crate) struct Volley {
    /// From the first request to the last answer.
    pub(crate) took: Duration,
    pub(crate) answers: Vec<Reply>,
}

/// An answer that is kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) took: Duration,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

struct Shots {
    requests: Vec<Option<Vec<u8>>>,
    answers: Vec<Reply>,
}

impl Script for Shots {
    fn ask(&mut self, connection: usize, _: Instant, into: &mut Vec<u8>) -> bool {
        let request = self.requests.get_mut(connection).and_then(Option::take);
        if let Some(request) = &request {
            into.extend_from_slice(request);
        }
        request.is_some()
    }

    fn hear(&mut self, connection: usize, heard: &Heard<'_>) -> Result<(), Error> {
        let Heard { status, body, took, .. } = *heard;
        self.answers[connection] = Reply { status, body: body.to_vec(), took };
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    use super::*;

    /// Answers each request with the status and the body that `answer` makes of its text.
    pub(crate) fn service(answer: impl Fn(&str) -> (u16, String) + Clone + Send + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let answer = answer.clone();
                thread::spawn(move || {
                    let (mut stream, mut bytes) = (stream.unwrap(), [0; 4_096]);
                    // One that is asked comes in one piece over the loopback.
                    while let Ok(count @ 1..) = stream.read(&mut bytes) {
                        let (status, body) = answer(std::str::from_utf8(&bytes[..count]).unwrap());
                        let length = body.len();
                        let text = format!("HTTP/1.1 {status} So\r\ncontent-length: {length}\r\n\r\n{body}");
                        stream.write_all(text.as_bytes()).unwrap();
                    }
                });
            }
        });
        address
    }

    /// Each connection asks twice, for its own number.
    struct Twice {
        asked: [u32; 3],
        heard: Vec<(usize, String)>,
    }

    impl Script for Twice {
        fn ask(&mut self, connection: usize, _: Instant, into: &mut Vec<u8>) -> bool {
            self.asked[connection] += 1;
            into.extend_from_slice(connection.to_string().as_bytes());
            self.asked[connection] <= 2
        }

        fn hear(&mut self, connection: usize, heard: &Heard<'_>) -> Result<(), Error> {
            self.heard.push((connection, str::from_utf8(heard.body).unwrap().to_owned()));
            Ok(())
        }
    }

    #[test]
    fn each_connection_is_answered_what_it_asked_until_it_asks_no_more() {
        let address = service(|request| (200, request.repeat(100_000)));
        let mut crew = Crew::open(address, 3).unwrap();
        let mut script = Twice { asked: [0; 3], heard: Vec::new() };
        crew.run(&mut script, &Stop::default()).unwrap();
        script.heard.sort();
        assert_eq!(script.heard.len(), 6);
        for (connection, body) in script.heard {
            assert_eq!(body, connection.to_string().repeat(100_000));
        }
    }

    /// So many are asked for, of a service that takes its time; how long each took since it was due.
    struct Due {
        left: usize,
        took: Vec<Duration>,
    }

    impl Script for Due {
        fn ask(&mut self, _: usize, _: Instant, into: &mut Vec<u8>) -> bool {
            into.push(b'?');
            let is_more = self.left > 0;
            self.left = self.left.saturating_sub(1);
            is_more
        }

        fn hear(&mut self, _: usize, heard: &Heard<'_>) -> Result<(), Error> {
            self.took.push(heard.took);
            Ok(())
        }
    }

    #[test]
    fn what_is_due_while_no_connection_is_free_is_sent_later_and_timed_from_when_it_was_due() {
        let pause = Duration::from_millis(20);
        let address = service(move |_| {
            thread::sleep(pause);
            (200, String::new())
        });
        let mut script = Due { left: 10, took: Vec::new() };
        let most = Crew::open(address, 2).unwrap().run_paced(&mut script, 1_000, &Stop::default()).unwrap();
        assert_eq!((most, script.took.len()), (2, 10));
        // Two at a time: the last was due after 9 ms, and was begun when eight were done.
        let longest = script.took.iter().max().unwrap();
        assert!(*longest + Duration::from_millis(9) >= 5 * pause, "{longest:?}");
    }

    #[test]
    fn the_answers_of_a_volley_stand_as_its_requests_do() {
        let address = service(|request| (request.parse().unwrap(), String::new()));
        let mut crew = Crew::open(address, 3).unwrap();
        let requests = ["409", "200"].map(|text| text.as_bytes().to_vec());
        let volley = crew.volley(requests.into(), &Stop::default()).unwrap();
        let statuses: Vec<u16> = volley.answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [409, 200]);
    }
}

//! The load: a closed loop over a fixed number of connections, on one thread with one event loop, since it shares the
//! cores with what it measures. Sends the next request of a connection as soon as the last is answered.
//!
//! Never reads an answer further than it must, and never waits on a single connection.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    net::SocketAddr,
    ops::Range,
    time::{Duration, Instant},
};

use mio::{Events, Poll, Token};
use rustix::time::{ClockId, clock_gettime};

use crate::{
    connection::Connection,
    error::Error,
    figures::{Latencies, number},
    machine,
    request::{Choice, Requests},
    response::Answer,
    stop::Stop,
};

/// How long nothing may be answered.
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// How long the naming of all resources may take.
const NAMING_MAX: Duration = Duration::from_mins(2);

/// Between two looks at the stop flag when nothing is answered.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How hard and how long.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) connections: usize,
    /// Load that is not counted, after each resource has been named.
    pub(crate) warm_up: Duration,
    /// Load that is counted.
    pub(crate) counted: Duration,
    pub(crate) choice: Choice,
}

/// What a load saw.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Of the requests that were answered 201 within the counted time.
    pub(crate) latencies: Latencies,
    /// How many of them had conflicts.
    pub(crate) conflicting: u64,
    /// How many were answered 201 from the first to the last, counted or not.
    pub(crate) acknowledged: u64,
    /// Answers other than 201 with a count of conflicts, by status.
    pub(crate) errors: BTreeMap<u16, u64>,
    /// The first of those.
    pub(crate) first_error: Option<String>,
    /// Processor time of this process within the counted time.
    pub(crate) cpu: Duration,
    /// When that was, in microseconds since 1970.
    pub(crate) counted: Range<i64>,
}

impl Seen {
    /// Bookings a second, where so much time was counted.
    pub(crate) fn per_second(&self, counted: Duration) -> f64 {
        number(self.latencies.count()) / counted.as_secs_f64()
    }
}

/// Which part of the plan is under way.
#[derive(Debug, Clone, Copy)]
enum Phase {
    Naming,
    WarmUp { until: Instant },
    Counted { until: Instant, cpu_before: Duration },
    Draining,
}

struct Load {
    connections: Vec<Connection>,
    requests: Requests,
    phase: Phase,
    seen: Seen,
    in_flight: usize,
}

/// Runs a plan against a service, to the last answer.
///
/// # Errors
/// When a connection is lost, nothing is answered for long, or the bench has been told to end.
pub(crate) fn run(address: SocketAddr, plan: &Plan, stop: &Stop) -> Result<Seen, Error> {
    let poll_failed = || Error::io("sockets can't be waited for");
    let mut poll = Poll::new().map_err(poll_failed())?;
    let mut load = Load::open(address, plan, &poll)?;
    let started = Instant::now();
    load.begin(started)?;
    let mut events = Events::with_capacity(plan.connections);
    let mut last_answer = started;
    while load.in_flight > 0 {
        stop.check()?;
        match poll.poll(&mut events, Some(LOOK_EVERY)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled.map_err(poll_failed())?,
        }
        for event in &events {
            if let Some(at) = load.on_ready(event.token().0, plan)? {
                last_answer = at;
            }
        }
        let now = Instant::now();
        if now - last_answer > SILENCE_MAX {
            return Err(Error::Load(format!("no answer for {} s", SILENCE_MAX.as_secs())));
        }
        if matches!(load.phase, Phase::Naming) && now - started > NAMING_MAX {
            return Err(Error::Load(format!("naming took more than {} s", NAMING_MAX.as_secs())));
        }
    }
    Ok(load.seen)
}

impl Load {
    fn open(address: SocketAddr, plan: &Plan, poll: &Poll) -> Result<Self, Error> {
        let connections = (0..plan.connections)
            .map(|number| Connection::open(address, poll.registry(), Token(number)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            connections,
            requests: Requests::new(plan.choice.clone(), &address.to_string()),
            phase: Phase::Naming,
            seen: Seen {
                latencies: Latencies::new()?,
                conflicting: 0,
                acknowledged: 0,
                errors: BTreeMap::new(),
                first_error: None,
                cpu: Duration::ZERO,
                counted: 0..0,
            },
            in_flight: 0,
        })
    }

    fn begin(&mut self, now: Instant) -> Result<(), Error> {
        for connection in &mut self.connections {
            connection.send(now, |request| self.requests.write_next(request))?;
            self.in_flight += 1;
        }
        Ok(())
    }

    /// Takes an answer, if it is whole, and sends the next request; gives when it was taken. One look at the clock
    /// ends the old request and begins the new.
    fn on_ready(&mut self, number: usize, plan: &Plan) -> Result<Option<Instant>, Error> {
        let Some((sent_at, answer)) = self.connections[number].ready()? else {
            return Ok(None);
        };
        let now = Instant::now();
        self.in_flight -= 1;
        self.turn(now, plan);
        self.note(number, answer, now - sent_at);
        if !matches!(self.phase, Phase::Draining) {
            self.connections[number].send(now, |request| self.requests.write_next(request))?;
            self.in_flight += 1;
        }
        Ok(Some(now))
    }

    /// Goes on to the next phase when it is time.
    fn turn(&mut self, now: Instant, plan: &Plan) {
        match self.phase {
            Phase::Naming if self.requests.all_named() => {
                self.phase = Phase::WarmUp { until: now + plan.warm_up };
            }
            Phase::WarmUp { until } if now >= until => {
                self.phase = Phase::Counted { until: until + plan.counted, cpu_before: cpu_time() };
                self.seen.counted.start = machine::micros();
            }
            Phase::Counted { until, cpu_before } if now >= until => {
                self.seen.cpu = cpu_time().saturating_sub(cpu_before);
                self.seen.counted.end = machine::micros();
                self.phase = Phase::Draining;
            }
            _ => {}
        }
    }

    fn note(&mut self, number: usize, answer: Answer, latency: Duration) {
        let (201, Some(conflicts)) = (answer.status, answer.conflicts) else {
            *self.seen.errors.entry(answer.status).or_default() += 1;
            let connection = &self.connections[number];
            self.seen.first_error.get_or_insert_with(|| connection.text(answer));
            return;
        };
        self.seen.acknowledged += 1;
        if matches!(self.phase, Phase::Counted { .. }) {
            self.seen.conflicting += u64::from(conflicts > 0);
            self.seen.latencies.record(latency);
        }
    }
}

/// Processor time that this process has used so far.
pub(crate) fn cpu_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(used).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Write},
        net::TcpListener,
        thread,
    };

    use time::macros::date;

    use super::*;
    use crate::request::Draw;

    /// Answers each request with what `answer` makes of its number on its connection, until the connection ends.
    fn service(answer: impl Fn(u32) -> Option<&'static str> + Copy + Send + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                thread::spawn(move || {
                    let mut stream = BufReader::new(stream.unwrap());
                    for number in 0.. {
                        let Some(text) = take(&mut stream).and_then(|()| answer(number)) else {
                            return;
                        };
                        stream.get_mut().write_all(text.as_bytes()).unwrap();
                    }
                });
            }
        });
        address
    }

    fn take(stream: &mut impl BufRead) -> Option<()> {
        let (mut line, mut length) = (String::new(), 0);
        while stream.read_line(&mut line).ok()? > 2 {
            if let Some(text) = line.strip_prefix("Content-Length: ") {
                length = text.trim().parse().unwrap();
            }
            line.clear();
        }
        stream.read_exact(&mut vec![0; length]).ok()
    }

    fn plan() -> Plan {
        Plan {
            connections: 3,
            warm_up: Duration::from_millis(20),
            counted: Duration::from_millis(100),
            choice: Choice {
                draw: Draw::Chance,
                resources: 10,
                users: 5,
                first_day: date!(2026 - 12 - 01),
                seed: 1,
            },
        }
    }

    const FREE: &str = "HTTP/1.1 201 Created\r\ncontent-length: 20\r\n\r\n{\"conflict_count\":0}";
    const TAKEN: &str = "HTTP/1.1 201 Created\r\ncontent-length: 20\r\n\r\n{\"conflict_count\":2}";

    #[test]
    fn every_second_answer_tells_of_conflicts_and_about_half_are_counted_so() {
        let address = service(|number| Some(if number % 2 == 0 { FREE } else { TAKEN }));
        let seen = run(address, &plan(), &Stop::default()).unwrap();
        let counted = seen.latencies.count();
        assert!(counted > 10);
        assert!(counted < seen.acknowledged, "what was named and the warm-up are not counted");
        assert!(seen.conflicting.abs_diff(counted / 2) <= 3, "{} of {counted}", seen.conflicting);
        assert!(seen.errors.is_empty());
    }

    #[test]
    fn an_answer_that_is_not_201_is_an_error_and_is_not_acknowledged() {
        let refusal = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy";
        let address = service(move |number| Some(if number == 1 { refusal } else { FREE }));
        let seen = run(address, &plan(), &Stop::default()).unwrap();
        assert_eq!(seen.errors, BTreeMap::from([(503, 3)]));
        assert_eq!(seen.first_error.as_deref(), Some(refusal));
    }

    #[test]
    fn a_connection_that_is_closed_ends_the_load() {
        let address = service(|number| (number < 5).then_some(FREE));
        let error = run(address, &plan(), &Stop::default()).unwrap_err();
        assert!(error.to_string().contains("closed a connection"), "{error}");
    }
}

//! The row `locks`: the five load tests that systems which lock seats publish, over the routes as first published. One seat
//! is wanted by all; a lock ends, and another has the seat; more and more clients lock and confirm; and a lock is confirmed
//! by everybody at once, of one seat, and of several. Each takes a fifth of the time, and holds what it was answered against
//! what must be so. Valid when it was, and when tables and log have the same. No validator runs: a lock ends by itself. No
//! peer.

mod contention;
mod expiry;
mod race;
mod ramp;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::{
    error::Error,
    figures::{Latencies, number},
    log::Log,
    rounds::Bench,
    sale::{
        answers::{self, Name},
        crew::{Crew, Reply, Volley},
        hall::{self, Hall},
        sold::Sold,
        wire::Wire,
    },
    service::Service,
    told::Told,
};

/// A hall that no part sells out.
const SEATS: Hall = Hall { rows: 50, seats: 1_000 };

/// What all parts need, and what they find.
struct Ground<'a> {
    bench: &'a Bench<'a>,
    address: SocketAddr,
    wire: Wire,
    crew: Crew,
    /// How many there are at once.
    clients: u32,
    /// How long each part goes on.
    limit: Duration,
    told: Told,
    /// Answers other than expected: how many there were of each kind, and the first.
    wrong: BTreeMap<String, (u64, String)>,
    /// What was acknowledged so far: holds and confirmations, and seats that are confirmed by it.
    holds: u64,
    confirmations: u64,
    seats_confirmed: u64,
}

/// # Errors
/// When it can't be measured.
pub(crate) fn measure(bench: &Bench<'_>, index: usize) -> Result<Told, Error> {
    let database = bench.database()?;
    let mut api = bench.services.start("holdfast-booking-api", &database)?;
    let mut ground = Ground::open(bench, &api)?;
    let parts = ground.measure(index);
    parts.map_err(|error| api.blame(error))?;
    api.check()?;
    drop(api);

    let (sold, log) = (Sold::read(&database)?, Log::read(&database)?);
    let Ground { mut told, wrong, holds, confirmations, seats_confirmed, .. } = ground;
    for (what, (count, first)) in wrong {
        told.faults.push(format!("{what} {count} times; the first: {first}"));
    }
    told.settle(&sold, &log, [holds, confirmations]);
    told.demand(sold.confirmed == seats_confirmed, || {
        format!("{seats_confirmed} seats were acknowledged as confirmed, and {} are", sold.confirmed)
    });
    Ok(told)
}

impl<'a> Ground<'a> {
    fn open(bench: &'a Bench<'a>, api: &Service) -> Result<Self, Error> {
        let connections = bench.settings.connections.max(2);
        Ok(Self {
            bench,
            address: api.address,
            wire: Wire::new(api.address),
            crew: Crew::open(api.address, connections.into())?,
            clients: connections.into(),
            limit: bench.settings.counted() / 5,
            told: Told::default(),
            wrong: BTreeMap::new(),
            holds: 0,
            confirmations: 0,
            seats_confirmed: 0,
        })
    }

    fn measure(&mut self, index: usize) -> Result<(), Error> {
        contention::measure(self)?;
        expiry::measure(self)?;
        ramp::measure(self, index)?;
        race::of_one_seat(self)?;
        race::of_several_seats(self)
    }

    fn event(&mut self) -> Result<String, Error> {
        hall::make(&mut self.crew, &self.wire, &[SEATS.section()], self.bench.stop)
    }

    /// Posts each of these at once.
    fn volley(&mut self, path: &str, bodies: impl Iterator<Item = String>) -> Result<Volley, Error> {
        let requests = bodies.map(|body| self.wire.posted(path, None, &body)).collect();
        self.crew.volley(requests, self.bench.stop)
    }

    /// Posts one body, which has to be answered so.
    fn post(&mut self, path: &str, body: String, expected: Name<'_>) -> Result<(), Error> {
        let volley = self.volley(path, std::iter::once(body))?;
        self.expect(&volley.answers[0], expected);
        Ok(())
    }

    /// Notes an answer that is not the expected one.
    fn expect(&mut self, reply: &Reply, expected: Name<'_>) {
        if reply.is(expected) {
            return;
        }
        let code = answers::code(reply.status, &reply.body);
        let what =
            format!("{} {} was expected, and answered {} {code}", expected.0, expected.1, reply.status);
        self.wrong.entry(what).or_insert_with(|| (0, reply.text())).0 += 1;
    }

    fn tell(&mut self, part: &str, unit: &'static str, rate: &Rate) {
        self.told.add(
            format!("{part}: taken"),
            unit,
            number(rate.latencies.count()) / rate.spent.as_secs_f64(),
        );
        self.told.add(format!("{part}: p99"), "ms", rate.latencies.percentile_millis(99.0));
    }
}

impl Reply {
    fn is(&self, (status, code): Name<'_>) -> bool {
        self.status == status && answers::code(status, &self.body) == code
    }
}

/// How fast a part goes, by its volleys.
struct Rate {
    latencies: Latencies,
    spent: Duration,
    until: Instant,
}

impl Rate {
    fn new(limit: Duration) -> Result<Self, Error> {
        Ok(Self { latencies: Latencies::new()?, spent: Duration::ZERO, until: Instant::now() + limit })
    }

    fn add(&mut self, volley: &Volley) {
        self.spent += volley.took;
        for answer in &volley.answers {
            self.latencies.record(answer.took);
        }
    }

    /// Whether the part's time is over; never before its first volley.
    fn is_over(&self) -> bool {
        !self.spent.is_zero() && Instant::now() >= self.until
    }
}

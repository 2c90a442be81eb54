//! The rows `fan-out` and `paced`: one change to a thousand sockets. Bookings are made over HTTP and each socket, which
//! listens to everything, is told each change. The way is the real one: PostgreSQL, the relay of the API's process, Redis, a
//! notifier. Valid when each socket was told all of the log and no more, each change once and in order. No peer.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::{
    database::Fresh,
    error::Error,
    figures::number,
    load,
    log::Log,
    pace::Pace,
    request::Requests,
    rounds::Bench,
    service::Service,
    sockets::{
        crowd::{Crowd, LOOK_EVERY},
        ledger::Ledger,
        message::Message,
        writer::{self, Writer},
    },
    told::{Aim, Told},
};

/// Most bookings that are made and not yet told to everybody: far fewer than may wait for one socket (256), so that nobody
/// is cut off, and enough that the way is never empty.
const UNDERWAY_MAX: u64 = 64;

/// Connections of who makes them.
const CONNECTIONS: usize = 16;

/// Messages a second, of as many as they keep up with.
const AIM: Aim = Aim::AtLeast(200_000.0);

/// How long sockets may take to open, and what is underway at the end to arrive.
const REST_MAX: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy)]
enum Phase {
    WarmUp {
        until: Instant,
    },
    Counted {
        until: Instant,
    },
    /// Nothing more is asked for.
    Rest {
        until: Instant,
    },
}

/// With `pace` so many bookings a second; else as many as the sockets keep up with.
///
/// # Errors
/// When it can't be measured: a socket that is closed is one reason.
pub(crate) fn measure(bench: &Bench<'_>, index: usize, pace: Option<u32>) -> Result<Told, Error> {
    let database = &bench.database()?;
    let mut services =
        [bench.services.start("holdfast-booking-api", database)?, bench.services.notifier(database.name())?];
    let [api, notifier] = services.each_ref().map(|service| service.address);
    // Named first, so that each booking that is counted is one change.
    let requests = writer::requests(bench.choice(index), api);
    let requests = writer::book(api, requests, CONNECTIONS, 0, bench.stop)?;
    let run = Run { bench, database, services: &services, pace };
    let told = run.run(api, notifier, requests).map_err(|error| services[1].blame(error))?;
    for service in &mut services {
        service.check()?;
    }
    Ok(told)
}

struct Run<'a> {
    bench: &'a Bench<'a>,
    database: &'a Fresh<'a>,
    services: &'a [Service],
    pace: Option<u32>,
}

/// Processor time that each process has used so far.
type Used = BTreeMap<String, Duration>;

impl Run<'_> {
    fn run(&self, api: SocketAddr, notifier: SocketAddr, requests: Requests) -> Result<Told, Error> {
        let Bench { settings, stop, .. } = self.bench;
        let sockets = settings.sockets.into();
        let within = (REST_MAX, *stop);
        // All begin at one position, after what named the resources.
        Crowd::await_position(notifier, Log::read(self.database)?.seq, within)?;
        let mut crowd = Crowd::open(notifier, (0..sockets).map(|_| "/api/v1/ws?topic=all".to_owned()))?;
        let mut ledger = Ledger::new(sockets)?;
        if !crowd.until(&mut ledger, within, Ledger::hear, Ledger::has_begun)? {
            return Err(Error::Load("not all sockets were told hello".into()));
        }
        let mut writer = Writer::open(api, requests, CONNECTIONS, (crowd.registry(), crowd.len()))?;
        let (before, after) = self.load(&mut crowd, &mut writer, &mut ledger)?;
        let log = Log::read(self.database)?;
        // What was told in time and is the end: whoever was told something twice, or too much, is not there either.
        let is_there = |ledger: &Ledger| ledger.is_at(log.seq) || !ledger.faults.is_none();
        crowd.until(&mut ledger, within, Ledger::hear, is_there)?;
        let seconds = settings.counted().as_secs_f64();
        let mut told = Told::default();
        let per_second = number(ledger.latencies.count()) / seconds;
        match self.pace {
            None => told.aim("told", "messages/s", per_second, AIM),
            Some(_) => told.add("told", "messages/s", per_second),
        }
        told.add("of", "changes/s", per_second / number(sockets as u64));
        told.add_latencies(&ledger.latencies, None);
        for ((name, before), after) in before.into_iter().zip(after.into_values()) {
            told.add(name, "cores", after.saturating_sub(before).as_secs_f64() / seconds);
        }
        told.faults.extend(ledger.faults.told());
        told.demand(ledger.is_at(log.seq), || {
            "not every socket was told all of the log and no more".to_owned()
        });
        told.demand(ledger.latencies.count() > 0, || "nothing was told".to_owned());
        told.demand(log.is_without_gaps(), || "the log has gaps".to_owned());
        Ok(told)
    }

    /// Warms up, counts, and waits for what is underway, unless something went wrong; the processor time before and after
    /// what was counted.
    fn load(
        &self,
        crowd: &mut Crowd,
        writer: &mut Writer,
        ledger: &mut Ledger,
    ) -> Result<(Used, Used), Error> {
        let counted = self.bench.settings.counted();
        let started = Instant::now();
        let mut phase = Phase::WarmUp { until: started + self.bench.settings.warm_up() };
        let mut pace = self.pace.map(|per_second| Pace::new(started, per_second));
        let (mut before, mut after) = (self.used(), self.used());
        while ledger.faults.is_none() {
            self.bench.stop.check()?;
            let now = Instant::now();
            match phase {
                Phase::WarmUp { until } if now >= until => {
                    phase = Phase::Counted { until: until + counted };
                    before = self.used();
                    ledger.is_counting = true;
                }
                Phase::Counted { until } if now >= until => {
                    phase = Phase::Rest { until: until + REST_MAX };
                    after = self.used();
                    ledger.is_counting = false;
                }
                Phase::Rest { until } => {
                    let is_over = writer.is_quiet() && ledger.told_bookings == writer.sent;
                    if is_over || now >= until {
                        break;
                    }
                }
                _ => {}
            }
            // As far as sockets keep up.
            while !matches!(phase, Phase::Rest { .. }) && writer.sent - ledger.told_bookings < UNDERWAY_MAX {
                let is_due = pace.as_ref().is_none_or(|pace| pace.due(now).is_some());
                if !is_due || !writer.send(now)? {
                    break;
                }
                pace.iter_mut().for_each(Pace::sent);
            }
            let wait = pace.as_ref().map_or(LOOK_EVERY, |pace| pace.wait(now, LOOK_EVERY));
            let hear = |number, message: &Message<'_>, at| ledger.hear(number, message, at);
            crowd.turn(wait, hear, |number| writer.ready(number).map(drop))?;
        }
        Ok((before, after))
    }

    fn used(&self) -> Used {
        let services = self.services.iter().map(Service::cpu_time);
        services.chain([("generator".to_owned(), load::cpu_time())]).collect()
    }
}

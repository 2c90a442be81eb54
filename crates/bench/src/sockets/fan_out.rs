//! One change to a thousand sockets: bookings are made over HTTP and each socket, which listens to everything, is told each
//! change. The way is the real one: PostgreSQL, the relay of the API's process, Redis, a notifier.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::{
    database::Fresh,
    error::Error,
    figures::{Latencies, number},
    load,
    log::Log,
    request::Requests,
    rounds::Bench,
    service::Service,
    settings::Settings,
    sockets::{
        account::Faults,
        crowd::{Crowd, LOOK_EVERY},
        ledger::Ledger,
        message::Message,
        writer::{self, Writer},
    },
};

/// Most bookings that are made and not yet told to everybody: far fewer than may wait for one socket (256), so that nobody
/// is cut off, and enough that the way is never empty.
const UNDERWAY_MAX: u64 = 64;

/// How long sockets may take to open, and what is underway at the end to arrive.
const REST_MAX: Duration = Duration::from_secs(30);

/// What was seen.
#[derive(Debug)]
pub(crate) struct FanOut {
    pub(crate) sockets: usize,
    pub(crate) counted: Duration,
    /// Of each message received in the counted time, from the change's `at`.
    pub(crate) latencies: Latencies,
    pub(crate) faults: Faults,
    /// Whether every socket was told everything up to the end of the log, and nothing after.
    pub(crate) is_whole: bool,
    /// Processor time within the counted time, of this process and of each service.
    pub(crate) cpu: BTreeMap<String, Duration>,
    pub(crate) log: Log,
}

impl FanOut {
    pub(crate) fn per_second(&self) -> f64 {
        number(self.latencies.count()) / self.counted.as_secs_f64()
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.latencies.count() > 0 && self.faults.is_none() && self.is_whole && self.log.is_without_gaps()
    }
}

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
pub(crate) fn measure(
    bench: &Bench<'_>,
    database: &Fresh<'_>,
    index: usize,
    pace: Option<u32>,
) -> Result<FanOut, Error> {
    let mut services =
        [bench.services.start("holdfast-booking-api", database)?, bench.services.notifier(database.name())?];
    let [api, notifier] = services.each_ref().map(|service| service.address);
    // Named first, so that each booking that is counted is one change.
    let requests = writer::book(api, writer::requests(bench.choice(index), api), 0, bench.stop)?;
    let run = Run { bench, database, services: &services, pace };
    let seen = run.run(api, notifier, requests).map_err(|error| services[1].blame(error))?;
    for service in &mut services {
        service.check()?;
    }
    Ok(seen)
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
    fn run(&self, api: SocketAddr, notifier: SocketAddr, requests: Requests) -> Result<FanOut, Error> {
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
        let mut writer = Writer::open(api, requests, crowd.registry(), crowd.len())?;
        let (before, after) = self.load(&mut crowd, &mut writer, &mut ledger)?;
        let log = Log::read(self.database)?;
        // What was told in time and is the end: whoever was told something twice, or too much, is not there either.
        let is_there = |ledger: &Ledger| ledger.is_at(log.seq) || !ledger.faults.is_none();
        crowd.until(&mut ledger, within, Ledger::hear, is_there)?;
        let cpu = before.into_iter().zip(after.into_values());
        Ok(FanOut {
            sockets,
            counted: Duration::from_secs(settings.seconds.into()),
            is_whole: ledger.is_at(log.seq),
            latencies: ledger.latencies,
            faults: ledger.faults,
            cpu: cpu.map(|((name, before), after)| (name, after.saturating_sub(before))).collect(),
            log,
        })
    }

    /// Warms up, counts, and waits for what is underway, unless something went wrong; the processor time before and after
    /// what was counted.
    fn load(
        &self,
        crowd: &mut Crowd,
        writer: &mut Writer,
        ledger: &mut Ledger,
    ) -> Result<(Used, Used), Error> {
        let Settings { seconds, warm_up_seconds, .. } = *self.bench.settings;
        let counted = Duration::from_secs(seconds.into());
        let started = Instant::now();
        let mut phase = Phase::WarmUp { until: started + Duration::from_secs(warm_up_seconds.into()) };
        let (mut due, mut before, mut after) = (started, self.used(), self.used());
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
            if !matches!(phase, Phase::Rest { .. }) {
                self.send(writer, ledger, &mut due, now)?;
            }
            let wait = self.pace.map_or(LOOK_EVERY, |_| due.saturating_duration_since(now).min(LOOK_EVERY));
            let hear = |number, message: &Message<'_>, at| ledger.hear(number, message, at);
            crowd.turn(wait, hear, |number| writer.ready(number))?;
        }
        Ok((before, after))
    }

    /// Sends what is due, as far as sockets keep up.
    fn send(
        &self,
        writer: &mut Writer,
        ledger: &Ledger,
        due: &mut Instant,
        now: Instant,
    ) -> Result<(), Error> {
        while writer.sent - ledger.told_bookings < UNDERWAY_MAX && self.pace.is_none_or(|_| *due <= now) {
            if !writer.send()? {
                break;
            }
            if let Some(pace) = self.pace {
                *due += Duration::from_secs(1) / pace;
            }
        }
        Ok(())
    }

    fn used(&self) -> Used {
        let services = self.services.iter().map(Service::cpu_time);
        services.chain([("generator".to_owned(), load::cpu_time())]).collect()
    }
}

//! The row "intake": how many bookings a second are taken over HTTP with their conflicts found, alone and with a
//! validator, beside pgbench. Owns what makes its figures valid.

use std::{collections::BTreeMap, time::Duration};

use holdfast_domain::Kind;

use crate::{
    database::Fresh,
    error::Error,
    figures::number,
    load::{self, Plan},
    log::{Backlog, Log},
    rounds::Bench,
    service::Service,
};

/// A part over HTTP.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) seen: load::Seen,
    /// How long was counted.
    pub(crate) counted: Duration,
    /// Processor time of each service, from its start to the end of the load.
    pub(crate) cpu: BTreeMap<String, Duration>,
    /// What was open when the load had ended.
    pub(crate) backlog: Backlog,
    /// What was stored, once the services had stopped.
    pub(crate) log: Log,
}

impl Http {
    /// Bookings a second.
    pub(crate) fn per_second(&self) -> f64 {
        number(self.seen.latencies.count()) / self.counted.as_secs_f64()
    }

    /// The share of them, in percent, that had conflicts.
    pub(crate) fn conflicting_percent(&self) -> f64 {
        100.0 * number(self.seen.conflicting) / number(self.seen.latencies.count().max(1))
    }

    /// Processor time of each service, in microseconds for each booking acknowledged.
    pub(crate) fn cpu_micros(&self) -> impl Iterator<Item = (&str, f64)> {
        let acknowledged = number(self.seen.acknowledged.max(1));
        self.cpu.iter().map(move |(name, cpu)| (name.as_str(), cpu.as_secs_f64() * 1e6 / acknowledged))
    }

    /// Whether every request was taken, and the log holds those and no others, without a gap.
    pub(crate) fn is_valid(&self) -> bool {
        self.seen.errors.is_empty()
            && self.log.of_kind(Kind::BookingCreated) == self.seen.acknowledged
            && self.log.is_without_gaps()
    }
}

/// Measures it over HTTP, with `others` running beside the API.
///
/// # Errors
/// When it can't be measured.
pub(crate) fn http(
    bench: &Bench<'_>,
    database: &Fresh<'_>,
    index: usize,
    others: &[&str],
) -> Result<Http, Error> {
    let mut api = bench.services.start("holdfast-booking-api", database)?;
    let mut others: Vec<Service> =
        others.iter().map(|name| bench.services.start(name, database)).collect::<Result<_, _>>()?;
    let plan = plan(bench, index);
    let seen = load::run(api.address, &plan, bench.stop).map_err(|error| api.blame(error))?;
    let cpu = others.iter().chain([&api]).map(Service::cpu_time).collect();
    let backlog = Backlog::read(database)?;
    for service in others.iter_mut().chain([&mut api]) {
        service.check()?;
    }
    drop((api, others));
    Ok(Http { seen, counted: plan.counted, cpu, backlog, log: Log::read(database)? })
}

fn plan(bench: &Bench<'_>, index: usize) -> Plan {
    Plan {
        connections: bench.settings.connections.into(),
        warm_up: Duration::from_secs(bench.settings.warm_up_seconds.into()),
        counted: Duration::from_secs(bench.settings.seconds.into()),
        choice: bench.choice(index),
    }
}

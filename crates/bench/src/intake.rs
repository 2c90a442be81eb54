//! The row "intake": how many bookings a second are taken over HTTP with their conflicts found, alone and with a
//! validator, beside pgbench. Owns the order of the parts and what makes their figures valid.

use std::{collections::BTreeMap, time::Duration};

use holdfast_domain::Kind;

use crate::{
    database::{Fresh, Server},
    error::Error,
    figures::number,
    load::{self, Plan},
    log::{Backlog, Log},
    machine::{self, Machine},
    pgbench,
    request::Choice,
    scratch::Scratch,
    service::{Service, Services},
    settings::{Part, Settings},
    stop::Stop,
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

/// Each part once; none where a part was left out.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) http: Option<Http>,
    pub(crate) pgbench: Option<pgbench::Seen>,
    pub(crate) validator: Option<Http>,
}

impl Round {
    pub(crate) fn is_valid(&self) -> bool {
        let mut parts = self.http.iter().chain(&self.validator);
        parts.all(Http::is_valid)
    }
}

/// Measures all rounds that the settings ask for.
///
/// # Errors
/// When a part can't be measured, or the bench has been told to end.
pub(crate) fn measure(settings: &Settings, stop: &Stop) -> Result<(Machine, Vec<Round>), Error> {
    let server = Server::new(&settings.database_url, settings.pg_bin.clone())?;
    let machine = Machine::look(&server)?;
    let scratch = Scratch::new()?;
    let services = Services::new(&settings.redis_url, &scratch, stop)?;
    let mut rounds = Vec::new();
    for (index, parts) in order(settings).into_iter().enumerate() {
        let mut round = Round::default();
        for part in parts {
            stop.check()?;
            eprintln!("bench: round {}, {}", index + 1, part.as_str());
            let bench = Bench { settings, server: &server, scratch: &scratch, services: &services, stop };
            bench.measure(part, index, &mut round)?;
        }
        rounds.push(round);
    }
    Ok((machine, rounds))
}

/// The parts of each round. Each part comes first, in the middle and last equally often in three rounds, so that a
/// drift of the machine hits all alike.
fn order(settings: &Settings) -> Vec<Vec<Part>> {
    if let Some(part) = settings.only {
        return vec![vec![part]];
    }
    (0..settings.rounds as usize)
        .map(|round| {
            let mut parts = Part::ALL.to_vec();
            parts.rotate_left(round % Part::ALL.len());
            parts
        })
        .collect()
}

struct Bench<'a> {
    settings: &'a Settings,
    server: &'a Server,
    scratch: &'a Scratch,
    services: &'a Services<'a>,
    stop: &'a Stop,
}

impl Bench<'_> {
    fn measure(&self, part: Part, index: usize, round: &mut Round) -> Result<(), Error> {
        let database = self.server.fresh()?;
        self.services.migrate(&database)?;
        match part {
            Part::Http => round.http = Some(self.http(&database, index, &[])?),
            Part::Validator => {
                round.validator = Some(self.http(&database, index, &["holdfast-validator"])?);
            }
            Part::Pgbench => {
                pgbench::prepare(&database, self.settings.resources)?;
                let first_day = machine::tomorrow();
                let seen = pgbench::run(self.settings, &database, first_day, self.scratch.path(), self.stop)?;
                round.pgbench = Some(seen);
            }
        }
        Ok(())
    }

    fn http(&self, database: &Fresh<'_>, index: usize, others: &[&str]) -> Result<Http, Error> {
        let mut api = self.services.start("holdfast-booking-api", database)?;
        let mut others: Vec<Service> =
            others.iter().map(|name| self.services.start(name, database)).collect::<Result<_, _>>()?;
        let plan = self.plan(index);
        let seen = load::run(api.address, &plan, self.stop).map_err(|error| api.blame(error))?;
        let cpu = others.iter().chain([&api]).map(Service::cpu_time).collect();
        let backlog = Backlog::read(database)?;
        for service in others.iter_mut().chain([&mut api]) {
            service.check()?;
        }
        drop((api, others));
        Ok(Http { seen, counted: plan.counted, cpu, backlog, log: Log::read(database)? })
    }

    fn plan(&self, index: usize) -> Plan {
        Plan {
            connections: self.settings.connections.into(),
            warm_up: Duration::from_secs(self.settings.warm_up_seconds.into()),
            counted: Duration::from_secs(self.settings.seconds.into()),
            choice: Choice {
                resources: self.settings.resources,
                users: self.settings.users,
                first_day: machine::tomorrow(),
                seed: self.settings.seed.wrapping_add(index as u64),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn settings(options: &[&str]) -> Settings {
        let needed = ["bench", "--database-url=x", "--redis-url=x", "--pg-bin=x"];
        Settings::parse_from([&needed, options].concat())
    }

    #[test]
    fn each_part_takes_each_place_once_in_three_rounds() {
        let order = order(&settings(&[]));
        assert_eq!(order.len(), 3);
        for place in 0..3 {
            for part in Part::ALL {
                assert_eq!(order.iter().filter(|parts| parts[place] == part).count(), 1);
            }
        }
    }

    #[test]
    fn one_part_alone_is_measured_once() {
        assert_eq!(order(&settings(&["--only", "pgbench"])), [[Part::Pgbench]]);
    }
}

//! The rows `http`, `validator` and `wide`: how many bookings a second are taken over HTTP with their conflicts found.
//! Valid when every request was answered 201 and the log holds those bookings and no others, without a gap. The peer is
//! pgbench, whose rows are measured in the same round.

use holdfast_domain::Kind;

use crate::{
    error::Error,
    figures::number,
    load::{self, Plan},
    log::{Backlog, Log},
    rounds::Bench,
    row::Row,
    service::Service,
    told::{Aim, Told},
};

/// What the p99 of intake is to stay under, in milliseconds.
const AIM_P99: Aim = Aim::Under(10.0);

/// How a row loads.
pub(crate) struct Setup {
    pub(crate) row: Row,
    pub(crate) connections: u16,
    /// Whether one decides meanwhile.
    pub(crate) validator: bool,
}

/// # Errors
/// When it can't be measured.
pub(crate) fn measure(bench: &Bench<'_>, index: usize, setup: &Setup) -> Result<Told, Error> {
    let database = bench.database()?;
    let mut services = vec![bench.services.start("holdfast-booking-api", &database)?];
    if setup.validator {
        services.push(bench.services.start("holdfast-validator", &database)?);
    }
    let plan = Plan {
        connections: setup.connections.into(),
        warm_up: bench.settings.warm_up(),
        counted: bench.settings.counted(),
        choice: bench.choice(index),
    };
    let seen = load::run(services[0].address, &plan, bench.stop).map_err(|error| services[0].blame(error))?;
    let cpu: Vec<_> = services.iter().map(Service::cpu_time).collect();
    let backlog = Backlog::read(&database)?;
    for service in &mut services {
        service.check()?;
    }
    drop(services);
    let log = Log::read(&database)?;

    let mut told = Told { per_second: Some(seen.per_second(plan.counted)), ..Told::default() };
    told.add("taken", "bookings/s", seen.per_second(plan.counted));
    told.add_latencies(&seen.latencies, (setup.row != Row::Wide).then_some(AIM_P99));
    let counted = number(seen.latencies.count().max(1));
    told.add("conflicting", "%", 100.0 * number(seen.conflicting) / counted);
    if setup.validator {
        told.add("open at the end", "wants", number(backlog.open));
        told.add("not yet looked at", "wants", number(backlog.unseen));
    }
    for (name, cpu) in cpu {
        let each = cpu.as_secs_f64() * 1e6 / number(seen.acknowledged.max(1));
        told.add(format!("{name} for each"), "us of processor time", each);
    }
    told.add("generator", "cores", seen.cpu.as_secs_f64() / plan.counted.as_secs_f64());
    told.account(&seen, &log);
    Ok(told)
}

impl Told {
    /// Holds what a load was answered against the log.
    pub(crate) fn account(&mut self, seen: &load::Seen, log: &Log) {
        for (status, count) in &seen.errors {
            let first = seen.first_error.as_deref().unwrap_or_default();
            self.faults
                .push(format!("{count} answers of status {status}; the first that is no 201: {first}"));
        }
        let created = log.of_kind(Kind::BookingCreated);
        self.demand(created == seen.acknowledged, || {
            format!("{} were acknowledged, and the log has {created}", seen.acknowledged)
        });
        self.demand(log.is_without_gaps(), || format!("the log ends at {} and has {:?}", log.seq, log.kinds));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::figures::Latencies;

    /// How many faults there are when so many were acknowledged, with these errors, and the log ends at `seq` with three
    /// bookings and what named a resource.
    fn faults(acknowledged: u64, errors: &[(u16, u64)], seq: u64) -> usize {
        let seen = load::Seen {
            latencies: Latencies::new().unwrap(),
            conflicting: 0,
            acknowledged,
            errors: errors.iter().copied().collect(),
            first_error: None,
            cpu: std::time::Duration::ZERO,
            counted: 0..0,
        };
        let kinds = [(Kind::BookingCreated, 3), (Kind::ResourceCreated, 1)];
        let kinds: BTreeMap<_, _> = kinds.map(|(kind, count)| (kind.as_str().to_owned(), count)).into();
        let mut told = Told::default();
        told.account(&seen, &Log { seq, kinds });
        told.faults.len()
    }

    #[test]
    fn a_refusal_a_booking_too_few_or_too_many_and_a_gap_are_faults() {
        assert_eq!(faults(3, &[], 4), 0);
        assert_eq!(faults(3, &[(503, 2)], 4), 1);
        assert_eq!((faults(2, &[], 4), faults(4, &[], 4)), (1, 1));
        assert_eq!(faults(3, &[], 5), 1);
    }
}

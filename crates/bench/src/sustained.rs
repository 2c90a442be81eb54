//! The row `sustained`: how many bookings are taken in a second, and how many decided in the same time by one validator,
//! and how long what then still waits takes. The wants are spread so that each fits: nobody waits for anything but the
//! decision. Valid when each that was acknowledged is in the log, and granted once in it, without a gap. No peer: pgbench
//! decides nothing.

use std::time::Duration;

use holdfast_domain::Kind;

use crate::{
    database::Fresh,
    error::Error,
    figures::number,
    load::{self, Plan},
    log::{Decided, Log, open_wants},
    request::{Choice, Draw},
    rounds::Bench,
    told::{Aim, Told},
};

/// In a second, of what is taken as of what is decided.
const AIM: Aim = Aim::AtLeast(12_000.0);

/// Seconds until nothing waits.
const AIM_DRAINED: Aim = Aim::AtMost(1.0);

/// How long the validator may take for what waits at the end.
const DRAIN_MAX: Duration = Duration::from_mins(3);

/// # Errors
/// When it can't be measured.
pub(crate) fn measure(bench: &Bench<'_>) -> Result<Told, Error> {
    let database = bench.database()?;
    let mut api = bench.services.start("holdfast-booking-api", &database)?;
    let mut validator = bench.services.start("holdfast-validator", &database)?;
    let plan = Plan {
        connections: bench.settings.many_connections.into(),
        warm_up: bench.settings.warm_up(),
        counted: bench.settings.counted(),
        choice: Choice { draw: Draw::Distinct, ..bench.choice(0) },
    };
    let seen = load::run(api.address, &plan, bench.stop).map_err(|error| api.blame(error))?;
    let is_drained = drain(bench, &database, DRAIN_MAX)?;
    api.check()?;
    validator.check()?;
    drop((api, validator));
    let log = Log::read(&database)?;
    let decided = Decided::read(&database, seen.counted.clone())?;

    let mut told = Told::default();
    told.aim("taken", "bookings/s", seen.per_second(plan.counted), AIM);
    told.aim("decided", "bookings/s", number(decided.within) / plan.counted.as_secs_f64(), AIM);
    told.add("open at the end", "wants", number(decided.open_at_end));
    told.aim("until none is open", "s", decided.seconds_after_end(), AIM_DRAINED);
    told.add_latencies(&seen.latencies, None);
    told.add("generator", "cores", seen.cpu.as_secs_f64() / plan.counted.as_secs_f64());
    told.account(&seen, &log);
    told.all_granted(&log, is_drained);
    Ok(told)
}

/// Waits until no want is open; whether that came in time.
///
/// # Errors
/// When PostgreSQL can't be asked, or the bench has been told to end.
pub(crate) fn drain(bench: &Bench<'_>, database: &Fresh<'_>, limit: Duration) -> Result<bool, Error> {
    let none_is_open = || Ok((open_wants(database)? == 0).then_some(()));
    Ok(bench.stop.until(limit, none_is_open)?.is_some())
}

impl Told {
    /// Holds the grants against the bookings, where each want fits.
    pub(crate) fn all_granted(&mut self, log: &Log, is_drained: bool) {
        let [created, granted] = [Kind::BookingCreated, Kind::BookingValidated].map(|kind| log.of_kind(kind));
        self.demand(is_drained, || "wants stayed open".to_owned());
        self.demand(created == granted, || format!("of {created} wants that fit, {granted} were granted"));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_want_that_was_not_granted_or_granted_twice_or_not_in_time_is_a_fault() {
        let faults = |granted: u64, is_drained| {
            let kinds = [(Kind::BookingCreated, 5), (Kind::BookingValidated, granted)];
            let kinds: BTreeMap<_, _> = kinds.map(|(kind, count)| (kind.as_str().to_owned(), count)).into();
            let mut told = Told::default();
            told.all_granted(&Log { seq: 5 + granted, kinds }, is_drained);
            told.faults.len()
        };
        assert_eq!((faults(5, true), faults(4, true), faults(6, true), faults(5, false)), (0, 1, 1, 1));
    }
}

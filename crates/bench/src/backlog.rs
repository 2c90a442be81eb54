//! The row `backlog`: how many wants that wait a validator decides in a second, from its start as a process until none is
//! open; spread evenly over many resources, and over few. They are laid in over HTTP while no validator runs, and all fit.
//! Valid when each is granted once in the log, without a gap, and none before the validator started. No peer.

use std::time::Duration;

use holdfast_domain::Kind;

use crate::{
    error::Error,
    figures::number,
    log::{Decided, Log, open_wants},
    machine,
    request::{Choice, Draw},
    rounds::Bench,
    sockets::writer,
    sustained::drain,
    told::{Aim, Told},
};

/// Decided in a second.
const AIM: Aim = Aim::AtLeast(20_000.0);

/// Over how many resources the wants are spread, first and then.
const RESOURCES: [u32; 2] = [1_000, 25];

/// Connections that lay them in.
const CONNECTIONS: usize = 64;

/// How long deciding may take.
const DRAIN_MAX: Duration = Duration::from_mins(5);

/// # Errors
/// When it can't be measured.
pub(crate) fn measure(bench: &Bench<'_>) -> Result<Told, Error> {
    let mut told = Told::default();
    for resources in RESOURCES {
        over(bench, resources, &mut told)?;
    }
    Ok(told)
}

fn over(bench: &Bench<'_>, resources: u32, told: &mut Told) -> Result<(), Error> {
    let database = bench.database()?;
    let wants = u64::from(bench.settings.backlog);
    let choice = Choice { draw: Draw::Distinct, resources, ..bench.choice(0) };
    let mut api = bench.services.start("holdfast-booking-api", &database)?;
    let requests = writer::requests(choice, api.address);
    let more = wants - u64::from(resources);
    writer::book(api.address, requests, CONNECTIONS, more, bench.stop).map_err(|error| api.blame(error))?;
    let open = open_wants(&database)?;
    let started = machine::micros();
    let mut validator = bench.services.start("holdfast-validator", &database)?;
    let is_drained = drain(bench, &database, DRAIN_MAX)?;
    api.check()?;
    validator.check()?;
    drop((api, validator));
    let log = Log::read(&database)?;
    let decided = Decided::read(&database, started..started)?;

    let rate = number(log.of_kind(Kind::BookingValidated)) / decided.seconds_after_end();
    told.aim(format!("decided, {resources} resources"), "wants/s", rate, AIM);
    told.add(format!("until none is open, {resources} resources"), "s", decided.seconds_after_end());
    told.demand(open == wants && decided.open_at_end == wants, || {
        format!("{wants} wants should have been open, and {open} and {} were", decided.open_at_end)
    });
    told.demand(log.is_without_gaps(), || format!("the log ends at {} and has {:?}", log.seq, log.kinds));
    told.all_granted(&log, is_drained);
    Ok(())
}

//! The row `alone`: how long one booking takes when nothing else happens, on one connection with one request at a time.
//! Valid as the intake is. The peer is pgbench with one client, run right after it.

use crate::{
    error::Error,
    load::{self, Plan},
    log::Log,
    rounds::Bench,
    told::{Aim, Told},
};

/// How many times as long as pgbench a booking may take.
const AIM: Aim = Aim::AtMost(3.0);

/// # Errors
/// When it can't be measured.
pub(crate) fn measure(bench: &Bench<'_>, index: usize) -> Result<Told, Error> {
    let database = bench.database()?;
    let mut api = bench.services.start("holdfast-booking-api", &database)?;
    let plan = Plan {
        connections: 1,
        warm_up: bench.settings.warm_up(),
        counted: bench.settings.counted(),
        choice: bench.choice(index),
    };
    let seen = load::run(api.address, &plan, bench.stop).map_err(|error| api.blame(error))?;
    api.check()?;
    drop(api);
    let log = Log::read(&database)?;
    let peer = bench.pgbench(1)?;

    let mut told = Told::default();
    let p50 = seen.latencies.percentile_millis(50.0);
    let peer_p50 = peer.latencies.percentile_millis(50.0);
    told.add_latencies(&seen.latencies, None);
    told.add("p50 of pgbench", "ms", peer_p50);
    told.add("p99 of pgbench", "ms", peer.latencies.percentile_millis(99.0));
    told.aim("times the p50 of pgbench", "", p50 / peer_p50, AIM);
    told.account(&seen, &log);
    Ok(told)
}

//! The row `hot-pgbench`, the peer of `hot`: the plain way to sell 1,000 units to 10,000 users, by pgbench. Each locks the
//! event's counter (`SELECT … FOR UPDATE`), inserts a row and counts down if anything is left, and commits. Again with a
//! fresh counter until the time is filled, by as many clients as `hot` has connections, and by an eighth of them, which wait less
//! for each other: the better of the two is what `hot` is held against. Valid when no transaction failed, and all units were sold and no more.
//!
//! Where it can be done in two ways, it is done in the one that is better for pgbench: a table with one key and no other
//! index, no log, no key of idempotency, and nothing ever expires.

use std::time::{Duration, Instant};

use crate::{
    database::Fresh,
    error::Error,
    figures::{Latencies, Spread, number},
    pgbench::{Extent, Job},
    rounds::Bench,
    sale::hot::{TAKERS, UNITS},
    told::Told,
};

/// A part of the clients that does better: fewer wait for the lock.
const FEWER: u16 = 8;

/// How long all takers of an event may take.
const EVENT_MAX: Duration = Duration::from_mins(2);

/// The transaction, in the language of pgbench.
const TRANSACTION: &str = "\\set user random(1, 1000000)
BEGIN;
SELECT units FROM plain_events WHERE id = 1 FOR UPDATE \\gset
\\if :units > 0
INSERT INTO plain_holds (event_id, user_id, expires_at) VALUES (1, :user, now() + INTERVAL '10 minutes');
UPDATE plain_events SET units = units - 1 WHERE id = 1;
\\endif
COMMIT;
";

/// # Errors
/// When it can't be measured: a transaction that fails is one reason.
pub(crate) fn measure(bench: &Bench<'_>) -> Result<Told, Error> {
    let (settings, database) = (bench.settings, bench.database()?);
    database.query(
        "CREATE TABLE plain_events (id integer PRIMARY KEY, units integer NOT NULL) WITH (fillfactor = 50);
         CREATE TABLE plain_holds (
             id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id integer NOT NULL, user_id integer NOT NULL,
             expires_at timestamptz NOT NULL)",
    )?;
    let mut told = Told::default();
    for clients in [settings.connections, (settings.connections / FEWER).max(1)] {
        let median = sell(bench, &database, clients, &mut told)?;
        told.per_second = Some(told.per_second.map_or(median, |other| other.max(median)));
    }
    Ok(told)
}

/// Sells events to so many clients, first uncounted and then counted; gives the median of attempts a second.
fn sell(bench: &Bench<'_>, database: &Fresh<'_>, clients: u16, told: &mut Told) -> Result<f64, Error> {
    let settings = bench.settings;
    let job = Job::new(bench, database, "plain", TRANSACTION, clients)?;
    // As many of each client: a few more than there are takers, when these can't be shared out evenly.
    let event = Extent::Each(TAKERS.div_ceil(clients.into()), EVENT_MAX);
    put_up(database)?;
    job.run(Extent::Seconds(settings.warm_up_seconds), settings.seed.wrapping_add(1), None)?;

    let (mut rates, mut latencies) = (Vec::new(), Latencies::new()?);
    let started = Instant::now();
    while started.elapsed() < settings.counted() {
        put_up(database)?;
        let seen = job.counted(event, settings.seed.wrapping_add(rates.len() as u64))?;
        rates.push(seen.per_second);
        latencies.add(&seen.latencies)?;
        told.all_sold(database)?;
    }
    let events = number(rates.len() as u64);
    let median = Spread::of(rates).map_or(0.0, |spread| spread.median);
    told.add(format!("{clients} clients: median event"), "attempts/s", median);
    told.add(format!("{clients} clients: events"), "", events);
    told.add(format!("{clients} clients: p50"), "ms", latencies.percentile_millis(50.0));
    told.add(format!("{clients} clients: p99"), "ms", latencies.percentile_millis(99.0));
    Ok(median)
}

/// Puts all units up for sale again.
fn put_up(database: &Fresh<'_>) -> Result<(), Error> {
    let sql = format!(
        "TRUNCATE plain_events, plain_holds;
         INSERT INTO plain_events (id, units) VALUES (1, {UNITS});
         ANALYZE plain_events"
    );
    database.query(&sql).map(drop)
}

impl Told {
    /// Holds what pgbench sold against what there was.
    fn all_sold(&mut self, database: &Fresh<'_>) -> Result<(), Error> {
        let sql = "SELECT (SELECT count(*) FROM plain_holds), units FROM plain_events WHERE id = 1";
        let sold = database.query(sql)?;
        self.demand(sold == format!("{UNITS}|0"), || {
            format!("pgbench sold, and left: {sold}; there were {UNITS}")
        });
        Ok(())
    }
}

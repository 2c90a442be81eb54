//! The rows `hot` and `hot-seated`: 10,000 users want one unit each of an event that has 1,000, of one counted section or of
//! one hall of which they take the best seat; again with fresh events until the time is filled. And what each costs that
//! comes when all is gone. Valid when just as many got one as there are, everybody else was told that it is sold out, and
//! tables and log have it so, no seat twice. The peer of `hot` is `hot-pgbench`.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    error::Error,
    figures::{Latencies, Spread, number},
    load::cpu_time,
    log::Log,
    rounds::Bench,
    row::Row,
    sale::{
        answers::{Answers, MADE, SOLD_OUT},
        crew::{Crew, Heard, Script},
        hall::{self, HALL, Hall},
        sold::{self, Sold},
        wire::{self, Wire},
        work::{Work, count_statements},
    },
    told::{Aim, Told},
};

/// How many want a unit.
pub(crate) const TAKERS: u32 = 10_000;

/// How many units there are.
pub(crate) const UNITS: u32 = 1_000;

/// How often they want what is gone: often enough that the start of the service, which PostgreSQL counts too, weighs little.
const LOSING: u32 = 5;

/// Attempts a second.
const AIM: Aim = Aim::AtLeast(20_000.0);

/// How many times what pgbench takes.
pub(crate) const AIM_TIMES: Aim = Aim::AtLeast(5.0);

/// Where the 1,000 seats are.
const SEATS: Hall = Hall { rows: 20, seats: UNITS / 20 };

/// Everybody asks for a unit of one event, once.
struct Rush<'a> {
    wire: &'a Wire,
    body: String,
    left: u32,
    answers: Answers,
    latencies: &'a mut Latencies,
}

impl Script for Rush<'_> {
    fn ask(&mut self, _: usize, _: Instant, into: &mut Vec<u8>) -> bool {
        if self.left == 0 {
            return false;
        }
        self.wire.post(into, wire::RESERVATIONS, Some(self.left), &self.body);
        self.left -= 1;
        true
    }

    fn hear(&mut self, _: usize, heard: &Heard<'_>) -> Result<(), Error> {
        self.answers.note(heard);
        self.latencies.record(heard.took);
        Ok(())
    }
}

/// All rushes of a row.
struct Rushes<'a> {
    bench: &'a Bench<'a>,
    section: Value,
    told: Told,
    /// How many events were sold.
    events: u64,
    latencies: Latencies,
}

/// # Errors
/// When it can't be measured.
pub(crate) fn measure(bench: &Bench<'_>, row: Row) -> Result<Told, Error> {
    let section = if row == Row::HotSeated { SEATS.section() } else { hall::counted(HALL, UNITS) };
    let database = bench.database()?;
    let counts_statements = count_statements(&database)?;
    let mut rushes =
        Rushes { bench, section, told: Told::default(), events: 0, latencies: Latencies::new()? };

    let mut api = bench.services.start("holdfast-booking-api", &database)?;
    let sold = rushes.sell(api.address, &mut || api.cpu_time().1).map_err(|error| api.blame(error));
    let event = sold?;
    api.check()?;
    drop(api);

    let before = Work::read(&database, counts_statements)?;
    let mut api = bench.services.start("holdfast-booking-api", &database)?;
    rushes.turn_away(api.address, &event).map_err(|error| api.blame(error))?;
    api.check()?;
    drop(api);
    rushes.tell_loser(Work::read(&database, counts_statements)?.since(&before));

    let (sold, log) = (Sold::read(&database)?, Log::read(&database)?);
    let Rushes { mut told, events, .. } = rushes;
    let units = events * u64::from(UNITS);
    told.settle(&sold, &log, [units, 0]);
    told.demand(sold.held == units && sold.unsold_events == 0, || {
        format!("of {events} events {} units are held, {} have some left", sold.held, sold.unsold_events)
    });
    if row == Row::HotSeated {
        let held = sold::seats_held(&database)?;
        told.demand(held == [units; 2], || {
            format!(
                "{units} seats were for sale; by the log {} were held, {} different ones",
                held[0], held[1]
            )
        });
    }
    Ok(told)
}

impl Rushes<'_> {
    /// Sells events, first uncounted and then counted; gives the last.
    fn sell(&mut self, address: SocketAddr, api_cpu: &mut dyn FnMut() -> Duration) -> Result<String, Error> {
        let settings = self.bench.settings;
        let wire = Wire::new(address);
        let mut crew = Crew::open(address, settings.connections.into())?;
        let mut event = String::new();
        let (mut rates, mut cpu, mut spent) = (Vec::new(), [Duration::ZERO; 2], Duration::ZERO);
        for (limit, is_counted) in [(settings.warm_up(), false), (settings.counted(), true)] {
            self.latencies = Latencies::new()?;
            spent = Duration::ZERO;
            while spent < limit {
                event = hall::make(&mut crew, &wire, std::slice::from_ref(&self.section), self.bench.stop)?;
                let before = [api_cpu(), cpu_time()];
                let took = self.rush(&mut crew, &wire, &event, UNITS)?;
                if is_counted {
                    rates.push(f64::from(TAKERS) / took.as_secs_f64());
                    let used = [api_cpu(), cpu_time()];
                    for ((sum, used), before) in cpu.iter_mut().zip(used).zip(before) {
                        *sum += used.saturating_sub(before);
                    }
                }
                self.events += 1;
                spent += took;
            }
        }
        let told = &mut self.told;
        let attempts = f64::from(TAKERS) * number(rates.len() as u64);
        let Spread { median, least, most } =
            Spread::of(rates).unwrap_or(Spread { median: 0.0, least: 0.0, most: 0.0 });
        told.per_second = Some(median);
        told.aim("median event", "attempts/s", median, AIM);
        told.add("slowest event", "attempts/s", least);
        told.add("fastest event", "attempts/s", most);
        told.add("events", "", attempts / f64::from(TAKERS));
        told.add_latencies(&self.latencies, None);
        let [api, generator] = cpu;
        told.add("holdfast-booking-api for each", "us of processor time", api.as_secs_f64() * 1e6 / attempts);
        told.add("generator", "cores", generator.as_secs_f64() / spent.as_secs_f64());
        Ok(event)
    }

    /// Has everybody want what is gone.
    fn turn_away(&mut self, address: SocketAddr, event: &str) -> Result<(), Error> {
        let mut crew = Crew::open(address, self.bench.settings.connections.into())?;
        let mut took = Duration::ZERO;
        for _ in 0..LOSING {
            took += self.rush(&mut crew, &Wire::new(address), event, 0)?;
        }
        self.told.add("sold out", "attempts/s", f64::from(LOSING * TAKERS) / took.as_secs_f64());
        Ok(())
    }

    /// Has everybody want a unit of an event that has so many; how long it took.
    fn rush(&mut self, crew: &mut Crew, wire: &Wire, event: &str, units: u32) -> Result<Duration, Error> {
        let mut rush = Rush {
            wire,
            body: wire::hold(event, HALL, 1),
            left: TAKERS,
            answers: Answers::default(),
            latencies: &mut self.latencies,
        };
        let took = crew.run(&mut rush, self.bench.stop)?;
        let answers = rush.answers;
        self.told.only(&answers, &[MADE, SOLD_OUT]);
        self.told.demand(answers.of(MADE) == u64::from(units), || {
            format!("{} were acknowledged of an event that had {units} left", answers.of(MADE))
        });
        Ok(took)
    }

    /// What PostgreSQL did for each that was turned away.
    fn tell_loser(&mut self, work: Work) {
        let each = |count: u64| number(count) / f64::from(LOSING * TAKERS);
        self.told.add("commits for each loser", "", each(work.commits));
        self.told.add("rollbacks for each loser", "", each(work.rollbacks));
        if let Some(statements) = work.statements {
            self.told.add("statements for each loser", "", each(statements));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;
    use crate::{sale::crew, stop::Stop};

    /// What each of so many was answered by a service that has so many units to give, by status and by code.
    fn answered(units: u32, takers: u32) -> Answers {
        let given = Arc::new(AtomicU32::new(0));
        let address = crew::tests::service(move |request| {
            assert!(request.contains("X-User-ID: user-"), "{request}");
            if given.fetch_add(1, Ordering::Relaxed) < units {
                (201, r#"{"reservation_id":"x"}"#.to_owned())
            } else {
                (409, r#"{"code":"sold_out"}"#.to_owned())
            }
        });
        let mut latencies = Latencies::new().unwrap();
        let mut rush = Rush {
            wire: &Wire::new(address),
            body: wire::hold("x", HALL, 1),
            left: takers,
            answers: Answers::default(),
            latencies: &mut latencies,
        };
        Crew::open(address, 4).unwrap().run(&mut rush, &Stop::default()).unwrap();
        rush.answers
    }

    #[test]
    fn everybody_asks_once_and_every_answer_is_counted() {
        let answers = answered(7, 50);
        assert_eq!((answers.of(MADE), answers.of(SOLD_OUT)), (7, 43));
    }
}

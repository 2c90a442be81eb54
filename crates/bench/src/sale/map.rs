//! The row `map`: how long the map of a hall of 50,000 seats takes while it is being sold: four ask for it again and again,
//! and all other connections hold two seats at a time, the best that are left. Again with a fresh event whenever one is sold
//! out, until the time is filled. Valid when every request was answered as it should be, no map has fewer seats taken than
//! the one before it, the last has all that were acknowledged, and tables and log have it so, no seat twice. No peer.

use std::time::{Duration, Instant};

use crate::{
    error::Error,
    figures::{Latencies, number},
    log::Log,
    rounds::Bench,
    sale::{
        answers::{Answers, DONE, MADE, SOLD_OUT},
        crew::{Crew, Heard, Script},
        hall::{self, HALL, Hall},
        sold::{self, Sold},
        wire::{self, Wire},
    },
    service::Service,
    told::{Aim, Told},
};

/// The seats.
const SEATS: Hall = Hall { rows: 500, seats: 100 };

/// How many look at the map.
const READERS: usize = 4;

/// Seats of a hold.
const TOGETHER: u32 = 2;

/// What the p99 of the map is to stay under, in milliseconds.
const AIM_P99: Aim = Aim::Under(20.0);

/// The sale of one event.
struct Sale<'a> {
    wire: &'a Wire,
    path: String,
    body: String,
    users: u32,
    asked: u32,
    until: Instant,
    is_sold_out: bool,
    /// How many seats were taken by the last map of each reader.
    taken: [u64; READERS],
    /// How many maps had fewer taken than the one before.
    backwards: u64,
    maps: &'a mut Latencies,
    holds: &'a mut Latencies,
    answers: Answers,
}

impl Script for Sale<'_> {
    fn ask(&mut self, connection: usize, now: Instant, into: &mut Vec<u8>) -> bool {
        let is_over = self.is_sold_out || now >= self.until;
        if connection < READERS {
            self.wire.get(into, &self.path);
            return !is_over;
        }
        if is_over {
            return false;
        }
        self.asked += 1;
        self.wire.post(into, wire::RESERVATIONS, Some(self.asked % self.users + 1), &self.body);
        true
    }

    fn hear(&mut self, connection: usize, heard: &Heard<'_>) -> Result<(), Error> {
        self.answers.note(heard);
        if connection < READERS {
            self.maps.record(heard.took);
            let taken = wire::taken(heard.body);
            self.backwards += u64::from(taken < self.taken[connection]);
            self.taken[connection] = taken;
        } else {
            self.holds.record(heard.took);
            self.is_sold_out |= heard.status == 409;
        }
        Ok(())
    }
}

/// What the sales of a row came to.
struct Sales<'a> {
    bench: &'a Bench<'a>,
    told: Told,
    maps: Latencies,
    holds: Latencies,
    /// Of all, also of what is not counted.
    held: u64,
    map_bytes: usize,
}

/// # Errors
/// When it can't be measured.
pub(crate) fn measure(bench: &Bench<'_>) -> Result<Told, Error> {
    let database = bench.database()?;
    let mut api = bench.services.start("holdfast-booking-api", &database)?;
    let (maps, holds) = (Latencies::new()?, Latencies::new()?);
    let mut sales = Sales { bench, told: Told::default(), maps, holds, held: 0, map_bytes: 0 };
    sales.sell(&api).map_err(|error| api.blame(error))?;
    api.check()?;
    drop(api);

    let (sold, log) = (Sold::read(&database)?, Log::read(&database)?);
    let twice = sold::seats_held(&database)?;
    let Sales { mut told, held, .. } = sales;
    told.settle(&sold, &log, [held, 0]);
    let seats = held * u64::from(TOGETHER);
    told.demand(sold.held == seats && twice == [seats; 2], || {
        format!(
            "{seats} seats were acknowledged; {} are held, by the log {} and {} different ones",
            sold.held, twice[0], twice[1]
        )
    });
    Ok(told)
}

impl Sales<'_> {
    /// Sells, first uncounted and then counted.
    fn sell(&mut self, api: &Service) -> Result<(), Error> {
        let settings = self.bench.settings;
        let wire = Wire::new(api.address);
        let sellers = usize::from(settings.connections).saturating_sub(READERS).max(1);
        let mut crew = Crew::open(api.address, READERS + sellers)?;
        let mut spent = Duration::ZERO;
        for limit in [settings.warm_up(), settings.counted()] {
            (self.maps, self.holds, spent) = (Latencies::new()?, Latencies::new()?, Duration::ZERO);
            while spent < limit {
                spent += self.sale(&mut crew, &wire, limit.saturating_sub(spent))?;
            }
        }
        let per_second = |latencies: &Latencies| number(latencies.count()) / spent.as_secs_f64();
        let told = &mut self.told;
        told.add_latencies(&self.maps, Some(AIM_P99));
        told.add("maps", "maps/s", per_second(&self.maps));
        told.add("a map", "bytes", number(self.map_bytes as u64));
        told.add("sold meanwhile", "seats/s", per_second(&self.holds) * f64::from(TOGETHER));
        told.add("a hold: p50", "ms", self.holds.percentile_millis(50.0));
        told.add("a hold: p99", "ms", self.holds.percentile_millis(99.0));
        Ok(())
    }

    /// Sells one event, for so long at most; gives how long it took.
    fn sale(&mut self, crew: &mut Crew, wire: &Wire, limit: Duration) -> Result<Duration, Error> {
        let stop = self.bench.stop;
        let event = hall::make(crew, wire, &[SEATS.section()], stop)?;
        let path = format!("/api/v1/events/{event}/seats");
        let mut sale = Sale {
            wire,
            path: path.clone(),
            body: wire::hold(&event, HALL, TOGETHER),
            users: self.bench.settings.users,
            asked: 0,
            until: Instant::now() + limit,
            is_sold_out: false,
            taken: [0; READERS],
            backwards: 0,
            maps: &mut self.maps,
            holds: &mut self.holds,
            answers: Answers::default(),
        };
        let took = crew.run(&mut sale, stop)?;
        let Sale { answers, backwards, .. } = sale;
        let mut request = Vec::new();
        wire.get(&mut request, path);
        let last = crew.volley(vec![request], stop)?;
        let map = &last.answers[0].body;
        let (held, taken) = (answers.of(MADE), wire::taken(map));
        self.held += held;
        self.map_bytes = self.map_bytes.max(map.len());
        self.told.only(&answers, &[MADE, DONE, SOLD_OUT]);
        self.told
            .demand(backwards == 0, || format!("{backwards} maps had fewer seats taken than the one before"));
        self.told.demand(taken == held * u64::from(TOGETHER), || {
            format!("{held} holds of {TOGETHER} seats were acknowledged, and the last map has {taken} taken")
        });
        Ok(took)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    use super::*;
    use crate::{sale::crew, stop::Stop};

    #[test]
    fn a_map_with_fewer_seats_taken_than_the_one_before_is_noticed() {
        let given = Arc::new(AtomicU64::new(0));
        let address = crew::tests::service(move |request| {
            if request.starts_with("POST") {
                return (if given.fetch_add(1, Ordering::Relaxed) < 50 { 201 } else { 409 }, "{}".to_owned());
            }
            // The longer it is asked the less there is.
            let taken = 100_u64.saturating_sub(given.load(Ordering::Relaxed));
            (200, format!(r#"{{"states":"{}"}}"#, "h".repeat(usize::try_from(taken).unwrap())))
        });
        let (mut maps, mut holds) = (Latencies::new().unwrap(), Latencies::new().unwrap());
        let mut sale = Sale {
            wire: &Wire::new(address),
            path: "/seats".to_owned(),
            body: "{}".to_owned(),
            users: 10,
            asked: 0,
            until: Instant::now() + Duration::from_secs(10),
            is_sold_out: false,
            taken: [0; READERS],
            backwards: 0,
            maps: &mut maps,
            holds: &mut holds,
            answers: Answers::default(),
        };
        Crew::open(address, READERS + 1).unwrap().run(&mut sale, &Stop::default()).unwrap();
        assert!(sale.is_sold_out && sale.backwards > 0 && sale.answers.of(MADE) == 50);
    }
}

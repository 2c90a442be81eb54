//! Ramp-up: an eighth of the clients, then a quarter, half, and all of them lock a seat that chance gives, and confirm it.
//! At no stage is a seat sold that was sold before.

use std::{collections::HashSet, mem, time::Instant};

use super::{Ground, SEATS};
use crate::{
    error::Error,
    figures::{Latencies, number},
    random::Random,
    sale::{
        answers::{Answers, DONE, SEATS_TAKEN},
        crew::{Crew, Heard, Script},
        wire::{self, Wire},
    },
};

/// The part of the clients that each stage has.
const STAGES: [u32; 4] = [8, 4, 2, 1];

/// What a client has asked last, and of which seat.
#[derive(Debug, Clone, Copy, Default)]
enum Step {
    #[default]
    Nothing,
    Lock(u32),
    Locked(u32),
    Confirm(u32),
}

struct Stage<'a> {
    wire: &'a Wire,
    event: &'a str,
    random: &'a mut Random,
    clients: Vec<Step>,
    until: Instant,
    latencies: Latencies,
    locks: Answers,
    confirmations: Answers,
    /// All that were sold so far.
    sold: &'a mut HashSet<u32>,
    sold_twice: u64,
}

impl Script for Stage<'_> {
    fn ask(&mut self, client: usize, now: Instant, into: &mut Vec<u8>) -> bool {
        // No other client of the stage is the same user.
        let user = u32::try_from(client).unwrap_or(u32::MAX) + 1;
        let (path, body, step) = match mem::take(&mut self.clients[client]) {
            Step::Locked(seat) => {
                let body = wire::confirm(self.event, &[SEATS.seat(seat)], user, format_args!("ramp-{seat}"));
                (wire::CONFIRM, body, Step::Confirm(seat))
            }
            _ if now >= self.until => return false,
            _ => {
                let seat = self.random.below(SEATS.len());
                (wire::LOCK, wire::lock(self.event, &[SEATS.seat(seat)], user), Step::Lock(seat))
            }
        };
        self.clients[client] = step;
        self.wire.post(into, path, None, &body);
        true
    }

    fn hear(&mut self, client: usize, heard: &Heard<'_>) -> Result<(), Error> {
        self.latencies.record(heard.took);
        let step = &mut self.clients[client];
        *step = match (*step, heard.status) {
            (Step::Lock(seat), status) => {
                self.locks.note(heard);
                if status == 200 { Step::Locked(seat) } else { Step::Nothing }
            }
            (Step::Confirm(seat), status) => {
                self.confirmations.note(heard);
                self.sold_twice += u64::from(status == 200 && !self.sold.insert(seat));
                Step::Nothing
            }
            (step, _) => step,
        };
        Ok(())
    }
}

pub(super) fn measure(ground: &mut Ground<'_>, index: usize) -> Result<(), Error> {
    let event = ground.event()?;
    let seed = ground.bench.settings.seed.wrapping_add(index as u64);
    let (mut random, mut sold) = (Random::new(seed), HashSet::new());
    let limit = ground.limit.div_f64(number(STAGES.len() as u64));
    for part in STAGES {
        let clients = (ground.clients / part).max(1) as usize;
        let mut crew = Crew::open(ground.address, clients)?;
        let mut stage = Stage {
            wire: &ground.wire,
            event: &event,
            random: &mut random,
            clients: vec![Step::Nothing; clients],
            until: Instant::now() + limit,
            latencies: Latencies::new()?,
            locks: Answers::default(),
            confirmations: Answers::default(),
            sold: &mut sold,
            sold_twice: 0,
        };
        let took = crew.run(&mut stage, ground.bench.stop)?;
        let Stage { latencies, locks, confirmations, sold_twice, .. } = stage;
        let told = &mut ground.told;
        told.only(&locks, &[DONE, SEATS_TAKEN]);
        told.only(&confirmations, &[DONE]);
        told.demand(sold_twice == 0, || format!("{sold_twice} seats were sold twice, by {clients} clients"));
        let per_second = number(latencies.count()) / took.as_secs_f64();
        told.add(format!("ramp-up, {clients} clients: taken"), "requests/s", per_second);
        told.add(format!("ramp-up, {clients} clients: p99"), "ms", latencies.percentile_millis(99.0));
        ground.holds += locks.of(DONE);
        ground.confirmations += confirmations.of(DONE);
        ground.seats_confirmed += confirmations.of(DONE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{sale::crew, stop::Stop};

    #[test]
    fn a_seat_that_is_confirmed_a_second_time_is_noticed() {
        // Every seat is to be had as often as one likes.
        let address = crew::tests::service(|_| (200, "{}".to_owned()));
        let mut stage = Stage {
            wire: &Wire::new(address),
            event: "x",
            random: &mut Random::new(1),
            clients: vec![Step::Nothing; 2],
            until: Instant::now() + Duration::from_millis(50),
            latencies: Latencies::new().unwrap(),
            locks: Answers::default(),
            confirmations: Answers::default(),
            sold: &mut (0..SEATS.len()).collect(),
            sold_twice: 0,
        };
        Crew::open(address, 2).unwrap().run(&mut stage, &Stop::default()).unwrap();
        assert!(stage.sold_twice > 0);
        assert_eq!(stage.locks.of(DONE), stage.confirmations.of(DONE));
        assert_eq!(stage.sold_twice, stage.confirmations.of(DONE));
    }
}

//! The row `spread`: a unit is held and then confirmed, a pair after another on each connection, over the 1,000 counted
//! sections of ten events: a house with several events on sale, each of many sections, of which nobody waits for another's.
//! Valid when every request was answered as it should be, and tables and log have as many holds, and confirmations, as were
//! acknowledged. No peer.

use std::{
    mem,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    error::Error,
    figures::{Latencies, number},
    load::cpu_time,
    log::Log,
    random::Random,
    rounds::Bench,
    sale::{
        answers::{Answers, DONE, MADE},
        crew::{Crew, Heard, Script},
        hall,
        sold::Sold,
        wire::{self, Wire},
    },
    service::Service,
    told::{Aim, Told},
};

/// Events, and sections of each.
const EVENTS: u32 = 10;
const SECTIONS: u32 = 100;

/// Units of a section: more than are ever sold.
const CAPACITY: u32 = 1_000_000;

/// Pairs a second.
const AIM: Aim = Aim::AtLeast(10_000.0);

/// What a connection has asked last.
#[derive(Debug, Clone, Default)]
enum Step {
    #[default]
    Nothing,
    Hold,
    /// The hold was answered: it is to be confirmed.
    Held(String),
    Confirm,
}

/// Which part is under way.
#[derive(Debug, Clone, Copy)]
enum Phase {
    WarmUp,
    Counted,
    /// What has been held is confirmed, and nothing more held.
    Draining,
}

struct Pairs<'a> {
    wire: &'a Wire,
    /// A hold of each section.
    bodies: Vec<String>,
    random: Random,
    users: u32,
    connections: Vec<(Step, u32)>,
    phase: Phase,
    counted_from: Instant,
    counted_until: Instant,
    cpu: [Duration; 2],
    holds: Latencies,
    confirmations: Latencies,
    answers: Answers,
}

impl Pairs<'_> {
    fn turn(&mut self, now: Instant) {
        match self.phase {
            Phase::WarmUp if now >= self.counted_from => {
                self.cpu[0] = cpu_time();
                self.phase = Phase::Counted;
            }
            Phase::Counted if now >= self.counted_until => {
                self.cpu[1] = cpu_time();
                self.phase = Phase::Draining;
            }
            _ => {}
        }
    }
}

impl Script for Pairs<'_> {
    fn ask(&mut self, connection: usize, now: Instant, into: &mut Vec<u8>) -> bool {
        self.turn(now);
        let (step, user) = &mut self.connections[connection];
        match mem::take(step) {
            Step::Held(id) => {
                let path = format_args!("{}/{id}/confirm", wire::RESERVATIONS);
                self.wire.post(into, path, Some(*user), "");
                *step = Step::Confirm;
                true
            }
            _ if matches!(self.phase, Phase::Draining) => false,
            _ => {
                *user = self.random.below(self.users) + 1;
                let section = self.random.below(EVENTS * SECTIONS) as usize;
                self.wire.post(into, wire::RESERVATIONS, Some(*user), &self.bodies[section]);
                *step = Step::Hold;
                true
            }
        }
    }

    fn hear(&mut self, connection: usize, heard: &Heard<'_>) -> Result<(), Error> {
        self.turn(heard.at);
        self.answers.note(heard);
        let step = &mut self.connections[connection].0;
        let is_hold = matches!(step, Step::Hold);
        *step = match (heard.status, wire::text_of(heard.body, "reservation_id")) {
            (201, Some(id)) if is_hold => Step::Held(id.to_owned()),
            _ => Step::Nothing,
        };
        if matches!(self.phase, Phase::Counted) && heard.status < 400 {
            let latencies = if is_hold { &mut self.holds } else { &mut self.confirmations };
            latencies.record(heard.took);
        }
        Ok(())
    }
}

/// # Errors
/// When it can't be measured.
pub(crate) fn measure(bench: &Bench<'_>, index: usize) -> Result<Told, Error> {
    let database = bench.database()?;
    let mut api = bench.services.start("holdfast-booking-api", &database)?;
    let mut told = Told::default();
    let answers = sell(bench, index, &api, &mut told).map_err(|error| api.blame(error))?;
    api.check()?;
    drop(api);

    let (sold, log) = (Sold::read(&database)?, Log::read(&database)?);
    let [holds, confirmations] = [MADE, DONE].map(|name| answers.of(name));
    told.only(&answers, &[MADE, DONE]);
    told.settle(&sold, &log, [holds, confirmations]);
    told.demand(holds == confirmations && sold.held == 0 && sold.confirmed == holds, || {
        format!(
            "{holds} were held, {confirmations} confirmed; {} are held, {} confirmed",
            sold.held, sold.confirmed
        )
    });
    Ok(told)
}

fn sell(bench: &Bench<'_>, index: usize, api: &Service, told: &mut Told) -> Result<Answers, Error> {
    let settings = bench.settings;
    let wire = Wire::new(api.address);
    let mut crew = Crew::open(api.address, settings.many_connections.into())?;
    let names: Vec<String> = (1..=SECTIONS).map(|number| format!("Section {number}")).collect();
    let sections: Vec<Value> = names.iter().map(|name| hall::counted(name, CAPACITY)).collect();
    let mut bodies = Vec::new();
    for _ in 0..EVENTS {
        let event = hall::make(&mut crew, &wire, &sections, bench.stop)?;
        bodies.extend(names.iter().map(|name| wire::hold(&event, name, 1)));
    }
    let counted_from = Instant::now() + settings.warm_up();
    let mut pairs = Pairs {
        wire: &wire,
        bodies,
        random: Random::new(settings.seed.wrapping_add(index as u64)),
        users: settings.users,
        connections: vec![(Step::Nothing, 0); crew.len()],
        phase: Phase::WarmUp,
        counted_from,
        counted_until: counted_from + settings.counted(),
        cpu: [Duration::ZERO; 2],
        holds: Latencies::new()?,
        confirmations: Latencies::new()?,
        answers: Answers::default(),
    };
    let before = api.cpu_time().1;
    crew.run(&mut pairs, bench.stop)?;
    let api_cpu = api.cpu_time().1.saturating_sub(before);

    let seconds = settings.counted().as_secs_f64();
    told.aim("confirmed", "pairs/s", number(pairs.confirmations.count()) / seconds, AIM);
    for (name, latencies) in [("a hold", &pairs.holds), ("a confirmation", &pairs.confirmations)] {
        told.add(format!("{name}: p50"), "ms", latencies.percentile_millis(50.0));
        told.add(format!("{name}: p99"), "ms", latencies.percentile_millis(99.0));
        told.add(format!("{name}: longest"), "ms", latencies.longest_millis());
    }
    let each = api_cpu.as_secs_f64() * 1e6 / number(pairs.answers.of(DONE).max(1));
    told.add("holdfast-booking-api for each pair", "us of processor time", each);
    told.add("generator", "cores", (pairs.cpu[1].saturating_sub(pairs.cpu[0])).as_secs_f64() / seconds);
    Ok(pairs.answers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sale::crew, stop::Stop};

    #[test]
    fn what_was_held_is_confirmed_by_the_same_user_and_nothing_is_left_held() {
        let address = crew::tests::service(|request| {
            let user = request.split("X-User-ID: ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
            let path = request.split(' ').nth(1).unwrap();
            if path == wire::RESERVATIONS {
                return (201, format!(r#"{{"reservation_id":"of-{user}"}}"#));
            }
            assert_eq!(path, format!("{}/of-{user}/confirm", wire::RESERVATIONS));
            (200, "{}".to_owned())
        });
        let now = Instant::now();
        let mut pairs = Pairs {
            wire: &Wire::new(address),
            bodies: vec!["{}".to_owned(); (EVENTS * SECTIONS) as usize],
            random: Random::new(1),
            users: 100,
            connections: vec![(Step::Nothing, 0); 3],
            phase: Phase::WarmUp,
            counted_from: now + Duration::from_millis(20),
            counted_until: now + Duration::from_millis(120),
            cpu: [Duration::ZERO; 2],
            holds: Latencies::new().unwrap(),
            confirmations: Latencies::new().unwrap(),
            answers: Answers::default(),
        };
        Crew::open(address, 3).unwrap().run(&mut pairs, &Stop::default()).unwrap();
        assert_eq!(pairs.answers.of(MADE), pairs.answers.of(DONE));
        assert!(pairs.confirmations.count() > 0 && pairs.confirmations.count() < pairs.answers.of(DONE));
    }
}

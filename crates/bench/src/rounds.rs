//! All parts, round by round. Owns their order, and what a round is valid by.

use crate::{
    database::{Fresh, Server},
    error::Error,
    handles,
    intake::{self, Http},
    machine::{self, Machine},
    pgbench,
    request::Choice,
    scratch::Scratch,
    service::Services,
    settings::{Part, Settings},
    sockets::{
        fan_out::{self, FanOut},
        idle::{self, Idle},
        reconnect::{self, Reconnect},
    },
    stop::Stop,
};

/// Each part once; none where a part was left out.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) http: Option<Http>,
    pub(crate) pgbench: Option<pgbench::Seen>,
    pub(crate) validator: Option<Http>,
    pub(crate) fan_out: Option<FanOut>,
    pub(crate) paced: Option<FanOut>,
    pub(crate) idle: Option<Idle>,
    pub(crate) reconnect: Option<Reconnect>,
}

impl Round {
    pub(crate) fn is_valid(&self) -> bool {
        let mut parts = self.http.iter().chain(&self.validator);
        let mut fan_outs = self.fan_out.iter().chain(&self.paced);
        parts.all(Http::is_valid)
            && fan_outs.all(FanOut::is_valid)
            && self.reconnect.as_ref().is_none_or(Reconnect::is_valid)
    }
}

/// Measures all rounds that the settings ask for.
///
/// # Errors
/// When a part can't be measured, or the bench has been told to end.
pub(crate) fn measure(settings: &Settings, stop: &Stop) -> Result<(Machine, Vec<Round>), Error> {
    handles::raise_to(settings.sockets.max(settings.many_sockets))?;
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

/// The parts of each round: those of the intake, then those of the sockets. Each begins at another place in each round, so
/// that a drift of the machine hits all alike.
fn order(settings: &Settings) -> Vec<Vec<Part>> {
    if let Some(part) = settings.only {
        return vec![vec![part]];
    }
    (0..settings.rounds as usize)
        .map(|round| {
            let (mut intake, mut sockets) = (Part::INTAKE, Part::SOCKETS);
            intake.rotate_left(round % Part::INTAKE.len());
            sockets.rotate_left(round % Part::SOCKETS.len());
            [&intake[..], &sockets].concat()
        })
        .collect()
}

/// What all parts need.
pub(crate) struct Bench<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) services: &'a Services<'a>,
    pub(crate) stop: &'a Stop,
    server: &'a Server,
    scratch: &'a Scratch,
}

impl Bench<'_> {
    /// What the requests of this round are drawn from.
    pub(crate) fn choice(&self, index: usize) -> Choice {
        Choice {
            resources: self.settings.resources,
            users: self.settings.users,
            first_day: machine::tomorrow(),
            seed: self.settings.seed.wrapping_add(index as u64),
        }
    }

    fn measure(&self, part: Part, index: usize, round: &mut Round) -> Result<(), Error> {
        let database = self.server.fresh()?;
        self.services.migrate(&database)?;
        match part {
            Part::Http => round.http = Some(intake::http(self, &database, index, &[])?),
            Part::Validator => {
                round.validator = Some(intake::http(self, &database, index, &["holdfast-validator"])?);
            }
            Part::Pgbench => round.pgbench = Some(self.pgbench(&database)?),
            Part::FanOut => round.fan_out = Some(fan_out::measure(self, &database, index, None)?),
            Part::Paced => {
                let pace = Some(self.settings.bookings_per_second);
                round.paced = Some(fan_out::measure(self, &database, index, pace)?);
            }
            Part::Idle => round.idle = Some(idle::measure(self, database.name())?),
            Part::Reconnect => round.reconnect = Some(reconnect::measure(self, &database, index)?),
        }
        Ok(())
    }

    fn pgbench(&self, database: &Fresh<'_>) -> Result<pgbench::Seen, Error> {
        pgbench::prepare(database, self.settings.resources)?;
        pgbench::run(self.settings, database, machine::tomorrow(), self.scratch.path(), self.stop)
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
    fn each_part_of_the_intake_takes_each_place_once_in_three_rounds() {
        let order = order(&settings(&[]));
        assert_eq!(order.len(), 3);
        for place in 0..3 {
            for part in Part::INTAKE {
                assert_eq!(order.iter().filter(|parts| parts[place] == part).count(), 1);
            }
        }
    }

    #[test]
    fn every_round_has_every_part_once() {
        for parts in order(&settings(&["--rounds", "5"])) {
            assert_eq!(parts.len(), Part::INTAKE.len() + Part::SOCKETS.len());
            assert!(Part::INTAKE.iter().chain(&Part::SOCKETS).all(|part| parts.contains(part)));
        }
    }

    #[test]
    fn one_part_alone_is_measured_once() {
        assert_eq!(order(&settings(&["--only", "pgbench"])), [[Part::Pgbench]]);
    }
}

//! All rows, round by round. Owns what they share: the server, the binaries, and what the requests are drawn from.

use std::collections::BTreeMap;

use crate::{
    alone, backlog,
    curve::{self, Curve},
    database::{Fresh, Server},
    error::{self, Error},
    handles,
    intake::{self, Setup},
    machine::{self, Machine},
    pgbench,
    request::{Choice, Draw},
    row::Row,
    sale::{hot, locks, map, plain, spread, wanted},
    scratch::Scratch,
    service::Services,
    settings::Settings,
    sockets::{decision, fan_out, hot_slot, idle, reconnect},
    stop::Stop,
    sustained,
    told::Told,
};

/// Each row once; none where a row was left out.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) rows: BTreeMap<Row, Told>,
    pub(crate) curve: Option<Curve>,
}

impl Round {
    pub(crate) fn is_valid(&self) -> bool {
        self.rows.values().all(Told::is_valid)
    }

    /// Puts beside each row how it does against its peers, where all of them were measured.
    fn compare(&mut self) {
        let per_second: BTreeMap<Row, f64> =
            self.rows.iter().filter_map(|(row, told)| Some((*row, told.per_second?))).collect();
        for (row, told) in &mut self.rows {
            let peers: Option<Vec<f64>> =
                row.peers().iter().map(|peer| per_second.get(peer).copied()).collect();
            let best = peers.and_then(|peers| peers.into_iter().max_by(f64::total_cmp));
            if let (Some(best), Some(own)) = (best, told.per_second) {
                told.aim("times pgbench", "", own / best, row.aim());
            }
        }
    }
}

/// Measures all rounds that the settings ask for.
///
/// # Errors
/// When nothing can be measured, or the bench has been told to end. A row that can't be is told so, and is not valid.
pub(crate) fn measure(settings: &Settings, stop: &Stop) -> Result<(Machine, Vec<Round>), Error> {
    handles::raise_to(
        settings.sockets.max(settings.many_sockets).max(curve::CONNECTIONS_MAX).max(wanted::CONNECTIONS),
    )?;
    let server = Server::new(&settings.database_url, settings.pg_bin.clone())?;
    let machine = Machine::look(&server)?;
    let scratch = Scratch::new()?;
    let services = Services::new(&settings.redis_url, &scratch, stop)?;
    let bench = Bench { settings, server: &server, scratch: &scratch, services: &services, stop };
    let mut rounds = Vec::new();
    for (index, rows) in Row::order(settings).into_iter().enumerate() {
        let mut round = Round::default();
        for row in rows {
            stop.check()?;
            eprintln!("bench: round {}, {}", index + 1, row.as_str());
            let told = match bench.measure(row, index, &mut round) {
                Err(Error::Interrupted) => return Err(Error::Interrupted),
                // The other rows are worth having all the same.
                Err(error) => Told { faults: vec![error::chain(&error).to_string()], ..Told::default() },
                Ok(told) => told,
            };
            round.rows.insert(row, told);
        }
        round.compare();
        rounds.push(round);
    }
    Ok((machine, rounds))
}

/// What all rows need.
pub(crate) struct Bench<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) services: &'a Services<'a>,
    pub(crate) stop: &'a Stop,
    server: &'a Server,
    scratch: &'a Scratch,
}

impl Bench<'_> {
    /// A database with our schema and nothing else in it.
    ///
    /// # Errors
    /// When it can't be made.
    pub(crate) fn database(&self) -> Result<Fresh<'_>, Error> {
        let database = self.server.fresh()?;
        self.services.migrate(&database)?;
        Ok(database)
    }

    /// What the requests of this round are drawn from: chance.
    pub(crate) fn choice(&self, index: usize) -> Choice {
        Choice {
            draw: Draw::Chance,
            resources: self.settings.resources,
            users: self.settings.users,
            first_day: machine::tomorrow(),
            seed: self.settings.seed.wrapping_add(index as u64),
        }
    }

    /// pgbench with so many clients, in a database of its own.
    ///
    /// # Errors
    /// When it can't be measured.
    pub(crate) fn pgbench(&self, clients: u16) -> Result<pgbench::Seen, Error> {
        let database = self.database()?;
        pgbench::prepare(&database, self.settings.resources)?;
        let times = [self.settings.warm_up_seconds, self.settings.seconds];
        pgbench::run(self, &database, clients, times)
    }

    /// Where logs and scripts go.
    pub(crate) fn directory(&self) -> &std::path::Path {
        self.scratch.path()
    }

    fn measure(&self, row: Row, index: usize, round: &mut Round) -> Result<Told, Error> {
        let Settings { connections, many_connections, .. } = *self.settings;
        match row {
            Row::Http => intake::measure(self, index, &Setup { row, connections, validator: false }),
            Row::Validator => intake::measure(self, index, &Setup { row, connections, validator: true }),
            Row::Wide => {
                intake::measure(self, index, &Setup { row, connections: many_connections, validator: false })
            }
            Row::Pgbench => self.pgbench(connections).map(|seen| seen.told()),
            Row::PgbenchWide => self.pgbench(self.settings.pgbench_wide()).map(|seen| seen.told()),
            Row::Alone => alone::measure(self, index),
            Row::Sustained => sustained::measure(self),
            Row::Backlog => backlog::measure(self),
            Row::Decision => decision::measure(self),
            Row::HotSlot => hot_slot::measure(self),
            Row::Curve => {
                let (told, curve) = curve::measure(self)?;
                round.curve = Some(curve);
                Ok(told)
            }
            Row::FanOut => fan_out::measure(self, index, None),
            Row::Paced => fan_out::measure(self, index, Some(self.settings.bookings_per_second)),
            Row::Idle => idle::measure(self),
            Row::Reconnect => reconnect::measure(self, index),
            Row::Hot | Row::HotSeated => hot::measure(self, row),
            Row::HotPgbench => plain::measure(self),
            Row::Spread => spread::measure(self, index),
            Row::Map => map::measure(self),
            Row::Locks => locks::measure(self, index),
            Row::Wanted => wanted::measure(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(rates: &[(Row, f64)]) -> Round {
        let told = |per_second| Told { per_second: Some(per_second), ..Told::default() };
        let mut round =
            Round { rows: rates.iter().map(|(row, rate)| (*row, told(*rate))).collect(), curve: None };
        round.compare();
        round
    }

    #[test]
    fn a_row_is_held_against_the_best_of_its_peers_and_only_when_it_has_all_of_them() {
        let both = round(&[(Row::Wide, 30.0), (Row::Pgbench, 10.0), (Row::PgbenchWide, 20.0)]);
        let [times] = &both.rows[&Row::Wide].figures[..] else { panic!("{both:?}") };
        assert!((times.value - 1.5).abs() < 1e-9);
        let one = round(&[(Row::Wide, 30.0), (Row::Pgbench, 10.0)]);
        assert!(one.rows[&Row::Wide].figures.is_empty());
    }
}

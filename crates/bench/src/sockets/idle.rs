//! Sockets on which nothing happens: how much memory of the notifier each takes, and how much once each has been told a
//! position and asked whether it is there.

use std::time::Duration;

use crate::{
    error::Error,
    figures::number,
    rounds::Bench,
    sockets::{
        crowd::Crowd,
        message::{Kind, Message},
    },
};

/// How long they may take to open, and then to be told a position: a beat is ten seconds.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// Resident memory of the notifier, in bytes.
#[derive(Debug)]
pub(crate) struct Idle {
    pub(crate) sockets: usize,
    before: u64,
    open: u64,
    after_beat: u64,
}

impl Idle {
    /// KiB for each socket, once all are open.
    pub(crate) fn kib_open(&self) -> f64 {
        self.kib(self.open)
    }

    /// KiB for each socket, once each has had a beat.
    pub(crate) fn kib_after_beat(&self) -> f64 {
        self.kib(self.after_beat)
    }

    fn kib(&self, bytes: u64) -> f64 {
        number(bytes.saturating_sub(self.before)) / 1_024.0 / number(self.sockets as u64)
    }
}

/// How many sockets have been told what.
#[derive(Debug, Default)]
struct Told {
    hellos: usize,
    positions: Vec<bool>,
}

impl Told {
    fn hear(&mut self, number: usize, message: &Message<'_>, _at: i64) {
        match message.kind {
            Kind::Hello => self.hellos += 1,
            Kind::Position => self.positions[number] = true,
            _ => {}
        }
    }
}

/// # Errors
/// When it can't be measured.
pub(crate) fn measure(bench: &Bench<'_>, prefix: &str) -> Result<Idle, Error> {
    let mut notifier = bench.services.notifier(prefix)?;
    let sockets = usize::from(bench.settings.many_sockets);
    let before = notifier.resident_bytes()?;
    let measured = || {
        let paths = (1..=sockets).map(|number| format!("/api/v1/ws?user_id=user-{number}"));
        let mut crowd = Crowd::open(notifier.address, paths)?;
        let mut told = Told { hellos: 0, positions: vec![false; sockets] };
        let mut wait = |is_done: fn(&Told) -> bool| {
            let within = (WAIT_MAX, bench.stop);
            if crowd.until(&mut told, within, Told::hear, is_done)? {
                return notifier.resident_bytes();
            }
            Err(Error::Load("not all sockets were told hello and their position".into()))
        };
        let open = wait(|told| told.hellos == told.positions.len())?;
        let after_beat = wait(|told| told.positions.iter().all(|is_told| *is_told))?;
        Ok(Idle { sockets, before, open, after_beat })
    };
    let idle = measured().map_err(|error| notifier.blame(error))?;
    notifier.check()?;
    Ok(idle)
}

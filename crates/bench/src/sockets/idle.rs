//! The row `idle`: sockets on which nothing happens: how much memory of the notifier each takes, and how much once each has
//! been told a position and asked whether it is there. Counted once every socket has been told so. No peer.

use std::time::Duration;

use crate::{
    error::Error,
    figures::number,
    rounds::Bench,
    sockets::{
        crowd::Crowd,
        message::{Kind, Message},
    },
    told::{Aim, Told},
};

/// How long they may take to open, and then to be told a position: a beat is ten seconds.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// What each socket is to stay under, in KiB.
const AIM: Aim = Aim::Under(20.0);

/// How many sockets have been told what.
#[derive(Debug, Default)]
struct Heard {
    hellos: usize,
    positions: Vec<bool>,
}

impl Heard {
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
pub(crate) fn measure(bench: &Bench<'_>) -> Result<Told, Error> {
    let database = bench.database()?;
    let mut notifier = bench.services.notifier(database.name())?;
    let sockets = usize::from(bench.settings.many_sockets);
    let before = notifier.resident_bytes()?;
    let measured = || {
        let paths = (1..=sockets).map(|number| format!("/api/v1/ws?user_id=user-{number}"));
        let mut crowd = Crowd::open(notifier.address, paths)?;
        let mut heard = Heard { hellos: 0, positions: vec![false; sockets] };
        let mut wait = |is_done: fn(&Heard) -> bool| {
            let within = (WAIT_MAX, bench.stop);
            if crowd.until(&mut heard, within, Heard::hear, is_done)? {
                return notifier.resident_bytes();
            }
            Err(Error::Load("not all sockets were told hello and their position".into()))
        };
        let open = wait(|heard| heard.hellos == heard.positions.len())?;
        let after_beat = wait(|heard| heard.positions.iter().all(|is_told| *is_told))?;
        Ok([open, after_beat])
    };
    let [open, after_beat] = measured().map_err(|error| notifier.blame(error))?;
    notifier.check()?;
    let each = |bytes: u64| number(bytes.saturating_sub(before)) / 1_024.0 / number(sockets as u64);
    let mut told = Told::default();
    told.aim("a socket", "KiB", each(open), AIM);
    told.aim("after a beat", "KiB", each(after_beat), AIM);
    Ok(told)
}

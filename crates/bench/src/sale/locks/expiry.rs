//! Lock expiry: each client has a seat for a second. Until then nobody else gets it; from then on another does, and who had
//! it can't confirm it any more.

use std::time::{Duration, Instant};

use super::{Ground, Rate, SEATS};
use crate::{
    error::Error,
    sale::{
        answers::{DONE, MADE, SEATS_NOT_HELD, SEATS_TAKEN},
        wire,
    },
};

/// How long a seat is held: no lock is so short, so it is held as reservations are.
const HELD: Duration = Duration::from_secs(1);

pub(super) fn measure(ground: &mut Ground<'_>) -> Result<(), Error> {
    let (event, clients) = (ground.event()?, ground.clients);
    let mut rate = Rate::new(ground.limit)?;
    for round in 0..SEATS.len() / clients {
        if rate.is_over() {
            break;
        }
        let seats: Vec<[String; 1]> =
            (0..clients).map(|client| [SEATS.seat(round * clients + client)]).collect();
        let users = || (1..=clients).zip(&seats);
        let others = || (clients + 1..=2 * clients).zip(&seats);

        let asked = Instant::now();
        let wire = ground.wire.clone();
        let holds = users().map(|(user, seat)| {
            let body = wire::hold_seats(&event, seat, HELD.as_secs());
            wire.posted(wire::RESERVATIONS, Some(user), &body)
        });
        let held = ground.crew.volley(holds.collect(), ground.bench.stop)?;
        let answered = Instant::now();
        held.answers.iter().for_each(|answer| ground.expect(answer, MADE));

        let early = others().map(|(user, seat)| wire::lock(&event, seat, user));
        let early = ground.volley(wire::LOCK, early)?;
        // A hold is a second long from when it was asked for at the earliest.
        if asked.elapsed() < HELD {
            early.answers.iter().for_each(|answer| ground.expect(answer, SEATS_TAKEN));
        }
        // And over a second after it was answered at the latest.
        let is_over = || Ok((answered.elapsed() > HELD).then_some(()));
        ground.bench.stop.until(2 * HELD, is_over)?;
        let late = others().map(|(user, seat)| wire::lock(&event, seat, user));
        let late = ground.volley(wire::LOCK, late)?;
        late.answers.iter().for_each(|answer| ground.expect(answer, DONE));
        rate.add(&late);

        let confirm = |(user, seat): (u32, &[String; 1])| {
            wire::confirm(&event, seat, user, format_args!("expiry-{round}"))
        };
        let first = ground.volley(wire::CONFIRM, users().map(confirm))?;
        first.answers.iter().for_each(|answer| ground.expect(answer, SEATS_NOT_HELD));
        let second = ground.volley(wire::CONFIRM, others().map(confirm))?;
        second.answers.iter().for_each(|answer| ground.expect(answer, DONE));
        ground.holds += 2 * u64::from(clients);
        ground.confirmations += u64::from(clients);
        ground.seats_confirmed += u64::from(clients);
    }
    ground.tell("lock expiry", "locks/s", &rate);
    Ok(())
}

//! Contention on one seat: all clients lock the same seat at once, and then the next. One has it, everybody else is told
//! that this seat is taken.

use super::{Ground, Rate, SEATS};
use crate::{
    error::Error,
    sale::{
        answers::{DONE, SEATS_TAKEN},
        wire,
    },
};

pub(super) fn measure(ground: &mut Ground<'_>) -> Result<(), Error> {
    let (event, clients) = (ground.event()?, ground.clients);
    let mut rate = Rate::new(ground.limit)?;
    for number in 0..SEATS.len() {
        if rate.is_over() {
            break;
        }
        let seat = [SEATS.seat(number)];
        // Another is the first to ask each time.
        let users = (0..clients).map(|client| (client + number) % clients + 1);
        let volley = ground.volley(wire::LOCK, users.map(|user| wire::lock(&event, &seat, user)))?;
        let won = volley.answers.iter().filter(|answer| answer.is(DONE)).count();
        let named = format!("\"{}\"", seat[0]);
        let lost = volley
            .answers
            .iter()
            .filter(|answer| answer.is(SEATS_TAKEN) && answer.text().contains(&named))
            .count();
        ground.told.demand(won == 1 && won + lost == volley.answers.len(), || {
            format!(
                "of {clients} who wanted seat {} {won} got it, {lost} were told that it is taken",
                seat[0]
            )
        });
        ground.holds += won as u64;
        rate.add(&volley);
    }
    ground.tell("contention on one seat", "attempts/s", &rate);
    Ok(())
}

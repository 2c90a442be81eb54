//! Confirm races: seats are locked, and then confirmed by all clients at once, each as another user with another
//! `request_id`. Of one seat: who has locked it confirms it, and nobody else. Of several: who has locked all of them confirms
//! all; when no one has all, nobody confirms any.

use super::{Ground, Rate, SEATS};
use crate::{
    error::Error,
    sale::{
        answers::{DONE, SEATS_NOT_HELD},
        wire,
    },
};

/// Seats of a race for several.
const SEVERAL: u32 = 4;

pub(super) fn of_one_seat(ground: &mut Ground<'_>) -> Result<(), Error> {
    let event = ground.event()?;
    let mut rate = Rate::new(ground.limit)?;
    for case in 0..SEATS.len() {
        if rate.is_over() {
            break;
        }
        let owner = case % ground.clients + 1;
        let seats = [SEATS.seat(case)];
        ground.lock(&event, &seats, owner)?;
        ground.race((&event, &seats), Some(owner), case, &mut rate)?;
    }
    ground.tell("confirm race of one seat", "attempts/s", &rate);
    Ok(())
}

pub(super) fn of_several_seats(ground: &mut Ground<'_>) -> Result<(), Error> {
    let event = ground.event()?;
    let mut rate = Rate::new(ground.limit)?;
    for case in 0..SEATS.len() / SEVERAL {
        if rate.is_over() {
            break;
        }
        let owner = case % ground.clients + 1;
        let other = owner % ground.clients + 1;
        let seats: Vec<String> = (0..SEVERAL).map(|place| SEATS.seat(case * SEVERAL + place)).collect();
        // In every second case the last of them is another's.
        let is_whole = case % 2 == 0;
        let (first, last) = seats.split_at(seats.len() - 1);
        ground.lock(&event, first, owner)?;
        ground.lock(&event, last, if is_whole { owner } else { other })?;
        ground.race((&event, &seats), is_whole.then_some(owner), case, &mut rate)?;
    }
    ground.tell(&format!("confirm race of {SEVERAL} seats"), "attempts/s", &rate);
    Ok(())
}

impl Ground<'_> {
    fn lock(&mut self, event: &str, seats: &[String], user: u32) -> Result<(), Error> {
        self.holds += 1;
        self.post(wire::LOCK, wire::lock(event, seats, user), DONE)
    }

    /// Has every client confirm these seats; only `winner` can.
    fn race(
        &mut self,
        (event, seats): (&str, &[String]),
        winner: Option<u32>,
        case: u32,
        rate: &mut Rate,
    ) -> Result<(), Error> {
        let users = 1..=self.clients;
        let bodies = users
            .clone()
            .map(|user| wire::confirm(event, seats, user, format_args!("race-{}-{case}", seats.len())));
        let volley = self.volley(wire::CONFIRM, bodies)?;
        for (user, answer) in users.zip(&volley.answers) {
            self.expect(answer, if winner == Some(user) { DONE } else { SEATS_NOT_HELD });
        }
        if winner.is_some() {
            self.confirmations += 1;
            self.seats_confirmed += seats.len() as u64;
        }
        rate.add(&volley);
        Ok(())
    }
}

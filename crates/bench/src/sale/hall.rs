//! The events that rows sell: sections that are counted, and a hall of seats.

use serde_json::{Value, json};

use crate::{
    error::Error,
    machine,
    sale::{
        crew::Crew,
        wire::{self, Wire},
    },
    stop::Stop,
};

/// The one section of a hall.
pub(crate) const HALL: &str = "Hall";

/// Seats of a hall: so many rows, of so many each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hall {
    pub(crate) rows: u32,
    pub(crate) seats: u32,
}

impl Hall {
    /// How many seats it has.
    pub(crate) fn len(self) -> u32 {
        self.rows * self.seats
    }

    /// What the seat of this number is called, from 0.
    pub(crate) fn seat(self, number: u32) -> String {
        format!("{}{}", row(number / self.seats), number % self.seats + 1)
    }

    /// Its section.
    pub(crate) fn section(self) -> Value {
        let rows: Vec<Value> =
            (0..self.rows).map(|number| json!({ "name": row(number), "seats": self.seats })).collect();
        json!({ "name": HALL, "rows": rows })
    }
}

/// A section of so many units.
pub(crate) fn counted(name: &str, capacity: u32) -> Value {
    json!({ "name": name, "capacity": capacity })
}

/// What the row of this number is called, from 0: letters alone, so that a seat's number follows at once.
fn row(number: u32) -> String {
    let letter = |place: u32| char::from(b'A' + (number / place % 26) as u8);
    [676, 26, 1].map(letter).iter().collect()
}

/// Makes an event of these sections; gives its id.
///
/// # Errors
/// When it is not made.
pub(crate) fn make(crew: &mut Crew, wire: &Wire, sections: &[Value], stop: &Stop) -> Result<String, Error> {
    let event =
        json!({ "title": "Concert", "event_date": machine::tomorrow().to_string(), "sections": sections });
    let request = wire.posted("/api/v1/events", Some(1), &event.to_string());
    let made = crew.volley(vec![request], stop)?;
    let answer = &made.answers[0];
    wire::text_of(&answer.body, "id")
        .filter(|_| answer.status == 201)
        .map(str::to_owned)
        .ok_or_else(|| Error::Load(format!("an event was not made: {} {}", answer.status, answer.text())))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_seat_of_a_hall_has_a_name_of_its_own_that_its_row_gives_it() {
        let hall = Hall { rows: 700, seats: 20 };
        assert_eq!(["AAA1", "AAA20", "AAB1"], [0, 19, 20].map(|number| hall.seat(number)));
        assert_eq!(hall.section()["rows"][27], json!({ "name": "ABB", "seats": 20 }));
        let names: HashSet<String> = (0..hall.len()).map(|number| hall.seat(number)).collect();
        assert_eq!(names.len(), 14_000);
    }
}

//! What is asked for: one-hour slots of resources, written as the bytes of an HTTP request.
//!
//! Never allocates while the load runs.

use std::io::Write;

use time::{Date, Duration};

use crate::random::Random;

/// Over how many days the slots are spread.
pub(crate) const DAYS: u16 = 365;

/// Slots of a resource.
const SLOTS: u32 = DAYS as u32 * 24;

/// How far the next slot of a resource is from the last one, where each is drawn once: shares no factor with [`SLOTS`].
const STRIDE: u32 = 4_999;

/// How slots are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Draw {
    /// Each resource once, then resource, slot and user as chance says.
    Chance,
    /// Resources in turn, and no slot twice before all have been drawn: each want fits.
    Distinct,
    /// First the one resource's first slot; then, for each user in turn, another that is always the same.
    OneSlot,
}

/// What the requests are drawn from.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) draw: Draw,
    /// How many resources, from `Room 0001` on.
    pub(crate) resources: u32,
    /// How many users, from `user-1` on.
    pub(crate) users: u32,
    /// The first day of the slots.
    pub(crate) first_day: Date,
    /// What the random numbers follow from.
    pub(crate) seed: u64,
}

/// The requests of one load, in their order: each resource once, and then more.
pub(crate) struct Requests {
    choice: Choice,
    random: Random,
    /// All but the user's number, up to the end of the header before it.
    start: Vec<u8>,
    /// From after the user's number to the begin of the body.
    headers: Vec<u8>,
    /// `YYYY-MM-DD` of each day, and of the one after the last.
    days: Vec<String>,
    drawn: u32,
}

/// `Room 0001`: as wide for each, so that all bodies have one length.
pub(crate) fn resource_name(number: u32) -> String {
    format!("Room {number:04}")
}

impl Requests {
    pub(crate) fn new(choice: Choice, host: &str) -> Self {
        let days =
            (0..=i64::from(DAYS)).map(|day| (choice.first_day + Duration::days(day)).to_string()).collect();
        let start = format!("POST /api/bookings HTTP/1.1\r\nHost: {host}\r\nX-User-ID: user-");
        let mut requests = Self {
            random: Random::new(choice.seed),
            start: start.into_bytes(),
            headers: Vec::new(),
            days,
            drawn: 0,
            choice,
        };
        let mut body = Vec::new();
        requests.write_body(&mut body, 1, 0, 0);
        let headers = format!("\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        requests.headers = headers.into_bytes();
        requests
    }

    /// Whether each resource has been named.
    pub(crate) fn all_named(&self) -> bool {
        self.drawn >= self.choice.resources
    }

    /// Writes the next request over whatever `into` held.
    pub(crate) fn write_next(&mut self, into: &mut Vec<u8>) {
        let (resource, slot, user) = self.draw();
        self.drawn += 1;
        into.clear();
        into.extend_from_slice(&self.start);
        write_number(into, user);
        into.extend_from_slice(&self.headers);
        self.write_body(into, resource, (slot / 24) as usize, slot % 24);
    }

    /// Numbers of the next resource, slot and user.
    fn draw(&mut self) -> (u32, u32, u32) {
        let Choice { draw, resources, users, .. } = self.choice;
        let (turn, next) = (self.drawn / resources, self.drawn % resources + 1);
        let user = self.random.below(users) + 1;
        let chance = self.random.below(SLOTS);
        match draw {
            Draw::Chance if self.all_named() => (self.random.below(resources) + 1, chance, user),
            Draw::Chance => (next, chance, user),
            // Another first slot for each resource, so that a day is not asked for by all at once.
            Draw::Distinct => (next, (turn % SLOTS * STRIDE + next * 17) % SLOTS, user),
            Draw::OneSlot => (next, u32::from(turn > 0) * 36, self.drawn % users + 1),
        }
    }

    fn write_body(&self, into: &mut Vec<u8>, resource: u32, day: usize, hour: u32) {
        let (end_day, end_hour) = if hour == 23 { (day + 1, 0) } else { (day, hour + 1) };
        let (start_day, end_day) = (&self.days[day], &self.days[end_day]);
        // A Vec takes whatever is written to it.
        let _ = write!(
            into,
            "{{\"resource\":\"Room {resource:04}\",\"start_time\":\"{start_day}T{hour:02}:00:00Z\",\
             \"end_time\":\"{end_day}T{end_hour:02}:00:00Z\"}}"
        );
    }
}

fn write_number(into: &mut Vec<u8>, number: u32) {
    // As above.
    let _ = write!(into, "{number}");
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use time::macros::date;

    use super::*;

    fn requests(resources: u32) -> Requests {
        drawing(Draw::Chance, resources)
    }

    fn drawing(draw: Draw, resources: u32) -> Requests {
        let choice = Choice { draw, resources, users: 10_000, first_day: date!(2026 - 12 - 31), seed: 1 };
        Requests::new(choice, "127.0.0.1:8000")
    }

    fn next(requests: &mut Requests) -> (String, serde_json::Value) {
        let mut bytes = b"an older request".to_vec();
        requests.write_next(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{text}");
        (head.to_owned(), serde_json::from_str(body).unwrap())
    }

    #[test]
    fn every_resource_is_named_before_chance_decides() {
        let mut requests = requests(50);
        for number in 1..=50 {
            assert!(!requests.all_named());
            assert_eq!(next(&mut requests).1["resource"], resource_name(number));
        }
        assert!(requests.all_named());
    }

    #[test]
    fn a_request_is_http_with_a_slot_of_one_hour() {
        let mut requests = requests(1_000);
        for _ in 0..2_000 {
            let (head, body) = next(&mut requests);
            assert!(head.starts_with("POST /api/bookings HTTP/1.1\r\n"), "{head}");
            let time = |field: &str| {
                let text = body[field].as_str().unwrap();
                time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap()
            };
            assert_eq!(time("end_time") - time("start_time"), Duration::HOUR);
            assert!(time("start_time").date() >= date!(2026 - 12 - 31));
            assert!(time("start_time").date() < date!(2026 - 12 - 31) + Duration::days(365));
        }
    }

    #[test]
    fn what_is_to_be_distinct_comes_once_until_every_slot_has_come() {
        let mut requests = drawing(Draw::Distinct, 3);
        let mut seen = HashSet::new();
        for _ in 0..3 * SLOTS {
            let (resource, slot, _) = requests.draw();
            requests.drawn += 1;
            assert!(slot < SLOTS && seen.insert((resource, slot)));
        }
    }

    #[test]
    fn one_slot_is_wanted_by_each_user_in_turn_after_another_has_named_the_resource() {
        let mut requests = drawing(Draw::OneSlot, 1);
        let first = next(&mut requests).1;
        let [(head, second), (_, third)] = [(); 2].map(|()| next(&mut requests));
        assert_ne!(first["start_time"], second["start_time"]);
        assert_eq!(second, third);
        assert!(head.contains("X-User-ID: user-2\r\n"), "{head}");
    }
}

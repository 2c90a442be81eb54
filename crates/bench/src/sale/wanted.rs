//! The row `wanted`: a sale that everybody wants. 10,000 holds of an event's only section end in one second, while 1,000 users
//! wait in line for it, and 5,000 knock a second, whatever becomes of those before; one in eight of them holds a unit of another
//! event. One booking-api and one validator. Valid when each hold was settled, everybody in line was served in their order and before anybody at the door,
//! nobody was told anything else than that they have a unit, that it is sold out or that it is busy, and tables and log have it
//! so. No peer.

use std::time::{Duration, Instant};

use holdfast_domain::{DEFAULT_TENANT, Kind, Shard};
use serde_json::json;

use crate::{
    database::Fresh,
    error::Error,
    figures::{Latencies, number},
    log::Log,
    rounds::Bench,
    sale::{
        answers::{Answers, MADE, SOLD_OUT},
        crew::{Crew, Heard, Script},
        hall::{self, HALL},
        sold::Sold,
        wire::{self, Wire},
    },
    service::Service,
    told::Told,
};

/// Holds that end together.
const HOLDS: u32 = 10_000;

/// Users in line, for a unit each.
const IN_LINE: u32 = 1_000;

/// Units of the other event: more than are ever sold.
const ELSEWHERE: u32 = 10_000_000;

/// How many ask in a second.
const KNOCKS: u32 = 5_000;

/// Connections that they ask over: more than a lane lets wait.
pub(crate) const CONNECTIONS: u16 = 5_000;

/// One in so many asks for units of the other event.
const ONE_ELSEWHERE: u32 = 8;

/// How long after the first hold all of them end, so that they can be made before.
const HELD_FOR: Duration = Duration::from_secs(15);

/// How long before their end, and after it, everybody knocks.
const BEFORE: Duration = Duration::from_secs(3);
const AFTER: Duration = Duration::from_secs(6);

/// For so long after the first end what is asked counts as asked meanwhile.
const MEANWHILE: Duration = Duration::from_millis(1_500);

/// Too much waits.
const BUSY: (u16, &str) = (503, "busy");

/// Everybody holds a unit until the same moment.
struct Early<'a> {
    wire: &'a Wire,
    event: &'a str,
    end: Instant,
    left: u32,
    answers: Answers,
}

impl Script for Early<'_> {
    fn ask(&mut self, _: usize, now: Instant, into: &mut Vec<u8>) -> bool {
        if self.left == 0 {
            return false;
        }
        let seconds = self.end.saturating_duration_since(now).as_secs() + 1;
        let body =
            json!({ "event_id": self.event, "section_id": HALL, "quantity": 1, "hold_seconds": seconds });
        self.wire.post(into, wire::RESERVATIONS, Some(self.left), &body.to_string());
        self.left -= 1;
        true
    }

    fn hear(&mut self, _: usize, heard: &Heard<'_>) -> Result<(), Error> {
        self.answers.note(heard);
        Ok(())
    }
}

/// Everybody takes a place in line.
struct Joins<'a> {
    wire: &'a Wire,
    path: String,
    left: u32,
    answers: Answers,
}

impl Script for Joins<'_> {
    fn ask(&mut self, _: usize, _: Instant, into: &mut Vec<u8>) -> bool {
        if self.left == 0 {
            return false;
        }
        let body = json!({ "section_id": HALL, "quantity": 1, "offer_seconds": 600 });
        self.wire.post(into, &self.path, Some(HOLDS + self.left), &body.to_string());
        self.left -= 1;
        true
    }

    fn hear(&mut self, _: usize, heard: &Heard<'_>) -> Result<(), Error> {
        self.answers.note(heard);
        Ok(())
    }
}

/// What some are told: before the holds end, and meanwhile.
struct Asked {
    answers: Answers,
    before: Latencies,
    meanwhile: Latencies,
}

impl Asked {
    fn new() -> Result<Self, Error> {
        Ok(Self { answers: Answers::default(), before: Latencies::new()?, meanwhile: Latencies::new()? })
    }
}

/// Most knock, and some ask for units of another event.
struct Crowd<'a> {
    wire: &'a Wire,
    bodies: [String; 2],
    user: u32,
    /// Whether each connection asked elsewhere.
    are_elsewhere: Vec<bool>,
    end: Instant,
    door: Asked,
    elsewhere: Asked,
}

impl Script for Crowd<'_> {
    fn ask(&mut self, connection: usize, now: Instant, into: &mut Vec<u8>) -> bool {
        if now >= self.end + AFTER {
            return false;
        }
        // Nobody asks twice: a limit of the event's would be one of the user.
        self.user += 1;
        let is_elsewhere = self.user.is_multiple_of(ONE_ELSEWHERE);
        self.are_elsewhere[connection] = is_elsewhere;
        let body = &self.bodies[usize::from(is_elsewhere)];
        self.wire.post(into, wire::RESERVATIONS, Some(self.user), body);
        true
    }

    fn hear(&mut self, connection: usize, heard: &Heard<'_>) -> Result<(), Error> {
        let asked = if self.are_elsewhere[connection] { &mut self.elsewhere } else { &mut self.door };
        asked.answers.note(heard);
        if heard.at < self.end + heard.took {
            asked.before.record(heard.took);
        } else if heard.at < self.end + heard.took + MEANWHILE {
            asked.meanwhile.record(heard.took);
        }
        Ok(())
    }
}

/// # Errors
/// When it can't be measured.
pub(crate) fn measure(bench: &Bench<'_>) -> Result<Told, Error> {
    let database = bench.database()?;
    let mut api = bench.services.start("holdfast-booking-api", &database)?;
    let mut validator = bench.services.start("holdfast-validator", &database)?;
    let mut told = Told::default();
    let held = sell(bench, &api, &mut told).map_err(|error| api.blame(error))?;
    api.check()?;
    validator.check()?;
    drop((api, validator));

    let (sold, log) = (Sold::read(&database)?, Log::read(&database)?);
    told.settle(&sold, &log, [held + u64::from(IN_LINE), 0]);
    let settled = Settled::read(&database)?;
    told.add("from the end of a hold until it is settled: p99", "ms", settled.late_p99);
    told.add("from the end of a hold until it is settled: longest", "ms", settled.late_longest);
    told.add("from the first end to the last offer", "ms", settled.served_after);
    for (kind, count) in [(Kind::ReservationExpired, HOLDS), (Kind::WaitlistOffered, IN_LINE)] {
        told.demand(log.of_kind(kind) == u64::from(count), || {
            format!("the log has {} {}, and not {count}", log.of_kind(kind), kind.as_str())
        });
    }
    told.demand(settled.inversions == 0, || {
        format!("{} in line were served out of turn", settled.inversions)
    });
    told.demand(settled.before_the_line == 0, || {
        format!("{} at the door had units before somebody in line", settled.before_the_line)
    });
    Ok(told)
}

/// How many holds were acknowledged, in both events.
fn sell(bench: &Bench<'_>, api: &Service, told: &mut Told) -> Result<u64, Error> {
    let wire = Wire::new(api.address);
    let mut crew = Crew::open(api.address, bench.settings.connections.into())?;
    let wanted = hall::make(&mut crew, &wire, &[hall::counted(HALL, HOLDS)], bench.stop)?;
    let other = hall::make(&mut crew, &wire, &[hall::counted(HALL, ELSEWHERE)], bench.stop)?;
    let end = Instant::now() + HELD_FOR;
    let mut early = Early { wire: &wire, event: &wanted, end, left: HOLDS, answers: Answers::default() };
    crew.run(&mut early, bench.stop)?;
    told.only(&early.answers, &[MADE]);
    let path = format!("/api/v1/events/{wanted}/waitlist");
    let mut joins = Joins { wire: &wire, path, left: IN_LINE, answers: Answers::default() };
    let took = crew.run(&mut joins, bench.stop)?;
    told.only(&joins.answers, &[MADE]);
    told.add("places in line taken", "/s", f64::from(IN_LINE) / took.as_secs_f64());
    let left = end.saturating_duration_since(Instant::now());
    let Some(pause) = left.checked_sub(BEFORE) else {
        return Err(Error::Load(format!("{HOLDS} holds were not made in {} s", HELD_FOR.as_secs())));
    };
    bench.stop.until(pause, || Ok(None::<()>))?;
    // Not before: whoever has a connection and asks for nothing loses it.
    let mut crew = Crew::open(api.address, CONNECTIONS.into())?;
    let mut crowd = Crowd {
        wire: &wire,
        bodies: [&wanted, &other].map(|event| wire::hold(event, HALL, 1)),
        user: HOLDS + IN_LINE,
        are_elsewhere: vec![false; CONNECTIONS.into()],
        end,
        door: Asked::new()?,
        elsewhere: Asked::new()?,
    };
    let most = crew.run_paced(&mut crowd, KNOCKS, bench.stop)?;
    let Crowd { door, elsewhere, .. } = crowd;
    told.only(&door.answers, &[MADE, SOLD_OUT, BUSY]);
    told.only(&elsewhere.answers, &[MADE]);
    let asked = |asked: &Asked| number(asked.meanwhile.count()) / MEANWHILE.as_secs_f64();
    told.add("most in flight", "attempts", number(most as u64));
    told.add("answered at the door meanwhile", "attempts/s", asked(&door));
    told.add("of them in all told that it is busy", "", number(door.answers.of(BUSY)));
    for (name, latencies) in [
        ("at the door before", &door.before),
        ("at the door meanwhile", &door.meanwhile),
        ("elsewhere before", &elsewhere.before),
        ("elsewhere meanwhile", &elsewhere.meanwhile),
    ] {
        told.add(format!("{name}: p99"), "ms", latencies.percentile_millis(99.0));
        told.add(format!("{name}: longest"), "ms", latencies.longest_millis());
    }
    Ok(early.answers.of(MADE) + door.answers.of(MADE) + elsewhere.answers.of(MADE))
}

/// When holds were settled and who was served, by the log.
struct Settled {
    late_p99: f64,
    late_longest: f64,
    served_after: f64,
    /// Offers to somebody whose place is before that of the one served before.
    inversions: u64,
    /// Ordinary holds that were made of units that had come back while somebody was in line.
    before_the_line: u64,
}

impl Settled {
    fn read(database: &Fresh<'_>) -> Result<Self, Error> {
        let row = database.query(&format!(
            "WITH told AS MATERIALIZED (
                 SELECT seq, at, type, data, actor
                 FROM changes
                 WHERE shard = {shard}
             ), ended AS (
                 SELECT at, at - (data->'reservation'->>'expires_at')::timestamptz AS late
                 FROM told
                 WHERE type = '{expired}'
             ), offers AS (
                 SELECT at, seq, rank < lag(rank) OVER (ORDER BY seq) AS is_inverted
                 FROM (
                     SELECT at, seq, (data->'waitlist_entry'->>'rank')::bigint AS rank FROM told WHERE type = '{offered}'
                 ) ranked
             )
             SELECT
                 extract(epoch FROM percentile_cont(0.99) WITHIN GROUP (ORDER BY late)) * 1000,
                 extract(epoch FROM max(late)) * 1000,
                 extract(epoch FROM (SELECT max(at) FROM offers) - min(at)) * 1000,
                 (SELECT count(*) FROM offers WHERE is_inverted),
                 (
                     SELECT count(*)
                     FROM told
                     WHERE type = '{held}' AND actor IS NOT NULL
                         AND seq BETWEEN (SELECT min(seq) FROM told WHERE type = '{expired}')
                             AND (SELECT max(seq) FROM offers)
                         AND data->'reservation'->>'event_id'
                             = (SELECT data->'reservation'->>'event_id' FROM told WHERE type = '{expired}' LIMIT 1)
                 )
             FROM ended",
            shard = Shard::of(DEFAULT_TENANT),
            expired = Kind::ReservationExpired.as_str(),
            offered = Kind::WaitlistOffered.as_str(),
            held = Kind::ReservationHeld.as_str(),
        ))?;
        let unusable = || Error::Unusable(format!("what was settled can't be read: {row}"));
        let parts: Vec<&str> = row.split('|').collect();
        let &[late_p99, late_longest, served_after, inversions, before_the_line] = &parts[..] else {
            return Err(unusable());
        };
        let figure = |text: &str| text.parse::<f64>().map_err(|_| unusable());
        let count = |text: &str| text.parse::<u64>().map_err(|_| unusable());
        Ok(Self {
            late_p99: figure(late_p99)?,
            late_longest: figure(late_longest)?,
            served_after: figure(served_after)?,
            inversions: count(inversions)?,
            before_the_line: count(before_the_line)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sale::crew, stop::Stop};

    #[test]
    fn one_in_eight_asks_elsewhere_and_each_answer_counts_where_it_was_asked() {
        let address = crew::tests::service(|request| {
            let is_elsewhere = request.contains("elsewhere");
            if is_elsewhere { (201, "{}".to_owned()) } else { (409, r#"{"code":"sold_out"}"#.to_owned()) }
        });
        let mut crowd = Crowd {
            wire: &Wire::new(address),
            bodies: ["wanted", "elsewhere"].map(|event| wire::hold(event, HALL, 1)),
            user: 0,
            are_elsewhere: vec![false; 16],
            end: Instant::now(),
            door: Asked::new().unwrap(),
            elsewhere: Asked::new().unwrap(),
        };
        let mut crew = Crew::open(address, 16).unwrap();
        // As if all but a little of the time after it were over.
        crowd.end = Instant::now().checked_sub(AFTER).unwrap() + Duration::from_secs(1);
        crew.run_paced(&mut crowd, 1_000, &Stop::default()).unwrap();
        let (door, elsewhere) = (crowd.door.answers.of(SOLD_OUT), crowd.elsewhere.answers.of(MADE));
        assert!(elsewhere > 0 && (7 * elsewhere..7 * elsewhere + 8).contains(&door), "{door}, {elsewhere}");
        assert_eq!(u64::from(crowd.user), door + elsewhere);
    }
}

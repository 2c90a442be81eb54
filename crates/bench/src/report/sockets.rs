//! The figures of the sockets: a line for each, with what it is to reach.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::{
    figures::{Spread, number},
    report::table::spread,
    rounds::Round,
    settings::{Part, Settings},
    sockets::{Faults, fan_out::FanOut, idle::Idle, reconnect::Caught},
};

/// Messages a second.
const AIM_PER_SECOND: f64 = 200_000.0;

/// What a figure is to reach.
#[derive(Debug, Clone, Copy)]
enum Aim {
    AtLeast(f64),
    Under(f64),
}

/// A number of one round.
#[derive(Debug, Clone)]
struct Figure {
    name: String,
    value: f64,
    digits: usize,
    aim: Option<Aim>,
}

impl Figure {
    fn new(name: impl Into<String>, value: f64, digits: usize) -> Self {
        Self { name: name.into(), value, digits, aim: None }
    }

    fn aim(self, aim: Aim) -> Self {
        Self { aim: Some(aim), ..self }
    }
}

/// A part of one round: its figures, in an order that is the same for each round, whether they are valid, and what went
/// wrong.
struct Told {
    figures: Vec<Figure>,
    is_valid: bool,
    faults: Vec<String>,
}

impl Told {
    fn of(part: Part, round: &Round) -> Option<Self> {
        match part {
            Part::FanOut => {
                round.fan_out.as_ref().map(|seen| of_fan_out(seen, Some(Aim::AtLeast(AIM_PER_SECOND))))
            }
            Part::Paced => round.paced.as_ref().map(|seen| of_fan_out(seen, None)),
            Part::Idle => round.idle.as_ref().map(of_idle),
            Part::Reconnect => round.reconnect.as_ref().map(|seen| {
                let [memory, stream] =
                    [("memory", &seen.from_memory), ("Redis", &seen.from_stream)].map(of_caught);
                let behind = Figure::new("changes behind", number(seen.behind), 0);
                Self {
                    figures: [vec![behind], memory.figures, stream.figures].concat(),
                    is_valid: seen.is_valid(),
                    faults: [memory.faults, stream.faults].concat(),
                }
            }),
            Part::Http | Part::Pgbench | Part::Validator => None,
        }
    }
}

fn of_fan_out(seen: &FanOut, aim: Option<Aim>) -> Told {
    let seconds = seen.counted.as_secs_f64();
    let per_second = Figure::new("messages/s", seen.per_second(), 0);
    let mut figures = vec![
        Figure { aim, ..per_second },
        Figure::new("changes/s", seen.per_second() / number(seen.sockets as u64), 1),
        Figure::new("p50 ms", seen.latencies.percentile_millis(50.0), 1),
        Figure::new("p99 ms", seen.latencies.percentile_millis(99.0), 1),
        Figure::new("longest ms", seen.latencies.longest_millis(), 1),
    ];
    let cpu = seen.cpu.iter();
    figures
        .extend(cpu.map(|(name, cpu)| Figure::new(format!("{name} cores"), cpu.as_secs_f64() / seconds, 2)));
    let mut faults = told_faults(&seen.faults);
    if !seen.is_whole {
        faults.push("not every socket was told all of the log and no more".to_owned());
    }
    if seen.latencies.count() == 0 {
        faults.push("nothing was told".to_owned());
    }
    if !seen.log.is_without_gaps() {
        faults.push("the log has gaps".to_owned());
    }
    Told { figures, is_valid: seen.is_valid(), faults }
}

fn of_idle(seen: &Idle) -> Told {
    let aim = Aim::Under(20.0);
    let figures = vec![
        Figure::new("KiB a socket", seen.kib_open(), 1).aim(aim),
        Figure::new("KiB after a beat", seen.kib_after_beat(), 1).aim(aim),
    ];
    Told { figures, is_valid: true, faults: Vec::new() }
}

fn of_caught((from, caught): (&str, &Caught)) -> Told {
    let figures = vec![
        Figure::new(format!("messages from {from}"), number(caught.told as u64), 0),
        Figure::new(format!("half caught up ms, from {from}"), caught.latencies.percentile_millis(50.0), 0),
        Figure::new(format!("all caught up ms, from {from}"), caught.latencies.longest_millis(), 0)
            .aim(Aim::Under(3_000.0)),
        Figure::new(
            format!("notifier's processor ms, from {from}"),
            caught.notifier_cpu.as_secs_f64() * 1e3,
            0,
        ),
        Figure::new(
            format!("generator's processor ms, from {from}"),
            caught.generator_cpu.as_secs_f64() * 1e3,
            0,
        ),
    ];
    let mut faults = told_faults(&caught.faults);
    if !caught.is_valid() && faults.is_empty() {
        faults.push("not every socket was told all that it had missed".to_owned());
    }
    Told { figures, is_valid: caught.is_valid(), faults }
}

fn told_faults(faults: &Faults) -> Vec<String> {
    let Faults { missed, doubled, foreign, resyncs } = *faults;
    let counts = [("missed", missed), ("doubled", doubled), ("not asked for", foreign), ("resync", resyncs)];
    counts.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}")).collect()
}

pub(super) fn json(round: &Round) -> Value {
    let parts = Part::SOCKETS.into_iter().filter_map(|part| Some((part, Told::of(part, round)?)));
    let parts = parts.map(|(part, told)| {
        let figures: Map<String, Value> =
            told.figures.into_iter().map(|figure| (figure.name, json!(figure.value))).collect();
        let part = part.as_str().to_owned();
        (part, json!({ "valid": told.is_valid, "faults": told.faults, "figures": figures }))
    });
    Value::Object(parts.collect())
}

pub(super) fn table(settings: &Settings, rounds: &[Round]) -> String {
    let mut text = String::new();
    for part in Part::SOCKETS {
        let told: Vec<Told> = rounds.iter().filter_map(|round| Told::of(part, round)).collect();
        let Some(first) = told.first() else { continue };
        let _ = writeln!(text, "\n{}: {}", part.as_str(), about(part, settings));
        for (place, figure) in first.figures.iter().enumerate() {
            let numbers: Vec<f64> = told.iter().map(|told| told.figures[place].value).collect();
            let judged = judged(figure.aim, &numbers, told.iter().all(|told| told.is_valid));
            let _ = writeln!(text, "  {:<42}{:>28}{judged}", figure.name, spread(&numbers, figure.digits));
        }
        for (number, told) in (1..).zip(&told).filter(|(_, told)| !told.is_valid) {
            let _ = writeln!(text, "  round {number} is INVALID: {}", told.faults.join(", "));
        }
    }
    text
}

fn about(part: Part, settings: &Settings) -> String {
    let Settings { sockets, many_sockets, bookings_per_second, reconnect_users, .. } = settings;
    match part {
        Part::FanOut => format!("{sockets} sockets are told every booking, as many as they keep up with"),
        Part::Paced => format!("{sockets} sockets are told every booking, {bookings_per_second} a second"),
        Part::Idle => format!("{many_sockets} sockets of one notifier, each a user's, nothing happens"),
        Part::Reconnect => {
            format!("{many_sockets} sockets of {reconnect_users} users come back at once, no PostgreSQL")
        }
        Part::Http | Part::Pgbench | Part::Validator => String::new(),
    }
}

fn judged(aim: Option<Aim>, numbers: &[f64], is_valid: bool) -> String {
    let (Some(aim), Some(Spread { median, .. })) = (aim, Spread::of(numbers.iter().copied())) else {
        return String::new();
    };
    let (is_met, aim) = match aim {
        Aim::AtLeast(least) => (median >= least, format!("at least {least}")),
        Aim::Under(limit) => (median < limit, format!("under {limit}")),
    };
    let told = match (is_valid, is_met) {
        (false, _) => "INVALID",
        (true, true) => "met",
        (true, false) => "missed",
    };
    format!("  aim {aim}: {told}")
}

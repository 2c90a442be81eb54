//! The figures as a table for people and as JSON for machines. Never judges whether they are valid.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::{
    figures::{Latencies, Spread, number},
    intake::{Http, Round},
    log::Backlog,
    machine::Machine,
    settings::{Part, Settings},
};

/// What intake is to reach: times pgbench, and p99 in milliseconds.
const AIM_TIMES_PGBENCH: f64 = 1.5;
const AIM_P99_MILLIS: f64 = 10.0;

/// One part of one round, as numbers.
#[derive(Debug, Clone, Copy)]
struct Figures {
    per_second: f64,
    p50_millis: f64,
    p99_millis: f64,
    longest_millis: f64,
    conflicting_percent: Option<f64>,
    times_pgbench: Option<f64>,
    generator_cores: Option<f64>,
}

impl Figures {
    fn of(part: Part, round: &Round) -> Option<Self> {
        match part {
            Part::Http => round.http.as_ref().map(|http| Self::of_http(http, round)),
            Part::Validator => round.validator.as_ref().map(|http| Self::of_http(http, round)),
            Part::Pgbench => {
                let seen = round.pgbench.as_ref()?;
                Some(Self::new(seen.per_second, &seen.latencies))
            }
        }
    }

    fn of_http(http: &Http, round: &Round) -> Self {
        let per_second = http.per_second();
        Self {
            conflicting_percent: Some(http.conflicting_percent()),
            times_pgbench: round
                .pgbench
                .as_ref()
                .map(|pgbench| per_second / pgbench.per_second),
            generator_cores: Some(http.seen.cpu.as_secs_f64() / http.counted.as_secs_f64()),
            ..Self::new(per_second, &http.seen.latencies)
        }
    }

    fn new(per_second: f64, latencies: &Latencies) -> Self {
        Self {
            per_second,
            p50_millis: latencies.percentile_millis(50.0),
            p99_millis: latencies.percentile_millis(99.0),
            longest_millis: latencies.longest_millis(),
            conflicting_percent: None,
            times_pgbench: None,
            generator_cores: None,
        }
    }
}

/// The medians, and what lies behind them.
pub(crate) fn table(settings: &Settings, machine: &Machine, rounds: &[Round]) -> String {
    let mut text = format!(
        "{} cores, {}, Linux {}, PostgreSQL {}\nintake: {} connections, {} resources, {} users, one-hour slots over \
         365 days; {} s after {} s of warm-up; median (least to most) of {} rounds\n\n{}\n",
        machine.cores,
        machine.cpu,
        machine.kernel,
        machine.postgresql,
        settings.connections,
        settings.resources,
        settings.users,
        settings.seconds,
        settings.warm_up_seconds,
        rounds.len(),
        row([
            "part",
            "bookings/s",
            "p50 ms",
            "p99 ms",
            "longest ms",
            "conflicting %",
            "x pgbench",
            "generator cores"
        ]
        .map(str::to_owned))
    );
    for part in Part::ALL {
        let figures: Vec<Figures> = rounds
            .iter()
            .filter_map(|round| Figures::of(part, round))
            .collect();
        if figures.is_empty() {
            continue;
        }
        let cell = |of: &dyn Fn(&Figures) -> Option<f64>, digits| {
            Spread::of(figures.iter().filter_map(of)).map_or_else(String::new, |spread| told(spread, digits))
        };
        let line = row([
            part.as_str().to_owned(),
            cell(&|f| Some(f.per_second), 0),
            cell(&|f| Some(f.p50_millis), 2),
            cell(&|f| Some(f.p99_millis), 2),
            cell(&|f| Some(f.longest_millis), 1),
            cell(&|f| f.conflicting_percent, 2),
            cell(&|f| f.times_pgbench, 2),
            cell(&|f| f.generator_cores, 2),
        ]);
        text.push_str(&line);
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "\naim: {AIM_TIMES_PGBENCH} x pgbench, p99 under {AIM_P99_MILLIS} ms, with and without a validator\n"
    );
    for (number, round) in (1..).zip(rounds) {
        for (part, http) in parts(round) {
            let _ = writeln!(text, "round {number}, {}: {}", part.as_str(), account(part, http));
        }
    }
    text
}

/// Each number of each round.
pub(crate) fn json(settings: &Settings, machine: &Machine, rounds: &[Round]) -> Value {
    let rounds: Vec<Value> = rounds
        .iter()
        .map(|round| {
            let parts = Part::ALL.iter().filter_map(|part| {
                let figures = Figures::of(*part, round)?;
                let http = parts(round).find(|(of, _)| of == part).map(|(_, http)| http);
                Some((part.as_str().to_owned(), part_json(figures, http)))
            });
            Value::Object(parts.collect())
        })
        .collect();
    json!({
        "machine": {
            "cores": machine.cores,
            "cpu": machine.cpu,
            "kernel": machine.kernel,
            "postgresql": machine.postgresql,
        },
        "settings": {
            "seconds": settings.seconds,
            "warm_up_seconds": settings.warm_up_seconds,
            "connections": settings.connections,
            "resources": settings.resources,
            "users": settings.users,
            "seed": settings.seed,
        },
        "intake": rounds,
    })
}

fn part_json(figures: Figures, http: Option<&Http>) -> Value {
    let mut value = json!({
        "per_second": figures.per_second,
        "p50_millis": figures.p50_millis,
        "p99_millis": figures.p99_millis,
        "longest_millis": figures.longest_millis,
        "conflicting_percent": figures.conflicting_percent,
        "times_pgbench": figures.times_pgbench,
        "generator_cores": figures.generator_cores,
    });
    if let Some(http) = http {
        let errors = http.seen.errors.iter();
        value["valid"] = json!(http.is_valid());
        value["acknowledged"] = json!(http.seen.acknowledged);
        value["errors"] = errors
            .map(|(status, count)| (status.to_string(), json!(count)))
            .collect();
        value["seq"] = json!(http.log.seq);
        value["changes"] = json!(http.log.kinds);
        value["open_wants"] = json!(http.backlog.open);
        value["unseen_wants"] = json!(http.backlog.unseen);
    }
    value
}

fn parts(round: &Round) -> impl Iterator<Item = (Part, &Http)> {
    let http = round.http.iter().map(|http| (Part::Http, http));
    http.chain(round.validator.iter().map(|http| (Part::Validator, http)))
}

/// What the log has beyond what was acknowledged, and what went wrong.
fn account(part: Part, http: &Http) -> String {
    let beyond = number(http.log.seq) - number(http.seen.acknowledged);
    let kinds: Vec<String> = http
        .log
        .kinds
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    let mut text = format!(
        "log at seq {}, {beyond:+} to the {} acknowledged ({})",
        http.log.seq,
        http.seen.acknowledged,
        kinds.join(", ")
    );
    if part == Part::Validator {
        let Backlog { open, unseen } = http.backlog;
        let _ = write!(
            text,
            "; {open} wants open at the end, {unseen} of them not yet looked at"
        );
    }
    if !http.is_valid() {
        text.push_str("\n  INVALID");
    }
    for (status, count) in &http.seen.errors {
        let _ = write!(text, "; {count} answers with status {status}");
    }
    if let Some(first) = &http.seen.first_error {
        let _ = write!(text, "; the first answer that counts as an error:\n{first}");
    }
    text
}

fn told(spread: Spread, digits: usize) -> String {
    let Spread { median, least, most } = spread;
    format!("{median:.digits$} ({least:.digits$} to {most:.digits$})")
}

fn row(cells: [String; 8]) -> String {
    let [first, rest @ ..] = cells;
    let mut text = format!("{first:<10}");
    for cell in rest {
        let _ = write!(text, "  {cell:>22}");
    }
    text
}

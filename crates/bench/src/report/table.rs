//! The medians side by side, and what lies behind them, for people.

use std::fmt::Write;

use crate::{
    figures::{Spread, number},
    intake::Http,
    log::Backlog,
    machine::Machine,
    report::{Figures, http_parts, sockets},
    request::DAYS,
    rounds::Round,
    settings::{Part, Settings},
};

/// What intake is to reach at least, in bookings for each of pgbench.
const AIM_TIMES_PGBENCH: f64 = 1.5;

/// What the p99 of intake is to stay under.
const AIM_P99_MILLIS: f64 = 10.0;

/// A line: its name, its figure, and how many digits that has after the point.
type Line = (&'static str, fn(&Figures) -> Option<f64>, usize);

const LINES: [Line; 7] = [
    ("bookings/s", |figures| Some(figures.per_second), 0),
    ("times pgbench", |figures| figures.times_pgbench, 2),
    ("p50 ms", |figures| Some(figures.p50_millis), 2),
    ("p99 ms", |figures| Some(figures.p99_millis), 2),
    ("longest ms", |figures| Some(figures.longest_millis), 1),
    ("conflicting %", |figures| figures.conflicting_percent, 2),
    ("generator cores", |figures| figures.generator_cores, 2),
];

pub(crate) fn table(settings: &Settings, machine: &Machine, rounds: &[Round]) -> String {
    let Machine { cores, cpu, kernel, postgresql } = machine;
    let Settings { connections, resources, users, seconds, warm_up_seconds, .. } = settings;
    let mut text = format!(
        "{cores} cores, {cpu}, Linux {kernel}, PostgreSQL {postgresql}, fsync on\n\
         intake: {connections} connections, {resources} resources, {users} users, one-hour slots over {DAYS} days\n\
         {seconds} s after {warm_up_seconds} s of warm-up; median (least to most) of rounds: {}\n\n",
        rounds.len()
    );
    if settings.only.is_none_or(|part| Part::INTAKE.contains(&part)) {
        push_intake(&mut text, rounds);
    }
    text.push_str(&sockets::table(settings, rounds));
    text
}

fn push_intake(text: &mut String, rounds: &[Round]) {
    let parts = Part::INTAKE.map(|part| {
        let figures: Vec<Figures> = rounds.iter().filter_map(|round| Figures::of(part, round)).collect();
        (part, figures)
    });
    push_line(text, "", parts.each_ref().map(|(part, _)| part.as_str().to_owned()));
    for (name, of, digits) in LINES {
        push_line(text, name, parts.each_ref().map(|(_, figures)| told(figures, of, digits)));
    }
    let _ = writeln!(
        text,
        "\naim of http and validator: {AIM_TIMES_PGBENCH} times pgbench, p99 under {AIM_P99_MILLIS} ms"
    );
    for (part, figures) in parts.iter().filter(|(part, _)| *part != Part::Pgbench) {
        let told = match aim_is_met(figures) {
            None => continue,
            Some(_) if !rounds.iter().flat_map(http_parts).all(|(_, http)| http.is_valid()) => {
                "INVALID, see below"
            }
            Some(true) => "met",
            Some(false) => "missed",
        };
        let _ = writeln!(text, "  {}: {told}", part.as_str());
    }
    text.push('\n');
    for (number, round) in (1..).zip(rounds) {
        for (part, http) in http_parts(round) {
            let _ = writeln!(text, "round {number}, {}: {}", part.as_str(), account(part, http));
        }
    }
}

/// Whether the medians reach the aim; none without pgbench beside them.
fn aim_is_met(figures: &[Figures]) -> Option<bool> {
    let times = Spread::of(figures.iter().filter_map(|figures| figures.times_pgbench))?;
    let p99 = Spread::of(figures.iter().map(|figures| figures.p99_millis))?;
    Some(times.median >= AIM_TIMES_PGBENCH && p99.median < AIM_P99_MILLIS)
}

/// What the log has beyond what was acknowledged, and what went wrong.
fn account(part: Part, http: &Http) -> String {
    let beyond = number(http.log.seq) - number(http.seen.acknowledged);
    let kinds: Vec<String> = http.log.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let mut text = format!(
        "{} acknowledged; the log has {beyond:+} to that, seq {}: {}",
        http.seen.acknowledged,
        http.log.seq,
        kinds.join(", ")
    );
    if part == Part::Validator {
        let Backlog { open, unseen } = http.backlog;
        let _ = write!(text, "; {open} wants open at the end, {unseen} of them not yet looked at");
    }
    for (name, micros) in http.cpu_micros() {
        let _ = write!(text, "; {name} used {micros:.1} us of processor time for each");
    }
    for (status, count) in &http.seen.errors {
        let _ = write!(text, "; {count} answers of status {status}");
    }
    if !http.is_valid() {
        text.push_str("\n  INVALID: not every request was taken, or the log does not hold what was");
    }
    if let Some(first) = &http.seen.first_error {
        let _ = write!(text, "; the first answer that counts as an error:\n{first}");
    }
    text
}

fn told(figures: &[Figures], of: fn(&Figures) -> Option<f64>, digits: usize) -> String {
    spread(&figures.iter().filter_map(of).collect::<Vec<_>>(), digits)
}

/// The median of one number of each round, and from where to where they go.
pub(super) fn spread(numbers: &[f64], digits: usize) -> String {
    match Spread::of(numbers.iter().copied()) {
        Some(Spread { median, .. }) if numbers.len() == 1 => format!("{median:.digits$}"),
        Some(Spread { median, least, most }) => {
            format!("{median:.digits$} ({least:.digits$} to {most:.digits$})")
        }
        None => "-".to_owned(),
    }
}

fn push_line(text: &mut String, name: &str, cells: [String; Part::INTAKE.len()]) {
    let _ = write!(text, "{name:<16}");
    for cell in cells {
        let _ = write!(text, "{cell:>28}");
    }
    text.push('\n');
}

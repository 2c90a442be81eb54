//! The medians, what they were to reach and whether they do, for people.

use std::fmt::Write;

use crate::{
    figures::Spread,
    machine::Machine,
    report::{Line, Rounds},
    request::DAYS,
    rounds::Round,
    settings::Settings,
};

pub(crate) fn table(settings: &Settings, machine: &Machine, rounds: &[Round]) -> String {
    let Machine { cores, cpu, kernel, postgresql } = machine;
    let Settings { resources, users, seconds, warm_up_seconds, .. } = settings;
    let mut text = format!(
        "{cores} cores, {cpu}, Linux {kernel}, PostgreSQL {postgresql}, fsync on\n\
         {resources} resources, {users} users, one-hour slots over {DAYS} days; {seconds} s after {warm_up_seconds} s of \
         warm-up\nmedian (least to most) of rounds: {}\n",
        rounds.len()
    );
    for rounds in Rounds::of(rounds) {
        push_row(&mut text, settings, &rounds);
    }
    text
}

fn push_row(text: &mut String, settings: &Settings, rounds: &Rounds<'_>) {
    let _ = writeln!(text, "\n{}: {}", rounds.row.as_str(), rounds.row.about(settings));
    for line in rounds.lines() {
        let name = [line.figure.name.as_str(), line.figure.unit].join(if line.figure.unit.is_empty() {
            ""
        } else {
            ", "
        });
        let judged = rounds.judged(&line).map(|(aim, is_met)| {
            let told = is_met.map_or("INVALID", |is_met| if is_met { "met" } else { "missed" });
            format!("  aim {aim}: {told}")
        });
        let _ = writeln!(text, "  {name:<56}{:>28}{}", spread(&line), judged.unwrap_or_default());
    }
    for (number, told) in (1..).zip(&rounds.told).filter(|(_, told)| !told.is_valid()) {
        let _ = writeln!(text, "  round {number} is INVALID: {}", told.faults.join("; "));
    }
}

/// The median of one number of each round, and from where to where they go.
fn spread(Line { values, spread: Spread { median, least, most }, .. }: &Line<'_>) -> String {
    // Three digits that count.
    let digits = match median.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    if values.len() == 1 {
        return format!("{median:.digits$}");
    }
    format!("{median:.digits$} ({least:.digits$} to {most:.digits$})")
}

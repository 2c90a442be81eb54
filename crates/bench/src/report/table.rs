//! The medians, what they were to reach and whether they do, for people: each row, and then in short what has an aim.

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
    push_aims(&mut text, rounds);
    text
}

/// Every figure that is to reach something, in short, as a README takes it.
fn push_aims(text: &mut String, rounds: &[Round]) {
    let mut lines = String::new();
    for rounds in Rounds::of(rounds) {
        for line in rounds.lines() {
            let Some((aim, is_met)) = rounds.judged(&line) else { continue };
            let (row, name, told) = (rounds.row.as_str(), named(&line), judgement(is_met));
            let _ = writeln!(lines, "| {row} | {name} | {} | {aim} | {told} |", spread(&line));
        }
    }
    if !lines.is_empty() {
        let _ = write!(text, "\n| row | figure | median | aim | |\n| --- | --- | --- | --- | --- |\n{lines}");
    }
}

fn push_row(text: &mut String, settings: &Settings, rounds: &Rounds<'_>) {
    let _ = writeln!(text, "\n{}: {}", rounds.row.as_str(), rounds.row.about(settings));
    for line in rounds.lines() {
        let judged = rounds.judged(&line);
        let judged = judged.map(|(aim, is_met)| format!("  aim {aim}: {}", judgement(is_met)));
        let _ = writeln!(text, "  {:<64}{:>24}{}", named(&line), spread(&line), judged.unwrap_or_default());
    }
    for (number, told) in (1..).zip(&rounds.told).filter(|(_, told)| !told.is_valid()) {
        let _ = writeln!(text, "  round {number} is INVALID: {}", told.faults.join("; "));
    }
}

/// What a line tells, with its unit.
fn named(line: &Line<'_>) -> String {
    match (line.figure.name.as_str(), line.figure.unit) {
        (name, "") => name.to_owned(),
        (name, unit) => format!("{name}, {unit}"),
    }
}

fn judgement(is_met: Option<bool>) -> &'static str {
    match is_met {
        Some(true) => "met",
        Some(false) => "missed",
        None => "INVALID",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        row::Row,
        told::{Aim, Told},
    };

    /// Three rounds of one row, whose figure is to be at most 3.
    fn short(values: [f64; 3], fault: Option<&str>) -> String {
        let rounds = values.map(|value| {
            let mut told = Told::default();
            told.add("p50", "ms", value);
            told.aim("times the p50 of pgbench", "", value, Aim::AtMost(3.0));
            told.faults.extend(fault.map(str::to_owned));
            Round { rows: [(Row::Alone, told)].into(), curve: None }
        });
        let mut text = String::new();
        push_aims(&mut text, &rounds);
        text.lines().last().unwrap_or_default().to_owned()
    }

    #[test]
    fn the_median_is_judged_and_only_what_has_an_aim_is_told_in_short() {
        let met = "| alone | times the p50 of pgbench | 2.50 (2.00 to 9.00) | at most 3 | met |";
        assert_eq!(short([9.0, 2.0, 2.5], None), met);
        assert!(short([9.0, 2.0, 3.5], None).ends_with("| missed |"));
    }

    #[test]
    fn a_row_with_a_fault_in_any_round_is_neither_met_nor_missed() {
        assert!(short([1.0, 1.0, 1.0], Some("lost")).ends_with("| INVALID |"));
    }
}

//! What came of a run, in numbers and in a verdict.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::{
    check::{Breach, Heed, Rule, Verdict, delivered},
    journal::History,
};
use crate::Told;

/// How many breaches of a rule are told, and how much of each. All of them are kept.
const BREACHES_TOLD: usize = 2;
const CHARS_TOLD: usize = 1_000;

/// What was counted and measured on the way.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) steps: usize,
    /// Whether Redis, or a line to it, was among what was broken, or the log is longer than a stream.
    pub(super) may_reload: bool,
    /// How often a process died where it was told to.
    pub(super) deaths: usize,
    /// The longest that a process that was told to stop took for it.
    pub(super) longest_stop: Duration,
    /// Longest from a mended fault to the next acknowledged writes, and to when everybody was told of them.
    pub(super) writes_again: Duration,
    pub(super) tells_again: Duration,
}

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// Each broken rule; empty is good.
    pub breaches: Vec<Breach>,
    heeds: Vec<Heed>,
    lines: Vec<String>,
}

impl Report {
    pub(super) fn new(verdict: Verdict, figures: &Figures, history: &History) -> Self {
        let Verdict { mut breaches, replay, refusals, heeds } = verdict;
        let Figures { steps, may_reload, deaths, longest_stop, writes_again, tells_again } = *figures;
        let operations = history.operations();
        let acknowledged = operations.iter().filter(|operation| operation.is_acknowledged()).count();
        let tries: Vec<_> = operations.iter().flat_map(|operation| &operation.tries).collect();
        let mut told = BTreeMap::<String, usize>::new();
        for attempt in &tries {
            let code = attempt.body["code"].as_str().unwrap_or_default();
            let what = match attempt.status {
                0 => "no answer".to_owned(),
                _ if attempt.told == Told::Done && attempt.is_replay => {
                    format!("{} replayed", attempt.status)
                }
                status => format!("{status} {code}").trim_end().to_owned(),
            };
            *told.entry(what).or_default() += 1;
        }
        let told: Vec<String> = told.iter().map(|(what, count)| format!("{what} {count}")).collect();
        let spans = tries.iter().filter_map(|attempt| attempt.told_at?.checked_sub(attempt.asked_at));
        let longest = spans.max().unwrap_or_default();
        let lines = vec![
            format!("{steps} steps, {deaths} deaths at a failpoint"),
            format!("{} writes, {acknowledged} acknowledged, in {} requests", operations.len(), tries.len()),
            format!("answers: {}", told.join(", ")),
            format!(
                "longest answer: {} ms; longest stop: {} ms",
                longest.as_millis(),
                longest_stop.as_millis()
            ),
            format!(
                "longest until writes went on: {} ms; until all were told of them: {} ms",
                writes_again.as_millis(),
                tells_again.as_millis()
            ),
            format!(
                "{} changes, {} grants, {} rejections, {} holds, {} confirmations",
                replay.changes, replay.grants, replay.rejections, replay.holds, replay.confirmations
            ),
            format!(
                "{} checks by replay, {} of them of P1, {} of P4, {} of P5 and {} of lines; {refusals} refusals of units judged",
                replay.checks, replay.p1_checks, replay.p4_checks, replay.p5_checks, replay.waitlist_checks
            ),
        ];
        let was_done =
            [replay.grants, replay.p1_checks, replay.holds, replay.confirmations, replay.p5_checks];
        if acknowledged == 0 || was_done.contains(&0) {
            breaches.push(Breach::of(Rule::Progress, "nothing was done, so nothing was judged"));
        }
        breaches.extend(delivered(&heeds, may_reload));
        Self { breaches, heeds, lines }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        for Heed { name, connections, due, told, duplicates, resyncs } in &self.heeds {
            write!(f, "{name:>20}: told {told} of {due} changes over {connections} connections, ")?;
            writeln!(f, "{duplicates} of them twice; {resyncs} times to reload")?;
        }
        let mut by_rule = BTreeMap::<Rule, Vec<&Breach>>::new();
        self.breaches.iter().for_each(|breach| by_rule.entry(breach.rule).or_default().push(breach));
        for (rule, breaches) in by_rule {
            writeln!(f, "BROKEN {rule:?}, {} times", breaches.len())?;
            for Breach { what, .. } in breaches.iter().take(BREACHES_TOLD) {
                writeln!(f, "    {}", what.chars().take(CHARS_TOLD).collect::<String>())?;
            }
        }
        match self.breaches.len() {
            0 => writeln!(f, "no promise was broken"),
            count => writeln!(f, "{count} times a promise was broken"),
        }
    }
}

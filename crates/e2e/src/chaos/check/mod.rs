//! The judge of a run: what clients were told and subscribers heard, held against the log. Pure, so that each rule has a
//! control: a true history is changed by hand, and the rule must be named.

mod feeds;
mod order;
mod past;
mod refusals;
mod settled;
mod shown;
mod units;
mod writes;

#[cfg(test)]
mod tests;

use std::fmt;

use holdfast_domain::audit::{Replay, Report};

use super::{
    history::{Feed, Operation, Record},
    rest::Rest,
};
pub use feeds::Heed;
use past::Past;

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A write that was answered with 2xx is in the log as it was asked for.
    Kept,
    /// A write that was not answered happened once at most.
    OnceAtMost,
    /// What was refused did not happen.
    Refused,
    /// Nobody is sent away while what they want is free.
    SoldOut,
    /// One key has one effect.
    OneEffect,
    /// All answers to one key agree, and with the log.
    OneAnswer,
    /// Nothing is in the log that nobody asked for.
    Unasked,
    /// What was answered before another was asked stands before it in the log.
    RealTime,
    /// An answer comes in time, and says what went wrong.
    Answered,
    /// What was confirmed is its owner's until they give it up.
    Owned,
    /// At rest, when every hold is over, every unit is free or somebody's, and the tables agree with each other and the log.
    Settled,
    /// At rest, the API shows everything as the log left it.
    Shown,
    /// P1, P4, P5 and the log's own order, by replay.
    Replay,
    /// A subscriber is told everything that they may see and asked for.
    Missed,
    /// A subscriber is told in the order of the log, and is never set back.
    InOrder,
    /// A subscriber is told nothing that they did not ask for or may not see.
    NotTheirs,
    /// A subscriber is told each change as the log has it, as far as they may see it.
    AsLogged,
    /// The processes live until they are told to stop, and stop in order.
    Alive,
    /// With all breaches healed, writes get on and subscribers catch up.
    Progress,
    /// Subscribers are told to reload only when that is needed.
    Delivered,
}

/// Where a rule was broken, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The rule.
    pub rule: Rule,
    /// By what.
    pub what: String,
}

impl Breach {
    /// A breach of this rule.
    pub fn of(rule: Rule, what: impl Into<String>) -> Self {
        Self { rule, what: what.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.what)
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Each broken rule; empty is good.
    pub breaches: Vec<Breach>,
    /// What the replay found.
    pub replay: Report,
    /// How many refusals of units were held against the log.
    pub refusals: usize,
    /// What each subscriber heard, in numbers.
    pub heeds: Vec<Heed>,
}

/// Holds a run, and what there is at its end, against its log, which is at rest.
pub fn check(log: &[Record], operations: &[Operation], rest: &Rest, feeds: &[Feed]) -> Verdict {
    let past = Past::of(log);
    let mut breaches = writes::breaches(log, &past, operations);
    breaches.extend(order::breaches(log, operations));
    let (refusals, unfounded) = refusals::judge(log, &past, operations);
    breaches.extend(unfounded);
    breaches.extend(settled::breaches(log, rest));
    breaches.extend(shown::breaches(log, rest));
    let mut replay = Replay::default();
    for record in log {
        replay.step(&record.change);
    }
    let replay = replay.finish();
    breaches.extend(replay.faults.iter().map(|fault| Breach::of(Rule::Replay, fault)));
    let mut heeds = Vec::new();
    for feed in feeds {
        let (heed, found) = feeds::heed(log, feed);
        heeds.push(heed);
        breaches.extend(found);
    }
    Verdict { breaches, replay, refusals, heeds }
}

/// The least part of what is due to a subscriber that they are told without being sent to reload, in percent, unless there
/// is a reason for that.
const TOLD_PERCENT_MIN: usize = 99;

/// Whether subscribers were told at all: a run that excuses everything shows nothing.
pub fn delivered(heeds: &[Heed], may_reload: bool) -> Vec<Breach> {
    let missing = heeds
        .iter()
        .filter(|heed| heed.told == 0 || !may_reload && heed.told * 100 < heed.due * TOLD_PERCENT_MIN);
    missing.map(|heed| Breach::of(Rule::Delivered, format!("{heed:?}"))).collect()
}

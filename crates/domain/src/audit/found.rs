//! What a replay found, and how much it held against what.

use std::fmt;

/// What a change is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The log's own: positions, times, and what may follow what.
    Log,
    /// Nobody holds what another holds.
    P1,
    /// Nobody is passed over, and nobody is rejected too soon.
    P4,
    /// No more is taken than there is, and a hold ends at its end.
    P5,
    /// Nobody in line is passed over, and each gets what they waited for.
    Waitlist,
}

impl Rule {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::P1 => "P1",
            Self::P4 => "P4",
            Self::P5 => "P5",
            Self::Waitlist => "waitlist",
        }
    }
}

/// Where a rule was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which.
    pub rule: Rule,
    /// By what, in words, with the seq.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.as_str(), self.what)
    }
}

/// What a replay found.
#[derive(Debug, Default, Clone)]
pub struct Report {
    /// Changes replayed.
    pub changes: u64,
    /// Grants among them.
    pub grants: u64,
    /// Rejections among them.
    pub rejections: u64,
    /// Holds among them, but for those that were split off another.
    pub holds: u64,
    /// Confirmations among them.
    pub confirmations: u64,
    /// Holds among them that were made for who stood in line.
    pub offers: u64,
    /// How many times something was held against a rule.
    pub checks: u64,
    /// Those of them that were held against P1.
    pub p1_checks: u64,
    /// Those of them that were held against P4.
    pub p4_checks: u64,
    /// Those of them that were held against P5.
    pub p5_checks: u64,
    /// Those of them that were held against what is promised of waiting lists.
    pub waitlist_checks: u64,
    /// How many times something could not be held against a rule, since it hangs on what is before the log's begin.
    pub unjudged: u64,
    /// Each broken rule, in words, with the seq. Empty is good.
    pub faults: Vec<String>,
}

/// What has been found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) report: Report,
    pub(super) faults: Vec<Fault>,
}

impl Found {
    /// Holds something against a rule.
    pub(super) fn check(&mut self, rule: Rule, holds: bool, fault: impl FnOnce() -> String) {
        self.report.checks += 1;
        match rule {
            Rule::Log => {}
            Rule::P1 => self.report.p1_checks += 1,
            Rule::P4 => self.report.p4_checks += 1,
            Rule::P5 => self.report.p5_checks += 1,
            Rule::Waitlist => self.report.waitlist_checks += 1,
        }
        if !holds {
            self.faults.push(Fault { rule, what: fault() });
        }
    }

    /// The same, if it is known whether it holds.
    pub(super) fn check_known(&mut self, rule: Rule, holds: Option<bool>, fault: impl FnOnce() -> String) {
        match holds {
            Some(holds) => self.check(rule, holds, fault),
            None => self.report.unjudged += 1,
        }
    }
}

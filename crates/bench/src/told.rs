//! What a row tells of one round: its figures, in an order that is the same for each round, what they are to reach, and
//! what makes them invalid. Never prints.

use std::fmt;

use crate::figures::Latencies;

/// What a figure is to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Aim {
    AtLeast(f64),
    AtMost(f64),
    Under(f64),
}

impl Aim {
    pub(crate) fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
            Self::Under(limit) => value < limit,
        }
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "at least {least}"),
            Self::AtMost(most) => write!(f, "at most {most}"),
            Self::Under(limit) => write!(f, "under {limit}"),
        }
    }
}

/// A number of one round.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figure {
    pub(crate) name: String,
    /// Empty where a number needs none: a count, or how many times another.
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    pub(crate) aim: Option<Aim>,
}

/// A row in one round.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) figures: Vec<Figure>,
    /// Why it is not valid; nothing when it is.
    pub(crate) faults: Vec<String>,
    /// What it takes in a second, for a row that is compared with it.
    pub(crate) per_second: Option<f64>,
}

impl Told {
    pub(crate) fn is_valid(&self) -> bool {
        self.faults.is_empty()
    }

    pub(crate) fn add(&mut self, name: impl Into<String>, unit: &'static str, value: f64) {
        self.figures.push(Figure { name: name.into(), unit, value, aim: None });
    }

    pub(crate) fn aim(&mut self, name: impl Into<String>, unit: &'static str, value: f64, aim: Aim) {
        self.figures.push(Figure { name: name.into(), unit, value, aim: Some(aim) });
    }

    /// Half, 99 in 100 and all of these, with what the second is to reach.
    pub(crate) fn add_latencies(&mut self, latencies: &Latencies, p99: Option<Aim>) {
        self.add("p50", "ms", latencies.percentile_millis(50.0));
        let figure =
            Figure { name: "p99".to_owned(), unit: "ms", value: latencies.percentile_millis(99.0), aim: p99 };
        self.figures.push(figure);
        self.add("longest", "ms", latencies.longest_millis());
    }

    /// Notes a fault, unless `holds`.
    pub(crate) fn demand(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        if !holds {
            self.faults.push(fault());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aim_that_is_just_reached_is_met_unless_it_is_to_stay_under() {
        assert!(Aim::AtLeast(2.0).is_met_by(2.0) && !Aim::AtLeast(2.0).is_met_by(1.9));
        assert!(Aim::AtMost(3.0).is_met_by(3.0) && !Aim::AtMost(3.0).is_met_by(3.1));
        assert!(Aim::Under(50.0).is_met_by(49.9) && !Aim::Under(50.0).is_met_by(50.0));
    }

    #[test]
    fn a_demand_that_holds_is_no_fault() {
        let mut told = Told::default();
        told.demand(true, || "never".to_owned());
        assert!(told.is_valid());
        told.demand(false, || "lost".to_owned());
        assert_eq!(told.faults, ["lost"]);
    }
}

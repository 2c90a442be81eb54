//! The figures of each part, as the table and the JSON have them. Never judges whether they are valid.

mod json;
mod sockets;
mod table;

use crate::{figures::Latencies, intake::Http, rounds::Round, settings::Part};

pub(crate) use json::json;
pub(crate) use table::table;

/// One part of the intake in one round, as numbers; what a part can't have is none.
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
        let http = match part {
            Part::Http => round.http.as_ref()?,
            Part::Validator => round.validator.as_ref()?,
            Part::Pgbench => {
                let seen = round.pgbench.as_ref()?;
                return Some(Self::new(seen.per_second, &seen.latencies));
            }
            Part::FanOut | Part::Paced | Part::Idle | Part::Reconnect => return None,
        };
        let per_second = http.per_second();
        Some(Self {
            conflicting_percent: Some(http.conflicting_percent()),
            times_pgbench: round.pgbench.as_ref().map(|pgbench| per_second / pgbench.per_second),
            generator_cores: Some(http.seen.cpu.as_secs_f64() / http.counted.as_secs_f64()),
            ..Self::new(per_second, &http.seen.latencies)
        })
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

/// The parts over HTTP that a round has.
fn http_parts(round: &Round) -> impl Iterator<Item = (Part, &Http)> {
    let http = round.http.iter().map(|http| (Part::Http, http));
    http.chain(round.validator.iter().map(|http| (Part::Validator, http)))
}

//! What is counted and timed here: how full the lanes are, and what is decided how soon.

use std::time::Duration;

use holdfast_domain::{Shard, rules::Verdict};
use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};

const EXPECTED_WAIT: &str = "holdfast_lane_expected_wait_seconds";

/// Of one lane.
pub(crate) fn expected_wait(shard: Shard) -> Gauge {
    gauge!(EXPECTED_WAIT, "shard" => shard.to_string())
}

/// Of all lanes of the process together.
pub(crate) struct LaneMeters {
    waiting: Gauge,
    batch_size: Histogram,
    batch_seconds: Histogram,
}

impl LaneMeters {
    pub(crate) fn new() -> Self {
        describe_gauge!("holdfast_lane_waiting", Unit::Count, "Writes that wait for their batch to begin.");
        describe_gauge!(
            EXPECTED_WAIT,
            Unit::Seconds,
            "How long a new write of the shard can expect to wait here, by the rate of the last ones."
        );
        describe_histogram!("holdfast_lane_batch_size", Unit::Count, "Writes in one transaction.");
        describe_histogram!(
            "holdfast_lane_batch_seconds",
            Unit::Seconds,
            "How long a batch took, the wait for the shard's head in it."
        );
        Self {
            waiting: gauge!("holdfast_lane_waiting"),
            batch_size: histogram!("holdfast_lane_batch_size"),
            batch_seconds: histogram!("holdfast_lane_batch_seconds"),
        }
    }

    pub(crate) fn queued(&self) {
        self.waiting.increment(1);
    }

    pub(crate) fn begun(&self, size: usize) {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        self.waiting.decrement(size);
        self.batch_size.record(size);
    }

    pub(crate) fn ended(&self, took: Duration) {
        self.batch_seconds.record(took);
    }
}

/// Of all steps of the process.
#[derive(Debug, Clone)]
pub(crate) struct StepMeters {
    granted: Counter,
    rejected: Counter,
    decision_seconds: Histogram,
    passed_by: Counter,
}

impl StepMeters {
    pub(crate) fn new() -> Self {
        describe_counter!("holdfast_decisions_total", Unit::Count, "Wants decided, by verdict.");
        describe_histogram!(
            "holdfast_decision_seconds",
            Unit::Seconds,
            "How long a booking that was granted had stood as it was, by the shard's clock."
        );
        describe_counter!(
            "holdfast_passed_by_total",
            Unit::Count,
            "Resources found with an open want that fits and was passed by: each is a defect."
        );
        Self {
            granted: counter!("holdfast_decisions_total", "verdict" => "grant"),
            rejected: counter!("holdfast_decisions_total", "verdict" => "reject"),
            decision_seconds: histogram!("holdfast_decision_seconds"),
            passed_by: counter!("holdfast_passed_by_total"),
        }
    }

    /// A want was decided that had waited since it was last written.
    pub(crate) fn decided(&self, verdict: Verdict, waited: time::Duration) {
        match verdict {
            Verdict::Grant => {
                self.granted.increment(1);
                self.decision_seconds.record(waited.as_seconds_f64().max(0.0));
            }
            Verdict::Reject => self.rejected.increment(1),
        }
    }

    pub(crate) fn passed_by(&self, resources: usize) {
        self.passed_by.increment(resources as u64);
    }
}

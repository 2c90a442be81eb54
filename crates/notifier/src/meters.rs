//! What is counted here: how many listen, and whom they lost.

use metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, gauge};

/// Of all sockets of the process.
#[derive(Debug)]
pub(crate) struct Meters {
    /// Open now.
    pub(crate) sockets: Gauge,
    /// Cut off, since their messages came faster than they read.
    pub(crate) slow_closes: Counter,
    /// Came back, and got all that they had missed.
    pub(crate) resumed: Counter,
    /// Came back, and were told to ask anew.
    pub(crate) resynced: Counter,
}

impl Meters {
    pub(crate) fn new(sockets_max: usize) -> Self {
        describe_gauge!("holdfast_sockets", Unit::Count, "Sockets and streams of events that are open.");
        describe_gauge!("holdfast_sockets_max", Unit::Count, "Most that may be open at once.");
        describe_counter!(
            "holdfast_socket_slow_closes_total",
            Unit::Count,
            "Sockets that were closed since their messages came faster than they were read."
        );
        describe_counter!(
            "holdfast_socket_resumes_total",
            Unit::Count,
            "Sockets that came back with a position: `whole` got all that they had missed, `resync` were told to ask anew."
        );
        gauge!("holdfast_sockets_max").set(f64::from(u32::try_from(sockets_max).unwrap_or(u32::MAX)));
        let resumes = |outcome| counter!("holdfast_socket_resumes_total", "outcome" => outcome);
        Self {
            resumed: resumes("whole"),
            resynced: resumes("resync"),
            sockets: gauge!("holdfast_sockets"),
            slow_closes: counter!("holdfast_socket_slow_closes_total"),
        }
    }
}

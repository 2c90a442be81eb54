//! What is told of every log here: where it ends, how much of it is undecided, how far its stream is behind, and how often
//! something was amiss.

use holdfast_domain::Seq;
use holdfast_store::HeadRow;
use metrics::{Counter, Unit, counter, describe_counter, describe_gauge, gauge};

/// Describes the gauges, once.
pub(crate) fn describe() {
    describe_gauge!("holdfast_log_seq", Unit::Count, "Where the shard's log ends.");
    describe_gauge!(
        "holdfast_log_undecided",
        Unit::Count,
        "Changes at the end of the shard's log that the decision has not dealt with."
    );
    describe_gauge!(
        "holdfast_relay_lag",
        Unit::Count,
        "Changes of the shard's log that its stream does not have yet."
    );
    describe_counter!("holdfast_relay_refills_total", Unit::Count, "Streams that were filled anew.");
    describe_counter!(
        "holdfast_relay_leaps_total",
        Unit::Count,
        "Logs that went on further ahead, since PostgreSQL was restored from the past."
    );
    // Told from the start, so that the first of them is seen to be new.
    refills().increment(0);
    leaps().increment(0);
}

/// A stream was filled anew.
pub(crate) fn refilled() {
    refills().increment(1);
}

/// A log leapt.
pub(crate) fn leapt() {
    leaps().increment(1);
}

fn refills() -> Counter {
    counter!("holdfast_relay_refills_total")
}

fn leaps() -> Counter {
    counter!("holdfast_relay_leaps_total")
}

/// Tells how one shard stands, as of one look. Of a shard without a change there is nothing to tell.
pub(crate) fn tell(head: &HeadRow, stream_end: Seq) {
    if head.seq == Seq(0) {
        return;
    }
    let shard = head.shard.to_string();
    let set = |name: &'static str, value: i64| {
        gauge!(name, "shard" => shard.clone()).set(f64::from(i32::try_from(value).unwrap_or(i32::MAX)));
    };
    #[expect(clippy::cast_precision_loss, reason = "exact up to 9 * 10^15 changes")]
    gauge!("holdfast_log_seq", "shard" => shard.clone()).set(head.seq.0 as f64);
    // What a log leapt over was never there.
    let after = |seq: Seq| (head.seq.0 - seq.max(head.floor).0).max(0);
    set("holdfast_log_undecided", after(head.decided));
    set("holdfast_relay_lag", after(stream_end));
}

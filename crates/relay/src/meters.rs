//! What is told of every log here: where it ends, how much of it is undecided, and how far its stream is behind.

use holdfast_domain::Seq;
use holdfast_store::HeadRow;
use metrics::{Unit, describe_gauge, gauge};

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
    set("holdfast_log_undecided", head.seq.0 - head.decided.0);
    set("holdfast_relay_lag", (head.seq.0 - stream_end.0).max(0));
}

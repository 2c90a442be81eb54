//! What is told here: for how long the wants of every shard wait to be looked at, and what was settled.

use holdfast_domain::Shard;
use holdfast_store::{Look, Settled};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

/// Describes what is told, once.
pub(crate) fn describe() {
    describe_counter!(
        "holdfast_reservations_settled_total",
        Unit::Count,
        "Reservations that the validator ended: their hold was over, or their event called off."
    );
    describe_counter!(
        "holdfast_waitlist_settled_total",
        Unit::Count,
        "Places in line that the validator served, or took out of line: the sale is over, or their owner may have no more."
    );
    describe_gauge!(
        "holdfast_undecided_seconds",
        Unit::Seconds,
        "How long the first change of the shard waits that its decision has to deal with, at the last look; 0 when none does."
    );
}

/// Tells how one shard stands, as of one look. Of a shard without a change there is nothing to tell.
pub(crate) fn tell(look: &Look, shard: Shard) {
    if look.seq.0 > 0 {
        let waits = look.waits.map_or(0.0, time::Duration::as_seconds_f64);
        gauge!("holdfast_undecided_seconds", "shard" => shard.to_string()).set(waits.max(0.0));
    }
}

/// Counts what a settling step ended, and whom it served.
pub(crate) fn settled(settled: Settled) {
    counter!("holdfast_reservations_settled_total").increment(settled.reservations as u64);
    counter!("holdfast_waitlist_settled_total").increment(settled.served as u64);
}

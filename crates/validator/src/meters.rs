//! What is told here: for how long the wants of every shard wait to be looked at, and what was settled.

use holdfast_domain::Shard;
use holdfast_store::Look;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

/// Describes what is told, once.
pub(crate) fn describe() {
    describe_counter!(
        "holdfast_reservations_settled_total",
        Unit::Count,
        "Reservations that the validator ended: their hold was over, or their event called off."
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

/// Counts what a settling step ended.
pub(crate) fn settled(reservations: usize) {
    counter!("holdfast_reservations_settled_total").increment(reservations as u64);
}

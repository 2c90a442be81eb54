//! The leap: a log whose past may once have been longer goes on far ahead, so that no position is ever given twice and
//! whoever was told of what is lost is told to ask anew.

use holdfast_domain::{Fact, NO_TENANT, Seq, Shard};
use time::OffsetDateTime;

use crate::{Database, Error, Head, head::bounded};

/// How far a log leaps at least; and how much further for each second of the time, which is more than any log grows. So one
/// that was restored twice from the same copy does not arrive where it was the first time, though nothing is known of
/// that; and leaps one upon the other don't run ahead of the time. Enough until 2112.
pub const LEAP: i64 = 1_000_000;

impl Database {
    /// Has the log of `shard` go on at least [`LEAP`] after its end, and after `told` if that is further: the last position
    /// that anybody was told of. Gives where it ends then.
    ///
    /// Does nothing when the log's floor is no more the one at which that was judged to be due: somebody else was quicker.
    ///
    /// # Errors
    /// When the head can't be had, or PostgreSQL fails. When the outcome is unknown, the next look shows it.
    pub async fn leap(&self, shard: Shard, told: Seq, floor: Seq) -> Result<Option<Seq>, Error> {
        let leapt = async {
            let mut head = Head::take(self, shard).await?;
            if head.floor() != floor {
                head.rollback().await;
                return Ok(None);
            }
            let from = head.seq();
            head.leap_to(landing(from, told, head.at()));
            let seq = note(&mut head, &Fact::LogLeapt { from });
            Ok(Some((head, seq)))
        };
        let Some((head, seq)) = bounded(Box::pin(leapt)).await? else {
            return Ok(None);
        };
        head.commit().await?;
        Ok(Some(seq))
    }
}

fn landing(from: Seq, told: Seq, at: OffsetDateTime) -> Seq {
    Seq((from.max(told).0 + LEAP).max(at.unix_timestamp() * LEAP))
}

/// Appends what a log says of itself.
pub(crate) fn note(head: &mut Head, fact: &Fact) -> Seq {
    head.append_own(NO_TENANT, fact)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn no_two_leaps_from_the_same_copy_land_where_the_other_did() {
        let at = datetime!(2027-03-21 12:00 UTC);
        let (first, second) =
            (landing(Seq(7), Seq(0), at), landing(Seq(7), Seq(0), at + time::Duration::MINUTE));
        assert_eq!(second.0 - first.0, 60 * LEAP);
        // Nor one that knows of an earlier.
        assert_eq!(landing(Seq(7), second, at), Seq(second.0 + LEAP));
        assert!(landing(Seq(0), Seq(0), datetime!(2112-01-01 0:00 UTC)) < Seq::BEYOND);
        assert!(landing(Seq(0), Seq::BEYOND, at) < Seq(1 << 53));
    }
}

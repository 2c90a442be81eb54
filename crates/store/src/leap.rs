//! The leap: a log whose past may once have been longer goes on far ahead, so that no position is ever given twice and
//! whoever was told of what is lost is told to ask anew. And the other mending of a head: a clock that ran away.

use holdfast_domain::{CommandId, Fact, NO_TENANT, Seq, Shard, Trace};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Database, Error, Head, head::CommitError};

/// How far a log leaps: further than any log could have grown since the copy that it was restored from was made.
pub const LEAP: i64 = 1_000_000_000;

impl Database {
    /// Has the log of `shard` go on [`LEAP`] after its end, or after `told` if that is further: the last position that
    /// anybody was told of. Gives where it ends then.
    ///
    /// Does nothing when the log's floor is no more the one at which that was judged to be due: somebody else was quicker.
    ///
    /// # Errors
    /// When the head can't be had, or PostgreSQL fails. When the outcome is unknown, the next look shows it.
    pub async fn leap(&self, shard: Shard, told: Seq, floor: Seq) -> Result<Option<Seq>, Error> {
        let mut head = Head::take(self, shard).await?;
        if head.floor() != floor {
            head.rollback().await;
            return Ok(None);
        }
        let from = head.seq();
        head.leap_to(Seq(from.max(told).0 + LEAP));
        let seq = note(&mut head, &Fact::LogLeapt { from });
        finish(head).await?;
        Ok(Some(seq))
    }

    /// Sets the clock of `shard` back to the server's if it is so far ahead that writes are refused; gives what it was.
    ///
    /// # Errors
    /// [`Error::Clock`] when the server's clock itself is off this process's; when the head can't be had, or PostgreSQL
    /// fails.
    pub async fn set_clock_back(&self, shard: Shard) -> Result<Option<OffsetDateTime>, Error> {
        let (mut head, was) = Head::take_with_clock_set_back(self, shard).await?;
        if was - head.at() <= self.clock_max_skew {
            head.rollback().await;
            return Ok(None);
        }
        note(&mut head, &Fact::ClockSetBack { from: was });
        finish(head).await?;
        Ok(Some(was))
    }
}

fn note(head: &mut Head, fact: &Fact) -> Seq {
    head.append(NO_TENANT, CommandId::from(Uuid::now_v7()), None, &Trace::default(), fact)
}

async fn finish(head: Head) -> Result<(), Error> {
    head.write_and_commit(async |_: &Head| Ok(())).await.map_err(CommitError::into_error)
}

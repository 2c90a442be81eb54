//! A shard's clock that ran away: set back, and the log says so.

use holdfast_domain::{Fact, Shard};
use time::OffsetDateTime;

use crate::{Database, Error, Head, events, head::bounded, leap::note};

impl Database {
    /// Sets the clock of `shard` back to the server's if it is so far ahead that writes are refused; gives what it was.
    ///
    /// # Errors
    /// [`Error::Clock`] when the server's clock itself is off this process's; when the head can't be had, or PostgreSQL
    /// fails.
    pub async fn set_clock_back(&self, shard: Shard) -> Result<Option<OffsetDateTime>, Error> {
        let set_back = async {
            let (mut head, was) = Head::take_with_clock_set_back(self, shard).await?;
            if was - head.at() <= self.clock_max_skew {
                head.rollback().await;
                return Ok(None);
            }
            note(&mut head, &Fact::ClockSetBack { from: was });
            events::lines_are_due(&head).await?;
            Ok(Some((head, was)))
        };
        let Some((head, was)) = bounded(Box::pin(set_back)).await? else {
            return Ok(None);
        };
        head.commit().await?;
        Ok(Some(was))
    }
}

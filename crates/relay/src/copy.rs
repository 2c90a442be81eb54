//! One step of one shard: the next run of its log, from its stream's end; and what is done about a stream that does not
//! lead there.
//!
//! A stream that is lost, too old or too far behind is filled anew. One that has what the log has not says that PostgreSQL
//! was restored from the past: then the log leaps. Which of them it is, is judged by what is read here and now, and holds
//! only if nobody has moved the stream, or the log's floor, in the meantime.

use holdfast_domain::{Seq, Shard};
use holdfast_store::{Database, HeadRow, Installation};
use holdfast_stream::{Appended, Logged, Streams};

use crate::meters;

/// Most changes read of one log before it is another's turn.
const RUN_MAX: i64 = 1_000;

/// Most bytes of JSON in one append: Redis serves nobody else meanwhile.
const APPEND_MAX_BYTES: usize = 1 << 20;

/// What went wrong in a step. It is all tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("could not read the log")]
    Log(#[from] holdfast_store::Error),
    #[error("could not reach the streams")]
    Streams(#[from] holdfast_stream::Error),
}

/// How a shard's stream stands to its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The stream's end.
    pub(crate) end: Seq,
    /// Whether there is more to do at once.
    pub(crate) is_behind: bool,
}

/// What a look found.
pub(crate) struct Seen {
    pub(crate) installation: Installation,
    /// Whether the streams are this installation's.
    pub(crate) is_ours: bool,
    /// Each log, and where its stream ends.
    pub(crate) shards: Vec<(HeadRow, Seq)>,
}

/// The two sides.
#[derive(Debug)]
pub(crate) struct Copier {
    pub(crate) database: Database,
    pub(crate) streams: Streams,
}

impl Copier {
    /// How things stand; the streams ended at the `known` places when somebody last looked.
    pub(crate) async fn look(&self, known: &[Seq]) -> Result<Seen, Error> {
        let installation = self.database.installation().await?;
        // The streams before the heads: the other way round, what is committed and published in between would make a
        // stream seem to be ahead of its log.
        let ends = self.streams.lasts().await;
        let heads = self.database.heads().await?;
        // Also, and above all, while the streams are away.
        let told = ends.as_deref().unwrap_or(known);
        let end = |ends: &[Seq], head: &HeadRow| ends.get(head.shard.index()).copied().unwrap_or_default();
        for head in &heads {
            meters::tell(head, end(told, head));
        }
        let ends = ends?;
        let is_ours = self.streams.claim(installation.id).await?;
        let shards = heads.into_iter().map(|head| (head, end(&ends, &head))).collect();
        Ok(Seen { installation, is_ours, shards })
    }

    /// Whether a stream that ends here can't be gone on with.
    pub(crate) fn is_lost(&self, head: &HeadRow, end: Seq) -> bool {
        let is_empty = end == Seq(0) && head.seq > Seq(0);
        let (is_ahead, is_too_old) = (end > head.seq, end <= head.floor && head.floor > Seq(0));
        is_empty || is_ahead || is_too_old || head.seq.0 - end.0 > i64::from(self.streams.length())
    }

    /// Copies one run of a shard's log, from `end`, where the stream ended when somebody last looked.
    pub(crate) async fn step(&self, shard: Shard, mut end: Seq) -> Result<Standing, Error> {
        // With the change at the end itself, by which the stream is held against the log.
        let run = self.log_after(shard, end.previous()).await?;
        let begins = run.first().is_some_and(|first| first.entry.seq == end);
        if !begins || has_hole(&run) {
            return self.mend(&self.database.head(shard).await?, end).await;
        }
        let is_behind = is_full(&run);
        for part in parts(&run) {
            match self.streams.append(shard, part).await? {
                Appended::Appended { last } => end = last,
                Appended::Differs { last } => {
                    let head = self.database.head(shard).await?;
                    // What lies below the floor may be another's by now: the log leapt, and the stream has not yet.
                    let is_old = last <= head.floor;
                    return if is_old {
                        self.refill(&head, last).await
                    } else {
                        self.leap(&head, last).await
                    };
                }
                // Nothing is left there to compare.
                Appended::DoesNotJoin { last } if last == end => {
                    return self.mend(&self.database.head(shard).await?, end).await;
                }
                // Redis came back old in the meantime, or was filled anew: the next step goes on from there.
                Appended::DoesNotJoin { last } => return Ok(Standing { end: last, is_behind: true }),
            }
        }
        Ok(Standing { end, is_behind })
    }

    /// Does what there is to be done about a stream that [can't be gone on with](Self::is_lost).
    pub(crate) async fn mend(&self, head: &HeadRow, end: Seq) -> Result<Standing, Error> {
        // What ends beyond all positions is a stranger's work, and shows nothing.
        let is_ahead = end > head.seq && end < Seq::BEYOND;
        if is_ahead { self.leap(head, end).await } else { self.refill(head, end).await }
    }

    /// Has the log go on where nobody has been told of anything, and fills the stream anew from there.
    pub(crate) async fn leap(&self, head: &HeadRow, end: Seq) -> Result<Standing, Error> {
        if !self.is_ours().await? {
            return Ok(Standing { end, is_behind: false });
        }
        let (shard, from) = (head.shard, head.seq);
        let Some(to) = self.database.leap(shard, end, head.floor).await? else {
            return Ok(Standing { end, is_behind: true });
        };
        meters::leapt();
        if from.max(end) > Seq(0) {
            tracing::error!(
                %shard, %from, stream = %end, %to,
                "PostgreSQL was restored from the past: the log goes on further ahead, and everybody is told to reload"
            );
        }
        self.refill(&self.database.head(shard).await?, end).await
    }

    /// Puts the newest changes in the place of a stream that ends at `end`: as much as goes in one append; steps do the
    /// rest.
    async fn refill(&self, head: &HeadRow, end: Seq) -> Result<Standing, Error> {
        let shard = head.shard;
        let newest = Seq(head.seq.0 - i64::from(self.streams.length()));
        let run = self.log_after(shard, newest.max(head.floor)).await?;
        let Some(part) = parts(&run).next() else {
            return Ok(Standing { end, is_behind: false });
        };
        if !self.is_ours().await? {
            return Ok(Standing { end, is_behind: false });
        }
        Ok(match self.streams.refill(shard, end, part).await? {
            Appended::Appended { last } => {
                meters::refilled();
                tracing::info!(%shard, was = %end, is = %last, log = %head.seq, "the stream is filled anew");
                Standing { end: last, is_behind: last < head.seq }
            }
            Appended::DoesNotJoin { last } | Appended::Differs { last } => {
                Standing { end: last, is_behind: true }
            }
        })
    }

    /// Whether the streams are still this installation's: they may have been lost, and taken by another, since the last
    /// look. An append needs not ask; it goes on from what is its own.
    async fn is_ours(&self) -> Result<bool, Error> {
        let installation = self.database.installation().await?;
        Ok(self.streams.claim(installation.id).await?)
    }

    async fn log_after(&self, shard: Shard, after: Seq) -> Result<Vec<Logged>, Error> {
        let recorded = self.database.log_after(shard, after, RUN_MAX).await?;
        Ok(recorded.iter().map(Logged::from).collect())
    }
}

/// As after a leap whose refill did not come about.
fn has_hole(run: &[Logged]) -> bool {
    !run.is_sorted_by(|before, after| before.entry.seq.next() == after.entry.seq)
}

fn is_full(run: &[Logged]) -> bool {
    i64::try_from(run.len()).is_ok_and(|read| read >= RUN_MAX)
}

/// Cuts a run into parts of at most [`APPEND_MAX_BYTES`] each, but of two changes at least: each begins with the last of
/// the one before, to be held against the stream.
fn parts(run: &[Logged]) -> impl Iterator<Item = &[Logged]> {
    let mut rest = run;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rest.iter().enumerate().take_while(|(place, logged)| {
            bytes += logged.entry.wire.len();
            *place < 2 || bytes <= APPEND_MAX_BYTES
        });
        let (part, left) = rest.split_at_checked(fits.count()).filter(|(part, _)| !part.is_empty())?;
        rest = if left.is_empty() { left } else { &rest[part.len() - 1..] };
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use holdfast_domain::DEFAULT_TENANT;
    use holdfast_store::Lanes;
    use holdfast_stream::Entry;
    use holdfast_testkit::{TestDatabase, create, hours, lane_settings, redis::TestRedis, shard};

    use super::*;

    /// A log of two changes, and no stream.
    async fn scene() -> (TestDatabase, TestRedis, Copier) {
        let (test, redis) = (TestDatabase::new().await, TestRedis::new());
        let streams = Streams::connect(&redis.settings()).unwrap();
        let lanes = Lanes::new(test.database(), lane_settings(), |_| {});
        lanes.create(create("alice", "Raum1", hours(1, 2))).await.unwrap();
        let copier = Copier { database: test.database(), streams };
        (test, redis, copier)
    }

    #[tokio::test]
    async fn who_comes_between_anothers_leap_and_its_refill_does_not_leap_again() {
        let (_test, _redis, copier) = scene().await;
        let mut lost = copier.log_after(shard(), Seq(0)).await.unwrap();
        let end = lost[1].entry.seq;
        lost[1].fingerprint = "lost".into();
        copier.streams.refill(shard(), Seq(0), &lost).await.unwrap();
        let leapt = copier.database.leap(shard(), end, Seq(0)).await.unwrap().unwrap();

        let standing = copier.step(shard(), end).await.unwrap();
        assert_eq!(standing, Standing { end: leapt, is_behind: false });
        assert_eq!(copier.database.head(shard()).await.unwrap().seq, leapt);
    }

    #[tokio::test]
    async fn when_the_streams_have_become_anothers_since_the_last_look_nothing_leaps_and_nothing_is_filled() {
        let (_test, redis, copier) = scene().await;
        assert_eq!(copier.step(shard(), Seq(0)).await.unwrap(), Standing { end: Seq(2), is_behind: false });
        redis.lose();
        redis.command(&["SET", &redis.owner(), "somebody else"]);
        assert_eq!(copier.step(shard(), Seq(0)).await.unwrap().end, Seq(0));
        assert_eq!(copier.streams.last(shard()).await.unwrap(), Seq(0));

        let mut theirs = copier.log_after(shard(), Seq(1)).await.unwrap();
        theirs[0].entry.seq = Seq(5_000);
        copier.streams.refill(shard(), Seq(0), &theirs).await.unwrap();
        for known in [Seq(2), Seq(5_000)] {
            assert_eq!(copier.step(shard(), known).await.unwrap().end, Seq(5_000));
        }
        assert_eq!(copier.database.head(shard()).await.unwrap().seq, Seq(2));
    }

    #[test]
    fn no_part_is_longer_than_allowed_each_begins_where_the_last_ended_and_none_is_left_out() {
        let half = APPEND_MAX_BYTES / 2;
        let logged = |(seq, length): (i64, &usize)| {
            let entry = Entry { seq: Seq(seq), tenant_id: DEFAULT_TENANT, wire: " ".repeat(*length) };
            Logged { entry, fingerprint: String::new() }
        };
        let cut = |lengths: &[usize]| -> Vec<(i64, usize)> {
            let run: Vec<Logged> = (1..).zip(lengths).map(logged).collect();
            parts(&run).map(|part| (part[0].entry.seq.0, part.len())).collect()
        };
        assert_eq!(cut(&[]), []);
        assert_eq!(cut(&[1]), [(1, 1)]);
        assert_eq!(cut(&[1, 1, 1]), [(1, 3)]);
        assert_eq!(cut(&[half, half, 1, 2 * half, 3, 4]), [(1, 2), (2, 2), (3, 2), (4, 2), (5, 2)]);
    }
}

//! One step of one shard: from its stream's end, the next run of its log.

use holdfast_domain::{Seq, Shard};
use holdfast_store::{Database, HeadRow};
use holdfast_stream::{Appended, Entry, Streams};

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
pub(crate) enum Standing {
    /// It is the log, up to its end.
    Joined {
        /// The stream's end.
        end: Seq,
        /// Whether the log may have more.
        is_behind: bool,
    },
    /// It is not this log's stream: it lacks what the log no longer has, or has what the log never had.
    Foreign,
}

/// How each shard's stream stands to its log now; it ended at the `known` places when somebody last looked.
pub(crate) async fn look(
    database: &Database,
    streams: &Streams,
    known: &[Seq],
) -> Result<Vec<(Shard, Standing)>, Error> {
    // The streams before the heads: the other way round, what is committed and published in between would make a stream
    // seem to be ahead of its log.
    let ends = streams.lasts().await;
    let heads = database.heads().await?;
    // Also, and above all, while the streams are away.
    let told = ends.as_deref().unwrap_or(known);
    for head in &heads {
        meters::tell(head, told.get(head.shard.index()).copied().unwrap_or_default());
    }
    let ends = ends?;
    let standing = |head: &HeadRow| {
        let end = ends.get(head.shard.index()).copied().unwrap_or_default();
        let is_behind = end < head.seq;
        if end > head.seq { Standing::Foreign } else { Standing::Joined { end, is_behind } }
    };
    Ok(heads.iter().map(|head| (head.shard, standing(head))).collect())
}

/// Copies one run of a shard's log, from `end`, where the stream ended when somebody last looked.
pub(crate) async fn step(
    database: &Database,
    streams: &Streams,
    shard: Shard,
    mut end: Seq,
) -> Result<Standing, Error> {
    let recorded = database.log_after(shard, end, RUN_MAX).await?;
    let is_behind = i64::try_from(recorded.len()).is_ok_and(|read| read >= RUN_MAX);
    let entries: Vec<Entry> = recorded.iter().map(Entry::from).collect();
    for run in runs(&entries) {
        match streams.append(shard, run).await? {
            Appended::Appended { last } => end = last,
            Appended::DoesNotJoin { last } if last == end => return Ok(Standing::Foreign),
            // Redis came back old in the meantime: the next step tries from there.
            Appended::DoesNotJoin { last } => {
                return Ok(Standing::Joined { end: last, is_behind: true });
            }
        }
    }
    Ok(Standing::Joined { end, is_behind })
}

/// Cuts entries into runs of at most [`APPEND_MAX_BYTES`], or of one entry that alone is longer.
fn runs(entries: &[Entry]) -> impl Iterator<Item = &[Entry]> {
    let mut bytes = 0;
    entries.chunk_by(move |before, after| {
        bytes += before.wire.len();
        let is_within = bytes + after.wire.len() <= APPEND_MAX_BYTES;
        if !is_within {
            bytes = 0;
        }
        is_within
    })
}

#[cfg(test)]
mod tests {
    use holdfast_domain::DEFAULT_TENANT;

    use super::*;

    #[test]
    fn no_run_is_longer_than_allowed_and_none_is_left_out() {
        let lengths = [APPEND_MAX_BYTES / 2, APPEND_MAX_BYTES / 2, 1, APPEND_MAX_BYTES * 2, 3, 4];
        let entry = |(seq, length): (i64, &usize)| Entry {
            seq: Seq(seq),
            tenant_id: DEFAULT_TENANT,
            wire: " ".repeat(*length),
        };
        let entries: Vec<Entry> = (1..).zip(&lengths).map(entry).collect();
        let cut: Vec<usize> = runs(&entries).map(<[Entry]>::len).collect();
        assert_eq!(cut, [2, 1, 1, 2]);
    }
}

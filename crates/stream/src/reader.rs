//! The reading end of all streams, for who must hear everything: plain XREAD from remembered positions. It never skips
//! in silence: whatever may be missing is told as a [`Read::Gap`].

use std::time::Duration;

use fred::{prelude::StreamsInterface, types::Value};
use holdfast_domain::{Seq, Shard};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    Entry, Error, Settings,
    connection::{COMMAND_TIMEOUT, Connection, Connector},
    entry::{Found, found},
    keys::Keys,
    streams::lasts,
};

/// How long a read waits for something to come.
const BLOCK: Duration = Duration::from_secs(2);

/// How often positions are compared with the streams' ends: a stream that is behind looks like one that is quiet.
const CHECK_EVERY: Duration = Duration::from_secs(3);

/// How long a stream that was lost, or came back old, may stand still until it is where it was: the relay fills it again,
/// and as no position is ever given twice, what comes then is what follows.
const RETURN_WAIT: Duration = Duration::from_secs(5);

/// How long a read waits while one is away.
const SHORT_BLOCK: Duration = Duration::from_millis(200);

/// How long all their ends may take to be told.
const CHECK_WITHIN: Duration = Duration::from_secs(2);

/// Between two tries while Redis is away.
const RETRY_WAIT: Duration = Duration::from_millis(250);

/// Most entries of one stream in a read.
const COUNT: u64 = 250;

/// What was read of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// Changes, each the one after the last.
    Entries(Shard, Vec<Entry>),
    /// It goes on after this position, and what was before may be missing. Every shard begins with one.
    Gap(Shard, Seq),
}

/// A reader of all streams, from their ends at the time when Redis first answers.
#[derive(Debug)]
pub struct Reader {
    connector: Connector,
    connection: Connection,
    keys: Keys,
    /// The last seq told of each shard.
    positions: Option<Vec<Seq>>,
    /// When positions were last compared, on this connection.
    checked: Option<Instant>,
    /// Where streams end that are behind their positions, and since when.
    behind: [Option<(Seq, Instant)>; Shard::COUNT as usize],
    is_retry: bool,
}

impl Reader {
    /// Starts to connect, without waiting for it, in the tokio runtime that it is called in.
    ///
    /// # Errors
    /// When the address can't be one. That Redis is away is no error.
    pub fn connect(settings: &Settings) -> Result<Self, Error> {
        let connector = Connector::new(&settings.url, BLOCK + COMMAND_TIMEOUT)?;
        Ok(Self {
            connection: connector.open()?,
            connector,
            keys: Keys::new(settings),
            positions: None,
            checked: None,
            behind: [None; Shard::COUNT as usize],
            is_retry: false,
        })
    }

    /// What has come since the last time; nothing when it stayed quiet for a while. Nothing is lost if it is dropped
    /// while it waits.
    ///
    /// # Errors
    /// When Redis is away. The next call tries again, after a short wait, and goes on where it was.
    pub async fn next(&mut self) -> Result<Vec<Read>, Error> {
        if self.is_retry {
            // A read that was given up may still hold the old connection.
            self.connection = self.connector.open()?;
            self.checked = None;
            sleep(RETRY_WAIT).await;
        }
        self.is_retry = true;
        let read = self.step().await?;
        self.is_retry = false;
        Ok(read)
    }

    async fn step(&mut self) -> Result<Vec<Read>, Error> {
        let is_due = |at: Instant| self.awaits_return() || at.elapsed() >= CHECK_EVERY;
        if self.checked.is_none_or(is_due) {
            let gaps = self.check().await?;
            self.checked = Some(Instant::now());
            if !gaps.is_empty() {
                return Ok(gaps);
            }
        }
        self.read().await
    }

    fn awaits_return(&self) -> bool {
        self.behind.iter().any(Option::is_some)
    }

    /// Finds streams that are behind what was told of them, and stay so: they were lost, or came back old.
    async fn check(&mut self) -> Result<Vec<Read>, Error> {
        let lasts = timeout(CHECK_WITHIN, lasts(&self.connection.client, &self.keys))
            .await
            .map_err(|_| Error::TimedOut)??;
        let Some(positions) = &mut self.positions else {
            let begin = Shard::all().zip(&lasts).map(|(shard, last)| Read::Gap(shard, *last));
            let begin = begin.collect();
            self.positions = Some(lasts);
            return Ok(begin);
        };
        let mut gaps = Vec::new();
        for ((shard, position), last) in Shard::all().zip(positions).zip(lasts) {
            let behind = &mut self.behind[shard.index()];
            let (end, since) = behind.filter(|(end, _)| *end == last).unwrap_or((last, Instant::now()));
            if last >= *position {
                *behind = None;
            } else if since.elapsed() < RETURN_WAIT {
                *behind = Some((end, since));
            } else {
                *behind = None;
                *position = last;
                gaps.push(Read::Gap(shard, last));
            }
        }
        Ok(gaps)
    }

    async fn read(&mut self) -> Result<Vec<Read>, Error> {
        let block = if self.awaits_return() { SHORT_BLOCK } else { BLOCK };
        let Some(positions) = &mut self.positions else {
            return Err(Error::Unexpected("no positions to read from"));
        };
        let keys: Vec<String> = Shard::all().map(|shard| self.keys.changes(shard)).collect();
        // After all that could share the position: a stranger's `17-1` must not be read for ever.
        let ids: Vec<String> = positions.iter().map(|seq| format!("{seq}-{}", u64::MAX)).collect();
        let block = u64::try_from(block.as_millis()).ok();
        let streams = match self.connection.client.xread(Some(COUNT), block, keys, ids).await? {
            Value::Null => return Ok(Vec::new()),
            Value::Array(streams) => streams,
            _ => return Err(Error::Unexpected("no list of streams")),
        };
        let mut read = Vec::new();
        for stream in streams {
            let (key, entries) = stream.convert::<(String, Value)>()?;
            let shard = Shard::all().find(|shard| self.keys.changes(*shard) == key);
            let (Some(shard), Value::Array(entries)) = (shard, entries) else {
                return Err(Error::Unexpected("a stream that was not asked for"));
            };
            let entries = entries.into_iter().map(found).collect::<Result<_, _>>()?;
            follow(shard, &mut positions[shard.index()], entries, &mut read);
        }
        Ok(read)
    }
}

/// Moves `position` over `entries`, telling runs and gaps.
fn follow(shard: Shard, position: &mut Seq, entries: Vec<Found>, read: &mut Vec<Read>) {
    let mut run = Vec::new();
    for Found { seq, entry } in entries {
        let is_next = seq == position.next();
        *position = seq;
        let gap = match &entry {
            Some(_) if is_next => None,
            Some(_) => Some(seq.previous()),
            None => Some(seq),
        };
        if let Some(gap) = gap {
            if !run.is_empty() {
                read.push(Read::Entries(shard, std::mem::take(&mut run)));
            }
            read.push(Read::Gap(shard, gap));
        }
        run.extend(entry);
    }
    if !run.is_empty() {
        read.push(Read::Entries(shard, run));
    }
}

#[cfg(test)]
mod tests {
    use holdfast_domain::DEFAULT_TENANT;

    use super::*;

    fn entry(seq: i64) -> Entry {
        Entry { seq: Seq(seq), tenant_id: DEFAULT_TENANT, wire: String::new() }
    }

    fn told(position: i64, found: &[(i64, bool)]) -> Vec<Read> {
        let found = found
            .iter()
            .map(|&(seq, is_change)| Found { seq: Seq(seq), entry: is_change.then(|| entry(seq)) });
        let mut read = Vec::new();
        follow(shard(), &mut Seq(position), found.collect(), &mut read);
        read
    }

    fn shard() -> Shard {
        Shard::new(0).unwrap()
    }

    fn run(seqs: &[i64]) -> Read {
        Read::Entries(shard(), seqs.iter().map(|seq| entry(*seq)).collect())
    }

    fn gap(seq: i64) -> Read {
        Read::Gap(shard(), Seq(seq))
    }

    #[test]
    fn entries_that_follow_each_other_are_one_run() {
        assert_eq!(told(4, &[(5, true), (6, true)]), [run(&[5, 6])]);
    }

    #[test]
    fn a_hole_is_told_before_what_comes_after_it() {
        assert_eq!(told(4, &[(5, true), (8, true)]), [run(&[5]), gap(7), run(&[8])]);
        assert_eq!(told(4, &[(6, true)]), [gap(5), run(&[6])]);
    }

    #[test]
    fn an_entry_that_is_no_change_is_a_hole_and_blocks_nothing() {
        assert_eq!(told(4, &[(5, false), (6, true)]), [gap(5), run(&[6])]);
    }
}

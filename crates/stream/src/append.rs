//! The append: a run of the log goes to a shard's stream whole and in order, or not at all, however often it is sent and
//! by however many at once.

use fred::{
    clients::Client,
    types::{Value, scripts::Script},
};
use holdfast_domain::{Seq, Shard};

use crate::{About, Entry, Error, keys::Keys};

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// The stream has it up to here, whoever put it there.
    Appended {
        /// The stream's last id.
        last: Seq,
    },
    /// Between the stream's end and the run's first something is missing; nothing was written.
    DoesNotJoin {
        /// The stream's last id.
        last: Seq,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Append {
    script: Script,
    keep: u32,
}

impl Append {
    pub(crate) fn new(keep: u32) -> Self {
        Self { script: Script::from_lua(include_str!("append.lua")), keep }
    }

    /// `entries` up to the first hole: what is behind one joins on to nothing.
    pub(crate) async fn run(
        &self,
        client: &Client,
        keys: &Keys,
        shard: Shard,
        entries: &[Entry],
    ) -> Result<Appended, Error> {
        let Some(first) = entries.first().map(|entry| entry.seq) else {
            return Err(Error::Unexpected("a run without entries"));
        };
        let mut args: Vec<Value> = Vec::with_capacity(4 + 2 * entries.len());
        args.extend([keys.bell(About::Stream).into(), i64::from(shard.number()).into()]);
        args.extend([i64::from(self.keep).into(), first.0.into()]);
        let joined = entries.iter().zip(first.0..).take_while(|(entry, seq)| entry.seq.0 == *seq);
        for (entry, _) in joined {
            args.push(entry.tenant_id.to_string().into());
            args.push(entry.wire.as_str().into());
        }
        let (is_there, last): (bool, i64) =
            self.script.evalsha_with_reload(client, keys.changes(shard), args).await?;
        let last = Seq(last);
        Ok(if is_there { Appended::Appended { last } } else { Appended::DoesNotJoin { last } })
    }
}

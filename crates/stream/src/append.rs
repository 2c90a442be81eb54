//! The append: a run of the log goes to a shard's stream whole and in order, or not at all, however often it is sent and
//! by however many at once.

use fred::{
    clients::Client,
    types::{Value, scripts::Script},
};
use holdfast_domain::{Seq, Shard};

use crate::{About, Error, Logged, keys::Keys};

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// The stream has it, whoever put it there.
    Appended {
        /// The stream's last id.
        last: Seq,
    },
    /// The stream ends before the run begins, or behind it in a way that can't be compared; nothing was written.
    DoesNotJoin {
        /// The stream's last id.
        last: Seq,
    },
    /// Where the stream ends the run has another change; nothing was written.
    Differs {
        /// The stream's last id.
        last: Seq,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Append {
    script: Script,
    pub(crate) keep: u32,
}

impl Append {
    pub(crate) fn new(keep: u32) -> Self {
        Self { script: Script::from_lua(include_str!("append.lua")), keep }
    }

    /// `run` up to its first hole: what is behind one joins on to nothing. In place of what is there, if that ends at the
    /// `judged` id.
    pub(crate) async fn run(
        &self,
        client: &Client,
        keys: &Keys,
        shard: Shard,
        judged: Option<Seq>,
        run: &[Logged],
    ) -> Result<Appended, Error> {
        let Some(first) = run.first().map(|logged| logged.entry.seq) else {
            return Err(Error::Unexpected("a run without entries"));
        };
        let mut args: Vec<Value> = Vec::with_capacity(5 + 3 * run.len());
        args.extend([keys.bell(About::Stream).into(), i64::from(shard.number()).into()]);
        args.extend([i64::from(self.keep).into(), judged.map_or("".into(), |judged| judged.0.into())]);
        args.push(first.0.into());
        let joined = run.iter().zip(first.0..).take_while(|(logged, seq)| logged.entry.seq.0 == *seq);
        for (Logged { entry, fingerprint }, _) in joined {
            args.extend([
                entry.tenant_id.to_string().into(),
                entry.wire.as_str().into(),
                fingerprint.as_str().into(),
            ]);
        }
        let (what, last): (i64, i64) =
            self.script.evalsha_with_reload(client, keys.changes(shard), args).await?;
        let last = Seq(last);
        match what {
            1 => Ok(Appended::Appended { last }),
            0 => Ok(Appended::DoesNotJoin { last }),
            -1 => Ok(Appended::Differs { last }),
            _ => Err(Error::Unexpected("no outcome of an append")),
        }
    }
}

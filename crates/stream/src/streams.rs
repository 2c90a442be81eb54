//! The shards' streams, to write to and to ask about.

use std::sync::Arc;

use fred::{
    clients::Client,
    error::Error as FredError,
    prelude::{ClientLike, PubsubInterface, StreamsInterface},
    types::Value,
};
use futures_util::future::try_join_all;
use holdfast_domain::{Seq, Shard};

use crate::{
    About, Appended, Entry, Error, Settings, Shards,
    append::Append,
    connection::{COMMAND_TIMEOUT, Connection, Connector},
    entry::{Found, found, seq_of},
    keys::Keys,
};

/// The streams of all shards. Cheap to clone; all clones share one connection.
#[derive(Debug, Clone)]
pub struct Streams(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connection: Connection,
    keys: Keys,
    append: Append,
}

impl Streams {
    /// Starts to connect, without waiting for it, in the tokio runtime that it is called in.
    ///
    /// # Errors
    /// When the address can't be one. That Redis is away is no error.
    pub fn connect(settings: &Settings) -> Result<Self, Error> {
        let connection = Connector::new(&settings.url, COMMAND_TIMEOUT)?.open()?;
        Ok(Self(Arc::new(Inner {
            connection,
            keys: Keys::new(settings),
            append: Append::new(settings.stream_length),
        })))
    }

    /// Appends a run of the log, entries in order of their seq. What is there already is skipped; the rest is written
    /// only if it joins on to the stream's end, up to the run's first hole. Then the bell rings.
    ///
    /// # Errors
    /// When Redis is away, or does not answer in time: then it may or may not have been written, or may be yet.
    pub async fn append(&self, shard: Shard, entries: &[Entry]) -> Result<Appended, Error> {
        self.0.append.run(self.client().await?, &self.0.keys, shard, entries).await
    }

    /// The last id that was ever given in a shard's stream; zero when there is none.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn last(&self, shard: Shard) -> Result<Seq, Error> {
        last(self.client().await?, &self.0.keys, shard).await
    }

    /// [`last`](Self::last) of every shard, in their order.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn lasts(&self) -> Result<Vec<Seq>, Error> {
        lasts(self.client().await?, &self.0.keys).await
    }

    /// What stands at each position of a shard's stream from `first` on, `count` of them: nothing where nothing is, or no
    /// change.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn page(&self, shard: Shard, first: Seq, count: usize) -> Result<Vec<Option<Entry>>, Error> {
        let last = i64::try_from(count).unwrap_or(i64::MAX).saturating_add(first.0).saturating_sub(1);
        // One more than there can be: strangers among them must not make the page longer than was asked for.
        let most = u64::try_from(count).unwrap_or(u64::MAX).saturating_add(1);
        let (first_id, last_id) = (format!("{first}-0"), format!("{last}-{}", u64::MAX));
        let key = self.0.keys.changes(shard);
        let raw: Value = self.client().await?.xrange(key, first_id, last_id, Some(most)).await?;
        let Value::Array(raw) = raw else {
            return Err(Error::Unexpected("no list of entries"));
        };
        let mut page: Vec<Option<Entry>> = (0..count).map(|_| None).collect();
        let mut previous = None;
        for raw in raw {
            let Found { seq, entry } = found(raw)?;
            let place = usize::try_from(seq.0 - first.0).ok().and_then(|place| page.get_mut(place));
            // Two at one position: at least one of them is a stranger's.
            let entry = entry.filter(|_| previous != Some(seq));
            *place.ok_or(Error::Unexpected("an entry that was not asked for"))? = entry;
            previous = Some(seq);
        }
        Ok(page)
    }

    /// Rings for each of these shards that its log has grown, for relays in other processes. It may be lost.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn tell_grown(&self, shards: Shards) -> Result<(), Error> {
        let channel = self.0.keys.bell(About::Log);
        let client = self.client().await?;
        let rings = shards.iter().map(|shard| client.publish::<(), _, _>(&channel, shard.number()));
        try_join_all(rings).await?;
        Ok(())
    }

    /// Whether Redis answers now.
    ///
    /// # Errors
    /// When it does not, within twice [`COMMAND_TIMEOUT`].
    pub async fn ping(&self) -> Result<(), Error> {
        Ok(self.client().await?.ping(None).await?)
    }

    async fn client(&self) -> Result<&Client, Error> {
        self.0.connection.ready().await
    }
}

pub(crate) async fn lasts(client: &Client, keys: &Keys) -> Result<Vec<Seq>, Error> {
    // Sent in one go: fred pipelines what is polled together.
    try_join_all(Shard::all().map(|shard| last(client, keys, shard))).await
}

async fn last(client: &Client, keys: &Keys, shard: Shard) -> Result<Seq, Error> {
    let info = match client.xinfo_stream(keys.changes(shard), false, None).await {
        Ok(Value::Array(info)) => info,
        Ok(_) => return Err(Error::Unexpected("no description of a stream")),
        Err(error) if is_absent(&error) => return Ok(Seq::default()),
        Err(error) => return Err(error.into()),
    };
    let mut pairs = info.chunks_exact(2);
    pairs
        .find(|pair| pair[0].as_str().as_deref() == Some("last-generated-id"))
        .ok_or(Error::Unexpected("a stream without a last id"))
        .and_then(|pair| seq_of(&pair[1]))
}

fn is_absent(error: &FredError) -> bool {
    error.details().contains("no such key")
}

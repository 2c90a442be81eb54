//! What is older than memory: pages of the streams in Redis, for those who come back late. Never PostgreSQL.
//!
//! When a notifier was lost, thousands come back at once for about the same changes: a page is read once for all who want
//! it at the time, and the newest pages are kept for a while. Few are read at once, so that Redis has time for the rest.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use holdfast_domain::{Seq, Shard};
use holdfast_stream::Streams;
use tokio::{sync::Semaphore, time::Instant};

use crate::render::Item;

/// Changes of a page.
const PAGE: usize = 256;
const PAGE_I64: i64 = 256;

/// Most pages that are read at once.
const READS_MAX: usize = 4;

/// Most pages that are kept.
const KEPT_MAX: usize = 64;

/// Most bytes that they take, about.
const KEPT_MAX_BYTES: usize = 32 << 20;

/// How often a page is asked for: Redis may have been away for the moment.
const TRIES: usize = 2;

/// A page that is being read, or was; nothing when Redis does not answer.
pub(crate) type Reading = Shared<BoxFuture<'static, Option<Arc<Page>>>>;

/// Which page: the shard, and the number of its first change by [`PAGE`].
type Name = (Shard, i64);

/// The streams, page by page.
pub(crate) struct Archive {
    streams: Streams,
    places: Semaphore,
    shelves: Mutex<Shelves>,
}

#[derive(Default)]
struct Shelves {
    kept: VecDeque<Arc<Page>>,
    bytes: usize,
    reading: HashMap<Name, WeakShared<BoxFuture<'static, Option<Arc<Page>>>>>,
}

/// What stood at each position of a part of a stream.
#[derive(Debug)]
pub(crate) struct Page {
    name: Name,
    items: Vec<Option<Arc<Item>>>,
    bytes: usize,
    /// Whatever was in the stream at this time is in the page.
    pub(crate) read_at: Instant,
}

impl Archive {
    pub(crate) fn new(streams: Streams) -> Arc<Self> {
        Arc::new(Self { streams, places: Semaphore::new(READS_MAX), shelves: Mutex::default() })
    }

    /// The page on which `seq` is, or was when it was read.
    pub(crate) fn page(self: &Arc<Self>, shard: Shard, seq: Seq) -> Reading {
        let name = (shard, number_of(seq));
        let mut shelves = self.shelves();
        if let Some(page) = shelves.kept.iter().find(|page| page.name == name) {
            return std::future::ready(Some(Arc::clone(page))).boxed().shared();
        }
        if let Some(reading) = shelves.reading.get(&name).and_then(WeakShared::upgrade) {
            return reading;
        }
        // Only who waits holds on to it: one that nobody waits for any more must not keep its place.
        let archive = Arc::clone(self);
        let reading = async move { archive.read(name).await }.boxed().shared();
        shelves.reading.retain(|_, reading| reading.upgrade().is_some());
        shelves.reading.extend(reading.downgrade().map(|weak| (name, weak)));
        reading
    }

    /// Throws a page away that lacks what is there by now.
    pub(crate) fn forget(&self, page: &Arc<Page>) {
        self.shelves().keep_only(|kept| !Arc::ptr_eq(kept, page));
    }

    /// Throws a shard's pages away: its stream is not what it was.
    pub(crate) fn forget_all(&self, shard: Shard) {
        self.shelves().keep_only(|kept| kept.name.0 != shard);
    }

    async fn read(&self, name: Name) -> Option<Arc<Page>> {
        let page = self.read_from_redis(name).await.map(Arc::new);
        let mut shelves = self.shelves();
        shelves.reading.remove(&name);
        if let Some(page) = &page {
            shelves.keep(Arc::clone(page));
        }
        page
    }

    async fn read_from_redis(&self, (shard, number): Name) -> Option<Page> {
        let _place = self.places.acquire().await.ok()?;
        for _ in 0..TRIES {
            let read_at = Instant::now();
            match self.streams.page(shard, first_of(number), PAGE).await {
                Ok(entries) => {
                    let item = |entry: Option<_>| entry.map(|entry| Arc::new(Item::from(entry)));
                    let items: Vec<_> = entries.into_iter().map(item).collect();
                    let bytes = items.iter().flatten().map(|item| item.bytes()).sum();
                    return Some(Page { name: (shard, number), items, bytes, read_at });
                }
                Err(error) => tracing::debug!(%error, %shard, "a page of the stream can't be read"),
            }
        }
        None
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    fn keep(&mut self, page: Arc<Page>) {
        self.keep_only(|kept| kept.name != page.name);
        self.bytes += page.bytes;
        self.kept.push_back(page);
        while self.kept.len() > KEPT_MAX || self.bytes > KEPT_MAX_BYTES {
            let Some(oldest) = self.kept.pop_front() else { return };
            self.bytes -= oldest.bytes;
        }
    }

    fn keep_only(&mut self, is_kept: impl Fn(&Arc<Page>) -> bool) {
        self.kept.retain(is_kept);
        self.bytes = self.kept.iter().map(|page| page.bytes).sum();
    }
}

impl Page {
    /// The changes from the one after `seq` to `until`, as far as they are on this page, `most` of them at most, up to the
    /// first that is missing.
    pub(crate) fn after(&self, seq: Seq, until: Seq, most: usize) -> Vec<Arc<Item>> {
        let Ok(place) = usize::try_from(seq.next().0 - first_of(self.name.1).0) else {
            return Vec::new();
        };
        let items = self.items.iter().skip(place).map_while(Option::as_ref);
        items.take_while(|item| item.seq <= until).take(most).cloned().collect()
    }

    /// Whether `seq` is on a later one.
    pub(crate) fn ends_before(&self, seq: Seq) -> bool {
        number_of(seq) > self.name.1
    }
}

fn number_of(seq: Seq) -> i64 {
    seq.0.div_euclid(PAGE_I64)
}

fn first_of(number: i64) -> Seq {
    Seq(number * PAGE_I64)
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Archive")
    }
}

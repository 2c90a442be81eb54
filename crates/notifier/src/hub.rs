//! Where changes meet subscribers: each shard's position, its newest changes, and who listens to it.
//!
//! One lock a shard, held for no longer than it takes to fill queues and never over an await. What is queued before a
//! position is told stands before it, so a subscriber knows what they have.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use holdfast_domain::{Caller, Change, Seq, Shard, TenantId};
use holdfast_stream::{Entry, Streams};
use tokio::{
    select,
    sync::{Notify, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Interest, Settings, Subscription,
    archive::Archive,
    audience::{Audience, Member, MemberId},
    hints::{Hint, Hints},
    meters::Meters,
    render::{Item, Message, RESYNC, notice},
    window::{Window, WindowLimits},
};

/// All subscribers of this process.
#[derive(Debug)]
pub struct Hub {
    channels: Vec<Mutex<Channel>>,
    next_id: AtomicU64,
    pub(crate) queue: usize,
    window: WindowLimits,
    has_met_unreadable: AtomicBool,
    /// That there are hints which may have to wait.
    hinted: Notify,
    pub(crate) archive: Option<Arc<Archive>>,
    pub(crate) meters: Meters,
}

/// What the hub knows of a shard.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    /// How far it has been delivered; nothing until the streams have answered once.
    pub(crate) position: watch::Sender<Option<Seq>>,
    pub(crate) window: Window,
    /// How often everybody had to be told to ask anew.
    pub(crate) gaps: u64,
    pub(crate) tenants: HashMap<TenantId, Audience>,
    pub(crate) hints: Hints,
    /// Who was told more than there was room for in their queue, until they have come to the end of it.
    behind: HashMap<MemberId, Behind>,
}

/// Somebody who has everything up to `cursor` in their queue, and is told no more.
#[derive(Debug)]
pub(crate) struct Behind {
    pub(crate) caller: Caller,
    pub(crate) interest: Interest,
    pub(crate) cut_off: CancellationToken,
    pub(crate) cursor: Seq,
    /// The shard's count of gaps at that time.
    pub(crate) gaps: u64,
}

impl Hub {
    /// A hub without subscribers. Who comes back finds what is older than memory in `streams`, if there are any.
    pub fn new(settings: &Settings, streams: Option<Streams>) -> Self {
        Self {
            channels: Shard::all().map(|_| Mutex::default()).collect(),
            next_id: AtomicU64::new(0),
            queue: settings.socket_queue,
            window: settings.into(),
            has_met_unreadable: AtomicBool::new(false),
            hinted: Notify::new(),
            archive: streams.map(Archive::new),
            meters: Meters::new(settings.sockets_max),
        }
    }

    /// Takes a subscriber in, who has everything up to `after`, or only wants what comes; nothing as long as it isn't
    /// known where the streams stand.
    pub fn subscribe(
        self: &Arc<Self>,
        caller: Caller,
        interest: Interest,
        after: Option<Seq>,
    ) -> Option<Subscription> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        Subscription::begin(Arc::clone(self), id, self.queue, caller, interest, after)
    }

    /// Delivers changes of a shard, each the one after the last.
    pub fn publish(&self, shard: Shard, entries: Vec<Entry>) {
        for entry in entries {
            let item = Arc::new(Item::from(entry));
            let mut channel = self.channel(shard);
            channel.window.push(Arc::clone(&item), self.window);
            channel.position.send_replace(Some(item.seq));
            let Some(audience) = channel.tenants.get_mut(&item.tenant_id) else {
                continue;
            };
            match item.change() {
                Ok(change) => {
                    let concerned = audience.concerned(change);
                    let behind = audience.send(&concerned, |caller| item.message_for(caller));
                    channel.leave_behind(behind, item.seq.previous());
                    if channel.hint(change) {
                        self.hinted.notify_one();
                    }
                }
                // Whom it concerns can't be known, and it must not be missed in silence.
                Err(error) => {
                    let behind = tell(audience, &self.unreadable(&item, error));
                    channel.leave_behind(behind, item.seq.previous());
                    channel.hints.forget(|tenant_id| tenant_id == item.tenant_id);
                }
            }
        }
    }

    /// Tells what has to wait since the same section was told of just now, each in its time, until `stopping`. Changes are
    /// told without it, and so is the first hint of a section.
    pub async fn tell_hints(&self, stopping: CancellationToken) {
        loop {
            let next = Shard::all().filter_map(|shard| self.channel(shard).tell_due(Instant::now())).min();
            let wait = async {
                match next {
                    // What comes meanwhile rests for as long, and is due later.
                    Some(next) => sleep_until(next).await,
                    None => self.hinted.notified().await,
                }
            };
            select! {
                biased;
                () = stopping.cancelled() => return,
                () = wait => {}
            }
        }
    }

    /// Tells everybody of a shard to ask anew: it goes on after `seq`, and what was before may be missing.
    pub fn gap(&self, shard: Shard, seq: Seq) {
        let mut channel = self.channel(shard);
        channel.position.send_replace(Some(seq));
        channel.window = Window::starting(seq);
        let resync = notice(RESYNC, seq);
        let behind = channel.tenants.values_mut().flat_map(|audience| tell(audience, &resync)).collect();
        channel.leave_behind(behind, seq.previous());
        channel.hints.forget(|_| true);
        // Whoever is catching up, or was left behind, is told when they look.
        channel.gaps += 1;
        drop(channel);
        if let Some(archive) = &self.archive {
            archive.forget_all(shard);
        }
    }

    /// How many subscribe.
    pub fn subscribers(&self) -> usize {
        let of_shard = |shard| self.channel(shard).tenants.values().map(Audience::len).sum::<usize>();
        Shard::all().map(of_shard).sum()
    }

    /// What is told in the place of a change that can't be read.
    pub(crate) fn unreadable(&self, item: &Item, error: &serde_json::Error) -> Message {
        if !self.has_met_unreadable.swap(true, Ordering::Relaxed) {
            tracing::warn!(seq = %item.seq, %error, "a change that this version can't read; said once");
        }
        notice(RESYNC, item.seq)
    }

    pub(crate) fn channel(&self, shard: Shard) -> MutexGuard<'_, Channel> {
        self.channels[shard.index()].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Channel {
    pub(crate) fn position(&self) -> Option<Seq> {
        *self.position.borrow()
    }

    /// Tells what a change leaves, after the change, as far as that need not wait; whether anything was told.
    fn hint(&mut self, change: &Change) -> bool {
        let (now, mut is_told) = (Instant::now(), false);
        for hint in Hint::of(change) {
            if let Some(hint) = self.hints.take(hint, now) {
                self.tell(&hint);
                is_told = true;
            }
        }
        is_told
    }

    /// Tells what has waited for long enough, and when to do so again.
    fn tell_due(&mut self, now: Instant) -> Option<Instant> {
        for hint in self.hints.due(now) {
            self.tell(&hint);
        }
        self.hints.next()
    }

    fn tell(&self, hint: &Hint) {
        if let Some(audience) = self.tenants.get(&hint.tenant_id) {
            audience.hint(&audience.watching(hint.event_id, hint.venue_id), &hint.message());
        }
    }

    /// Lets these go, who have everything up to `cursor`: at the end of their queues they find that they are behind.
    pub(crate) fn leave_behind(&mut self, members: Vec<(MemberId, Member)>, cursor: Seq) {
        let gaps = self.gaps;
        self.behind.extend(members.into_iter().map(|(id, member)| {
            let Member { caller, interest, cut_off, .. } = member;
            (id, Behind { caller, interest, cut_off, cursor, gaps })
        }));
    }

    /// Whether somebody was left behind, and where; it is told once.
    pub(crate) fn take_behind(&mut self, id: MemberId) -> Option<Behind> {
        self.behind.remove(&id)
    }
}

/// Tells everybody the same; those who had no room for it.
fn tell(audience: &mut Audience, message: &Message) -> Vec<(MemberId, Member)> {
    audience.send(&audience.everybody(), |_| Some(message.clone()))
}

//! Where changes meet subscribers: each shard's position, and who listens to it.
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

use bytestring::ByteString;
use holdfast_domain::{Caller, Seq, Shard, TenantId};
use holdfast_stream::Entry;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    Interest,
    audience::{Audience, Member, MemberId},
    meters::Meters,
    render::{Rendering, notice},
};

/// All subscribers of this process.
#[derive(Debug)]
pub struct Hub {
    channels: Vec<Mutex<Channel>>,
    next_id: AtomicU64,
    queue: usize,
    has_met_unreadable: AtomicBool,
    meters: Meters,
}

#[derive(Debug, Default)]
struct Channel {
    /// Nothing until the streams have answered once.
    position: Option<Seq>,
    tenants: HashMap<TenantId, Audience>,
}

/// A place in the hub, for as long as it is held.
#[derive(Debug)]
pub struct Subscription {
    /// Every change after this one that is asked for and may be seen is delivered.
    pub from: Seq,
    /// What was delivered and not yet taken.
    pub messages: mpsc::Receiver<ByteString>,
    /// Cancelled when messages came faster than they were taken; nothing is delivered any more.
    pub cut_off: CancellationToken,
    hub: Arc<Hub>,
    tenant_id: TenantId,
    id: MemberId,
}

impl Hub {
    /// A hub without subscribers, in which at most `queue` messages wait for each.
    pub fn new(queue: usize) -> Self {
        Self {
            channels: Shard::all().map(|_| Mutex::default()).collect(),
            next_id: AtomicU64::new(0),
            queue,
            has_met_unreadable: AtomicBool::new(false),
            meters: Meters::new(),
        }
    }

    /// Takes a subscriber in; nothing as long as it isn't known where the streams stand.
    pub fn subscribe(self: &Arc<Self>, caller: Caller, interest: Interest) -> Option<Subscription> {
        let tenant_id = caller.tenant;
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (queue, messages) = mpsc::channel(self.queue);
        let cut_off = CancellationToken::new();
        let member = Member { caller, interest, queue, cut_off: cut_off.clone() };
        let mut channel = self.channel(Shard::of(tenant_id));
        let from = channel.position?;
        channel.tenants.entry(tenant_id).or_default().add(id, member);
        self.meters.sockets.increment(1);
        Some(Subscription { from, messages, cut_off, hub: Arc::clone(self), tenant_id, id })
    }

    /// Delivers changes of a shard, each the one after the last.
    pub fn publish(&self, shard: Shard, entries: Vec<Entry>) {
        for entry in entries {
            let mut channel = self.channel(shard);
            channel.position = Some(entry.seq);
            let Some(audience) = channel.tenants.get_mut(&entry.tenant_id) else {
                continue;
            };
            let seq = entry.seq;
            match Rendering::new(entry) {
                Ok(mut rendering) => {
                    let concerned = audience.concerned(&rendering.change);
                    let cut_off = audience.send(&concerned, |caller| rendering.text_for(caller));
                    self.meters.slow_closes.increment(cut_off);
                }
                Err(error) => {
                    if !self.has_met_unreadable.swap(true, Ordering::Relaxed) {
                        tracing::warn!(%shard, %seq, %error, "a change that this version can't read; said once");
                    }
                    // Whom it concerns can't be known, and it must not be missed in silence.
                    self.meters.slow_closes.increment(resync(audience, seq));
                }
            }
        }
    }

    /// Tells everybody of a shard to ask anew: it goes on after `seq`, and what was before may be missing.
    pub fn gap(&self, shard: Shard, seq: Seq) {
        let mut channel = self.channel(shard);
        channel.position = Some(seq);
        for audience in channel.tenants.values_mut() {
            self.meters.slow_closes.increment(resync(audience, seq));
        }
    }

    /// How many subscribe.
    pub fn subscribers(&self) -> usize {
        let of_shard = |shard| self.channel(shard).tenants.values().map(Audience::len).sum::<usize>();
        Shard::all().map(of_shard).sum()
    }

    fn channel(&self, shard: Shard) -> MutexGuard<'_, Channel> {
        self.channels[shard.index()].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells everybody to ask anew; how many were cut off over it.
fn resync(audience: &mut Audience, seq: Seq) -> u64 {
    let text = notice("resync", seq);
    audience.send(&audience.everybody(), |_| Some(text.clone()))
}

impl Subscription {
    /// How far the shard has been delivered, and what of it has not been taken yet.
    pub fn catch_up(&mut self) -> (Vec<ByteString>, Seq) {
        // The position first: what is queued after it may be more than it covers, never less.
        let position = self.hub.channel(Shard::of(self.tenant_id)).position;
        let waiting = self.messages.len();
        let messages = (0..waiting).map_while(|_| self.messages.try_recv().ok());
        (messages.collect(), position.unwrap_or(self.from))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.meters.sockets.decrement(1);
        let mut channel = self.hub.channel(Shard::of(self.tenant_id));
        if let Some(audience) = channel.tenants.get_mut(&self.tenant_id) {
            audience.remove(self.id);
            if audience.len() == 0 {
                channel.tenants.remove(&self.tenant_id);
            }
        }
    }
}

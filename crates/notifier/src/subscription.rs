//! A place in the hub, for as long as it is held: first what was missed, if that was asked for, then what comes.
//!
//! Who catches up holds nothing that others wait for: only a position, and a few changes of which they are told next. They
//! join the audience under the shard's lock, at the moment when their position is the shard's; so nothing is lost between,
//! and nothing comes twice.

use std::{collections::VecDeque, sync::Arc};

use holdfast_domain::{Caller, Seq, Shard, TenantId};
use tokio::{sync::mpsc, task::yield_now};
use tokio_util::sync::CancellationToken;

use crate::{
    Hub, Interest,
    ask::Ask,
    audience::{Member, MemberId},
    catch_up::CatchUp,
    hub::Channel,
    render::Message,
};

/// A place in the hub.
#[derive(Debug)]
pub struct Subscription {
    /// Every change after this one that is asked for and may be seen is delivered, or `resync` in its place.
    pub from: Seq,
    /// Cancelled when messages came faster than they were taken; nothing is delivered any more.
    pub cut_off: CancellationToken,
    pub(crate) hub: Arc<Hub>,
    tenant_id: TenantId,
    id: MemberId,
    queue: mpsc::Receiver<Message>,
    /// Nothing for who is up to date; they are the most, and most of the time.
    catch_up: Option<Box<CatchUp>>,
}

impl Subscription {
    pub(crate) fn begin(
        hub: Arc<Hub>,
        id: MemberId,
        room: usize,
        caller: Caller,
        interest: Interest,
        after: Option<Seq>,
    ) -> Option<Self> {
        let tenant_id = caller.tenant;
        let (sender, queue) = mpsc::channel(room);
        let cut_off = CancellationToken::new();
        let member = Member { caller, interest, queue: sender, cut_off: cut_off.clone() };
        let mut channel = hub.channel(Shard::of(tenant_id));
        let position = channel.position()?;
        let (from, catch_up) = if let Some(after) = after {
            (after, Some(Box::new(CatchUp::new(id, member, after, channel.gaps))))
        } else {
            join(&mut channel, id, member);
            (position, None)
        };
        drop(channel);
        hub.meters.sockets.increment(1);
        Some(Self { from, cut_off, hub, tenant_id, id, queue, catch_up })
    }

    /// The next message; nothing after the cut. Nothing is lost if it is dropped while it waits.
    pub async fn next(&mut self) -> Option<Message> {
        while let Some(catch_up) = &mut self.catch_up {
            if let Some(message) = catch_up.pending.pop_front() {
                return Some(message);
            }
            if catch_up.has_joined() {
                self.catch_up = None;
            } else {
                catch_up.step(&self.hub).await;
                // Much may have to be looked at of which nothing is theirs; others have their turn between.
                yield_now().await;
            }
        }
        self.queue.recv().await
    }

    /// Listens from now on to what `ask` makes of what was listened to. The answer, with the position after which that
    /// holds, comes among the messages, at that position. Whether it may be.
    pub(crate) fn change(&mut self, ask: &Ask) -> bool {
        if let Some(catch_up) = self.catch_up.as_mut().filter(|catch_up| !catch_up.has_joined()) {
            return catch_up.change(ask);
        }
        let mut channel = self.hub.channel(Shard::of(self.tenant_id));
        let answer = ask.done(channel.position().unwrap_or(self.from));
        let audience = channel.tenants.get_mut(&self.tenant_id);
        audience.is_none_or(|audience| audience.change(self.id, |topics| ask.applied_to(topics), &answer))
    }

    /// What has been delivered and not been taken, and the position up to which that is everything. It isn't known for
    /// who claims to be further than the shard, or was cut off.
    pub fn so_far(&mut self) -> (Vec<Message>, Option<Seq>) {
        let catch_up = self.catch_up.take_if(|catch_up| catch_up.has_joined());
        let mut messages = catch_up.map(|catch_up| catch_up.pending).unwrap_or_default();
        if let Some(catch_up) = &mut self.catch_up {
            let pending: VecDeque<_> = std::mem::take(&mut catch_up.pending);
            let position = self.hub.channel(Shard::of(self.tenant_id)).position();
            let is_known = position.is_some_and(|position| catch_up.cursor <= position);
            return (pending.into(), is_known.then_some(catch_up.cursor));
        }
        // Both under the lock, so that neither is ahead of the other: nothing is queued meanwhile, nobody is told to ask anew,
        // and nobody is cut off, from when on the shard's position is not theirs.
        let channel = self.hub.channel(Shard::of(self.tenant_id));
        let position = channel.position().filter(|_| !self.cut_off.is_cancelled());
        messages.extend(std::iter::from_fn(|| self.queue.try_recv().ok()));
        drop(channel);
        (messages.into(), position)
    }
}

/// From here on it is delivered to `member`.
pub(crate) fn join(channel: &mut Channel, id: MemberId, member: Member) {
    channel.tenants.entry(member.caller.tenant).or_default().add(id, member);
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

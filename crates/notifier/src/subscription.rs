//! A place in the hub, for as long as it is held: first what was missed, if that was asked for, then what comes.
//!
//! Whose queue is full is not told less, and keeps nobody waiting: the hub lets them go, and at the end of their queue they
//! catch up as if they had come back.
//!
//! Who catches up holds nothing that others wait for: only a position, and a few changes of which they are told next. They
//! join the audience under the shard's lock, at the moment when their position is the shard's; so nothing is lost between,
//! and nothing comes twice.

use std::sync::Arc;

use holdfast_domain::{Caller, Seq, Shard, TenantId};
use tokio::{sync::mpsc, task::yield_now};
use tokio_util::sync::CancellationToken;

use crate::{
    Hub, Interest,
    ask::Ask,
    audience::{Member, MemberId},
    catch_up::CatchUp,
    hub::{Behind, Channel},
    render::Message,
};

/// A place in the hub.
#[derive(Debug)]
pub struct Subscription {
    /// Every change after this one that is asked for and may be seen is delivered, or `resync` in its place.
    pub from: Seq,
    /// Cancelled when they take too long to catch up; nothing is delivered any more.
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

    /// The next message. Nothing is lost if it is dropped while it waits.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
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
            if let Some(message) = self.queue.recv().await {
                return Some(message);
            }
            let hub = Arc::clone(&self.hub);
            if !self.fall_back(&mut hub.channel(Shard::of(self.tenant_id))) {
                return None;
            }
        }
    }

    /// The next messages, as far as they are there already, `most` of them at most.
    pub(crate) fn ready(&mut self, most: usize) -> impl Iterator<Item = Message> {
        std::iter::from_fn(|| match &mut self.catch_up {
            Some(catch_up) => catch_up.pending.pop_front(),
            None => self.queue.try_recv().ok(),
        })
        .take(most)
    }

    /// Listens from now on to what `ask` makes of what was listened to. The answer, with the position after which that
    /// holds, comes among the messages, at that position. Whether it may be.
    pub(crate) fn change(&mut self, ask: &Ask) -> bool {
        let hub = Arc::clone(&self.hub);
        let mut channel = hub.channel(Shard::of(self.tenant_id));
        let position = channel.position().unwrap_or(self.from);
        if self.queue.len() == hub.queue {
            // There is no room for the answer.
            let member = channel.tenants.get_mut(&self.tenant_id).and_then(|audience| audience.take(self.id));
            channel.leave_behind(member.map(|member| (self.id, member)).into_iter().collect(), position);
        }
        self.fall_back(&mut channel);
        if let Some(catch_up) = self.catch_up.as_mut().filter(|catch_up| !catch_up.has_joined()) {
            return catch_up.change(ask);
        }
        let audience = channel.tenants.get_mut(&self.tenant_id);
        let answer = ask.done(position);
        audience.is_none_or(|audience| audience.change(self.id, |topics| ask.applied_to(topics), &answer))
    }

    /// What has been delivered and not been taken, and the position up to which that is everything. It isn't known for
    /// who claims to be further than the shard.
    pub fn so_far(&mut self) -> (Vec<Message>, Option<Seq>) {
        let hub = Arc::clone(&self.hub);
        let mut channel = hub.channel(Shard::of(self.tenant_id));
        self.fall_back(&mut channel);
        // Together: what is queued after it is not covered by it, and comes after it.
        let (position, waiting) = (channel.position(), self.queue.len());
        drop(channel);
        let catch_up = self.catch_up.take_if(|catch_up| catch_up.has_joined());
        let mut messages = catch_up.map(|catch_up| catch_up.pending).unwrap_or_default();
        if let Some(catch_up) = &mut self.catch_up {
            let pending = std::mem::take(&mut catch_up.pending);
            let is_known = position.is_some_and(|position| catch_up.cursor <= position);
            return (pending.into(), is_known.then_some(catch_up.cursor));
        }
        messages.extend((0..waiting).map_while(|_| self.queue.try_recv().ok()));
        (messages.into(), position)
    }

    /// Has who was left behind catch up, from what they have in their queue on. Whether they were.
    fn fall_back(&mut self, channel: &mut Channel) -> bool {
        let Some(behind) = channel.take_behind(self.id) else {
            return false;
        };
        let Behind { caller, interest, cut_off, cursor, gaps } = behind;
        let (sender, queue) = mpsc::channel(self.hub.queue);
        let mut rest = std::mem::replace(&mut self.queue, queue);
        let mut pending = self.catch_up.take().map(|catch_up| catch_up.pending).unwrap_or_default();
        pending.extend(std::iter::from_fn(|| rest.try_recv().ok()));
        let member = Member { caller, interest, queue: sender, cut_off };
        self.catch_up = Some(Box::new(CatchUp::left_behind(self.id, member, (cursor, gaps), pending)));
        true
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
        channel.take_behind(self.id);
        if let Some(audience) = channel.tenants.get_mut(&self.tenant_id) {
            audience.take(self.id);
            if audience.len() == 0 {
                channel.tenants.remove(&self.tenant_id);
                // Nobody keeps it new.
                channel.hints.forget(|tenant_id| tenant_id == self.tenant_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use holdfast_domain::DEFAULT_TENANT;
    use holdfast_stream::Entry;

    use super::*;
    use crate::{Settings, ask};

    #[derive(Parser)]
    struct HubSettings {
        #[command(flatten)]
        sockets: Settings,
    }

    #[tokio::test]
    async fn where_there_is_no_room_for_an_answer_it_comes_after_what_is_there_and_holds() {
        let settings = HubSettings::parse_from(["test", "--socket-queue", "1"]).sockets;
        let (hub, shard) = (Arc::new(Hub::new(&settings, None)), Shard::of(DEFAULT_TENANT));
        hub.gap(shard, Seq(0));
        let mut subscription = hub.subscribe(Caller::open(None), Interest::default(), None).unwrap();
        // Told to everybody, since it can't be read.
        let strange = |seq| Entry { seq: Seq(seq), tenant_id: DEFAULT_TENANT, wire: "?".into() };
        hub.publish(shard, vec![strange(1)]);
        let ask = ask::parse(r#"{"type":"subscribe","id":"a","all":true}"#).unwrap();
        assert!(subscription.change(&ask));
        let mut told = Vec::new();
        for _ in 0..3 {
            let message = subscription.next().await.unwrap();
            told.push((message.kind(), message.seq()));
        }
        assert_eq!(told, ["resync", "subscribed", "position"].map(|kind| (kind, Some(Seq(1)))));
    }
}

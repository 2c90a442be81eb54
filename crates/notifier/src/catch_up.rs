//! From where a subscriber broke off to where the shard is: from memory, from Redis what is older, or `resync` when not
//! all of it can be had. Every change is seen to be the one after the last.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use holdfast_domain::{Seq, Shard};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::{
    Hub,
    archive::Reading,
    ask::Ask,
    audience::{Member, MemberId},
    hub::Channel,
    render::{Item, POSITION, RESYNC, notice},
    subscription::join,
};

/// Changes that are looked at in one go: so many that what is found among them goes out together, and the shard's lock is
/// seldom taken.
const CHUNK: usize = 256;

/// How long who is further than the shard may wait for it: they may come from a notifier that was quicker by a moment.
const AHEAD_WAIT: Duration = Duration::from_secs(1);

/// How long it may take. Whoever is slower is cut off, and goes on from where they got to when they come back.
const WHOLE_WAIT: Duration = Duration::from_mins(1);

/// Somebody who has not all that was told.
#[derive(Debug)]
pub(crate) struct CatchUp {
    /// Everything up to here has been told, or is pending.
    pub(crate) cursor: Seq,
    /// What is to be told next.
    pub(crate) pending: VecDeque<crate::Message>,
    /// The place that they take when they have caught up; nothing when they have.
    member: Option<(MemberId, Member)>,
    shard: Shard,
    /// The shard's count of gaps when they came.
    gaps: u64,
    came: Instant,
    /// With a position of theirs; else they were here, and were left behind.
    has_come_back: bool,
    /// The page of the stream that they are on.
    page: Option<Reading>,
    /// When the change after `cursor` was first wanted from the stream: a page read later has it, if the stream has.
    wanted: Option<Instant>,
}

/// What there is to do.
enum Next {
    Nothing,
    Take(Vec<Arc<Item>>),
    /// From the stream, up to here.
    Read(Seq),
    Wait(watch::Receiver<Option<Seq>>),
}

impl CatchUp {
    pub(crate) fn new(id: MemberId, member: Member, after: Seq, gaps: u64) -> Self {
        Self {
            cursor: after,
            pending: VecDeque::new(),
            has_come_back: true,
            shard: Shard::of(member.caller.tenant),
            member: Some((id, member)),
            gaps,
            came: Instant::now(),
            page: None,
            wanted: None,
        }
    }

    /// The same for who was left behind, and has yet to be told what is `pending`.
    pub(crate) fn left_behind(
        id: MemberId,
        member: Member,
        behind: (Seq, u64),
        pending: VecDeque<crate::Message>,
    ) -> Self {
        let (cursor, gaps) = behind;
        Self { pending, has_come_back: false, ..Self::new(id, member, cursor, gaps) }
    }

    /// Whether what comes is delivered already, after what is pending.
    pub(crate) fn has_joined(&self) -> bool {
        self.member.is_none()
    }

    /// Goes on by some changes. Nothing is lost if it is dropped while it waits.
    pub(crate) async fn step(&mut self, hub: &Hub) {
        if self.came.elapsed() > WHOLE_WAIT
            && let Some((_, member)) = &self.member
        {
            member.cut_off.cancel();
            return std::future::pending().await;
        }
        let next = self.look(hub);
        match next {
            Next::Nothing => {}
            Next::Take(items) => self.take(hub, &items),
            Next::Read(until) => self.read(hub, until).await,
            Next::Wait(mut position) => {
                let cursor = self.cursor;
                let reached = position.wait_for(|position| position.is_some_and(|at| at >= cursor));
                if timeout_at(self.came + AHEAD_WAIT, reached).await.is_err() {
                    self.give_up(hub);
                }
            }
        }
    }

    /// As the subscription's.
    pub(crate) fn change(&mut self, ask: &Ask) -> bool {
        let Some((_, member)) = &mut self.member else { return true };
        let Some(interest) = ask.applied_to(&member.interest) else { return false };
        member.interest = interest;
        self.pending.push_back(ask.done(self.cursor));
        true
    }

    fn look(&mut self, hub: &Hub) -> Next {
        let mut channel = hub.channel(self.shard);
        let Some(position) = channel.position().filter(|_| channel.gaps == self.gaps) else {
            self.resync(hub, &mut channel);
            return Next::Nothing;
        };
        if self.cursor > position {
            return Next::Wait(channel.position.subscribe());
        }
        if self.cursor == position {
            self.pending.push_back(notice(POSITION, position));
            if self.has_come_back {
                hub.meters.resumed.increment(1);
            }
            self.join(&mut channel);
            return Next::Nothing;
        }
        let start = channel.window.start();
        channel.window.after(self.cursor, CHUNK).map_or(Next::Read(start), Next::Take)
    }

    async fn read(&mut self, hub: &Hub, until: Seq) {
        let Some(archive) = &hub.archive else {
            return self.give_up(hub);
        };
        let wanted = *self.wanted.get_or_insert_with(Instant::now);
        // Kept over an await that is given up, so that it goes on with the same page.
        let reading = self.page.get_or_insert_with(|| archive.page(self.shard, self.cursor.next()));
        let Some(page) = reading.clone().await else {
            return self.give_up(hub);
        };
        let items = page.after(self.cursor, until, CHUNK);
        if !items.is_empty() {
            return self.take(hub, &items);
        }
        self.page = None;
        if page.ends_before(self.cursor.next()) {
            return;
        }
        if page.read_at >= wanted {
            return self.give_up(hub);
        }
        archive.forget(&page);
    }

    fn take(&mut self, hub: &Hub, items: &[Arc<Item>]) {
        if items.iter().zip(self.cursor.0 + 1..).any(|(item, seq)| item.seq.0 != seq) {
            return self.give_up(hub);
        }
        let Some((_, Member { caller, interest, .. })) = &self.member else {
            return;
        };
        for item in items {
            self.cursor = item.seq;
            self.wanted = None;
            if item.tenant_id != caller.tenant {
                continue;
            }
            match item.change() {
                Ok(change) if interest.has(change, caller) => {
                    self.pending.extend(item.message_for(caller));
                }
                Ok(_) => {}
                Err(error) => self.pending.push_back(hub.unreadable(item, error)),
            }
        }
    }

    fn give_up(&mut self, hub: &Hub) {
        self.resync(hub, &mut hub.channel(self.shard));
    }

    /// Joins where the shard is, and says that something before may be missing.
    fn resync(&mut self, hub: &Hub, channel: &mut Channel) {
        // Known since before they came.
        let position = channel.position().unwrap_or_default();
        self.pending.push_back(notice(RESYNC, position));
        if self.has_come_back {
            hub.meters.resynced.increment(1);
        }
        self.join(channel);
    }

    fn join(&mut self, channel: &mut Channel) {
        if let Some((id, member)) = self.member.take() {
            join(channel, id, member);
        }
    }
}

//! The subscribers of one tenant, by what they want to hear of: to find whom a change concerns must not take a look at
//! each of thousands.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use holdfast_domain::{Caller, Change, EventId, ResourceId, UserId, VenueId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{Interest, interest::users_of, render::Message};

/// A subscriber's number; never used twice.
pub(crate) type MemberId = u64;

/// One subscriber.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) caller: Caller,
    pub(crate) interest: Interest,
    pub(crate) queue: mpsc::Sender<Message>,
    /// Cancelled when they are too slow.
    pub(crate) cut_off: CancellationToken,
}

/// All of a tenant's.
#[derive(Debug, Default)]
pub(crate) struct Audience {
    members: HashMap<MemberId, Member>,
    by_user: HashMap<UserId, HashSet<MemberId>>,
    by_resource: HashMap<ResourceId, HashSet<MemberId>>,
    by_venue: HashMap<VenueId, HashSet<MemberId>>,
    by_event: HashMap<EventId, HashSet<MemberId>>,
    of_all: HashSet<MemberId>,
}

impl Audience {
    pub(crate) fn add(&mut self, id: MemberId, member: Member) {
        if let Some(user) = &member.caller.user {
            self.by_user.entry(user.clone()).or_default().insert(id);
        }
        for resource in &member.interest.resources {
            self.by_resource.entry(*resource).or_default().insert(id);
        }
        for venue in &member.interest.venues {
            self.by_venue.entry(*venue).or_default().insert(id);
        }
        for event in &member.interest.events {
            self.by_event.entry(*event).or_default().insert(id);
        }
        if member.interest.is_all {
            self.of_all.insert(id);
        }
        self.members.insert(id, member);
    }

    pub(crate) fn take(&mut self, id: MemberId) -> Option<Member> {
        let member = self.members.remove(&id)?;
        if let Some(user) = &member.caller.user {
            remove_from(&mut self.by_user, user, id);
        }
        for resource in &member.interest.resources {
            remove_from(&mut self.by_resource, resource, id);
        }
        for venue in &member.interest.venues {
            remove_from(&mut self.by_venue, venue, id);
        }
        for event in &member.interest.events {
            remove_from(&mut self.by_event, event, id);
        }
        self.of_all.remove(&id);
        Some(member)
    }

    /// Has a member, whose queue has room, listen to what `change` makes of what they listened to, and sends them `answer` in
    /// its place among what they are told. Whether it may be.
    pub(crate) fn change(
        &mut self,
        id: MemberId,
        change: impl FnOnce(&Interest) -> Option<Interest>,
        answer: &Message,
    ) -> bool {
        let Some(member) = self.members.get(&id) else {
            return true;
        };
        let Some(interest) = change(&member.interest) else {
            return false;
        };
        if let Some(member) = self.take(id) {
            self.add(id, Member { interest, ..member });
            self.send(&[id], |_| Some(answer.clone()));
        }
        true
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Whom a change concerns, each once.
    pub(crate) fn concerned(&self, change: &Change) -> Vec<MemberId> {
        let sets = users_of(change).filter_map(|user| self.by_user.get(user));
        let fact = &change.fact;
        let sets = sets.chain(fact.resource_id().and_then(|resource| self.by_resource.get(&resource)));
        let sets = sets.chain(fact.venue_id().and_then(|venue| self.by_venue.get(&venue)));
        let sets = sets.chain(fact.event_id().and_then(|event| self.by_event.get(&event)));
        each_once(sets.chain([&self.of_all]))
    }

    /// Who asked for everything of an event at a venue; not who only has something of it.
    pub(crate) fn watching(&self, event: EventId, venue: VenueId) -> Vec<MemberId> {
        let sets = self.by_event.get(&event).into_iter().chain(self.by_venue.get(&venue));
        each_once(sets.chain([&self.of_all]))
    }

    pub(crate) fn everybody(&self) -> Vec<MemberId> {
        self.members.keys().copied().collect()
    }

    /// Puts each one's message into their queue. Whoever's is full is no member any more: they never slow another. Those.
    pub(crate) fn send(
        &mut self,
        ids: &[MemberId],
        message_for: impl Fn(&Caller) -> Option<Message>,
    ) -> Vec<(MemberId, Member)> {
        let mut behind = Vec::new();
        for id in ids {
            let Some(member) = self.members.get(id) else {
                continue;
            };
            let Some(message) = message_for(&member.caller) else {
                continue;
            };
            if member.queue.try_send(message).is_err() {
                behind.extend(self.take(*id).map(|member| (*id, member)));
            }
        }
        behind
    }

    /// Puts a hint into the queues of which at least half is free: it takes no room that a change may need soon.
    pub(crate) fn hint(&self, ids: &[MemberId], hint: &Message) {
        for Member { queue, .. } in ids.iter().filter_map(|id| self.members.get(id)) {
            if queue.capacity() * 2 >= queue.max_capacity() {
                // There is room, unless they are gone.
                let _ = queue.try_send(hint.clone());
            }
        }
    }
}

fn each_once<'a>(sets: impl Iterator<Item = &'a HashSet<MemberId>>) -> Vec<MemberId> {
    let mut ids: Vec<MemberId> = sets.flatten().copied().collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn remove_from<K: Eq + Hash>(index: &mut HashMap<K, HashSet<MemberId>>, key: &K, id: MemberId) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

//! What a subscriber wants to hear of. Never what they may: that is `domain::visible`.

use holdfast_domain::{Caller, Change, EventId, ResourceId, UserId, VenueId};

/// Always the caller's own: changes of their bookings, reservations and places in line, and what they did. And besides:
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interest {
    /// Everything of these resources.
    pub resources: Vec<ResourceId>,
    /// Everything at these venues: of their resources and events, and of the venues themselves.
    pub venues: Vec<VenueId>,
    /// Everything of these events: of their reservations and waiting lists, and of the events themselves.
    pub events: Vec<EventId>,
    /// Everything there is.
    pub is_all: bool,
}

impl Interest {
    /// Most resources, venues and events that one subscriber may name, together.
    pub const NAMED_MAX: usize = 64;

    /// This and `other`; nothing when that is more than one subscriber may have.
    pub(crate) fn with(&self, other: &Self) -> Option<Self> {
        let both = Self {
            resources: joined(&self.resources, &other.resources),
            venues: joined(&self.venues, &other.venues),
            events: joined(&self.events, &other.events),
            is_all: self.is_all || other.is_all,
        };
        (both.named() <= Self::NAMED_MAX).then_some(both)
    }

    /// This without `other`.
    pub(crate) fn without(&self, other: &Self) -> Self {
        Self {
            resources: left(&self.resources, &other.resources),
            venues: left(&self.venues, &other.venues),
            events: left(&self.events, &other.events),
            is_all: self.is_all && !other.is_all,
        }
    }

    /// How many resources, venues and events it names.
    pub(crate) fn named(&self) -> usize {
        self.resources.len() + self.venues.len() + self.events.len()
    }

    /// Whether `change` is something that `caller` asked for with this. The audience finds the same by its indexes.
    pub fn has(&self, change: &Change, caller: &Caller) -> bool {
        self.is_all
            || users_of(change).any(|user| caller.is(user))
            || change.fact.resource_id().is_some_and(|resource| self.resources.contains(&resource))
            || change.fact.venue_id().is_some_and(|venue| self.venues.contains(&venue))
            || change.fact.event_id().is_some_and(|event| self.events.contains(&event))
    }
}

/// What is in either, each once.
fn joined<T: Copy + PartialEq>(some: &[T], others: &[T]) -> Vec<T> {
    let mut both = some.to_vec();
    for other in others {
        if !both.contains(other) {
            both.push(*other);
        }
    }
    both
}

/// What is in `some` alone.
fn left<T: Copy + PartialEq>(some: &[T], others: &[T]) -> Vec<T> {
    some.iter().filter(|each| !others.contains(each)).copied().collect()
}

/// Whose own a change is: the booking's, the reservation's or the place in line's, those of the conflicts with it, and who did
/// it, if somebody did: a hold ends by itself.
pub(crate) fn users_of(change: &Change) -> impl Iterator<Item = &UserId> {
    let others = change.fact.conflicting().iter().map(|conflict| &conflict.user_id);
    change.fact.owner().into_iter().chain(&change.actor).chain(others)
}

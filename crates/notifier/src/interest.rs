//! What a subscriber wants to hear of. Never what they may: that is `domain::visible`.

use holdfast_domain::{Caller, Change, ResourceId, UserId};

/// Always the caller's own: changes of their bookings, and what they did. And besides:
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interest {
    /// Everything of these resources.
    pub resources: Vec<ResourceId>,
    /// Everything there is.
    pub is_all: bool,
}

impl Interest {
    /// Most resources that one subscriber may name.
    pub const RESOURCES_MAX: usize = 64;

    /// This and `other`; nothing when that is more than one subscriber may have.
    pub(crate) fn with(&self, other: &Self) -> Option<Self> {
        let mut resources = self.resources.clone();
        for resource in &other.resources {
            if !resources.contains(resource) {
                resources.push(*resource);
            }
        }
        let is_all = self.is_all || other.is_all;
        (resources.len() <= Self::RESOURCES_MAX).then_some(Self { resources, is_all })
    }

    /// This without `other`.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let kept = self.resources.iter().filter(|resource| !other.resources.contains(resource));
        Self { resources: kept.copied().collect(), is_all: self.is_all && !other.is_all }
    }

    /// Whether `change` is something that `caller` asked for with this. The audience finds the same by its indexes.
    pub fn has(&self, change: &Change, caller: &Caller) -> bool {
        self.is_all
            || users_of(change).any(|user| caller.is(user))
            || change.fact.resource_id().is_some_and(|resource| self.resources.contains(&resource))
    }
}

/// Whose own a change is: the booking's, those of the conflicts with it, and who did it.
pub(crate) fn users_of(change: &Change) -> impl Iterator<Item = &UserId> {
    let owner = change.fact.booking().map(|booking| &booking.user_id);
    let others = change.fact.conflicting().iter().map(|conflict| &conflict.user_id);
    owner.into_iter().chain(&change.actor).chain(others)
}

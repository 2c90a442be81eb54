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

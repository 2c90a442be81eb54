//! What a subscriber wants to hear of. Never what they may: that is `domain::visible`.

use holdfast_domain::ResourceId;

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
}

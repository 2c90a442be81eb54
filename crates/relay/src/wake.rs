//! The wake: whoever commits in this process says so, and the relay looks at once instead of at its next poll.

use std::sync::Arc;

use holdfast_domain::Shard;
use holdfast_stream::Bell;

/// Wakes the relay. Cheap to clone; a wake that is lost costs no more than the wait for the next poll.
#[derive(Debug, Clone, Default)]
pub struct Wake(pub(crate) Arc<Bell>);

impl Wake {
    /// Says that `shard` has new changes, committed. Never waits; rings coalesce.
    pub fn ring(&self, shard: Shard) {
        self.0.ring(shard);
    }
}

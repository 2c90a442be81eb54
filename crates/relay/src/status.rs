//! What the relay has to say for itself, for `/readyz`.

use std::fmt;

use holdfast_domain::Shard;

/// The state of the relay as of its last look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The shards whose stream is not their log's: nothing is published there until somebody mends it.
    pub stopped: Vec<Shard>,
    /// Whether PostgreSQL or Redis did not answer; then it goes on when they do.
    pub is_waiting: bool,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_waiting {
            return f.write_str("waiting for PostgreSQL or Redis");
        }
        if self.stopped.is_empty() {
            return f.write_str("copying");
        }
        f.write_str("stopped, as their stream does not join on to the log: shards")?;
        self.stopped.iter().try_for_each(|shard| write!(f, " {shard}"))
    }
}

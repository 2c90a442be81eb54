//! What the relay has to say for itself, for `/readyz`.

use std::fmt;

/// The state of the relay as of its last look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Status {
    /// All that is committed is told.
    Copying,
    /// PostgreSQL or Redis did not answer; it goes on when they do.
    #[default]
    Waiting,
    /// The streams are another installation's: nothing is published there.
    NotOurs,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Copying => "copying",
            Self::Waiting => "waiting for PostgreSQL or Redis",
            Self::NotOurs => {
                "the streams under this REDIS_PREFIX are another installation's: nothing is published; give each its own"
            }
        })
    }
}

//! The names of keys and channels. Whoever changes one loses what is under the old one.

use holdfast_domain::Shard;

use crate::Settings;

/// What a bell is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A shard's stream has new entries. The relay rings.
    Stream,
    /// A shard's log has new changes that no relay of the same process was told of. Whoever wrote them rings.
    Log,
}

/// The names under one prefix.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    prefix: String,
}

impl Keys {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { prefix: settings.prefix.clone() }
    }

    /// The stream of a shard's changes. The braces are the hash tag: all keys of a shard live on one node of a cluster.
    pub(crate) fn changes(&self, shard: Shard) -> String {
        format!("{}:{{{shard}}}:changes", self.prefix)
    }

    /// Whose streams these are.
    pub(crate) fn owner(&self) -> String {
        format!("{}:owner", self.prefix)
    }

    /// The channel on which a shard's number says that what it is about has grown.
    pub(crate) fn bell(&self, about: About) -> String {
        match about {
            About::Stream => format!("{}:bell", self.prefix),
            About::Log => format!("{}:log-bell", self.prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_never_change() {
        let keys = Keys { prefix: "hf".into() };
        assert_eq!(keys.changes(Shard::new(7).unwrap()), "hf:{7}:changes");
        assert_eq!(keys.owner(), "hf:owner");
        assert_eq!(keys.bell(About::Stream), "hf:bell");
        assert_eq!(keys.bell(About::Log), "hf:log-bell");
    }
}

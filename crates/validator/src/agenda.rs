//! Which shards to look at, and when: what is known without asking.

use std::time::Instant;

use holdfast_domain::{Seq, Shard};
use holdfast_stream::Shards;

/// What is known of each shard.
pub(crate) struct Agenda {
    shards: [Known; Shard::COUNT as usize],
}

#[derive(Clone, Copy)]
struct Known {
    /// The log's end at the last look.
    seen: Seq,
    /// When the next open want is due.
    due: Option<Instant>,
}

/// Any log has grown since.
const UNKNOWN: Known = Known { seen: Seq(-1), due: None };

impl Agenda {
    /// Nothing is known yet: every shard has to be looked at once.
    pub(crate) fn new() -> Self {
        Self { shards: [UNKNOWN; Shard::COUNT as usize] }
    }

    /// What a look found: the log's end, and when the next open want is due.
    pub(crate) fn looked(&mut self, shard: Shard, seen: Seq, due: Option<Instant>) {
        self.shards[shard.index()] = Known { seen, due };
    }

    /// Whether a log that ends at `seq` has grown since the last look.
    pub(crate) fn has_grown(&self, shard: Shard, seq: Seq) -> bool {
        self.shards[shard.index()].seen < seq
    }

    /// When the first want of any shard is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.shards.iter().filter_map(|known| known.due).min()
    }

    /// The shards with a want that is due at `now`.
    pub(crate) fn due(&self, now: Instant) -> Shards {
        Shard::all().filter(|shard| self.shards[shard.index()].due.is_some_and(|due| due <= now)).collect()
    }

    /// A look is on its way. Unless it tells what it found, nothing is known: the next look around looks again.
    pub(crate) fn looking(&mut self, shard: Shard) {
        self.shards[shard.index()] = UNKNOWN;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_shard_is_due_from_its_deadline_until_it_is_looked_at() {
        let (shard, now) = (Shard::new(3).unwrap(), Instant::now());
        let mut agenda = Agenda::new();
        assert!(agenda.has_grown(shard, Seq(0)));
        agenda.looked(shard, Seq(7), Some(now + Duration::from_secs(1)));
        assert!(!agenda.has_grown(shard, Seq(7)) && agenda.has_grown(shard, Seq(8)));
        assert!(agenda.due(now).is_empty());
        let later = now + Duration::from_secs(1);
        assert_eq!(agenda.next_due(), Some(later));
        assert!(agenda.due(later).contains(shard));
        agenda.looking(shard);
        assert!(agenda.due(later).is_empty());
        // A look that failed told nothing: the deadline is not forgotten with it.
        assert!(agenda.has_grown(shard, Seq(7)));
    }
}

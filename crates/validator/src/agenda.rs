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
    /// Up to where no change waits for a decision, as the last look found.
    clear: Seq,
    /// When the next open want is due.
    due: Option<Instant>,
}

/// Any log has grown since.
const UNKNOWN: Known = Known { seen: Seq(-1), clear: Seq(0), due: None };

impl Agenda {
    /// Nothing is known yet: every shard has to be looked at once.
    pub(crate) fn new() -> Self {
        Self { shards: [UNKNOWN; Shard::COUNT as usize] }
    }

    /// What a look found: the log's end, and when the next open want is due.
    pub(crate) fn looked(&mut self, shard: Shard, seen: Seq, due: Option<Instant>) {
        let known = &mut self.shards[shard.index()];
        (known.seen, known.due) = (seen, due);
    }

    /// Up to where no change of the shard waits for a decision, as a look found.
    pub(crate) fn is_clear(&mut self, shard: Shard, clear: Seq) {
        self.shards[shard.index()].clear = clear;
    }

    /// From where on the next look has to read.
    pub(crate) fn clear(&self, shard: Shard) -> Seq {
        self.shards[shard.index()].clear
    }

    /// The log of another server may be shorter: every shard is looked at again, from its cursor on.
    pub(crate) fn doubt(&mut self) {
        for known in &mut self.shards {
            (known.seen, known.clear) = (UNKNOWN.seen, UNKNOWN.clear);
        }
    }

    /// Whether a log that ends at `seq` did not at the last look. One that ends before is another server's.
    pub(crate) fn has_moved(&self, shard: Shard, seq: Seq) -> bool {
        self.shards[shard.index()].seen != seq
    }

    /// When the first want of any shard is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.shards.iter().filter_map(|known| known.due).min()
    }

    /// The shards with a want that is due at `now`.
    pub(crate) fn due(&self, now: Instant) -> Shards {
        Shard::all().filter(|shard| self.shards[shard.index()].due.is_some_and(|due| due <= now)).collect()
    }

    /// A look is on its way. Unless it tells what it found, nothing else is known: the next look around looks again.
    pub(crate) fn looking(&mut self, shard: Shard) {
        let clear = self.clear(shard);
        self.shards[shard.index()] = Known { clear, ..UNKNOWN };
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
        assert!(agenda.has_moved(shard, Seq(0)));
        agenda.looked(shard, Seq(7), Some(now + Duration::from_secs(1)));
        assert!(!agenda.has_moved(shard, Seq(7)) && agenda.has_moved(shard, Seq(8)));
        assert!(agenda.due(now).is_empty());
        let later = now + Duration::from_secs(1);
        assert_eq!(agenda.next_due(), Some(later));
        assert!(agenda.due(later).contains(shard));
        agenda.looking(shard);
        assert!(agenda.due(later).is_empty());
        // A look that failed told nothing: the deadline is not forgotten with it.
        assert!(agenda.has_moved(shard, Seq(7)));
    }
    #[test]
    fn what_is_clear_stays_so_whatever_a_look_comes_to_until_it_is_doubted() {
        let (shard, due) = (Shard::new(3).unwrap(), Instant::now());
        let mut agenda = Agenda::new();
        agenda.looking(shard);
        agenda.is_clear(shard, Seq(7));
        agenda.looked(shard, Seq(9), Some(due));
        agenda.looking(shard);
        assert_eq!(agenda.clear(shard), Seq(7));
        agenda.looked(shard, Seq(9), Some(due));
        agenda.doubt();
        assert!(agenda.clear(shard) == Seq(0) && agenda.has_moved(shard, Seq(9)));
        assert_eq!(agenda.next_due(), Some(due), "a deadline is not missed for it");
    }
}

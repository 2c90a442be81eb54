//! Which shards to look at, and when: what is known without asking.

use std::time::{Duration, Instant};

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
    /// When to look again, whatever the log does: when the next open want is due, or there is more to do.
    due: Option<Instant>,
    /// Whether it is left alone until then.
    rests: bool,
    /// The last step.
    step: Option<Taken>,
}

/// A step that was taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// The log's end after it.
    pub(crate) end: Seq,
    pub(crate) ended: Instant,
    pub(crate) took: Duration,
}

/// Any log has grown since.
const UNSEEN: Seq = Seq(-1);

impl Agenda {
    /// Nothing is known yet: every shard has to be looked at once.
    pub(crate) fn new() -> Self {
        Self { shards: [Known { seen: UNSEEN, due: None, rests: false, step: None }; Shard::COUNT as usize] }
    }

    /// What a look found: the log's end, and when to look again at the latest.
    pub(crate) fn looked(&mut self, shard: Shard, seen: Seq, due: Option<Instant>) {
        let known = &mut self.shards[shard.index()];
        (known.seen, known.due) = (seen, due);
    }

    /// It is left alone until then.
    pub(crate) fn rests(&mut self, shard: Shard, until: Instant) {
        let known = &mut self.shards[shard.index()];
        (known.due, known.rests) = (Some(until), true);
    }

    /// A step was taken there; there may be more to do at once.
    pub(crate) fn stepped(&mut self, shard: Shard, step: Taken) {
        let known = &mut self.shards[shard.index()];
        (known.due, known.step) = (Some(step.ended), Some(step));
    }

    /// The last step there.
    pub(crate) fn step(&self, shard: Shard) -> Option<Taken> {
        self.shards[shard.index()].step
    }

    /// Whether a log that ends at `seq` has grown since the last look.
    pub(crate) fn has_grown(&self, shard: Shard, seq: Seq) -> bool {
        self.shards[shard.index()].seen < seq
    }

    /// When the first shard is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.shards.iter().filter_map(|known| known.due).min()
    }

    /// The shards to look at now: those that are due, and of these others those that do not rest; they come when they
    /// have rested. Unless a look tells what it found there, nothing is known of them: the next look around looks again.
    pub(crate) fn take(&mut self, others: Shards, now: Instant) -> Shards {
        let is_due = |known: &Known| known.due.is_some_and(|due| due <= now);
        let known = |shard: Shard| &self.shards[shard.index()];
        let is_next =
            |shard: &Shard| is_due(known(*shard)) || others.contains(*shard) && !known(*shard).rests;
        let taken: Shards = Shard::all().filter(is_next).collect();
        for shard in taken.iter() {
            let known = &mut self.shards[shard.index()];
            (known.seen, known.due, known.rests) = (UNSEEN, None, false);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_shard_is_due_from_its_deadline_until_it_is_looked_at() {
        let (shard, now) = (Shard::new(3).unwrap(), Instant::now());
        let mut agenda = Agenda::new();
        assert!(agenda.has_grown(shard, Seq(0)));
        agenda.looked(shard, Seq(7), Some(now + SECOND));
        assert!(!agenda.has_grown(shard, Seq(7)) && agenda.has_grown(shard, Seq(8)));
        assert!(agenda.take(Shards::default(), now).is_empty());
        let later = now + SECOND;
        assert_eq!(agenda.next_due(), Some(later));
        assert!(agenda.take(Shards::default(), later).contains(shard));
        assert!(agenda.take(Shards::default(), later).is_empty());
        // A look that failed told nothing: the deadline is not forgotten with it.
        assert!(agenda.has_grown(shard, Seq(7)));
    }

    #[test]
    fn a_shard_that_rests_is_woken_by_no_bell_and_wakes_by_itself() {
        let (shard, other, now) = (Shard::new(3).unwrap(), Shard::new(4).unwrap(), Instant::now());
        let mut agenda = Agenda::new();
        agenda.looked(shard, Seq(7), None);
        agenda.rests(shard, now + SECOND);
        assert!(!agenda.take(Shards::ALL, now).contains(shard));
        agenda.looked(other, Seq(7), Some(now + SECOND));
        assert!(agenda.take(Shards::ALL, now).contains(other), "a deadline is no rest");
        assert!(agenda.take(Shards::default(), now + SECOND).contains(shard));
        assert!(agenda.take(Shards::ALL, now).contains(shard), "it rests once");
    }
}

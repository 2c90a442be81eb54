//! The newest changes of a shard, kept for those who come back soon. Bounded by number and by bytes; what falls out of it
//! is in the stream.

use std::{collections::VecDeque, sync::Arc};

use holdfast_domain::Seq;

use crate::{Settings, render::Item};

/// What a shard keeps at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WindowLimits {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
}

impl From<&Settings> for WindowLimits {
    fn from(settings: &Settings) -> Self {
        Self { entries: settings.socket_window_entries, bytes: settings.socket_window_bytes }
    }
}

/// A run of changes without a hole.
#[derive(Debug, Default)]
pub(crate) struct Window {
    items: VecDeque<Arc<Item>>,
    bytes: usize,
    /// Every change after this one, up to the last, is here.
    start: Seq,
}

impl Window {
    /// One that is empty: what comes next stands right after `start`.
    pub(crate) fn starting(start: Seq) -> Self {
        Self { start, ..Self::default() }
    }

    pub(crate) fn start(&self) -> Seq {
        self.start
    }

    /// Takes in the change after the last.
    pub(crate) fn push(&mut self, item: Arc<Item>, limits: WindowLimits) {
        self.bytes += item.bytes();
        self.items.push_back(item);
        while self.items.len() > limits.entries || self.bytes > limits.bytes {
            let Some(oldest) = self.items.pop_front() else { return };
            self.bytes -= oldest.bytes();
            self.start = oldest.seq;
        }
    }

    /// The first changes after `seq`, `most` of them at most; nothing when not all after it are here.
    pub(crate) fn after(&self, seq: Seq, most: usize) -> Option<Vec<Arc<Item>>> {
        let skipped = usize::try_from(seq.0 - self.start.0).ok()?;
        Some(self.items.iter().skip(skipped).take(most).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use holdfast_domain::DEFAULT_TENANT;
    use holdfast_stream::Entry;

    use super::*;

    const ENOUGH: usize = 1_000_000;

    fn window(seqs: std::ops::RangeInclusive<i64>, entries: usize, bytes: usize) -> Window {
        let mut window = Window::starting(Seq(seqs.start() - 1));
        for seq in seqs {
            let entry = Entry { seq: Seq(seq), tenant_id: DEFAULT_TENANT, wire: "x".repeat(100) };
            window.push(Arc::new(entry.into()), WindowLimits { entries, bytes });
        }
        window
    }

    fn after(window: &Window, seq: i64) -> Option<Vec<i64>> {
        window.after(Seq(seq), 3).map(|items| items.iter().map(|item| item.seq.0).collect())
    }

    #[test]
    fn it_has_what_is_after_a_position_or_says_that_it_has_not() {
        let window = window(5..=9, 4, ENOUGH);
        assert_eq!(window.start(), Seq(5));
        assert_eq!(after(&window, 4), None);
        assert_eq!(after(&window, 5), Some(vec![6, 7, 8]));
        assert_eq!(after(&window, 8), Some(vec![9]));
        assert_eq!(after(&window, 9), Some(vec![]));
    }

    #[test]
    fn bytes_bound_it_too() {
        let each = window(1..=1, 9, ENOUGH).bytes;
        let window = window(1..=9, 9, 2 * each);
        assert_eq!((window.start(), window.items.len(), window.bytes), (Seq(7), 2, 2 * each));
    }

    #[test]
    fn a_change_larger_than_all_of_it_is_not_kept() {
        let window = window(1..=2, 9, 10);
        assert_eq!((window.start(), window.bytes, after(&window, 2)), (Seq(2), 0, Some(vec![])));
    }
}

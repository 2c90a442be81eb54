//! How far a verification is, on a terminal: one line that is drawn anew. Nothing where nobody looks.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

use super::report::grouped;

/// Between two drawings.
const REDRAWN_AFTER: Duration = Duration::from_millis(100);

/// Cells of the bar.
const CELLS: u64 = 30;

/// A bar on stderr.
pub struct Progress {
    total: u64,
    done: u64,
    doing: String,
    began: Instant,
    drawn: Option<Instant>,
    is_shown: bool,
    is_finished: bool,
}

impl Progress {
    /// Seen only if stderr is a terminal.
    pub fn new() -> Self {
        let is_shown = std::io::stderr().is_terminal();
        Self {
            total: 0,
            done: 0,
            doing: String::new(),
            began: Instant::now(),
            drawn: None,
            is_shown,
            is_finished: false,
        }
    }

    /// So many more changes are to be read.
    pub fn expect(&mut self, changes: u64) {
        self.total += changes;
    }

    /// What is being done, from here on.
    pub fn doing(&mut self, what: String) {
        self.doing = what;
        self.draw(false);
    }

    /// So many more changes are read.
    pub fn advance(&mut self, changes: usize) {
        self.done += changes as u64;
        self.draw(false);
    }

    /// Those of the last shard are read again.
    pub fn set_back(&mut self, done: u64) {
        self.done = done;
    }

    /// How many changes are read.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Takes the line away: all is told elsewhere.
    pub fn finish(mut self) {
        self.is_finished = true;
        self.clear();
    }

    fn draw(&mut self, at_once: bool) {
        let is_due = self.drawn.is_none_or(|drawn| drawn.elapsed() >= REDRAWN_AFTER);
        if !self.is_shown || !(is_due || at_once) {
            return;
        }
        self.drawn = Some(Instant::now());
        let line = line(self.done, self.total, self.began.elapsed(), &self.doing);
        // Nobody is worse off without it.
        let _ = write!(std::io::stderr(), "\r\x1b[2K{line}");
    }

    fn clear(&self) {
        if self.is_shown && self.drawn.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}

impl Drop for Progress {
    /// Cut short: what was read until then proves nothing.
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        self.clear();
        let (done, total) = (grouped(self.done), grouped(self.total));
        let _ = writeln!(std::io::stderr(), "Not verified: cut short after {done} of {total} changes.");
    }
}

fn line(done: u64, total: u64, took: Duration, doing: &str) -> String {
    let done = done.min(total);
    let filled = (done * CELLS).checked_div(total).unwrap_or(CELLS);
    let percent = (done * 100).checked_div(total).unwrap_or(100);
    let bar: String = (0..CELLS).map(|cell| if cell < filled { '#' } else { '.' }).collect();
    let rate = u64::try_from(u128::from(done) * 1_000 / took.as_millis().max(1)).unwrap_or(u64::MAX);
    format!(
        "[{bar}] {percent:>3} %  {} of {} changes, {}/s  {doing}",
        grouped(done),
        grouped(total),
        grouped(rate)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_empty_at_first_and_full_at_last_and_never_longer() {
        let took = Duration::from_secs(2);
        let empty = format!("[{}]   0 %  0 of 3,000 changes, 0/s  shard 3", ".".repeat(30));
        assert_eq!(line(0, 3_000, took, "shard 3"), empty);
        let full = format!("[{}] 100 %  3,000 of 3,000 changes, 1,500/s  shard 3", "#".repeat(30));
        assert_eq!(line(3_000, 3_000, took, "shard 3"), full);
        // What was written meanwhile is not counted.
        assert_eq!(line(3_007, 3_000, took, "shard 3"), full);
        assert!(line(0, 0, Duration::ZERO, "").contains("100 %"));
    }
}

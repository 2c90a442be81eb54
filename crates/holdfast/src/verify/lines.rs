//! Places in line for units of events beside the log, and what each event says of its line beside who stands in it.

use holdfast_domain::EventId;
use holdfast_store::{Error, Stored, StoredEntry, StoredLine, Table};

use super::{compare, finds::Promise, log::ROWS, tables::Look};

impl Look<'_> {
    /// Looks at all places.
    pub(super) async fn lines(&mut self) -> Result<(), Error> {
        let (database, shard) = (self.database, self.shard);
        let entries = async |after| database.stored_waitlist(shard, after, ROWS).await;
        self.verdict.figures.waitlist_entries = self.each(entries, Self::entry).await?;
        Ok(())
    }

    fn entry(&mut self, stored: &Stored<StoredEntry>) {
        let rank = stored.row.as_ref().ok().map(|row| row.entry.rank);
        // Younger than the log's begin, it is told of there.
        let may_be_untold = !self.is_whole && rank.is_none_or(|rank| rank < self.first);
        self.agrees(Table::Waitlist, stored, may_be_untold, |row, fact| {
            let mut told = fact.waitlist_entry()?.clone();
            if !row.has_event {
                // Its venue is that of its event.
                told.venue_id = row.entry.venue_id;
            }
            Some(compare::entries(&row.entry, &told))
        });
        let Ok(row) = &stored.row else {
            return;
        };
        let find = self.of("waitlist entry", stored.id);
        self.verdict.check(Promise::P2, row.has_event, || {
            find(Promise::P2, format!("its event {} is not there", row.entry.event_id))
        });
        self.verdict.check(Promise::P2, row.is_with_its_like, || {
            find(Promise::P2, "its request_id is not that of its request".into())
        });
    }

    /// What an event says of its line; what it counts is counted in the same statement.
    pub(super) fn line(&mut self, event: EventId, line: StoredLine) {
        let find = self.of("event", event.uuid());
        let StoredLine { waiting, due_at, now_waiting } = line;
        self.verdict.check(Promise::P2, i64::from(waiting) == now_waiting, || {
            find(Promise::P2, format!("its waiting is {waiting}, and {now_waiting} stand in its line"))
        });
        let due_for_nobody = due_at.filter(|_| now_waiting == 0);
        self.verdict.check(Promise::P2, due_for_nobody.is_none(), || {
            let due_at = due_for_nobody.map_or_else(String::new, |due_at| due_at.to_string());
            find(Promise::P2, format!("its line_due_at is {due_at}, and nobody stands in its line"))
        });
    }
}

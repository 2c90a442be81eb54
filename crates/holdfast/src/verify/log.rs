//! A shard's log, read from its begin to where it ended at the start, and replayed.
//!
//! In memory are one page, the next one, and what the judge knows of whatever is open.

use std::collections::{HashMap, HashSet};

use holdfast_domain::{Change, Fact, NO_TENANT, Seq, Shard, TenantId, audit::Replay, change::Recorded};
use holdfast_store::{Database, Error, LogEnds, Table};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{
    finds::{At, Promise, Verdict},
    progress::Progress,
};

/// Most changes of a page: some megabytes. In tests a few, so that much happens between two pages.
const PAGE: i64 = if cfg!(test) { 20 } else { 2_000 };

/// Most rows of a page.
pub(super) const ROWS: i64 = if cfg!(test) { 10 } else { 1_000 };

/// How many positions may be pruned while it is looked up what there was before the log: more, and it is read anew.
const PRUNED_MAX: i64 = 100_000;

/// What was found of a log.
pub(super) enum Outcome {
    /// It was read to its end.
    Read {
        /// Where it began then.
        first: Seq,
        /// Whether nothing was ever before that.
        is_whole: bool,
    },
    /// It was pruned under the reader: what was read so far says nothing.
    Pruned,
}

/// One reading of one log.
pub(super) struct Reading<'a> {
    pub(super) database: &'a Database,
    pub(super) shard: Shard,
    /// Judge only what comes after.
    pub(super) from: Seq,
    pub(super) verdict: &'a mut Verdict,
    pub(super) progress: &'a mut Progress,
}

impl Reading<'_> {
    /// Reads and judges.
    pub(super) async fn run(&mut self) -> Result<Outcome, Error> {
        let mut replay = Replay::default();
        let ends = self.database.log_ends(self.shard).await?;
        if ends.first.is_none() {
            self.check(ends.seq == Seq(0), None, || {
                format!("the head says that it ends at {}, and it is empty", ends.seq)
            });
            return Ok(Outcome::Read { first: Seq(1), is_whole: true });
        }
        self.verdict.figures.shards_with_changes = 1;
        let begin = self.first_after(Seq(0), ends.seq).await?;
        let is_whole = begins(begin.as_ref());
        let begin = begin.map_or(ends.seq, |begin| begin.seq);
        // It may have been pruned since the ends were read.
        let is_floor = begin <= ends.floor.next() || self.was_pruned_to(begin).await?;
        self.check(is_whole || is_floor, Some(begin), || {
            format!("the log begins here, and was pruned only up to {}", ends.floor)
        });
        let mut until = ends.seq;
        let asked = begin.max(self.from.next());
        let mut young = Vec::new();
        if !is_whole || self.from > Seq(0) {
            young = self.adopt(&mut replay, Seq(asked.0 + PRUNED_MAX)).await?;
            until = self.database.log_ends(self.shard).await?.seq;
        }
        if let Some(first) = self.first_after(self.from, until).await? {
            let is_known = first.seq.0 <= asked.0 + PRUNED_MAX && first.seq <= ends.seq.next();
            if !is_known && self.was_pruned_to(first.seq).await? {
                return Ok(Outcome::Pruned);
            }
            // The log began to tell of them, and that has been pruned since.
            for (_, tenant_id, object) in young.into_iter().filter(|(seq, ..)| *seq < first.seq) {
                object.adopt(tenant_id, &mut replay);
                self.verdict.figures.begun_before += 1;
            }
            let before = match first.parse().map(|change| change.fact) {
                Ok(Fact::LogLeapt { from }) => from,
                _ if is_whole && self.from == Seq(0) => Seq(0),
                _ => first.seq.previous(),
            };
            replay.begin_after(before);
            if !self.replay(&mut replay, before, until).await? {
                return Ok(Outcome::Pruned);
            }
            // A head stands between two transactions.
            replay.end();
            let at = At(self.shard);
            for fault in replay.take_faults() {
                self.verdict.find(at.find(fault.rule.into(), Some(until), None, fault.what));
            }
        }
        self.count(&replay);
        self.check_end().await?;
        Ok(Outcome::Read { first: begin, is_whole })
    }

    async fn first_after(&self, after: Seq, until: Seq) -> Result<Option<Recorded>, Error> {
        Ok(self.database.log_run(self.shard, after, until, 1).await?.pop())
    }

    /// Page by page up to `until`; false when it was pruned meanwhile.
    async fn replay(&mut self, replay: &mut Replay, before: Seq, until: Seq) -> Result<bool, Error> {
        let mut last = before;
        let mut known: HashSet<(TenantId, Uuid)> = HashSet::new();
        let mut next = read_ahead(self.database, self.shard, before, until);
        loop {
            // No code of ours can panic there, and nobody aborts it.
            let page = next.await.map_err(|_| Error::Stopping)??;
            let Some(end) = page.last() else {
                break;
            };
            next = read_ahead(self.database, self.shard, end.seq, until);
            let mut objects: HashMap<Table, HashSet<(TenantId, Uuid)>> = HashMap::new();
            for recorded in &page {
                let change = recorded.parse();
                let leapt =
                    matches!(&change, Ok(Change { fact: Fact::LogLeapt { from }, .. }) if *from == last);
                if recorded.seq != last.next() && !leapt && self.was_pruned_to(recorded.seq).await? {
                    return Ok(false);
                }
                last = recorded.seq;
                match change {
                    Ok(change) => {
                        self.judge(replay, recorded, &change);
                        if let Some((table, object)) = object(&change)
                            && !known.contains(&object)
                        {
                            objects.entry(table).or_default().insert(object);
                        }
                    }
                    Err(error) => {
                        replay.unreadable(recorded.seq, recorded.at);
                        let at = At(self.shard);
                        self.verdict.find(at.log(Some(recorded.seq), format!("it can't be read: {error}")));
                    }
                }
            }
            self.progress.advance(page.len());
            for (table, objects) in objects {
                self.check_stored(table, objects, &mut known).await?;
            }
        }
        let is_there = last == until || self.was_pruned_to(until.next()).await?;
        self.check(is_there, Some(until), || format!("it is not there: the last one before it is {last}"));
        Ok(true)
    }

    /// Whether all before `seq` has been pruned by now.
    async fn was_pruned_to(&self, seq: Seq) -> Result<bool, Error> {
        let LogEnds { floor, first, .. } = self.database.log_ends(self.shard).await?;
        Ok(seq <= floor.next() && first.is_some_and(|first| seq <= first))
    }

    fn judge(&mut self, replay: &mut Replay, recorded: &Recorded, change: &Change) {
        replay.step(change);
        let at = At(self.shard);
        for fault in replay.take_faults() {
            self.verdict.find(at.find(fault.rule.into(), Some(change.seq), name(change), fault.what));
        }
        let is_here = change.tenant_id == NO_TENANT || Shard::of(change.tenant_id) == self.shard;
        self.check(is_here, Some(change.seq), || {
            format!("its tenant {} is of another shard", change.tenant_id)
        });
        self.check(recorded.object_id == change.fact.object_id(), Some(change.seq), || {
            format!("it is filed under {}, and tells of {}", recorded.object_id, change.fact.object_id())
        });
    }

    /// What the log tells of must be in its table: no row is ever deleted.
    async fn check_stored(
        &mut self,
        table: Table,
        objects: HashSet<(TenantId, Uuid)>,
        known: &mut HashSet<(TenantId, Uuid)>,
    ) -> Result<(), Error> {
        let (objects, at): (Vec<_>, _) = (objects.into_iter().collect(), At(self.shard));
        self.verdict.checked(Promise::P2, objects.len() as u64);
        let lost = self.database.lost_from(table, self.shard, &objects).await?;
        for object in &lost {
            let name = Some(format!("{} {}", word(table), object.1));
            self.verdict.find(at.find(Promise::P2, None, name, "it is in the log, and not in the table"));
        }
        // These are told of a few times and then no more; the others again and again, and they are few.
        let is_many = matches!(table, Table::Bookings | Table::Reservations | Table::Waitlist);
        known.extend(if is_many { lost } else { objects });
        Ok(())
    }

    fn count(&mut self, replay: &Replay) {
        let report = replay.report();
        let figures = &mut self.verdict.figures;
        (figures.changes, figures.grants) = (report.changes, report.grants);
        (figures.rejections, figures.unjudged) = (report.rejections, report.unjudged);
        (figures.holds, figures.confirmations) = (report.holds, report.confirmations);
        figures.offers = report.offers;
        self.verdict.checked(Promise::P1, report.p1_checks);
        self.verdict.checked(Promise::P4, report.p4_checks);
        self.verdict.checked(Promise::P5, report.p5_checks);
        self.verdict.checked(Promise::Waitlist, report.waitlist_checks);
        let others = report.p1_checks + report.p4_checks + report.p5_checks + report.waitlist_checks;
        self.verdict.checked(Promise::Log, report.checks - others);
    }

    /// The head and the last change, of one moment.
    async fn check_end(&mut self) -> Result<(), Error> {
        let LogEnds { seq, last, .. } = self.database.log_ends(self.shard).await?;
        self.check(last == Some(seq), last, || {
            format!("the last change is this one, and the head says {seq}")
        });
        Ok(())
    }

    fn check(&mut self, holds: bool, seq: Option<Seq>, what: impl FnOnce() -> String) {
        let at = At(self.shard);
        self.verdict.check(Promise::Log, holds, || at.log(seq, what()));
    }
}

/// The next page, read while the last one is looked at.
pub(crate) fn read_ahead(
    database: &Database,
    shard: Shard,
    after: Seq,
    until: Seq,
) -> JoinHandle<Result<Vec<Recorded>, Error>> {
    let database = database.clone();
    tokio::spawn(async move { database.log_run(shard, after, until, PAGE).await })
}

/// Whether this is the first change that the log ever had.
fn begins(first: Option<&Recorded>) -> bool {
    first.is_some_and(|first| {
        let fact = first.parse().map(|change| change.fact);
        first.seq == Seq(1) || matches!(fact, Ok(Fact::LogLeapt { from: Seq(0) }))
    })
}

fn object(change: &Change) -> Option<(Table, (TenantId, Uuid))> {
    let table = match change.fact {
        Fact::ResourceCreated { .. } | Fact::ResourceUpdated { .. } => Table::Resources,
        Fact::VenueCreated { .. } | Fact::VenueUpdated { .. } => Table::Venues,
        _ if change.fact.event().is_some() => Table::Events,
        _ if change.fact.reservation().is_some() => Table::Reservations,
        _ if change.fact.waitlist_entry().is_some() => Table::Waitlist,
        _ => change.fact.booking().map(|_| Table::Bookings)?,
    };
    Some((table, (change.tenant_id, change.fact.object_id())))
}

fn name(change: &Change) -> Option<String> {
    object(change).map(|(table, (_, id))| format!("{} {id}", word(table)))
}

pub(super) const fn word(table: Table) -> &'static str {
    match table {
        Table::Bookings => "booking",
        Table::Resources => "resource",
        Table::Venues => "venue",
        Table::Events => "event",
        Table::Reservations => "reservation",
        Table::Waitlist => "waitlist entry",
    }
}

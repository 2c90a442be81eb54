//! The decision step: the wants of some resources, decided whole under the head.
//!
//! Which resources: those with a want that is due, then those whose ranges changed after the cursor
//! `heads.decided`, in the order of the log. Each is loaded whole (all its open wants and what is
//! granted around them), decided in memory by `domain::rules::decide`, and written with its mark
//! `resources.judged`. Cursor and marks live under the head: any number of validators may take steps, in
//! any order, and one that dies is simply taken again.

mod overlooked;
mod read;
mod write;

use std::collections::HashMap;

use deadpool_postgres::Object;
use futures_util::join;
use holdfast_domain::{
    ResourceId, Seq, Shard, TenantId,
    rules::{Decision, Verdict, decide},
};
use time::OffsetDateTime;

use crate::{
    Database, Error, Head,
    head::{CommitError, bounded},
    resources,
};
pub(crate) use read::look;
use read::{Open, Scene};

#[cfg(test)]
pub(crate) use {
    overlooked::OVERLOOKED,
    read::{CHANGED, DUE, HELD, LOOK, OPEN, WINDOW},
    write::DECIDE,
};

/// How much one step does at most.
#[derive(Debug, Clone, Copy)]
pub struct StepLimits {
    /// Changes read after the cursor.
    pub window: i64,
    /// Open wants loaded; a single resource may have more.
    pub wants: i64,
    /// Decisions written.
    pub writes: usize,
}

impl Default for StepLimits {
    fn default() -> Self {
        Self { window: 10_000, wants: 500, writes: 500 }
    }
}

/// What there is to decide and to settle in a shard, read without its head.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// The seq of the last change.
    pub seq: Seq,
    /// No change up to here waits for a decision, nor will one: what opens a want, or frees a range, is a later change.
    pub clear: Seq,
    /// Whether a step would find something to do.
    pub work: bool,
    /// How long the first change waits for a decision that has to be dealt with, by the shard's clock; none when none does.
    pub waits: Option<time::Duration>,
    /// How long until the next open want is due, by the shard's clock; negative when it is overdue.
    pub due_in: Option<time::Duration>,
    /// Whether something has to be settled: a hold has been over for a moment, an event is called off, or a line is due.
    pub unsettled: bool,
    /// How long until the next hold has to be settled, or a line is due, by the shard's clock; negative when one is.
    pub settles_in: Option<time::Duration>,
}

/// What a step did.
#[derive(Debug, Default)]
pub struct Step {
    /// Whose wants were judged, and how many: all of a resource that was decided whole, and of one that was
    /// cut short those that were decided.
    pub judged: Vec<(TenantId, i64)>,
    /// What was decided, in the order of the log.
    pub decided: Vec<(TenantId, Verdict)>,
    /// Whether it stopped at a limit: there is more to decide now.
    pub more: bool,
    /// The seq up to which the decision has dealt with the log.
    pub cursor: Seq,
    /// Whether some of what is left is due: the cursor says nothing of that.
    pub due_left: bool,
}

/// A resource that the step is to decide.
struct Candidate {
    tenant_id: TenantId,
    id: ResourceId,
    open_wants: i64,
    /// Whether one of them is due, or it was passed by.
    due: bool,
    /// The first change of it after the cursor; none when it is only due.
    first_change: Option<Seq>,
}

impl Database {
    /// Whether there is anything to decide in `shard`, by the changes after `clear`: what the last look found to be clear.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn look(&self, shard: Shard, limits: StepLimits, clear: Seq) -> Result<Look, Error> {
        self.ask(async |client: &Object| look(client, shard, limits.window, clear).await).await
    }

    /// Takes one step in `shard`.
    ///
    /// When the COMMIT's answer is lost the step may have happened; the next one takes up from whatever
    /// is true then.
    ///
    /// # Errors
    /// When the head can't be had, or PostgreSQL fails.
    pub async fn step(&self, shard: Shard, limits: StepLimits) -> Result<Step, Error> {
        self.step_over(shard, limits, &[]).await
    }

    /// Takes one step in `shard`, and in it decides these resources too, whether or not anything says that they have to
    /// be: what was [overlooked](Self::overlooked) is made good.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub async fn step_over(
        &self,
        shard: Shard,
        limits: StepLimits,
        overlooked: &[ResourceId],
    ) -> Result<Step, Error> {
        let Some(Work { head, judgement, end, step }) =
            bounded(Box::pin(self.work(shard, limits, overlooked))).await?
        else {
            return Ok(Step::default());
        };
        // The marks are of rows read under this head: none can be missing.
        let at = head.at();
        let marks = async |head: &Head| write::marks(head, &judgement, end).await;
        head.write_and_commit(marks).await.map_err(CommitError::into_error)?;
        for (open, verdict) in &judgement.decisions {
            self.meters.decided(*verdict, at - open.since);
        }
        Ok(step)
    }

    /// All of a step up to what travels with its COMMIT; nothing when there is nothing to decide.
    async fn work(
        &self,
        shard: Shard,
        limits: StepLimits,
        overlooked: &[ResourceId],
    ) -> Result<Option<Work>, Error> {
        let mut head = Head::take(self, shard).await?;
        let (window, chosen) = join!(read::window(&head, limits.window), choose(&head, limits, overlooked));
        let (window, chosen) = (window?, chosen?);
        let is_far = head.seq().0 - head.decided().0 >= limits.window;
        if chosen.resources.is_empty() && !is_far {
            head.rollback().await;
            return Ok(None);
        }
        let open = read::open(&head, &chosen.resources).await?;
        let judgement = judge(head.at(), &chosen.resources, open, limits.writes)?;
        crashpoint!("step.before_write");
        let decided = write::decisions(&mut head, &judgement.decisions).await?;
        // What the step itself appended is judged with the rest: a grant only takes room, and what a move
        // frees was decided along with it.
        let end = head.seq();
        let (_, left) = chosen.resources.split_at(judgement.whole);
        let unfinished = left.iter().filter_map(|resource| resource.first_change).chain(chosen.left_out);
        let reached = if window.full { window.last } else { end };
        let cursor = if failpoint!("step.forgets_left_out") {
            reached
        } else {
            unfinished.map(Seq::previous).fold(reached, Seq::min)
        };
        let cursor = cursor.max(head.decided());
        head.set_decided(cursor);
        crashpoint!("step.before_commit");
        head.prepare([resources::JUDGE]).await?;
        let more = window.full || chosen.more || !left.is_empty();
        let due_left = chosen.due_left || left.iter().any(|resource| resource.due);
        let judged = judgement.judged.clone();
        Ok(Some(Work { head, judgement, end, step: Step { judged, decided, more, cursor, due_left } }))
    }
}

/// A step that is taken and not yet committed.
struct Work {
    head: Head,
    judgement: Judgement,
    /// The seq of its last change.
    end: Seq,
    step: Step,
}

/// The resources of a step, in the order in which they are decided.
struct Chosen {
    resources: Vec<Candidate>,
    /// The earliest change of those that had to be left out.
    left_out: Option<Seq>,
    /// Whether any had to be.
    more: bool,
    /// Whether any of those was due.
    due_left: bool,
}

/// The overlooked and the due resources, then the changed ones in the order of the log, until the wants are as many as
/// allowed.
async fn choose(head: &Head, limits: StepLimits, overlooked: &[ResourceId]) -> Result<Chosen, Error> {
    let (due, changed, named) =
        join!(read::due(head, limits.wants), read::changed(head, limits), read::named(head, overlooked));
    let (due, mut changed, mut first) = (due?, changed?, named?);
    let mut candidates = Vec::with_capacity(due.len() + changed.len());
    first.extend(due.into_iter().filter(|resource| !overlooked.contains(&resource.id)));
    for mut resource in first {
        let place = changed.iter().position(|other| other.id == resource.id);
        resource.first_change = place.and_then(|place| changed.remove(place).first_change);
        candidates.push(resource);
    }
    candidates.extend(changed);

    let mut wants = 0;
    let fitting = candidates.iter().take_while(|resource| {
        let first = wants == 0;
        wants += resource.open_wants;
        first || wants <= limits.wants
    });
    let left = candidates.split_off(fitting.count());
    let left_out = left.iter().filter_map(|resource| resource.first_change).min();
    let due_left = left.iter().any(|resource| resource.due);
    Ok(Chosen { resources: candidates, left_out, more: !left.is_empty(), due_left })
}

/// What a step decides, before it is written.
struct Judgement {
    decisions: Vec<(Open, Verdict)>,
    /// How many decisions each resource got; the last may have been cut short.
    counts: Vec<(TenantId, ResourceId, i32)>,
    judged: Vec<(TenantId, i64)>,
    /// How many of the resources were decided whole.
    whole: usize,
}

/// Decides the resources one after another, until `limit` decisions.
fn judge(
    at: OffsetDateTime,
    resources: &[Candidate],
    mut open: HashMap<ResourceId, Scene>,
    limit: usize,
) -> Result<Judgement, Error> {
    let mut judgement = Judgement { decisions: Vec::new(), counts: Vec::new(), judged: Vec::new(), whole: 0 };
    for resource in resources {
        let room = limit - judgement.decisions.len();
        if room == 0 {
            break;
        }
        let Scene { wants, slots, mut open } = open.remove(&resource.id).unwrap_or_default();
        let decisions = decide(at, &wants, &slots);
        let cut = decisions.len() > room;
        let mut count = 0;
        for Decision { booking, verdict } in decisions.into_iter().take(room) {
            let open = open.remove(&booking).ok_or(Error::Defect("a decision on nobody's want"))?;
            judgement.decisions.push((open, verdict));
            count += 1;
        }
        judgement.counts.push((resource.tenant_id, resource.id, count));
        judgement.judged.push((resource.tenant_id, if cut { count.into() } else { resource.open_wants }));
        if cut {
            break;
        }
        judgement.whole += 1;
    }
    Ok(judgement)
}

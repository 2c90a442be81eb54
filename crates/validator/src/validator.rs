//! The one loop: hears bells, minds deadlines, looks around once a second, and takes steps: settles and decides.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use holdfast_domain::{Seq, Shard};
use holdfast_store::{Database, Error, Look, Pause, StepLimits};
use holdfast_stream::{Doorbell, Shards};
use tokio::{
    select,
    time::{MissedTickBehavior, interval, interval_at, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{ValidatorSettings, agenda::Agenda, meters};

/// Deadlines are looked for at least this often: a clock that jumps must not make the wait long.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// A due want is looked for this much later: the server's clock and ours tick apart.
const DUE_SLACK: Duration = Duration::from_millis(2);

/// Decides what waits in any shard.
pub(crate) struct Validator {
    database: Database,
    doorbell: Doorbell,
    committed: Box<dyn Fn(Shard) + Send + Sync>,
    poll: Duration,
    search: Duration,
    workers: usize,
    limits: StepLimits,
}

/// What a turn at one shard left behind.
struct Turn {
    shard: Shard,
    seen: Seq,
    clear: Seq,
    due: Option<Instant>,
    /// Whether there is more to do at once.
    more: bool,
}

impl Validator {
    pub(crate) fn new(
        settings: &ValidatorSettings,
        database: Database,
        doorbell: Doorbell,
        committed: Box<dyn Fn(Shard) + Send + Sync>,
    ) -> Self {
        let (poll, search) = (settings.poll(), settings.search());
        Self {
            database,
            doorbell,
            committed,
            poll,
            search,
            workers: settings.workers,
            limits: settings.limits(),
        }
    }

    /// Until `stopping`; the step that is being taken then is finished.
    pub(crate) async fn run(self, stopping: CancellationToken) {
        let mut agenda = Agenda::new();
        let mut again = Shards::default();
        let mut poll = interval(self.poll);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut search = interval_at(tokio::time::Instant::now() + self.search, self.search);
        search.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut away, mut pause) = (false, Pause::default());
        while !stopping.is_cancelled() {
            let due =
                agenda.next_due().map_or(LONGEST_SLEEP, |due| due.saturating_duration_since(Instant::now()));
            let wake = tokio::time::Instant::now() + due.min(LONGEST_SLEEP);
            let todo = select! {
                biased;
                () = stopping.cancelled() => return,
                _ = poll.tick() => self.look_around(&agenda).await,
                _ = search.tick(), if !away => {
                    agenda.doubt();
                    match stopping.run_until_cancelled(Box::pin(self.search())).await {
                        Some(found) => found,
                        None => return,
                    }
                }
                rung = self.doorbell.heard(), if !away => Ok(rung),
                // A shard with more to do goes on at once, and leaves the bells their turn.
                () = std::future::ready(()), if !again.is_empty() => Ok(Shards::default()),
                () = sleep_until(wake), if !away => Ok(agenda.due(Instant::now())),
            };
            let done = match todo {
                Ok(todo) => {
                    let all = todo.iter().chain(again.iter()).collect();
                    self.turn(&mut agenda, all).await
                }
                Err(error) => Err(error),
            };
            away = report(away, &done);
            if away {
                agenda.doubt();
                poll.reset_after(pause.after_failure());
            } else {
                pause.end();
            }
            again = done.unwrap_or_default();
        }
    }

    /// The shards whose log has grown since they were last looked at, or that have a want due.
    async fn look_around(&self, agenda: &Agenda) -> Result<Shards, Error> {
        let heads = self.database.heads().await?;
        let grown = heads.iter().filter(|head| agenda.has_moved(head.shard, head.seq)).map(|head| head.shard);
        Ok(grown.chain(agenda.due(Instant::now()).iter()).collect())
    }

    /// Looks in every shard for wants that were passed by, and decides what it finds.
    async fn search(&self) -> Result<Shards, Error> {
        let mut found = Shards::default();
        for shard in Shard::all() {
            let overlooked = self.database.overlooked(shard).await?;
            if overlooked.is_empty() {
                continue;
            }
            tracing::error!(%shard, ?overlooked, "a defect: open wants that fit were passed by; deciding them now");
            self.database.step_over(shard, self.limits, &overlooked).await?;
            (self.committed)(shard);
            found.insert(shard);
        }
        Ok(found)
    }

    /// A turn at each shard, some at once; those that have more to do at once.
    async fn turn(&self, agenda: &mut Agenda, shards: Shards) -> Result<Shards, Error> {
        shards.iter().for_each(|shard| agenda.looking(shard));
        let turns: Vec<_> = shards.iter().map(|shard| self.serve(shard, agenda.clear(shard))).collect();
        let mut turns = stream::iter(turns).buffer_unordered(self.workers);
        let (mut again, mut failed) = (Shards::default(), None);
        while let Some(turn) = turns.next().await {
            if let Ok(turn) = &turn {
                agenda.is_clear(turn.shard, turn.clear);
            }
            match turn {
                // Until it has come to rest, the shard counts as not looked at: another's failure drops `again`.
                Ok(turn) if turn.more => again.insert(turn.shard),
                Ok(turn) => agenda.looked(turn.shard, turn.seen, turn.due),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(again), Err)
    }

    /// A look, and a step of each kind that it finds something to do for.
    async fn serve(&self, shard: Shard, clear: Seq) -> Result<Turn, Error> {
        let look = self.database.look(shard, self.limits, clear).await?;
        meters::tell(&look, shard);
        let turn = Turn { shard, seen: look.seq, clear: look.clear, due: due_at(&look), more: false };
        if !look.work && !look.unsettled {
            return Ok(turn);
        }
        let step = match self.step(shard, &look).await {
            Ok(step) => step,
            // Whoever holds the head may be deciding right now. A bell or a look around brings us back.
            Err(Error::Busy(_)) => return Ok(Turn { seen: Seq(-1), ..turn }),
            Err(error) => return Err(error),
        };
        if step.has_grown {
            (self.committed)(shard);
        }
        // What a step changed is seen by the next look: deadlines above all, which may change though the log tells of nothing. A
        // step that could do nothing is not taken again before the log has grown.
        let more = look.work || step.has_written;
        Ok(Turn { due: if more { None } else { later(&look) }, more, ..turn })
    }

    /// A step of each kind that there is something to do for. What can't be settled does not keep anything from being decided.
    async fn step(&self, shard: Shard, look: &Look) -> Result<Done, Error> {
        let mut done = Done::default();
        if look.work {
            done.has_grown = !self.database.step(shard, self.limits).await?.decided.is_empty();
            done.has_written = done.has_grown;
        }
        if look.unsettled {
            match self.database.settle_reservations(shard).await {
                Ok(settled) => {
                    meters::settled(settled);
                    done.has_grown |= settled.has_grown;
                    done.has_written |= settled.has_written;
                }
                Err(error @ Error::Defect(_)) => {
                    tracing::error!(%shard, %error, "reservations can't be settled; who wants their units settles them");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }
}

/// What the steps of a turn did.
#[derive(Default)]
struct Done {
    has_grown: bool,
    has_written: bool,
}

/// When the shard's next open want is due, or its next hold has to be settled, on this process's steady clock.
fn due_at(look: &Look) -> Option<Instant> {
    let due_in = look.due_in.into_iter().chain(look.settles_in).min()?;
    Some(Instant::now() + Duration::try_from(due_in).unwrap_or_default() + DUE_SLACK)
}

/// The same, of what is not due yet.
fn later(look: &Look) -> Option<Instant> {
    let is_later = |due: &time::Duration| due.is_positive();
    due_at(&Look {
        due_in: look.due_in.filter(is_later),
        settles_in: look.settles_in.filter(is_later),
        ..*look
    })
}

/// Says once that something is away, and once that it is back. Gives whether it is.
fn report(was_away: bool, done: &Result<Shards, Error>) -> bool {
    match done {
        Ok(_) if was_away => tracing::info!("deciding again"),
        Err(error) if !was_away => {
            let cause = std::error::Error::source(error).map(tracing::field::display);
            tracing::warn!(%error, cause, "can't decide; trying again");
        }
        Ok(_) | Err(_) => {}
    }
    done.is_err()
}

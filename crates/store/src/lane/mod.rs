//! Lanes: one queue of writes for each shard, run as batches under its head.
//!
//! A lane collects what arrives while its last transaction is in flight and runs it as the next one: no
//! timer, no sleep. Alone, a command goes at once; under load batches grow by themselves. Queues are
//! bounded, and full means busy, at once. Lanes live on the runtime that made [`Lanes`], since
//! connections die with the runtime that opened them.

mod apply;
mod batch;
mod command;

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use holdfast_domain::Shard;
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use command::{CancelBooking, CreateBooking, Created, WriteError};

use crate::{Database, Error, LaneSettings};
use command::{Answer, Command};

/// The write path of this process. Cheap to clone.
#[derive(Clone)]
pub struct Lanes(Arc<Inner>);

struct Inner {
    context: Arc<Context>,
    senders: [OnceLock<mpsc::Sender<Job>>; Shard::COUNT as usize],
    runtime: Handle,
    stopping: CancellationToken,
    /// Cancelled when a lane has died: its shard can't be written any more.
    broken: CancellationToken,
    tasks: TaskTracker,
}

/// What every batch needs.
struct Context {
    database: Database,
    settings: LaneSettings,
    committed: Box<dyn Fn(Shard) + Send + Sync>,
}

/// A command and who waits for its answer.
struct Job {
    command: Command,
    reply: oneshot::Sender<Result<Answer, WriteError>>,
}

impl Lanes {
    /// Lanes over `database`, on the current runtime. `committed` is told of each shard whose log has
    /// grown; it must not block.
    pub fn new(
        database: Database,
        settings: LaneSettings,
        committed: impl Fn(Shard) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            context: Arc::new(Context { database, settings, committed: Box::new(committed) }),
            senders: [const { OnceLock::new() }; Shard::COUNT as usize],
            runtime: Handle::current(),
            stopping: CancellationToken::new(),
            broken: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }))
    }

    /// Makes a booking. The answer comes after COMMIT.
    ///
    /// # Errors
    /// When a rule refuses it, or it could not be written.
    pub async fn create(&self, create: CreateBooking) -> Result<Created, WriteError> {
        match self.run(Shard::of(create.tenant_id), Command::Create(create)).await? {
            Answer::Created(created) => Ok(*created),
            Answer::Cancelled => Err(Error::Defect("a create was answered as a cancel").into()),
        }
    }

    /// Gives a booking up. Again does nothing, and is no error. The answer comes after COMMIT.
    ///
    /// # Errors
    /// When there is none, it is not the caller's, or it could not be written.
    pub async fn cancel(&self, cancel: CancelBooking) -> Result<(), WriteError> {
        match self.run(Shard::of(cancel.tenant_id), Command::Cancel(cancel)).await? {
            Answer::Cancelled => Ok(()),
            Answer::Created(_) => Err(Error::Defect("a cancel was answered as a create").into()),
        }
    }

    /// Takes no more commands, finishes those that were taken, and returns when the last is answered.
    pub async fn drain(&self) {
        self.0.stopping.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// Waits until a lane has died by a panic, which a process must not outlive: that shard would be refused for good.
    pub async fn broken(&self) {
        self.0.broken.cancelled().await;
    }

    async fn run(&self, shard: Shard, command: Command) -> Result<Answer, WriteError> {
        if self.0.stopping.is_cancelled() {
            return Err(Error::Stopping.into());
        }
        let (reply, answer) = oneshot::channel();
        let lane = self.0.senders[shard.index()].get_or_init(|| self.open(shard));
        lane.try_send(Job { command, reply }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Error::Busy("the queue of writes is full"),
            mpsc::error::TrySendError::Closed(_) => Error::Stopping,
        })?;
        // A lane answers each job that it took; one that panicked may have committed it.
        answer.await.unwrap_or_else(|_| Err(Error::OutcomeUnknown.into()))
    }

    fn open(&self, shard: Shard) -> mpsc::Sender<Job> {
        let (sender, jobs) = mpsc::channel(self.0.context.settings.lane_queue as usize);
        let lane = Lane { context: self.0.context.clone(), shard, stopping: self.0.stopping.clone() };
        let dies = self.0.broken.clone().drop_guard();
        let run = async move {
            lane.run(jobs).await;
            // Only a panic comes past here.
            dies.disarm();
        };
        self.0.tasks.spawn_on(run, &self.0.runtime);
        sender
    }
}

struct Lane {
    context: Arc<Context>,
    shard: Shard,
    stopping: CancellationToken,
}

impl Lane {
    /// Until stopped and drained: nothing that was taken is left unanswered.
    async fn run(self, mut jobs: mpsc::Receiver<Job>) {
        let limit = self.context.settings.lane_batch as usize;
        let mut waiting = Vec::new();
        loop {
            if waiting.is_empty() {
                let taken = tokio::select! {
                    taken = jobs.recv_many(&mut waiting, limit) => taken,
                    () = self.stopping.cancelled(), if !jobs.is_closed() => {
                        jobs.close();
                        continue;
                    }
                };
                if taken == 0 {
                    return;
                }
            } else {
                // Those that had to wait for the last batch go first; whoever came since joins them.
                while waiting.len() < limit
                    && let Ok(job) = jobs.try_recv()
                {
                    waiting.push(job);
                }
            }
            let batch = one_of_each(&mut waiting);
            batch::settle(&self.context, self.shard, batch).await;
        }
    }
}

/// Takes the jobs for the next batch, in order, at most one for each object: two in one
/// `UPDATE … FROM unnest` would lose one.
fn one_of_each(waiting: &mut Vec<Job>) -> Vec<Job> {
    let mut objects = HashSet::with_capacity(waiting.len());
    waiting.extract_if(.., |job| objects.insert(job.command.object())).collect()
}

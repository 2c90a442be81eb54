//! The relay's one loop: woken after commits, and looking at everything once in a while. Shards take turns, a run each,
//! so that one that is far behind keeps no other waiting.

use std::{error::Error as _, time::Duration};

use holdfast_domain::{Seq, Shard};
use holdfast_store::{Database, Pause};
use holdfast_stream::{Doorbell, Shards, Streams};
use tokio::{
    select,
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Settings, Status, Wake,
    copy::{self, Error, Standing},
    meters,
};

/// How long the last pass may take: what was committed before the stop is published, if both sides answer.
const LAST_PASS: Duration = Duration::from_secs(2);

/// Copies all logs to their streams.
#[derive(Debug)]
pub struct Relay {
    database: Database,
    streams: Streams,
    poll: Duration,
    wake: Wake,
    /// Each stream's end, as far as is known.
    ends: [Seq; Shard::COUNT as usize],
    stopped: Shards,
    status: watch::Sender<Status>,
}

impl Relay {
    /// A relay, and what wakes it.
    pub fn new(settings: &Settings, database: Database, streams: Streams) -> (Self, Wake) {
        meters::describe();
        let wake = Wake::default();
        let relay = Self {
            database,
            streams,
            poll: settings.poll(),
            wake: wake.clone(),
            ends: [Seq::default(); Shard::COUNT as usize],
            stopped: Shards::default(),
            status: watch::Sender::default(),
        };
        (relay, wake)
    }

    /// What it has to say for itself; changes are told.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Copies until `stopping`; woken by commits of this process, and by the bell about logs that those of others ring.
    /// Then once more what is there, for at most two seconds.
    pub async fn run(mut self, elsewhere: Doorbell, stopping: CancellationToken) {
        let mut poll = interval(self.poll);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let bell = self.wake.clone();
        let mut pause = Pause::default();
        loop {
            let is_waiting = self.status.borrow().is_waiting;
            let done = select! {
                biased;
                () = stopping.cancelled() => break,
                _ = poll.tick() => self.look().await,
                // While something is away only the poll tries again.
                rung = bell.0.heard(), if !is_waiting => self.turn(rung).await,
                rung = elsewhere.heard(), if !is_waiting => self.turn(rung).await,
            };
            self.report(&done);
            match done {
                Ok(()) => pause.end(),
                Err(_) => poll.reset_after(pause.after_failure()),
            }
        }
        let last_pass = timeout(LAST_PASS, self.last_pass()).await;
        if !matches!(last_pass, Ok(Ok(()))) {
            tracing::info!("not all is published; the next relay goes on from there");
        }
    }

    async fn last_pass(&mut self) -> Result<(), Error> {
        self.look().await?;
        loop {
            let rung = self.wake.0.take();
            if rung.is_empty() {
                return Ok(());
            }
            self.turn(rung).await?;
        }
    }

    /// Compares every stream with its log, so that one that changed under us is found too, and rings for those that are
    /// behind.
    async fn look(&mut self) -> Result<(), Error> {
        for (shard, standing) in copy::look(&self.database, &self.streams, &self.ends).await? {
            match standing {
                // Being behind doesn't show yet whether it can go on.
                Standing::Joined { end, is_behind: true } if self.stopped.contains(shard) => {
                    self.ends[shard.index()] = end;
                    self.step(shard).await?;
                }
                _ => self.note(shard, standing),
            }
        }
        Ok(())
    }

    /// A step for each, but those that are stopped: only a look tries them again.
    async fn turn(&mut self, shards: Shards) -> Result<(), Error> {
        for shard in shards.iter() {
            if !self.stopped.contains(shard) {
                self.step(shard).await?;
            }
        }
        Ok(())
    }

    async fn step(&mut self, shard: Shard) -> Result<(), Error> {
        let end = self.ends[shard.index()];
        let standing = copy::step(&self.database, &self.streams, shard, end).await?;
        self.note(shard, standing);
        Ok(())
    }

    fn note(&mut self, shard: Shard, standing: Standing) {
        match standing {
            Standing::Joined { end, is_behind } => {
                self.ends[shard.index()] = end;
                if self.stopped.contains(shard) {
                    self.stopped.remove(shard);
                    tracing::info!(%shard, "the stream joins on to the log again");
                }
                if is_behind {
                    self.wake.ring(shard);
                }
            }
            Standing::Foreign if !self.stopped.contains(shard) => {
                self.stopped.insert(shard);
                tracing::error!(%shard, "the stream does not join on to the log: nothing more is published there");
            }
            Standing::Foreign => {}
        }
    }

    fn report(&self, done: &Result<(), Error>) {
        let was_waiting = self.status.borrow().is_waiting;
        match done {
            Ok(()) if was_waiting => tracing::info!("copying the log to the streams"),
            Err(error) if !was_waiting => {
                let cause = error.source().map(tracing::field::display);
                tracing::warn!(%error, cause, "waiting for PostgreSQL or Redis");
            }
            Ok(()) | Err(_) => {}
        }
        let status = Status { stopped: self.stopped.iter().collect(), is_waiting: done.is_err() };
        self.status.send_if_modified(|last| {
            let is_news = *last != status;
            *last = status;
            is_news
        });
    }
}

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
    copy::{Copier, Error, Standing},
    meters,
};

/// How long the last pass may take: what was committed before the stop is published, if both sides answer.
const LAST_PASS: Duration = Duration::from_secs(2);

/// Copies all logs to their streams.
#[derive(Debug)]
pub struct Relay {
    copier: Copier,
    poll: Duration,
    wake: Wake,
    /// Each stream's end, as far as is known.
    ends: [Seq; Shard::COUNT as usize],
    /// Those that have been held against their logs since the last trouble.
    compared: Shards,
    status: watch::Sender<Status>,
}

impl Relay {
    /// A relay, and what wakes it.
    pub fn new(settings: &Settings, database: Database, streams: Streams) -> (Self, Wake) {
        meters::describe();
        let wake = Wake::default();
        let relay = Self {
            copier: Copier { database, streams },
            poll: settings.poll(),
            wake: wake.clone(),
            ends: [Seq::default(); Shard::COUNT as usize],
            compared: Shards::default(),
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
            let is_copying = *self.status.borrow() == Status::Copying;
            let done = select! {
                biased;
                () = stopping.cancelled() => break,
                _ = poll.tick() => self.look().await,
                // Else only the poll tries again.
                rung = bell.0.heard(), if is_copying => self.turn(rung).await.map(|()| Status::Copying),
                rung = elsewhere.heard(), if is_copying => self.turn(rung).await.map(|()| Status::Copying),
            };
            self.report(&done);
            match done {
                Ok(_) => pause.end(),
                Err(_) => poll.reset_after(pause.after_failure()),
            }
        }
        let last_pass = timeout(LAST_PASS, self.last_pass()).await;
        if !matches!(last_pass, Ok(Ok(Status::Copying))) {
            tracing::info!("not all is published; the next relay goes on from there");
        }
    }

    async fn last_pass(&mut self) -> Result<Status, Error> {
        let status = self.look().await?;
        let mut rung = self.wake.0.take();
        while status == Status::Copying && !rung.is_empty() {
            self.turn(rung).await?;
            rung = self.wake.0.take();
        }
        Ok(status)
    }

    /// Compares every stream with its log, so that one that changed under us is found too, and rings for those that are
    /// behind.
    async fn look(&mut self) -> Result<Status, Error> {
        let seen = self.copier.look(&self.ends).await?;
        if !seen.is_ours {
            return Ok(Status::NotOurs);
        }
        let (installation, mut is_proven) = (seen.installation, true);
        for (head, end) in seen.shards {
            let shard = head.shard;
            if installation.has_moved() {
                // Nothing shows yet that this log is whole: the server is another. A stream that goes on from it does.
                let is_gone = end == Seq(0);
                let copied = if is_gone {
                    self.copier.leap(&head, end).await?
                } else {
                    self.copier.step(shard, end).await?
                };
                is_proven &= !copied.is_behind;
                self.note(shard, copied);
            } else if self.copier.is_lost(&head, end) {
                let mended = self.copier.mend(&head, end).await?;
                self.note(shard, mended);
            } else {
                let is_compared = self.compared.contains(shard) || head.seq == Seq(0);
                self.note(shard, Standing { end, is_behind: end < head.seq || !is_compared });
            }
        }
        if let Some(current) = installation.unsettled().filter(|_| is_proven) {
            self.copier.database.settle(current).await?;
        }
        Ok(Status::Copying)
    }

    /// A step for each.
    async fn turn(&mut self, shards: Shards) -> Result<(), Error> {
        for shard in shards.iter() {
            let standing = self.copier.step(shard, self.ends[shard.index()]).await?;
            self.note(shard, standing);
            if !standing.is_behind {
                self.compared.insert(shard);
            }
        }
        Ok(())
    }

    fn note(&mut self, shard: Shard, Standing { end, is_behind }: Standing) {
        self.ends[shard.index()] = end;
        if is_behind {
            self.wake.ring(shard);
        }
    }

    fn report(&mut self, done: &Result<Status, Error>) {
        let was = *self.status.borrow();
        let status = done.as_ref().copied().unwrap_or(Status::Waiting);
        if status != Status::Copying {
            // Whatever comes back may not be what went away.
            self.compared = Shards::default();
        }
        if status == was {
            return;
        }
        match done {
            Ok(Status::NotOurs) => tracing::error!("{status}"),
            Ok(_) => tracing::info!("copying the log to the streams"),
            Err(error) => {
                let cause = error.source().map(tracing::field::display);
                tracing::warn!(%error, cause, "waiting for PostgreSQL or Redis");
            }
        }
        self.status.send_replace(status);
    }
}

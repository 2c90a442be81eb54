//! Lanes: one queue of writes for each shard, run as batches under its head.
//!
//! A lane collects what arrives while its last transaction is in flight and runs it as the next one: no
//! timer, no sleep. Alone, a command goes at once; under load batches grow by themselves. Queues are
//! bounded, by number and by the wait that can be expected, and beyond that is busy, at once. Lanes live
//! on the runtime that made [`Lanes`], since connections die with the runtime that opened them.

mod answer;
mod apply;
mod backlog;
mod batch;
mod behind;
mod box_office;
mod catalogue;
mod command;
mod queue;
mod rate;
mod read;
mod refusal;
mod sale;
mod seat_moves;

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use holdfast_domain::{Event, Resource, Shard, Venue, WaitlistEntry};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use answer::{Booked, Reserved, Written};
pub(crate) use box_office::{call_off, whole};
pub use command::{
    AddSection, CancelBooking, CancelEvent, ConfirmReservation, ConfirmSeats, CreateBooking, CreateEvent,
    CreateResource, CreateVenue, Edit, ExtendReservation, HoldUnits, Item, JoinWaitlist, Key, LeaveWaitlist,
    NewSection, NewUnits, Order, Part, Place, ReleaseReservation, SectionRef, Target, UnitsWanted,
    UpdateBooking, UpdateEvent, UpdateResource, UpdateSection, UpdateVenue, Versions,
};
pub use refusal::{Left, Object, WriteError};
pub(crate) use sale::{Asked, Rest, Sale};

use crate::{Database, Error, LaneSettings, meters::LaneMeters};
use answer::Answer;
use backlog::Backlog;
use behind::Behind;
use command::{Catalogue, Command, Units};
use queue::{Job, Queue, next_batch};

/// The write path of this process. Cheap to clone.
#[derive(Clone)]
pub struct Lanes(Arc<Inner>);

struct Inner {
    context: Arc<Context>,
    queues: [OnceLock<Queue>; Shard::COUNT as usize],
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
    meters: LaneMeters,
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
            context: Arc::new(Context {
                database,
                settings,
                committed: Box::new(committed),
                meters: LaneMeters::new(),
            }),
            queues: [const { OnceLock::new() }; Shard::COUNT as usize],
            runtime: Handle::current(),
            stopping: CancellationToken::new(),
            broken: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }))
    }

    /// Makes a booking. The answer comes after COMMIT, as it does for every write.
    ///
    /// # Errors
    /// When a rule refuses it, or it could not be written.
    pub async fn create(&self, create: CreateBooking) -> Result<Written<Booked>, WriteError> {
        self.run(Command::Create(create)).await?.map(Answer::booked)
    }

    /// Changes a booking.
    ///
    /// # Errors
    /// When there is none, it is not the caller's, a rule refuses it, or it could not be written.
    pub async fn update(&self, update: UpdateBooking) -> Result<Written<Booked>, WriteError> {
        self.run(Command::Update(update)).await?.map(Answer::booked)
    }

    /// Gives a booking up. Again does nothing, and is no error.
    ///
    /// # Errors
    /// When there is none, it is not the caller's, or it could not be written.
    pub async fn cancel(&self, cancel: CancelBooking) -> Result<Written<()>, WriteError> {
        self.run(Command::Cancel(cancel)).await?.map(|_| Ok(()))
    }

    /// Makes a venue.
    ///
    /// # Errors
    /// When its name is taken, or it could not be written.
    pub async fn create_venue(&self, create: CreateVenue) -> Result<Written<Venue>, WriteError> {
        self.run(Command::Catalogue(Catalogue::CreateVenue(create))).await?.map(Answer::venue)
    }

    /// Changes a venue.
    ///
    /// # Errors
    /// When there is none, its new name is taken, or it could not be written.
    pub async fn update_venue(&self, update: UpdateVenue) -> Result<Written<Venue>, WriteError> {
        self.run(Command::Catalogue(Catalogue::UpdateVenue(update))).await?.map(Answer::venue)
    }

    /// Makes a resource.
    ///
    /// # Errors
    /// When its name is taken, there is no such venue, its limits contradict each other, or it could not be written.
    pub async fn create_resource(&self, create: CreateResource) -> Result<Written<Resource>, WriteError> {
        self.run(Command::Catalogue(Catalogue::CreateResource(create))).await?.map(Answer::resource)
    }

    /// Changes a resource. What is booked already stays, whatever its limits become.
    ///
    /// # Errors
    /// When there is none, its new name is taken, its limits contradict each other, or it could not be written.
    pub async fn update_resource(&self, update: UpdateResource) -> Result<Written<Resource>, WriteError> {
        self.run(Command::Catalogue(Catalogue::UpdateResource(update))).await?.map(Answer::resource)
    }

    /// Holds units of an event.
    ///
    /// # Errors
    /// When they are not to be had, a rule refuses it, or it could not be written.
    pub async fn hold(&self, hold: HoldUnits) -> Result<Written<Reserved>, WriteError> {
        self.run(Command::Units(Units::Hold(hold))).await?.map(Answer::reservation)
    }

    /// Confirms a hold, or a part of it. Again does nothing, and gives the same answer.
    ///
    /// # Errors
    /// When there is none of the caller's, it is over or given up, or it could not be written.
    pub async fn confirm(&self, confirm: ConfirmReservation) -> Result<Written<Reserved>, WriteError> {
        self.run(Command::Units(Units::Confirm(confirm))).await?.map(Answer::reservation)
    }

    /// Confirms seats that the caller holds, by however many holds. They become one reservation.
    ///
    /// # Errors
    /// When the caller does not hold all of them, a hold is over, or it could not be written.
    pub async fn confirm_seats(&self, confirm: ConfirmSeats) -> Result<Written<Reserved>, WriteError> {
        self.run(Command::Units(Units::ConfirmSeats(confirm))).await?.map(Answer::reservation)
    }

    /// Has a hold end later.
    ///
    /// # Errors
    /// When there is none of the caller's, it is over, it may not last so long, or it could not be written.
    pub async fn extend(&self, extend: ExtendReservation) -> Result<Written<Reserved>, WriteError> {
        self.run(Command::Units(Units::Extend(extend))).await?.map(Answer::reservation)
    }

    /// Gives a reservation up, held or confirmed. Again does nothing, and is no error.
    ///
    /// # Errors
    /// When there is none of the caller's, or it could not be written.
    pub async fn release(&self, release: ReleaseReservation) -> Result<Written<()>, WriteError> {
        self.run(Command::Units(Units::Release(release))).await?.map(|_| Ok(()))
    }

    /// Takes a place in the line for units of an event. When the request fits it is served at once.
    ///
    /// # Errors
    /// When there is no such event or section, the event is not on sale, the line is full, the caller stands in it already or
    /// may not have so many units, or it could not be written.
    pub async fn join_waitlist(&self, join: JoinWaitlist) -> Result<Written<WaitlistEntry>, WriteError> {
        self.run(Command::Units(Units::Join(join))).await?.map(Answer::entry)
    }

    /// Leaves the line for units of an event. Again does nothing, and is no error.
    ///
    /// # Errors
    /// When the caller never stood in it, was offered what they waited for, or it could not be written.
    pub async fn leave_waitlist(&self, leave: LeaveWaitlist) -> Result<Written<()>, WriteError> {
        self.run(Command::Units(Units::Leave(leave))).await?.map(|_| Ok(()))
    }

    /// Makes an event with its sections.
    ///
    /// # Errors
    /// When there is no such venue, a rule refuses it, or it could not be written.
    pub async fn create_event(&self, create: CreateEvent) -> Result<Written<Event>, WriteError> {
        self.run(Command::Catalogue(Catalogue::CreateEvent(create))).await?.map(Answer::event)
    }

    /// Changes what is said of an event, or whether it is on sale.
    ///
    /// # Errors
    /// When there is none, it is called off, a rule refuses it, or it could not be written.
    pub async fn update_event(&self, update: UpdateEvent) -> Result<Written<Event>, WriteError> {
        self.run(Command::Catalogue(Catalogue::UpdateEvent(update))).await?.map(Answer::event)
    }

    /// Adds a section to an event.
    ///
    /// # Errors
    /// When there is no such event, it is called off, the name or a seat is taken, or it could not be written.
    pub async fn add_section(&self, add: AddSection) -> Result<Written<Event>, WriteError> {
        self.run(Command::Catalogue(Catalogue::AddSection(add))).await?.map(Answer::event)
    }

    /// Changes a section. What is taken of it stays.
    ///
    /// # Errors
    /// When there is none, a rule refuses it, or it could not be written.
    pub async fn update_section(&self, update: UpdateSection) -> Result<Written<Event>, WriteError> {
        self.run(Command::Catalogue(Catalogue::UpdateSection(update))).await?.map(Answer::event)
    }

    /// Calls an event off. Again does nothing, and is no error.
    ///
    /// # Errors
    /// When there is none, or it could not be written.
    pub async fn cancel_event(&self, cancel: CancelEvent) -> Result<Written<()>, WriteError> {
        self.run(Command::Catalogue(Catalogue::CancelEvent(cancel))).await?.map(|_| Ok(()))
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

    async fn run(&self, command: Command) -> Result<Written<Answer>, WriteError> {
        let shard = Shard::of(command.order().tenant_id);
        if self.0.stopping.is_cancelled() {
            return Err(Error::Stopping.into());
        }
        let (reply, answer) = oneshot::channel();
        self.0.queues[shard.index()].get_or_init(|| self.open(shard)).push(command, reply)?;
        self.0.context.meters.queued();
        // A lane answers each job that it took; one that panicked may have committed it.
        answer.await.unwrap_or_else(|_| Err(Error::OutcomeUnknown.into()))
    }

    fn open(&self, shard: Shard) -> Queue {
        let context = self.0.context.clone();
        let backlog = Arc::new(Backlog::new(shard, &context.settings));
        let (queue, jobs) = Queue::new(backlog.clone());
        let lane = Lane { context, shard, backlog, stopping: self.0.stopping.clone() };
        let dies = self.0.broken.clone().drop_guard();
        let run = async move {
            lane.run(jobs).await;
            // Only a panic comes past here.
            dies.disarm();
        };
        self.0.tasks.spawn_on(run, &self.0.runtime);
        queue
    }
}

struct Lane {
    context: Arc<Context>,
    shard: Shard,
    backlog: Arc<Backlog>,
    stopping: CancellationToken,
}

impl Lane {
    /// Until stopped and drained: nothing that was taken is left unanswered.
    async fn run(self, mut jobs: mpsc::UnboundedReceiver<Job>) {
        let settings = &self.context.settings;
        let (most, limit) = (settings.lane_queue as usize, settings.lane_batch as usize);
        let (mut waiting, mut was_alone) = (Vec::new(), false);
        let mut behind = Behind::new(self.context.database.clone(), self.shard);
        loop {
            if waiting.is_empty() {
                let taken = tokio::select! {
                    taken = jobs.recv_many(&mut waiting, most) => taken,
                    () = self.stopping.cancelled(), if !jobs.is_closed() => {
                        jobs.close();
                        continue;
                    }
                };
                if taken == 0 {
                    return;
                }
            }
            let batch = next_batch(&mut waiting, limit, was_alone);
            was_alone = batch.first().is_some_and(|job| job.command.is_alone());
            self.context.meters.begun(batch.len());
            let begun_at = Instant::now();
            self.backlog.begun(batch.len(), begun_at);
            let ended = batch::settle(&self.context, self.shard, batch).await;
            let ended_at = Instant::now();
            self.context.meters.ended(ended_at - begun_at);
            self.backlog.ended(ended_at);
            // All of them, behind those that are left: what has to wait for its object holds up nobody else.
            while let Ok(job) = jobs.try_recv() {
                waiting.push(job);
            }
            behind.sort(ended.behind, &mut waiting, &self.backlog).await;
            if ended.was_silent {
                // Whoever has waited for that batch in vain would wait as long again for the next.
                for job in waiting.drain(..) {
                    job.answer(Err(Error::Silent.into()));
                }
            }
            self.backlog.tell();
        }
    }
}

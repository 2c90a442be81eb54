//! How a process lives and stops: its tasks, the signals, the order of the stop.
//!
//! Owns the stop tokens and the tasks. Never ends a task itself: a task watches its token, finishes what it has
//! accepted, and returns.

use std::{
    error::Error,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

/// How long tasks may take to let go after the hard stop.
const HARD_STOP_WAIT: Duration = Duration::from_secs(1);

/// A signal this soon after the first is the same one: a process group gets it from the terminal, and a member of it
/// again from the script that started it.
const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// What a task may fail with.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The order in which tasks stop: each stage is told to when the one before it has finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Listeners: what has been accepted is answered.
    Http,
    /// What requests have queued is written.
    Writers,
    /// Loops and timers.
    Workers,
    /// What tells of all the others.
    Telemetry,
}

const STAGES: [Stage; 4] = [Stage::Http, Stage::Writers, Stage::Workers, Stage::Telemetry];

/// Why a process did not live and stop as it should.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// The service's start callback failed.
    #[error("could not start")]
    Start(#[source] BoxError),
    /// A task returned before it was told to.
    #[error("task {0} ended before the stop")]
    Ended(&'static str),
    /// A task returned an error.
    #[error("task {0} failed")]
    Failed(&'static str, #[source] BoxError),
    /// A task panicked; the panic's message is on stderr.
    #[error("task {0} panicked")]
    Panicked(&'static str),
    /// These tasks were still running at the hard stop.
    #[error("the stop was cut short; still running: {}", .0.join(", "))]
    CutShort(Vec<&'static str>),
}

/// The owner of the process's tasks: waits for the reason to stop, then stops them stage by stage.
pub struct Lifecycle {
    shared: Arc<Shared>,
    interrupt: Signal,
    terminate: Signal,
    shutdown_timeout: Duration,
}

/// A handle to start tasks of one stage, and to learn of the stop.
#[derive(Clone)]
pub struct Tasks {
    shared: Arc<Shared>,
    stage: Stage,
}

struct Shared {
    /// Somebody wants the process to stop.
    stop: CancellationToken,
    /// Parent of every stage's soft token.
    hard: CancellationToken,
    stages: [Group; STAGES.len()],
    /// The first failure; later ones are mostly its consequences.
    failure: Mutex<Option<LifecycleError>>,
}

struct Group {
    soft: CancellationToken,
    tracker: TaskTracker,
    running: Mutex<Vec<&'static str>>,
}

impl Lifecycle {
    /// Takes over SIGINT and SIGTERM; to be called inside the tokio runtime. All stages together have
    /// `shutdown_timeout` to stop.
    ///
    /// # Errors
    /// When the signal handlers can't be installed.
    pub fn new(shutdown_timeout: Duration) -> io::Result<Self> {
        let hard = CancellationToken::new();
        let stages = STAGES.map(|_| Group {
            soft: hard.child_token(),
            tracker: TaskTracker::new(),
            running: Mutex::default(),
        });
        let shared = Shared { stop: CancellationToken::new(), hard, stages, failure: Mutex::default() };
        Ok(Self {
            shared: Arc::new(shared),
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            shutdown_timeout,
        })
    }

    /// A handle that starts tasks of `stage`.
    pub fn tasks(&self, stage: Stage) -> Tasks {
        Tasks { shared: Arc::clone(&self.shared), stage }
    }

    /// Runs `start`, then waits for a reason to stop, and stops. A stop drops a `start` that is not done yet. When
    /// `start` leaves no task behind there is nothing to wait for: it was a command, and the process ends.
    ///
    /// # Errors
    /// The first thing that went wrong; the stop has been gone through all the same.
    pub async fn run<E: Into<BoxError>>(
        mut self,
        start: impl Future<Output = Result<(), E>>,
    ) -> Result<(), LifecycleError> {
        let started = tokio::select! {
            started = start => Some(started.map_err(|error| LifecycleError::Start(error.into()))),
            () = self.stop_wanted() => None,
        };
        if let Some(Ok(())) = started
            && self.shared.has_tasks()
        {
            self.stop_wanted().await;
        }
        let stopped = self.stop().await;
        started.unwrap_or(Ok(()))?;
        match lock(&self.shared.failure).take() {
            Some(failure) => Err(failure),
            None => stopped,
        }
    }

    /// [`run`](Self::run) for a service whose tasks have been started already.
    ///
    /// # Errors
    /// As `run`.
    pub async fn wait(self) -> Result<(), LifecycleError> {
        self.run(async { Ok::<_, BoxError>(()) }).await
    }

    async fn stop_wanted(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => info!("SIGINT: stopping"),
            _ = self.terminate.recv() => info!("SIGTERM: stopping"),
            () = self.shared.stop.cancelled() => info!("stopping"),
        }
    }

    async fn stop(&mut self) -> Result<(), LifecycleError> {
        let shared = Arc::clone(&self.shared);
        let in_order = async {
            for group in &shared.stages {
                group.soft.cancel();
                group.finished().await;
            }
        };
        tokio::select! {
            () = in_order => return Ok(()),
            () = tokio::time::sleep(self.shutdown_timeout) => warn!("the shutdown time is over"),
            () = second_signal(&mut self.interrupt, &mut self.terminate) => warn!("a second signal"),
        }
        let running = self.shared.stages.iter().flat_map(Group::names).collect();
        self.shared.hard.cancel();
        let all = async {
            for group in &shared.stages {
                group.finished().await;
            }
        };
        // Whoever is still there afterwards is dropped with the tokio runtime.
        let _ = tokio::time::timeout(HARD_STOP_WAIT, all).await;
        Err(LifecycleError::CutShort(running))
    }
}

async fn second_signal(interrupt: &mut Signal, terminate: &mut Signal) {
    let same_until = Instant::now() + SAME_SIGNAL;
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if Instant::now() >= same_until {
            return;
        }
    }
}

impl Tasks {
    /// The same process's tasks of another stage.
    pub fn at(&self, stage: Stage) -> Self {
        Self { shared: Arc::clone(&self.shared), stage }
    }

    /// Starts a task that lives until its stage is stopped. One that ends before, fails or panics stops the process.
    pub fn spawn<E>(&self, name: &'static str, task: impl Future<Output = Result<(), E>> + Send + 'static)
    where
        E: Into<BoxError> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let stage = self.stage;
        lock(&self.group().running).push(name);
        self.group().tracker.spawn(async move {
            // A task of its own, so that a panic comes back as an error.
            let joined = tokio::spawn(task).await;
            let group = &shared.stages[stage as usize];
            let failure = match joined {
                Ok(Ok(())) if group.soft.is_cancelled() => None,
                Ok(Ok(())) => Some(LifecycleError::Ended(name)),
                Ok(Err(error)) => Some(LifecycleError::Failed(name, error.into())),
                Err(_) => Some(LifecycleError::Panicked(name)),
            };
            if let Some(failure) = failure {
                warn!(task = name, "a task is dead");
                lock(&shared.failure).get_or_insert(failure);
                shared.stop.cancel();
            }
            group.forget(name);
        });
    }

    /// Cancelled when this stage is to stop: take nothing new, finish what was accepted, return.
    pub fn stopping(&self) -> CancellationToken {
        self.group().soft.clone()
    }

    /// Cancelled when the shutdown time is over, or at a second signal: return now.
    pub fn hard_stop(&self) -> CancellationToken {
        self.shared.hard.clone()
    }

    /// Stops the process as a signal would.
    pub fn stop_process(&self) {
        self.shared.stop.cancel();
    }

    /// Whether any task of any stage is running.
    pub(crate) fn exist(&self) -> bool {
        self.shared.has_tasks()
    }

    /// The tasks of this stage that are running.
    #[cfg(test)]
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.group().names()
    }

    fn group(&self) -> &Group {
        &self.shared.stages[self.stage as usize]
    }
}

impl Shared {
    fn has_tasks(&self) -> bool {
        self.stages.iter().any(|group| !group.tracker.is_empty())
    }
}

impl Group {
    async fn finished(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    fn names(&self) -> Vec<&'static str> {
        lock(&self.running).clone()
    }

    fn forget(&self, name: &'static str) {
        let mut running = lock(&self.running);
        if let Some(index) = running.iter().position(|&other| other == name) {
            running.swap_remove(index);
        }
    }
}

/// No code of ours can panic while it holds one of these.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const OK: Result<(), BoxError> = Ok(());

    fn lifecycle() -> Lifecycle {
        Lifecycle::new(Duration::from_secs(5)).unwrap()
    }

    #[tokio::test]
    async fn a_stage_is_told_to_stop_only_when_the_one_before_has_finished() {
        let lifecycle = lifecycle();
        let order = Arc::new(Mutex::new(Vec::new()));
        for (stage, name) in [(Stage::Workers, "relay"), (Stage::Http, "http"), (Stage::Writers, "lanes")] {
            let tasks = lifecycle.tasks(stage);
            let (stopping, order) = (tasks.stopping(), Arc::clone(&order));
            tasks.spawn(name, async move {
                stopping.cancelled().await;
                tokio::task::yield_now().await;
                order.lock().unwrap().push(name);
                OK
            });
        }
        lifecycle.tasks(Stage::Http).stop_process();
        lifecycle.wait().await.unwrap();
        assert_eq!(*order.lock().unwrap(), ["http", "lanes", "relay"]);
    }

    #[tokio::test]
    async fn a_task_that_ends_by_itself_fails_the_process_by_name() {
        let lifecycle = lifecycle();
        lifecycle.tasks(Stage::Workers).spawn("relay", async { OK });
        assert_eq!(lifecycle.wait().await.unwrap_err().to_string(), "task relay ended before the stop");
    }

    #[tokio::test]
    async fn a_task_that_fails_stops_the_others() {
        let lifecycle = lifecycle();
        let http = lifecycle.tasks(Stage::Http);
        let stopping = http.stopping();
        http.spawn("http", async move {
            stopping.cancelled().await;
            OK
        });
        http.at(Stage::Workers).spawn("relay", async { Err("no route") });
        let error = lifecycle.wait().await.unwrap_err();
        assert_eq!(error.to_string(), "task relay failed");
        assert_eq!(error.source().unwrap().to_string(), "no route");
    }

    #[tokio::test]
    async fn a_task_that_panics_fails_the_process_by_name() {
        let lifecycle = lifecycle();
        lifecycle.tasks(Stage::Workers).spawn::<BoxError>("relay", async { panic!("on purpose") });
        assert_eq!(lifecycle.wait().await.unwrap_err().to_string(), "task relay panicked");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_stop_is_named_when_the_time_is_over() {
        let lifecycle = lifecycle();
        let tasks = lifecycle.tasks(Stage::Workers);
        let hard_stop = tasks.hard_stop();
        tasks.spawn("relay", async move {
            hard_stop.cancelled().await;
            OK
        });
        tasks.spawn::<BoxError>("stuck", pending());
        tasks.stop_process();
        let LifecycleError::CutShort(mut running) = lifecycle.wait().await.unwrap_err() else { panic!() };
        running.sort_unstable();
        assert_eq!(running, ["relay", "stuck"]);
    }

    #[tokio::test]
    async fn a_start_that_fails_is_told_with_its_cause() {
        let error = lifecycle().run(async { Err("no database") }).await.unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), "no database");
    }

    #[tokio::test]
    async fn a_start_that_hangs_is_dropped_at_the_stop() {
        let lifecycle = lifecycle();
        lifecycle.tasks(Stage::Http).stop_process();
        lifecycle.run(pending::<Result<(), BoxError>>()).await.unwrap();
    }

    #[tokio::test]
    async fn a_start_without_tasks_is_a_command_and_ends() {
        lifecycle().run(async { OK }).await.unwrap();
    }
}

//! A run from its first process to its verdict.

use std::{
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use holdfast_domain::{EventId, ResourceId, Seq};
use holdfast_testkit::shard;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{
    asker::Asker,
    audience::Audience,
    buyer::{self, Buyer},
    check::{Breach, Rule, check},
    fault::Kind,
    history::Record,
    journal::History,
    report::{Figures, Report},
    rest::{self, Rest},
    schedule::{Schedule, Step},
    town::Town,
    user::{RESOURCES, User},
};
use crate::Log;

/// How many book at once.
const USERS: u64 = 6;
/// And how many take units of events.
const BUYERS: u64 = 4;

/// Writes that must be acknowledged after a fault is mended, and how long that and its delivery may take.
const WRITES: usize = 10;
const PROGRESS_WAIT: Duration = Duration::from_secs(30);

/// From when on it is said how long that took.
const SLOW: Duration = Duration::from_secs(2);

/// How long the last writes, and the last deliveries, may take once everything is mended.
const END_WAIT: Duration = Duration::from_mins(2);

/// Steps between two dumps of Redis.
const STEPS_A_DUMP: usize = 4;

/// What a run is to be.
#[derive(Debug, Clone)]
pub struct Plan {
    /// From which everything is drawn.
    pub seed: u64,
    /// How long things are broken, and mended.
    pub lasts: Duration,
    /// What is broken.
    pub kinds: Vec<Kind>,
    /// How many changes a stream keeps.
    pub stream_length: u32,
    /// What is wrong with the services all the time, to see that it is found.
    pub failpoints: Option<String>,
    /// Where the processes' logs are kept.
    pub directory: PathBuf,
}

/// A run under way.
struct Run {
    town: Town,
    history: Arc<History>,
    audience: Audience,
    events: Vec<EventId>,
    figures: Figures,
    breaches: Vec<Breach>,
}

/// Has a run done, and judges it. What was asked and heard is in `history` by then, whatever becomes of the run.
///
/// # Panics
/// When servers or processes can't be started.
pub async fn run(plan: &Plan, history: &Arc<History>) -> Report {
    let town = Town::start(plan).await;
    let resources = resources(plan.seed, &town, history).await;
    let events = buyer::announce(plan.seed, &town.doors, history).await;
    let audience = Audience::gather(plan.seed, &resources, &events, &town.doors, history);
    let (figures, breaches) = Default::default();
    let mut run = Run { town, history: Arc::clone(history), audience, events, figures, breaches };
    let is_over = Arc::new(AtomicBool::new(false));
    let mut users = JoinSet::new();
    for number in 0..USERS {
        let user = Asker::new(&format!("user{number}"), plan.seed ^ (number + 1), &run.town.doors, history);
        users.spawn(User::new(user).work(Arc::clone(&is_over)));
    }
    for number in 0..BUYERS {
        let buyer = Asker::new(&buyer_name(number), plan.seed ^ (number + 51), &run.town.doors, history);
        users.spawn(Buyer::new(buyer, &run.events).work(Arc::clone(&is_over)));
    }
    run.gets_on("the beginning").await;
    let began = Instant::now();
    let mut schedule = Schedule::seeded(plan.seed, &plan.kinds);
    while began.elapsed() < plan.lasts {
        let step = schedule.next().expect("it has no end");
        run.take(&step).await;
    }
    is_over.store(true, Ordering::Relaxed);
    run.all_end("a user", users).await;
    run.judge().await
}

/// Has somebody book one of each resource, so that it is known by its id.
async fn resources(seed: u64, town: &Town, history: &Arc<History>) -> Vec<ResourceId> {
    let mut founder = User::new(Asker::new("founder", seed, &town.doors, history));
    let mut resources = Vec::new();
    for number in 0..RESOURCES {
        let booking = founder.book(&format!("Raum{number}")).await.expect("nothing is broken yet");
        resources.push(serde_json::from_value(booking["resource_id"].clone()).expect("a resource's id"));
    }
    resources
}

fn buyer_name(number: u64) -> String {
    format!("buyer{number}")
}

impl Run {
    /// Breaks, waits, mends, and sees that everybody gets on.
    async fn take(&mut self, step: &Step) {
        let words = step.faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(", and ");
        let words = format!("{words} for {:.1} s", step.lasts.as_secs_f64());
        eprintln!("{:>6.1} s  {words}", self.history.age().as_secs_f64());
        if self.figures.steps.is_multiple_of(STEPS_A_DUMP) {
            self.town.servers.keep_dump();
        }
        self.figures.steps += 1;
        self.figures.may_reload |= step.faults.iter().any(|fault| fault.is_of_redis());
        for fault in &step.faults {
            self.town.strike(*fault).await;
        }
        sleep(step.lasts).await;
        for fault in step.faults.iter().rev() {
            self.town.mend(*fault).await;
        }
        self.town.count_heads().await;
        self.gets_on(&words).await;
        sleep(step.calm).await;
    }

    /// Sees that writes are acknowledged, and that subscribers are told of them.
    async fn gets_on(&mut self, after: &str) {
        let mended = Instant::now();
        let mut acknowledged = self.history.acknowledged();
        let enough = *acknowledged.borrow() + WRITES;
        if timeout(PROGRESS_WAIT, acknowledged.wait_for(|count| *count >= enough)).await.is_err() {
            self.breaches.push(Breach::of(Rule::Progress, format!("no write is acknowledged after {after}")));
        }
        let writes_again = mended.elapsed();
        let end = self.head().await;
        let late = self.audience.late(end, PROGRESS_WAIT).await;
        self.breaches.extend(late.into_iter().map(|(name, at)| {
            Breach::of(Rule::Progress, format!("{name} has {at:?} of {end} after {after}"))
        }));
        let tells_again = mended.elapsed();
        if tells_again > SLOW {
            let [writes, tells] = [writes_again, tells_again].map(|took| took.as_secs_f64());
            eprintln!("          writes went on after {writes:.1} s, and all were told after {tells:.1} s");
        }
        let Figures { writes_again: writes, tells_again: tells, .. } = &mut self.figures;
        (*writes, *tells) = (writes_again.max(*writes), tells_again.max(*tells));
    }

    async fn head(&self) -> Seq {
        let client = self.town.database.client().await;
        let seq = "SELECT seq FROM heads WHERE shard = $1";
        Seq(client.query_one(seq, &[&shard().number()]).await.expect("the head").get(0))
    }

    /// Waits until all of these tasks have ended by themselves.
    async fn all_end(&mut self, what: &str, mut tasks: JoinSet<()>) {
        let all = async {
            while let Some(ended) = tasks.join_next().await {
                if let Err(error) = ended {
                    self.breaches.push(Breach::of(Rule::Answered, format!("{what} failed: {error}")));
                }
            }
        };
        if timeout(END_WAIT, all).await.is_err() {
            self.breaches.push(Breach::of(Rule::Progress, format!("{what} does not come to an end")));
        }
    }

    /// Lets everybody come to rest, closes, and holds all that was told against the log.
    async fn judge(mut self) -> Report {
        let rested = AssertUnwindSafe(Log::at_rest(&self.town.database)).catch_unwind().await;
        if rested.is_err() {
            self.breaches.push(Breach::of(Rule::Progress, "the validators do not come to rest"));
        }
        if !rest::settles(&self.town, &self.events).await {
            self.breaches.push(Breach::of(Rule::Settled, "units are held though every hold is over"));
        }
        let end = self.head().await;
        self.audience.end.send_replace(Some(end));
        let listeners = std::mem::take(&mut self.audience.tasks);
        self.all_end("a subscriber", listeners).await;
        self.town.count_heads().await;
        let buyers: Vec<String> = (0..BUYERS).map(buyer_name).collect();
        let rest = Rest::of(&self.town, &buyers).await;
        self.town.close().await;
        let log = self.log().await;
        let mut verdict = check(&log, &self.history.operations(), &rest, &self.history.feeds());
        verdict.breaches.append(&mut self.breaches);
        verdict.breaches.append(&mut self.town.breaches);
        (self.figures.deaths, self.figures.longest_stop) = (self.town.deaths, self.town.longest_stop);
        self.figures.may_reload |= log.len() > self.town.plan.stream_length as usize;
        Report::new(verdict, &self.figures, &self.history)
    }

    async fn log(&self) -> Vec<Record> {
        let (database, mut log) = (self.town.database.database(), Vec::<Record>::new());
        loop {
            let last = log.last().map(|record| record.change.seq).unwrap_or_default();
            let page = database.log_after(shard(), last, 5_000).await.expect("the log");
            if page.is_empty() {
                return log;
            }
            log.extend(page.iter().map(Record::from));
        }
    }
}

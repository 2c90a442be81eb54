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
use holdfast_domain::{Caller, ResourceId, Seq, UserId};
use holdfast_testkit::{Random, shard};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{
    check::{Breach, Rule, check},
    fault::Kind,
    history::{Feed, Record},
    journal::History,
    line::Means,
    report::{Figures, Report},
    schedule::{Schedule, Step},
    subscriber::Subscriber,
    town::Town,
    user::{RESOURCES, User},
};
use crate::Log;

/// How many book at once.
const USERS: u64 = 6;

/// Writes that must be acknowledged after a fault is mended, and how long that and its delivery may take.
const WRITES: usize = 10;
const PROGRESS_WAIT: Duration = Duration::from_secs(30);

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

/// Who listens, by name.
struct Audience {
    cursors: Vec<(String, watch::Receiver<Option<Seq>>)>,
    end: watch::Sender<Option<Seq>>,
    tasks: JoinSet<()>,
}

/// A run under way.
struct Run {
    town: Town,
    history: Arc<History>,
    audience: Audience,
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
    let audience = Audience::gather(plan.seed, &resources, &town, history);
    let (figures, breaches) = Default::default();
    let mut run = Run { town, history: Arc::clone(history), audience, figures, breaches };
    let is_over = Arc::new(AtomicBool::new(false));
    let mut users = JoinSet::new();
    for number in 0..USERS {
        let user = User::new(&format!("user{number}"), plan.seed ^ (number + 1), &run.town.doors, history);
        users.spawn(user.work(Arc::clone(&is_over)));
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
    let mut founder = User::new("founder", seed, &town.doors, history);
    let mut resources = Vec::new();
    for number in 0..RESOURCES {
        let booking = founder.book(&format!("Raum{number}")).await.expect("nothing is broken yet");
        resources.push(serde_json::from_value(booking["resource_id"].clone()).expect("a resource's id"));
    }
    resources
}

impl Audience {
    fn gather(seed: u64, resources: &[ResourceId], town: &Town, history: &Arc<History>) -> Self {
        let mut audience = Self { cursors: Vec::new(), end: watch::Sender::default(), tasks: JoinSet::new() };
        let who = |name: &str| Caller::open(UserId::parse(name).ok());
        let of = |name: &str, caller: Caller, resources: &[ResourceId], is_all: bool| Feed {
            name: name.to_owned(),
            caller,
            resources: resources.to_vec(),
            is_all,
            heard: Vec::new(),
        };
        let feeds = [
            (of("own", who("user0"), &[], false), Means::Socket),
            (of("own, by events", who("user1"), &[], false), Means::Events),
            (of("a resource", Caller::open(None), &resources[..1], false), Means::Socket),
            (of("own and a resource", who("user2"), &resources[1..2], false), Means::Events),
            (of("all", Caller::open(None), &[], true), Means::Socket),
            (of("all, by events", Caller::open(None), &[], true), Means::Events),
            (of("all, slowly", who("user3"), &[], true), Means::SmallSocket),
        ];
        for (number, (feed, means)) in (100..).zip(feeds) {
            let name = feed.name.clone();
            let end = audience.end.subscribe();
            let random = Random::seeded(seed ^ number);
            let subscriber = Subscriber::new(feed, means, random, &town.doors, history, &end);
            // Who reads slowly is behind for as long as they do.
            if means != Means::SmallSocket {
                audience.cursors.push((name, subscriber.cursor()));
            }
            audience.tasks.spawn(subscriber.listen());
        }
        audience
    }
}

impl Run {
    /// Breaks, waits, mends, and sees that everybody gets on.
    async fn take(&mut self, step: &Step) {
        let words = step.faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(", and ");
        let words = format!("{words} for {:.1} s", step.lasts.as_secs_f64());
        eprintln!("{:>6.1} s  {words}", self.history.age().as_secs_f64());
        if self.figures.steps.is_multiple_of(STEPS_A_DUMP) {
            self.town.keep_dump();
        }
        self.figures.steps += 1;
        self.figures.is_of_redis |= step.faults.iter().any(|fault| fault.is_of_redis());
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
        self.figures.writes_again = self.figures.writes_again.max(mended.elapsed());
        let end = self.head().await;
        let late = self.audience.late(end, PROGRESS_WAIT).await;
        self.breaches.extend(late.into_iter().map(|(name, at)| {
            Breach::of(Rule::Progress, format!("{name} has {at:?} of {end} after {after}"))
        }));
        self.figures.tells_again = self.figures.tells_again.max(mended.elapsed());
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
        let end = self.head().await;
        self.audience.end.send_replace(Some(end));
        let listeners = std::mem::take(&mut self.audience.tasks);
        self.all_end("a subscriber", listeners).await;
        self.town.count_heads().await;
        self.town.close().await;
        let log = self.log().await;
        let mut verdict = check(&log, &self.history.operations(), &self.history.feeds());
        verdict.breaches.append(&mut self.breaches);
        verdict.breaches.append(&mut self.town.breaches);
        self.figures.deaths = self.town.deaths;
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

impl Audience {
    /// Who has not got so far in time, and how far they have.
    async fn late(&mut self, end: Seq, wait: Duration) -> Vec<(String, Option<Seq>)> {
        let until = Instant::now() + wait;
        let mut late = Vec::new();
        for (name, cursor) in &mut self.cursors {
            let reached = cursor.wait_for(|cursor| *cursor >= Some(end));
            if tokio::time::timeout_at(until, reached).await.is_err() {
                late.push((name.clone(), *cursor.borrow()));
            }
        }
        late
    }
}

//! Six processes, the servers that they use, and a line of its own from each to each: what is broken and mended.

use std::{sync::Arc, time::Duration};

use holdfast_testkit::{TestDatabase, proxy::Proxy};
use tokio::time::{Instant, timeout};

use super::{
    check::{Breach, Rule},
    doors::{Doors, Who},
    fault::{Fault, Server, Trouble},
    run::Plan,
    servers::Servers,
};
use crate::{Binary, Process};

/// How long a process may take to come by the place where it is to die.
const DIES_WITHIN: Duration = Duration::from_secs(5);

/// How late everything comes over a slow line.
const SLOW: Duration = Duration::from_millis(150);

/// All that is under test. What it says at its end is kept in its directory.
pub(super) struct Town {
    pub(super) database: TestDatabase,
    pub(super) doors: Arc<Doors>,
    places: Vec<Place>,
    pub(super) servers: Servers,
    pub(super) plan: Plan,
    /// How often a process died where it was told to.
    pub(super) deaths: usize,
    /// The longest that one that was told to stop took for it.
    pub(super) longest_stop: Duration,
    pub(super) breaches: Vec<Breach>,
}

/// One of the six, and its lines.
struct Place {
    who: Who,
    process: Option<Process>,
    /// How many there have been.
    lives: usize,
    to_postgres: Proxy,
    to_redis: Proxy,
}

impl Town {
    /// Starts everything, and waits until it is ready.
    pub(super) async fn start(plan: &Plan) -> Self {
        let servers = Servers::start();
        let database = TestDatabase::on(&servers.postgres).await;
        let mut places = Vec::new();
        for who in Who::ALL {
            let to_postgres = Proxy::to(servers.postgres.address()).await;
            let to_redis = Proxy::to(servers.redis.address()).await;
            places.push(Place { who, process: None, lives: 0, to_postgres, to_redis });
        }
        let doors = Arc::default();
        let (deaths, longest_stop, breaches) = Default::default();
        let plan = plan.clone();
        let mut town = Self { database, doors, places, servers, plan, deaths, longest_stop, breaches };
        for who in Who::ALL {
            town.launch(who, None).await;
        }
        for place in &town.places {
            place.process.as_ref().expect("it was started").until("ready").await;
        }
        town
    }

    /// Breaks something.
    pub(super) async fn strike(&mut self, fault: Fault) {
        match fault {
            Fault::Kill(who) => self.kill(who).await,
            Fault::Terminate(who) => self.terminate(who).await,
            Fault::Pause(who) => self.process(who).pause().await,
            Fault::Die { who, at, passes } => {
                self.kill(who).await;
                self.launch(who, Some(format!("{at}={passes}*off->return"))).await;
            }
            Fault::Flaky { who, at, percent } => {
                self.kill(who).await;
                self.launch(who, Some(format!("{at}={percent}%return"))).await;
            }
            Fault::Outage(server, outage) => self.servers.fail(server, outage),
            Fault::Trouble(server, trouble, who) => {
                for proxy in self.lines(server, who) {
                    match trouble {
                        Trouble::Cut => proxy.cut(),
                        Trouble::Refuse => {
                            proxy.refuse().await;
                            proxy.cut();
                        }
                        Trouble::Stall => proxy.stall(),
                        Trouble::Slow => proxy.slow(SLOW),
                    }
                }
            }
        }
    }

    /// Mends it.
    pub(super) async fn mend(&mut self, fault: Fault) {
        match fault {
            Fault::Kill(who) | Fault::Terminate(who) => self.launch(who, None).await,
            Fault::Pause(who) => self.process(who).resume().await,
            Fault::Die { who, .. } => {
                // Unless it has nothing to do: its servers may be away, or its twin was quicker.
                self.deaths += usize::from(timeout(DIES_WITHIN, self.process(who).ended()).await.is_ok());
                self.kill(who).await;
                self.launch(who, None).await;
            }
            Fault::Flaky { who, .. } => {
                self.kill(who).await;
                self.launch(who, None).await;
            }
            Fault::Outage(server, outage) => self.servers.recover(server, outage),
            Fault::Trouble(server, trouble, who) => {
                for proxy in self.lines(server, who) {
                    match trouble {
                        Trouble::Cut => {}
                        Trouble::Refuse => proxy.accept().await,
                        Trouble::Stall | Trouble::Slow => proxy.flow(),
                    }
                }
            }
        }
    }

    /// Notes who is not there any more, and starts them anew.
    pub(super) async fn count_heads(&mut self) {
        for who in Who::ALL {
            if let Some(status) = self.process(who).has_ended() {
                self.breaches.push(Breach::of(Rule::Alive, format!("{who} died by itself: {status}")));
                self.kill(who).await;
                self.launch(who, None).await;
            }
        }
    }

    /// Tells all to stop, as in a house that closes: who takes requests first.
    pub(super) async fn close(&mut self) {
        for who in Who::ALL {
            self.terminate(who).await;
        }
    }

    async fn terminate(&mut self, who: Who) {
        self.doors.set(who, None);
        let told = Instant::now();
        let status = self.process(who).terminate().await;
        self.longest_stop = self.longest_stop.max(told.elapsed());
        if !status.success() {
            self.breaches.push(Breach::of(Rule::Alive, format!("{who}, told to stop, ended with {status}")));
        }
        self.keep_log(who);
    }

    /// Kills it, if it has not ended.
    async fn kill(&mut self, who: Who) {
        self.doors.set(who, None);
        let process = self.process(who);
        if process.has_ended().is_none() {
            process.kill_and_keep().await;
        }
        self.keep_log(who);
    }

    async fn launch(&mut self, who: Who, failpoints: Option<String>) {
        let place = &mut self.places[who.index()];
        let database = self.database.url_by(place.to_postgres.address());
        let redis = format!("redis://{}", place.to_redis.address());
        let failpoints = [failpoints, self.plan.failpoints.clone()].into_iter().flatten();
        let failpoints = failpoints.collect::<Vec<_>>().join(";");
        let stream_length = self.plan.stream_length.to_string();
        let mut settings = vec![
            ("REDIS_URL", redis.as_str()),
            ("REDIS_PREFIX", "chaos"),
            ("STREAM_LENGTH", stream_length.as_str()),
        ];
        if who.binary != Binary::Notifier {
            settings.extend([("DATABASE_URL", database.as_str()), ("DATABASE_POOL_SIZE", "6")]);
            settings.push(("FAILPOINTS", failpoints.as_str()));
        }
        if who.binary == Binary::BookingApi {
            // The shortest of those holds that do not say how long.
            settings.push(("HOLD_MINUTES", "1"));
        }
        settings.extend(particulars(who));
        let process = Process::start(who.binary, &settings).await;
        self.doors.set(who, Some(process.address()));
        place.lives += 1;
        place.process = Some(process);
    }

    fn lines(&self, server: Server, who: Option<Who>) -> impl Iterator<Item = &Proxy> {
        let places = self.places.iter().filter(move |place| who.is_none_or(|who| who == place.who));
        places.map(move |place| match server {
            Server::Postgres => &place.to_postgres,
            Server::Redis => &place.to_redis,
        })
    }

    fn process(&mut self, who: Who) -> &mut Process {
        self.places[who.index()].process.as_mut().expect("it was started")
    }

    /// Writes down what it said.
    fn keep_log(&self, who: Who) {
        let place = &self.places[who.index()];
        if let Some(process) = &place.process {
            let file = self.plan.directory.join(format!("{who}.{}.log", place.lives));
            // Evidence, not a part of the verdict.
            let _ = std::fs::write(file, process.lines().join("\n"));
        }
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        for who in Who::ALL {
            self.keep_log(who);
        }
        let _ = std::fs::write(self.plan.directory.join("postgres.log"), self.servers.postgres.log());
    }
}

/// What is different about the second of each service, so that more ways are gone.
fn particulars(who: Who) -> Vec<(&'static str, &'static str)> {
    match (who.binary, who.number) {
        // No grace: a want that does not fit at its first decision is rejected.
        (Binary::BookingApi, 1) => vec![("GRACE_PERIOD_MINUTES", "0")],
        // Steps that stop in the middle of a resource.
        (Binary::Validator, 1) => vec![("STEP_WANTS", "20"), ("STEP_WRITES", "3")],
        (Binary::Notifier, 0) => vec![("SOCKET_BEAT_SECONDS", "1"), ("SOCKET_QUEUE", "128")],
        // Little memory: who comes back is told from Redis.
        (Binary::Notifier, _) => {
            vec![("SOCKET_BEAT_SECONDS", "1"), ("SOCKET_QUEUE", "128"), ("SOCKET_WINDOW_ENTRIES", "64")]
        }
        _ => Vec::new(),
    }
}

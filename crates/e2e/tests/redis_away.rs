//! P7 under load: Redis is killed, keeps silent, is slow, is emptied. Nobody who writes notices, and every subscriber
//! goes on, or is told to ask anew.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use holdfast_e2e::{Binary, Crowd, House, Ledger, Log, Plan, Process, Socket};
use holdfast_testkit::{eventually, proxy::Proxy, redis::RedisServer};
use tokio::{sync::watch, task::JoinHandle};

/// No write waits for Redis; this is for two slow cores.
const LONGEST_MILLIS: u64 = 5_000;

/// Someone who hears everything, and whose list is without a hole but where they were told of one.
struct Subscriber {
    told: watch::Receiver<i64>,
    listening: JoinHandle<()>,
}

impl Subscriber {
    async fn of(notifier: &Process) -> Self {
        let mut socket = Socket::open(notifier.address(), "topic=all").await;
        let (tell, told) = watch::channel(socket.from);
        let listening = tokio::spawn(async move {
            loop {
                let message = socket.message().await;
                let seq = message["seq"].as_i64().expect("a seq");
                let last = tell.send_replace(seq);
                assert!(message["type"] == "resync" || seq == last + 1, "after {last} came {message}");
            }
        });
        Self { told, listening }
    }

    /// Waits until they were told of this change, or of a later one.
    async fn has_heard(&self, seq: i64) {
        eventually("the subscriber goes on", async || {
            assert!(!self.listening.is_finished(), "the subscriber was told what can't be");
            (*self.told.borrow() >= seq).then_some(())
        })
        .await;
    }
}

/// All services, a crowd that writes and one who listens.
struct Town {
    house: House,
    services: [Process; 2],
    notifier: Process,
    subscriber: Subscriber,
    ledger: Arc<Ledger>,
    crowd: Crowd,
}

impl Town {
    async fn with_redis_at(address: std::net::SocketAddr) -> Self {
        let house = House::with_redis_at(&format!("redis://{address}")).await;
        let services = [house.ready(Binary::BookingApi).await, house.ready(Binary::Validator).await];
        // Room for everything: whether a slow reader is cut off is another question.
        let notifier = house.start_with(Binary::Notifier, &[("SOCKET_QUEUE", "65536")]).await;
        notifier.until("ready").await;
        let subscriber = Subscriber::of(&notifier).await;
        let ledger = Arc::new(Ledger::default());
        let crowd = Crowd::start(Plan { users: 6, ..Plan::ENDLESS }, &[&services[0]], &ledger);
        let town = Self { house, services, notifier, subscriber, ledger, crowd };
        town.goes_on().await;
        town
    }

    /// All but the notifier serve without Redis, and say so.
    async fn is_without_redis(&self) {
        assert_eq!(self.notifier.until("unavailable").await, 503);
        for service in &self.services {
            assert_eq!(service.until("degraded").await, 200);
        }
        self.crowd.until_done(30).await;
    }

    /// All are ready, and who listens hears what is written now.
    async fn goes_on(&self) {
        for process in self.services.iter().chain([&self.notifier]) {
            assert_eq!(process.until("ready").await, 200);
        }
        self.crowd.until_done(30).await;
        self.subscriber.has_heard(Log::read(&self.house.database).await.end().0).await;
    }

    async fn ends_well(self) {
        let seen = self.crowd.seen();
        self.crowd.end().await;
        self.house.judge(&self.ledger).await;
        let [unanswered, unavailable] =
            [&seen.unanswered, &seen.unavailable].map(|n| n.load(Ordering::Relaxed));
        assert_eq!((unanswered, unavailable), (0, 0), "a write failed for want of Redis");
        let longest = seen.longest_millis.load(Ordering::Relaxed);
        assert!(longest < LONGEST_MILLIS, "an answer took {longest} ms");
        eprintln!("the longest answer took {longest} ms");
        self.subscriber.listening.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_killed_paused_or_emptied_fails_no_write_and_loses_no_subscriber() {
    let mut redis = RedisServer::start();
    let town = Town::with_redis_at(redis.address()).await;
    redis.kill();
    town.is_without_redis().await;
    redis.restart();
    town.goes_on().await;
    redis.pause();
    town.is_without_redis().await;
    redis.resume();
    town.goes_on().await;
    redis.flush();
    town.goes_on().await;
    town.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_to_redis_that_is_silent_cut_or_slow_fails_no_write_and_loses_no_subscriber() {
    let redis = RedisServer::start();
    let proxy = Proxy::to(redis.address()).await;
    let town = Town::with_redis_at(proxy.address()).await;
    proxy.stall();
    town.is_without_redis().await;
    proxy.flow();
    town.goes_on().await;
    proxy.refuse().await;
    proxy.cut();
    town.is_without_redis().await;
    proxy.accept().await;
    town.goes_on().await;
    proxy.slow(Duration::from_millis(20));
    town.goes_on().await;
    town.ends_well().await;
}

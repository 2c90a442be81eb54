//! PostgreSQL goes, keeps silent, is slow, and comes back: whoever writes meanwhile is told so in time, and every service
//! goes on by itself.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use holdfast_e2e::{Binary, Crowd, House, Ledger, Plan, Process};
use holdfast_testkit::{postgres::PostgresServer, proxy::Proxy};

/// Time-outs shorter than those of other tests: here they are waited for.
const IMPATIENT: [(&str, &str); 3] =
    [("DATABASE_WAIT_MILLIS", "1000"), ("LOCK_TIMEOUT_MILLIS", "1000"), ("STATEMENT_TIMEOUT_MILLIS", "2000")];

/// A write is answered within this, whatever becomes of PostgreSQL: 15 s before COMMIT and 10 s for it.
const LONGEST_MILLIS: u64 = 28_000;

/// Each binary that leans on PostgreSQL, and the crowd at those of them that take bookings.
struct Town {
    ledger: Arc<Ledger>,
    processes: [Process; 3],
    crowd: Crowd,
}

impl Town {
    async fn new(house: &House, database_url: &str) -> Self {
        let settings = [IMPATIENT.as_slice(), &[("DATABASE_URL", database_url)]].concat();
        let mut processes = Vec::new();
        for binary in [Binary::BookingApi, Binary::Holdfast, Binary::Validator] {
            let process = house.start_with(binary, &settings).await;
            process.until("ready").await;
            processes.push(process);
        }
        let Ok(processes) = <[Process; 3]>::try_from(processes) else { unreachable!("three were started") };
        let ledger = Arc::new(Ledger::default());
        let crowd =
            Crowd::start(Plan { users: 12, ..Plan::ENDLESS }, &[&processes[0], &processes[1]], &ledger);
        crowd.until_done(40).await;
        Self { ledger, processes, crowd }
    }

    /// Each says that it can't serve, and everybody who writes is told so.
    async fn is_away(&self) {
        for process in &self.processes {
            assert_eq!(process.until("unavailable").await, 503);
        }
        self.crowd.until_unavailable(24).await;
    }

    async fn is_back(&self) {
        for process in &self.processes {
            assert_eq!(process.until("ready").await, 200);
        }
        self.crowd.until_done(40).await;
    }

    /// Everybody was answered in time, and the log agrees.
    async fn ends_well(self, house: &House) {
        let seen = self.crowd.seen();
        self.crowd.end().await;
        house.judge(&self.ledger).await;
        assert_eq!(seen.unanswered.load(Ordering::Relaxed), 0);
        let longest = seen.longest_millis.load(Ordering::Relaxed);
        assert!(longest < LONGEST_MILLIS, "an answer took {longest} ms");
        eprintln!(
            "{} were told 503, the longest answer took {longest} ms",
            seen.unavailable.load(Ordering::Relaxed)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_goes_on_by_itself_after_each_way_to_stop_postgresql() {
    let mut server = PostgresServer::start();
    let house = House::on(&server).await;
    let town = Town::new(&house, &house.database.url()).await;
    for stop in [PostgresServer::kill, PostgresServer::stop_fast, PostgresServer::stop_immediate] {
        stop(&mut server);
        town.is_away().await;
        server.restart();
        town.is_back().await;
    }
    town.ends_well(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_goes_on_by_itself_when_its_connections_are_reset_and_refused_for_a_while_or_slow() {
    let server = PostgresServer::start();
    let house = House::on(&server).await;
    let proxy = Proxy::to(server.address()).await;
    let town = Town::new(&house, &house.database.url_by(proxy.address())).await;
    proxy.refuse().await;
    proxy.cut();
    town.is_away().await;
    proxy.accept().await;
    town.is_back().await;
    proxy.cut();
    proxy.slow(Duration::from_millis(20));
    town.is_back().await;
    proxy.flow();
    town.is_back().await;
    town.ends_well(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hangs_while_postgresql_keeps_silent_and_all_goes_on_when_it_speaks_again() {
    let server = PostgresServer::start();
    let house = House::on(&server).await;
    let proxy = Proxy::to(server.address()).await;
    let town = Town::new(&house, &house.database.url_by(proxy.address())).await;
    proxy.stall();
    town.is_away().await;
    proxy.flow();
    town.is_back().await;
    town.ends_well(&house).await;
}

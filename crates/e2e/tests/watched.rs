//! `holdfast watch` as an operator runs it: figures and changes of services at work, and a PostgreSQL that goes and returns.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Stdio;

use holdfast_e2e::{Binary, House};
use holdfast_testkit::postgres::PostgresServer;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::{Duration, timeout},
};

/// A running `holdfast watch`, and what it says.
struct Watch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn start(house: &House, arguments: &[&str]) -> Self {
        let mut command = Command::new(Binary::Holdfast.path());
        command
            .arg("watch")
            .args(arguments)
            .env_clear()
            .envs(house.servers())
            .env("DATABASE_WAIT_MILLIS", "1000");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The first line from here on for which that holds.
    async fn until(&mut self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let found = async {
            loop {
                let line =
                    self.lines.next_line().await.unwrap().unwrap_or_else(|| panic!("{what}: it ended"));
                if holds(&line) {
                    return line;
                }
            }
        };
        timeout(Duration::from_secs(30), found).await.unwrap_or_else(|_| panic!("{what}: it never says so"))
    }

    /// Ends it as Ctrl-C does.
    async fn interrupt(mut self) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &id]).status().await.unwrap().success());
        assert_eq!(self.child.wait().await.unwrap().code(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_what_is_accepted_and_granted_and_each_change_with_who_made_it() {
    let house = House::new().await;
    let (api, _validator) = (house.ready(Binary::BookingApi).await, house.ready(Binary::Validator).await);
    let alice = api.client().user("alice");
    assert_eq!(alice.book("Raum1", 1, 2).await.unwrap().status, 201);
    let (mut figures, mut changes) = (
        Watch::start(&house, &["--json"]),
        Watch::start(&house, &["--changes", "--after", "0", "--shard", "3"]),
    );
    figures.until("figures", |line| line.contains("\"open_wants\":0")).await;
    assert_eq!(alice.book("Raum1", 1, 3).await.unwrap().status, 201);
    let line =
        figures.until("an accepted booking", |line| !line.contains("\"accepted_per_second\":0.0")).await;
    let line: Value = serde_json::from_str(&line).unwrap();
    assert!(line["accepted_per_second"].as_f64().unwrap() > 0.0 && line["relay_lag"].is_i64(), "{line}");
    assert_eq!((&line["open_wants"], &line["granted_per_second"]), (&1.into(), &0.0.into()), "{line}");
    let first = changes.until("a booking", |line| line.contains("booking_created")).await;
    assert!(first.contains("  shard 3  seq 2  ") && first.ends_with("  by alice"), "{first}");
    changes.until("its grant", |line| line.contains("booking_validated") && line.ends_with("  by -")).await;
    changes.until("the other", |line| line.contains("booking_created")).await;
    figures.interrupt().await;
    changes.interrupt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_that_postgresql_went_and_goes_on_when_it_is_back() {
    let mut server = PostgresServer::start();
    let house = House::on(&server).await;
    let (mut figures, mut changes) = (Watch::start(&house, &[]), Watch::start(&house, &["--changes"]));
    figures.until("figures", |line| line.ends_with(" s")).await;
    server.stop_immediate();
    for watch in [&mut figures, &mut changes] {
        watch.until("it is away", |line| line.ends_with("going on when it answers")).await;
    }
    server.restart();
    for watch in [&mut figures, &mut changes] {
        watch.until("it is back", |line| line.ends_with("PostgreSQL answers")).await;
    }
    figures.until("figures again", |line| line.ends_with(" s")).await;
    let api = house.ready(Binary::BookingApi).await;
    assert_eq!(api.client().user("alice").book("Raum1", 1, 2).await.unwrap().status, 201);
    changes.until("a booking", |line| line.contains("booking_created")).await;
    figures.interrupt().await;
    changes.interrupt().await;
}

//! Streams that are lost, old, foreign or ahead, and what becomes of them: the stream is the log again, or nothing is
//! published there at all.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use holdfast_domain::{Fact, NO_TENANT, Seq};
use holdfast_relay::{Relay, Settings, Status};
use holdfast_store::{Database, HeadRow, LEAP, Lanes};
use holdfast_stream::{About, Doorbell, Entry, Logged, Streams};
use holdfast_testkit::{TestDatabase, create, eventually, hours, lane_settings, redis::TestRedis, shard};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// A log and its stream.
struct House {
    test: TestDatabase,
    redis: TestRedis,
    database: Database,
    lanes: Lanes,
    streams: Streams,
    booked: i64,
}

/// A relay at work.
struct Running {
    status: watch::Receiver<Status>,
    stopping: CancellationToken,
    task: JoinHandle<()>,
}

impl House {
    async fn new() -> Self {
        let (test, redis) = (TestDatabase::new().await, TestRedis::new());
        let database = test.database();
        let lanes = Lanes::new(database.clone(), lane_settings(), |_| {});
        let streams = Streams::connect(&redis.settings()).unwrap();
        Self { test, redis, database, lanes, streams, booked: 0 }
    }

    /// One whose stream has all of a log of so many bookings, and no relay.
    async fn told(bookings: i64) -> Self {
        let mut house = Self::new().await;
        house.book(bookings).await;
        let relay = house.relay();
        house.is_told().await;
        relay.stop().await;
        house
    }

    /// Books so many hours of one room, one after the other.
    async fn book(&mut self, bookings: i64) {
        for hour in self.booked..self.booked + bookings {
            self.lanes.create(create("alice", "Raum1", hours(hour, hour + 1))).await.unwrap();
        }
        self.booked += bookings;
    }

    fn relay(&self) -> Running {
        self.relay_with(100_000)
    }

    /// A relay that keeps streams of this length.
    fn relay_with(&self, length: u32) -> Running {
        let mut settings = self.redis.settings();
        settings.stream_length = length;
        let streams = Streams::connect(&settings).unwrap();
        let elsewhere = Doorbell::connect(&settings, About::Log).unwrap();
        let (relay, _) = Relay::new(&Settings { poll_millis: 10 }, self.database.clone(), streams);
        let (status, stopping) = (relay.status(), CancellationToken::new());
        let task = tokio::spawn(relay.run(elsewhere, stopping.clone()));
        Running { status, stopping, task }
    }

    async fn head(&self) -> HeadRow {
        self.database.head(shard()).await.unwrap()
    }

    /// The newest changes of the log above its floor, so many at most, as they are to be in the stream.
    async fn newest(&self, most: usize) -> Vec<Entry> {
        let log = self.database.log_after(shard(), self.head().await.floor, 10_000).await.unwrap();
        log.iter().skip(log.len().saturating_sub(most)).map(Entry::from).collect()
    }

    /// What stands in the stream; nothing when it has a hole, or is just being written.
    async fn stream(&self) -> Option<Vec<Entry>> {
        let length: i64 = self.command(&["XLEN"])[1..].parse().unwrap();
        let first = Seq(self.streams.last(shard()).await.unwrap().0 - length + 1).max(Seq(0));
        let page = self.streams.page(shard(), first, usize::try_from(length).unwrap()).await.ok()?;
        page.into_iter().collect()
    }

    /// A command about the stream.
    fn command(&self, words: &[&str]) -> String {
        let stream = self.redis.stream(shard());
        let (command, rest) = words.split_first().unwrap();
        self.redis.command(&[&[*command, stream.as_str()], rest].concat())
    }

    /// Waits until the stream is the log above its floor.
    async fn is_told(&self) {
        self.newest_are_told(usize::MAX).await;
    }

    async fn newest_are_told(&self, most: usize) {
        eventually("the stream is the log", async || {
            let told = self.stream().await?;
            (!told.is_empty() && told == self.newest(most).await).then_some(())
        })
        .await;
    }

    /// The leaps that the log tells of, each by where it left and where it arrived.
    async fn leaps(&self) -> Vec<(Seq, Seq)> {
        let log = self.test.log(shard()).await;
        let leap = |change: &holdfast_domain::Change| match change.fact {
            Fact::LogLeapt { from } => {
                assert_eq!(change.tenant_id, NO_TENANT);
                Some((from, change.seq))
            }
            _ => None,
        };
        log.iter().filter_map(leap).collect()
    }

    /// What follows in the stream, and was lost with the log that had it.
    async fn is_ahead_by(&self, changes: i64) {
        let last = self.newest(1).await.remove(0);
        let next = |seq| {
            let entry = Entry { seq: Seq(seq), ..last.clone() };
            Logged { fingerprint: format!("lost {seq}"), entry }
        };
        let all = self.database.log_after(shard(), last.seq.previous(), 1).await.unwrap();
        let lost = (last.seq.0 + 1..=last.seq.0 + changes).map(next);
        let run: Vec<Logged> = all.iter().map(Logged::from).chain(lost).collect();
        self.streams.append(shard(), &run).await.unwrap();
    }
}

impl Running {
    async fn until(&mut self, status: Status) {
        eventually("it says so", async || (*self.status.borrow() == status).then_some(())).await;
    }

    async fn stop(self) {
        self.stopping.cancel();
        self.task.await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_that_was_lost_is_filled_again_and_gone_on_with() {
    let mut house = House::told(5).await;
    let _relay = house.relay();
    house.command(&["DEL"]);
    house.is_told().await;
    house.book(1).await;
    house.is_told().await;
    assert_eq!(house.leaps().await, []);
}

#[tokio::test]
async fn so_is_one_that_was_trimmed_to_nothing_and_one_that_is_half_there() {
    let mut house = House::told(5).await;
    house.command(&["XTRIM", "MAXLEN", "0"]);
    house.book(1).await;
    let relay = house.relay();
    house.is_told().await;
    relay.stop().await;

    // As a relay leaves it that dies while it fills.
    house.command(&["DEL"]);
    let log = house.database.log_after(shard(), Seq(0), 3).await.unwrap();
    let begun: Vec<Logged> = log.iter().map(Logged::from).collect();
    house.streams.refill(shard(), Seq(0), &begun).await.unwrap();
    let _relay = house.relay();
    house.is_told().await;
    assert_eq!(house.leaps().await, []);
}

#[tokio::test]
async fn one_that_is_too_far_behind_is_filled_with_the_newest_and_no_more() {
    let mut house = House::told(2).await;
    house.book(60).await;
    let _relay = house.relay_with(50);
    house.newest_are_told(50).await;
}

#[tokio::test]
async fn one_that_ends_below_the_floor_of_the_log_begins_above_it() {
    let mut house = House::told(2).await;
    house.book(8).await;
    let sql = "DELETE FROM changes WHERE seq <= 6; UPDATE heads SET floor = 6 WHERE seq > 6";
    house.test.sql(sql).await;
    let _relay = house.relay();
    house.is_told().await;
    assert_eq!(house.newest(100).await[0].seq, Seq(7));
}

#[tokio::test]
async fn a_stream_that_is_ahead_has_the_log_leap_and_is_filled_from_there() {
    let mut house = House::told(5).await;
    let end = house.head().await.seq;
    house.is_ahead_by(3).await;
    let _relay = house.relay();
    house.is_told().await;
    let head = house.head().await;
    assert!(head.seq.0 > end.0 + 3 + LEAP && head.floor == head.seq.previous());
    assert_eq!(house.leaps().await, [(end, head.seq)]);
    house.book(3).await;
    house.is_told().await;
    let faults = house.test.replay(shard()).await.faults;
    // Nobody decides here.
    assert!(faults.iter().all(|fault| fault.starts_with("P4: at rest")), "{faults:?}");
}

#[tokio::test]
async fn so_has_one_that_the_log_has_outgrown_since_it_came_back_from_the_past() {
    let mut house = House::told(5).await;
    let end = house.head().await.seq;
    house.is_ahead_by(2).await;
    house.book(4).await;
    let grown = house.head().await.seq;
    let _relay = house.relay();
    house.is_told().await;
    assert_eq!((end.0 + 4, house.leaps().await), (grown.0, vec![(grown, house.head().await.seq)]));
}

#[tokio::test]
async fn one_that_a_stranger_ended_beyond_all_positions_is_filled_anew_and_shows_nothing() {
    let mut house = House::told(5).await;
    house.command(&["XADD", &format!("{}-7", u64::MAX), "by", "a stranger"]);
    let _relay = house.relay();
    house.is_told().await;
    house.book(1).await;
    house.is_told().await;
    assert_eq!(house.leaps().await, []);
}

#[tokio::test]
async fn a_log_on_another_server_leaps_where_no_stream_shows_that_it_is_whole() {
    let house = House::told(5).await;
    let end = house.head().await.seq;
    // Restored to another timeline; the stream goes on from the log, so it is the same log.
    house.test.sql("UPDATE installation SET timeline = timeline + 1").await;
    let settled = async || house.database.installation().await.unwrap().unsettled().is_none();
    let relay = house.relay();
    eventually("it is settled", async || settled().await.then_some(())).await;
    relay.stop().await;
    assert_eq!(house.leaps().await, []);
    // The shards that nobody has written to have no streams.
    let heads = house.database.heads().await.unwrap();
    assert!(heads.iter().all(|head| head.shard == shard() || head.seq.0 > LEAP));

    house.test.sql("UPDATE installation SET timeline = timeline + 1").await;
    house.command(&["DEL"]);
    let _relay = house.relay();
    house.is_told().await;
    eventually("it is settled", async || settled().await.then_some(())).await;
    assert_eq!(house.leaps().await, [(end, house.head().await.seq)]);
}

#[tokio::test]
async fn under_another_installations_streams_nothing_is_published_and_nothing_leaps() {
    let mut house = House::told(2).await;
    house.is_ahead_by(1).await;
    let owner = house.redis.owner();
    house.redis.command(&["SET", &owner, "somebody else"]);
    let before = house.stream().await;
    let mut relay = house.relay();
    relay.until(Status::NotOurs).await;
    house.book(3).await;
    assert_eq!((house.stream().await, house.leaps().await), (before, vec![]));
    // Set right by an operator.
    house.redis.command(&["DEL", &owner]);
    relay.until(Status::Copying).await;
    house.is_told().await;
    assert_eq!(house.leaps().await.len(), 1);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_relays_fill_a_stream_and_have_a_log_leap_once() {
    let mut house = House::told(40).await;
    let relays: Vec<Running> = (0..4).map(|_| house.relay()).collect();
    for _ in 0..5 {
        house.command(&["DEL"]);
        house.book(1).await;
        house.is_told().await;
    }
    for relay in relays {
        relay.stop().await;
    }
    assert_eq!(house.leaps().await, []);
    for times in 1..=5 {
        house.is_ahead_by(2).await;
        let relays: Vec<Running> = (0..4).map(|_| house.relay()).collect();
        house.is_told().await;
        house.book(1).await;
        house.is_told().await;
        for relay in relays {
            relay.stop().await;
        }
        assert_eq!(house.leaps().await.len(), times);
    }
    let heads = house.database.heads().await.unwrap();
    assert!(heads.iter().all(|head| head.shard == shard() || head.seq == Seq(0)));
}

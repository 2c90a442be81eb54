//! A PostgreSQL that keeps its connections and says nothing: whoever asks gets an end, and a connection on which an answer
//! is owed serves nobody else.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use futures_util::{FutureExt, future::join_all};
use holdfast_domain::Seq;
use holdfast_store::{Database, Lanes, Settings, StepLimits};
use holdfast_testkit::{
    TestDatabase, create, eventually, hours, keyed, lane_settings, postgres::PostgresServer, proxy::Proxy,
    shard,
};
use tokio::time::timeout;

/// Longer than the longest of the store's own time-outs, which is that of a transaction before its COMMIT.
const AT_LAST: Duration = Duration::from_secs(25);

struct Scene {
    test: TestDatabase,
    proxy: Proxy,
    database: Database,
    _server: PostgresServer,
}

/// A server behind a line that can be stalled, with connections that are open.
async fn scene() -> Scene {
    let server = PostgresServer::start();
    let test = TestDatabase::on(&server).await;
    let proxy = Proxy::to(server.address()).await;
    let settings = Settings {
        database_url: test.url_by(proxy.address()).parse().unwrap(),
        database_pool_size: 8.try_into().unwrap(),
        database_wait_millis: 1_000,
        statement_timeout_millis: 500,
        lock_timeout_millis: 500,
        ..test.settings()
    };
    let database = Database::new(&settings).unwrap();
    let warm_up = join_all((0..8).map(|_| database.heads())).await;
    assert!(warm_up.iter().all(Result::is_ok));
    Scene { test, proxy, database, _server: server }
}

#[tokio::test]
async fn whatever_is_asked_of_a_silent_server_ends_in_time() {
    let Scene { proxy, database, .. } = &scene().await;
    proxy.stall();
    let asked = [
        ("heads", database.heads().map(|answer| answer.is_err()).boxed()),
        ("head", database.head(shard()).map(|answer| answer.is_err()).boxed()),
        ("log", database.log_after(shard(), Seq(0), 10).map(|answer| answer.is_err()).boxed()),
        ("look", database.look(shard(), StepLimits::default(), Seq(0)).map(|answer| answer.is_err()).boxed()),
        ("ready", database.ready().map(|answer| answer.is_err()).boxed()),
        ("overlooked", database.overlooked(shard()).map(|answer| answer.is_err()).boxed()),
        (
            "bookings",
            database.bookings_by_id(holdfast_domain::DEFAULT_TENANT, &[]).map(|a| a.is_err()).boxed(),
        ),
        ("step", database.step(shard(), StepLimits::default()).map(|answer| answer.is_err()).boxed()),
        ("leap", database.leap(shard(), Seq(0), Seq(0)).map(|answer| answer.is_err()).boxed()),
        ("clock", database.set_clock_back(shard()).map(|answer| answer.is_err()).boxed()),
        ("installation", database.installation().map(|answer| answer.is_err()).boxed()),
        ("prune", database.prune(shard(), time::Duration::ZERO).map(|answer| answer.is_err()).boxed()),
    ];
    join_all(asked.map(async |(what, answer)| {
        let failed = timeout(AT_LAST, answer).await.unwrap_or_else(|_| panic!("{what} hangs"));
        assert!(failed, "{what} was answered");
    }))
    .await;
    proxy.flow();
    eventually("it is answered again", async || database.heads().await.ok()).await;
}

#[tokio::test]
async fn who_has_waited_for_a_batch_that_got_no_answer_does_not_wait_as_long_again_for_the_next() {
    let Scene { proxy, database, .. } = &scene().await;
    let lanes = Lanes::new(database.clone(), lane_settings(), |_| {});
    proxy.stall();
    // Twins never travel together.
    let twin = || {
        let mut twin = create("alice", "Raum1", hours(1, 2));
        twin.order.key = keyed("key", 1);
        lanes.create(twin)
    };
    let twins = timeout(AT_LAST, join_all([twin(), twin()])).await.expect("both are answered");
    assert!(twins.iter().all(Result::is_err), "{twins:?}");
    proxy.flow();
    eventually("it is booked", async || twin().await.ok()).await;
}

#[tokio::test]
async fn a_connection_on_which_an_answer_is_owed_is_closed() {
    let Scene { test, proxy, database, .. } = &scene().await;
    proxy.stall_answers();
    // Given up by the store, and by whoever asked.
    let given_up = join_all((0..4).map(|_| database.heads()));
    let left = join_all((0..4).map(|_| timeout(Duration::from_millis(300), database.head(shard()))));
    let (given_up, left) =
        timeout(AT_LAST, async { futures_util::join!(given_up, left) }).await.expect("an end");
    assert!(given_up.iter().all(Result::is_err) && left.iter().all(Result::is_err));
    proxy.flow();
    let client = test.client().await;
    let sessions = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name = 'holdfast'";
    eventually("they are closed", async || {
        let sessions = client.query_one(sessions, &[]).await.unwrap().get::<_, i64>(0);
        (sessions == 0).then_some(())
    })
    .await;
}

//! Reads among writes: never all connections, and none that is still busy.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use holdfast_domain::DEFAULT_TENANT;
use holdfast_store::Lanes;
use holdfast_testkit::{TestDatabase, create, eventually, hours, lane_settings};
use tokio::time::timeout;

/// Connections of ours that ask for venues.
async fn asking(test: &TestDatabase) -> i64 {
    let count = "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND state = 'active' AND query LIKE '%FROM venues%'
                    AND pid <> pg_backend_pid()";
    test.client().await.query_one(count, &[]).await.expect("a count").get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_read_a_write_finds_a_connection() {
    let test = TestDatabase::new().await;
    let database = test.database();
    let lanes = Lanes::new(database.clone(), lane_settings(), |_| {});
    lanes.create(create("alice", "Raum1", hours(1, 2))).await.expect("a booking");
    let holder = test.client().await;
    holder.batch_execute("BEGIN; LOCK TABLE venues IN ACCESS EXCLUSIVE MODE").await.expect("the table");
    let ended = AtomicUsize::new(0);
    let reads = join_all((0..20).map(async |_| {
        let read = database.venues(DEFAULT_TENANT, None, 10).await;
        ended.fetch_add(1, Ordering::Relaxed);
        read
    }));
    let write = async {
        eventually("some read", async || (asking(&test).await >= 2).then_some(())).await;
        lanes.create(create("alice", "Raum1", hours(2, 3))).await
    };
    tokio::select! {
        _ = reads => panic!("they wait for the table"),
        written = write => { written.expect("a booking"); }
    }
    assert_eq!(ended.into_inner(), 0, "the write has waited for a read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_whose_caller_has_left_keeps_nobody_waiting() {
    let test = TestDatabase::new().await;
    let database = test.database();
    let holder = test.client().await;
    holder.batch_execute("BEGIN; LOCK TABLE venues IN ACCESS EXCLUSIVE MODE").await.expect("the table");
    for _ in 0..6 {
        let left = timeout(Duration::from_millis(100), database.venues(DEFAULT_TENANT, None, 10)).await;
        assert!(left.is_err(), "{left:?}");
    }
    // Whoever got one of those connections would wait behind the read that nobody wants any more.
    let asked = timeout(Duration::from_secs(5), database.heads()).await.expect("an answer in time");
    assert!(asked.is_ok(), "{asked:?}");
}

//! `holdfast verify` as an operator runs it: beside services at work, and on a database that was damaged.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Output;

use holdfast_e2e::{Binary, House};
use holdfast_testkit::eventually;
use serde_json::Value;
use tokio::process::Command;

/// What `holdfast verify` says of a database, with these arguments.
async fn verify(url: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(Binary::Holdfast.path());
    command.arg("verify").args(arguments).env_clear().env("DATABASE_URL", url).kill_on_drop(true);
    command.output().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_at_work_is_clean_and_one_that_was_damaged_is_not_and_one_that_is_away_is_neither() {
    let house = House::new().await;
    let (api, _validator) = (house.ready(Binary::BookingApi).await, house.ready(Binary::Validator).await);
    let alice = api.client().user("alice");
    let booked = async {
        for hour in 0..60 {
            let room = format!("Raum{}", hour % 3);
            assert_eq!(alice.book(&room, hour, hour + 4).await.unwrap().status, 201);
        }
    };
    let verified = async {
        // Something must be there to be judged.
        eventually("some are booked", async || {
            let all = alice.get("/api/v1/bookings").await.ok()?;
            (all.body.as_array()?.len() > 9).then_some(())
        })
        .await;
        verify(&house.database.url(), &["--json"]).await
    };
    let ((), output) = tokio::join!(booked, verified);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&verdict["clean"], &verdict["finds"]), (&true.into(), &Value::Array(Vec::new())));
    assert!(verdict["figures"]["checks"]["P2"].as_i64().unwrap() > 9, "{verdict}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "neither a bar where nobody looks, nor a log");

    house.database.sql("DELETE FROM changes WHERE type = 'booking_created' AND seq > 5").await;
    let output = verify(&house.database.url(), &["--finds-max", "2"]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("log  shard 3 seq") && told.contains("more (--finds-max)"), "{told}");

    let elsewhere = format!("{}_that_is_not_there", house.database.url());
    let output = verify(&elsewhere, &[]).await;
    assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_that_is_cut_short_says_so_and_does_not_look_clean() {
    let house = House::new().await;
    let (database, client) = (&house.database, house.database.client().await);
    // It waits for whoever holds the table, and is told to stop there.
    client.batch_execute("BEGIN; LOCK TABLE changes IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let mut command = Command::new(Binary::Holdfast.path());
    command.arg("verify").env_clear().env("DATABASE_URL", database.url()).kill_on_drop(true);
    command.env("LOCK_TIMEOUT_MILLIS", "60000").env("STATEMENT_TIMEOUT_MILLIS", "60000");
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let watcher = database.client().await;
    eventually("it waits", async || {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        (watcher.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) > 0).then_some(())
    })
    .await;
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &id]).status().await.unwrap().success());
    let output = child.wait_with_output().await.unwrap();
    assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("Not verified: cut short after 0 of 0 changes."), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_that_nobody_reads_does_not_look_clean_and_does_not_panic() {
    let house = House::new().await;
    for arguments in [&[][..], &["--json"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(Binary::Holdfast.path());
        command.arg("verify").args(arguments).env_clear().env("DATABASE_URL", house.database.url());
        command.stdout(writer).stderr(std::process::Stdio::piped()).kill_on_drop(true);
        let output = command.spawn().unwrap().wait_with_output().await.unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("Broken pipe") && !told.contains("panicked"), "{told}");
    }
}

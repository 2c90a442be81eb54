//! A signal reaches every lifecycle of a process, so what it does is tried in a process of its own.
#![expect(clippy::unwrap_used, reason = "clippy takes a helper of a test for no test")]

use std::{future::pending, io, process, time::Duration};

use holdfast_runtime::lifecycle::{BoxError, Lifecycle, Stage};
use tokio::signal::unix::{SignalKind, signal};

fn terminate_self() {
    let status = process::Command::new("kill").args(["-TERM", &process::id().to_string()]).status();
    assert!(status.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_during_the_start_stops_what_has_been_started_though_it_comes_twice() {
    let lifecycle = Lifecycle::new(Duration::from_mins(1)).unwrap();
    let tasks = lifecycle.tasks(Stage::Http);
    let ended = lifecycle.run(async {
        let stopping = tasks.stopping();
        let mut terminate = signal(SignalKind::terminate())?;
        tasks.spawn("http", async move {
            stopping.cancelled().await;
            terminate.recv().await;
            // As a script does that passes on what the terminal has sent to everybody.
            terminate_self();
            terminate.recv().await;
            Ok::<_, BoxError>(())
        });
        terminate_self();
        pending::<Result<(), io::Error>>().await
    });
    tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap().unwrap();
}

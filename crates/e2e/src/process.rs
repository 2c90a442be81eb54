//! One process under test: from its start, over the port that it takes, to its exit.
//!
//! Owns the child and what it says on stderr. Every wait ends.

use std::{
    net::SocketAddr,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use holdfast_testkit::eventually;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStderr, Command},
    task::JoinHandle,
    time::timeout,
};

use crate::{Binary, Client};

/// How long a process may take to end: more than its own `SHUTDOWN_SECONDS`.
const EXIT_WAIT: Duration = Duration::from_mins(1);

/// A running process; killed when it is dropped.
pub struct Process {
    binary: Binary,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reading: JoinHandle<()>,
    address: SocketAddr,
}

impl Process {
    /// Starts it with these settings and no others, and waits until it listens.
    ///
    /// # Panics
    /// When it ends before.
    pub async fn start(binary: Binary, settings: &[(&str, &str)]) -> Self {
        let arguments: &[&str] = if binary == Binary::Holdfast { &["run"] } else { &[] };
        Self::start_as(binary, arguments, settings).await
    }

    /// The same with these arguments.
    ///
    /// # Panics
    /// When it ends before.
    pub async fn start_as(binary: Binary, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(binary.path());
        command.args(arguments);
        command.env_clear().env("HTTP_PORT", "0").envs(settings.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let reading = tokio::spawn(read(child.stderr.take().unwrap(), Arc::clone(&lines)));
        let address = eventually("it listens", async || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "{} ended: {:#?}", binary.name(), lines.lock().unwrap());
            address(&lines.lock().unwrap())
        })
        .await;
        Self { binary, child, lines, reading, address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Somebody who speaks to it.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// What it has logged so far.
    pub fn log(&self) -> Vec<Value> {
        self.lines.lock().unwrap().iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits until `/readyz` says this status, such as `ready`; gives the code that came with it.
    ///
    /// # Panics
    /// When it never does.
    pub async fn until(&self, status: &str) -> u16 {
        let client = self.client();
        eventually(status, async || {
            let answer = client.get("/readyz").await.ok()?;
            (answer.body["status"] == status).then_some(answer.status)
        })
        .await
    }

    /// Whatever it has said so far, line by line.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// How it ended, if it has.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Tells it to stop, and waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM").await;
        self.ended().await
    }

    /// Stops it where it stands, its connections open.
    ///
    /// # Panics
    /// When it has ended.
    pub async fn pause(&self) {
        self.signal("STOP").await;
    }

    /// Has it go on.
    ///
    /// # Panics
    /// When it has ended.
    pub async fn resume(&self) {
        self.signal("CONT").await;
    }

    /// Kills it, as a power cut would.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn kill(mut self) {
        self.kill_and_keep().await;
    }

    /// The same, for who wants to know what it said.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn kill_and_keep(&mut self) {
        self.child.start_kill().unwrap();
        self.ended().await;
    }

    async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await.unwrap();
        assert!(sent.success(), "{} could not be sent {name}", self.binary.name());
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = timeout(EXIT_WAIT, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("{} does not end", self.binary.name())).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.reading.abort();
        if std::thread::panicking()
            && let Ok(lines) = self.lines.lock()
        {
            eprintln!("{} at {} said:\n{}", self.binary.name(), self.address, lines.join("\n"));
        }
    }
}

/// Keeps whatever is said there, line by line.
pub(crate) async fn read(stderr: ChildStderr, lines: Arc<Mutex<Vec<String>>>) {
    let mut reader = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = reader.next_line().await {
        lines.lock().unwrap().push(line);
    }
}

/// The address that the log tells.
fn address(lines: &[String]) -> Option<SocketAddr> {
    let mut entries = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let listening = entries.find(|entry| entry["message"] == "listening")?;
    listening["address"].as_str()?.parse().ok()
}

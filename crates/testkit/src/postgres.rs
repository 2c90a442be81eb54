//! A PostgreSQL of one's own, that a test may stop, kill, pause and start again. What was committed is there again, as
//! after any crash but a power cut.
//!
//! It runs as `deploy/local-stack` runs one for tests. Never the server of `DATABASE_URL`.

#![expect(clippy::unwrap_used, reason = "tests only: a failure is a panic")]

use std::{
    env,
    fs::{File, create_dir, metadata, read_dir, remove_dir_all},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::Signal;
use uuid::Uuid;

use crate::process::{children, free_port, signal, until};

/// How long a server may take to start, with what it has to recover, or to stop.
const WAIT: Duration = Duration::from_mins(1);

/// Where Debian keeps each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// A server of one's own; stopped and removed with the value.
#[derive(Debug)]
pub struct PostgresServer {
    port: u16,
    directory: PathBuf,
    settings: Vec<String>,
    process: Option<Child>,
}

impl PostgresServer {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When PostgreSQL is missing, or does not start.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with these settings in the place of its own, such as `("tcp_user_timeout", "2s")`.
    ///
    /// # Panics
    /// When PostgreSQL is missing, or does not start.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let directory = env::temp_dir().join(format!("holdfast-postgres-{}", Uuid::now_v7().simple()));
        create_dir(&directory).unwrap();
        if is_root() {
            let [uid, gid] = ["-u", "-g"].map(id_of_postgres);
            chown(&directory, Some(uid), Some(gid)).unwrap();
        }
        std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o700)).unwrap();
        let settings = settings.iter().map(|(name, value)| format!("--{name}={value}")).collect();
        let mut server = Self { port: free_port(), directory, settings, process: None };
        let made = server
            .command("initdb")
            .args(["--username=holdfast", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"])
            .args(["--no-sync", "-D"])
            .arg(server.data())
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        server.restart();
        server
    }

    /// Its address, with a database that is nobody's.
    pub fn url(&self) -> String {
        format!("postgres://holdfast@127.0.0.1:{}/postgres", self.port)
    }

    /// Its address, for a proxy.
    pub fn address(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Kills all of its processes at once.
    pub fn kill(&mut self) {
        let Some(process) = &self.process else { return };
        // It starts no others meanwhile.
        signal(process.id(), Signal::STOP);
        for child in children(process.id()) {
            signal(child, Signal::KILL);
        }
        self.stop(Signal::KILL);
    }

    /// Ends all sessions, and shuts down in order.
    pub fn stop_fast(&mut self) {
        self.resume();
        self.stop(Signal::INT);
    }

    /// Ends all sessions and stops where it is: the next start recovers.
    pub fn stop_immediate(&mut self) {
        self.resume();
        self.stop(Signal::QUIT);
    }

    /// Starts it again on the same port, killed before if it runs, and waits until it takes connections.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.kill();
        let log = File::options().append(true).create(true).open(self.directory.join("log")).unwrap();
        let process = self
            .command("postgres")
            .arg("-D")
            .arg(self.data())
            .arg(format!("--port={}", self.port))
            .args(["--listen_addresses=127.0.0.1", "--unix_socket_directories=", "--max_connections=200"])
            .args(["--fsync=off", "--full_page_writes=off", "--timezone=UTC", "--tcp_user_timeout=10s"])
            .args(&self.settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(process);
        until("PostgreSQL starts", WAIT, || {
            let ended = self.process.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "PostgreSQL ended: {ended:?}\n{}", self.log());
            self.takes_connections()
        });
    }

    /// Stops all of its processes where they stand (SIGSTOP): who asks them gets no answer, and no refusal.
    pub fn pause(&self) {
        let Some(process) = &self.process else { return };
        signal(process.id(), Signal::STOP);
        for child in children(process.id()) {
            signal(child, Signal::STOP);
        }
    }

    /// Has them go on.
    pub fn resume(&self) {
        let Some(process) = &self.process else { return };
        for child in children(process.id()).into_iter().chain([process.id()]) {
            signal(child, Signal::CONT);
        }
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    fn stop(&mut self, how: Signal) {
        let Some(mut process) = self.process.take() else { return };
        signal(process.id(), how);
        until("PostgreSQL stops", WAIT, || process.try_wait().unwrap().is_some());
    }

    fn takes_connections(&self) -> bool {
        let asked = self
            .command("pg_isready")
            .args(["--quiet", "--host=127.0.0.1", &format!("--port={}", self.port)])
            .status();
        asked.unwrap().success()
    }

    /// One of PostgreSQL's programs, as a user whom it accepts: root it refuses.
    fn command(&self, program: &str) -> Command {
        let program = programs().join(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(&self.directory);
        command
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.kill();
        // What is left over lies in the temporary directory.
        let _ = remove_dir_all(&self.directory);
    }
}

/// Where `initdb` and the like are.
#[expect(clippy::disallowed_methods, reason = "tests have no settings to parse")]
fn programs() -> PathBuf {
    if let Ok(programs) = env::var("HOLDFAST_PG_BIN") {
        return programs.into();
    }
    let versions = read_dir(VERSIONS)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let newest = versions.max().expect("PostgreSQL is missing: `make test` says how to install it");
    Path::new(VERSIONS).join(newest.to_string()).join("bin")
}

fn is_root() -> bool {
    metadata("/proc/self").unwrap().uid() == 0
}

fn id_of_postgres(which: &str) -> u32 {
    let said = Command::new("id").args([which, "postgres"]).output().unwrap();
    String::from_utf8_lossy(&said.stdout).trim().parse().expect("there is a user postgres")
}

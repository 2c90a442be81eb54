//! A Redis of one's own: a prefix on the shared server, or a server that a test may kill.
//!
//! Speaks to Redis in the few plain words that a test needs, so that it leans on nothing that it tests.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests only: a failure is a panic, and the environment says where the server is"
)]

use std::{
    env,
    fs::{create_dir, read, remove_dir_all, remove_file, write},
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use holdfast_domain::Shard;
use holdfast_stream::Settings;
use rustix::process::Signal;
use uuid::Uuid;

use crate::process::{free_port, signal, until};

/// How long a server may take to start.
const START_WAIT: Duration = Duration::from_secs(10);

/// How long an answer may take.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// What a server writes its data to, and reads them from when it starts.
const FILE: &str = "dump.rdb";

/// A prefix of one's own on the server at `REDIS_URL`; its streams are deleted at the end.
#[derive(Debug)]
pub struct TestRedis {
    /// The server's address.
    pub url: String,
    /// What this test's keys begin with.
    pub prefix: String,
}

/// A server of one's own, that a test may kill and start again. It keeps nothing over that but what it is given.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    directory: PathBuf,
    process: Option<Child>,
}

/// All that a server held at a moment.
#[derive(Clone)]
pub struct Dump(Vec<u8>);

impl TestRedis {
    /// # Panics
    /// When `REDIS_URL` is missing.
    #[expect(clippy::new_without_default, reason = "each is another")]
    pub fn new() -> Self {
        let url = env::var("REDIS_URL").expect("REDIS_URL is missing: run the tests with `make test`");
        Self { url, prefix: format!("test-{}", Uuid::now_v7().simple()) }
    }

    /// Settings of this prefix.
    pub fn settings(&self) -> Settings {
        settings(&self.url, &self.prefix)
    }

    /// The name of a shard's stream.
    pub fn stream(&self, shard: Shard) -> String {
        format!("{}:{{{shard}}}:changes", self.prefix)
    }

    /// The name of the key that says whose the streams are.
    pub fn owner(&self) -> String {
        format!("{}:owner", self.prefix)
    }

    /// Runs a command, and answers the first line of what the server says.
    pub fn command(&self, words: &[&str]) -> String {
        command(&self.url, words)
    }

    /// Deletes all that is under the prefix.
    pub fn lose(&self) {
        let mut keys: Vec<String> = Shard::all().map(|shard| self.stream(shard)).collect();
        keys.push(self.owner());
        let words: Vec<&str> = ["DEL"].into_iter().chain(keys.iter().map(String::as_str)).collect();
        self.command(&words);
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        self.lose();
    }
}

impl RedisServer {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When there is no `redis-server`.
    pub fn start() -> Self {
        let port = free_port();
        let directory = env::temp_dir().join(format!("holdfast-redis-{}", Uuid::now_v7().simple()));
        create_dir(&directory).unwrap();
        let mut server = Self { port, directory, process: None };
        server.restart();
        server
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Settings of this server.
    pub fn settings(&self) -> Settings {
        settings(&self.url(), "test")
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Starts it again on the same port, empty; killed before if it runs.
    pub fn restart(&mut self) {
        self.kill();
        // There is none unless it was asked to write one.
        let _ = remove_file(self.directory.join(FILE));
        self.launch();
    }

    /// Starts it again on the same port with what it held then; killed before if it runs.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart_from(&mut self, dump: &Dump) {
        self.kill();
        write(self.directory.join(FILE), &dump.0).unwrap();
        self.launch();
    }

    /// A copy of all that it holds now.
    ///
    /// # Panics
    /// When it does not write it.
    pub fn dump(&self) -> Dump {
        assert_eq!(self.command(&["SAVE"]), "+OK");
        Dump(read(self.directory.join(FILE)).unwrap())
    }

    /// Empties it.
    ///
    /// # Panics
    /// When it refuses.
    pub fn flush(&self) {
        assert_eq!(self.command(&["FLUSHALL"]), "+OK");
    }

    /// Stops it where it stands (SIGSTOP): who asks it gets no answer, and no refusal.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Has it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Its address, for a proxy.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Runs a command, and answers the first line of what the server says.
    pub fn command(&self, words: &[&str]) -> String {
        command(&self.url(), words)
    }

    fn launch(&mut self) {
        // As `make test` found it: Debian's package redis-tools has it under another name.
        let program = env::var("HOLDFAST_REDIS_SERVER").unwrap_or_else(|_| "redis-server".into());
        let process = Command::new(program)
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .current_dir(&self.directory)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is missing: `make test` says how to install it");
        self.process = Some(process);
        until("redis-server starts", START_WAIT, || {
            // It may listen, and be reading yet, or hang up on who comes too early.
            try_command(&self.url(), &["PING"]).is_ok_and(|answer| answer == "+PONG")
        });
    }

    fn signal(&self, which: Signal) {
        if let Some(process) = &self.process {
            signal(process.id(), which);
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        // What is left over lies in the temporary directory.
        let _ = remove_dir_all(&self.directory);
    }
}

fn settings(url: &str, prefix: &str) -> Settings {
    let Ok(url) = url.parse();
    Settings { url, prefix: prefix.to_owned(), stream_length: 100_000 }
}

fn command(url: &str, words: &[&str]) -> String {
    try_command(url, words).unwrap()
}

fn try_command(url: &str, words: &[&str]) -> io::Result<String> {
    let address = url.trim_start_matches("redis://").trim_end_matches('/');
    let (password, address) = address.rsplit_once('@').unwrap_or(("", address));
    let address = address.split('/').next().unwrap_or(address);
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER_WAIT))?;
    if let Some((_, password)) = password.split_once(':') {
        say(&mut stream, &["AUTH", password])?;
    }
    say(&mut stream, words)
}

fn say(stream: &mut TcpStream, words: &[&str]) -> io::Result<String> {
    write!(stream, "*{}\r\n", words.len())?;
    for word in words {
        write!(stream, "${}\r\n{word}\r\n", word.len())?;
    }
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

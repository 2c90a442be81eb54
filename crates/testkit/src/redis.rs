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
    fs::{create_dir, remove_dir_all},
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use holdfast_domain::Shard;
use holdfast_stream::Settings;
use uuid::Uuid;

/// How long a server may take to start.
const START_WAIT: Duration = Duration::from_secs(10);

/// A prefix of one's own on the server at `REDIS_URL`; its streams are deleted at the end.
#[derive(Debug)]
pub struct TestRedis {
    /// The server's address.
    pub url: String,
    /// What this test's keys begin with.
    pub prefix: String,
}

/// A server of one's own, that a test may kill and start again. It keeps nothing over that.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    directory: PathBuf,
    process: Option<Child>,
}

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
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        self.lose();
    }
}

impl TestRedis {
    /// Deletes all that is under the prefix.
    pub fn lose(&self) {
        let mut keys: Vec<String> = Shard::all().map(|shard| self.stream(shard)).collect();
        keys.push(self.owner());
        let words: Vec<&str> = ["DEL"].into_iter().chain(keys.iter().map(String::as_str)).collect();
        self.command(&words);
    }
}

impl RedisServer {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When there is no `redis-server`.
    pub fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
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

    /// Starts it again on the same port, empty.
    pub fn restart(&mut self) {
        self.kill();
        let process = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .current_dir(&self.directory)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is missing: `make test` says how to install it");
        self.process = Some(process);
        let given_up = Instant::now() + START_WAIT;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < given_up, "redis-server does not start");
            sleep(Duration::from_millis(10));
        }
    }

    /// Runs a command, and answers the first line of what the server says.
    pub fn command(&self, words: &[&str]) -> String {
        command(&self.url(), words)
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
    let address = url.trim_start_matches("redis://").trim_end_matches('/');
    let (password, address) = address.rsplit_once('@').unwrap_or(("", address));
    let address = address.split('/').next().unwrap_or(address);
    let mut stream = TcpStream::connect(address).unwrap();
    if let Some((_, password)) = password.split_once(':') {
        say(&mut stream, &["AUTH", password]);
    }
    say(&mut stream, words)
}

fn say(stream: &mut TcpStream, words: &[&str]) -> String {
    write!(stream, "*{}\r\n", words.len()).unwrap();
    for word in words {
        write!(stream, "${}\r\n{word}\r\n", word.len()).unwrap();
    }
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

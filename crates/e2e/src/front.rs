//! The real proxy with the configuration that is deployed, in front of whoever stands under the names that it asks for.
//!
//! Owns its process and its ports. Never a configuration: what is set here is what an operator may set too.

use std::{
    io::Write as _,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Command as StdCommand, Stdio},
    sync::{Arc, Mutex, OnceLock},
};

use holdfast_testkit::{eventually, free_port};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    task::JoinHandle,
};

use crate::{Client, Names, process::read, root};

/// How `deploy/debian-tool` says that there is no way to get what is missing.
const NO_WAY: i32 = 3;

/// A running proxy; killed when it is dropped.
pub struct Front {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reading: JoinHandle<()>,
    address: SocketAddr,
    metrics: SocketAddr,
}

impl Front {
    /// Starts it with these settings besides, and waits until it listens; nothing, and a line that says so, where HAProxy is
    /// neither there nor to be had.
    ///
    /// # Panics
    /// When it does not start, or could not be had though it should have been.
    pub async fn start(names: &Names, settings: &[(&str, &str)]) -> Option<Self> {
        let program = program()?;
        let [address, metrics] = [(); 2].map(|()| SocketAddr::from((Ipv4Addr::LOCALHOST, free_port())));
        let mut command = Command::new(program);
        command.arg("-f").arg(root().join("deploy/proxy/haproxy.cfg")).env_clear();
        command.env("PROXY_BIND", address.to_string()).env("PROXY_METRICS_BIND", metrics.to_string());
        command.env("PROXY_DNS", names.address().to_string()).env("PROXY_MAXCONN", "200");
        command.env("PROXY_ERRORS", root().join("deploy/proxy/errors"));
        command.envs(settings.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let lines = Arc::default();
        let reading = tokio::spawn(read(child.stderr.take().unwrap(), Arc::clone(&lines)));
        let mut front = Self { child, lines, reading, address, metrics };
        eventually("the proxy listens", async || {
            assert!(front.child.try_wait().unwrap().is_none(), "the proxy has ended");
            TcpStream::connect(metrics).await.ok()
        })
        .await;
        Some(front)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Somebody who speaks to it, on connections of their own.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Whatever it has said so far, line by line.
    ///
    /// # Panics
    /// When another thread has, while it held them.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// What it counts, in the text format of Prometheus.
    ///
    /// # Panics
    /// When it doesn't tell.
    pub async fn metrics(&self) -> String {
        Client::new(self.metrics).text("/metrics").await.unwrap()
    }

    /// Waits until it sees as many up behind it as `wanted`, whose names are those of the configuration.
    ///
    /// # Panics
    /// When it never does.
    pub async fn until_up(&self, backend: &str, wanted: usize) {
        let line = format!(r#"haproxy_backend_active_servers{{proxy="{backend}"}} {wanted}"#);
        let metrics = Client::new(self.metrics);
        eventually(&line, async || metrics.text("/metrics").await.ok()?.contains(&line).then_some(())).await;
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.reading.abort();
        if std::thread::panicking()
            && let Ok(lines) = self.lines.lock()
        {
            eprintln!("the proxy at {} said:\n{}", self.address, lines.join("\n"));
        }
    }
}

/// Where HAProxy is.
fn program() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(find).clone()
}

fn find() -> Option<PathBuf> {
    let root = root();
    let tool = root.join("deploy/debian-tool");
    let found =
        StdCommand::new(tool).args(["haproxy", "haproxy"]).arg(root.join(".holdfast")).output().unwrap();
    if found.status.code() == Some(NO_WAY) {
        // Past what a test run keeps to itself.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: no HAProxy, and no apt-get to get it with: the proxy is not tested"
        );
        return None;
    }
    let said = String::from_utf8_lossy(&found.stderr);
    assert!(found.status.success(), "HAProxy can't be had: {said}");
    Some(String::from_utf8(found.stdout).unwrap().trim_end().into())
}

//! The file handles that a process was started with do not bound how many it serves.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use holdfast_e2e::Binary;

/// A service that leans on nothing, started by a shell that has set limits; it listens. Killed when it is dropped.
struct Limited {
    child: Child,
    said: String,
}

impl Limited {
    fn start(ulimit: &str) -> Self {
        let mut command = Command::new("sh");
        // The shell becomes the service, and keeps its number.
        command.args(["-c", &format!("{ulimit} && exec \"$0\" docs")]).arg(Binary::Holdfast.path());
        command.env_clear().env("HTTP_PORT", "0").stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        while !said.contains(r#""message":"listening""#) {
            assert_ne!(lines.read_line(&mut said).unwrap(), 0, "it has ended: {said}");
        }
        Self { child, said }
    }

    /// The soft limit and the hard one.
    fn limits(&self) -> [u32; 2] {
        let all = fs::read_to_string(format!("/proc/{}/limits", self.child.id())).unwrap();
        let line = all.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
        let mut numbers = line.split_whitespace().map(|word| word.parse().unwrap_or(0));
        [numbers.next().unwrap(), numbers.next().unwrap()]
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const TOO_FEW: &str = "needs more file handles";

#[test]
fn a_service_takes_all_the_file_handles_that_it_may_have() {
    let service = Limited::start("ulimit -Sn 300 && ulimit -Hn 2000 && export HTTP_CONNECTIONS_MAX=1744");
    assert_eq!(service.limits(), [2_000, 2_000]);
    assert!(!service.said.contains(TOO_FEW), "{}", service.said);
}

#[test]
fn a_service_that_may_have_too_few_file_handles_says_so() {
    let service = Limited::start("ulimit -Sn 300 && ulimit -Hn 2000 && export HTTP_CONNECTIONS_MAX=1745");
    assert!(service.said.contains(TOO_FEW), "{}", service.said);
}

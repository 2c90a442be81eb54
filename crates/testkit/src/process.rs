//! What servers of a test's own have in common: a port, signals, and waits that end.

use std::{
    fs::read_to_string,
    net::{Ipv4Addr, TcpListener},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use uuid::Uuid;

/// Below those that the kernel gives to whoever connects: a port of these is still free when its server comes back. And
/// who connects to a closed port of those may be given the same one for their own end, and speak to themselves.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A port of 127.0.0.1 at which nobody listens.
pub fn free_port() -> u16 {
    loop {
        let (chance, _) = Uuid::now_v7().as_u64_pair().1.overflowing_mul(0x9e37_79b9_7f4a_7c15);
        let offset = u16::try_from(chance % u64::from(PORTS.end - PORTS.start)).expect("less than 12,000");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, PORTS.start + offset)).is_ok() {
            return PORTS.start + offset;
        }
    }
}

/// Sends a signal, if the process is still there.
pub(crate) fn signal(process: u32, signal: Signal) {
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw).expect("a process's id");
    let _ = kill_process(pid, signal);
}

/// The processes that it has started.
pub(crate) fn children(process: u32) -> Vec<u32> {
    let children = read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    children.split_whitespace().map(|id| id.parse().expect("a process's id")).collect()
}

/// Looks every few milliseconds until it is so; for callers that can't `await`.
///
/// # Panics
/// When it does not come about in time.
pub(crate) fn until(what: &str, wait: Duration, mut is_so: impl FnMut() -> bool) {
    let given_up = Instant::now() + wait;
    while !is_so() {
        assert!(Instant::now() < given_up, "{what}: did not come about in {wait:?}");
        sleep(Duration::from_millis(10));
    }
}

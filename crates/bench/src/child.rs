//! Processes that the bench starts. Each writes to a file of its own, and is gone when its value is.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{error::Error, stop::Stop};

/// How long a child may take to stop after SIGTERM; a service needs less than its own `SHUTDOWN_SECONDS`.
const STOP_MAX: Duration = Duration::from_secs(30);

/// How much of a child's output is shown when it fails, in bytes.
const TAIL_BYTES: usize = 2_000;

/// A process under way.
pub(crate) struct Child {
    name: String,
    process: process::Child,
    output: PathBuf,
}

impl Child {
    /// Starts it, in a process group of its own: Ctrl-C must reach the bench alone, which then stops what it started.
    ///
    /// # Errors
    /// When the program can't be run.
    pub(crate) fn start(name: &str, mut command: Command, directory: &Path) -> Result<Self, Error> {
        let output = directory.join(format!("{name}.log"));
        let program = command.get_program().display().to_string();
        let failed = || Error::io(format!("{program} can't be started"));
        let log = File::create(&output).map_err(failed())?;
        let process = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed())?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(failed())?;
        Ok(Self { name: name.to_owned(), process, output })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// # Errors
    /// When it has ended.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        match self.ended()? {
            Some(status) => Err(self.failure(format!("ended by itself ({status})"))),
            None => Ok(()),
        }
    }

    /// Waits for it to end well, and gives what it wrote.
    ///
    /// # Errors
    /// When it fails, takes longer than `limit`, or the bench has been told to end.
    pub(crate) fn finish(mut self, limit: Duration, stop: &Stop) -> Result<String, Error> {
        match stop.until(limit, || self.ended())? {
            Some(status) if status.success() => Ok(self.written()),
            Some(status) => Err(self.failure(format!("failed ({status})"))),
            None => Err(self.failure(format!("took more than {} s", limit.as_secs()))),
        }
    }

    /// An error about this child, with the end of its output.
    pub(crate) fn failure(&self, what: impl Into<String>) -> Error {
        let written = self.written();
        let from = written.ceil_char_boundary(written.len().saturating_sub(TAIL_BYTES));
        Error::Child {
            name: self.name.clone(),
            what: what.into(),
            tail: written[from..].trim_end().to_owned(),
        }
    }

    /// Processor time that it has used so far; zero when the kernel does not tell.
    pub(crate) fn cpu_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap_or_default();
        // After the name, which may hold anything: the state is the third of all fields, user and system time are the
        // 14th and 15th, in ticks.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second())
    }

    /// Memory that it has resident now, in bytes.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub(crate) fn resident_bytes(&self) -> Result<u64, Error> {
        let status = format!("/proc/{}/status", self.process.id());
        let status = fs::read_to_string(&status).map_err(Error::io(format!("{status} can't be read")))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB")?.trim().parse().ok());
        kib.map(|kib: u64| kib * 1_024).ok_or_else(|| self.failure("has no memory that the kernel tells of"))
    }

    fn ended(&mut self) -> Result<Option<process::ExitStatus>, Error> {
        self.process.try_wait().map_err(Error::io(format!("{} can't be waited for", self.name)))
    }

    fn written(&self) -> String {
        let bytes = fs::read(&self.output).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !matches!(self.process.try_wait(), Ok(None)) {
            return;
        }
        // Not yet waited for, so the pid is still its own. A signal that can't be sent has the wait run out.
        let _ = kill_process(Pid::from_child(&self.process), Signal::TERM);
        // The bench may be on its way out: this wait does not look at its stop flag.
        let ended = Stop::default().until(STOP_MAX, || self.ended());
        if !matches!(ended, Ok(Some(_))) {
            eprintln!("bench: {} did not stop in {} s and is killed", self.name, STOP_MAX.as_secs());
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::scratch::Scratch;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_child_is_told_to_stop_and_the_end_of_its_output_is_kept_for_who_asks() {
        let scratch = Scratch::new().unwrap();
        let started = Instant::now();
        let child = Child::start("sleeper", shell("exec sleep 60"), scratch.path()).unwrap();
        drop(child);
        assert!(started.elapsed() < Duration::from_secs(10));

        let failing = Child::start("failing", shell("echo why; exit 3"), scratch.path()).unwrap();
        let error = failing.finish(Duration::from_secs(10), &Stop::default()).unwrap_err();
        assert!(error.to_string().ends_with("\nwhy"), "{error}");
    }
}

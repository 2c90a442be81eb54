//! The release binaries: the schema that they bring, and the services while they are measured. Knows of each no more
//! than its name, its environment and its probe.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use crate::{child::Child, database::Fresh, error::Error, scratch::Scratch, stop::Stop};

/// How long a service may take to become ready, and a migration to run.
const START_MAX: Duration = Duration::from_mins(1);

/// How long a probe may wait for its answer.
const PROBE_MAX: Duration = Duration::from_secs(2);

/// Where the binaries are, and what all of them are given.
pub(crate) struct Services<'a> {
    binaries: PathBuf,
    redis_url: &'a str,
    scratch: &'a Scratch,
    stop: &'a Stop,
}

/// A service under way.
pub(crate) struct Service {
    child: Child,
    /// Where it answers.
    pub(crate) address: SocketAddr,
}

impl<'a> Services<'a> {
    /// Those beside this executable.
    ///
    /// # Errors
    /// When it is not known where that is.
    pub(crate) fn new(redis_url: &'a str, scratch: &'a Scratch, stop: &'a Stop) -> Result<Self, Error> {
        let own = std::env::current_exe().map_err(Error::io("the bench does not know where it is"))?;
        Ok(Self { binaries: own.with_file_name(""), redis_url, scratch, stop })
    }

    /// Brings the database's schema up to date.
    ///
    /// # Errors
    /// When that fails.
    pub(crate) fn migrate(&self, database: &Fresh<'_>) -> Result<(), Error> {
        let mut command = self.command("holdfast", database);
        command.arg("migrate");
        Child::start("holdfast", command, self.scratch.path())?.finish(START_MAX, self.stop)?;
        Ok(())
    }

    /// Starts a service over this database, with streams of its own, and waits until it is ready.
    ///
    /// # Errors
    /// When it ends or does not become ready in time.
    pub(crate) fn start(&self, name: &str, database: &Fresh<'_>) -> Result<Service, Error> {
        self.serve(name, self.command(name, database))
    }

    /// Starts a notifier of the streams with this prefix. It is not told where PostgreSQL is.
    ///
    /// # Errors
    /// When it ends or does not become ready in time.
    pub(crate) fn notifier(&self, prefix: &str) -> Result<Service, Error> {
        const NAME: &str = "holdfast-notifier";
        let mut command = self.over_redis(NAME, prefix);
        command.env_remove("DATABASE_URL");
        self.serve(NAME, command)
    }

    fn serve(&self, name: &str, mut command: Command) -> Result<Service, Error> {
        let address = free_address().map_err(Error::io("no port is free"))?;
        command.env("HTTP_HOST", address.ip().to_string()).env("HTTP_PORT", address.port().to_string());
        let mut child = Child::start(name, command, self.scratch.path())?;
        let ready = self.stop.until(START_MAX, || {
            child.check()?;
            Ok(is_ready(address).then_some(()))
        })?;
        match ready {
            Some(()) => Ok(Service { child, address }),
            None => Err(child.failure(format!("was not ready in {} s", START_MAX.as_secs()))),
        }
    }

    fn command(&self, name: &str, database: &Fresh<'_>) -> Command {
        let mut command = self.over_redis(name, database.name());
        command.env("DATABASE_URL", database.secret_url());
        command
    }

    fn over_redis(&self, name: &str, prefix: &str) -> Command {
        let mut command = Command::new(self.binaries.join(name));
        command.env("REDIS_URL", self.redis_url).env("REDIS_PREFIX", prefix).env("LOG_LEVEL", "warn");
        command
    }
}

impl Service {
    /// An error of the load, with the end of what the service wrote.
    pub(crate) fn blame(&self, error: Error) -> Error {
        match error {
            Error::Interrupted | Error::Child { .. } => error,
            error => self.child.failure(crate::error::chain(&error).to_string()),
        }
    }

    /// Its name and the processor time that it has used so far.
    pub(crate) fn cpu_time(&self) -> (String, Duration) {
        (self.child.name().to_owned(), self.child.cpu_time())
    }

    /// Memory of its own that it has now, in bytes.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub(crate) fn resident_bytes(&self) -> Result<u64, Error> {
        self.child.resident_bytes()
    }

    /// # Errors
    /// When it has ended.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        self.child.check()
    }
}

/// Free a moment ago; should another take it first, the service ends and says so.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn is_ready(address: SocketAddr) -> bool {
    let probe = || {
        let mut stream = TcpStream::connect_timeout(&address, PROBE_MAX)?;
        stream.set_read_timeout(Some(PROBE_MAX))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        std::io::Result::Ok(status)
    };
    probe().is_ok_and(|status| status == *b"HTTP/1.1 200")
}

//! What can be broken.

use std::fmt;

use clap::ValueEnum;

use super::doors::Who;

/// What may be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Kind {
    /// The services: killed, told to stop, paused, and made to die at each failpoint.
    Processes,
    /// PostgreSQL: restarted in each way, killed, paused.
    Postgres,
    /// Redis: emptied, restarted empty and from an old dump, paused.
    Redis,
    /// The lines of the services to both: cut, refused, stalled, slowed.
    Lines,
}

/// A server that services speak to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Server {
    Postgres,
    Redis,
}

/// What is done to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outage {
    /// PostgreSQL's fast stop: sessions are ended, and what they committed is written out.
    Fast,
    /// PostgreSQL's immediate stop: the next start recovers.
    Immediate,
    /// SIGKILL; Redis comes back empty.
    Kill,
    /// SIGSTOP, then SIGCONT.
    Pause,
    /// Redis forgets everything and goes on.
    Flush,
    /// Redis is killed, and comes back with what it held some time ago.
    Old,
}

/// What is done to lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// All connections are reset; new ones are taken.
    Cut,
    /// The same, and new ones are refused.
    Refuse,
    /// Nothing is passed on.
    Stall,
    /// Everything is passed on late.
    Slow,
}

/// One thing that is broken, and later mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// SIGKILL, then started anew.
    Kill(Who),
    /// SIGTERM, then started anew.
    Terminate(Who),
    /// SIGSTOP, then SIGCONT.
    Pause(Who),
    /// Started anew so that it aborts at this failpoint after so many passes.
    Die { who: Who, at: &'static str, passes: u64 },
    /// Started anew so that this failpoint strikes by chance.
    Flaky { who: Who, at: &'static str, percent: u64 },
    /// Something of a server.
    Outage(Server, Outage),
    /// Something of the lines to a server: of one service, or of all.
    Trouble(Server, Trouble, Option<Who>),
}

impl Fault {
    /// The process that it needs as it is, or the server; a line is both.
    pub(super) fn touches(self) -> (Option<Who>, Option<Server>) {
        match self {
            Self::Kill(who)
            | Self::Terminate(who)
            | Self::Pause(who)
            | Self::Die { who, .. }
            | Self::Flaky { who, .. } => (Some(who), None),
            Self::Outage(server, _) | Self::Trouble(server, ..) => (None, Some(server)),
        }
    }

    /// Whether a subscriber may have to be told to reload because of it.
    pub fn is_of_redis(self) -> bool {
        matches!(self, Self::Outage(Server::Redis, _) | Self::Trouble(Server::Redis, ..))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(who) => write!(f, "kill {who}"),
            Self::Terminate(who) => write!(f, "terminate {who}"),
            Self::Pause(who) => write!(f, "pause {who}"),
            Self::Die { who, at, passes } => write!(f, "{who} dies at {at} after {passes} passes"),
            Self::Flaky { who, at, percent } => write!(f, "{who} meets {at} in {percent} %"),
            Self::Outage(server, outage) => write!(f, "{server:?} {outage:?}"),
            Self::Trouble(server, trouble, who) => {
                let who = who.map_or_else(|| "all".to_owned(), |who| who.to_string());
                write!(f, "{trouble:?} lines to {server:?} of {who}")
            }
        }
    }
}

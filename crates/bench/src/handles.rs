//! File handles: each socket takes one here and one in the notifier, which inherits the limit.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::Error;

/// What is needed besides sockets.
const OTHERS: u64 = 256;

/// Raises the limit to what this many sockets need, if it is lower.
///
/// # Errors
/// When that is more than the system lets this process have.
pub(crate) fn raise_to(sockets: u16) -> Result<(), Error> {
    let needed = u64::from(sockets) + OTHERS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if maximum.is_some_and(|maximum| maximum < needed) {
        let maximum = maximum.unwrap_or_default();
        return Err(Error::Unusable(format!(
            "{sockets} sockets need {needed} file handles, and {maximum} are allowed (ulimit -Hn): raise that, or ask for \
             fewer sockets"
        )));
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum }).map_err(|errno| Error::Io {
        what: "the limit of file handles can't be raised".into(),
        source: errno.into(),
    })
}

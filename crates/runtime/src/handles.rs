//! File handles: each connection takes one. A process is mostly started with 1,024, for the sake of programs that call
//! `select`, and may take many more.
//!
//! Owns the limit of this process. Never says how many connections are served: the settings do.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// What is needed besides connections of callers: those to PostgreSQL and Redis, listeners, the runtime's own.
const OTHERS: u64 = 256;

/// Takes as many as the system lets this process have. What is left of 1,024 when they are taken is a service that
/// accepts nobody, not even a probe.
pub(crate) fn raise() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        warn!(%error, ?current, ?maximum, "the limit of file handles can't be raised");
    }
}

/// Says so where a listener may take more connections than there are handles for.
pub(crate) fn look_whether_enough(connections: usize) {
    if let Some((needed, allowed)) = lacking(connections, getrlimit(Resource::Nofile).current) {
        warn!(
            needed,
            allowed,
            "HTTP_CONNECTIONS_MAX ({connections}) needs more file handles than this process may have (ulimit -Hn): \
             beyond them it accepts nobody"
        );
    }
}

/// How many would be needed, and how many there are, when those are fewer; `None` is no limit.
fn lacking(connections: usize, limit: Option<u64>) -> Option<(u64, u64)> {
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS);
    limit.filter(|allowed| *allowed < needed).map(|allowed| (needed, allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_listener_may_take_is_held_against_the_limit() {
        assert_eq!(lacking(1_000, Some(1_024)), Some((1_256, 1_024)));
        assert_eq!(lacking(1_000, Some(1_256)), None);
        assert_eq!(lacking(usize::MAX, None), None);
    }
}

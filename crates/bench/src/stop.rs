//! Ctrl-C and its like: noted in a flag that every wait looks at, so that all that was started is put away on the
//! way out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
};

use crate::error::Error;

/// Between two looks of a wait.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Whether the bench has been told to end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Set by SIGINT, SIGTERM and SIGHUP.
    ///
    /// # Errors
    /// When the handlers can't be set.
    pub(crate) fn on_signals() -> Result<Self, Error> {
        let stop = Self::default();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register(signal, Arc::clone(&stop.0)).map_err(Error::io("a signal can't be handled"))?;
        }
        Ok(stop)
    }

    /// # Errors
    /// When the bench has been told to end.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        Ok(())
    }

    /// Looks until there is something, for `limit` at most; gives nothing when there never was.
    ///
    /// # Errors
    /// When the look fails, or the bench has been told to end.
    pub(crate) fn until<T>(
        &self,
        limit: Duration,
        mut look: impl FnMut() -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        let started = Instant::now();
        loop {
            self.check()?;
            if let Some(found) = look()? {
                return Ok(Some(found));
            }
            if started.elapsed() >= limit {
                return Ok(None);
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

//! Why a measurement could not be taken. Told once, by `main`.

use std::{fmt, io};

/// What went wrong. Its Display never repeats its source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Somebody wants the bench to end.
    #[error("interrupted")]
    Interrupted,
    /// The operating system refused something.
    #[error("{what}")]
    Io {
        /// What could not be done.
        what: String,
        /// Its reason.
        source: io::Error,
    },
    /// A child did not do what it was started for.
    #[error("{name} {what}; the end of its output:\n{tail}")]
    Child {
        /// Which one.
        name: String,
        /// What it did instead.
        what: String,
        /// The last lines that it wrote.
        tail: String,
    },
    /// The load could not go on.
    #[error("the load broke off: {0}")]
    Load(String),
    /// Something was answered or set that can't be used.
    #[error("{0}")]
    Unusable(String),
}

impl Error {
    /// For `map_err`: an I/O error with what was tried.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        |source| Self::Io { what, source }
    }
}

/// An error with all its causes in one line.
pub(crate) fn chain<'a>(error: &'a (dyn std::error::Error + 'static)) -> impl fmt::Display + 'a {
    fmt::from_fn(move |f| {
        write!(f, "{error}")?;
        let mut cause = error.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    })
}

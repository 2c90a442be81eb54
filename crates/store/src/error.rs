//! What can go wrong between us and PostgreSQL, sorted by what a caller can do about it.

use std::sync::Arc;

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

/// Why a read or a write did not happen, or may not have.
///
/// Cheap to clone: one failed batch answers many callers.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A connection or lock did not come in time, too many read, or a line is still being taken leave of. Nothing happened; try
    /// again.
    #[error("busy: {0}")]
    Busy(&'static str),
    /// As many writes of the shard wait as may, or for as long, or the event has as much to settle. Nothing happened; try again
    /// when that is done.
    #[error("busy: {reason}; what waits now should be done in {retry_after_seconds} s")]
    Backlog {
        /// Which of them.
        reason: &'static str,
        /// In how long that is expected, from 1 to 30 seconds.
        retry_after_seconds: u32,
    },
    /// PostgreSQL can't be reached, or is starting or stopping. Nothing happened; try again.
    #[error("PostgreSQL is unavailable")]
    Unavailable(#[source] Arc<tokio_postgres::Error>),
    /// PostgreSQL keeps silent, though it can be reached. Nothing happened; try again.
    #[error("PostgreSQL does not answer")]
    Silent,
    /// The shard's clock and this process's are too far apart. Nothing was written.
    #[error(
        "the shard's clock is {apart_seconds} s off this process's clock, more than the {limit_seconds} s allowed"
    )]
    Clock {
        /// Shard's clock less the process's, in seconds.
        apart_seconds: i64,
        /// `CLOCK_MAX_SKEW_SECONDS`.
        limit_seconds: i64,
    },
    /// This process is shutting down. Nothing happened; try another.
    #[error("stopping")]
    Stopping,
    /// The answer to a COMMIT was lost, and the log could not be asked in time. It may have happened.
    #[error("the outcome of the write is unknown")]
    OutcomeUnknown,
    /// PostgreSQL refused the data itself: a row that breaks a constraint.
    #[error("PostgreSQL refused the data")]
    Data(#[source] Arc<tokio_postgres::Error>),
    /// Something that should not be: a defect of ours.
    #[error("defect: {0}")]
    Defect(&'static str),
    /// A statement failed for a reason that is none of the above: a defect of ours, or a wrong schema.
    #[error("a statement failed")]
    Statement(#[source] Arc<tokio_postgres::Error>),
}

impl Error {
    /// Whether the data break this constraint. By the beginning of its name: a distributed PostgreSQL adds a suffix.
    pub(crate) fn violates(&self, constraint: &str) -> bool {
        match self {
            Self::Data(error) => error
                .as_db_error()
                .and_then(tokio_postgres::error::DbError::constraint)
                .is_some_and(|violated| violated.starts_with(constraint)),
            _ => false,
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(state) = error.code() else {
            // No answer from the server: the connection broke, or never was. Anything else that
            // tokio-postgres reports without a code is a parameter or a column of the wrong type.
            return if error.is_closed()
                || std::error::Error::source(&error)
                    .is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
            {
                Self::Unavailable(Arc::new(error))
            } else {
                Self::Statement(Arc::new(error))
            };
        };
        match *state {
            SqlState::LOCK_NOT_AVAILABLE => Self::Busy("another writer holds the shard"),
            SqlState::QUERY_CANCELED => Self::Busy("a statement took too long"),
            SqlState::T_R_DEADLOCK_DETECTED | SqlState::T_R_SERIALIZATION_FAILURE => {
                Self::Busy("a lock was lost")
            }
            SqlState::ADMIN_SHUTDOWN
            | SqlState::CRASH_SHUTDOWN
            | SqlState::CANNOT_CONNECT_NOW
            | SqlState::TOO_MANY_CONNECTIONS
            // A standby, after its primary has moved.
            | SqlState::READ_ONLY_SQL_TRANSACTION
            | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => Self::Unavailable(Arc::new(error)),
            // 08: the connection broke; 53: out of disk, memory or the like.
            ref state if matches!(&state.code()[..2], "08" | "53") => Self::Unavailable(Arc::new(error)),
            ref state if matches!(&state.code()[..2], "22" | "23") => Self::Data(Arc::new(error)),
            _ => Self::Statement(Arc::new(error)),
        }
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Timeout(_) => Self::Busy("no connection to PostgreSQL came free in time"),
            // Without a code it never got as far as the server.
            PoolError::Backend(error) if error.code().is_none() => Self::Unavailable(Arc::new(error)),
            PoolError::Backend(error) => error.into(),
            PoolError::Closed => Self::Stopping,
            PoolError::NoRuntimeSpecified => Self::Defect("the pool has no runtime"),
            PoolError::PostCreateHook(_) => Self::Defect("the pool has no hooks"),
        }
    }
}

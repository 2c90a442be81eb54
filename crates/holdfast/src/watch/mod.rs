//! `holdfast watch`: how a running system does, second by second, or what is written to its logs as it happens.
//!
//! It reads only, by bounded statements and never under a head; PostgreSQL and Redis may go and come back meanwhile.

mod changes;
mod figures;
mod output;

use holdfast_domain::{Seq, Shard, TenantId};
use holdfast_runtime::lifecycle::BoxError;
use holdfast_store::{Database, Error, SchemaError};

use crate::{settings::WatchSettings, stdout};
use output::Output;

/// Runs the command, until it is told to stop or nobody reads any more.
///
/// # Errors
/// When the schema is another, or what it says can't be written.
pub async fn run(settings: &WatchSettings) -> Result<(), BoxError> {
    let mut output = Output::new(settings.json);
    let watched = match settings.scope() {
        Some(scope) => changes::follow(settings, scope, &mut output).await,
        None => figures::watch(settings, &mut output).await,
    };
    match watched {
        // As when it is piped to `head`.
        Err(error) if stdout::is_closed(&error) => Ok(()),
        watched => watched,
    }
}

/// Which changes are told.
pub struct Scope {
    /// Those of these shards.
    pub shards: Vec<Shard>,
    /// From after this position on; without it, from now.
    pub after: Option<Seq>,
    /// Those of this tenant alone.
    pub tenant: Option<TenantId>,
}

/// Whether PostgreSQL answers. Another schema than ours is an end.
async fn ready(database: &Database) -> Result<Result<(), Error>, BoxError> {
    match database.ready().await {
        Ok(()) => Ok(Ok(())),
        Err(SchemaError::Store(error)) => Ok(Err(error)),
        Err(error) => Err(error.into()),
    }
}

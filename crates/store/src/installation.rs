//! The table `installation`: which installation this is, and on which server its log was last seen to go on.

use deadpool_postgres::Object;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Database, Error};

const READ: &str = "SELECT id, system_identifier, timeline FROM installation";

/// Of the server as it is now. Its timeline from what it writes, since the control file has it only after a checkpoint.
const CURRENT: &str = "
    SELECT system_identifier, ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint
    FROM pg_control_system()";

const SETTLE: &str = "UPDATE installation SET system_identifier = $1, timeline = $2";

/// A server's data, and which line of their history: another after a restore or a failover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    system_identifier: i64,
    timeline: i64,
}

/// This installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installation {
    /// Which one.
    pub id: Uuid,
    /// Where its log was when that was last settled; nothing before the first time.
    pub settled: Option<Origin>,
    /// Where it is now; nothing where the server does not tell.
    pub current: Option<Origin>,
}

impl Installation {
    /// Whether the log may be a copy that was restored from the past.
    pub fn has_moved(&self) -> bool {
        self.settled.is_some() && self.unsettled().is_some()
    }

    /// Where the log is now, if that is not settled.
    pub fn unsettled(&self) -> Option<Origin> {
        self.current.filter(|current| self.settled != Some(*current))
    }
}

impl Database {
    /// This installation.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn installation(&self) -> Result<Installation, Error> {
        self.ask(async |client: &Object| {
            let read = client.prepare_cached(READ).await?;
            let row = client.query_one(&read, &[]).await?;
            Ok(Installation { id: row.get(0), settled: origin(&row, 1), current: current(client).await? })
        })
        .await
    }

    /// Remembers where the log is now: whatever had to be done about it has been done.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn settle(&self, origin: Origin) -> Result<(), Error> {
        self.ask(async |client: &Object| {
            let settle = client.prepare_cached(SETTLE).await?;
            client.execute(&settle, &[&origin.system_identifier, &origin.timeline]).await?;
            Ok(())
        })
        .await
    }
}

async fn current(client: &Object) -> Result<Option<Origin>, Error> {
    let asked = async { client.query_one(&client.prepare_cached(CURRENT).await?, &[]).await };
    match asked.await.map_err(Error::from) {
        Ok(row) => Ok(origin(&row, 0)),
        // Not allowed, or not known there: then only the streams tell.
        Err(Error::Statement(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn origin(row: &Row, first: usize) -> Option<Origin> {
    let (system_identifier, timeline): (Option<i64>, Option<i64>) = (row.get(first), row.get(first + 1));
    Some(Origin { system_identifier: system_identifier?, timeline: timeline? })
}

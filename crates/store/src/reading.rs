//! A connection for reads that answer a caller: never all of those that there are, so that writes and steps find one
//! however many read; and never given back with a statement under way.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use deadpool_postgres::Object;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_postgres::{Row, types::ToSql};

use crate::{Database, Error};

/// Places of the pool that are kept for writes, steps and the relay.
const KEPT: usize = 4;

/// The places for reads of a pool with so many connections: at least one, at most all but [`KEPT`].
pub(crate) fn places(pool_size: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(pool_size.saturating_sub(KEPT).max(1)))
}

/// A connection that reads. Statements go one after another.
pub(crate) struct Reading {
    client: Option<Object>,
    /// A statement whose answer has not come: the caller may leave before it does.
    is_asking: AtomicBool,
    _place: OwnedSemaphorePermit,
}

impl Database {
    /// A connection for reads, waited for as long as for any.
    pub(crate) async fn reading(&self) -> Result<Reading, Error> {
        let place = timeout(self.wait, Arc::clone(&self.readers).acquire_owned()).await;
        let place = place.map_err(|_| Error::Busy("too many read at once"))?.map_err(|_| Error::Stopping)?;
        let client = Some(self.connection().await?);
        Ok(Reading { client, is_asking: AtomicBool::new(false), _place: place })
    }
}

impl Reading {
    /// The rows of a statement.
    pub(crate) async fn query(
        &self,
        statement: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let client = self.client.as_ref().ok_or(Error::Defect("a reader without a connection"))?;
        self.is_asking.store(true, Ordering::Relaxed);
        let rows = async { client.query(&client.prepare_cached(statement).await?, params).await }.await;
        self.is_asking.store(false, Ordering::Relaxed);
        Ok(rows?)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if self.is_asking.load(Ordering::Relaxed)
            && let Some(client) = self.client.take()
        {
            // Closed, it makes PostgreSQL give up sooner or later; whoever got it next would wait behind its statement.
            drop(Object::take(client));
        }
    }
}

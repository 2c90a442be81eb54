//! Connections for reads: none is waited on for ever, and none is given back with a statement under way. For those that
//! answer a caller never all that there are, so that writes and steps find one however many read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
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

/// How much longer than a statement may run its answer may take: by then PostgreSQL, or what lies before it, is silent.
pub(crate) const ANSWER_SLACK: Duration = Duration::from_secs(2);

/// The places for reads of a pool with so many connections: at least one, at most all but [`KEPT`].
pub(crate) fn places(pool_size: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(pool_size.saturating_sub(KEPT).max(1)))
}

/// A connection that reads. Statements go one after another.
pub(crate) struct Reading {
    lent: Lent,
    answer_within: Duration,
    _place: OwnedSemaphorePermit,
}

/// A connection that goes back only when all its statements were answered: whoever got it next would wait behind them.
struct Lent {
    client: Option<Object>,
    /// A statement whose answer has not come: the caller may leave before it does.
    is_asking: AtomicBool,
}

impl Database {
    /// A connection for reads, waited for as long as for any.
    pub(crate) async fn reading(&self) -> Result<Reading, Error> {
        let place = timeout(self.wait, Arc::clone(&self.readers).acquire_owned()).await;
        let place = place.map_err(|_| Error::Busy("too many read at once"))?.map_err(|_| Error::Stopping)?;
        let lent = Lent::new(self.connection().await?);
        Ok(Reading { lent, answer_within: self.answer_within, _place: place })
    }

    /// Reads for this process itself, by as many statements as it takes; each by itself, and all of them together, within
    /// the time that one may take.
    pub(crate) async fn ask<T>(
        &self,
        read: impl AsyncFnOnce(&Object) -> Result<T, Error>,
    ) -> Result<T, Error> {
        Lent::new(self.connection().await?).ask(self.answer_within, read).await
    }
}

impl Reading {
    /// The rows of a statement.
    pub(crate) async fn query(
        &self,
        statement: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let read = async |client: &Object| {
            Ok(client.query(&client.prepare_cached(statement).await?, params).await?)
        };
        self.lent.ask(self.answer_within, read).await
    }
}

impl Lent {
    fn new(client: Object) -> Self {
        Self { client: Some(client), is_asking: AtomicBool::new(false) }
    }

    async fn ask<T>(
        &self,
        within: Duration,
        read: impl AsyncFnOnce(&Object) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let client = self.client.as_ref().ok_or(Error::Defect("a reader without a connection"))?;
        self.is_asking.store(true, Ordering::Relaxed);
        let answer = timeout(within, read(client)).await.map_err(|_| Error::Silent)?;
        self.is_asking.store(false, Ordering::Relaxed);
        answer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.is_asking.load(Ordering::Relaxed)
            && let Some(client) = self.client.take()
        {
            // Closed, it makes PostgreSQL give up sooner or later.
            drop(Object::take(client));
        }
    }
}

//! The held head of a shard: the one right to write.
//!
//! A [`Head`] is an open transaction that holds the shard's row in `heads`. Every function that writes
//! asks for one, so nothing can change without it, and nothing it changes goes unlogged: what was
//! appended is written with the head, last, in the same flush as COMMIT.

use std::time::Duration;

use deadpool_postgres::Object;
use futures_util::{future::try_join_all, join};
use holdfast_domain::{CommandId, Fact, Seq, Shard, TenantId, Trace, UserId};
use time::OffsetDateTime;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{Database, Error, changes::Appended, heads};

/// How long a server that holds the connection open may keep a transaction waiting before COMMIT.
const WORK_WITHIN: Duration = Duration::from_secs(15);

/// How long COMMIT may take before its outcome counts as unknown.
const COMMIT_WITHIN: Duration = Duration::from_secs(10);

/// A shard's head, held; dropped without [`Head::commit`] it takes its connection along, and
/// PostgreSQL rolls back.
pub struct Head {
    connection: Option<Object>,
    database: Database,
    shard: Shard,
    at: OffsetDateTime,
    start: Seq,
    decided: Seq,
    floor: Seq,
    appended: Appended,
}

/// Why a commit gave no plain yes.
#[derive(Debug)]
pub(crate) enum CommitError {
    /// It did not happen.
    RolledBack(Error),
    /// It may have happened: the log above the starting seq tells.
    Unknown,
}

/// All of a transaction up to what travels with its COMMIT. Given up, it drops its head, and nothing has happened.
pub(crate) async fn bounded<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(WORK_WITHIN, work).await.map_err(|_| Error::Silent)?
}

impl CommitError {
    /// What it is to whoever does not look in the log for what became of it.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::RolledBack(error) => error,
            Self::Unknown => Error::OutcomeUnknown,
        }
    }
}

impl Head {
    /// Takes the head of `shard`, waiting for whoever holds it.
    ///
    /// # Errors
    /// When it does not come in time, PostgreSQL is away, or the shard's clock is off.
    pub async fn take(database: &Database, shard: Shard) -> Result<Self, Error> {
        let (head, ()) = Self::take_and_read(database, shard, async |_: &Object| Ok(())).await?;
        Ok(head)
    }

    /// Takes the head and sets a clock that is ahead back to the server's; gives what it was.
    pub(crate) async fn take_with_clock_set_back(
        database: &Database,
        shard: Shard,
    ) -> Result<(Self, OffsetDateTime), Error> {
        let (mut head, now, ()) = Self::lock_and_read(database, shard, async |_: &Object| Ok(())).await?;
        let was = std::mem::replace(&mut head.at, now);
        head.check_clock()?;
        Ok((head, was))
    }

    /// Takes the head and reads what it guards, in one flush.
    ///
    /// The lock is a statement of its own and `read` runs after it: in READ COMMITTED each statement
    /// sees what was committed when it began, so a read merged into the lock would be from before
    /// the wait, and sell what the last holder sold.
    pub(crate) async fn take_and_read<T>(
        database: &Database,
        shard: Shard,
        read: impl AsyncFnOnce(&Object) -> Result<T, Error>,
    ) -> Result<(Self, T), Error> {
        let (mut head, now, read) = Self::lock_and_read(database, shard, read).await?;
        head.at = head.at.max(now);
        head.check_clock()?;
        Ok((head, read))
    }

    /// The head with the clock that it was last written by, and the server's.
    async fn lock_and_read<T>(
        database: &Database,
        shard: Shard,
        read: impl AsyncFnOnce(&Object) -> Result<T, Error>,
    ) -> Result<(Self, OffsetDateTime, T), Error> {
        let connection = database.connection().await?;
        let lock = connection.prepare_cached(heads::LOCK).await?;
        let mut head = Self {
            connection: Some(connection),
            database: database.clone(),
            shard,
            at: OffsetDateTime::UNIX_EPOCH,
            start: Seq(0),
            decided: Seq(0),
            floor: Seq(0),
            appended: Appended::default(),
        };
        let client = head.client();
        let number = shard.number();
        let begin = client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED");
        let params: [&(dyn ToSql + Sync); 1] = [&number];
        let lock = client.query_one(&lock, &params);
        let (begun, row, read) = if failpoint!("head.read_before_lock") {
            let (begun, read) = join!(begin, read(client));
            (begun, lock.await, read)
        } else {
            // `join!` polls in order, and a query is sent when it is first polled.
            join!(begin, lock, read(client))
        };
        begun?;
        let (row, read) = (row?, read?);
        let locked = heads::Locked::from_row(&row);
        head.at = locked.at;
        head.start = locked.seq;
        head.decided = locked.decided;
        head.floor = locked.floor;
        head.appended.last = locked.seq;
        Ok((head, locked.now, read))
    }

    /// A clock that is off must not poison the log: `at` never goes back, so one write from the future
    /// would hold every later one there.
    fn check_clock(&self) -> Result<(), Error> {
        #[expect(clippy::disallowed_methods, reason = "the one place where the process's clock is compared")]
        let apart = self.at - OffsetDateTime::now_utc();
        if apart.abs() > self.database.clock_max_skew && !failpoint!("head.any_clock") {
            return Err(Error::Clock {
                apart_seconds: apart.whole_seconds(),
                limit_seconds: self.database.clock_max_skew.whole_seconds(),
            });
        }
        Ok(())
    }

    /// The shard.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// The shard's clock for all of this transaction.
    pub fn at(&self) -> OffsetDateTime {
        self.at
    }

    /// The seq at which this transaction began.
    pub(crate) fn start(&self) -> Seq {
        self.start
    }

    /// The seq of the last change, this transaction's own among them.
    pub(crate) fn seq(&self) -> Seq {
        self.appended.last
    }

    /// The seq up to which the decision has dealt with the log.
    pub(crate) fn decided(&self) -> Seq {
        self.decided
    }

    /// Moves the decision's cursor; written with the head.
    pub(crate) fn set_decided(&mut self, decided: Seq) {
        self.decided = decided;
    }

    /// The seq up to which the log counts as pruned.
    pub(crate) fn floor(&self) -> Seq {
        self.floor
    }

    /// What is at or below `floor` counts as pruned; written with the head. It never sinks.
    pub(crate) fn raise_floor(&mut self, floor: Seq) {
        self.floor = self.floor.max(floor);
    }

    /// The log goes on after `seq`, and nothing before is told any more.
    pub(crate) fn leap_to(&mut self, seq: Seq) {
        assert!(
            self.appended.len() == 0 && self.start < seq,
            "a log leaps forward, and before anything is appended"
        );
        self.appended.last = seq;
        self.raise_floor(seq);
    }

    /// The connection that holds the head, for statements under it.
    pub(crate) fn client(&self) -> &Object {
        self.connection.as_ref().expect("the connection leaves only with the head itself")
    }

    /// Makes sure that these statements are sent as soon as they are polled: one that has to be prepared first would
    /// overtake nothing, and be overtaken by all behind it.
    pub(crate) async fn prepare<const N: usize>(&self, statements: [&str; N]) -> Result<(), Error> {
        let client = self.client();
        try_join_all(statements.map(|statement| client.prepare_cached(statement))).await?;
        Ok(())
    }

    /// Appends a fact to the log, at the next seq.
    pub(crate) fn append(
        &mut self,
        tenant_id: TenantId,
        command_id: CommandId,
        actor: Option<&UserId>,
        trace: &Trace,
        fact: &Fact,
    ) -> Seq {
        self.appended.push(tenant_id, command_id, actor, trace, fact)
    }

    /// Appends what the engine does by itself: it is no command's, and came from no request.
    pub(crate) fn append_own(&mut self, tenant_id: TenantId, fact: &Fact) -> Seq {
        self.append(tenant_id, CommandId::from(Uuid::now_v7()), None, &Trace::default(), fact)
    }

    /// Writes what was appended and the head, and commits: one flush, every result of it checked, since
    /// a COMMIT behind a failed statement answers that all is well and has rolled back.
    ///
    /// `write` goes before them in the same flush: statements that are prepared, so that they are sent when first
    /// polled, and that fail when they fall short. A count that can fall short without an error has to be checked
    /// before COMMIT is sent, and has no place here.
    pub(crate) async fn write_and_commit(
        mut self,
        write: impl AsyncFnOnce(&Self) -> Result<(), Error>,
    ) -> Result<(), CommitError> {
        let warnings = self.database.warnings().count();
        crashpoint!("head.before_commit");
        if failpoint!("head.loses_commit") {
            return Err(CommitError::Unknown);
        }
        let flushed = timeout(COMMIT_WITHIN, self.flush(write)).await;
        crashpoint!("head.after_commit");
        if failpoint!("head.loses_answer") {
            return Err(CommitError::Unknown);
        }
        let warned = self.database.warnings().count() != warnings;
        match flushed {
            Ok(Ok(())) if !warned => {
                drop(self.connection.take());
                Ok(())
            }
            // A statement before COMMIT failed and the server said so: it rolled back. A count that is wrong says no
            // such thing.
            Ok(Err(error @ (Error::Data(_) | Error::Statement(_) | Error::Busy(_)))) if !warned => {
                Err(CommitError::RolledBack(error))
            }
            Ok(_) | Err(_) => Err(CommitError::Unknown),
        }
    }

    async fn flush(&self, write: impl AsyncFnOnce(&Self) -> Result<(), Error>) -> Result<(), Error> {
        let client = self.client();
        let head = client.prepare_cached(heads::WRITE).await?;
        let number = self.shard.number();
        let (seq, decided, floor) = (self.seq().0, self.decided.0, self.floor.0);
        let ends: [&(dyn ToSql + Sync); 3] = [&seq, &decided, &floor];
        let params = [&self.appended.params(&number, &self.at)[..], &ends].concat();
        // Polled, and so sent, in this order; asked for errors in this order too, all of them answered: those behind the
        // first only say that the transaction is aborted.
        let (wrote, headed, committed) = join!(
            write(self),
            client.execute(&head, &params),
            // From here on nothing may cancel it: a COMMIT cut short has an unknown outcome.
            client.batch_execute("SET LOCAL statement_timeout = 0; COMMIT"),
        );
        wrote?;
        let headed = headed?;
        committed?;
        // It can't fall short: it is the row whose lock this is.
        if headed != 1 {
            return Err(Error::Defect("the head was not written, and it is committed"));
        }
        Ok(())
    }

    /// Writes what was appended and the head, and commits, for whoever does not look in the log for what became of it.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        self.write_and_commit(async |_: &Self| Ok(())).await.map_err(CommitError::into_error)
    }

    /// Gives the head up and changes nothing: costs no fsync. A server that keeps silent is left to the drop, which closes
    /// the connection.
    pub(crate) async fn rollback(mut self) {
        let rolled_back = timeout(WORK_WITHIN, self.client().batch_execute("ROLLBACK")).await;
        if matches!(rolled_back, Ok(Ok(()))) {
            // Clean: it may serve again.
            drop(self.connection.take());
        }
    }
}

impl Drop for Head {
    fn drop(&mut self) {
        // In mid-transaction, perhaps in mid-query: the connection must not go back to the pool. Closed,
        // it makes PostgreSQL roll back.
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}

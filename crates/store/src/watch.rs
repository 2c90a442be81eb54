//! What an operator's look at a running system reads: each statement bounded by itself, none under a head.

use holdfast_domain::{Seq, Shard};
use tokio_postgres::Row;

use crate::{Database, Error};

/// Most open wants that a look counts.
const WANTS_COUNTED: i64 = 100_000;

/// Most changes of a shard that a look counts.
const CHANGES_COUNTED: i64 = 100_000;

/// Between head and cursor of a log that has leapt lie positions that no change has; then they are counted, so far.
pub(crate) const STANDS: &str = "
    SELECT h.shard, h.seq, h.floor,
        CASE
            WHEN h.seq - h.decided < 1000000 THEN h.seq - h.decided
            ELSE (
                SELECT count(*)
                FROM (SELECT FROM changes WHERE shard = h.shard AND seq > h.decided ORDER BY seq LIMIT 10000) behind
            )
        END
    FROM heads h
    ORDER BY h.shard";

pub(crate) const WANTS: &str =
    "SELECT count(*) FROM (SELECT FROM bookings WHERE decide_by IS NOT NULL LIMIT $1) wants";

pub(crate) const OLDEST: &str = "
    SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::float8
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL";

pub(crate) const TALLY: &str = "
    SELECT count(*),
        count(*) FILTER (WHERE type IN ('booking_created', 'booking_updated', 'booking_deleted')),
        count(*) FILTER (WHERE type = 'booking_validated'),
        count(*) FILTER (WHERE type IN ('booking_rejected', 'booking_move_rejected'))
    FROM (SELECT type FROM changes WHERE shard = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4) run";

/// Where a shard stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stand {
    /// Which.
    pub shard: Shard,
    /// The seq of its last change.
    pub seq: Seq,
    /// The seq up to which its log has been pruned, or leapt over.
    pub floor: Seq,
    /// How many positions lie behind the decision's cursor; in a quiet shard it need not move for up to 10,000.
    pub undecided: i64,
}

/// How the system stands, at one look.
#[derive(Debug, Clone, PartialEq)]
pub struct Glance {
    /// Each shard.
    pub stands: Vec<Stand>,
    /// Bookings that are `PENDING`, counted up to 100,000.
    pub open_wants: i64,
    /// For how long the oldest transaction of this database has been open, in seconds, as far as this user may see.
    pub oldest_transaction_seconds: f64,
}

/// What was written in some positions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All changes.
    pub changes: i64,
    /// Bookings made, changed and given up.
    pub accepted: i64,
    /// Wants granted.
    pub granted: i64,
    /// Wants and moves rejected.
    pub rejected: i64,
}

impl Database {
    /// How the system stands now.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn glance(&self) -> Result<Glance, Error> {
        let stands = self.read(STANDS, &[]).await?;
        let (wants, oldest) = (self.read(WANTS, &[&WANTS_COUNTED]).await?, self.read(OLDEST, &[]).await?);
        Ok(Glance {
            stands: stands.iter().map(stand).collect::<Result<_, _>>()?,
            open_wants: wants.first().map_or(0, |row| row.get(0)),
            oldest_transaction_seconds: oldest.first().map_or(0.0, |row| row.get(0)),
        })
    }

    /// What was written in a shard after one position up to another, 100,000 changes at most.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn tally(&self, shard: Shard, after: Seq, until: Seq) -> Result<Tally, Error> {
        let rows = self.read(TALLY, &[&shard.number(), &after.0, &until.0, &CHANGES_COUNTED]).await?;
        Ok(rows.first().map(tally).unwrap_or_default())
    }
}

fn stand(row: &Row) -> Result<Stand, Error> {
    let shard = Shard::new(row.get(0)).ok_or(Error::Defect("a head beyond the last shard"))?;
    Ok(Stand { shard, seq: Seq(row.get(1)), floor: Seq(row.get(2)), undecided: row.get(3) })
}

fn tally(row: &Row) -> Tally {
    Tally { changes: row.get(0), accepted: row.get(1), granted: row.get(2), rejected: row.get(3) }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.changes += other.changes;
        self.accepted += other.accepted;
        self.granted += other.granted;
        self.rejected += other.rejected;
    }
}

//! What a load left in the database: the log against what was acknowledged, and the wants still open.

use std::collections::BTreeMap;

use holdfast_domain::{DEFAULT_TENANT, Kind, Shard};

use crate::{database::Fresh, error::Error};

/// The log of the one tenant's shard.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Where it ends, by the head.
    pub(crate) seq: u64,
    /// How many changes it has of each kind.
    pub(crate) kinds: BTreeMap<String, u64>,
}

impl Log {
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub(crate) fn read(database: &Fresh<'_>) -> Result<Self, Error> {
        let shard = Shard::of(DEFAULT_TENANT);
        let rows = database.query(&format!(
            "SELECT '', seq
             FROM heads
             WHERE shard = {shard}
             UNION ALL
             SELECT type, count(*)
             FROM changes
             WHERE shard = {shard}
             GROUP BY type"
        ))?;
        let mut kinds = rows
            .lines()
            .map(|row| {
                row.split_once('|').and_then(|(kind, count)| Some((kind.to_owned(), count.parse().ok()?)))
            })
            .collect::<Option<BTreeMap<_, _>>>()
            .ok_or_else(|| Error::Unusable(format!("the log can't be counted: {rows}")))?;
        Ok(Self { seq: kinds.remove("").unwrap_or(0), kinds })
    }

    /// How many changes of a kind there are.
    pub(crate) fn of_kind(&self, kind: Kind) -> u64 {
        self.kinds.get(kind.as_str()).copied().unwrap_or(0)
    }

    /// Whether there are as many changes as the head says.
    pub(crate) fn is_without_gaps(&self) -> bool {
        self.kinds.values().sum::<u64>() == self.seq
    }
}

/// Wants that are open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backlog {
    /// All of them: also those that don't fit, and wait until they are due.
    pub(crate) open: u64,
    /// Those that no step of the decision has come to.
    pub(crate) unseen: u64,
}

impl Backlog {
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub(crate) fn read(database: &Fresh<'_>) -> Result<Self, Error> {
        let shard = Shard::of(DEFAULT_TENANT);
        let row = database.query(&format!(
            "SELECT count(*), count(*) FILTER (WHERE b.rank > greatest(h.decided, r.judged))
             FROM bookings b
             JOIN heads h ON h.shard = b.shard
             JOIN resources r ON r.shard = b.shard AND r.tenant_id = b.tenant_id AND r.id = b.resource_id
             WHERE b.shard = {shard} AND b.decide_by IS NOT NULL"
        ))?;
        row.split_once('|')
            .and_then(|(open, unseen)| Some(Self { open: open.parse().ok()?, unseen: unseen.parse().ok()? }))
            .ok_or_else(|| Error::Unusable(format!("the open wants can't be counted: {row}")))
    }
}

//! What PostgreSQL is asked to do: transactions, by its own statistics, and statements, if it counts them.

use crate::{database::Fresh, error::Error};

/// What it had done in a database so far. Sessions tell of theirs when they end: to be read while no service runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work {
    pub(crate) commits: u64,
    pub(crate) rollbacks: u64,
    /// Of clients, BEGIN and COMMIT among them; none where they are not counted.
    pub(crate) statements: Option<u64>,
}

/// Has the statements of a database counted from its next session on, if the server has loaded what counts them
/// (`deploy/local-stack` does, where it is installed) and this user may; whether it has.
///
/// # Errors
/// When PostgreSQL can't be asked.
pub(crate) fn count_statements(database: &Fresh<'_>) -> Result<bool, Error> {
    let is_loaded = database.query(
        "SELECT CASE WHEN rolsuper
             THEN current_setting('shared_preload_libraries') ~ '\\mpg_stat_statements\\M' ELSE false END
         FROM pg_roles
         WHERE rolname = current_user",
    )?;
    if is_loaded != "t" {
        return Ok(false);
    }
    let name = database.name();
    database.query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")?;
    database.query(&format!("ALTER DATABASE {name} SET compute_query_id = 'on'"))?;
    database.query(&format!("ALTER DATABASE {name} SET pg_stat_statements.track = 'top'"))?;
    Ok(true)
}

impl Work {
    /// What was done until now; with statements, if they are counted.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub(crate) fn read(database: &Fresh<'_>, with_statements: bool) -> Result<Self, Error> {
        let row = database.query(
            "SELECT xact_commit, xact_rollback FROM pg_stat_database WHERE datname = current_database()",
        )?;
        let [commits, rollbacks] = row
            .split_once('|')
            .and_then(|(commits, rollbacks)| Some([commits.parse().ok()?, rollbacks.parse().ok()?]))
            .ok_or_else(|| Error::Unusable(format!("transactions can't be counted: {row}")))?;
        let count = || {
            let sql = "SELECT coalesce(sum(s.calls), 0)
                FROM pg_stat_statements s
                JOIN pg_database d ON d.oid = s.dbid
                WHERE d.datname = current_database()";
            let told = database.query(sql)?;
            told.parse().map_err(|_| Error::Unusable(format!("statements can't be counted: {told}")))
        };
        let statements = with_statements.then(count).transpose()?;
        Ok(Self { commits, rollbacks, statements })
    }

    /// What was done since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let statements = self.statements.zip(earlier.statements).map(|(now, then)| now - then);
        Self {
            commits: self.commits - earlier.commits,
            rollbacks: self.rollbacks - earlier.rollbacks,
            statements,
        }
    }
}

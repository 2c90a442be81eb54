//! `holdfast fairness`: who came when, who got what, and who was served before whom, of one event of a live system.
//!
//! It reads the log of the event's shard once, in pages, up to where it ended at the start, and nothing else. Never here: what is
//! made of it, which is `domain::fairness`'s.

#[cfg(test)]
mod tests;
mod text;

use std::time::Instant;

use holdfast_domain::{
    EventId, Kind, Seq, Shard, TenantId,
    change::Recorded,
    fairness::{Fairness, Report},
};
use holdfast_runtime::lifecycle::BoxError;
use holdfast_store::{Database, Error};

use crate::{settings::FairnessSettings, stdout, verify::read_ahead};

/// How often a log is read from the start that was pruned meanwhile.
const TRIES: usize = 5;

/// What was read of a log.
struct Told {
    /// Nothing when no change of it is of the event.
    report: Option<Report>,
    /// Changes of the event that this release can't read.
    unreadable: u64,
}

/// Runs the command.
///
/// # Errors
/// When there is no such event, the log can't be read, or nobody reads what is told.
pub async fn run(settings: &FairnessSettings) -> Result<(), BoxError> {
    let database = Database::new(&settings.database)?;
    database.ready().await?;
    let began = Instant::now();
    let (tenant, event) = (settings.tenant, settings.event);
    let Told { report, unreadable } = read(&database, tenant, event).await?;
    let shard = Shard::of(tenant);
    let report = report.ok_or_else(|| unknown(tenant, event))?;
    let told = if settings.json {
        text::json(&report, shard, unreadable)?
    } else {
        text::table(&report, shard, unreadable, began.elapsed())
    };
    stdout::line(told.trim_end())
}

/// What to do about an event that the log does not know.
fn unknown(tenant: TenantId, event: EventId) -> String {
    format!(
        "the log of shard {} has no change of event {event} of tenant {tenant}. Look whether the id is right; an event of \
         another tenant is found with --tenant ID; and what was pruned (CHANGES_KEEP_DAYS) is gone",
        Shard::of(tenant)
    )
}

/// Reads the log up to where it ends now.
async fn read(database: &Database, tenant: TenantId, event: EventId) -> Result<Told, Error> {
    for _ in 0..TRIES {
        if let Some(told) = read_once(database, tenant, event).await? {
            return Ok(told);
        }
    }
    Err(Error::Busy("the log is pruned faster than it is read"))
}

/// Nothing when it was pruned meanwhile.
async fn read_once(database: &Database, tenant: TenantId, event: EventId) -> Result<Option<Told>, Error> {
    let shard = Shard::of(tenant);
    let until = database.log_ends(shard).await?.seq;
    let (mut fairness, mut unreadable) = (Fairness::new(tenant, event), 0);
    let id = event.to_string();
    let is_of_it = |recorded: &Recorded| recorded.tenant_id == tenant && recorded.data.contains(&id);
    let mut last: Option<Seq> = None;
    let mut next = read_ahead(database, shard, Seq(0), until);
    loop {
        // No code of ours can panic there, and nobody aborts it.
        let page = next.await.map_err(|_| Error::Stopping)??;
        let Some((first, end)) = page.first().zip(page.last()) else {
            break;
        };
        let follows = last.is_none_or(|last| first.seq == last.next());
        if !follows && first.kind != Kind::LogLeapt.as_str() {
            let floor = database.log_ends(shard).await?.floor;
            if first.seq <= floor.next() {
                return Ok(None);
            }
        }
        last = Some(end.seq);
        next = read_ahead(database, shard, end.seq, until);
        for recorded in page.iter().filter(|recorded| is_of_it(recorded)) {
            match recorded.parse() {
                Ok(change) => fairness.step(&change),
                Err(_) => unreadable += 1,
            }
        }
    }
    Ok(Some(Told { report: fairness.report(), unreadable }))
}

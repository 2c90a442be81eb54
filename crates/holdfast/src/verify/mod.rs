//! `holdfast verify`: holds a live system's log and tables against the promises, and says what it found.
//!
//! It reads only: each page in a statement of its own, so that nobody is kept waiting and no snapshot grows old. A shard is
//! judged after another. Never here: what a promise means, which is `domain::audit`'s, and SQL, which is `store`'s.

mod begun;
mod compare;
mod finds;
mod lines;
mod log;
mod progress;
mod report;
mod sales;
mod tables;
#[cfg(test)]
mod tests;

use std::time::Instant;

use holdfast_domain::{Fact, Seq, Shard, change::Recorded};
use holdfast_runtime::lifecycle::BoxError;
use holdfast_store::{Database, Error, UnitNets};

use crate::{settings::VerifySettings, stdout};
use finds::{Find, Promise, Verdict};
pub(crate) use log::read_ahead;
use log::{Outcome, Reading};
use progress::Progress;
pub(crate) use report::grouped;
use tables::Look;

/// How often a log is read from the start that was pruned meanwhile.
const TRIES: usize = 5;

/// What is verified.
pub struct Scope {
    /// These shards.
    pub shards: Vec<Shard>,
    /// Only what comes after this position.
    pub from: Seq,
    /// Most finds that are kept.
    pub finds_max: usize,
}

/// Runs the command; whether nothing was found.
///
/// # Errors
/// When it could not be verified, or nobody reads what was found.
pub async fn run(settings: &VerifySettings) -> Result<bool, BoxError> {
    let database = Database::new(&settings.database)?;
    database.ready().await?;
    let began = Instant::now();
    let verdict = verify(&database, &settings.scope()).await?;
    let told = if settings.json {
        report::json(&verdict, began.elapsed())?
    } else {
        report::table(&verdict, began.elapsed())
    };
    stdout::line(told.trim_end())?;
    Ok(verdict.is_clean())
}

/// Holds the shards against the promises.
pub async fn verify(database: &Database, scope: &Scope) -> Result<Verdict, Error> {
    let mut progress = Progress::new();
    let mut verdict = Verdict::keeping(scope.finds_max);
    let has_net = database.has_net().await?;
    let UnitNets { bounds_sections, seats_one, places_one } = database.unit_nets().await?;
    for (promise, is_there, what) in [
        (Promise::P1, has_net, "constraint bookings_no_overlap, which keeps two overlapping grants out"),
        (
            Promise::P5,
            bounds_sections,
            "constraint sections_not_oversold, which keeps out more than there is",
        ),
        (Promise::P5, seats_one, "constraint taken_seats_pkey, which keeps out a seat's second holder"),
        (
            Promise::Waitlist,
            places_one,
            "unique index waitlist_place, which keeps a user from standing in a line twice",
        ),
    ] {
        verdict.check(promise, is_there, || Find {
            promise,
            shard: None,
            seq: None,
            object: None,
            what: format!("the {what}, is not there"),
        });
    }
    for shard in &scope.shards {
        progress.expect(length(database, *shard, scope.from).await?);
    }
    for shard in &scope.shards {
        verdict.add(verify_shard(database, *shard, scope, &mut progress).await?);
    }
    progress.finish();
    Ok(verdict)
}

async fn verify_shard(
    database: &Database,
    shard: Shard,
    scope: &Scope,
    progress: &mut Progress,
) -> Result<Verdict, Error> {
    let done = progress.done();
    for _ in 0..TRIES {
        progress.set_back(done);
        progress.doing(format!("shard {shard}, the log"));
        let mut verdict = Verdict::keeping(scope.finds_max);
        let mut reading = Reading { database, shard, from: scope.from, verdict: &mut verdict, progress };
        let Outcome::Read { first, is_whole } = reading.run().await? else {
            continue;
        };
        progress.doing(format!("shard {shard}, the tables"));
        let from = scope.from;
        let (unread, seated) = (Vec::new(), Vec::new());
        let mut look = Look { database, shard, first, is_whole, from, verdict: &mut verdict, unread, seated };
        look.run().await?;
        verdict.figures.shards = 1;
        return Ok(verdict);
    }
    Err(Error::Busy("the log is pruned faster than it is read"))
}

/// How many changes a log has, about: positions that it leapt over are none.
async fn length(database: &Database, shard: Shard, from: Seq) -> Result<u64, Error> {
    let ends = database.log_ends(shard).await?;
    let Some(first) = ends.first else {
        return Ok(0);
    };
    let before = first.previous().max(from);
    let leapt = |recorded: &Recorded| match recorded.parse().map(|change| change.fact) {
        Ok(Fact::LogLeapt { from }) => recorded.seq.0 - from.max(before).0 - 1,
        _ => 0,
    };
    let of_itself = database.log_of_itself(shard).await?;
    let leapt: i64 = of_itself.iter().filter(|recorded| recorded.seq > before).map(leapt).sum();
    Ok(u64::try_from(ends.seq.0 - before.0 - leapt).unwrap_or(0))
}

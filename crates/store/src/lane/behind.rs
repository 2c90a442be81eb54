//! Commands whose event has more to settle than one transaction may: they come again until they are answered, or are told when
//! to try if that would take too long. Never settles anything itself.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use holdfast_domain::{EventId, Shard, TenantId};
use tokio::time::timeout;

use super::{
    backlog::{Backlog, seconds},
    queue::Job,
    sale::Sale,
};
use crate::{Database, Error, lapsed};

/// For so long it is not counted anew how much an event has left; and when that took too long, for so long.
const COUNTED_FOR: Duration = Duration::from_millis(250);
const UNCOUNTED_FOR: Duration = Duration::from_secs(5);

/// How long that may take: the lane does nothing meanwhile.
const COUNTED_WITHIN: Duration = Duration::from_secs(1);

/// So many holds that are over are counted at most, of all events together.
const COUNTED: usize = 40_000;

/// What is known of a lane's events that are behind.
pub(super) struct Behind {
    database: Database,
    shard: Shard,
    events: HashMap<EventId, Left>,
}

/// How much an event has to settle.
#[derive(Clone, Copy)]
struct Left {
    /// How many transactions that takes; none when it could not be counted.
    transactions: u32,
    /// When to count it anew.
    stale_at: Instant,
}

impl Behind {
    pub(super) fn new(database: Database, shard: Shard) -> Self {
        Self { database, shard, events: HashMap::new() }
    }

    /// Puts the jobs that a batch has left behind before all that wait, but for those whose event takes too long. And half of the
    /// places are for whoever wants something else: of those beyond, the last are told as well.
    pub(super) async fn sort(&mut self, behind: Vec<Job>, waiting: &mut Vec<Job>, backlog: &Backlog) {
        let come_again = waiting.iter().filter(|job| job.has_come_again()).chain(&behind);
        let events: HashSet<EventId> = come_again.filter_map(|job| job.command.settles()).collect();
        self.events.retain(|event, _| events.contains(event));
        if behind.is_empty() && self.events.is_empty() {
            return;
        }
        self.count(&behind, Sale::share(events.len())).await;
        let now = Instant::now();
        let (tried, mut room) = (behind.len(), backlog.half());
        let mut stay = Vec::with_capacity(tried + waiting.len());
        for (place, job) in behind.into_iter().chain(waiting.drain(..)).enumerate() {
            let Some(left) = job.command.settles().and_then(|event| self.events.get(&event)) else {
                stay.push(job);
                continue;
            };
            let expected = backlog.time_for_batches(left.transactions, now);
            let was_tried = place < tried;
            // Who has come again was told nothing when it began, so an estimate that has changed is no reason.
            let wait = if job.has_come_again() { Duration::ZERO } else { expected } + job.has_waited(now);
            if room == 0 || was_tried && backlog.is_too_long(wait) {
                job.answer(Err(still_settling(expected).into()));
                continue;
            }
            room -= 1;
            stay.push(if was_tried { job.comes_again() } else { job });
        }
        *waiting = stay;
    }

    /// Counts what the events of these jobs have left, where a transaction settles so many of each: all share what it may.
    async fn count(&mut self, behind: &[Job], share: usize) {
        let now = Instant::now();
        let asked =
            behind.iter().filter_map(|job| Some((job.command.settles()?, job.command.order().tenant_id)));
        let mut stale: HashMap<EventId, TenantId> = asked.collect();
        stale.retain(|event, _| self.events.get(event).is_none_or(|left| left.stale_at <= now));
        if stale.is_empty() {
            return;
        }
        let events: Vec<(TenantId, EventId)> =
            stale.into_iter().map(|(event, tenant)| (tenant, event)).collect();
        let counted = lapsed::count(&self.database, self.shard, &events, COUNTED / events.len());
        let counted = timeout(COUNTED_WITHIN, counted).await.unwrap_or(Err(Error::Silent));
        for (_, event) in events {
            let left = match &counted {
                Ok(counted) => Left {
                    transactions: counted.get(&event).map_or(0, |left| left.transactions(share)),
                    stale_at: Instant::now() + COUNTED_FOR,
                },
                Err(error) => {
                    tracing::warn!(shard = %self.shard, %event, %error, "what is left to settle can't be counted");
                    let transactions = self.events.get(&event).map_or(0, |left| left.transactions);
                    Left { transactions, stale_at: Instant::now() + UNCOUNTED_FOR }
                }
            };
            self.events.insert(event, left);
        }
    }
}

fn still_settling(expected: Duration) -> Error {
    let reason = "holds that are over are still being settled";
    Error::Backlog { reason, retry_after_seconds: seconds(expected) }
}

//! The logs as they grow, a line a change.

use std::{collections::BTreeMap, time::Duration};

use holdfast_domain::{Kind, Seq, Shard, change::Recorded};
use holdfast_runtime::lifecycle::BoxError;
use holdfast_store::{Database, Error};
use time::format_description::well_known::Rfc3339;
use tokio::time::{MissedTickBehavior, interval};

use super::{Scope, output::Output};
use crate::{settings::WatchSettings, stdout};

/// Between two looks at all heads.
const EVERY: Duration = Duration::from_millis(250);

/// Most changes of a page.
const PAGE: i64 = 500;

/// Where the reader stands in each log.
struct Reader {
    database: Database,
    scope: Scope,
    stands: BTreeMap<i16, Seq>,
    is_known: bool,
}

pub(super) async fn follow(
    settings: &WatchSettings,
    scope: Scope,
    output: &mut Output,
) -> Result<(), BoxError> {
    let database = Database::new(&settings.database)?;
    let mut reader = Reader { database, scope, stands: BTreeMap::new(), is_known: false };
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if !reader.is_known {
            match super::ready(&reader.database).await? {
                Ok(()) => reader.is_known = true,
                Err(error) => {
                    output.away(&error)?;
                    continue;
                }
            }
        }
        match reader.look(output).await? {
            Ok(()) => output.back()?,
            Err(error) => output.away(&error)?,
        }
    }
}

impl Reader {
    /// Tells what has been written since the last look. Every line that was told stays told, whatever fails after it.
    async fn look(&mut self, output: &Output) -> Result<Result<(), Error>, BoxError> {
        let heads = match self.database.heads().await {
            Ok(heads) => heads,
            Err(error) => return Ok(Err(error)),
        };
        for head in heads.iter().filter(|head| self.scope.shards.contains(&head.shard)) {
            let first = self.scope.after.unwrap_or(head.seq);
            let mut at = *self.stands.entry(head.shard.number()).or_insert(first);
            while at < head.seq {
                let page = match self.database.log_run(head.shard, at, head.seq, PAGE).await {
                    Ok(page) => page,
                    Err(error) => return Ok(Err(error)),
                };
                let (Some(first), Some(last)) = (page.first(), page.last()) else {
                    break;
                };
                if first.seq != at.next() && first.kind != Kind::LogLeapt.as_str() {
                    tracing::warn!(shard = %head.shard, after = %at, before = %first.seq, "the log has nothing there any more");
                }
                let end = last.seq;
                for recorded in &page {
                    let is_asked_for = self.scope.tenant.is_none_or(|tenant| recorded.tenant_id == tenant);
                    if is_asked_for {
                        stdout::line(&told(head.shard, recorded, output.is_json()))?;
                    }
                }
                at = end;
                self.stands.insert(head.shard.number(), at);
            }
        }
        Ok(Ok(()))
    }
}

fn told(shard: Shard, recorded: &Recorded, is_json: bool) -> String {
    let Recorded { tenant_id, seq, kind, at, actor, object_id, .. } = recorded;
    if is_json {
        let wire = recorded.wire();
        return format!(
            "{{\"shard\":{shard},\"tenant_id\":\"{tenant_id}\",{}",
            wire.strip_prefix('{').unwrap_or(&wire)
        );
    }
    let at = at.format(&Rfc3339).unwrap_or_default();
    let actor = actor.as_deref().unwrap_or("-");
    format!("{at}  tenant {tenant_id}  shard {shard}  seq {seq}  {kind}  {object_id}  by {actor}")
}

#[cfg(test)]
mod tests {
    use holdfast_domain::{DEFAULT_TENANT, Fact};
    use serde_json::Value;
    use time::macros::datetime;

    use super::*;

    fn recorded() -> Recorded {
        let fact = Fact::LogLeapt { from: Seq(4) };
        Recorded {
            tenant_id: DEFAULT_TENANT,
            seq: Seq(17),
            kind: fact.kind().as_str().into(),
            at: datetime!(2027-03-21 10:00:00.5 UTC),
            actor: None,
            request_id: None,
            traceparent: None,
            data: fact.data_json(),
            object_id: fact.object_id(),
        }
    }

    #[test]
    fn a_change_is_told_in_a_line_or_whole() {
        let shard = Shard::of(DEFAULT_TENANT);
        assert_eq!(
            told(shard, &recorded(), false),
            "2027-03-21T10:00:00.5Z  tenant 00000000-0000-0000-0000-000000000001  shard 3  seq 17  log_leapt  \
             00000000-0000-0000-0000-000000000000  by -"
        );
        let whole: Value = serde_json::from_str(&told(shard, &recorded(), true)).unwrap();
        assert_eq!(
            (&whole["shard"], &whole["seq"], &whole["data"]["from"]),
            (&3.into(), &17.into(), &4.into())
        );
    }
}

//! The table `changes`: the log.

use deadpool_postgres::Object;
use holdfast_domain::{CommandId, Fact, ResourceId, Seq, Shard, TenantId, Trace, UserId, change::Recorded};
use time::OffsetDateTime;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{Database, Error};

/// Writes changes with [`Appended::params`].
macro_rules! append {
    () => {
        "
        INSERT INTO changes (
            shard, seq, tenant_id, type, at, actor, request_id, traceparent, command_id, object_id, resource_id, data)
        SELECT
            $1, seq, tenant_id, type, $2, actor, request_id, traceparent, command_id, object_id, resource_id, data::json
        FROM unnest(
            $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::uuid[],
            $11::uuid[], $12::text[])
            AS c(seq, tenant_id, type, actor, request_id, traceparent, command_id, object_id, resource_id, data)"
    };
}
pub(crate) use append;

pub(crate) const AFTER: &str = "
    SELECT tenant_id, seq, type, at, actor, request_id, traceparent, data::text, object_id
    FROM changes
    WHERE shard = $1 AND seq > $2
    ORDER BY seq
    LIMIT $3";

/// By the log above where a transaction began: which of these commands took place.
pub(crate) const OF_COMMANDS: &str = "
    SELECT command_id, tenant_id, seq, type, at, actor, request_id, traceparent, data::text, object_id
    FROM changes
    WHERE shard = $1 AND seq > $2 AND command_id = ANY ($3)
    ORDER BY seq";

/// Changes to be written with the head, column by column.
#[derive(Default)]
pub(crate) struct Appended {
    pub(crate) last: Seq,
    seqs: Vec<i64>,
    tenants: Vec<Uuid>,
    kinds: Vec<&'static str>,
    actors: Vec<Option<String>>,
    requests: Vec<Option<String>>,
    traces: Vec<Option<String>>,
    commands: Vec<Uuid>,
    objects: Vec<Uuid>,
    resources: Vec<Option<Uuid>>,
    data: Vec<String>,
}

impl Appended {
    pub(crate) fn push(
        &mut self,
        tenant_id: TenantId,
        command_id: CommandId,
        actor: Option<&UserId>,
        trace: &Trace,
        fact: &Fact,
    ) -> Seq {
        self.last = self.last.next();
        self.seqs.push(self.last.0);
        self.tenants.push(tenant_id.uuid());
        self.kinds.push(fact.kind().as_str());
        self.actors.push(actor.map(|actor| actor.as_str().into()));
        self.requests.push(trace.request_id.as_ref().map(|request| request.as_str().into()));
        self.traces.push(trace.traceparent.as_ref().map(|parent| parent.as_str().into()));
        self.commands.push(command_id.uuid());
        self.objects.push(fact.object_id());
        self.resources.push(fact.ranges_of().map(ResourceId::uuid));
        self.data.push(fact.data_json());
        self.last
    }

    pub(crate) fn len(&self) -> usize {
        self.seqs.len()
    }

    /// The parameters of [`append`].
    pub(crate) fn params<'a>(
        &'a self,
        shard: &'a i16,
        at: &'a OffsetDateTime,
    ) -> [&'a (dyn ToSql + Sync); 12] {
        [
            shard,
            at,
            &self.seqs,
            &self.tenants,
            &self.kinds,
            &self.actors,
            &self.requests,
            &self.traces,
            &self.commands,
            &self.objects,
            &self.resources,
            &self.data,
        ]
    }
}

/// Reads a change from the columns that [`AFTER`] selects, the first of them at `first`.
pub(crate) fn recorded(row: &Row, first: usize) -> Recorded {
    Recorded {
        tenant_id: row.get::<_, Uuid>(first).into(),
        seq: Seq(row.get(first + 1)),
        kind: row.get(first + 2),
        at: row.get(first + 3),
        actor: row.get(first + 4),
        request_id: row.get(first + 5),
        traceparent: row.get(first + 6),
        data: row.get(first + 7),
        object_id: row.get(first + 8),
    }
}

impl Database {
    /// At most `limit` changes of a shard's log after `after`, in order.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn log_after(&self, shard: Shard, after: Seq, limit: i64) -> Result<Vec<Recorded>, Error> {
        let rows = self.ask(async |client: &Object| {
            let statement = client.prepare_cached(AFTER).await?;
            Ok(client.query(&statement, &[&shard.number(), &after.0, &limit]).await?)
        });
        Ok(rows.await?.iter().map(|row| recorded(row, 0)).collect())
    }
}

//! The table `idempotency_keys`: writes that succeeded under a name that their caller gave them.

use deadpool_postgres::Object;
use holdfast_domain::{Change, IdempotencyKey, Seq, Shard, TenantId, UserId, change::Recorded};
use time::{Duration, OffsetDateTime};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{
    Database, Error, Head, changes,
    head::bounded,
    resources::{numbers, written},
};

/// How long a key is known.
const KEPT: Duration = Duration::hours(24);

/// Most keys deleted in one transaction.
const SWEPT: i64 = 1_000;

pub(crate) const KNOWN: &str = "
    SELECT wanted.n, k.fingerprint, k.effect_seq, k.expires_at
    FROM unnest($2::integer[], $3::uuid[], $4::text[], $5::text[]) AS wanted(n, tenant_id, caller, key)
    CROSS JOIN LATERAL (
        SELECT fingerprint, effect_seq, expires_at
        FROM idempotency_keys
        WHERE shard = $1 AND tenant_id = wanted.tenant_id AND caller = wanted.caller AND key = wanted.key
        OFFSET 0
    ) k";

/// One that is past its time and not swept yet makes room.
pub(crate) const INSERT: &str = "
    INSERT INTO idempotency_keys (shard, tenant_id, caller, key, fingerprint, effect_seq, expires_at)
    SELECT $1, tenant_id, caller, key, fingerprint, effect_seq, $2
    FROM unnest($3::uuid[], $4::text[], $5::text[], $6::bytea[], $7::bigint[])
        AS k(tenant_id, caller, key, fingerprint, effect_seq)
    ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO UPDATE
    SET fingerprint = excluded.fingerprint, effect_seq = excluded.effect_seq, expires_at = excluded.expires_at";

/// The change that a write left its object at, and what was told of conflicts with it: at `seq`, or for an object that
/// was there before, its last at that time. That is looked for by a row, as in `history`: the log's primary key must not
/// serve.
pub(crate) const EFFECT: &str = "
    SELECT k.n, c.tenant_id, c.seq, c.type, c.at, c.actor, c.request_id, c.traceparent, c.data::text, c.object_id
    FROM unnest($2::integer[], $3::bigint[], $4::uuid[]) AS k(n, seq, object_id)
    CROSS JOIN LATERAL (
        SELECT object_id FROM changes WHERE shard = $1 AND seq = k.seq AND k.object_id IS NULL
        UNION ALL
        SELECT k.object_id WHERE k.object_id IS NOT NULL
    ) object
    CROSS JOIN LATERAL (
        SELECT seq
        FROM changes
        WHERE shard = $1 AND (object_id, seq) <= (object.object_id, k.seq) AND object_id >= object.object_id
            AND type <> 'booking_conflict'
        ORDER BY object_id DESC, seq DESC
        LIMIT 1
    ) last
    CROSS JOIN LATERAL (
        SELECT *
        FROM changes
        WHERE shard = $1 AND seq >= last.seq AND seq <= last.seq + 1 AND object_id = object.object_id
        OFFSET 0
    ) c
    WHERE c.seq = last.seq OR c.type = 'booking_conflict'
    ORDER BY c.seq";

pub(crate) const EXPIRED: &str = "
    SELECT EXISTS (
        SELECT
        FROM idempotency_keys
        WHERE shard = $1
            AND expires_at <= (SELECT greatest(at, clock_timestamp()) FROM heads WHERE shard = $1)
    )";

pub(crate) const SWEEP: &str = "
    DELETE FROM idempotency_keys k
    USING (
        SELECT shard, ctid FROM idempotency_keys WHERE shard = $1 AND expires_at <= $2 ORDER BY expires_at LIMIT $3
    ) place
    WHERE k.shard = place.shard AND k.ctid = place.ctid";

/// The last change of an object, looked for as in [`EFFECT`].
pub(crate) const LAST: &str = "
    SELECT seq
    FROM changes
    WHERE shard = $1 AND (object_id, seq) <= ($2, 9223372036854775807) AND object_id >= $2
    ORDER BY object_id DESC, seq DESC
    LIMIT 1";

/// A key that a batch asks for.
pub(crate) struct Asked<'a> {
    pub(crate) tenant_id: TenantId,
    pub(crate) caller: &'a UserId,
    pub(crate) name: &'a IdempotencyKey,
}

/// A write that happened under a key.
pub(crate) struct Known {
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) effect_seq: Seq,
    /// From then on it is as good as gone.
    pub(crate) expires_at: OffsetDateTime,
}

impl Known {
    /// Whether the write made this change; one that it left its object at is older.
    pub(crate) fn made(&self, change: &Change) -> bool {
        change.at == self.expires_at - KEPT
    }
}

/// A key to be written with its effect.
pub(crate) struct New<'a> {
    pub(crate) asked: Asked<'a>,
    pub(crate) fingerprint: &'a [u8],
    pub(crate) effect_seq: Seq,
}

/// The last change of an object that the log has; none when it was pruned.
pub(crate) async fn last_of(head: &Head, object: Uuid) -> Result<Option<Seq>, Error> {
    let statement = head.client().prepare_cached(LAST).await?;
    let row = head.client().query_opt(&statement, &[&head.shard().number(), &object]).await?;
    Ok(row.map(|row| Seq(row.get(0))))
}

/// What is known of each key, by its place.
pub(crate) async fn known(
    client: &Object,
    shard: Shard,
    asked: &[(usize, Asked<'_>)],
) -> Result<Vec<(usize, Known)>, Error> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client.prepare_cached(KNOWN).await?;
    let numbers = numbers(asked.iter().map(|(place, _)| *place))?;
    let tenants: Vec<Uuid> = asked.iter().map(|(_, k)| k.tenant_id.uuid()).collect();
    let callers: Vec<&str> = asked.iter().map(|(_, k)| k.caller.as_str()).collect();
    let names: Vec<&str> = asked.iter().map(|(_, k)| k.name.as_str()).collect();
    let params: [&(dyn ToSql + Sync); 5] = [&shard.number(), &numbers, &tenants, &callers, &names];
    let rows = client.query(&statement, &params).await?;
    let known = |row: &tokio_postgres::Row| {
        let place = usize::try_from(row.get::<_, i32>(0)).ok()?;
        let known = Known { fingerprint: row.get(1), effect_seq: Seq(row.get(2)), expires_at: row.get(3) };
        Some((place, known))
    };
    rows.iter().map(|row| known(row).ok_or(Error::Defect("a number of no key"))).collect()
}

/// The changes of writes that happened, by place: what became of the object of each.
pub(crate) async fn effects(
    head: &Head,
    writes: &[(usize, Seq, Option<Uuid>)],
) -> Result<Vec<(usize, Recorded)>, Error> {
    if writes.is_empty() {
        return Ok(Vec::new());
    }
    let statement = head.client().prepare_cached(EFFECT).await?;
    let numbers = numbers(writes.iter().map(|(place, ..)| *place))?;
    let seqs: Vec<i64> = writes.iter().map(|(_, seq, _)| seq.0).collect();
    let objects: Vec<Option<Uuid>> = writes.iter().map(|(.., object)| *object).collect();
    let params: [&(dyn ToSql + Sync); 4] = [&head.shard().number(), &numbers, &seqs, &objects];
    let rows = head.client().query(&statement, &params).await?;
    let effect = |row: &tokio_postgres::Row| {
        Some((usize::try_from(row.get::<_, i32>(0)).ok()?, changes::recorded(row, 1)))
    };
    rows.iter().map(|row| effect(row).ok_or(Error::Defect("a number of no write"))).collect()
}

/// Writes keys, beside what was done under them.
pub(crate) async fn insert(head: &Head, new: &[New<'_>]) -> Result<(), Error> {
    if new.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(INSERT).await?;
    let tenants: Vec<Uuid> = new.iter().map(|k| k.asked.tenant_id.uuid()).collect();
    let callers: Vec<&str> = new.iter().map(|k| k.asked.caller.as_str()).collect();
    let names: Vec<&str> = new.iter().map(|k| k.asked.name.as_str()).collect();
    let fingerprints: Vec<&[u8]> = new.iter().map(|k| k.fingerprint).collect();
    let seqs: Vec<i64> = new.iter().map(|k| k.effect_seq.0).collect();
    let (shard, expires_at) = (head.shard().number(), head.at() + KEPT);
    let params: [&(dyn ToSql + Sync); 7] =
        [&shard, &expires_at, &tenants, &callers, &names, &fingerprints, &seqs];
    written(head.client().execute(&statement, &params).await?, new.len())
}

impl Database {
    /// Deletes keys of `shard` that are past their time, a thousand at most; whether there may be more.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked, or the head can't be had.
    pub async fn sweep_keys(&self, shard: Shard) -> Result<bool, Error> {
        if !self.has_expired_keys(shard).await? {
            return Ok(false);
        }
        let swept = async {
            let head = Head::take(self, shard).await?;
            let statement = head.client().prepare_cached(SWEEP).await?;
            let swept = head.client().execute(&statement, &[&shard.number(), &head.at(), &SWEPT]).await?;
            Ok((head, swept))
        };
        let (head, swept) = bounded(Box::pin(swept)).await?;
        head.commit().await?;
        Ok(swept >= SWEPT.unsigned_abs())
    }

    async fn has_expired_keys(&self, shard: Shard) -> Result<bool, Error> {
        self.ask(async |client: &Object| {
            let statement = client.prepare_cached(EXPIRED).await?;
            Ok(client.query_one(&statement, &[&shard.number()]).await?.get(0))
        })
        .await
    }
}

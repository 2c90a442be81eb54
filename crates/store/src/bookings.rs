//! The table `bookings`: reading and writing claims.

use holdfast_domain::{
    Booking, BookingId, Claim, Note, ResourceName, Seq, Shard, Status, TenantId, TimeRange, Title, UserId,
};
use std::collections::HashMap;

use time::OffsetDateTime;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{Database, Error, head::Head, resources::written};

macro_rules! booking_columns {
    () => {
        "b.id, b.resource_id, r.name, b.user_id, b.status, b.wanted_start_at, b.wanted_end_at, lower(b.granted), \
         upper(b.granted), b.rank, b.decide_by, b.title, b.note, b.version, b.created_at, b.updated_at, \
         r.venue_id"
    };
}
pub(crate) use booking_columns;

pub(crate) const INSERT: &str = "
    INSERT INTO bookings (
        shard, tenant_id, id, resource_id, user_id, status, wanted_start_at, wanted_end_at, rank, decide_by, title,
        note, version, created_at, updated_at)
    SELECT $1, tenant_id, id, resource_id, user_id, 'PENDING', start_at, end_at, rank, decide_by, title, note, 1, $2, $2
    FROM unnest(
        $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::bigint[],
        $10::timestamptz[], $11::text[], $12::text[])
        AS b(tenant_id, id, resource_id, user_id, start_at, end_at, rank, decide_by, title, note)";

pub(crate) const BY_ID: &str = concat!(
    "SELECT b.tenant_id, ",
    booking_columns!(),
    "
    FROM unnest($2::uuid[], $3::uuid[]) AS wanted(tenant_id, id)
    CROSS JOIN LATERAL (
        SELECT * FROM bookings WHERE shard = $1 AND tenant_id = wanted.tenant_id AND id = wanted.id OFFSET 0
    ) b
    CROSS JOIN LATERAL (
        SELECT name, venue_id FROM resources WHERE shard = $1 AND tenant_id = b.tenant_id AND id = b.resource_id OFFSET 0
    ) r"
);

/// What changed of bookings, each only if it still has the version that it was read with.
pub(crate) const UPDATE: &str = "
    UPDATE bookings b
    SET status = c.status, wanted_start_at = c.start_at, wanted_end_at = c.end_at,
        granted = CASE WHEN c.held_from IS NOT NULL THEN tstzrange(c.held_from, c.held_to) END,
        rank = c.rank, decide_by = c.decide_by, title = c.title, note = c.note, version = b.version + 1,
        updated_at = $2
    FROM unnest(
        $3::uuid[], $4::uuid[], $5::integer[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::timestamptz[],
        $10::timestamptz[], $11::bigint[], $12::timestamptz[], $13::text[], $14::text[])
        AS c(tenant_id, id, version, status, start_at, end_at, held_from, held_to, rank, decide_by, title, note)
    CROSS JOIN LATERAL (
        SELECT shard, ctid
        FROM bookings
        WHERE shard = $1 AND tenant_id = c.tenant_id AND id = c.id AND version = c.version
        OFFSET 0
    ) place
    WHERE b.shard = place.shard AND b.ctid = place.ctid";

/// When the change at each rank happened; none for what the log no longer has.
pub(crate) const ASKED_AT: &str = "
    SELECT rank.seq, c.at
    FROM unnest($2::bigint[]) AS rank(seq)
    CROSS JOIN LATERAL (SELECT at FROM changes WHERE shard = $1 AND seq = rank.seq OFFSET 0) c";

/// New bookings, all of them open wants.
pub(crate) async fn insert(head: &Head, new: &[(TenantId, &Booking)]) -> Result<(), Error> {
    if new.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(INSERT).await?;
    let tenants: Vec<Uuid> = new.iter().map(|(tenant, _)| tenant.uuid()).collect();
    let ids: Vec<Uuid> = new.iter().map(|(_, b)| b.id.uuid()).collect();
    let resources: Vec<Uuid> = new.iter().map(|(_, b)| b.resource_id.uuid()).collect();
    let users: Vec<&str> = new.iter().map(|(_, b)| b.user_id.as_str()).collect();
    let starts: Vec<OffsetDateTime> = new.iter().map(|(_, b)| b.claim.wanted().start()).collect();
    let ends: Vec<OffsetDateTime> = new.iter().map(|(_, b)| b.claim.wanted().end()).collect();
    let ranks: Vec<i64> = new.iter().map(|(_, b)| b.claim.rank().0).collect();
    let deadlines: Vec<Option<OffsetDateTime>> = new.iter().map(|(_, b)| b.claim.decide_by()).collect();
    let titles: Vec<Option<&str>> = new.iter().map(|(_, b)| b.title.as_ref().map(Title::as_str)).collect();
    let notes: Vec<Option<&str>> = new.iter().map(|(_, b)| b.note.as_ref().map(Note::as_str)).collect();
    let (shard, at) = (head.shard().number(), head.at());
    let params: [&(dyn ToSql + Sync); 12] = [
        &shard, &at, &tenants, &ids, &resources, &users, &starts, &ends, &ranks, &deadlines, &titles, &notes,
    ];
    written(head.client().execute(&statement, &params).await?, new.len())
}

/// Writes what changed of bookings, whose versions rise.
pub(crate) async fn update(head: &Head, changed: &[(TenantId, &Booking)]) -> Result<(), Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(UPDATE).await?;
    let tenants: Vec<Uuid> = changed.iter().map(|(tenant, _)| tenant.uuid()).collect();
    let ids: Vec<Uuid> = changed.iter().map(|(_, b)| b.id.uuid()).collect();
    let before: Vec<i32> = changed.iter().map(|(_, b)| b.version - 1).collect();
    let states: Vec<&str> = changed.iter().map(|(_, b)| b.claim.status().as_str()).collect();
    let starts: Vec<OffsetDateTime> = changed.iter().map(|(_, b)| b.claim.wanted().start()).collect();
    let ends: Vec<OffsetDateTime> = changed.iter().map(|(_, b)| b.claim.wanted().end()).collect();
    let held = |b: &Booking| b.claim.granted();
    let from: Vec<Option<OffsetDateTime>> =
        changed.iter().map(|(_, b)| held(b).map(TimeRange::start)).collect();
    let to: Vec<Option<OffsetDateTime>> = changed.iter().map(|(_, b)| held(b).map(TimeRange::end)).collect();
    let ranks: Vec<i64> = changed.iter().map(|(_, b)| b.claim.rank().0).collect();
    let deadlines: Vec<Option<OffsetDateTime>> = changed.iter().map(|(_, b)| b.claim.decide_by()).collect();
    let titles: Vec<Option<&str>> =
        changed.iter().map(|(_, b)| b.title.as_ref().map(Title::as_str)).collect();
    let notes: Vec<Option<&str>> = changed.iter().map(|(_, b)| b.note.as_ref().map(Note::as_str)).collect();
    let (shard, at) = (head.shard().number(), head.at());
    let params: [&(dyn ToSql + Sync); 14] = [
        &shard, &at, &tenants, &ids, &before, &states, &starts, &ends, &from, &to, &ranks, &deadlines,
        &titles, &notes,
    ];
    written(head.client().execute(&statement, &params).await?, changed.len())
}

/// When each of these ranks was given, as far as the log goes back.
pub(crate) async fn asked_at(head: &Head, ranks: &[Seq]) -> Result<HashMap<Seq, OffsetDateTime>, Error> {
    if ranks.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = head.client().prepare_cached(ASKED_AT).await?;
    let seqs: Vec<i64> = ranks.iter().map(|rank| rank.0).collect();
    let rows = head.client().query(&statement, &[&head.shard().number(), &seqs]).await?;
    Ok(rows.iter().map(|row| (Seq(row.get(0)), row.get(1))).collect())
}

/// The bookings of these ids that there are.
pub(crate) async fn by_id(
    client: &deadpool_postgres::Client,
    shard: Shard,
    ids: &[(TenantId, BookingId)],
) -> Result<Vec<(TenantId, Booking)>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client.prepare_cached(BY_ID).await?;
    let tenants: Vec<Uuid> = ids.iter().map(|(tenant, _)| tenant.uuid()).collect();
    let bookings: Vec<Uuid> = ids.iter().map(|(_, id)| id.uuid()).collect();
    let rows = client.query(&statement, &[&shard.number(), &tenants, &bookings]).await?;
    rows.iter().map(|row| Ok((row.get::<_, Uuid>(0).into(), from_row(row, 1)?))).collect()
}

impl Database {
    /// One booking of a tenant, if there is one.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn booking(&self, tenant: TenantId, id: BookingId) -> Result<Option<Booking>, Error> {
        Ok(self.bookings_by_id(tenant, &[id]).await?.pop())
    }

    /// Those of a tenant's bookings with these ids, in no order.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn bookings_by_id(&self, tenant: TenantId, ids: &[BookingId]) -> Result<Vec<Booking>, Error> {
        let (reading, shard) = (self.reading().await?, Shard::of(tenant).number());
        let tenants = vec![tenant.uuid(); ids.len()];
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let rows = reading.query(BY_ID, &[&shard, &tenants, &ids]).await?;
        rows.iter().map(|row| from_row(row, 1)).collect()
    }
}

/// Reads a booking from [`booking_columns`], the first of them at `first`.
pub(crate) fn from_row(row: &Row, first: usize) -> Result<Booking, Error> {
    const BROKEN: Error = Error::Defect("a stored booking breaks the rules of its texts or its status");
    let id: BookingId = row.get::<_, Uuid>(first).into();
    let range = |start: usize| {
        let bounds = row.get::<_, Option<_>>(first + start).zip(row.get::<_, Option<_>>(first + start + 1));
        bounds.map(|(start, end)| TimeRange::new(start, end)).transpose().map_err(|_| BROKEN)
    };
    let status = Status::parse(row.get(first + 4)).ok_or(BROKEN)?;
    let (wanted, granted) = (range(5)?.ok_or(BROKEN)?, range(7)?);
    let claim = Claim::rebuild(status, wanted, granted, Seq(row.get(first + 9)), row.get(first + 10))
        .ok_or(BROKEN)?;
    let title: Option<&str> = row.get(first + 11);
    let note: Option<&str> = row.get(first + 12);
    Ok(Booking {
        id,
        resource_id: row.get::<_, Uuid>(first + 1).into(),
        resource: ResourceName::parse(row.get(first + 2)).map_err(|_| BROKEN)?,
        venue_id: row.get::<_, Uuid>(first + 16).into(),
        user_id: UserId::parse(row.get(first + 3)).map_err(|_| BROKEN)?,
        claim,
        title: title.map(Title::parse).transpose().map_err(|_| BROKEN)?,
        note: note.map(Note::parse).transpose().map_err(|_| BROKEN)?,
        version: row.get(first + 13),
        created_at: row.get(first + 14),
        updated_at: row.get(first + 15),
    })
}

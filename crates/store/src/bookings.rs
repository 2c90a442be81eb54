//! The table `bookings`: reading and writing claims.

use holdfast_domain::{
    Booking, BookingId, Claim, Note, ResourceName, Seq, Shard, Status, TenantId, TimeRange, Title, UserId,
};
use time::OffsetDateTime;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{Database, Error, head::Head, resources::written};

macro_rules! booking_columns {
    () => {
        "b.id, b.resource_id, r.name, b.user_id, b.status, b.wanted_start_at, b.wanted_end_at, lower(b.granted), \
         upper(b.granted), b.rank, b.decide_by, b.title, b.note, b.version, b.created_at, b.updated_at"
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
        SELECT name FROM resources WHERE shard = $1 AND tenant_id = b.tenant_id AND id = b.resource_id OFFSET 0
    ) r"
);

pub(crate) const CANCEL: &str = "
    UPDATE bookings b
    SET status = 'CANCELLED', granted = NULL, decide_by = NULL, version = b.version + 1, updated_at = $2
    FROM unnest($3::uuid[], $4::uuid[], $5::integer[]) AS c(tenant_id, id, version)
    CROSS JOIN LATERAL (
        SELECT shard, ctid
        FROM bookings
        WHERE shard = $1 AND tenant_id = c.tenant_id AND id = c.id AND version = c.version
        OFFSET 0
    ) place
    WHERE b.shard = place.shard AND b.ctid = place.ctid";

pub(crate) const LISTED: &str = concat!(
    "SELECT b.tenant_id, ",
    booking_columns!(),
    "
    FROM (
        SELECT *
        FROM bookings
        WHERE shard = $1 AND tenant_id = $2 AND status <> 'CANCELLED' AND (wanted_start_at, id) > ($3, $4)
        ORDER BY wanted_start_at, id
        LIMIT $5
    ) b
    CROSS JOIN LATERAL (
        SELECT name FROM resources WHERE shard = $1 AND tenant_id = b.tenant_id AND id = b.resource_id OFFSET 0
    ) r
    ORDER BY b.wanted_start_at, b.id"
);

/// Where a page of bookings begins and how long it is.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// The last booking of the page before: its start and id.
    pub after: Option<(OffsetDateTime, BookingId)>,
    /// Most bookings on the page.
    pub limit: i64,
}

/// New bookings, all of them open wants.
pub(crate) async fn insert(head: &Head, new: &[(TenantId, Booking)]) -> Result<(), Error> {
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

/// Cancels bookings, each only if it still has the version that it was read with.
pub(crate) async fn cancel(head: &Head, cancelled: &[(TenantId, Booking)]) -> Result<(), Error> {
    if cancelled.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(CANCEL).await?;
    let tenants: Vec<Uuid> = cancelled.iter().map(|(tenant, _)| tenant.uuid()).collect();
    let ids: Vec<Uuid> = cancelled.iter().map(|(_, b)| b.id.uuid()).collect();
    let before: Vec<i32> = cancelled.iter().map(|(_, b)| b.version - 1).collect();
    let params: [&(dyn ToSql + Sync); 5] = [&head.shard().number(), &head.at(), &tenants, &ids, &before];
    written(head.client().execute(&statement, &params).await?, cancelled.len())
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
        let client = self.connection().await?;
        let found = by_id(&client, Shard::of(tenant), &[(tenant, id)]).await?;
        Ok(found.into_iter().map(|(_, booking)| booking).next())
    }

    /// A page of a tenant's bookings that are not cancelled, by start and id.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn bookings(&self, tenant: TenantId, filter: Filter) -> Result<Vec<Booking>, Error> {
        let client = self.connection().await?;
        let statement = client.prepare_cached(LISTED).await?;
        let (start, id) = filter.after.map_or((BEFORE_ALL, Uuid::nil()), |(start, id)| (start, id.uuid()));
        let shard = Shard::of(tenant).number();
        let rows = client.query(&statement, &[&shard, &tenant.uuid(), &start, &id, &filter.limit]).await?;
        rows.iter().map(|row| from_row(row, 1)).collect()
    }
}

/// No range begins before it.
const BEFORE_ALL: OffsetDateTime = time::macros::datetime!(0000-01-01 00:00 UTC);

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
        user_id: UserId::parse(row.get(first + 3)).map_err(|_| BROKEN)?,
        claim,
        title: title.map(Title::parse).transpose().map_err(|_| BROKEN)?,
        note: note.map(Note::parse).transpose().map_err(|_| BROKEN)?,
        version: row.get(first + 13),
        created_at: row.get(first + 14),
        updated_at: row.get(first + 15),
    })
}

//! The table `venues`: places, and their time zones.

use std::collections::HashSet;

use holdfast_domain::{Address, Shard, TenantId, Venue, VenueId, VenueName, ZoneName};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{Database, Error, Head, resources::written};

/// Most venues of a tenant: in each a day begins at another time, and a list by day has to know of all.
pub const VENUES_MAX: i64 = 1_000;

const INSERT: &str = "
    INSERT INTO venues (shard, tenant_id, id, name, time_zone, address, version, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7)";

const UPDATE: &str = "
    UPDATE venues
    SET name = $5, time_zone = $6, address = $7, version = version + 1, updated_at = $8
    WHERE shard = $1 AND tenant_id = $2 AND id = $3 AND version = $4";

pub(crate) const BY_ID: &str = "
    SELECT id, name, time_zone, address, version, created_at, updated_at
    FROM venues
    WHERE shard = $1 AND tenant_id = $2 AND id = $3";

pub(crate) const PAGE: &str = "
    SELECT id, name, time_zone, address, version, created_at, updated_at
    FROM venues
    WHERE shard = $1 AND tenant_id = $2 AND id > $3
    ORDER BY id
    LIMIT $4";

/// Which of these venues there are.
pub(crate) const EXISTING: &str = "
    SELECT w.tenant_id, w.id
    FROM unnest($2::uuid[], $3::uuid[]) AS w(tenant_id, id)
    CROSS JOIN LATERAL (
        SELECT FROM venues WHERE shard = $1 AND tenant_id = w.tenant_id AND id = w.id OFFSET 0
    ) v";

const COUNT: &str =
    "SELECT count(*) FROM (SELECT FROM venues WHERE shard = $1 AND tenant_id = $2 LIMIT $3) counted";

/// Makes a venue.
pub(crate) async fn insert(head: &Head, tenant_id: TenantId, venue: &Venue) -> Result<(), Error> {
    let statement = head.client().prepare_cached(INSERT).await?;
    let address = venue.address.as_ref().map(Address::as_str);
    let params: [&(dyn ToSql + Sync); 7] = [
        &head.shard().number(),
        &tenant_id.uuid(),
        &venue.id.uuid(),
        &venue.name.as_str(),
        &venue.time_zone.as_str(),
        &address,
        &head.at(),
    ];
    written(head.client().execute(&statement, &params).await?, 1)
}

/// Writes a venue, whose version rises.
pub(crate) async fn update(head: &Head, tenant_id: TenantId, venue: &Venue) -> Result<(), Error> {
    let statement = head.client().prepare_cached(UPDATE).await?;
    let (before, address) = (venue.version - 1, venue.address.as_ref().map(Address::as_str));
    let params: [&(dyn ToSql + Sync); 8] = [
        &head.shard().number(),
        &tenant_id.uuid(),
        &venue.id.uuid(),
        &before,
        &venue.name.as_str(),
        &venue.time_zone.as_str(),
        &address,
        &head.at(),
    ];
    written(head.client().execute(&statement, &params).await?, 1)
}

/// The venue under the head.
pub(crate) async fn by_id(head: &Head, tenant_id: TenantId, id: VenueId) -> Result<Option<Venue>, Error> {
    let statement = head.client().prepare_cached(BY_ID).await?;
    let row =
        head.client().query_opt(&statement, &[&head.shard().number(), &tenant_id.uuid(), &id.uuid()]).await?;
    row.as_ref().map(from_row).transpose()
}

/// Those of the venues that are there.
pub(crate) async fn existing(
    head: &Head,
    venues: &HashSet<(TenantId, VenueId)>,
) -> Result<HashSet<(TenantId, VenueId)>, Error> {
    let statement = head.client().prepare_cached(EXISTING).await?;
    let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) = venues.iter().map(|(t, v)| (t.uuid(), v.uuid())).unzip();
    let rows = head.client().query(&statement, &[&head.shard().number(), &tenants, &ids]).await?;
    Ok(rows.iter().map(|row| (row.get::<_, Uuid>(0).into(), row.get::<_, Uuid>(1).into())).collect())
}

/// How many the tenant has, up to `limit`.
pub(crate) async fn count(head: &Head, tenant_id: TenantId, limit: i64) -> Result<i64, Error> {
    let statement = head.client().prepare_cached(COUNT).await?;
    let params: [&(dyn ToSql + Sync); 3] = [&head.shard().number(), &tenant_id.uuid(), &limit];
    Ok(head.client().query_one(&statement, &params).await?.get(0))
}

impl Database {
    /// One venue of a tenant, if there is one.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn venue(&self, tenant: TenantId, id: VenueId) -> Result<Option<Venue>, Error> {
        let (reading, shard) = (self.reading().await?, Shard::of(tenant).number());
        let rows = reading.query(BY_ID, &[&shard, &tenant.uuid(), &id.uuid()]).await?;
        rows.first().map(from_row).transpose()
    }

    /// At most `limit` of a tenant's venues after this id, in the order in which they were made.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn venues(
        &self,
        tenant: TenantId,
        after: Option<VenueId>,
        limit: i64,
    ) -> Result<Vec<Venue>, Error> {
        let reading = self.reading().await?;
        let (shard, after) = (Shard::of(tenant).number(), after.map_or(Uuid::nil(), VenueId::uuid));
        let rows = reading.query(PAGE, &[&shard, &tenant.uuid(), &after, &limit]).await?;
        rows.iter().map(from_row).collect()
    }
}

pub(crate) fn from_row(row: &Row) -> Result<Venue, Error> {
    const BROKEN: Error = Error::Defect("a stored venue breaks the rules of its texts");
    let address: Option<&str> = row.get(3);
    Ok(Venue {
        id: row.get::<_, Uuid>(0).into(),
        name: VenueName::parse(row.get(1)).map_err(|_| BROKEN)?,
        time_zone: ZoneName::parse(row.get(2)).map_err(|_| BROKEN)?,
        address: address.map(Address::parse).transpose().map_err(|_| BROKEN)?,
        version: row.get(4),
        created_at: row.get(5),
        updated_at: row.get(6),
    })
}

//! The table `resources`: what is booked, how many want it, and up to where it has been judged.

use holdfast_domain::{
    Resource, ResourceId, ResourceName, Seq, Shard, TenantId, VenueId, rules::BookingLimits,
};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{Database, Error, head::Head};

const INSERT: &str = "
    INSERT INTO resources (
        shard, tenant_id, id, venue_id, name, shortest_seconds, longest_seconds, days_ahead, open_wants, judged,
        version, created_at, updated_at)
    SELECT $1, tenant_id, id, venue_id, name, shortest_seconds, longest_seconds, days_ahead, 0, 0, 1, $2, $2
    FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::integer[], $8::integer[], $9::integer[])
        AS r(tenant_id, id, venue_id, name, shortest_seconds, longest_seconds, days_ahead)";

// An UPDATE's table can be joined in ways that no fence keeps out; by place there is only one. Under the
// head nothing else moves a row.
pub(crate) const COUNT_WANTS: &str = "
    UPDATE resources r
    SET open_wants = r.open_wants + d.change
    FROM unnest($2::uuid[], $3::uuid[], $4::integer[]) AS d(tenant_id, id, change)
    CROSS JOIN LATERAL (
        SELECT shard, ctid FROM resources WHERE shard = $1 AND tenant_id = d.tenant_id AND id = d.id OFFSET 0
    ) place
    WHERE r.shard = place.shard AND r.ctid = place.ctid";

pub(crate) const JUDGE: &str = "
    UPDATE resources r
    SET open_wants = r.open_wants - d.decided, judged = coalesce(d.judged, r.judged)
    FROM unnest($2::uuid[], $3::uuid[], $4::integer[], $5::bigint[]) AS d(tenant_id, id, decided, judged)
    CROSS JOIN LATERAL (
        SELECT shard, ctid FROM resources WHERE shard = $1 AND tenant_id = d.tenant_id AND id = d.id OFFSET 0
    ) place
    WHERE r.shard = place.shard AND r.ctid = place.ctid";

pub(crate) const BY_ID: &str = "
    SELECT id, venue_id, name, shortest_seconds, longest_seconds, days_ahead, version, created_at, updated_at
    FROM resources
    WHERE shard = $1 AND tenant_id = $2 AND id = $3";

const UPDATE: &str = "
    UPDATE resources
    SET name = $5, shortest_seconds = $6, longest_seconds = $7, days_ahead = $8, version = version + 1, updated_at = $9
    WHERE shard = $1 AND tenant_id = $2 AND id = $3 AND version = $4";

const COUNT: &str =
    "SELECT count(*) FROM (SELECT FROM resources WHERE shard = $1 AND tenant_id = $2 LIMIT $3) counted";

const OPEN_WANTS: &str =
    "SELECT coalesce(sum(open_wants), 0)::bigint FROM resources WHERE shard = $1 AND tenant_id = $2";

/// What a write needs to know of a resource.
#[derive(Debug, Clone)]
pub(crate) struct Bookable {
    pub(crate) id: ResourceId,
    pub(crate) venue_id: VenueId,
    pub(crate) name: ResourceName,
    pub(crate) limits: BookingLimits,
    pub(crate) open_wants: i32,
}

/// Makes new resources, with nobody wanting them yet.
pub(crate) async fn insert(head: &Head, new: &[(TenantId, Resource)]) -> Result<(), Error> {
    if new.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(INSERT).await?;
    let tenants: Vec<Uuid> = new.iter().map(|(tenant, _)| tenant.uuid()).collect();
    let ids: Vec<Uuid> = new.iter().map(|(_, r)| r.id.uuid()).collect();
    let venues: Vec<Uuid> = new.iter().map(|(_, r)| r.venue_id.uuid()).collect();
    let names: Vec<&str> = new.iter().map(|(_, r)| r.name.as_str()).collect();
    let shortest: Vec<i32> = new.iter().map(|(_, r)| r.limits.shortest_seconds).collect();
    let longest: Vec<i32> = new.iter().map(|(_, r)| r.limits.longest_seconds).collect();
    let ahead: Vec<i32> = new.iter().map(|(_, r)| r.limits.days_ahead).collect();
    let shard = head.shard().number();
    let params: [&(dyn ToSql + Sync); 9] =
        [&shard, &head.at(), &tenants, &ids, &venues, &names, &shortest, &longest, &ahead];
    written(head.client().execute(&statement, &params).await?, new.len())
}

/// Writes what people see of a resource, whose version rises.
pub(crate) async fn update(head: &Head, tenant_id: TenantId, resource: &Resource) -> Result<(), Error> {
    let statement = head.client().prepare_cached(UPDATE).await?;
    let (before, limits) = (resource.version - 1, resource.limits);
    let params: [&(dyn ToSql + Sync); 9] = [
        &head.shard().number(),
        &tenant_id.uuid(),
        &resource.id.uuid(),
        &before,
        &resource.name.as_str(),
        &limits.shortest_seconds,
        &limits.longest_seconds,
        &limits.days_ahead,
        &head.at(),
    ];
    written(head.client().execute(&statement, &params).await?, 1)
}

/// The resource under the head.
pub(crate) async fn by_id(
    head: &Head,
    tenant_id: TenantId,
    id: ResourceId,
) -> Result<Option<Resource>, Error> {
    let statement = head.client().prepare_cached(BY_ID).await?;
    let params: [&(dyn ToSql + Sync); 3] = [&head.shard().number(), &tenant_id.uuid(), &id.uuid()];
    head.client().query_opt(&statement, &params).await?.as_ref().map(from_row).transpose()
}

/// How many the tenant has, up to `limit`.
pub(crate) async fn count(head: &Head, tenant_id: TenantId, limit: i64) -> Result<i64, Error> {
    let statement = head.client().prepare_cached(COUNT).await?;
    let params: [&(dyn ToSql + Sync); 3] = [&head.shard().number(), &tenant_id.uuid(), &limit];
    Ok(head.client().query_one(&statement, &params).await?.get(0))
}

/// Adds to the count of open wants of each resource.
pub(crate) async fn count_wants(head: &Head, changes: &[(TenantId, ResourceId, i32)]) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(COUNT_WANTS).await?;
    let tenants: Vec<Uuid> = changes.iter().map(|(tenant, ..)| tenant.uuid()).collect();
    let ids: Vec<Uuid> = changes.iter().map(|(_, id, _)| id.uuid()).collect();
    let counts: Vec<i32> = changes.iter().map(|(.., change)| *change).collect();
    let params: [&(dyn ToSql + Sync); 4] = [&head.shard().number(), &tenants, &ids, &counts];
    written(head.client().execute(&statement, &params).await?, changes.len())
}

/// What a step did to one resource.
pub(crate) struct Judged {
    pub(crate) tenant_id: TenantId,
    pub(crate) id: ResourceId,
    /// How many of its open wants were decided.
    pub(crate) decided: i32,
    /// The seq up to which it has now been decided whole; none when the step was cut short in it.
    pub(crate) judged: Option<Seq>,
}

/// Writes what a step did to its resources.
pub(crate) async fn judge(head: &Head, judged: &[Judged]) -> Result<(), Error> {
    let statement = head.client().prepare_cached(JUDGE).await?;
    let tenants: Vec<Uuid> = judged.iter().map(|r| r.tenant_id.uuid()).collect();
    let ids: Vec<Uuid> = judged.iter().map(|r| r.id.uuid()).collect();
    let decided: Vec<i32> = judged.iter().map(|r| r.decided).collect();
    let seqs: Vec<Option<i64>> = judged.iter().map(|r| r.judged.map(|seq| seq.0)).collect();
    let params: [&(dyn ToSql + Sync); 5] = [&head.shard().number(), &tenants, &ids, &decided, &seqs];
    written(head.client().execute(&statement, &params).await?, judged.len())
}

/// Reads a resource from the columns of [`BY_ID`].
pub(crate) fn from_row(row: &Row) -> Result<Resource, Error> {
    Ok(Resource {
        id: row.get::<_, Uuid>(0).into(),
        venue_id: row.get::<_, Uuid>(1).into(),
        name: ResourceName::parse(row.get(2)).map_err(|_| Error::Defect("a stored name is none"))?,
        limits: BookingLimits {
            shortest_seconds: row.get(3),
            longest_seconds: row.get(4),
            days_ahead: row.get(5),
        },
        version: row.get(6),
        created_at: row.get(7),
        updated_at: row.get(8),
    })
}

impl Database {
    /// One resource of a tenant, if there is one.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn resource(&self, tenant: TenantId, id: ResourceId) -> Result<Option<Resource>, Error> {
        let (reading, shard) = (self.reading().await?, Shard::of(tenant).number());
        let rows = reading.query(BY_ID, &[&shard, &tenant.uuid(), &id.uuid()]).await?;
        rows.first().map(from_row).transpose()
    }

    /// How many of a tenant's bookings wait to be decided.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn open_wants(&self, tenant: TenantId) -> Result<i64, Error> {
        let (reading, shard) = (self.reading().await?, Shard::of(tenant).number());
        let rows = reading.query(OPEN_WANTS, &[&shard, &tenant.uuid()]).await?;
        Ok(rows.first().map_or(0, |row| row.get(0)))
    }
}

/// Places in a batch, as PostgreSQL takes numbers.
pub(crate) fn numbers(places: impl Iterator<Item = usize>) -> Result<Vec<i32>, Error> {
    places
        .map(i32::try_from)
        .collect::<Result<_, _>>()
        .map_err(|_| Error::Defect("a batch beyond all bounds"))
}

/// Rows written are counted against rows sent: two of one key in an `UPDATE … FROM unnest` would lose
/// one silently.
pub(crate) fn written(rows: u64, sent: usize) -> Result<(), Error> {
    if rows == sent as u64 { Ok(()) } else { Err(Error::Defect("fewer rows were written than sent")) }
}

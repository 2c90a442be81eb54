//! What there is to book: a tenant's resources, listed and found by name.

use holdfast_domain::{Resource, ResourceId, ResourceName, Shard, TenantId, VenueId};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{Database, Error, resources::from_row};

/// By id, which only the primary key gives; at most all that the tenant has is read, and `RESOURCES_PER_TENANT` says how
/// many those are.
pub(crate) const PAGE: &str = "
    SELECT id, venue_id, name, shortest_seconds, longest_seconds, days_ahead, version, created_at, updated_at
    FROM resources
    WHERE shard = $1 AND tenant_id = $2 AND id > $3
        AND ($4::uuid IS NULL OR venue_id = $4)
        AND ($5::text IS NULL OR name = $5)
    ORDER BY id
    LIMIT $6";

/// Found without the tenant, by the index that knows names, and then asked whose it is.
pub(crate) const NAMED: &str = "
    SELECT id
    FROM (SELECT id, tenant_id FROM resources WHERE shard = $1 AND venue_id = $2 AND name = $3 OFFSET 0) r
    WHERE tenant_id = $4";

/// Which of a tenant's resources are listed: those for which all that is given holds.
#[derive(Debug, Clone, Default)]
pub struct ResourceFilter {
    /// At this venue.
    pub venue: Option<VenueId>,
    /// Of exactly this name.
    pub name: Option<ResourceName>,
}

impl Database {
    /// At most `limit` of a tenant's resources after this id, in the order in which they were made.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn resources(
        &self,
        tenant: TenantId,
        filter: &ResourceFilter,
        after: Option<ResourceId>,
        limit: i64,
    ) -> Result<Vec<Resource>, Error> {
        let reading = self.reading().await?;
        let after = after.map_or(Uuid::nil(), ResourceId::uuid);
        let (venue, name) = (filter.venue.map(VenueId::uuid), filter.name.as_ref().map(ResourceName::as_str));
        let params: [&(dyn ToSql + Sync); 6] =
            [&Shard::of(tenant).number(), &tenant.uuid(), &after, &venue, &name, &limit];
        reading.query(PAGE, &params).await?.iter().map(from_row).collect()
    }

    /// The resource of this name at a tenant's venue, if there is one.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn resource_named(
        &self,
        tenant: TenantId,
        venue: VenueId,
        name: &ResourceName,
    ) -> Result<Option<ResourceId>, Error> {
        let reading = self.reading().await?;
        let params: [&(dyn ToSql + Sync); 4] =
            [&Shard::of(tenant).number(), &venue.uuid(), &name.as_str(), &tenant.uuid()];
        let rows = reading.query(NAMED, &params).await?;
        Ok(rows.first().map(|row| row.get::<_, Uuid>(0).into()))
    }
}

//! What of a resource is taken: held, or openly wanted. It is told, and decides nothing.

use holdfast_domain::{Conflict, ResourceId, Shard, Status, TenantId, TimeRange, UserId};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{Database, Error, asked::LONGEST};

/// A resource's slots and wants that overlap a range, by start, each from an index: slots as granted, those
/// that moves still hold, and wants. Each is cut before they are put together, so that few are sorted. Ranges are found
/// by their start, which lies at most the longest booking before.
///
/// Whose they are is asked of the resource alone: a booking is of its resource's tenant.
pub(crate) const SLOTS: &str = "
    SELECT taken.id, taken.user_id, taken.start_at, taken.end_at, taken.held
    FROM (SELECT id FROM resources WHERE shard = $1 AND tenant_id = $2 AND id = $3 OFFSET 0) r
    LEFT JOIN LATERAL (
        (
            SELECT id, user_id, wanted_start_at AS start_at, wanted_end_at AS end_at, true AS held
            FROM bookings
            WHERE shard = $1 AND resource_id = r.id AND status = 'VALID' AND created_at > '-infinity'
                AND wanted_start_at > $4 AND wanted_start_at < $6 AND wanted_end_at > $5
            ORDER BY wanted_start_at, id
            LIMIT $7
        )
        UNION ALL
        (
            SELECT id, user_id, lower(granted), upper(granted), true
            FROM bookings
            WHERE shard = $1 AND resource_id = r.id AND status = 'PENDING' AND granted IS NOT NULL
                AND (granted && tstzrange($5, $6)) IS TRUE
            ORDER BY lower(granted), id
            LIMIT $7
        )
        UNION ALL
        (
            SELECT id, user_id, wanted_start_at, wanted_end_at, false
            FROM bookings
            WHERE shard = $1 AND resource_id = r.id AND status = 'PENDING' AND created_at > '-infinity'
                AND wanted_start_at > $4 AND wanted_start_at < $6 AND wanted_end_at > $5
            ORDER BY wanted_start_at, id
            LIMIT $7
        )
    ) taken ON true
    ORDER BY taken.start_at, NOT taken.held, taken.id
    LIMIT $7";

/// What of a resource is taken within a range.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slots {
    /// By start: what is held (`VALID`) and what is openly wanted (`PENDING`). A move that is not decided yet is there
    /// with both, when both overlap.
    pub taken: Vec<Conflict>,
    /// Whether there are more than were asked for.
    pub more: bool,
}

impl Database {
    /// What of a tenant's resource is taken within `range`, the first `limit` of it; none when there is no such resource.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn slots(
        &self,
        tenant: TenantId,
        resource: ResourceId,
        range: TimeRange,
        limit: i64,
    ) -> Result<Option<Slots>, Error> {
        let reading = self.reading().await?;
        let (start, end) = (range.start(), range.end());
        // One more than is told shows whether there are more.
        let (earliest, wanted) = (start - LONGEST, limit + 1);
        let params: [&(dyn ToSql + Sync); 7] =
            [&Shard::of(tenant).number(), &tenant.uuid(), &resource.uuid(), &earliest, &start, &end, &wanted];
        let rows = reading.query(SLOTS, &params).await?;
        // A resource of which nothing is taken has a row all the same.
        if rows.is_empty() {
            return Ok(None);
        }
        let taken = rows.iter().filter_map(|row| conflict(row, resource).transpose());
        let mut taken: Vec<Conflict> = taken.collect::<Result<_, _>>()?;
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = taken.len() > limit;
        taken.truncate(limit);
        Ok(Some(Slots { taken, more }))
    }
}

/// The row's slot or want, if it has one.
fn conflict(row: &Row, resource_id: ResourceId) -> Result<Option<Conflict>, Error> {
    const BROKEN: Error = Error::Defect("a stored range or user is none");
    let Some(id) = row.get::<_, Option<Uuid>>(0) else { return Ok(None) };
    let user_id = UserId::parse(row.get(1)).map_err(|_| BROKEN)?;
    let range = TimeRange::new(row.get(2), row.get(3)).map_err(|_| BROKEN)?;
    let status = if row.get(4) { Status::Valid } else { Status::Pending };
    Ok(Some(Conflict { id: id.into(), resource_id, user_id, range, status }))
}

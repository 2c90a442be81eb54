//! The table `events`: what people attend.

use deadpool_postgres::Object;
use holdfast_domain::{
    Event, EventId, EventStatus, EventTitle, Section, Shard, TenantId, VenueId, event::Sale,
};
use time::{Date, OffsetDateTime};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{Error, Head, resources::written};

macro_rules! event_columns {
    () => {
        "e.id, e.venue_id, e.title, e.event_date, e.starts_at, e.ends_at, e.status, e.sale_opens_at, e.sale_closes_at, \
         e.units_per_user, e.version, e.created_at, e.updated_at"
    };
}
pub(crate) use event_columns;

const INSERT: &str = "
    INSERT INTO events (
        shard, tenant_id, id, venue_id, title, event_date, starts_at, ends_at, status, sale_opens_at, sale_closes_at,
        units_per_user, version, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $13)";

const UPDATE: &str = "
    UPDATE events
    SET title = $5, event_date = $6, starts_at = $7, ends_at = $8, status = $9, sale_opens_at = $10,
        sale_closes_at = $11, units_per_user = $12, version = version + 1, updated_at = $13
    WHERE shard = $1 AND tenant_id = $2 AND id = $3 AND version = $4";

pub(crate) const BY_ID: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM events e WHERE e.shard = $1 AND e.tenant_id = $2 AND e.id = $3"
);

const COUNT: &str =
    "SELECT count(*) FROM (SELECT FROM events WHERE shard = $1 AND tenant_id = $2 LIMIT $3) counted";

/// What a command that takes units has to know of its event.
pub(crate) const ON_SALE: &str = "
    SELECT wanted.id, e.tenant_id, e.venue_id, e.status, e.sale_opens_at, e.sale_closes_at, e.units_per_user
    FROM unnest($2::uuid[], $3::uuid[]) AS wanted(tenant_id, id)
    CROSS JOIN LATERAL (
        SELECT * FROM events WHERE shard = $1 AND tenant_id = wanted.tenant_id AND id = wanted.id OFFSET 0
    ) e";

/// The first event that is being called off.
pub(crate) const CANCELLING: &str = "
    SELECT tenant_id, id FROM events WHERE shard = $1 AND status = 'CANCELLING' ORDER BY id LIMIT 1";

/// An event, as far as units of it are concerned.
pub(crate) struct OnSale {
    pub(crate) tenant_id: TenantId,
    pub(crate) id: EventId,
    pub(crate) venue_id: VenueId,
    pub(crate) sale: Sale,
    pub(crate) units_per_user: Option<i32>,
}

/// Makes an event, without its sections.
pub(crate) async fn insert(head: &Head, tenant_id: TenantId, event: &Event) -> Result<(), Error> {
    let statement = head.client().prepare_cached(INSERT).await?;
    let params: [&(dyn ToSql + Sync); 13] = [
        &head.shard().number(),
        &tenant_id.uuid(),
        &event.id.uuid(),
        &event.venue_id.uuid(),
        &event.title.as_str(),
        &event.event_date,
        &event.starts_at,
        &event.ends_at,
        &event.status.as_str(),
        &event.sale_opens_at,
        &event.sale_closes_at,
        &event.units_per_user,
        &head.at(),
    ];
    written(head.client().execute(&statement, &params).await?, 1)
}

/// Writes what people see of an event but for its sections; its version has risen already.
pub(crate) async fn update(head: &Head, tenant_id: TenantId, event: &Event) -> Result<(), Error> {
    let statement = head.client().prepare_cached(UPDATE).await?;
    let before = event.version - 1;
    let params: [&(dyn ToSql + Sync); 13] = [
        &head.shard().number(),
        &tenant_id.uuid(),
        &event.id.uuid(),
        &before,
        &event.title.as_str(),
        &event.event_date,
        &event.starts_at,
        &event.ends_at,
        &event.status.as_str(),
        &event.sale_opens_at,
        &event.sale_closes_at,
        &event.units_per_user,
        &head.at(),
    ];
    written(head.client().execute(&statement, &params).await?, 1)
}

/// The row of an event.
pub(crate) async fn by_id(head: &Head, tenant_id: TenantId, id: EventId) -> Result<Option<Row>, Error> {
    let statement = head.client().prepare_cached(BY_ID).await?;
    let params: [&(dyn ToSql + Sync); 3] = [&head.shard().number(), &tenant_id.uuid(), &id.uuid()];
    Ok(head.client().query_opt(&statement, &params).await?)
}

/// How many the tenant has, up to `limit`.
pub(crate) async fn count(head: &Head, tenant_id: TenantId, limit: i64) -> Result<i64, Error> {
    let statement = head.client().prepare_cached(COUNT).await?;
    let params: [&(dyn ToSql + Sync); 3] = [&head.shard().number(), &tenant_id.uuid(), &limit];
    Ok(head.client().query_one(&statement, &params).await?.get(0))
}

/// Those of these events that there are.
pub(crate) async fn on_sale(
    client: &Object,
    shard: Shard,
    events: &[(TenantId, EventId)],
) -> Result<Vec<OnSale>, Error> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client.prepare_cached(ON_SALE).await?;
    let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) = events.iter().map(|(t, e)| (t.uuid(), e.uuid())).unzip();
    let rows = client.query(&statement, &[&shard.number(), &tenants, &ids]).await?;
    let on_sale = |row: &Row| {
        Ok(OnSale {
            id: row.get::<_, Uuid>(0).into(),
            tenant_id: row.get::<_, Uuid>(1).into(),
            venue_id: row.get::<_, Uuid>(2).into(),
            sale: Sale {
                status: EventStatus::parse(row.get(3)).ok_or(BROKEN)?,
                opens_at: row.get(4),
                closes_at: row.get(5),
            },
            units_per_user: row.get(6),
        })
    };
    rows.iter().map(on_sale).collect()
}

const BROKEN: Error = Error::Defect("a stored event breaks the rules of its texts or its status");

/// Reads an event from [`event_columns`], the first of them at `first`, and its sections.
pub(crate) fn from_row(row: &Row, first: usize, sections: Vec<Section>) -> Result<Event, Error> {
    Ok(Event {
        id: row.get::<_, Uuid>(first).into(),
        venue_id: row.get::<_, Uuid>(first + 1).into(),
        title: EventTitle::parse(row.get(first + 2)).map_err(|_| BROKEN)?,
        event_date: row.get::<_, Date>(first + 3),
        starts_at: row.get::<_, Option<OffsetDateTime>>(first + 4),
        ends_at: row.get(first + 5),
        status: EventStatus::parse(row.get(first + 6)).ok_or(BROKEN)?,
        sale_opens_at: row.get(first + 7),
        sale_closes_at: row.get(first + 8),
        units_per_user: row.get(first + 9),
        sections,
        version: row.get(first + 10),
        created_at: row.get(first + 11),
        updated_at: row.get(first + 12),
    })
}

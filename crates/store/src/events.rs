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

/// Whatever of an event changes, its line has to be looked at.
const UPDATE: &str = "
    UPDATE events
    SET title = $5, event_date = $6, starts_at = $7, ends_at = $8, status = $9, sale_opens_at = $10,
        sale_closes_at = $11, units_per_user = $12, version = version + 1, updated_at = $13::timestamptz,
        line_due_at = CASE WHEN waiting > 0 THEN $13::timestamptz END
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
    SELECT wanted.id, e.tenant_id, e.venue_id, e.status, e.sale_opens_at, e.sale_closes_at, e.units_per_user, e.waiting,
        e.line_due_at
    FROM unnest($2::uuid[], $3::uuid[]) AS wanted(tenant_id, id)
    CROSS JOIN LATERAL (
        SELECT * FROM events WHERE shard = $1 AND tenant_id = wanted.tenant_id AND id = wanted.id OFFSET 0
    ) e";

/// The first event that is being called off.
pub(crate) const CANCELLING: &str = "
    SELECT tenant_id, id, waiting
    FROM events
    WHERE shard = $1 AND status = 'CANCELLING' AND id <> ALL ($2::uuid[])
    ORDER BY id
    LIMIT 1";

/// The event whose line has had to be looked at for the longest.
pub(crate) const LINE_DUE: &str = "
    SELECT tenant_id, id, line_due_at
    FROM events
    WHERE shard = $1 AND line_due_at <= $2 AND id <> ALL ($3::uuid[])
    ORDER BY line_due_at
    LIMIT 1";

/// How many wait, and when their line has to be looked at. The events were read under the same head, and none is ever deleted.
pub(crate) const WRITE_LINES: &str = "
    UPDATE events e
    SET waiting = d.waiting, line_due_at = d.due_at
    FROM unnest($2::uuid[], $3::uuid[], $4::integer[], $5::timestamptz[]) AS d(tenant_id, id, waiting, due_at)
    CROSS JOIN LATERAL (
        SELECT shard, ctid FROM events WHERE shard = $1 AND tenant_id = d.tenant_id AND id = d.id OFFSET 0
    ) place
    WHERE e.shard = place.shard AND e.ctid = place.ctid";

/// Lines that have to be looked at later than now.
pub(crate) const BRING_FORWARD: &str = "
    UPDATE events SET line_due_at = $2 WHERE shard = $1 AND line_due_at > $2";

/// What an event's row says of its line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// How many stand in it.
    pub(crate) waiting: i32,
    /// From when on it has to be looked at.
    pub(crate) due_at: Option<OffsetDateTime>,
}

/// An event, as far as units of it are concerned.
pub(crate) struct OnSale {
    pub(crate) tenant_id: TenantId,
    pub(crate) id: EventId,
    pub(crate) venue_id: VenueId,
    pub(crate) sale: Sale,
    pub(crate) units_per_user: Option<i32>,
    pub(crate) line: Line,
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
            line: Line { waiting: row.get(7), due_at: row.get(8) },
        })
    };
    rows.iter().map(on_sale).collect()
}

/// How many wait for units of an event.
pub(crate) async fn waiting(head: &Head, tenant_id: TenantId, id: EventId) -> Result<i32, Error> {
    let on_sale = on_sale(head.client(), head.shard(), &[(tenant_id, id)]).await?;
    Ok(on_sale.first().map_or(0, |event| event.line.waiting))
}

/// Writes what has become of lines.
pub(crate) async fn write_lines(head: &Head, lines: &[(TenantId, EventId, Line)]) -> Result<(), Error> {
    if lines.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(WRITE_LINES).await?;
    let tenants: Vec<Uuid> = lines.iter().map(|(tenant, ..)| tenant.uuid()).collect();
    let ids: Vec<Uuid> = lines.iter().map(|(_, event, _)| event.uuid()).collect();
    let waiting: Vec<i32> = lines.iter().map(|(.., line)| line.waiting).collect();
    let due: Vec<Option<OffsetDateTime>> = lines.iter().map(|(.., line)| line.due_at).collect();
    let params: [&(dyn ToSql + Sync); 5] = [&head.shard().number(), &tenants, &ids, &waiting, &due];
    written(head.client().execute(&statement, &params).await?, lines.len())
}

/// Has every line looked at that would be later: what a clock that was too fast has written may be far ahead of now.
pub(crate) async fn lines_are_due(head: &Head) -> Result<(), Error> {
    let statement = head.client().prepare_cached(BRING_FORWARD).await?;
    head.client().execute(&statement, &[&head.shard().number(), &head.at()]).await?;
    Ok(())
}

/// The event whose line has had to be looked at for the longest, and since when; none of `others`.
pub(crate) async fn line_due(
    head: &Head,
    others: &[EventId],
) -> Result<Option<((TenantId, EventId), OffsetDateTime)>, Error> {
    let statement = head.client().prepare_cached(LINE_DUE).await?;
    let others: Vec<Uuid> = others.iter().map(|event| event.uuid()).collect();
    let params: [&(dyn ToSql + Sync); 3] = [&head.shard().number(), &head.at(), &others];
    let row = head.client().query_opt(&statement, &params).await?;
    Ok(row.map(|row| (key(&row), row.get(2))))
}

/// The first event that is being called off, and how many stand in its line; none of `others`.
pub(crate) async fn cancelling(
    head: &Head,
    others: &[EventId],
) -> Result<Option<((TenantId, EventId), i32)>, Error> {
    let statement = head.client().prepare_cached(CANCELLING).await?;
    let others: Vec<Uuid> = others.iter().map(|event| event.uuid()).collect();
    let row = head.client().query_opt(&statement, &[&head.shard().number(), &others]).await?;
    Ok(row.map(|row| (key(&row), row.get(2))))
}

/// Whose event it is, and which.
pub(crate) fn key(row: &Row) -> (TenantId, EventId) {
    (row.get::<_, Uuid>(0).into(), row.get::<_, Uuid>(1).into())
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

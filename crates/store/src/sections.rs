//! The table `sections`: what is sold of an event, and what is taken of it.

use deadpool_postgres::Object;
use holdfast_domain::{
    Availability, EventId, Price, Section, SectionId, SectionKind, SectionName, Shard, TenantId,
    event::Currency,
    seating::{Layout, Row as SeatRow},
};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{Error, Head, resources::written, seats::having_seats};

macro_rules! section_columns {
    () => {
        "s.event_id, s.id, s.position, s.name, s.kind, s.capacity, s.held, s.confirmed, s.price_amount, \
         s.price_currency, s.layout_id"
    };
}

const INSERT: &str = "
    INSERT INTO sections (
        shard, tenant_id, event_id, id, position, name, kind, capacity, price_amount, price_currency, layout_id,
        layout)
    SELECT $1, $2, $3, id, position, name, kind, capacity, price_amount, price_currency, layout_id, layout
    FROM unnest(
        $4::uuid[], $5::integer[], $6::text[], $7::text[], $8::integer[], $9::bigint[], $10::text[], $11::uuid[],
        $12::text[])
        AS s(id, position, name, kind, capacity, price_amount, price_currency, layout_id, layout)";

const UPDATE: &str = "
    UPDATE sections
    SET name = $4, capacity = $5, price_amount = $6, price_currency = $7, layout_id = coalesce($8, layout_id),
        layout = coalesce($9, layout)
    WHERE shard = $1 AND event_id = $2 AND id = $3";

/// What is taken of sections. They were read under the same head, and none is ever deleted.
pub(crate) const COUNT: &str = "
    UPDATE sections s
    SET held = d.held, confirmed = d.confirmed
    FROM unnest($2::uuid[], $3::integer[], $4::integer[]) AS d(id, held, confirmed)
    CROSS JOIN LATERAL (SELECT shard, ctid FROM sections WHERE shard = $1 AND id = d.id OFFSET 0) place
    WHERE s.shard = place.shard AND s.ctid = place.ctid";

/// All sections of these events, in their order.
pub(crate) const OF_EVENTS: &str = concat!(
    "SELECT ",
    section_columns!(),
    "
    FROM unnest($2::uuid[]) AS wanted(event_id)
    CROSS JOIN LATERAL (
        SELECT * FROM sections WHERE shard = $1 AND event_id = wanted.event_id ORDER BY position
    ) s"
);

/// Sections by their names.
pub(crate) const NAMED: &str = concat!(
    "SELECT ",
    section_columns!(),
    "
    FROM unnest($2::uuid[], $3::text[]) AS wanted(event_id, name)
    CROSS JOIN LATERAL (
        SELECT * FROM sections WHERE shard = $1 AND event_id = wanted.event_id AND name = wanted.name OFFSET 0
    ) s"
);

/// Sections by their ids.
pub(crate) const BY_ID: &str = concat!(
    "SELECT ",
    section_columns!(),
    "
    FROM unnest($2::uuid[]) AS wanted(id)
    CROSS JOIN LATERAL (SELECT * FROM sections WHERE shard = $1 AND id = wanted.id OFFSET 0) s"
);

/// The sections of which these reservations have units.
pub(crate) const OF_RESERVATIONS: &str = concat!(
    "SELECT ",
    section_columns!(),
    "
    FROM unnest($2::uuid[], $3::uuid[]) AS wanted(tenant_id, id)
    CROSS JOIN LATERAL (
        SELECT section_ids
        FROM reservations
        WHERE shard = $1 AND tenant_id = wanted.tenant_id AND id = wanted.id
        OFFSET 0
    ) r
    CROSS JOIN LATERAL (SELECT unnest(r.section_ids) AS id) of
    CROSS JOIN LATERAL (SELECT * FROM sections WHERE shard = $1 AND id = of.id OFFSET 0) s"
);

/// The sections of which these seats are held or confirmed.
pub(crate) const OF_SEATS: &str = concat!(
    "SELECT ",
    section_columns!(),
    having_seats!(),
    "    CROSS JOIN LATERAL (
        SELECT section_ids
        FROM reservations
        WHERE shard = $1 AND tenant_id = t.tenant_id AND id = t.reservation_id
        OFFSET 0
    ) r
    CROSS JOIN LATERAL (SELECT unnest(r.section_ids) AS id) of
    CROSS JOIN LATERAL (SELECT * FROM sections WHERE shard = $1 AND id = of.id OFFSET 0) s"
);

pub(crate) const LAYOUTS: &str = "
    SELECT s.id, s.layout_id, s.layout
    FROM unnest($2::uuid[]) AS wanted(id)
    CROSS JOIN LATERAL (SELECT id, layout_id, layout FROM sections WHERE shard = $1 AND id = wanted.id OFFSET 0) s";

/// A section's row, without its layout.
#[derive(Debug, Clone)]
pub(crate) struct SectionRow {
    pub(crate) event_id: EventId,
    pub(crate) position: i32,
    pub(crate) section: Section,
    pub(crate) held: i32,
    pub(crate) confirmed: i32,
    /// Which layout it has.
    pub(crate) layout_id: Option<Uuid>,
}

impl SectionRow {
    /// What is left of it.
    pub(crate) fn availability(&self) -> Availability {
        Availability::new(self.section.id, self.section.capacity, self.held, self.confirmed)
    }
}

/// A section to be made, with its seats if it has any.
pub(crate) struct New<'a> {
    pub(crate) section: &'a Section,
    pub(crate) position: i32,
    pub(crate) layout: Option<&'a Layout>,
}

/// Makes sections of an event.
pub(crate) async fn insert(
    head: &Head,
    tenant_id: TenantId,
    event_id: EventId,
    new: &[New<'_>],
) -> Result<(), Error> {
    if new.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(INSERT).await?;
    let ids: Vec<Uuid> = new.iter().map(|n| n.section.id.uuid()).collect();
    let positions: Vec<i32> = new.iter().map(|n| n.position).collect();
    let names: Vec<&str> = new.iter().map(|n| n.section.name.as_str()).collect();
    let kinds: Vec<&str> = new.iter().map(|n| n.section.kind.as_str()).collect();
    let capacities: Vec<i32> = new.iter().map(|n| n.section.capacity).collect();
    let amounts: Vec<Option<i64>> = new.iter().map(|n| n.section.price.as_ref().map(|p| p.amount)).collect();
    let currencies: Vec<Option<&str>> =
        new.iter().map(|n| n.section.price.as_ref().map(|p| p.currency.as_str())).collect();
    let layout_ids: Vec<Option<Uuid>> = new.iter().map(|n| n.layout.map(|_| Uuid::now_v7())).collect();
    let layouts: Vec<Option<String>> = new.iter().map(|n| n.layout.map(write_layout)).collect();
    let params: [&(dyn ToSql + Sync); 12] = [
        &head.shard().number(),
        &tenant_id.uuid(),
        &event_id.uuid(),
        &ids,
        &positions,
        &names,
        &kinds,
        &capacities,
        &amounts,
        &currencies,
        &layout_ids,
        &layouts,
    ];
    written(head.client().execute(&statement, &params).await?, new.len())
}

/// Writes what people see of a section, and its layout if that has grown.
pub(crate) async fn update(
    head: &Head,
    event_id: EventId,
    section: &Section,
    layout: Option<&Layout>,
) -> Result<(), Error> {
    let statement = head.client().prepare_cached(UPDATE).await?;
    let (amount, currency) =
        section.price.as_ref().map(|price| (price.amount, price.currency.as_str())).unzip();
    let params: [&(dyn ToSql + Sync); 9] = [
        &head.shard().number(),
        &event_id.uuid(),
        &section.id.uuid(),
        &section.name.as_str(),
        &section.capacity,
        &amount,
        &currency,
        &layout.map(|_| Uuid::now_v7()),
        &layout.map(write_layout),
    ];
    written(head.client().execute(&statement, &params).await?, 1)
}

/// Writes what is taken of sections.
pub(crate) async fn count(head: &Head, counts: &[(SectionId, i32, i32)]) -> Result<(), Error> {
    if counts.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(COUNT).await?;
    let ids: Vec<Uuid> = counts.iter().map(|(id, ..)| id.uuid()).collect();
    let held: Vec<i32> = counts.iter().map(|(_, held, _)| *held).collect();
    let confirmed: Vec<i32> = counts.iter().map(|(.., confirmed)| *confirmed).collect();
    let params: [&(dyn ToSql + Sync); 4] = [&head.shard().number(), &ids, &held, &confirmed];
    written(head.client().execute(&statement, &params).await?, counts.len())
}

/// All sections of these events.
pub(crate) async fn of_events(
    client: &Object,
    shard: Shard,
    events: &[EventId],
) -> Result<Vec<SectionRow>, Error> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let events: Vec<Uuid> = events.iter().map(|event| event.uuid()).collect();
    read(client, OF_EVENTS, &[&shard.number(), &events]).await
}

/// Those of these sections that there are, by the names that they have in their events.
pub(crate) async fn named(
    client: &Object,
    shard: Shard,
    names: &[(EventId, &SectionName)],
) -> Result<Vec<SectionRow>, Error> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let (events, names): (Vec<Uuid>, Vec<&str>) =
        names.iter().map(|(event, name)| (event.uuid(), name.as_str())).unzip();
    read(client, NAMED, &[&shard.number(), &events, &names]).await
}

/// Those of these sections that there are.
pub(crate) async fn by_id(
    client: &Object,
    shard: Shard,
    sections: &[SectionId],
) -> Result<Vec<SectionRow>, Error> {
    if sections.is_empty() {
        return Ok(Vec::new());
    }
    let sections: Vec<Uuid> = sections.iter().map(|section| section.uuid()).collect();
    read(client, BY_ID, &[&shard.number(), &sections]).await
}

/// The rows of a statement that selects [`section_columns`].
pub(crate) async fn read(
    client: &Object,
    statement: &str,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Vec<SectionRow>, Error> {
    let statement = client.prepare_cached(statement).await?;
    client.query(&statement, params).await?.iter().map(|row| from_row(row, 0)).collect()
}

const BROKEN: Error = Error::Defect("a stored section breaks its own rules");

/// A layout from its JSON.
pub(crate) fn read_layout(text: &str) -> Result<Layout, Error> {
    let rows: Vec<SeatRow> = serde_json::from_str(text).map_err(|_| BROKEN)?;
    Layout::new(rows).map_err(|_| BROKEN)
}

fn write_layout(layout: &Layout) -> String {
    serde_json::to_string(layout.rows()).expect("texts and numbers are always JSON")
}

/// Reads a section from [`section_columns`], the first of them at `first`.
pub(crate) fn from_row(row: &Row, first: usize) -> Result<SectionRow, Error> {
    let amount: Option<i64> = row.get(first + 8);
    let currency: Option<&str> = row.get(first + 9);
    let price = match amount.zip(currency) {
        None => None,
        Some((amount, code)) => Some(Price { amount, currency: Currency::parse(code).map_err(|_| BROKEN)? }),
    };
    Ok(SectionRow {
        event_id: row.get::<_, Uuid>(first).into(),
        position: row.get(first + 2),
        section: Section {
            id: row.get::<_, Uuid>(first + 1).into(),
            name: SectionName::parse(row.get(first + 3)).map_err(|_| BROKEN)?,
            kind: SectionKind::parse(row.get(first + 4)).ok_or(BROKEN)?,
            capacity: row.get(first + 5),
            price,
        },
        held: row.get(first + 6),
        confirmed: row.get(first + 7),
        layout_id: row.get(first + 10),
    })
}

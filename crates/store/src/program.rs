//! What is read of events: what there is, what is left of it, and which seats. Each answer is of one snapshot, in which holds
//! that are over count as free, noticed or not. Never here: a head.

use std::{collections::HashMap, sync::Arc};

use holdfast_domain::{
    Availability, Event, EventId, EventStatus, Section, SectionId, SectionName, Shard, TenantId, Units,
    seating::{BLOCK_BYTES, Layout, SeatMap, SeatState},
};
use serde::Deserialize;
use time::Date;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{
    Database, Error,
    events::{self, event_columns},
    reading::Reading,
    sections,
};

/// Most sections on a page of events, but for the first's.
const SECTIONS_ON_A_PAGE: i64 = 10_000;

/// The holds of the event `e` that are over, of which nobody counts more than a hundred thousand.
macro_rules! lapsed {
    () => {
        "(
                SELECT units
                FROM reservations
                WHERE shard = $1 AND event_id = e.id AND status = 'HOLD' AND expires_at <= head.at
                ORDER BY expires_at
                LIMIT 100000
            ) over"
    };
}

/// The shard's clock, in the snapshot of the statement.
macro_rules! clock {
    () => {
        "CROSS JOIN (SELECT greatest(at, clock_timestamp()) AS at FROM heads WHERE shard = $1 OFFSET 0) head"
    };
}
pub(crate) use clock;

pub(crate) const EVENTS: &str = concat!(
    "SELECT ",
    event_columns!(),
    ", (
        SELECT coalesce(json_agg(json_build_object(
            'id', s.id, 'name', s.name, 'kind', s.kind, 'capacity', s.capacity, 'held', s.held,
            'confirmed', s.confirmed, 'price', CASE WHEN s.price_amount IS NOT NULL THEN
                json_build_object('amount', s.price_amount, 'currency', s.price_currency) END)), '[]')
        FROM (SELECT * FROM sections WHERE shard = $1 AND event_id = e.id ORDER BY position) s
    )::text, (
        SELECT json_agg(json_build_array(units.section_id, units.quantity))
        FROM (
            SELECT of.value->>'section_id' AS section_id, sum((of.value->>'quantity')::integer) AS quantity
            FROM ",
    lapsed!(),
    "
            CROSS JOIN LATERAL json_array_elements(over.units::json) of
            GROUP BY of.value->>'section_id'
        ) units
    )::text, e.waiting, coalesce(e.line_due_at <= head.at, false)
    FROM unnest($3::uuid[]) AS wanted(id)
    CROSS JOIN LATERAL (
        SELECT * FROM events WHERE shard = $1 AND tenant_id = $2 AND id = wanted.id OFFSET 0
    ) e ",
    clock!()
);

/// Which events are on a page, and how many sections each has.
pub(crate) const PAGE: &str = "
    SELECT e.id, e.event_date, (SELECT count(*) FROM sections WHERE shard = $1 AND event_id = e.id)
    FROM events e
    WHERE e.shard = $1 AND e.tenant_id = $2 AND (e.event_date, e.id) > ($3, $4) AND e.event_date <= $5
        AND e.created_at > '-infinity' AND e.status = ANY ($6::text[])
    ORDER BY e.event_date, e.id
    LIMIT $7";

/// What is over comes with the first row, and only with that.
pub(crate) const HALL: &str = concat!(
    "SELECT CASE WHEN coalesce(s.place, 1) = 1 THEN (
        SELECT json_agg(of.value)
        FROM ",
    lapsed!(),
    "
        CROSS JOIN LATERAL json_array_elements(over.units::json) of
    )::text END, s.id, s.name, s.layout_id, (
        SELECT string_agg(b.states, ''::bytea ORDER BY b.block)
        FROM seat_blocks b
        WHERE b.shard = $1 AND b.section_id = s.id
    )
    FROM (SELECT * FROM events WHERE shard = $1 AND tenant_id = $2 AND id = $3) e ",
    clock!(),
    "
    LEFT JOIN LATERAL (
        SELECT id, name, layout_id, row_number() OVER (ORDER BY position) AS place
        FROM sections
        WHERE shard = $1 AND event_id = e.id AND layout_id IS NOT NULL
        ORDER BY position
    ) s ON true"
);

/// An event, and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventNow {
    /// The event.
    pub event: Event,
    /// What is left of each of its sections, in their order.
    pub left: Vec<Availability>,
    /// How many wait in line for units of it.
    pub waiting: i32,
    /// Whether there are holds that are over and not settled yet, or somebody in line has to be served. Here those holds count
    /// as free, and nobody as served.
    pub settling: bool,
}

/// Which of a tenant's events are listed, by their day.
#[derive(Debug, Clone)]
pub struct EventFilter {
    /// In one of these states; when none is named, in any but `CANCELLED`.
    pub statuses: Vec<EventStatus>,
    /// On this day or later.
    pub from: Option<Date>,
    /// On this day or earlier.
    pub to: Option<Date>,
    /// Those after this place: the `next` of the page before.
    pub after: Option<(Date, EventId)>,
    /// Most events on the page.
    pub limit: i64,
}

/// A page of events. It may be short, and still not be the last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventsPage {
    /// By day and id.
    pub events: Vec<EventNow>,
    /// Where the next page begins; none when the list ends here.
    pub next: Option<(Date, EventId)>,
}

/// The seats of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hall {
    /// Its sections that have seats, in their order.
    pub sections: Vec<HallSection>,
    /// Whether there are holds that are over and not settled yet. Here their seats are free.
    pub settling: bool,
}

/// The seats of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HallSection {
    /// Which one.
    pub id: SectionId,
    /// What people call it.
    pub name: SectionName,
    /// What they are called.
    pub layout: Arc<Layout>,
    /// What has become of each.
    pub seats: SeatMap,
}

#[derive(Deserialize)]
struct SectionNow {
    #[serde(flatten)]
    section: Section,
    held: i32,
    confirmed: i32,
}

impl Database {
    /// One event of a tenant, if there is one.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn event(&self, tenant: TenantId, id: EventId) -> Result<Option<EventNow>, Error> {
        let reading = self.reading().await?;
        Ok(events_now(&reading, tenant, &[id]).await?.pop())
    }

    /// A page of a tenant's events.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn events(&self, tenant: TenantId, filter: &EventFilter) -> Result<EventsPage, Error> {
        let reading = self.reading().await?;
        let usual = [EventStatus::Open, EventStatus::Closed, EventStatus::Cancelling];
        let named = if filter.statuses.is_empty() { &usual[..] } else { &filter.statuses };
        let statuses: Vec<&str> = named.iter().map(|status| status.as_str()).collect();
        let first = (filter.from.unwrap_or(FIRST_DAY), EventId::from_u128(0));
        let (day, id) = filter.after.map_or(first, |after| after.max(first));
        let to = filter.to.unwrap_or(LAST_DAY);
        // One more than the page has shows that there is another.
        let wanted = filter.limit + 1;
        let params: [&(dyn ToSql + Sync); 7] =
            [&Shard::of(tenant).number(), &tenant.uuid(), &day, &id.uuid(), &to, &statuses, &wanted];
        let rows = reading.query(PAGE, &params).await?;
        let mut room = SECTIONS_ON_A_PAGE;
        let fits = |row: &&Row| {
            let is_first = room == SECTIONS_ON_A_PAGE;
            room -= row.get::<_, i64>(2).max(1);
            is_first || room >= 0
        };
        let limit = usize::try_from(filter.limit).unwrap_or(0);
        let page: Vec<(Date, EventId)> = rows
            .iter()
            .take_while(fits)
            .take(limit)
            .map(|row| (row.get(1), row.get::<_, Uuid>(0).into()))
            .collect();
        let next = if page.len() < rows.len() { page.last().copied() } else { None };
        let ids: Vec<EventId> = page.into_iter().map(|(_, id)| id).collect();
        Ok(EventsPage { events: events_now(&reading, tenant, &ids).await?, next })
    }

    /// The seats of an event, if there is one.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn hall(&self, tenant: TenantId, id: EventId) -> Result<Option<Hall>, Error> {
        let (reading, shard) = (self.reading().await?, Shard::of(tenant).number());
        // Again only when a section has been given another layout since its seats were read.
        for _ in 0..3 {
            let rows = reading.query(HALL, &[&shard, &tenant.uuid(), &id.uuid()]).await?;
            let Some(first) = rows.first() else {
                return Ok(None);
            };
            let seated: Vec<&Row> =
                rows.iter().filter(|row| row.get::<_, Option<Uuid>>(1).is_some()).collect();
            let layouts = self.layouts_of(&reading, shard, &seated).await?;
            let section = |row: &&Row| hall_section(row, &layouts).transpose();
            let sections: Option<Result<Vec<HallSection>, Error>> = seated.iter().map(section).collect();
            if let Some(sections) = sections {
                let mut sections = sections?;
                let lapsed = lapsed(first.get(0))?;
                for section in &mut sections {
                    free(section, &lapsed);
                }
                return Ok(Some(Hall { sections, settling: !lapsed.is_empty() }));
            }
        }
        Err(Error::Busy("the event's seats are being changed"))
    }

    /// The layouts of these sections by their ids, read if they are not in memory.
    async fn layouts_of(
        &self,
        reading: &Reading,
        shard: i16,
        rows: &[&Row],
    ) -> Result<HashMap<Uuid, Arc<Layout>>, Error> {
        let (mut layouts, mut missing) = (HashMap::new(), Vec::new());
        for row in rows {
            let (section, id): (Uuid, Uuid) = (row.get(1), row.get(3));
            match self.layouts().get(id) {
                Some(layout) => {
                    layouts.insert(id, layout);
                }
                None => missing.push(section),
            }
        }
        if missing.is_empty() {
            return Ok(layouts);
        }
        for row in reading.query(sections::LAYOUTS, &[&shard, &missing]).await? {
            if let Some((id, text)) = row.get::<_, Option<Uuid>>(1).zip(row.get::<_, Option<&str>>(2)) {
                let layout = Arc::new(sections::read_layout(text)?);
                self.layouts().keep(id, &layout);
                layouts.insert(id, layout);
            }
        }
        Ok(layouts)
    }
}

/// Nothing when its layout has been changed since.
fn hall_section(row: &Row, layouts: &HashMap<Uuid, Arc<Layout>>) -> Result<Option<HallSection>, Error> {
    let Some(layout) = layouts.get(&row.get(3)).cloned() else {
        return Ok(None);
    };
    let states: Option<&[u8]> = row.get(4);
    let blocks = states.unwrap_or_default().chunks(BLOCK_BYTES).enumerate();
    let seats = SeatMap::from_blocks(layout.seats(), blocks).ok_or(BROKEN)?;
    let name = SectionName::parse(row.get(2)).map_err(|_| BROKEN)?;
    Ok(Some(HallSection { id: row.get::<_, Uuid>(1).into(), name, layout, seats }))
}

/// These events, in this order, as far as they are there.
async fn events_now(reading: &Reading, tenant: TenantId, ids: &[EventId]) -> Result<Vec<EventNow>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = reading.query(EVENTS, &[&Shard::of(tenant).number(), &tenant.uuid(), &wanted]).await?;
    let mut found: HashMap<EventId, EventNow> = HashMap::with_capacity(rows.len());
    for row in &rows {
        let now = event_now(row)?;
        found.insert(now.event.id, now);
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

fn event_now(row: &Row) -> Result<EventNow, Error> {
    let sections: Vec<SectionNow> = serde_json::from_str(row.get(13)).map_err(|_| BROKEN)?;
    let over: Vec<(SectionId, i32)> =
        row.get::<_, Option<&str>>(14).map_or(Ok(Vec::new()), serde_json::from_str).map_err(|_| BROKEN)?;
    let over: HashMap<SectionId, i32> = over.into_iter().collect();
    let left = sections.iter().map(|now| {
        let Section { id, capacity, .. } = now.section;
        Availability::new(id, capacity, now.held - over.get(&id).copied().unwrap_or(0), now.confirmed)
    });
    let left = left.collect();
    let sections = sections.into_iter().map(|now| now.section).collect();
    let (waiting, is_due): (i32, bool) = (row.get(15), row.get(16));
    let event = events::from_row(row, 0, sections)?;
    Ok(EventNow { event, left, waiting, settling: is_due || !over.is_empty() })
}

/// The units of holds that are over.
fn lapsed(text: Option<&str>) -> Result<Vec<Units>, Error> {
    text.map_or(Ok(Vec::new()), serde_json::from_str).map_err(|_| BROKEN)
}

fn free(section: &mut HallSection, lapsed: &[Units]) {
    for seat in lapsed.iter().filter(|units| units.section_id == section.id).flat_map(|units| &units.seats) {
        if let Some(seat) = section.layout.ordinal(seat) {
            section.seats.set(seat, SeatState::Free);
        }
    }
}

const BROKEN: Error = Error::Defect("a stored event breaks the rules of its sections");

/// No event is on an earlier day, nor on a later one than the last.
const FIRST_DAY: Date = time::macros::date!(0000 - 01 - 01);
const LAST_DAY: Date = time::macros::date!(9999 - 12 - 31);

//! What commands about events and their sections do. Each is alone in its batch, so they read, apply and write one by one.

use std::{collections::HashSet, sync::Arc};

use holdfast_domain::{
    Event, EventId, EventStatus, Fact, ReservationId, Section, SectionId, SectionKind, TenantId,
    change::{SeatsAdded, SeatsRemoved},
    event::most,
    seating::{Layout, LayoutError, SeatMap},
};

use super::{
    answer::Answer,
    apply::{append, meant},
    command::{
        AddSection, CancelEvent, CreateEvent, NewSection, NewUnits, Order, UpdateEvent, UpdateSection,
        Versions,
    },
    refusal::{Object, WriteError},
    sale::Sale,
    seat_moves,
};
use crate::{
    Error, Head, LaneSettings, events, lapsed,
    layouts::Layouts,
    reservations,
    seats::{self, Block},
    sections::{self, New, SectionRow},
    venues,
};

/// A section with its layout, if it has seats.
type Made = (Section, Option<Layout>);

pub(super) async fn create_event(
    head: &mut Head,
    settings: &LaneSettings,
    create: &CreateEvent,
) -> Result<Answer, WriteError> {
    let (tenant_id, limit) = (create.order.tenant_id, settings.events_per_tenant);
    if venues::by_id(head, tenant_id, create.venue_id).await?.is_none() {
        return Err(WriteError::Unknown(Object::Venue));
    }
    if events::count(head, tenant_id, limit).await? >= limit {
        return Err(WriteError::TooMany { object: Object::Event, limit });
    }
    let made: Vec<Made> = create.sections.iter().map(made).collect::<Result<_, _>>()?;
    fits(made.len(), made.iter().filter_map(|(_, layout)| layout.as_ref()))?;
    let event = Event {
        id: create.id,
        venue_id: create.venue_id,
        title: create.title.clone(),
        event_date: create.event_date,
        starts_at: create.starts_at,
        ends_at: create.ends_at,
        status: EventStatus::Open,
        sale_opens_at: create.sale_opens_at,
        sale_closes_at: create.sale_closes_at,
        units_per_user: create.units_per_user,
        sections: made.iter().map(|(section, _)| section.clone()).collect(),
        version: 1,
        created_at: head.at(),
        updated_at: head.at(),
    };
    event.check_times()?;
    events::insert(head, tenant_id, &event).await?;
    let seats_added = insert_sections(head, (tenant_id, event.id), 0, &made).await?;
    append(head, &create.order, &Fact::EventCreated { event: event.clone(), seats_added });
    Ok(Answer::Event(Box::new(event)))
}

pub(super) async fn update_event(head: &mut Head, update: &UpdateEvent) -> Result<Answer, WriteError> {
    let tenant_id = update.order.tenant_id;
    let (before, _) = open(head, tenant_id, update.id, &update.versions).await?;
    let event = Event {
        title: update.title.clone().unwrap_or_else(|| before.title.clone()),
        event_date: update.event_date.unwrap_or(before.event_date),
        starts_at: update.starts_at.of(before.starts_at.as_ref()),
        ends_at: update.ends_at.of(before.ends_at.as_ref()),
        sale_opens_at: update.sale_opens_at.of(before.sale_opens_at.as_ref()),
        sale_closes_at: update.sale_closes_at.of(before.sale_closes_at.as_ref()),
        units_per_user: update.units_per_user.of(before.units_per_user.as_ref()),
        status: update.status.unwrap_or(before.status),
        ..before.clone()
    };
    event.check_times()?;
    if event == before {
        return Ok(Answer::Event(Box::new(event)));
    }
    // Those in line are told so in their order: who is not told yet would get what those before them no longer wait for.
    let puts_back_on_sale = before.sale().is_over(head.at()) && !event.sale().is_over(head.at());
    if puts_back_on_sale && events::waiting(head, tenant_id, event.id).await? > 0 {
        return Err(Error::Busy("some in line are still being told that the sale is over").into());
    }
    write(head, &update.order, event, Vec::new(), Vec::new()).await
}

pub(super) async fn add_section(
    head: &mut Head,
    layouts: &Layouts,
    add: &AddSection,
) -> Result<Answer, WriteError> {
    let tenant_id = add.order.tenant_id;
    let (mut event, rows) = open(head, tenant_id, add.event_id, &add.versions).await?;
    let made = made(&add.section)?;
    let others = all_layouts(head, layouts, &rows).await?;
    fits(rows.len() + 1, others.iter().map(|(_, layout)| &**layout).chain(made.1.as_ref()))?;
    let position = rows.iter().map(|row| row.position + 1).max().unwrap_or(0);
    event.sections.push(made.0.clone());
    let seats_added = insert_sections(head, (tenant_id, event.id), position, &[made]).await?;
    write(head, &add.order, event, seats_added, Vec::new()).await
}

pub(super) async fn update_section(
    head: &mut Head,
    layouts: &Layouts,
    update: &UpdateSection,
) -> Result<Answer, WriteError> {
    // What is over is not taken: as it is shown.
    settle(head, layouts, update.event_id).await?;
    let (event, rows) = open(head, update.order.tenant_id, update.event_id, &update.versions).await?;
    let row = rows.iter().find(|row| row.section.id == update.section_id);
    let row = row.ok_or(WriteError::NotFound(Object::Section))?;
    let mut section = Section {
        name: update.name.clone().unwrap_or_else(|| row.section.name.clone()),
        price: update.price.of(row.section.price.as_ref()),
        ..row.section.clone()
    };
    let moves_seats = !update.add.is_empty() || !update.remove.is_empty();
    let (mut grown, mut added, mut removed) = (None, Vec::new(), Vec::new());
    match section.kind {
        SectionKind::Counted if moves_seats => return Err(WriteError::OtherKind),
        SectionKind::Seated if update.capacity.is_some() => return Err(WriteError::OtherKind),
        SectionKind::Counted => {
            section.capacity = update.capacity.unwrap_or(section.capacity);
            let taken = row.held + row.confirmed;
            if section.capacity < taken {
                return Err(WriteError::BelowTaken { taken });
            }
        }
        SectionKind::Seated if moves_seats => {
            let others = all_layouts(head, layouts, &rows).await?;
            let moved = seat_moves::run(head, &section, &others, update).await?;
            (section.capacity, added, removed) = (moved.capacity, moved.added, moved.removed);
            grown = moved.grown;
        }
        SectionKind::Seated => {}
    }
    if section == row.section && !moves_seats {
        return Ok(Answer::Event(Box::new(event)));
    }
    sections::update(head, event.id, &section, grown.as_ref()).await?;
    let id = section.id;
    let sections =
        event.sections.iter().map(|other| if other.id == id { section.clone() } else { other.clone() });
    let event = Event { sections: sections.collect(), ..event.clone() };
    write(head, &update.order, event, added, removed).await
}

/// Calls the event off: at once if few have units of it, else in steps, which validators take.
pub(super) async fn cancel_event(
    head: &mut Head,
    layouts: &Layouts,
    cancel: &CancelEvent,
) -> Result<Answer, WriteError> {
    let tenant_id = cancel.order.tenant_id;
    let (before, _) = whole(head, tenant_id, cancel.id).await?.ok_or(WriteError::NotFound(Object::Event))?;
    meant(&cancel.versions, before.version)?;
    if before.status.is_over() {
        return Ok(Answer::Cancelled);
    }
    let (all, is_last) = reservations::some_live(head, cancel.id, Sale::SETTLED).await?;
    // Who waits for units is taken leave of first, and in steps.
    let is_last = is_last && events::waiting(head, tenant_id, cancel.id).await? == 0;
    let status = if is_last { EventStatus::Cancelled } else { EventStatus::Cancelling };
    let event = Event { status, version: before.version + 1, updated_at: head.at(), ..before.clone() };
    events::update(head, tenant_id, &event).await?;
    if is_last {
        call_off(head, layouts, all).await?;
    }
    append(head, &cancel.order, &Fact::EventCancelled { event });
    Ok(Answer::Cancelled)
}

/// Ends holds of the event that are over, as many as one transaction may.
async fn settle(head: &mut Head, layouts: &Layouts, event: EventId) -> Result<(), Error> {
    let most = i64::try_from(Sale::SETTLED).unwrap_or(i64::MAX);
    let rows = lapsed::of_events(head.client(), head.shard(), &[event], most).await?;
    end_all(head, layouts, rows, Sale::expire).await
}

/// Takes leave of these, whose event is called off.
pub(crate) async fn call_off(
    head: &mut Head,
    layouts: &Layouts,
    rows: Vec<reservations::Row>,
) -> Result<(), Error> {
    end_all(head, layouts, rows, Sale::call_off).await
}

async fn end_all(
    head: &mut Head,
    layouts: &Layouts,
    rows: Vec<reservations::Row>,
    end: impl Fn(&mut Sale, &mut Head, (TenantId, ReservationId)) -> Result<(), Error>,
) -> Result<(), Error> {
    let keys: Vec<_> = rows.iter().map(|row| (row.tenant_id, row.reservation.id)).collect();
    let mut sale = Sale::of(head, rows, layouts).await?;
    for key in keys {
        end(&mut sale, head, key)?;
    }
    let rest = sale.write(head).await?;
    sale.write_rest(head, &rest).await
}

/// The event with its sections, as it is under the head.
pub(crate) async fn whole(
    head: &Head,
    tenant_id: TenantId,
    id: EventId,
) -> Result<Option<(Event, Vec<SectionRow>)>, Error> {
    let Some(row) = events::by_id(head, tenant_id, id).await? else {
        return Ok(None);
    };
    let rows = sections::of_events(head.client(), head.shard(), &[id]).await?;
    let sections = rows.iter().map(|row| row.section.clone()).collect();
    Ok(Some((events::from_row(&row, 0, sections)?, rows)))
}

/// An event that is not called off, in a version that is meant.
async fn open(
    head: &Head,
    tenant_id: TenantId,
    id: EventId,
    versions: &Versions,
) -> Result<(Event, Vec<SectionRow>), WriteError> {
    let (event, rows) = whole(head, tenant_id, id).await?.ok_or(WriteError::NotFound(Object::Event))?;
    meant(versions, event.version)?;
    if event.status.is_over() {
        return Err(WriteError::EventOver { status: event.status });
    }
    Ok((event, rows))
}

/// Writes the event as it is now, in its next version.
async fn write(
    head: &mut Head,
    order: &Order,
    event: Event,
    seats_added: Vec<SeatsAdded>,
    seats_removed: Vec<SeatsRemoved>,
) -> Result<Answer, WriteError> {
    let event = Event { version: event.version + 1, updated_at: head.at(), ..event };
    events::update(head, order.tenant_id, &event).await?;
    append(head, order, &Fact::EventUpdated { event: event.clone(), seats_added, seats_removed });
    Ok(Answer::Event(Box::new(event)))
}

fn made(new: &NewSection) -> Result<Made, WriteError> {
    let (kind, capacity, layout) = match &new.units {
        NewUnits::Counted(capacity) => (SectionKind::Counted, *capacity, None),
        NewUnits::Seated(rows) => {
            let layout = Layout::new(rows.clone())?;
            (SectionKind::Seated, i32::try_from(layout.seats()).unwrap_or(i32::MAX), Some(layout))
        }
    };
    let section = Section { id: new.id, name: new.name.clone(), kind, capacity, price: new.price.clone() };
    Ok((section, layout))
}

/// Whether an event may have so many sections and these seats, of which no two are called the same.
pub(super) fn fits<'a>(
    sections: usize,
    layouts: impl Iterator<Item = &'a Layout> + Clone,
) -> Result<(), WriteError> {
    let seats = layouts.clone().map(Layout::seats).sum();
    let rows = layouts.clone().map(|layout| layout.rows().len()).sum();
    let limits =
        [("sections", sections, most::SECTIONS), ("seats", seats, most::SEATS), ("rows", rows, most::ROWS)];
    for (what, count, limit) in limits {
        if count > limit {
            return Err(WriteError::TooLarge { what, limit });
        }
    }
    if layouts.clone().count() > 1 {
        let mut labels = HashSet::with_capacity(seats);
        for label in layouts.flat_map(Layout::labels) {
            if let Some(label) = labels.replace(label) {
                return Err(LayoutError::Duplicate { label }.into());
            }
        }
    }
    Ok(())
}

async fn insert_sections(
    head: &Head,
    (tenant_id, event_id): (TenantId, EventId),
    first: i32,
    made: &[Made],
) -> Result<Vec<SeatsAdded>, Error> {
    let new = (first..).zip(made);
    let new = new.map(|(position, (section, layout))| New { section, position, layout: layout.as_ref() });
    sections::insert(head, tenant_id, event_id, &new.collect::<Vec<_>>()).await?;
    let (mut blocks, mut added) = (Vec::new(), Vec::new());
    for (section, layout) in made {
        let Some(layout) = layout else { continue };
        blocks.extend(changed(section.id, &SeatMap::free(layout.seats()))?);
        added.push(SeatsAdded { section_id: section.id, rows: layout.rows().to_vec() });
    }
    seats::insert_blocks(head, &blocks).await?;
    Ok(added)
}

/// The layouts of those sections that have one.
async fn all_layouts(
    head: &Head,
    layouts: &Layouts,
    rows: &[SectionRow],
) -> Result<Vec<(SectionId, Arc<Layout>)>, Error> {
    let wanted: Vec<_> = rows.iter().filter_map(|row| Some((row.section.id, row.layout_id?))).collect();
    Ok(layouts.of(head.client(), head.shard(), &wanted).await?.into_iter().collect())
}

pub(super) fn changed(section: SectionId, map: &SeatMap) -> Result<Vec<Block>, Error> {
    let block = |number: usize| {
        let place = i32::try_from(number).map_err(|_| SEATLESS)?;
        Ok((section, place, map.block(number).to_vec()))
    };
    map.changed().map(block).collect()
}

pub(super) const SEATLESS: Error = Error::Defect("a seated section without its seats");

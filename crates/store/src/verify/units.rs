//! Events and units of them, read page by page to be held against the log and against each other.

use std::collections::HashMap;

use holdfast_domain::{
    EventId, Price, Section, SectionId, SectionKind, SectionName, Seq, Shard,
    event::Currency,
    seating::{Layout, SeatMap},
};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    After, BegunEvent, BegunReservation, Seating, SectionTaken, Stored, StoredEvent, StoredLine,
    StoredReservation, StoredSeats, UnitNets, first, place, told,
    unit_statements::{BEGUN_EVENTS, BEGUN_RESERVATIONS, EVENTS, NETS, RESERVATIONS, SEATS},
};
use crate::{Database, Error, events, reservations, sections};

/// The blocks of a section's seats, with their numbers.
type Blocks = Vec<(usize, Vec<u8>)>;

impl Database {
    /// A page of a shard's events, by tenant and id, with their sections. `unread` are reservations whose units can't be
    /// counted.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn stored_events(
        &self,
        shard: Shard,
        after: After,
        limit: i64,
        unread: &[Uuid],
    ) -> Result<Vec<Stored<StoredEvent>>, Error> {
        let (tenant, id) = place(after);
        let params: [&(dyn ToSql + Sync); 5] = [&shard.number(), &tenant, &id, &limit, &unread];
        let rows = self.read(EVENTS, &params).await?;
        let stored = |row: &Row| Stored {
            tenant_id: row.get::<_, Uuid>(0).into(),
            id: row.get(1),
            row: event(row),
            told: told(row, 28),
        };
        Ok(rows.iter().map(stored).collect())
    }

    /// All about an event's seats.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn stored_seats(&self, shard: Shard, event: EventId) -> Result<StoredSeats, Error> {
        let rows = self.read(SEATS, &[&shard.number(), &event.uuid()]).await?;
        let mut stored = StoredSeats::default();
        let (mut layouts, mut blocks) = (Vec::new(), HashMap::<SectionId, Blocks>::new());
        for row in &rows {
            let id: Uuid = row.get(1);
            match row.get(0) {
                "section" => layouts.push((SectionId::from(id), row.get::<_, &str>(2), row.get(4))),
                "block" => {
                    let number = usize::try_from(row.get::<_, i32>(4)).unwrap_or(usize::MAX);
                    blocks.entry(id.into()).or_default().push((number, row.get(3)));
                }
                "taken" => stored.taken.push((row.get(2), id.into())),
                // One that can't be read is found by itself.
                _ => {
                    if let Ok(units) = reservations::read_units(row.get(2)) {
                        stored.reservations.push((id.into(), units, row.get::<_, &str>(5) == "CONFIRMED"));
                    }
                }
            }
        }
        for (section_id, layout, capacity) in layouts {
            let seats = seats(layout, &blocks.remove(&section_id).unwrap_or_default());
            stored.sections.push(Seating { section_id, capacity, seats });
        }
        Ok(stored)
    }

    /// A page of a shard's reservations, by tenant and id.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn stored_reservations(
        &self,
        shard: Shard,
        after: After,
        limit: i64,
    ) -> Result<Vec<Stored<StoredReservation>>, Error> {
        let rows = self.page(RESERVATIONS, shard, after, limit).await?;
        let stored = |row: &Row| {
            let section_ids =
                row.get::<_, Vec<Uuid>>(reservations::COLUMNS + 2).into_iter().map(SectionId::from).collect();
            let reservation = reservations::from_row(row, 0);
            Stored {
                tenant_id: row.get::<_, Uuid>(0).into(),
                id: row.get(1),
                row: reservation.map(|found| StoredReservation {
                    reservation: found.reservation,
                    has_event: row.get(reservations::COLUMNS),
                    quantity: row.get(reservations::COLUMNS + 1),
                    section_ids,
                }),
                told: told(row, reservations::COLUMNS + 3),
            }
        };
        Ok(rows.iter().map(stored).collect())
    }

    /// A page of a shard's events, by tenant and id, with how each goes on in the log after `log_after`.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn begun_events(
        &self,
        shard: Shard,
        log_after: Seq,
        after: After,
        limit: i64,
    ) -> Result<Vec<BegunEvent>, Error> {
        let (tenant, id) = place(after);
        let params: [&(dyn ToSql + Sync); 5] = [&shard.number(), &tenant, &id, &limit, &log_after.0];
        let rows = self.read(BEGUN_EVENTS, &params).await?;
        let begun = |row: &Row| BegunEvent {
            tenant_id: row.get::<_, Uuid>(0).into(),
            id: row.get::<_, Uuid>(1).into(),
            row: event_sections(row).and_then(|sections| events::from_row(row, 1, sections)),
            first: first(row, 20),
        };
        Ok(rows.iter().map(begun).collect())
    }

    /// A page of a shard's reservations, by tenant and id, with how each goes on in the log after `log_after`.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn begun_reservations(
        &self,
        shard: Shard,
        log_after: Seq,
        after: After,
        limit: i64,
    ) -> Result<Vec<BegunReservation>, Error> {
        let (tenant, id) = place(after);
        let params: [&(dyn ToSql + Sync); 5] = [&shard.number(), &tenant, &id, &limit, &log_after.0];
        let rows = self.read(BEGUN_RESERVATIONS, &params).await?;
        let begun = |row: &Row| BegunReservation {
            tenant_id: row.get::<_, Uuid>(0).into(),
            event_id: row.get::<_, Uuid>(2).into(),
            id: row.get::<_, Uuid>(1).into(),
            row: reservations::from_row(row, 0).map(|found| found.reservation),
            first: first(row, reservations::COLUMNS),
        };
        Ok(rows.iter().map(begun).collect())
    }

    /// Which of the nets under the units of events are there.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn unit_nets(&self) -> Result<UnitNets, Error> {
        let rows = self.read(NETS, &[]).await?;
        let nets = |row: &Row| UnitNets {
            bounds_sections: row.get(0),
            seats_one: row.get(1),
            places_one: row.get(2),
        };
        Ok(rows.first().map(nets).unwrap_or_default())
    }
}

fn seats(layout: &str, blocks: &Blocks) -> Option<(Layout, SeatMap)> {
    let layout = sections::read_layout(layout).ok()?;
    let blocks = blocks.iter().map(|(number, states)| (*number, states.as_slice()));
    let map = SeatMap::from_blocks(layout.seats(), blocks)?;
    Some((layout, map))
}

fn event(row: &Row) -> Result<StoredEvent, Error> {
    let event = events::from_row(row, 1, event_sections(row)?)?;
    let (held, confirmed): (Vec<i32>, Vec<i32>) = (array(row, 20), array(row, 21));
    let (now_held, now_confirmed): (Vec<i64>, Vec<i64>) = (array(row, 22), array(row, 23));
    let said = held.into_iter().zip(confirmed);
    let taken = said.zip(now_held.into_iter().zip(now_confirmed));
    let taken = taken.map(|((held, confirmed), (now_held, now_confirmed))| SectionTaken {
        held,
        confirmed,
        now_held,
        now_confirmed,
    });
    let line = StoredLine { waiting: row.get(25), due_at: row.get(26), now_waiting: row.get(27) };
    Ok(StoredEvent { event, taken: taken.collect(), has_taken_seats: row.get(24), line })
}

/// The sections of an event, from arrays of their columns.
fn event_sections(row: &Row) -> Result<Vec<Section>, Error> {
    let (ids, names): (Vec<Uuid>, Vec<String>) = (array(row, 14), array(row, 15));
    let (kinds, capacities): (Vec<String>, Vec<i32>) = (array(row, 16), array(row, 17));
    let (amounts, currencies): (Vec<Option<i64>>, Vec<Option<String>>) = (array(row, 18), array(row, 19));
    let prices = amounts.into_iter().zip(currencies).map(|(amount, currency)| match amount.zip(currency) {
        None => Ok::<_, Error>(None),
        Some((amount, code)) => {
            let currency = Currency::parse(&code).map_err(|_| BROKEN)?;
            Ok(Some(Price { amount, currency }))
        }
    });
    let said = ids.into_iter().zip(names).zip(kinds).zip(capacities).zip(prices);
    said.map(|((((id, name), kind), capacity), price)| {
        Ok(Section {
            id: id.into(),
            name: SectionName::parse(&name).map_err(|_| BROKEN)?,
            kind: SectionKind::parse(&kind).ok_or(BROKEN)?,
            capacity,
            price: price?,
        })
    })
    .collect()
}

const BROKEN: Error = Error::Defect("a stored section breaks its own rules");

/// An array; of no rows there is none.
fn array<'a, T>(row: &'a Row, column: usize) -> Vec<T>
where
    Option<Vec<T>>: tokio_postgres::types::FromSql<'a>,
{
    row.get::<_, Option<Vec<T>>>(column).unwrap_or_default()
}

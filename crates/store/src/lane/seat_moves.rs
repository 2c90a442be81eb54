//! Seats of a section that are put up for sale or taken out, while others of it are held and confirmed.

use std::sync::Arc;

use holdfast_domain::{
    SeatLabel, Section, SectionId,
    change::{SeatsAdded, SeatsRemoved},
    seating::{BLOCK_SEATS, Layout, LayoutError, Row, RowSeats, SeatMap, SeatState},
};

use super::{
    box_office::{SEATLESS, changed, fits},
    command::UpdateSection,
    refusal::WriteError,
};
use crate::{
    Error, Head,
    seats::{self, Block},
};

/// What moving seats comes to.
pub(super) struct Moved {
    /// How many are for sale now.
    pub(super) capacity: i32,
    /// The layout, if it has grown.
    pub(super) grown: Option<Layout>,
    pub(super) added: Vec<SeatsAdded>,
    pub(super) removed: Vec<SeatsRemoved>,
}

/// Puts seats up for sale and takes others out, and writes their states.
pub(super) async fn run(
    head: &Head,
    section: &Section,
    layouts: &[(SectionId, Arc<Layout>)],
    update: &UpdateSection,
) -> Result<Moved, WriteError> {
    let layout =
        layouts.iter().find(|(id, _)| *id == section.id).map(|(_, layout)| layout).ok_or(SEATLESS)?;
    let blocks = seats::blocks(head.client(), head.shard(), &[section.id]).await?.remove(&section.id);
    let blocks = blocks.unwrap_or_default();
    let states = blocks.iter().map(|(number, states)| (*number, states.as_slice()));
    let mut map = SeatMap::from_blocks(layout.seats(), states).ok_or(SEATLESS)?;

    let (mut unknown, mut taken) = (Vec::new(), Vec::new());
    for label in &update.remove {
        match layout.ordinal(label).map(|seat| (seat, map.get(seat))) {
            None | Some((_, SeatState::Removed)) => unknown.push(label.clone()),
            Some((seat, SeatState::Free)) => map.set(seat, SeatState::Removed),
            Some(_) => taken.push(label.clone()),
        }
    }
    if !unknown.is_empty() {
        return Err(WriteError::UnknownSeats(unknown));
    }
    if !taken.is_empty() {
        return Err(WriteError::SeatsTaken(taken));
    }

    let (mut new, mut again) = (Vec::new(), Vec::new());
    for row in &update.add {
        let RowSeats::Labels(labels) = row.seats() else {
            new.push(row.clone());
            continue;
        };
        let was_there =
            |label: &SeatLabel| layout.ordinal(label).is_some_and(|seat| map.get(seat) == SeatState::Removed);
        let (back, other): (Vec<_>, Vec<_>) = labels.iter().cloned().partition(was_there);
        for (labels, rows) in [(back, &mut again), (other, &mut new)] {
            if !labels.is_empty() {
                rows.push(relabelled(row, labels)?);
            }
        }
    }
    for row in &again {
        if let RowSeats::Labels(labels) = row.seats() {
            for label in labels {
                let seat = layout.ordinal(label).filter(|seat| map.get(*seat) == SeatState::Removed);
                map.set(
                    seat.ok_or_else(|| LayoutError::Duplicate { label: label.clone() })?,
                    SeatState::Free,
                );
            }
        }
    }
    let grown = layout.extended(new)?;
    let is_grown = grown.seats() > layout.seats();
    let all = layouts.iter().filter(|(id, _)| *id != section.id).map(|(_, layout)| &**layout);
    fits(layouts.len(), all.chain([&grown]))?;
    map.grow(grown.seats());

    let (existing, more): (Vec<Block>, Vec<Block>) =
        changed(section.id, &map)?.into_iter().partition(|(_, number, _)| {
            usize::try_from(*number).is_ok_and(|number| number < layout.seats().div_ceil(BLOCK_SEATS))
        });
    seats::write_blocks(head, &existing).await?;
    seats::insert_blocks(head, &more).await?;
    let sold = map.seats() - map.count(SeatState::Removed);
    let rows: Vec<Row> =
        again.into_iter().chain(grown.rows()[layout.rows().len()..].iter().cloned()).collect();
    let section_id = section.id;
    let added = (!rows.is_empty()).then_some(SeatsAdded { section_id, rows });
    let removed =
        (!update.remove.is_empty()).then(|| SeatsRemoved { section_id, seats: update.remove.clone() });
    Ok(Moved {
        capacity: i32::try_from(sold).unwrap_or(i32::MAX),
        grown: is_grown.then_some(grown),
        added: added.into_iter().collect(),
        removed: removed.into_iter().collect(),
    })
}

/// The row with these seats in the place of its own.
fn relabelled(row: &Row, labels: Vec<SeatLabel>) -> Result<Row, Error> {
    let row = Row::new(row.name().clone(), RowSeats::Labels(labels), row.rank(), row.category().cloned());
    row.map_err(|_| Error::Defect("a part of a row is none"))
}

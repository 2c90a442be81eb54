//! What a transaction has done with units of events, written; and what is left where something was not to be had.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use futures_util::join;
use holdfast_domain::{EventId, Reservation, ReservationId, SectionId, Seq, TenantId};
use uuid::Uuid;

use super::{
    super::refusal::{Left, WriteError},
    Sale,
    area::Area,
};
use crate::{
    Error, Head, events, reservations,
    seats::{self, Block, Taken},
    sections, waitlist,
};

/// What travels with COMMIT: nothing of it can fall short in silence.
#[derive(Default)]
pub(crate) struct Rest {
    counts: Vec<(SectionId, i32, i32)>,
    blocks: Vec<Block>,
    taken: Vec<Taken>,
}

impl Sale {
    /// The last change of an object, if this transaction made it.
    pub(in crate::lane) fn told(&self, id: Uuid) -> Option<Seq> {
        self.told.get(&id).copied()
    }

    /// How many holds have ended that were over.
    pub(crate) fn expired(&self) -> usize {
        self.settled.0
    }

    /// How many in line were served, or taken leave of.
    pub(crate) fn served(&self) -> usize {
        self.settled.1
    }

    /// The reservation, as it is.
    pub(in crate::lane) fn reservation(
        &self,
        tenant_id: TenantId,
        id: ReservationId,
    ) -> Option<&Reservation> {
        self.reservations.get(&(tenant_id, id)).map(|entry| &entry.now)
    }

    /// Whether something has to be written, though the log may not tell of it: when a line has to be looked at again.
    pub(crate) fn has_lines_to_write(&self) -> bool {
        !self.lines.changed().is_empty()
    }

    /// Whether nothing can have been done.
    fn is_untouched(&self) -> bool {
        self.reservations.is_empty() && self.lines.is_untouched()
    }

    /// Writes what could fall short: what became of reservations, and of the seats that they had.
    pub(crate) async fn write(&self, head: &Head) -> Result<Rest, Error> {
        if self.is_untouched() {
            return Ok(Rest::default());
        }
        let (mut given, mut taken) = (Vec::new(), Vec::new());
        for ((tenant_id, event_id, seat), holder) in self.seats.iter().filter(|(_, h)| h.stored != h.now) {
            let of = |reservation_id| Taken {
                tenant_id: *tenant_id,
                event_id: *event_id,
                seat: seat.clone(),
                reservation_id,
            };
            given.extend(holder.stored.map(of));
            taken.extend(holder.now.map(of));
        }
        let changed: Vec<(TenantId, i32, &Reservation)> = self
            .reservations
            .values()
            .filter_map(|entry| Some((entry.tenant_id, entry.stored?, &entry.now)))
            .filter(|(_, stored, now)| *stored != now.version)
            .collect();
        let changed_entries = self.lines.updated();
        let (updated, gave, left) = join!(
            reservations::update(head, &changed),
            seats::give_back(head, &given),
            waitlist::update(head, &changed_entries),
        );
        updated.and(gave).and(left)?;
        let counts: Vec<(SectionId, i32, i32)> = self
            .areas
            .iter()
            .filter_map(|(id, area)| area.changed().map(|(held, confirmed)| (*id, held, confirmed)))
            .collect();
        head.prepare([reservations::INSERT, sections::COUNT, seats::WRITE_BLOCKS, seats::TAKE]).await?;
        if !self.lines.is_untouched() {
            head.prepare([waitlist::INSERT, events::WRITE_LINES]).await?;
        }
        Ok(Rest { counts, blocks: self.areas.iter().flat_map(blocks).collect(), taken })
    }

    /// Writes what travels with COMMIT.
    pub(crate) async fn write_rest(&self, head: &Head, rest: &Rest) -> Result<(), Error> {
        if self.is_untouched() {
            return Ok(());
        }
        let made = self.reservations.values().filter(|entry| entry.stored.is_none());
        let made: Vec<(TenantId, &Reservation)> = made.map(|entry| (entry.tenant_id, &entry.now)).collect();
        let (joined, lines) = (self.lines.made(), self.lines.changed());
        let (inserted, counted, marked, took, stood, waiting) = join!(
            reservations::insert(head, &made),
            sections::count(head, &rest.counts),
            seats::write_blocks(head, &rest.blocks),
            seats::take(head, &rest.taken),
            waitlist::insert(head, &joined),
            events::write_lines(head, &lines),
        );
        inserted.and(counted).and(marked).and(took).and(stood).and(waiting)
    }

    /// Says in refusals of commands of these events what is left of them, as it is when all is applied.
    pub(in crate::lane) async fn tell_what_is_left<'e>(
        &self,
        head: &Head,
        refusals: impl Iterator<Item = (EventId, &'e mut WriteError)>,
    ) -> Result<(), Error> {
        let mut short: HashMap<EventId, Vec<&mut Arc<Left>>> = HashMap::new();
        for (event, refusal) in refusals {
            if let WriteError::SoldOut(left) | WriteError::NotAdjacent(left) = refusal {
                short.entry(event).or_default().push(left);
            }
        }
        if short.is_empty() {
            return Ok(());
        }
        let events: Vec<EventId> = short.keys().copied().collect();
        let (client, shard) = (head.client(), head.shard());
        // As many as this transaction may have put an end to, and one.
        let stored = self.reservations.values().filter(|entry| entry.stored.is_some()).count();
        let (rows, ends) = join!(
            sections::of_events(client, shard, &events),
            reservations::next_ends(client, shard, &events, head.at(), stored + 1),
        );
        let mut all: HashMap<EventId, Left> = events.iter().map(|event| (*event, Left::default())).collect();
        for row in rows? {
            let event = row.event_id;
            // What this transaction has taken is not in the table yet.
            let row = self.areas.get(&row.section.id).map_or(&row, |area| &area.row);
            let available = row.availability().available;
            if let Some(left) = all.get_mut(&event) {
                left.may_come_back |= row.held > 0;
                if available > 0 && left.sections.len() < Left::LISTED {
                    left.sections.push((row.section.id, row.section.name.clone(), available));
                }
            }
        }
        let known: HashSet<ReservationId> = self.reservations.keys().map(|(_, id)| *id).collect();
        let stored =
            ends?.into_iter().filter(|(_, id, _)| !known.contains(id)).map(|(event, _, end)| (event, end));
        let here = self.reservations.values().filter_map(|entry| {
            let end = entry.now.state.held_until(head.at()).ok()?;
            Some((entry.now.event_id, end))
        });
        for (event, end) in stored.chain(here) {
            if let Some(left) = all.get_mut(&event) {
                left.next_end_at = Some(left.next_end_at.map_or(end, |next| next.min(end)));
            }
        }
        for (event, left) in all {
            let left = Arc::new(left);
            for place in short.remove(&event).into_iter().flatten() {
                *place = Arc::clone(&left);
            }
        }
        Ok(())
    }
}

/// The blocks of a section's seats that have changed.
fn blocks((id, area): (&SectionId, &Area)) -> Vec<Block> {
    let Some(floor) = &area.floor else { return Vec::new() };
    let map = floor.map();
    let block = |number: usize| Some((*id, i32::try_from(number).ok()?, map.block(number).to_vec()));
    map.changed().filter_map(block).collect()
}

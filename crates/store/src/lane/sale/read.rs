//! What hangs on what was read with the lock, read behind it: the lines that are due, and the seats that matter.

use std::collections::{HashMap, HashSet, VecDeque};

use holdfast_domain::{
    EventId, SeatLabel, SectionId, TenantId, UserId,
    seating::{Floor, SeatMap},
};
use uuid::Uuid;

use super::{
    super::command::JoinWaitlist,
    Entry, Holder, Sale, Stage,
    area::Area,
    asked::{Asked, Known},
    lines,
};
use crate::{
    Error, Head,
    layouts::Layouts,
    reservations::{self, Row},
    seats,
    sections::{self, SectionRow},
    waitlist,
};

impl Sale {
    /// What was known with the lock, and what that makes necessary besides.
    pub(crate) async fn begin(
        head: &Head,
        asked: &Asked<'_>,
        known: Known,
        layouts: &Layouts,
    ) -> Result<Self, Error> {
        let mut sale = Self::new(head.at());
        for on_sale in known.events {
            let key = (on_sale.tenant_id, on_sale.id);
            sale.lines.know(key, on_sale.line);
            let (room, is_behind) = (asked.share(), false);
            let (lapsed, sections) = (VecDeque::new(), Vec::new());
            sale.events.insert(key, Stage { on_sale, lapsed, room, sections, is_behind });
        }
        for row in known.reservations {
            sale.remember(row);
        }
        sale.lines.remember_users(known.in_line);
        for taken in known.taken {
            let holder = Some(taken.reservation_id);
            let key = (taken.tenant_id, taken.event_id, taken.seat);
            sale.seats.insert(key, Holder { stored: holder, now: holder });
        }
        for row in known.lapsed {
            let key = (row.tenant_id, row.reservation.event_id);
            if row.reservation.state.has_lapsed(head.at())
                && let Some(stage) = sale.events.get_mut(&key)
            {
                stage.lapsed.push_back(row.reservation.id);
                sale.remember(row);
            }
        }
        let served = sale.due_lines(asked);
        let ids: Vec<EventId> = served.iter().map(|(_, event)| *event).collect();
        let rows = sections::of_events(head.client(), head.shard(), &ids).await?;
        sale.take_in([known.sections, rows].concat());
        if !served.is_empty() {
            sale.read_lines(head, &served).await?;
        }
        if !asked.joins.is_empty() {
            sale.count_requests(head, &asked.joins).await?;
        }
        let users: HashSet<(EventId, &UserId)> = asked
            .users
            .iter()
            .copied()
            .chain(sale.lines.users())
            .filter(|(event, _)| sale.limits(*event))
            .collect();
        let users: Vec<(EventId, &UserId)> = users.into_iter().collect();
        let has = reservations::has(head.client(), head.shard(), &users).await?;
        sale.has = has.into_iter().collect();
        sale.complete(head, layouts, &asked.seats, &ids).await?;
        Ok(sale)
    }

    /// The events whose lines have to be served before anybody takes units, as far as one transaction may read them: those
    /// that have waited for longest.
    fn due_lines(&self, asked: &Asked<'_>) -> Vec<(TenantId, EventId)> {
        let since = |event: &(TenantId, EventId)| {
            let first = self.events.get(event)?.lapsed.front();
            let lapsed = first.and_then(|id| self.reservations.get(&(event.0, *id)));
            let lapsed = lapsed.and_then(|entry| entry.now.state.expires_at());
            let line = self.lines.line(*event);
            let due = line.due_at.filter(|due_at| *due_at <= self.at);
            lapsed.into_iter().chain(due).min().filter(|_| line.waiting > 0)
        };
        let mut due: Vec<_> =
            asked.settled.iter().filter_map(|event| Some((since(event)?, *event))).collect();
        due.sort_unstable();
        due.into_iter().take(Self::LINES).map(|(_, event)| event).collect()
    }

    /// Reads who is first in these lines: as many as can be served by what is left, and by what has lapsed.
    async fn read_lines(&mut self, head: &Head, served: &[(TenantId, EventId)]) -> Result<(), Error> {
        let most = |event: &(TenantId, EventId)| {
            let stage = self.events.get(event)?;
            if stage.on_sale.sale.admit(self.at).is_err() {
                return Some(Self::SETTLED);
            }
            let left = self.areas.values().filter(|area| area.row.event_id == event.1);
            let left: i64 = left.map(|area| i64::from(area.row.availability().available)).sum();
            let lapsed = stage.lapsed.iter().filter_map(|id| self.reservations.get(&(event.0, *id)));
            let lapsed: i64 = lapsed.map(|entry| i64::from(entry.now.quantity())).sum();
            usize::try_from(left + lapsed).ok()
        };
        let most = served.iter().filter_map(most).max().unwrap_or(0).clamp(1, Self::SETTLED);
        let ids: Vec<EventId> = served.iter().map(|(_, event)| *event).collect();
        let first = waitlist::lines(head.client(), head.shard(), &ids, lines::REQUESTS, most).await?;
        self.lines.read(served, first);
        Ok(())
    }

    /// Counts the different requests in the lines that somebody comes into with one that nobody there has.
    async fn count_requests(&mut self, head: &Head, joins: &[&JoinWaitlist]) -> Result<(), Error> {
        let key = |join: &JoinWaitlist| (join.order.tenant_id, join.event_id);
        let mut asked: HashMap<(EventId, Uuid), (TenantId, EventId)> = HashMap::new();
        for join in joins.iter().filter(|join| self.events.contains_key(&key(join))) {
            // What is wrong with it is said when it is applied.
            if let Ok(request) = self.request(key(join), join) {
                asked.insert((join.event_id, waitlist::request_id(&request)), key(join));
            }
        }
        let requests: Vec<(EventId, Uuid)> = asked.keys().copied().collect();
        for request in waitlist::waited_for(head.client(), head.shard(), &requests).await? {
            if let Some(event) = asked.remove(&request) {
                self.lines.is_waited_for(event, request.1);
            }
        }
        let events: HashMap<EventId, (TenantId, EventId)> =
            asked.into_iter().map(|((event, _), key)| (event, key)).collect();
        let ids: Vec<EventId> = events.keys().copied().collect();
        for (event, count) in waitlist::different(head.client(), head.shard(), &ids, lines::REQUESTS).await? {
            if let Some(event) = events.get(&event) {
                self.lines.count(*event, count);
            }
        }
        Ok(())
    }

    /// Reservations that are known, and what they have units of: to end them.
    pub(crate) async fn of(head: &Head, rows: Vec<Row>, layouts: &Layouts) -> Result<Self, Error> {
        let mut sale = Self::new(head.at());
        for row in rows {
            sale.remember(row);
        }
        sale.complete(head, layouts, &HashMap::new(), &[]).await?;
        Ok(sale)
    }

    fn limits(&self, event: EventId) -> bool {
        self.events.values().any(|stage| stage.on_sale.id == event && stage.on_sale.units_per_user.is_some())
    }

    fn remember(&mut self, row: Row) {
        let Row { tenant_id, reservation, event, line } = row;
        self.lines.know((tenant_id, reservation.event_id), line);
        let entry = Entry { tenant_id, stored: Some(reservation.version), now: reservation, event };
        self.reservations.entry((tenant_id, entry.now.id)).or_insert(entry);
    }

    /// Sections, each once, and in the order that they have in their event. Not those of an event that nobody here takes units
    /// of or has any: a section's id is anybody's to send, and its seats would be read.
    fn take_in(&mut self, mut rows: Vec<SectionRow>) {
        let on_sale = self.events.keys().map(|(_, event)| *event);
        let touched: HashSet<EventId> =
            on_sale.chain(self.reservations.values().map(|entry| entry.now.event_id)).collect();
        rows.retain(|row| touched.contains(&row.event_id));
        rows.sort_by_key(|row| row.position);
        for row in rows {
            let (id, event) = (row.section.id, row.event_id);
            if self.areas.contains_key(&id) {
                continue;
            }
            for stage in self.events.values_mut().filter(|stage| stage.on_sale.id == event) {
                stage.sections.push(id);
            }
            self.areas.insert(id, Area::new(row));
        }
    }

    /// Reads the sections of all reservations that were read, and the seats of all sections whose seats matter: all of events
    /// that are `served`.
    async fn complete(
        &mut self,
        head: &Head,
        layouts: &Layouts,
        seats_of: &HashMap<EventId, Option<HashSet<&SeatLabel>>>,
        served: &[EventId],
    ) -> Result<(), Error> {
        let (client, shard) = (head.client(), head.shard());
        let touched: HashSet<SectionId> = self
            .reservations
            .values()
            .flat_map(|entry| &entry.now.units)
            .map(|units| units.section_id)
            .collect();
        let unread: Vec<SectionId> =
            touched.iter().filter(|id| !self.areas.contains_key(id)).copied().collect();
        let rows = sections::by_id(client, shard, &unread).await?;
        // Not of an event's own: what is chosen from are those that were asked for.
        for row in rows {
            self.areas.insert(row.section.id, Area::new(row));
        }
        let seated = self.areas.values().filter(|area| area.is_seated());
        let seated: Vec<(SectionId, Uuid)> =
            seated.filter_map(|area| Some((area.row.section.id, area.row.layout_id?))).collect();
        if seated.is_empty() {
            return Ok(());
        }
        let mut layouts = layouts.of(client, shard, &seated).await?;
        let matters = |id: &SectionId| {
            let event = self.areas.get(id).map(|area| area.row.event_id);
            let asked = event.filter(|event| !served.contains(event)).and_then(|event| seats_of.get(&event));
            match (asked, layouts.get(id)) {
                (Some(Some(labels)), Some(layout)) if !touched.contains(id) => {
                    labels.iter().any(|label| layout.contains(label))
                }
                _ => true,
            }
        };
        let wanted: Vec<SectionId> = seated.iter().map(|(id, _)| *id).filter(matters).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let mut blocks = seats::blocks(client, shard, &wanted).await?;
        for id in wanted {
            let layout = layouts.remove(&id).ok_or(BROKEN)?;
            let blocks = blocks.remove(&id).unwrap_or_default();
            let blocks = blocks.iter().map(|(number, states)| (*number, states.as_slice()));
            let map = SeatMap::from_blocks(layout.seats(), blocks).ok_or(BROKEN)?;
            let floor = Floor::new(layout, map).ok_or(BROKEN)?;
            if let Some(area) = self.areas.get_mut(&id) {
                area.floor = Some(floor);
            }
        }
        Ok(())
    }
}

const BROKEN: Error = Error::Defect("a section's seats are not as many as its layout has");

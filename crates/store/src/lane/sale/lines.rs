//! What is known of lines in a transaction: how many stand in each, who is first with each request, and what has become of those
//! who were read. Nobody is served here.

use std::collections::{HashMap, VecDeque};

use holdfast_domain::{
    EventId, Seq, TenantId, UserId, WaitlistEntry, WaitlistEntryId, WaitlistState, waitlist::Request,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    events::Line,
    waitlist::{First, Row},
};

/// Most different requests in the line of an event: so many are looked at whenever units have come back.
pub(super) const REQUESTS: usize = 500;

/// The lines of a transaction, and who stands in them as far as that was read.
#[derive(Default)]
pub(super) struct Lines {
    lines: HashMap<(TenantId, EventId), Known>,
    places: HashMap<WaitlistEntryId, Standing>,
    /// The last entry of each user that a command asks for.
    of_users: HashMap<(TenantId, EventId, UserId), WaitlistEntryId>,
}

/// A line, as the table has it and as it is.
#[derive(Default)]
struct Known {
    stored: Line,
    now: Line,
    /// Who is first with each request; nothing unless that was read.
    queues: Option<Queues>,
    /// How many different requests there are, where that was counted, and those that are known to be among them.
    requests: usize,
    waited_for: Vec<Uuid>,
}

/// Those who ask for the same, by rank.
pub(super) struct Queue {
    pub(super) request: Request,
    pub(super) first: VecDeque<(Seq, WaitlistEntryId)>,
    /// Whether there may be more behind them.
    pub(super) has_more: bool,
}

impl Queue {
    /// Those who ask for the same as this one, none of whom is known.
    fn of(entry: &WaitlistEntry) -> Self {
        Self { request: entry.request.clone(), first: VecDeque::new(), has_more: false }
    }
}

/// The queues of a line, by request.
pub(super) type Queues = HashMap<Uuid, Queue>;

/// An entry, as it was read and as it is.
struct Standing {
    tenant_id: TenantId,
    /// The version that the table has; none of one that is made here.
    stored: Option<i32>,
    now: WaitlistEntry,
}

impl Lines {
    /// Takes note of what an event's row says.
    pub(super) fn know(&mut self, event: (TenantId, EventId), line: Line) {
        self.lines.entry(event).or_insert_with(|| Known { stored: line, now: line, ..Known::default() });
    }

    pub(super) fn line(&self, event: (TenantId, EventId)) -> Line {
        self.lines.get(&event).map(|line| line.now).unwrap_or_default()
    }

    /// Whether somebody in the event's line may have to be served or taken leave of.
    pub(super) fn is_due(&self, event: (TenantId, EventId), at: OffsetDateTime) -> bool {
        let line = self.line(event);
        line.waiting > 0 && line.due_at.is_some_and(|due_at| due_at <= at)
    }

    /// Units have come back: somebody in line may have been waiting for them.
    pub(super) fn came_back(&mut self, event: (TenantId, EventId), at: OffsetDateTime) {
        if let Some(line) = self.lines.get_mut(&event).filter(|line| line.now.waiting > 0)
            && !failpoint!("line.not_told")
        {
            line.now.due_at = Some(line.now.due_at.map_or(at, |due_at| due_at.min(at)));
        }
    }

    /// Who is first in these lines. They are known by that as far as they have to be.
    pub(super) fn read(&mut self, events: &[(TenantId, EventId)], first: Vec<First>) {
        for event in events {
            if let Some(line) = self.lines.get_mut(event) {
                line.queues = Some(Queues::new());
            }
        }
        for First { row, request_id, most } in first {
            let event = (row.tenant_id, row.entry.event_id);
            let Some(queues) = self.lines.get_mut(&event).and_then(|line| line.queues.as_mut()) else {
                continue;
            };
            let queue = queues.entry(request_id).or_insert_with(|| Queue::of(&row.entry));
            queue.first.push_back((row.entry.rank, row.entry.id));
            queue.has_more = i64::try_from(queue.first.len()).is_ok_and(|count| most <= count);
            self.remember(row);
        }
    }

    /// The last entries of users that are asked for.
    pub(super) fn remember_users(&mut self, rows: Vec<Row>) {
        for row in rows {
            let key = (row.tenant_id, row.entry.event_id, row.entry.user_id.clone());
            self.of_users.insert(key, row.entry.id);
            self.remember(row);
        }
    }

    /// How many different requests wait for an event.
    pub(super) fn count(&mut self, event: (TenantId, EventId), requests: usize) {
        if let Some(line) = self.lines.get_mut(&event) {
            line.requests = requests;
        }
    }

    /// Somebody waits for an event with this request.
    pub(super) fn is_waited_for(&mut self, event: (TenantId, EventId), request: Uuid) {
        if let Some(line) = self.lines.get_mut(&event) {
            line.waited_for.push(request);
        }
    }

    /// Everybody that was read of the lines: the users of their events.
    pub(super) fn users(&self) -> impl Iterator<Item = (EventId, &UserId)> {
        self.places.values().map(|place| (place.now.event_id, &place.now.user_id))
    }

    /// Whether nothing of them can have changed.
    pub(super) fn is_untouched(&self) -> bool {
        self.lines.is_empty()
    }

    /// What has to be written of lines.
    pub(super) fn changed(&self) -> Vec<(TenantId, EventId, Line)> {
        let changed = self.lines.iter().filter(|(_, line)| line.stored != line.now);
        changed.map(|((tenant, event), line)| (*tenant, *event, line.now)).collect()
    }

    pub(super) fn made(&self) -> Vec<(TenantId, &WaitlistEntry)> {
        let made = self.places.values().filter(|place| place.stored.is_none());
        made.map(|place| (place.tenant_id, &place.now)).collect()
    }

    pub(super) fn updated(&self) -> Vec<(TenantId, i32, &WaitlistEntry)> {
        let all = self.places.values().filter_map(|place| Some((place.tenant_id, place.stored?, &place.now)));
        all.filter(|(_, stored, now)| *stored != now.version).collect()
    }

    fn remember(&mut self, row: Row) {
        let Row { tenant_id, entry } = row;
        let stored = Some(entry.version);
        self.places.entry(entry.id).or_insert(Standing { tenant_id, stored, now: entry });
    }

    /// The last entry of a user.
    pub(super) fn of_user(
        &self,
        (tenant_id, event_id): (TenantId, EventId),
        user: &UserId,
    ) -> Option<&WaitlistEntry> {
        let id = self.of_users.get(&(tenant_id, event_id, user.clone()))?;
        self.places.get(id).map(|place| &place.now)
    }

    /// Somebody comes into line.
    pub(super) fn join(&mut self, tenant_id: TenantId, entry: WaitlistEntry, request: Uuid) {
        let (id, rank) = (entry.id, entry.rank);
        self.of_users.insert((tenant_id, entry.event_id, entry.user_id.clone()), id);
        if let Some(line) = self.lines.get_mut(&(tenant_id, entry.event_id)) {
            line.now.waiting += 1;
            if !line.waited_for.contains(&request) {
                line.waited_for.push(request);
                line.requests += 1;
            }
            if let Some(queues) = &mut line.queues {
                let queue = queues.entry(request).or_insert_with(|| Queue::of(&entry));
                // Behind some who were not read it has to wait to be read itself.
                if !queue.has_more {
                    queue.first.push_back((rank, id));
                }
            }
        }
        self.places.insert(id, Standing { tenant_id, stored: None, now: entry });
    }

    /// Somebody is out of line, who was in it.
    pub(super) fn leave(
        &mut self,
        id: WaitlistEntryId,
        state: WaitlistState,
        at: OffsetDateTime,
    ) -> Option<WaitlistEntry> {
        let place = self.places.get_mut(&id).filter(|place| place.now.is_waiting())?;
        place.now = place.now.with(state, at);
        let after = place.now.clone();
        if let Some(line) = self.lines.get_mut(&(place.tenant_id, after.event_id)) {
            line.now.waiting -= 1;
            if line.now.waiting == 0 {
                line.now.due_at = None;
            }
        }
        Some(after)
    }

    /// An entry that was read, and whose it is.
    pub(super) fn entry(&self, id: WaitlistEntryId) -> Option<(TenantId, &WaitlistEntry)> {
        self.places.get(&id).map(|place| (place.tenant_id, &place.now))
    }

    /// Whether somebody stands in line still.
    pub(super) fn is_waiting(&self, id: WaitlistEntryId) -> bool {
        self.places.get(&id).is_some_and(|place| place.now.is_waiting())
    }

    /// Who is first with each request, to be given back; nothing unless that was read.
    pub(super) fn take_queues(&mut self, event: (TenantId, EventId)) -> Option<Queues> {
        self.lines.get_mut(&event)?.queues.take()
    }

    pub(super) fn give_back(&mut self, event: (TenantId, EventId), queues: Queues) {
        if let Some(line) = self.lines.get_mut(&event) {
            line.queues = Some(queues);
        }
    }

    /// Whether one with this request would be one request too many.
    pub(super) fn has_too_many(&self, event: (TenantId, EventId), request: &Uuid) -> bool {
        self.lines
            .get(&event)
            .is_some_and(|line| !line.waited_for.contains(request) && line.requests >= REQUESTS)
    }

    /// When the line has to be looked at next, if nothing happens before.
    pub(super) fn rests_until(&mut self, event: (TenantId, EventId), due_at: Option<OffsetDateTime>) {
        if let Some(line) = self.lines.get_mut(&event) {
            line.now.due_at = due_at.filter(|_| line.now.waiting > 0);
        }
    }
}

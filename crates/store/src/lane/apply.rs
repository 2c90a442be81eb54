//! What a batch of bookings' commands does, in memory and in the order of arrival: no statement is sent here.

use std::collections::{BTreeMap, HashMap, HashSet};

use holdfast_domain::{
    Booking, BookingId, Claim, Conflicts, Fact, Resource, ResourceId, ResourceName, Seq, TenantId, TimeRange,
    VenueId, rules::BookingLimits,
};
use time::OffsetDateTime;

use super::{
    answer::{Answer, Booked},
    command::{CancelBooking, CreateBooking, Order, Target, UpdateBooking, Versions},
    refusal::{Object, WriteError},
};
use crate::{Head, LaneSettings, asked::Overlaps, resources::Bookable};

/// What the batch's commands touch, as it is under the head.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) resources: HashMap<(TenantId, ResourceId), Bookable>,
    pub(super) names: HashMap<(TenantId, VenueId, ResourceName), ResourceId>,
    /// What overlaps the range that a booking asks for.
    pub(super) overlaps: HashMap<BookingId, Overlaps>,
    pub(super) bookings: HashMap<(TenantId, BookingId), Booking>,
    /// When the ranks of those were given.
    pub(super) asked_at: HashMap<Seq, OffsetDateTime>,
    /// The venues of resources that are not there yet.
    pub(super) venues: HashSet<(TenantId, VenueId)>,
    /// How many resources the tenants of those have.
    pub(super) resource_counts: HashMap<TenantId, i64>,
}

/// A booking that was written, and what it was before.
struct Change {
    tenant_id: TenantId,
    before: Option<Booking>,
    after: Booking,
}

/// What has to be written, collected while commands are applied.
pub(super) struct Effects<'a> {
    settings: &'a LaneSettings,
    loaded: Loaded,
    new_resources: Vec<(TenantId, Resource)>,
    changes: Vec<Change>,
    /// The places of a resource's bookings among the changes.
    by_resource: HashMap<ResourceId, Vec<usize>>,
    /// By how much each resource's count of open wants changes.
    wants: BTreeMap<(TenantId, ResourceId), i32>,
}

impl<'a> Effects<'a> {
    pub(super) fn new(settings: &'a LaneSettings, loaded: Loaded) -> Self {
        let (new_resources, changes, by_resource, wants) = Default::default();
        Self { settings, loaded, new_resources, changes, by_resource, wants }
    }

    /// Makes the booking, and the resource if it is new.
    pub(super) fn create(&mut self, head: &mut Head, create: &CreateBooking) -> Result<Answer, WriteError> {
        let tenant_id = create.order.tenant_id;
        let known = match &create.target {
            Target::Id(id) => Some(*id),
            Target::Named { venue_id, name, .. } => {
                self.loaded.names.get(&(tenant_id, *venue_id, name.clone())).copied()
            }
        };
        let limits = match known {
            None => BookingLimits::default(),
            Some(id) => self.resource(tenant_id, id)?.limits,
        };
        limits.admit(create.wanted, &[], head.at())?;
        if let Some(id) = known {
            self.has_room(self.resource(tenant_id, id)?)?;
        }
        let resource_id = match (known, &create.target) {
            (Some(id), _) => id,
            // Nothing refuses it from here on: a refused create makes no resource.
            (None, Target::Named { venue_id, name, id_if_new }) => {
                self.create_resource(head, &create.order, *venue_id, name, *id_if_new)?
            }
            (None, Target::Id(_)) => return Err(WriteError::Unknown(Object::Resource)),
        };
        let resource = self.resource(tenant_id, resource_id)?;
        let booking = Booking {
            id: create.id,
            resource_id,
            resource: resource.name.clone(),
            venue_id: resource.venue_id,
            user_id: create.order.user_id.clone(),
            claim: Claim::want(create.wanted, head.seq().next(), head.at(), self.settings.grace()),
            title: create.title.clone(),
            note: create.note.clone(),
            version: 1,
            created_at: head.at(),
            updated_at: head.at(),
        };
        append(head, &create.order, &Fact::BookingCreated { booking: booking.clone() });
        let conflicts = self.tell_conflicts(head, &create.order, &booking);
        self.note(tenant_id, None, booking.clone());
        Ok(Answer::Booked(Box::new(Booked { booking, conflicts: Some(conflicts) })))
    }

    fn create_resource(
        &mut self,
        head: &mut Head,
        order: &Order,
        venue_id: VenueId,
        name: &ResourceName,
        id: ResourceId,
    ) -> Result<ResourceId, WriteError> {
        let tenant_id = order.tenant_id;
        if !self.loaded.venues.contains(&(tenant_id, venue_id)) {
            return Err(WriteError::Unknown(Object::Venue));
        }
        let limit = self.settings.resources_per_tenant;
        let count = self.loaded.resource_counts.entry(tenant_id).or_default();
        if *count >= limit {
            return Err(WriteError::TooMany { object: Object::Resource, limit });
        }
        *count += 1;
        let (limits, at) = (BookingLimits::default(), head.at());
        let resource =
            Resource { id, venue_id, name: name.clone(), limits, version: 1, created_at: at, updated_at: at };
        append(head, order, &Fact::ResourceCreated { resource: resource.clone() });
        self.loaded.names.insert((tenant_id, venue_id, name.clone()), id);
        let bookable = Bookable { id, venue_id, name: name.clone(), limits, open_wants: 0 };
        self.loaded.resources.insert((tenant_id, id), bookable);
        self.new_resources.push((tenant_id, resource));
        Ok(id)
    }

    /// Changes what the booking wants, or what is said about it; nothing, when nothing of it would change.
    pub(super) fn update(&mut self, head: &mut Head, update: &UpdateBooking) -> Result<Answer, WriteError> {
        let before = self.own(&update.order, update.id, &update.versions)?.clone();
        if !before.claim.is_live() {
            return Err(WriteError::Closed { status: before.claim.status() });
        }
        let wanted = update.wanted(&before)?;
        let (tenant_id, range) = (update.order.tenant_id, before.claim.wanted());
        let mut claim = before.claim;
        if wanted != range {
            let resource = self.resource(tenant_id, before.resource_id)?;
            // What is held may be had back, whatever may be asked for by now.
            let held = before.claim.granted();
            if held != Some(wanted) {
                let begins: Vec<OffsetDateTime> =
                    held.iter().chain([&range]).map(|range| range.start()).collect();
                resource.limits.admit(wanted, &begins, head.at())?;
            }
            let asked_at = self.loaded.asked_at.get(&claim.rank()).copied();
            // The log may no longer go back that far: then what is known is the time that the want has at most.
            let by = claim.decide_by().map(|by| by - self.settings.grace());
            let asked_at = asked_at.or(by).unwrap_or(before.created_at);
            claim = claim
                .ask(wanted, head.seq().next(), head.at(), asked_at, self.settings.grace())
                .map_err(|wrong| WriteError::Closed { status: wrong.status })?;
            if failpoint!("move.lets_go") {
                claim = Claim::want(wanted, head.seq().next(), head.at(), self.settings.grace());
            }
            if claim.decide_by().is_some() && before.claim.decide_by().is_none() {
                self.has_room(resource)?;
            }
        }
        let after = Booking {
            title: update.title.of(before.title.as_ref()),
            note: update.note.of(before.note.as_ref()),
            ..before.with(claim, head.at())
        };
        if wanted == range && after.title == before.title && after.note == before.note {
            return Ok(Answer::Booked(Box::new(Booked { booking: before, conflicts: None })));
        }
        let seq = head.seq().next();
        let fact = Fact::BookingUpdated { booking: after.clone(), range_changed: wanted != range };
        append(head, &update.order, &fact);
        // Who takes a new place in line is told of whom they meet there.
        let is_new = claim.decide_by().is_some() && claim.rank() == seq;
        let conflicts = is_new.then(|| self.tell_conflicts(head, &update.order, &after));
        self.note(tenant_id, Some(before), after.clone());
        Ok(Answer::Booked(Box::new(Booked { booking: after, conflicts })))
    }

    /// Gives the booking up; of one that is already closed nothing is left to give.
    pub(super) fn cancel(&mut self, head: &mut Head, cancel: &CancelBooking) -> Result<Answer, WriteError> {
        let before = self.own(&cancel.order, cancel.id, &cancel.versions)?.clone();
        if let Ok(claim) = before.claim.cancel() {
            let after = before.with(claim, head.at());
            append(head, &cancel.order, &Fact::BookingDeleted { booking: after.clone() });
            self.note(cancel.order.tenant_id, Some(before), after);
        }
        Ok(Answer::Cancelled)
    }

    /// A booking of the caller's, in a version that they mean.
    fn own(&self, order: &Order, id: BookingId, versions: &Versions) -> Result<&Booking, WriteError> {
        let booking = self.loaded.bookings.get(&(order.tenant_id, id));
        let booking = booking.ok_or(WriteError::NotFound(Object::Booking))?;
        if booking.user_id != order.user_id {
            return Err(WriteError::NotYours);
        }
        meant(versions, booking.version)?;
        Ok(booking)
    }

    fn resource(&self, tenant_id: TenantId, id: ResourceId) -> Result<&Bookable, WriteError> {
        self.loaded.resources.get(&(tenant_id, id)).ok_or(WriteError::Unknown(Object::Resource))
    }

    fn has_room(&self, resource: &Bookable) -> Result<(), WriteError> {
        let limit = self.settings.open_wants_per_resource;
        if resource.open_wants < limit { Ok(()) } else { Err(WriteError::Crowded { limit }) }
    }

    /// What overlaps the range that `booking` asks for, as of now: what was read, and what this batch has done since. The
    /// log tells it, too, to those concerned.
    fn tell_conflicts(&mut self, head: &mut Head, order: &Order, booking: &Booking) -> Conflicts {
        let mut overlaps = self.loaded.overlaps.remove(&booking.id).unwrap_or_default();
        for place in self.by_resource.get(&booking.resource_id).into_iter().flatten() {
            let Change { before, after, .. } = &self.changes[*place];
            if failpoint!("conflicts.as_read") {
                continue;
            }
            overlaps.revise(booking.claim.wanted(), before.as_ref(), after);
        }
        let conflicts = overlaps.told();
        if !conflicts.first.is_empty() {
            let fact = Fact::BookingConflict {
                booking: booking.clone(),
                conflicting: conflicts.first.clone(),
                conflict_count: conflicts.count,
            };
            append(head, order, &fact);
        }
        conflicts
    }

    /// Remembers what a command did. No second one of this batch touches the booking.
    fn note(&mut self, tenant_id: TenantId, before: Option<Booking>, after: Booking) {
        let opened = open(Some(&after)) - open(before.as_ref());
        if let Some(resource) = self.loaded.resources.get_mut(&(tenant_id, after.resource_id)) {
            resource.open_wants += opened;
        }
        *self.wants.entry((tenant_id, after.resource_id)).or_default() += opened;
        self.by_resource.entry(after.resource_id).or_default().push(self.changes.len());
        self.changes.push(Change { tenant_id, before, after });
    }

    /// The booking as it was read: of a command that is not applied, which is the only one for it in the batch.
    pub(super) fn booking(&self, tenant_id: TenantId, id: BookingId) -> Option<&Booking> {
        self.loaded.bookings.get(&(tenant_id, id))
    }

    pub(super) fn new_resources(&self) -> &[(TenantId, Resource)] {
        &self.new_resources
    }

    pub(super) fn created(&self) -> Vec<(TenantId, &Booking)> {
        let created = self.changes.iter().filter(|change| change.before.is_none());
        created.map(|change| (change.tenant_id, &change.after)).collect()
    }

    pub(super) fn updated(&self) -> Vec<(TenantId, &Booking)> {
        let updated = self.changes.iter().filter(|change| change.before.is_some());
        updated.map(|change| (change.tenant_id, &change.after)).collect()
    }

    /// By how much each resource's count of open wants changes; those that stay are left out.
    pub(super) fn counts(&self) -> Vec<(TenantId, ResourceId, i32)> {
        self.wants.iter().filter(|(_, count)| **count != 0).map(|((t, r), count)| (*t, *r, *count)).collect()
    }
}

impl UpdateBooking {
    /// What the booking is to want: the times that are not given stay.
    pub(super) fn wanted(&self, before: &Booking) -> Result<TimeRange, WriteError> {
        let range = before.claim.wanted();
        Ok(TimeRange::new(self.start.unwrap_or(range.start()), self.end.unwrap_or(range.end()))?)
    }
}

/// Whether an object of this version is one that the write is meant for.
pub(super) fn meant(versions: &Versions, version: i32) -> Result<(), WriteError> {
    match versions {
        Some(versions) if !versions.contains(&version) && !failpoint!("versions.not_compared") => {
            Err(WriteError::Stale { version })
        }
        _ => Ok(()),
    }
}

/// How many open wants a booking is: one or none.
fn open(booking: Option<&Booking>) -> i32 {
    i32::from(booking.is_some_and(|booking| booking.claim.decide_by().is_some()))
}

pub(super) fn append(head: &mut Head, order: &Order, fact: &Fact) {
    head.append(order.tenant_id, order.command_id, Some(&order.user_id), &order.trace, fact);
}

//! What a batch of commands does, in memory and in the order of arrival: no statement is sent here.

use std::collections::{BTreeMap, HashMap};

use holdfast_domain::{
    Booking, BookingId, Claim, Fact, Resource, ResourceId, ResourceName, TenantId, VenueId,
    rules::BookingLimits,
};

use super::command::{CancelBooking, CreateBooking, WriteError};
use crate::{
    Conflicts, Head, LaneSettings,
    asked::{Asked, Met},
    resources::Bookable,
};

/// What the batch's commands touch, as it is under the head.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) resources: HashMap<(TenantId, VenueId, ResourceName), Bookable>,
    /// What already overlapped each new booking's range.
    pub(super) conflicts: HashMap<BookingId, Conflicts>,
    pub(super) bookings: HashMap<(TenantId, BookingId), Booking>,
}

impl Loaded {
    pub(super) fn new(
        asked: &[Asked<'_>],
        met: Vec<Option<Met>>,
        bookings: Vec<(TenantId, Booking)>,
    ) -> Self {
        let mut loaded = Self::default();
        for (asked, met) in asked.iter().zip(met) {
            if let Some(Met { resource, conflicts }) = met {
                loaded.resources.insert((asked.tenant_id, asked.venue_id, asked.resource.clone()), resource);
                loaded.conflicts.insert(asked.booking, conflicts);
            }
        }
        loaded.bookings =
            bookings.into_iter().map(|(tenant, booking)| ((tenant, booking.id), booking)).collect();
        loaded
    }
}

/// What has to be written, collected while commands are applied.
pub(super) struct Effects<'a> {
    settings: &'a LaneSettings,
    loaded: Loaded,
    pub(super) new_resources: Vec<(TenantId, Resource)>,
    pub(super) created: Vec<(TenantId, Booking)>,
    pub(super) cancelled: Vec<(TenantId, Booking)>,
    /// By how much each resource's count of open wants changes.
    pub(super) wants: BTreeMap<(TenantId, ResourceId), i32>,
}

impl<'a> Effects<'a> {
    pub(super) fn new(settings: &'a LaneSettings, loaded: Loaded) -> Self {
        let (new_resources, created, cancelled, wants) = Default::default();
        Self { settings, loaded, new_resources, created, cancelled, wants }
    }

    /// Makes the booking, and the resource if it is new; its place among [`Self::created`].
    pub(super) fn create(&mut self, head: &mut Head, create: &CreateBooking) -> Result<usize, WriteError> {
        let key = (create.tenant_id, create.venue_id, create.resource.clone());
        let known = self.loaded.resources.get(&key);
        let limits = known.map_or_else(BookingLimits::default, |resource| resource.limits);
        limits.admit(create.wanted, head.at())?;
        let limit = self.settings.open_wants_per_resource;
        if known.is_some_and(|resource| resource.open_wants >= limit) {
            return Err(WriteError::Crowded { limit });
        }
        // Nothing refuses it from here on: a refused create makes no resource.
        let resource_id = match known {
            Some(resource) => resource.id,
            None => self.create_resource(head, create, limits),
        };
        if let Some(resource) = self.loaded.resources.get_mut(&key) {
            resource.open_wants += 1;
        }
        let booking = Booking {
            id: create.id,
            resource_id,
            resource: create.resource.clone(),
            user_id: create.user_id.clone(),
            claim: Claim::want(create.wanted, head.seq().next(), head.at(), self.settings.grace()),
            title: create.title.clone(),
            note: create.note.clone(),
            version: 1,
            created_at: head.at(),
            updated_at: head.at(),
        };
        let fact = Fact::BookingCreated { booking: booking.clone() };
        let request = create.request_id.as_ref();
        head.append(create.tenant_id, create.command_id, Some(&create.user_id), request, &fact);
        *self.wants.entry((create.tenant_id, resource_id)).or_default() += 1;
        self.created.push((create.tenant_id, booking));
        Ok(self.created.len() - 1)
    }

    fn create_resource(
        &mut self,
        head: &mut Head,
        create: &CreateBooking,
        limits: BookingLimits,
    ) -> ResourceId {
        let resource = Resource {
            id: create.resource_id_if_new,
            venue_id: create.venue_id,
            name: create.resource.clone(),
            limits,
            version: 1,
            created_at: head.at(),
            updated_at: head.at(),
        };
        let id = resource.id;
        let fact = Fact::ResourceCreated { resource: resource.clone() };
        let request = create.request_id.as_ref();
        head.append(create.tenant_id, create.command_id, Some(&create.user_id), request, &fact);
        let key = (create.tenant_id, create.venue_id, create.resource.clone());
        self.loaded.resources.insert(key, Bookable { id, limits, open_wants: 0 });
        self.new_resources.push((create.tenant_id, resource));
        id
    }

    /// Gives the booking up; of one that is already closed nothing is left to give.
    pub(super) fn cancel(&mut self, head: &mut Head, cancel: &CancelBooking) -> Result<(), WriteError> {
        let key = (cancel.tenant_id, cancel.id);
        let booking = self.loaded.bookings.get(&key).ok_or(WriteError::NotFound)?;
        if booking.user_id != cancel.user_id {
            return Err(WriteError::NotYours);
        }
        let Ok(claim) = booking.claim.cancel() else {
            return Ok(());
        };
        if let Claim::Pending { .. } = booking.claim {
            *self.wants.entry((cancel.tenant_id, booking.resource_id)).or_default() -= 1;
        }
        let booking = booking.with(claim, head.at());
        let fact = Fact::BookingDeleted { booking: booking.clone() };
        let request = cancel.request_id.as_ref();
        head.append(cancel.tenant_id, cancel.command_id, Some(&cancel.user_id), request, &fact);
        self.cancelled.push((cancel.tenant_id, booking));
        Ok(())
    }

    /// Tells each new booking of those of its own batch that overlap it.
    pub(super) fn introduce_neighbours(&mut self) {
        let mut by_resource: HashMap<ResourceId, Vec<&Booking>> = HashMap::new();
        for (_, booking) in &self.created {
            by_resource.entry(booking.resource_id).or_default().push(booking);
        }
        for neighbours in by_resource.into_values().filter(|neighbours| neighbours.len() > 1) {
            for booking in &neighbours {
                let conflicts = self.loaded.conflicts.entry(booking.id).or_default();
                let wanted = booking.claim.wanted();
                let overlaps =
                    |other: &&&Booking| other.id != booking.id && other.claim.wanted().overlaps(wanted);
                neighbours.iter().filter(overlaps).for_each(|other| conflicts.add_neighbour(other));
            }
        }
    }

    /// What overlaps a booking of this batch.
    pub(super) fn conflicts_of(&mut self, booking: BookingId) -> Conflicts {
        self.loaded.conflicts.remove(&booking).unwrap_or_default()
    }

    /// Whether anything was appended that has to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.created.is_empty() && self.cancelled.is_empty()
    }

    /// The changes of the counts, those that change nothing left out.
    pub(super) fn counts(&self) -> Vec<(TenantId, ResourceId, i32)> {
        self.wants.iter().filter(|(_, change)| **change != 0).map(|((t, r), c)| (*t, *r, *c)).collect()
    }
}

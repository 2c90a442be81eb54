//! What commands about what there is to be had do: venues and resources here, events in [`box_office`]. Each is alone in its batch, so they read, apply and write one by one.

use holdfast_domain::{Fact, Resource, Venue, rules::BookingLimits};

use super::{
    answer::Answer,
    apply::{append, meant},
    box_office,
    command::{
        AddSection, Catalogue, CreateResource, CreateVenue, UpdateEvent, UpdateResource, UpdateSection,
        UpdateVenue,
    },
    refusal::{Object, WriteError},
};
use crate::{
    Error, Head, LaneSettings,
    layouts::Layouts,
    resources,
    venues::{self, VENUES_MAX},
};

/// Runs the command under the head: the answer, to be given once it is committed.
pub(super) async fn run(
    head: &mut Head,
    settings: &LaneSettings,
    layouts: &Layouts,
    command: &Catalogue,
) -> Result<Answer, WriteError> {
    match command {
        Catalogue::CreateEvent(create) => box_office::create_event(head, settings, create).await,
        Catalogue::UpdateEvent(update) => box_office::update_event(head, update).await,
        Catalogue::AddSection(add) => box_office::add_section(head, layouts, add).await,
        Catalogue::UpdateSection(update) => box_office::update_section(head, layouts, update).await,
        Catalogue::CancelEvent(cancel) => box_office::cancel_event(head, layouts, cancel).await,
        Catalogue::CreateVenue(create) => create_venue(head, create).await,
        Catalogue::UpdateVenue(update) => update_venue(head, update).await,
        Catalogue::CreateResource(create) => create_resource(head, settings, create).await,
        Catalogue::UpdateResource(update) => update_resource(head, update).await,
    }
}

async fn create_venue(head: &mut Head, create: &CreateVenue) -> Result<Answer, WriteError> {
    let tenant_id = create.order.tenant_id;
    if venues::count(head, tenant_id, VENUES_MAX).await? >= VENUES_MAX {
        return Err(WriteError::TooMany { object: Object::Venue, limit: VENUES_MAX });
    }
    let venue = Venue {
        id: create.id,
        name: create.name.clone(),
        time_zone: create.time_zone.clone(),
        address: create.address.clone(),
        version: 1,
        created_at: head.at(),
        updated_at: head.at(),
    };
    venues::insert(head, tenant_id, &venue).await?;
    append(head, &create.order, &Fact::VenueCreated { venue: venue.clone() });
    Ok(Answer::Venue(Box::new(venue)))
}

async fn update_venue(head: &mut Head, update: &UpdateVenue) -> Result<Answer, WriteError> {
    let tenant_id = update.order.tenant_id;
    let before = venues::by_id(head, tenant_id, update.id).await?;
    let before = before.ok_or(WriteError::NotFound(Object::Venue))?;
    meant(&update.versions, before.version)?;
    let mut venue = Venue {
        name: update.name.clone().unwrap_or_else(|| before.name.clone()),
        time_zone: update.time_zone.clone().unwrap_or_else(|| before.time_zone.clone()),
        address: update.address.of(before.address.as_ref()),
        ..before.clone()
    };
    if venue != before {
        (venue.version, venue.updated_at) = (before.version + 1, head.at());
        venues::update(head, tenant_id, &venue).await?;
        append(head, &update.order, &Fact::VenueUpdated { venue: venue.clone() });
    }
    Ok(Answer::Venue(Box::new(venue)))
}

async fn create_resource(
    head: &mut Head,
    settings: &LaneSettings,
    create: &CreateResource,
) -> Result<Answer, WriteError> {
    let tenant_id = create.order.tenant_id;
    let limit = settings.resources_per_tenant;
    if venues::by_id(head, tenant_id, create.venue_id).await?.is_none() {
        return Err(WriteError::Unknown(Object::Venue));
    }
    if resources::count(head, tenant_id, limit).await? >= limit {
        return Err(WriteError::TooMany { object: Object::Resource, limit });
    }
    let resource = Resource {
        id: create.id,
        venue_id: create.venue_id,
        name: create.name.clone(),
        limits: create.limits.check()?,
        version: 1,
        created_at: head.at(),
        updated_at: head.at(),
    };
    resources::insert(head, &[(tenant_id, resource.clone())]).await?;
    append(head, &create.order, &Fact::ResourceCreated { resource: resource.clone() });
    Ok(Answer::Resource(Box::new(resource)))
}

async fn update_resource(head: &mut Head, update: &UpdateResource) -> Result<Answer, WriteError> {
    let tenant_id = update.order.tenant_id;
    let before = resources::by_id(head, tenant_id, update.id).await?;
    let before = before.ok_or(WriteError::NotFound(Object::Resource))?;
    meant(&update.versions, before.version)?;
    let limits = BookingLimits {
        shortest_seconds: update.shortest_seconds.unwrap_or(before.limits.shortest_seconds),
        longest_seconds: update.longest_seconds.unwrap_or(before.limits.longest_seconds),
        days_ahead: update.days_ahead.unwrap_or(before.limits.days_ahead),
    };
    let name = update.name.clone().unwrap_or_else(|| before.name.clone());
    let mut resource = Resource { name, limits: limits.check()?, ..before.clone() };
    if resource != before {
        (resource.version, resource.updated_at) = (before.version + 1, head.at());
        resources::update(head, tenant_id, &resource).await?;
        append(head, &update.order, &Fact::ResourceUpdated { resource: resource.clone() });
    }
    Ok(Answer::Resource(Box::new(resource)))
}

/// What the command changed, as it is now; of what it made only the log tells.
pub(super) async fn as_it_is(head: &Head, command: &Catalogue) -> Result<Option<Answer>, Error> {
    let tenant_id = command.order().tenant_id;
    Ok(match command {
        Catalogue::UpdateVenue(update) => {
            let venue = venues::by_id(head, tenant_id, update.id).await?;
            venue.map(|venue| Answer::Venue(Box::new(venue)))
        }
        Catalogue::UpdateResource(update) => {
            let resource = resources::by_id(head, tenant_id, update.id).await?;
            resource.map(|resource| Answer::Resource(Box::new(resource)))
        }
        Catalogue::UpdateEvent(UpdateEvent { id, .. })
        | Catalogue::AddSection(AddSection { event_id: id, .. })
        | Catalogue::UpdateSection(UpdateSection { event_id: id, .. }) => {
            let event = box_office::whole(head, tenant_id, *id).await?;
            event.map(|(event, _)| Answer::Event(Box::new(event)))
        }
        Catalogue::CreateVenue(_)
        | Catalogue::CreateResource(_)
        | Catalogue::CreateEvent(_)
        | Catalogue::CancelEvent(_) => None,
    })
}

/// Names are held apart by the database: the refusal that its error stands for, if it stands for one.
pub(super) fn refusal(error: &Error) -> Option<WriteError> {
    let taken = [
        ("venues_name_key", Object::Venue),
        ("resources_name_key", Object::Resource),
        ("sections_name_key", Object::Section),
    ];
    let (_, object) = taken.into_iter().find(|(constraint, _)| error.violates(constraint))?;
    Some(WriteError::NameTaken(object))
}

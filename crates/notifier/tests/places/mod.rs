//! Changes of what there is to book, to deliver.

use holdfast_domain::{
    DEFAULT_TENANT, Fact, Resource, ResourceName, Venue, VenueName, ZoneName, rules::BookingLimits,
};
use holdfast_stream::Entry;

use crate::common::{AT, entry, resource, venue_of};

/// This resource's being made, or its venue's, by somebody.
pub(crate) fn made(seq: i64, resource_number: u128, is_venue: bool) -> Entry {
    let (venue_id, at) = (venue_of(resource_number), AT);
    let fact = if is_venue {
        Fact::VenueCreated {
            venue: Venue {
                id: venue_id,
                name: VenueName::parse("Haus").unwrap(),
                time_zone: ZoneName::parse("UTC").unwrap(),
                address: None,
                version: 1,
                created_at: at,
                updated_at: at,
            },
        }
    } else {
        Fact::ResourceCreated {
            resource: Resource {
                id: resource(resource_number),
                venue_id,
                name: ResourceName::parse("Raum1").unwrap(),
                limits: BookingLimits::default(),
                version: 1,
                created_at: at,
                updated_at: at,
            },
        }
    };
    entry(DEFAULT_TENANT, seq, Some("somebody"), &fact)
}

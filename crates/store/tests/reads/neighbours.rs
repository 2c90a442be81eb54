//! P8: two tenants share a shard, and neither reads anything of the other, not even by its ids.
//!
//! What keeps them apart: in the log the row that begins with the tenant; in a history `tenant_id = $4`; by name
//! `WHERE tenant_id = $4`; in slots, resources and single bookings the look-up by tenant. Any of them taken out turns
//! these tests red. The lists have two: the run of the index is of one tenant, and so is the look-up of the resource;
//! without the first its neighbours' bookings are still not shown, but counted, and their times told as places to go on.

use holdfast_domain::{Booking, DEFAULT_TENANT, ResourceName, Seq, Status, TenantId, VenueId};
use holdfast_store::{Filter, Log, Page, ResourceFilter};
use holdfast_testkit::{create, hours};

use crate::{Scene, at, of};

/// All that `tenant` can read of the other's things, as the ids of what it gets.
async fn read(scene: &Scene, tenant: TenantId, venue: VenueId, booking: &Booking) -> Vec<String> {
    let database = &scene.database;
    let named = Filter { resource: Some(booking.resource_id), ..Filter::default() };
    let mut found = Vec::new();
    for filter in [
        Filter::default(),
        named.clone(),
        Filter { user: Some(booking.user_id.clone()), ..Filter::default() },
        Filter { user: Some(booking.user_id.clone()), ..named },
        Filter { venue: Some(venue), ..Filter::default() },
        Filter { days: Some(vec![(venue, hours(0, 24))]), ..Filter::default() },
    ] {
        let page = database.bookings(tenant, &filter).await.expect("an answer");
        assert_eq!(page.next, None);
        found.extend(page.bookings.iter().map(|booking| booking.id.to_string()));
    }
    found.extend(
        database
            .bookings_by_id(tenant, &[booking.id])
            .await
            .expect("an answer")
            .iter()
            .map(|b| b.id.to_string()),
    );
    let history = database.history(tenant, booking.id.uuid(), Seq(0), 100).await.expect("an answer");
    found.extend(history.into_iter().map(|change| change.data));
    let Log::Page(log) = database.log_of(tenant, Seq(0), 100).await.expect("an answer") else {
        panic!("nothing is gone")
    };
    found.extend(log.changes.into_iter().map(|change| change.data));
    for filter in [ResourceFilter::default(), ResourceFilter { venue: Some(venue), name: None }] {
        let page = database.resources(tenant, &filter, None, 100).await.expect("an answer");
        found.extend(page.iter().map(|resource| resource.id.to_string()));
    }
    let room = ResourceName::parse("Raum1").expect("a name");
    found.extend(
        database.resource_named(tenant, venue, &room).await.expect("an answer").map(|id| id.to_string()),
    );
    let slots = database.slots(tenant, booking.resource_id, hours(0, 24), 100).await.expect("an answer");
    found.extend(slots.into_iter().flat_map(|slots| slots.taken).map(|slot| slot.id.to_string()));
    found
}

#[tokio::test]
async fn nothing_of_another_tenant_of_the_shard_is_ever_read() {
    let scene = Scene::new().await;
    let neighbour = scene.neighbour().await;
    let theirs = scene.venue(neighbour, "theirs").await;
    let ours = scene.venue(DEFAULT_TENANT, "ours").await;
    let our_booking = scene.book(at(ours, create("alice", "Raum1", hours(10, 12)))).await;
    let their_booking = scene.book(of(neighbour, at(theirs, create("alice", "Raum1", hours(10, 12))))).await;

    for (tenant, own, (venue, booking)) in [
        (DEFAULT_TENANT, (ours, &our_booking), (theirs, &their_booking)),
        (neighbour, (theirs, &their_booking), (ours, &our_booking)),
    ] {
        let foreign = [venue.to_string(), booking.id.to_string(), booking.resource_id.to_string()];
        for found in read(&scene, tenant, venue, booking).await {
            assert!(!foreign.iter().any(|id| found.contains(id)), "{tenant} reads {found}");
        }
        // The same questions about its own: 6 lists, by id, history, 3 in the log, 2 of resources, by name, slots.
        assert_eq!(read(&scene, tenant, own.0, own.1).await.len(), 15);
    }
}

#[tokio::test]
async fn where_a_list_goes_on_tells_nothing_of_another_tenants_bookings() {
    let scene = Scene::new().await;
    let neighbour = scene.neighbour().await;
    let venue = scene.venue(neighbour, "theirs").await;
    let theirs = scene.book(of(neighbour, at(venue, create("alice", "Raum1", hours(10, 12))))).await;
    scene.fill_cancelled(neighbour, theirs.resource_id, hours(0, 1).start(), 10_100).await;
    for resource in [None, Some(theirs.resource_id)] {
        for user in [None, Some(theirs.user_id.clone())] {
            let statuses = vec![Status::Pending, Status::Cancelled];
            let filter = Filter { resource, user, statuses, ..Filter::default() };
            assert_eq!(scene.database.bookings(DEFAULT_TENANT, &filter).await.unwrap(), Page::default());
            // There is something to tell.
            assert!(scene.database.bookings(neighbour, &filter).await.unwrap().next.is_some());
        }
    }
}

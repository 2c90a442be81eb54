//! Resources listed and found by name, and bookings by id.

use holdfast_domain::{BookingId, DEFAULT_TENANT, DEFAULT_VENUE, ResourceId, ResourceName};
use holdfast_store::ResourceFilter;
use holdfast_testkit::{create, hours};

use crate::{Scene, at};

fn name(name: &str) -> ResourceName {
    ResourceName::parse(name).expect("a name")
}

#[tokio::test]
async fn resources_are_listed_by_venue_and_name_in_pages_and_found_by_both() {
    let scene = Scene::new().await;
    let elsewhere = scene.venue(DEFAULT_TENANT, "elsewhere").await;
    let mut rooms = Vec::new();
    for number in 0..5 {
        let booking = create("alice", &format!("Raum{number}"), hours(1, 2));
        rooms.push(scene.book(booking.clone()).await.resource_id);
    }
    let there = scene.book(at(elsewhere, create("alice", "Raum1", hours(1, 2)))).await.resource_id;
    rooms.push(there);

    let list = async |filter: ResourceFilter, after: Option<ResourceId>, limit| {
        let page = scene.database.resources(DEFAULT_TENANT, &filter, after, limit).await.expect("a page");
        page.iter().map(|resource| resource.id).collect::<Vec<_>>()
    };
    assert_eq!(list(ResourceFilter::default(), None, 100).await, rooms);
    assert_eq!(list(ResourceFilter::default(), Some(rooms[1]), 2).await, rooms[2..4]);
    let venue = Some(DEFAULT_VENUE);
    assert_eq!(list(ResourceFilter { venue, name: None }, None, 100).await, rooms[..5]);
    let raum1 = Some(name("Raum1"));
    assert_eq!(list(ResourceFilter { venue: None, name: raum1.clone() }, None, 100).await, [rooms[1], there]);
    assert_eq!(list(ResourceFilter { venue, name: raum1 }, None, 100).await, [rooms[1]]);

    let named = async |venue, text| {
        scene.database.resource_named(DEFAULT_TENANT, venue, &name(text)).await.expect("an answer")
    };
    assert_eq!(named(DEFAULT_VENUE, "Raum1").await, Some(rooms[1]));
    assert_eq!(named(elsewhere, "Raum1").await, Some(there));
    // Exact: neither the case nor a part of it will do.
    assert_eq!(named(elsewhere, "raum1").await, None);
    assert_eq!(named(elsewhere, "Raum2").await, None);
}

#[tokio::test]
async fn of_many_ids_those_that_there_are_are_found() {
    let scene = Scene::new().await;
    let first = scene.book(create("alice", "Raum1", hours(1, 2))).await;
    let second = scene.book(create("bob", "Raum2", hours(1, 2))).await;
    let ids = [second.id, BookingId::from_u128(7), first.id];
    let mut found = scene.database.bookings_by_id(DEFAULT_TENANT, &ids).await.unwrap();
    found.sort_by_key(|booking| booking.id);
    assert_eq!(found, [first, second]);
    assert!(scene.database.bookings_by_id(DEFAULT_TENANT, &[]).await.unwrap().is_empty());
}

//! Venues and resources: their names, their limits, and what becomes of bookings while they change.

use futures_util::future::join_all;
use holdfast_domain::{
    Address, DEFAULT_TENANT, DEFAULT_VENUE, Kind, Resource, ResourceId, Venue, VenueId,
    rules::{BookingLimits, LimitsError, Refusal},
};
use holdfast_store::{
    CreateResource, CreateVenue, Edit, LaneSettings, Lanes, Object, Target, UpdateResource, UpdateVenue,
    WriteError,
};
use holdfast_testkit::{TestDatabase, assert_replays, create, hours, keyed, lane_settings, order, shard};
use uuid::Uuid;

async fn scene() -> (TestDatabase, Lanes) {
    let test = TestDatabase::new().await;
    let lanes = Lanes::new(test.database(), lane_settings(), |_| {});
    (test, lanes)
}

fn venue(name: &str) -> CreateVenue {
    CreateVenue {
        order: order("alice"),
        id: Uuid::now_v7().into(),
        name: name.to_owned().try_into().expect("a name"),
        time_zone: "Europe/Berlin".to_owned().try_into().expect("a zone"),
        address: None,
    }
}

fn room(venue_id: VenueId, name: &str) -> CreateResource {
    CreateResource {
        order: order("alice"),
        id: Uuid::now_v7().into(),
        venue_id,
        name: name.to_owned().try_into().expect("a name"),
        limits: BookingLimits::default(),
    }
}

/// A change of nothing, to be filled in.
fn of_venue(id: VenueId) -> UpdateVenue {
    UpdateVenue {
        order: order("alice"),
        id,
        versions: None,
        name: None,
        time_zone: None,
        address: Edit::Keep,
    }
}

/// A change of nothing, to be filled in.
fn of_room(id: ResourceId) -> UpdateResource {
    UpdateResource {
        order: order("alice"),
        id,
        versions: None,
        name: None,
        shortest_seconds: None,
        longest_seconds: None,
        days_ahead: None,
    }
}

fn named(id: ResourceId, name: &str) -> UpdateResource {
    UpdateResource { name: Some(name.to_owned().try_into().expect("a name")), ..of_room(id) }
}

async fn make_venue(lanes: &Lanes, name: &str) -> Venue {
    lanes.create_venue(venue(name)).await.expect("a venue").value
}

async fn make_room(lanes: &Lanes, name: &str) -> Resource {
    lanes.create_resource(room(DEFAULT_VENUE, name)).await.expect("a room").value
}

async fn kinds(test: &TestDatabase) -> Vec<Kind> {
    test.log(shard()).await.iter().map(|change| change.fact.kind()).collect()
}

#[tokio::test]
async fn a_venue_is_made_and_changed_part_by_part() {
    let (test, lanes) = scene().await;
    let made = make_venue(&lanes, "Haus A").await;
    let database = test.database();
    assert_eq!(database.venue(DEFAULT_TENANT, made.id).await.unwrap().as_ref(), Some(&made));

    let address = Address::parse("Am Markt 1").ok();
    let changed =
        UpdateVenue { address: address.clone().map_or(Edit::Clear, Edit::Set), ..of_venue(made.id) };
    let changed = lanes.update_venue(changed).await.unwrap().value;
    assert_eq!((changed.version, &changed.address, &changed.name), (2, &address, &made.name));
    assert_eq!((&changed.time_zone, changed.created_at), (&made.time_zone, made.created_at));
    assert_eq!(database.venue(DEFAULT_TENANT, made.id).await.unwrap(), Some(changed));

    let gone = UpdateVenue { address: Edit::Clear, ..of_venue(made.id) };
    assert_eq!(lanes.update_venue(gone).await.unwrap().value.address, None);
    assert_eq!(kinds(&test).await, [Kind::VenueCreated, Kind::VenueUpdated, Kind::VenueUpdated]);
}

#[tokio::test]
async fn a_resource_is_made_and_changed_part_by_part() {
    let (test, lanes) = scene().await;
    let made = make_room(&lanes, "Raum1").await;
    let database = test.database();
    assert_eq!(database.resource(DEFAULT_TENANT, made.id).await.unwrap().as_ref(), Some(&made));
    let changed = UpdateResource { longest_seconds: Some(7_200), ..named(made.id, "Saal") };
    let changed = lanes.update_resource(changed).await.unwrap().value;
    assert_eq!((changed.version, changed.name.as_str()), (2, "Saal"));
    assert_eq!(changed.limits, BookingLimits { longest_seconds: 7_200, ..made.limits });
    assert_eq!(database.resource(DEFAULT_TENANT, made.id).await.unwrap(), Some(changed));
    assert_eq!(kinds(&test).await, [Kind::ResourceCreated, Kind::ResourceUpdated]);
}

#[tokio::test]
async fn a_name_that_another_has_is_taken() {
    let (test, lanes) = scene().await;
    make_venue(&lanes, "Haus A").await;
    let second = make_venue(&lanes, "Haus B").await;
    make_room(&lanes, "Raum1").await;
    let other = make_room(&lanes, "Raum2").await;
    let before = kinds(&test).await;

    let refused = lanes.create_venue(venue("Haus A")).await.unwrap_err();
    assert!(matches!(refused, WriteError::NameTaken(Object::Venue)), "{refused:?}");
    let taken = UpdateVenue { name: Some("Haus A".to_owned().try_into().unwrap()), ..of_venue(second.id) };
    let refused = lanes.update_venue(taken).await.unwrap_err();
    assert!(matches!(refused, WriteError::NameTaken(Object::Venue)), "{refused:?}");
    let refused = lanes.create_resource(room(DEFAULT_VENUE, "Raum1")).await.unwrap_err();
    assert!(matches!(refused, WriteError::NameTaken(Object::Resource)), "{refused:?}");
    let refused = lanes.update_resource(named(other.id, "Raum1")).await.unwrap_err();
    assert!(matches!(refused, WriteError::NameTaken(Object::Resource)), "{refused:?}");
    assert_eq!(kinds(&test).await, before);
    // In another venue it is free.
    lanes.create_resource(room(second.id, "Raum1")).await.unwrap();
}

#[tokio::test]
async fn of_two_processes_that_make_one_name_one_does() {
    let (test, lanes) = scene().await;
    let other = Lanes::new(test.database(), lane_settings(), |_| {});
    let (first, second) = tokio::join!(
        lanes.create_resource(room(DEFAULT_VENUE, "Raum1")),
        other.create_resource(room(DEFAULT_VENUE, "Raum1")),
    );
    assert_eq!([&first, &second].iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(kinds(&test).await, [Kind::ResourceCreated]);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_a_venue_that_is_not_there_unknown() {
    let (test, lanes) = scene().await;
    let refused = lanes.update_venue(of_venue(VenueId::from_u128(9))).await.unwrap_err();
    assert!(matches!(refused, WriteError::NotFound(Object::Venue)), "{refused:?}");
    let refused = lanes.update_resource(of_room(ResourceId::from_u128(9))).await.unwrap_err();
    assert!(matches!(refused, WriteError::NotFound(Object::Resource)), "{refused:?}");
    let refused = lanes.create_resource(room(VenueId::from_u128(9), "Raum1")).await.unwrap_err();
    assert!(matches!(refused, WriteError::Unknown(Object::Venue)), "{refused:?}");
    assert_eq!(kinds(&test).await, []);
}

#[tokio::test]
async fn another_tenants_venues_and_resources_are_not_there() {
    let (test, lanes) = scene().await;
    let (tenant, theirs) = test.neighbour(shard()).await;
    let refused = lanes.create_resource(room(theirs, "Raum1")).await.unwrap_err();
    assert!(matches!(refused, WriteError::Unknown(Object::Venue)), "{refused:?}");
    let refused = lanes.update_venue(of_venue(theirs)).await.unwrap_err();
    assert!(matches!(refused, WriteError::NotFound(Object::Venue)), "{refused:?}");
    let mut of_mine = of_room(make_room(&lanes, "Raum1").await.id);
    of_mine.order.tenant_id = tenant;
    let refused = lanes.update_resource(of_mine).await.unwrap_err();
    assert!(matches!(refused, WriteError::NotFound(Object::Resource)), "{refused:?}");
}

#[tokio::test]
async fn limits_that_contradict_what_is_there_are_refused() {
    let (_test, lanes) = scene().await;
    let room = make_room(&lanes, "Raum1").await;
    let shorter = UpdateResource { longest_seconds: Some(59), ..of_room(room.id) };
    let refused = lanes.update_resource(shorter).await.unwrap_err();
    let expected = LimitsError::LongestBelowShortest { shortest_seconds: 60 };
    assert!(matches!(refused, WriteError::Limits(error) if error == expected), "{refused:?}");
    let both = UpdateResource { shortest_seconds: Some(30), longest_seconds: Some(59), ..of_room(room.id) };
    let limits = lanes.update_resource(both).await.unwrap().value.limits;
    assert_eq!((limits.shortest_seconds, limits.longest_seconds), (30, 59));
}

#[tokio::test]
async fn new_limits_hold_for_the_next_want_and_what_is_booked_stays() {
    let (test, lanes) = scene().await;
    let booked = lanes.create(create("alice", "Raum1", hours(10, 14))).await.unwrap().value.booking;
    let shorter = UpdateResource { longest_seconds: Some(3_600), ..of_room(booked.resource_id) };
    lanes.update_resource(shorter).await.unwrap();
    let refused = lanes.create(create("bob", "Raum1", hours(20, 24))).await.unwrap_err();
    assert!(matches!(refused, WriteError::Refused(Refusal::TooLong { .. })), "{refused:?}");
    assert_eq!(test.database().booking(DEFAULT_TENANT, booked.id).await.unwrap(), Some(booked));
}

#[tokio::test]
async fn a_tenant_has_only_so_many_resources_and_venues() {
    let test = TestDatabase::new().await;
    let settings = LaneSettings { resources_per_tenant: 2, ..lane_settings() };
    let lanes = Lanes::new(test.database(), settings, |_| {});
    make_room(&lanes, "Raum1").await;
    lanes.create(create("alice", "Raum2", hours(10, 12))).await.unwrap();
    let refused = lanes.create_resource(room(DEFAULT_VENUE, "Raum3")).await.unwrap_err();
    assert!(matches!(refused, WriteError::TooMany { object: Object::Resource, limit: 2 }), "{refused:?}");
    let refused = lanes.create(create("alice", "Raum3", hours(10, 12))).await.unwrap_err();
    assert!(matches!(refused, WriteError::TooMany { object: Object::Resource, limit: 2 }), "{refused:?}");

    let many = format!(
        "INSERT INTO venues (shard, tenant_id, id, name, time_zone, created_at, updated_at)
         SELECT {}, '{DEFAULT_TENANT}', gen_random_uuid(), 'Haus ' || n, 'UTC', now(), now()
         FROM generate_series(1, 998) n",
        shard()
    );
    test.sql(&many).await;
    make_venue(&lanes, "the last").await;
    let refused = lanes.create_venue(venue("one more")).await.unwrap_err();
    assert!(matches!(refused, WriteError::TooMany { object: Object::Venue, limit: 1_000 }), "{refused:?}");
}

#[tokio::test]
async fn what_changes_nothing_writes_nothing() {
    let (test, lanes) = scene().await;
    let (venue, room) = (make_venue(&lanes, "Haus A").await, make_room(&lanes, "Raum1").await);
    let before = test.database().head(shard()).await.unwrap();
    let same = UpdateVenue { name: Some(venue.name.clone()), address: Edit::Clear, ..of_venue(venue.id) };
    assert_eq!(lanes.update_venue(same).await.unwrap().value, venue);
    let same = UpdateResource { days_ahead: Some(room.limits.days_ahead), ..named(room.id, "Raum1") };
    assert_eq!(lanes.update_resource(same).await.unwrap().value, room);
    assert_eq!(test.database().head(shard()).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_change_one_version_of_a_resource_one_does() {
    let (test, lanes) = scene().await;
    let processes = [lanes.clone(), Lanes::new(test.database(), lane_settings(), |_| {})];
    let room = make_room(&lanes, "Raum1").await;
    let changes = join_all((0..20_usize).map(|number| {
        let change = named(room.id, &format!("Raum1 {number}"));
        processes[number % 2].update_resource(UpdateResource { versions: Some(vec![1]), ..change })
    }));
    let answers = changes.await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let stale = |answer: &Result<_, _>| matches!(answer, Err(WriteError::Stale { version: 2 }));
    assert_eq!(answers.iter().filter(|answer| stale(answer)).count(), 19);
    let venue = make_venue(&lanes, "Haus A").await;
    let refused = lanes.update_venue(UpdateVenue { versions: Some(vec![7]), ..of_venue(venue.id) }).await;
    assert!(matches!(refused, Err(WriteError::Stale { version: 1 })), "{refused:?}");
}

#[tokio::test]
async fn a_retry_has_the_answer_of_the_first_try() {
    let (test, lanes) = scene().await;
    let key = |name: &str| keyed(name, 1);
    let once = || {
        let mut create = venue("Haus A");
        create.order.key = key("venue");
        create
    };
    let venue = lanes.create_venue(once()).await.unwrap();
    let renamed = |name: &str| {
        let mut update = of_venue(venue.value.id);
        update.name = Some(name.to_owned().try_into().expect("a name"));
        update.order.key = key(name);
        update
    };
    let first = lanes.update_venue(renamed("Haus B")).await.unwrap();
    lanes.update_venue(renamed("Haus C")).await.unwrap();
    assert_replays(&lanes.create_venue(once()).await.unwrap(), &venue);
    assert_replays(&lanes.update_venue(renamed("Haus B")).await.unwrap(), &first);

    let once = || {
        let mut create = room(DEFAULT_VENUE, "Raum1");
        create.order.key = key("room");
        create
    };
    let made = lanes.create_resource(once()).await.unwrap();
    let wider = || {
        let mut update = UpdateResource { days_ahead: Some(900), ..of_room(made.value.id) };
        update.order.key = key("wider");
        update
    };
    let wide = lanes.update_resource(wider()).await.unwrap();
    lanes.update_resource(named(made.value.id, "Saal")).await.unwrap();
    assert_replays(&lanes.create_resource(once()).await.unwrap(), &made);
    assert_replays(&lanes.update_resource(wider()).await.unwrap(), &wide);
    assert_eq!(kinds(&test).await.len(), 6);
}

#[tokio::test]
async fn a_retry_of_no_change_of_what_the_log_does_not_know_is_answered_too() {
    let (_test, lanes) = scene().await;
    // The default venue was made with the schema.
    let same = || {
        let mut update = UpdateVenue { address: Edit::Clear, ..of_venue(DEFAULT_VENUE) };
        update.order.key = keyed("same", 1);
        update
    };
    let first = lanes.update_venue(same()).await.unwrap();
    assert_replays(&lanes.update_venue(same()).await.unwrap(), &first);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_books_by_name_while_it_changes_books_something_that_is_there() {
    let (test, lanes) = scene().await;
    let processes = [lanes.clone(), Lanes::new(test.database(), lane_settings(), |_| {})];
    let room = make_room(&lanes, "Raum0").await;
    let bookings = join_all((0..120_i64).map(|number| {
        let (room, from) = (format!("Raum{}", number % 3), number % 20);
        processes[usize::from(number % 2 == 0)].create(create("alice", &room, hours(from, from + 1)))
    }));
    let renames = async {
        for number in 1..=30 {
            let name = format!("Raum{}", number % 3);
            match lanes.update_resource(named(room.id, &name)).await {
                Ok(_) | Err(WriteError::NameTaken(Object::Resource)) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    let (bookings, ()) = tokio::join!(bookings, renames);
    let database = test.database();
    for booked in bookings {
        let booking = booked.unwrap().value.booking;
        assert!(database.resource(DEFAULT_TENANT, booking.resource_id).await.unwrap().is_some());
    }
    assert_eq!(test.miscounted().await, Vec::<String>::new());
    assert!(test.replay(shard()).await.faults.iter().all(|fault| fault.starts_with("P4: at rest")));
}

#[tokio::test]
async fn what_comes_after_a_rename_finds_the_new_name_and_what_was_booked_before_has_it_too() {
    let (test, lanes) = scene().await;
    let first = lanes.create(create("alice", "Raum1", hours(10, 12))).await.unwrap().value.booking;
    let (renamed, by_id) = tokio::join!(lanes.update_resource(named(first.resource_id, "Saal")), {
        let mut booking = create("bob", "-", hours(14, 16));
        booking.target = Target::Id(first.resource_id);
        lanes.create(booking)
    });
    assert_eq!(renamed.unwrap().value.name, by_id.unwrap().value.booking.resource);
    let by_name = lanes.create(create("bob", "Saal", hours(12, 14))).await.unwrap().value.booking;
    assert_eq!(by_name.resource_id, first.resource_id);
    let now = test.database().booking(DEFAULT_TENANT, first.id).await.unwrap().unwrap();
    assert_eq!(now.resource.as_str(), "Saal");
    let fresh = lanes.create(create("bob", "Raum1", hours(12, 14))).await.unwrap().value.booking;
    assert_ne!(fresh.resource_id, first.resource_id);
}

#[tokio::test]
async fn changes_of_one_resource_take_place_in_the_order_in_which_they_came() {
    let (test, lanes) = scene().await;
    let room = make_room(&lanes, "Raum1").await;
    let names: Vec<String> = (0..10).map(|number| format!("Raum1 {number}")).collect();
    // Bookings come in between, and travel before and behind.
    let bookings = join_all((0..10).map(|hour| lanes.create(create("bob", "Raum9", hours(hour, hour + 1)))));
    let renames = join_all(names.iter().map(|name| lanes.update_resource(named(room.id, name))));
    let (_, renames) = tokio::join!(bookings, renames);
    let versions: Vec<i32> = renames.iter().map(|answer| answer.as_ref().unwrap().value.version).collect();
    assert_eq!(versions, (2..12).collect::<Vec<_>>());
    let now = test.database().resource(DEFAULT_TENANT, room.id).await.unwrap().unwrap();
    assert_eq!(now.name.as_str(), "Raum1 9");
}

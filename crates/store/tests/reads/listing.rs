//! Which bookings a list has.

use holdfast_domain::{
    Booking, BookingId, DEFAULT_TENANT, DEFAULT_VENUE, ResourceId, Status, TimeRange, VenueId,
};
use holdfast_store::{Filter, LaneSettings, Lanes, StepLimits};
use holdfast_testkit::{cancel, create, hours, lane_settings, shard};
use time::Duration;

use crate::{Scene, at};

const ALL: [Status; 4] = [Status::Pending, Status::Valid, Status::Rejected, Status::Cancelled];

/// Bookings of three users in five rooms of two venues, in all states. With the rooms that are elsewhere.
async fn crowd(scene: &Scene) -> (VenueId, Vec<ResourceId>) {
    let elsewhere = scene.venue(DEFAULT_TENANT, "elsewhere").await;
    let mut rooms = Vec::new();
    // What the others can't have is rejected at once.
    let hurried = LaneSettings { grace_period_minutes: 0, ..lane_settings() };
    let hurried = Lanes::new(scene.test.database(), hurried, |_| {});
    for number in 0..60 {
        let user = format!("user-{}", number % 3);
        let wanted = hours(number % 7 * 4, number % 7 * 4 + 1 + number % 5 * 6);
        let booking = create(&user, &format!("Raum{}", number % 5), wanted);
        let is_elsewhere = number % 5 > 2;
        let booking = if is_elsewhere { at(elsewhere, booking) } else { booking };
        let lanes = if number % 2 == 0 { &scene.lanes } else { &hurried };
        let made = lanes.create(booking).await.expect("a booking").value.booking;
        if is_elsewhere {
            rooms.push(made.resource_id);
        }
        if number % 6 == 0 {
            lanes.cancel(cancel(&user, made.id)).await.expect("a cancel");
        }
        if number % 4 == 0 {
            scene.database.step(shard(), StepLimits::default()).await.expect("a step");
        }
    }
    (elsewhere, rooms)
}

/// What the filter says, said once more in plain Rust.
fn matches(filter: &Filter, booking: &Booking, venue: VenueId) -> bool {
    let (shown, status) = (booking.claim.wanted(), booking.claim.status());
    let day =
        |days: &Vec<(VenueId, TimeRange)>| days.iter().find(|(id, _)| *id == venue).map(|(_, day)| *day);
    filter.resource.is_none_or(|id| booking.resource_id == id)
        && filter.user.as_ref().is_none_or(|user| booking.user_id == *user)
        && filter.venue.is_none_or(|id| venue == id)
        && if filter.statuses.is_empty() {
            status != Status::Cancelled
        } else {
            filter.statuses.contains(&status)
        }
        && filter.from.is_none_or(|from| shown.end() > from)
        && filter.to.is_none_or(|to| shown.start() < to)
        && filter.days.as_ref().is_none_or(|days| day(days).is_some_and(|day| day.overlaps(shown)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_what_each_of_its_filters_lets_through_and_nothing_else_in_pages_of_any_length() {
    let scene = Scene::new().await;
    let (elsewhere, rooms) = crowd(&scene).await;
    let every = Filter { statuses: ALL.to_vec(), limit: 1_000, ..Filter::default() };
    let all = scene.database.bookings(DEFAULT_TENANT, &every).await.unwrap().bookings;
    for status in ALL {
        assert!(all.iter().any(|booking| booking.claim.status() == status), "none is {status:?}");
    }
    assert_eq!(all.len(), 60);
    assert!(all.is_sorted_by_key(|booking| (booking.claim.wanted().start(), booking.id)));

    let mut filters = vec![every];
    let mut cross = |vary: &dyn Fn(&Filter) -> Filter| {
        filters.extend(filters.iter().map(vary).collect::<Vec<_>>());
    };
    cross(&|filter| Filter { statuses: Vec::new(), ..filter.clone() });
    cross(&|filter| Filter { statuses: vec![Status::Valid, Status::Rejected], ..filter.clone() });
    cross(&|filter| Filter { resource: Some(rooms[0]), ..filter.clone() });
    cross(&|filter| Filter { user: "user-1".to_owned().try_into().ok(), ..filter.clone() });
    cross(&|filter| Filter { venue: Some(elsewhere), ..filter.clone() });
    cross(&|filter| Filter { from: Some(hours(9, 10).start()), ..filter.clone() });
    cross(&|filter| Filter { to: Some(hours(16, 17).start()), ..filter.clone() });
    let days = [(DEFAULT_VENUE, hours(4, 8)), (elsewhere, hours(13, 18))];
    cross(&|filter| Filter { days: Some(days.to_vec()), ..filter.clone() });
    for (number, filter) in filters.iter().enumerate() {
        let venue = |booking: &Booking| {
            if rooms.contains(&booking.resource_id) { elsewhere } else { DEFAULT_VENUE }
        };
        let expected: Vec<BookingId> =
            all.iter().filter(|b| matches(filter, b, venue(b))).map(|booking| booking.id).collect();
        let limit = [1_000, 1, 2, 7][number % 4];
        assert_eq!(scene.list(&Filter { limit, ..filter.clone() }).await, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_day_is_another_range_at_each_venue_and_at_no_other_venue_any() {
    let scene = Scene::new().await;
    let tokyo = scene.venue(DEFAULT_TENANT, "Tokyo").await;
    let here = scene.book(create("alice", "Raum1", hours(20, 22))).await;
    let there = scene.book(at(tokyo, create("alice", "Raum1", hours(20, 22)))).await;
    let days = |days: &[(VenueId, TimeRange)]| Filter { days: Some(days.to_vec()), ..Filter::default() };
    let (day, next) = (hours(0, 21), hours(22, 46));
    assert_eq!(scene.list(&days(&[(DEFAULT_VENUE, day), (tokyo, next)])).await, [here.id]);
    assert_eq!(scene.list(&days(&[(tokyo, day), (DEFAULT_VENUE, next)])).await, [there.id]);
    assert_eq!(scene.list(&days(&[(tokyo, day)])).await, [there.id]);
    assert!(scene.list(&days(&[])).await.is_empty());
}

#[tokio::test]
async fn a_booking_of_a_month_is_found_by_its_last_moment_and_not_by_the_one_after() {
    let scene = Scene::new().await;
    let month = hours(0, 31 * 24);
    let booking = scene.book(create("alice", "Raum1", month)).await;
    let from = |from| Filter { from: Some(from), resource: Some(booking.resource_id), ..Filter::default() };
    assert_eq!(scene.list(&from(month.end() - Duration::MICROSECOND)).await, [booking.id]);
    assert!(scene.list(&from(month.end())).await.is_empty());
    let to = |to| Filter { to: Some(to), ..Filter::default() };
    assert_eq!(scene.list(&to(month.start() + Duration::MICROSECOND)).await, [booking.id]);
    assert!(scene.list(&to(month.start())).await.is_empty());
}

#[tokio::test]
async fn times_at_the_ends_of_the_calendar_are_asked_for_like_any_others() {
    let scene = Scene::new().await;
    let booking = scene.book(create("alice", "Raum1", hours(1, 2))).await;
    let (first, last) =
        (time::Date::MIN.midnight().assume_utc(), time::macros::datetime!(9999-12-31 23:59:59 -23:59));
    let wide = Filter { from: Some(first), to: Some(last), ..Filter::default() };
    assert_eq!(scene.list(&wide).await, [booking.id]);
    let none = Filter { from: Some(last), to: Some(first), ..Filter::default() };
    assert!(scene.list(&none).await.is_empty());
    let after = Some((first, BookingId::from_u128(u128::MAX)));
    assert_eq!(scene.list(&Filter { after, ..Filter::default() }).await, [booking.id]);
}

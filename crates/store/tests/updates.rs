//! Changes of a booking: of which part, by whom, and in which state it takes none.

use holdfast_domain::{BookingId, Status, TimeRange, range::RangeError, rules::Refusal, rules::Verdict};
use holdfast_store::{Edit, LaneSettings, Object, UpdateBooking, UpdateResource, WriteError};
use holdfast_testkit::{Scene, cancel, hours, lane_settings, move_to, note, now, order, shard};
use time::Duration;

/// A booking that has begun, granted.
async fn begun(scene: &Scene) -> (BookingId, TimeRange) {
    let range = TimeRange::new(now() - Duration::minutes(4), now() + Duration::minutes(30)).expect("a range");
    (scene.holds("alice", range).await, range)
}

fn until(id: BookingId, end: time::OffsetDateTime) -> UpdateBooking {
    UpdateBooking { start: None, end: Some(end), note: Edit::Keep, ..note("alice", id, "-") }
}

#[tokio::test]
async fn what_has_begun_is_extended_at_once_when_that_is_free() {
    let scene = Scene::new().await;
    let (id, range) = begun(&scene).await;
    let end = range.end() + Duration::HOUR;
    scene.lanes.update(until(id, end)).await.unwrap();
    assert_eq!(scene.step().await, [Verdict::Grant]);
    assert_eq!(scene.held(id).await, TimeRange::new(range.start(), end).ok());
    scene.is_faultless().await;
}

#[tokio::test]
async fn what_has_begun_and_can_not_be_extended_is_told_so_at_once_and_stays() {
    let scene = Scene::new().await;
    let (id, range) = begun(&scene).await;
    let next = TimeRange::new(range.end(), range.end() + Duration::HOUR).unwrap();
    scene.holds("bob", next).await;
    let asked = scene.lanes.update(until(id, next.end())).await.unwrap().value;
    assert_eq!(asked.conflicts.unwrap().count, 1);
    assert_eq!(scene.step().await, [Verdict::Reject]);
    let claim = scene.booking(id).await.claim;
    assert_eq!((claim.status(), claim.granted()), (Status::Valid, Some(range)));
    scene.is_faultless().await;
}

#[tokio::test]
async fn a_start_can_not_be_moved_into_the_past() {
    let scene = Scene::new().await;
    let id = scene.holds("alice", hours(10, 12)).await;
    let start = Some(now() - Duration::minutes(6));
    let past = UpdateBooking { start, note: Edit::Keep, ..note("alice", id, "-") };
    let refused = scene.lanes.update(past).await.unwrap_err();
    assert!(matches!(refused, WriteError::Refused(Refusal::InThePast)), "{refused:?}");
    assert_eq!(scene.held(id).await, Some(hours(10, 12)));
}

#[tokio::test]
async fn a_time_that_is_not_given_stays_as_it_is_wanted() {
    let scene = Scene::new().await;
    let id = scene.wants("alice", hours(10, 12)).await;
    let bare = || UpdateBooking { note: Edit::Keep, ..note("alice", id, "-") };
    let start = UpdateBooking { start: Some(hours(9, 10).start()), ..bare() };
    let wanted = scene.lanes.update(start).await.unwrap().value.booking.claim.wanted();
    assert_eq!(wanted, hours(9, 12));
    let end = UpdateBooking { end: Some(hours(9, 15).end()), ..bare() };
    assert_eq!(scene.lanes.update(end).await.unwrap().value.booking.claim.wanted(), hours(9, 15));
    scene.step().await;
    // Of a move in flight it is what is wanted, not what is held.
    scene.moves("alice", id, hours(20, 22)).await;
    let end = UpdateBooking { end: Some(hours(20, 23).end()), ..bare() };
    assert_eq!(scene.lanes.update(end).await.unwrap().value.booking.claim.wanted(), hours(20, 23));
    scene.is_faultless().await;
}

#[tokio::test]
async fn times_that_are_no_range_with_what_is_there_are_refused_by_rule() {
    let scene = Scene::new().await;
    let id = scene.wants("alice", hours(10, 12)).await;
    let to = |end| UpdateBooking { end: Some(end), note: Edit::Keep, ..note("alice", id, "-") };
    for (end, expected) in
        [(hours(9, 10).end(), RangeError::Empty), (hours(8, 9).end(), RangeError::Reversed)]
    {
        let refused = scene.lanes.update(to(end)).await.unwrap_err();
        assert!(matches!(refused, WriteError::NoRange(error) if error == expected), "{refused:?}");
    }
    assert_eq!(scene.booking(id).await.version, 1);
}

#[tokio::test]
async fn limits_are_asked_for_a_new_range_and_not_for_a_note() {
    let scene = Scene::new().await;
    let id = scene.wants("alice", hours(10, 14)).await;
    let shorter = UpdateResource {
        order: order("alice"),
        id: scene.booking(id).await.resource_id,
        versions: None,
        name: None,
        shortest_seconds: None,
        longest_seconds: Some(3_600),
        days_ahead: None,
    };
    scene.lanes.update_resource(shorter).await.unwrap();
    scene.lanes.update(note("alice", id, "as long as ever")).await.unwrap();
    let refused = scene.lanes.update(move_to("alice", id, hours(10, 13))).await.unwrap_err();
    assert!(matches!(refused, WriteError::Refused(Refusal::TooLong { .. })), "{refused:?}");
    scene.moves("alice", id, hours(10, 11)).await;
}

#[tokio::test]
async fn what_is_closed_is_not_changed_and_says_how_it_ended() {
    let scene = Scene::with(LaneSettings { grace_period_minutes: 0, ..lane_settings() }).await;
    let cancelled = scene.wants("alice", hours(10, 12)).await;
    scene.lanes.cancel(cancel("alice", cancelled)).await.unwrap();
    scene.holds("bob", hours(10, 12)).await;
    let rejected = scene.wants("alice", hours(10, 12)).await;
    assert_eq!(scene.step().await, [Verdict::Reject]);
    for (id, expected) in [(cancelled, Status::Cancelled), (rejected, Status::Rejected)] {
        for update in [note("alice", id, "too late"), move_to("alice", id, hours(1, 2))] {
            let refused = scene.lanes.update(update).await.unwrap_err();
            assert!(matches!(refused, WriteError::Closed { status } if status == expected), "{refused:?}");
        }
    }
    scene.is_faultless().await;
}

#[tokio::test]
async fn another_users_booking_is_not_yours_and_another_tenants_is_not_there() {
    let scene = Scene::new().await;
    let id = scene.wants("alice", hours(10, 12)).await;
    let refused = scene.lanes.update(note("bob", id, "mine now")).await.unwrap_err();
    assert!(matches!(refused, WriteError::NotYours), "{refused:?}");

    let (tenant, _) = scene.test.neighbour(shard()).await;
    let mut elsewhere = note("alice", id, "mine, too");
    elsewhere.order.tenant_id = tenant;
    let unknown = note("alice", BookingId::from_u128(7), "nobody's");
    for update in [elsewhere, unknown] {
        let refused = scene.lanes.update(update).await.unwrap_err();
        assert!(matches!(refused, WriteError::NotFound(Object::Booking)), "{refused:?}");
    }
    assert_eq!(scene.booking(id).await.note, None);
}

#[tokio::test]
async fn what_changes_nothing_is_no_change() {
    let scene = Scene::new().await;
    let id = scene.holds("alice", hours(10, 12)).await;
    scene.lanes.update(note("alice", id, "for six")).await.unwrap();
    let before = scene.test.log(shard()).await.len();
    for update in [note("alice", id, "for six"), move_to("alice", id, hours(10, 12))] {
        let same = scene.lanes.update(update).await.unwrap().value;
        assert_eq!((same.booking.version, same.conflicts), (3, None));
    }
    assert_eq!(scene.test.log(shard()).await.len(), before);
}

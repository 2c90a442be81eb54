//! Places in line for units of events, damaged by hand.

use holdfast_domain::{
    DEFAULT_TENANT, EventId, EventStatus, Fact, ReservationId, UserId, WaitlistEntry, WaitlistState,
    WaitlistStatus,
};
use holdfast_testkit::{
    Scene, counted, create_event, hold_best, hours, join, join_any, leave, on_sale, release, rows, shard,
};
use uuid::Uuid;

use super::{found, verdict};
use crate::verify::report;

/// A concert whose three stalls are taken, and a fair that was closed. Of the concert ann was offered what came back, ben and
/// cid stand in line, and dan has left it; fay was taken leave of when the fair was closed.
struct Queue {
    scene: Scene,
    concert: EventId,
    fair: EventId,
    holds: Vec<ReservationId>,
}

async fn queue() -> Queue {
    let scene = Scene::new().await;
    let made = async |title: &str| {
        let sections = vec![counted("Stalls", 3), rows("Hall", &[("A", 2)])];
        scene.lanes.create_event(create_event(title, sections)).await.expect("an event").value.id
    };
    let (concert, fair) = (made("Concert").await, made("Fair").await);
    let held = async |event, section, quantity| {
        let hold = hold_best("holder", event, section, quantity);
        scene.lanes.hold(hold).await.expect("a hold").value.reservation.id
    };
    let mut holds = Vec::new();
    for _ in 0..3 {
        holds.push(held(concert, "Stalls", 1).await);
    }
    held(concert, "Hall", 2).await;
    held(fair, "Stalls", 3).await;
    let lanes = &scene.lanes;
    for joining in [
        join("ann", concert, "Stalls", 1),
        join("ben", concert, "Stalls", 1),
        join_any("cid", concert, &[], 2),
        join("dan", concert, "Hall", 1),
        join("fay", fair, "Stalls", 2),
    ] {
        assert!(lanes.join_waitlist(joining).await.expect("a place in line").value.is_waiting());
    }
    lanes.leave_waitlist(leave("dan", concert)).await.expect("a leave");
    lanes.update_event(on_sale(fair, EventStatus::Closed)).await.expect("an end of the sale");
    lanes.release(release("holder", holds.remove(0))).await.expect("a release");
    settle(&scene).await;
    let queue = Queue { scene, concert, fair, holds };
    for (user, event, status) in [
        ("ann", concert, WaitlistStatus::Offered),
        ("ben", concert, WaitlistStatus::Waiting),
        ("cid", concert, WaitlistStatus::Waiting),
        ("dan", concert, WaitlistStatus::Left),
        ("fay", fair, WaitlistStatus::Ended),
    ] {
        assert_eq!(queue.entry(user, event).await.state.status(), status, "{user}");
    }
    assert_eq!(found(&queue.scene).await, Vec::<String>::new());
    queue
}

async fn settle(scene: &Scene) {
    while scene.database.settle_reservations(shard()).await.expect("a step").has_grown {}
}

impl Queue {
    async fn entry(&self, user: &str, event: EventId) -> WaitlistEntry {
        let user = UserId::parse(user).expect("a user");
        let place = self.scene.database.waitlist_place(DEFAULT_TENANT, event, &user).await;
        place.expect("an answer").expect("a place").entry
    }

    /// What is found after this.
    async fn damaged(&self, sql: &str) -> Vec<String> {
        self.scene.test.sql(sql).await;
        found(&self.scene).await
    }
}

#[tokio::test]
async fn places_in_line_are_counted_in_the_figures_for_people_and_in_those_for_programs() {
    let verdict = verdict(&queue().await.scene).await;
    assert_eq!((verdict.figures.waitlist_entries, verdict.figures.offers), (5, 1));
    let (table, json) = (
        report::table(&verdict, std::time::Duration::ZERO),
        report::json(&verdict, std::time::Duration::ZERO).expect("a text"),
    );
    assert!(table.contains("\nwaitlist                5\n"), "{table}");
    assert!(json.contains("\"waitlist_entries\":5"), "{json}");
}

#[tokio::test]
async fn whatever_of_a_place_is_not_as_the_log_says_is_found_and_told() {
    let queue = queue().await;
    queue.scene.test.sql("CREATE TABLE kept AS TABLE waitlist").await;
    let other_event = format!("event_id = '{}'", queue.fair);
    for (user, damage, what) in [
        ("ben", "status = 'LEFT'", "status is LEFT in the table and WAITING in the log"),
        ("ann", "reservation_id = gen_random_uuid()", "the hold that was made for it is "),
        ("ann", "expires_at = expires_at + interval '1 minute'", "expires_at is "),
        ("fay", "reason = 'limit_reached'", "reason is limit_reached in the table and sale_over in the log"),
        ("ben", "rank = 1", "rank is 1 in the table and "),
        (
            "ben",
            "request = replace(request, '\"quantity\":1', '\"quantity\":2')",
            "quantity is 2 in the table and 1 in the log",
        ),
        (
            "ben",
            "request = replace(request, 'preferred', 'required')",
            "adjacent is another in the table than in the log",
        ),
        (
            "ben",
            "request = regexp_replace(request, '\"section_id\":\"[^\"]*\"', '\"section_id\":null')",
            "what it chooses from is another in the table than in the log",
        ),
        ("ben", "offer_seconds = 1", "offer_seconds is 1 in the table and 600 in the log"),
        ("ben", "version = 7", "version is 7 in the table and 1 in the log"),
        ("ben", &other_event, "event is "),
        ("ben", "user_id = 'eve'", "user is another in the table than in the log"),
        ("ben", "created_at = created_at - interval '1 minute'", "created_at is "),
        ("ben", "updated_at = updated_at + interval '1 minute'", "updated_at is "),
    ] {
        let found = queue.damaged(&format!("UPDATE waitlist SET {damage} WHERE user_id = '{user}'")).await;
        let begins = |find: &&String| find.starts_with("P2 ") && find.contains(&format!(": {what}"));
        assert_eq!(found.iter().filter(begins).count(), 1, "{damage}: {found:#?}");
        queue.scene.test.sql("DELETE FROM waitlist; INSERT INTO waitlist SELECT * FROM kept").await;
    }
    assert_eq!(found(&queue.scene).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_place_that_stands_with_those_who_ask_for_something_else_is_found() {
    let queue = queue().await;
    let found =
        queue.damaged("UPDATE waitlist SET request_id = gen_random_uuid() WHERE user_id = 'ben'").await;
    assert_eq!(found, ["P2: its request_id is not that of its request"]);
}

#[tokio::test]
async fn a_place_that_can_not_be_read_is_found_and_counted_as_one() {
    let queue = queue().await;
    let found = queue.damaged("UPDATE waitlist SET request = '[' WHERE user_id = 'ben'").await;
    assert!(found.len() == 1 && found[0].contains("its row can't be read"), "{found:#?}");
}

#[tokio::test]
async fn a_place_that_is_lost_is_found_and_one_that_nobody_logged() {
    let queue = queue().await;
    let id = queue.entry("ben", queue.concert).await.id;
    let found = queue.damaged("DELETE FROM waitlist WHERE user_id = 'ben'").await;
    let lost = "P2: it is in the log, and not in the table";
    assert_eq!(found, [lost, "P2: its waiting is 2, and 1 stand in its line"]);
    let object = verdict(&queue.scene).await.finds[0].object.clone();
    assert_eq!(object, Some(format!("waitlist entry {id}")));
    let smuggle = "
        INSERT INTO waitlist
        SELECT shard, tenant_id, gen_random_uuid(), event_id, 'eve', status, request_id, request, offer_seconds, rank + 1,
            reservation_id, expires_at, reason, version, created_at, updated_at
        FROM waitlist WHERE user_id = 'cid'";
    let found = queue.damaged(smuggle).await;
    assert_eq!(found, [lost, "P2: it is in the table, and not in the log"]);
}

#[tokio::test]
async fn a_line_that_is_counted_wrongly_or_is_due_for_nobody_is_found() {
    let queue = queue().await;
    let concert = format!("WHERE id = '{}'", queue.concert);
    let found = queue.damaged(&format!("UPDATE events SET waiting = waiting + 1 {concert}")).await;
    assert_eq!(found, ["P2: its waiting is 3, and 2 stand in its line"]);
    let found = queue.damaged(&format!("UPDATE events SET waiting = 0, line_due_at = NULL {concert}")).await;
    assert_eq!(found, ["P2: its waiting is 0, and 2 stand in its line"]);
    queue.scene.test.sql(&format!("UPDATE events SET waiting = 2 {concert}")).await;
    queue.scene.test.sql("ALTER TABLE events DROP CONSTRAINT events_waiting_counted").await;
    let due = "UPDATE events SET line_due_at = timestamptz '2027-06-01 10:00 UTC'";
    let found = queue.damaged(due).await;
    // Of the concert some may have to be served.
    assert_eq!(
        found,
        ["P2: its line_due_at is 2027-06-01 10:00:00.0 +00:00:00, and nobody stands in its line"]
    );
}

#[tokio::test]
async fn a_place_whose_event_is_not_there_is_found_and_compared_with_the_log_all_the_same() {
    let queue = queue().await;
    let fair = queue.fair;
    let stray = format!("P2: its event {fair} is not there");
    queue.scene.test.sql("ALTER TABLE sections DROP CONSTRAINT sections_event_fkey").await;
    let found = queue.damaged(&format!("DELETE FROM events WHERE id = '{fair}'")).await;
    // Of who holds something of it, and of fay.
    assert_eq!(found.iter().filter(|find| **find == stray).count(), 2, "{found:#?}");
    assert!(!found.iter().any(|find| find.contains("in the table and")), "{found:#?}");
    let found = queue.damaged("UPDATE waitlist SET reason = 'limit_reached' WHERE user_id = 'fay'").await;
    let what = "reason is limit_reached in the table and sale_over in the log";
    assert!(found.iter().any(|find| find.ends_with(what)), "{found:#?}");
}

#[tokio::test]
async fn that_the_net_is_gone_which_keeps_a_user_from_standing_in_a_line_twice_is_found() {
    let queue = queue().await;
    let gone = "waitlist: the unique index waitlist_place, which keeps a user from standing in a line twice, is not there";
    assert_eq!(queue.damaged("DROP INDEX waitlist_place").await, [gone]);
    // One of that name that keeps nobody out.
    let other = "CREATE INDEX waitlist_place ON waitlist (shard, event_id, user_id)";
    assert_eq!(queue.damaged(other).await, [gone]);
}

#[tokio::test]
async fn a_place_that_the_log_was_made_to_tell_of_is_found_and_named() {
    let queue = queue().await;
    let ben = queue.entry("ben", queue.concert).await;
    let left = ben.with(WaitlistState::Left, ben.updated_at);
    let id = ben.id;
    let seq = super::forge(&queue.scene, Fact::WaitlistJoined { waitlist_entry: left }).await;
    let verdict = verdict(&queue.scene).await;
    let first = &verdict.finds[0];
    assert_eq!((first.seq, &first.object), (Some(seq), &Some(format!("waitlist entry {id}"))));
    let follows = format!("waitlist_joined at seq {seq} does not follow from what entry {id} was");
    assert_eq!((first.promise.as_str(), &first.what), ("waitlist", &follows));
    let row = verdict.finds.iter().find(|find| find.promise.as_str() == "P2").expect("the row differs");
    assert!(row.what.starts_with("status is WAITING in the table and LEFT in the log"), "{row:#?}");
}

#[tokio::test]
async fn of_a_pruned_log_who_stands_in_line_is_known_and_what_is_not_is_counted() {
    let queue = queue().await;
    let Queue { scene, holds, concert, .. } = &queue;
    scene.database.prune(shard(), time::Duration::ZERO).await.expect("a pruning");
    let before = verdict(scene).await;
    // Two events, six reservations and five places.
    assert_eq!((before.finds.as_slice(), before.figures.begun_before), (&[][..], 13));
    scene.lanes.release(release("holder", holds[0])).await.expect("a release");
    scene.lanes.join_waitlist(join("gil", *concert, "Stalls", 1)).await.expect("a place in line");
    settle(scene).await;
    assert_eq!(queue.entry("ben", *concert).await.state.status(), WaitlistStatus::Offered);
    scene.lanes.leave_waitlist(leave("cid", *concert)).await.expect("a leave");
    let after = verdict(scene).await;
    assert_eq!(after.finds, []);
    assert!(after.figures.unjudged > before.figures.unjudged, "{:#?}", after.figures);
    // Behind where the log begins it has to be told of.
    let smuggle = "
        INSERT INTO waitlist
        SELECT shard, tenant_id, gen_random_uuid(), event_id, 'eve', 'LEFT', request_id, request, offer_seconds, 1000, NULL,
            NULL, NULL, version, created_at, updated_at
        FROM waitlist WHERE user_id = 'gil'";
    assert_eq!(queue.damaged(smuggle).await, ["P2: it is in the table, and not in the log"]);
}

#[tokio::test]
async fn who_is_passed_over_is_found_though_they_came_into_line_before_the_log() {
    let queue = queue().await;
    let Queue { scene, holds, concert, .. } = &queue;
    let log = scene.test.log(shard()).await;
    let anothers = log.iter().find_map(|change| match &change.fact {
        Fact::ReservationHeld { reservation, .. } if reservation.id == holds[0] => Some(change.fact.clone()),
        _ => None,
    });
    let Some(Fact::ReservationHeld { mut reservation, sections }) = anothers else { panic!("no hold") };
    scene.database.prune(shard(), time::Duration::ZERO).await.expect("a pruning");
    // What comes back is told of, and somebody has it before the line is looked at.
    scene.lanes.release(release("holder", holds[0])).await.expect("a release");
    (reservation.id, reservation.user_id) = (Uuid::now_v7().into(), UserId::parse("eve").expect("a user"));
    let seq = super::forge(scene, Fact::ReservationHeld { reservation, sections }).await;
    assert!(scene.lanes.create(holdfast_testkit::create("zoe", "Raum1", hours(1, 2))).await.is_ok());
    let rank = queue.entry("ben", *concert).await.rank;
    let expected = format!(
        "waitlist {}: the hold at seq {seq} passes over rank {rank} in line, which would fit",
        seq.next()
    );
    let found = found(scene).await;
    assert!(found.contains(&expected), "{expected}\n{found:#?}");
}

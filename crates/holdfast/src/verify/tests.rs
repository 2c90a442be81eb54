//! The control: databases that were damaged by hand, each in one way, and the find that each must give. And what must give
//! none.

mod lines;
mod live;
mod pruned;
mod units;

use holdfast_domain::{Booking, BookingId, DEFAULT_TENANT, Fact, NO_TENANT, Seq};
use holdfast_testkit::{Scene, cancel, hours, shard};

use super::{Scope, Verdict, verify};

fn scope() -> Scope {
    Scope { shards: vec![shard()], from: Seq(0), finds_max: 100 }
}

async fn verdict(scene: &Scene) -> Verdict {
    verify(&scene.database, &scope()).await.expect("a verdict")
}

/// What is found, each as promise, position and words, without ids.
async fn found(scene: &Scene) -> Vec<String> {
    let told = |find: &super::Find| {
        let seq = find.seq.map(|seq| format!(" {seq}")).unwrap_or_default();
        format!("{}{seq}: {}", find.promise.as_str(), find.what)
    };
    verdict(scene).await.finds.iter().map(told).collect()
}

/// Of one room: alice holds 1 to 3, bob waits for 2 to 4, carol gave 5 to 6 up, dora was refused 1 to 2. The log has them
/// from seq 2 on; 1 is the room.
struct House {
    scene: Scene,
    alice: BookingId,
    bob: BookingId,
}

async fn house() -> House {
    let scene = Scene::new().await;
    let alice = scene.holds("alice", hours(1, 3)).await;
    let carol = scene.wants("carol", hours(5, 6)).await;
    scene.lanes.cancel(cancel("carol", carol)).await.expect("a cancel");
    scene.wants("dora", hours(1, 2)).await;
    scene.later(16).await;
    scene.step().await;
    let bob = scene.wants("bob", hours(2, 4)).await;
    assert_eq!(found(&scene).await, Vec::<String>::new());
    House { scene, alice, bob }
}

/// Appends a fact to the log and nothing else, as no code of ours would.
async fn forge(scene: &Scene, fact: Fact) -> Seq {
    let client = scene.test.client().await;
    let seq = Seq(scene.database.head(shard()).await.expect("a head").seq.0 + 1);
    let tenant = if fact.kind().is_of_the_log() { NO_TENANT } else { DEFAULT_TENANT };
    let forge = "
        INSERT INTO changes (shard, seq, tenant_id, type, at, command_id, object_id, data)
        SELECT $1, $2, $3, $4, at, gen_random_uuid(), $5, $6::text::json FROM heads WHERE shard = $1";
    let (shard, kind, data) = (shard().number(), fact.kind().as_str(), fact.data_json());
    client
        .execute(forge, &[&shard, &seq.0, &tenant.uuid(), &kind, &fact.object_id(), &data])
        .await
        .expect("an entry");
    client.execute("UPDATE heads SET seq = $2 WHERE shard = $1", &[&shard, &seq.0]).await.expect("a head");
    seq
}

/// The booking after a grant that nobody should have given.
async fn granted(scene: &Scene, id: BookingId) -> Booking {
    let booking = scene.booking(id).await;
    let at = scene.test.log(shard()).await.last().expect("a change").at;
    booking.with(booking.claim.grant().expect("an open want"), at)
}

/// Writes a granted booking's row, and nothing else.
async fn store(scene: &Scene, booking: &Booking) {
    let (id, at) = (booking.id.uuid(), booking.updated_at);
    let store = "
        UPDATE bookings
        SET status = 'VALID', granted = tstzrange(wanted_start_at, wanted_end_at), decide_by = NULL,
            version = version + 1, updated_at = $2
        WHERE id = $1";
    scene.test.client().await.execute(store, &[&id, &at]).await.expect("a row");
    scene.test.sql("UPDATE resources SET open_wants = open_wants - 1").await;
}

const NO_NET: &str = "
    ALTER TABLE bookings DROP CONSTRAINT bookings_no_overlap;
    CREATE INDEX ON bookings USING gist (shard, resource_id, granted)";

#[tokio::test]
async fn a_double_booking_is_found_in_the_log_and_in_the_table_and_that_the_net_is_gone() {
    let House { scene, alice, bob } = house().await;
    scene.test.sql(NO_NET).await;
    let second = granted(&scene, bob).await;
    store(&scene, &second).await;
    let seq = forge(&scene, Fact::BookingValidated { booking: second }).await;
    let found = found(&scene).await;
    let (first, other) = if alice < bob { (alice, bob) } else { (bob, alice) };
    let expected = [
        "P1: the constraint bookings_no_overlap, which keeps two overlapping grants out, is not there"
            .to_owned(),
        format!("P1 {seq}: the grant at seq {seq} overlaps what another booking holds"),
        format!("P1: it holds now some of what booking {other} holds"),
    ];
    assert_eq!(found, expected, "{first}");
}

#[tokio::test]
async fn a_grant_out_of_turn_is_found() {
    let House { scene, alice, bob } = house().await;
    scene.lanes.cancel(cancel("alice", alice)).await.expect("a cancel");
    // Behind bob, over whose range it goes, and who is not asked.
    let eve = scene.wants("eve", hours(3, 5)).await;
    let out_of_turn = granted(&scene, eve).await;
    store(&scene, &out_of_turn).await;
    let (rank, earlier) = (out_of_turn.claim.rank(), scene.booking(bob).await.claim.rank());
    let seq = forge(&scene, Fact::BookingValidated { booking: out_of_turn }).await;
    let expected =
        format!("P4 {seq}: the grant at seq {seq} of rank {rank} passes over the want of rank {earlier}");
    assert_eq!(found(&scene).await, [expected]);
}

#[tokio::test]
async fn a_change_that_was_taken_out_of_the_log_is_found() {
    let House { scene, .. } = house().await;
    // The notice of a conflict, from which nothing follows.
    let notice = scene.test.log(shard()).await;
    let notice =
        notice.iter().rfind(|change| matches!(change.fact, Fact::BookingConflict { .. })).expect("one").seq;
    scene.wants("frank", hours(20, 21)).await;
    scene.test.sql(&format!("DELETE FROM changes WHERE seq = {notice}")).await;
    assert_eq!(
        found(&scene).await,
        [format!("log {0}: seq {0} follows {1}", notice.next(), notice.previous())]
    );
}

#[tokio::test]
async fn the_first_changes_and_the_last_can_not_be_taken_away_unseen() {
    let House { scene, .. } = house().await;
    let end = scene.database.head(shard()).await.expect("a head").seq;
    scene.test.sql(&format!("DELETE FROM changes WHERE seq = {end}")).await;
    let last = end.previous();
    let expected = [
        format!("log {end}: it is not there: the last one before it is {last}"),
        format!("log {last}: the last change is this one, and the head says {end}"),
    ];
    assert_eq!(found(&scene).await, expected);
    scene.test.sql("DELETE FROM changes WHERE seq <= 2").await;
    let found = found(&scene).await;
    assert!(
        found.contains(&"log 3: the log begins here, and was pruned only up to 0".to_owned()),
        "{found:#?}"
    );
    scene.test.sql("DELETE FROM changes").await;
    let found = self::found(&scene).await;
    assert!(
        found.contains(&format!("log: the head says that it ends at {end}, and it is empty")),
        "{found:#?}"
    );
}

#[tokio::test]
async fn a_row_that_is_not_as_the_log_says_is_found_and_what_differs_is_told() {
    let House { scene, bob, .. } = house().await;
    scene
        .test
        .sql(&format!("UPDATE bookings SET status = 'CANCELLED', decide_by = NULL WHERE id = '{bob}'"))
        .await;
    let found = found(&scene).await;
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(
        found[0]
            .starts_with("P2 10: status is CANCELLED in the table and PENDING in the log; decide_by is none"),
        "{found:#?}"
    );
    assert_eq!(found[1], "P2: its open_wants is 1, and 0 of its bookings are PENDING");
    let title = "UPDATE bookings SET title = 'mine', status = 'PENDING', decide_by = now()";
    scene.test.sql(&format!("{title} WHERE id = '{bob}'")).await;
    assert!(self::found(&scene).await[0].contains("title is another in the table than in the log"));
}

#[tokio::test]
async fn a_row_that_is_lost_is_found_and_one_that_nobody_logged() {
    let House { scene, alice, .. } = house().await;
    scene.test.sql(&format!("DELETE FROM bookings WHERE id = '{alice}'")).await;
    assert_eq!(found(&scene).await, ["P2: it is in the log, and not in the table"]);
    let smuggle = "
        INSERT INTO bookings SELECT shard, tenant_id, gen_random_uuid(), resource_id, user_id, status, wanted_start_at,
            wanted_end_at, granted, rank, decide_by, title, note, version, created_at, updated_at
        FROM bookings WHERE status = 'CANCELLED'";
    scene.test.sql(smuggle).await;
    let found = found(&scene).await;
    assert_eq!(
        found,
        ["P2: it is in the log, and not in the table", "P2: it is in the table, and not in the log"]
    );
}

#[tokio::test]
async fn a_booking_whose_resource_is_not_there_is_found_and_compared_with_the_others_and_the_log() {
    let House { scene, alice, bob } = house().await;
    scene.test.sql(NO_NET).await;
    store(&scene, &granted(&scene, bob).await).await;
    let room = scene.booking(bob).await.resource_id;
    scene.test.sql("DELETE FROM resources").await;
    scene.test.sql(&format!("UPDATE bookings SET title = 'mine' WHERE id = '{alice}'")).await;
    let found = found(&scene).await;
    let stray = format!("P2: its resource {room} is not there");
    assert_eq!(found.iter().filter(|find| **find == stray).count(), 4, "{found:#?}");
    let other = alice.max(bob);
    let expected = [
        format!("P1: it holds now some of what booking {other} holds"),
        "P2 3: title is another in the table than in the log".to_owned(),
        "P2 10: status is VALID in the table and PENDING in the log".to_owned(),
    ];
    for expected in expected {
        assert!(found.iter().any(|find| find.starts_with(&expected)), "{expected}\n{found:#?}");
    }
}

#[tokio::test]
async fn a_count_of_open_wants_that_is_off_by_one_and_a_resource_renamed_by_hand_are_found() {
    let House { scene, .. } = house().await;
    scene.test.sql("UPDATE resources SET open_wants = open_wants + 1").await;
    assert_eq!(found(&scene).await, ["P2: its open_wants is 2, and 1 of its bookings are PENDING"]);
    scene.test.sql("UPDATE resources SET open_wants = 1, name = 'Raum2'").await;
    assert_eq!(found(&scene).await, ["P2 1: name is Raum2 in the table and Raum1 in the log"]);
}

#[tokio::test]
async fn an_entry_that_can_not_be_read_and_one_that_is_filed_wrongly_are_found() {
    let House { scene, .. } = house().await;
    scene.test.sql("UPDATE changes SET object_id = gen_random_uuid() WHERE seq = 4").await;
    let found = found(&scene).await;
    assert!(found.iter().any(|find| find.starts_with("log 4: it is filed under")), "{found:#?}");
    scene.test.sql("UPDATE changes SET data = '{}' WHERE seq = 3").await;
    let found = self::found(&scene).await;
    assert!(found.iter().any(|find| find.starts_with("log 3: it can't be read")), "{found:#?}");
}

#[tokio::test]
async fn a_clock_that_runs_back_is_found_unless_the_log_says_that_it_was_set_back() {
    let House { scene, .. } = house().await;
    scene.test.sql("UPDATE changes SET at = at + interval '1 day' WHERE seq = 4").await;
    let found = found(&scene).await;
    assert_eq!(found, ["log 5: the clock runs backwards at seq 5"]);
}

#[tokio::test]
async fn what_is_before_a_position_that_is_named_is_not_judged() {
    let House { scene, .. } = house().await;
    let end = scene.database.head(shard()).await.expect("a head").seq;
    scene.test.sql("DELETE FROM changes WHERE seq = 4").await;
    assert!(!verdict(&scene).await.is_clean());
    let scope = Scope { from: Seq(7), ..scope() };
    let verdict = verify(&scene.database, &scope).await.expect("a verdict");
    assert_eq!((verdict.finds.as_slice(), verdict.figures.changes), (&[][..], end.0.unsigned_abs() - 7));
}

#[tokio::test]
async fn a_last_change_that_can_not_be_read_is_found_once_though_it_is_before_a_position_that_is_named() {
    let House { scene, .. } = house().await;
    let log = scene.test.log(shard()).await;
    let given_up =
        log.iter().find(|change| matches!(change.fact, Fact::BookingDeleted { .. })).expect("one").seq;
    scene.test.sql(&format!("UPDATE changes SET data = '{{}}' WHERE seq = {given_up}")).await;
    for (from, says) in [(given_up, "P2"), (given_up.previous(), "log")] {
        let verdict = verify(&scene.database, &Scope { from, ..scope() }).await.expect("a verdict");
        let unread = verdict.finds.iter().filter(|find| find.seq == Some(given_up));
        let unread: Vec<_> =
            unread.map(|find| (find.promise.as_str(), find.what.contains("can't be read"))).collect();
        assert_eq!(unread, [(says, true)], "from {from}: {:#?}", verdict.finds);
    }
}

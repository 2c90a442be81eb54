//! The command on a database, beside writers; and what it says of a line.

use std::time::Duration as Took;

use holdfast_domain::{
    DEFAULT_TENANT, ReservationId, Seq, UserId, WaitlistEntryId,
    fairness::{Ended, InLine, Outcomes, Stood, Waits},
};
use holdfast_store::Part;
use holdfast_testkit::{
    Scene, confirm, confirm_part, counted, create_event, hold_best, hold_seats, now, release, rows, shard,
};
use time::Duration;

use super::*;

fn settings(scene: &Scene, event: EventId, tenant: TenantId) -> FairnessSettings {
    FairnessSettings { event, tenant, json: false, database: scene.test.settings() }
}

/// Of a bar for ten and a hall of five: alice has two of three confirmed and gives the third back, bob's three lapse, carol
/// has one seat confirmed and holds two of the bar. Another event sells, too, and the log has more than one page.
async fn concert() -> (Scene, EventId) {
    let scene = Scene::new().await;
    let lanes = &scene.lanes;
    let create = |title| create_event(title, vec![counted("Bar", 10), rows("Hall", &[("A", 5)])]);
    let event = lanes.create_event(create("Concert")).await.expect("an event").value.id;
    let other = lanes.create_event(create("Fair")).await.expect("an event").value.id;
    let held = async |hold| lanes.hold(hold).await.expect("a hold").value.reservation.id;
    held(hold_best("bob", event, "Bar", 3)).await;
    for number in 0..10 {
        held(hold_best(&format!("visitor {number}"), other, "Bar", 1)).await;
    }
    scene.later(11).await;
    let alice = held(hold_best("alice", event, "Bar", 3)).await;
    lanes.confirm(confirm_part("alice", alice, Part::Quantity(2))).await.expect("a confirmation");
    let rest = scene.test.log(shard()).await.into_iter().rev().find_map(|change| {
        let held = change.fact.reservation().filter(|held| held.user_id.as_str() == "alice")?;
        (held.id != alice).then_some(held.id)
    });
    lanes.release(release("alice", rest.expect("a rest"))).await.expect("a release");
    let carol = held(hold_seats("carol", event, &["A1"])).await;
    lanes.confirm(confirm("carol", carol)).await.expect("a confirmation");
    held(hold_best("carol", event, "Bar", 2)).await;
    (scene, event)
}

#[tokio::test]
async fn an_event_s_holds_are_told_of_as_they_were_made_and_what_became_of_them() {
    let (scene, event) = concert().await;
    let told = read(&scene.database, DEFAULT_TENANT, event).await.expect("the log");
    let report = told.report.expect("an event");
    assert_eq!((told.unreadable, report.is_whole, report.in_line.joined), (0, true, 0));
    let who: Vec<_> =
        report.taken.iter().map(|taken| (taken.user_id.as_str(), taken.units.total())).collect();
    assert_eq!(who, [("bob", 3), ("alice", 3), ("carol", 1), ("carol", 2)]);
    let bar = Outcomes { confirmed: 2, held: 2, expired: 3, released: 1, cancelled: 0 };
    let hall = Outcomes { confirmed: 1, ..Outcomes::default() };
    let got: Vec<_> =
        report.got.iter().map(|got| (got.section.as_ref().expect("a name").as_str(), got.units)).collect();
    assert_eq!(got, [("Bar", bar), ("Hall", hall)]);
    // Their ids were made one after another, by this process.
    let door = report.at_the_door;
    assert_eq!((door.holds, door.undated, door.pairs, door.inverted_pairs), (4, 0, 6, 0));
    let table = text::table(&report, shard(), 0, Took::from_secs(1));
    for line in [
        "at the door          3   ",
        "hold            8          2          2          3          1          0   Bar",
        "            0   were passed over",
        "            0   pairs of these, of 6, were written the other way round than they were asked for, 0.000 s apart",
        "Who was refused, or gave up, leaves no trace in the log",
    ] {
        assert!(table.contains(line), "{line}\n{table}");
    }
    assert!(!table.contains("pruned"), "{table}");
}

#[tokio::test]
async fn a_request_that_was_overtaken_on_its_way_is_counted() {
    let (scene, event) = concert().await;
    let early = hold_best("dora", event, "Bar", 1);
    // Its id was made before, and it comes behind.
    let later = async || {
        let id = hold_best("erin", event, "Bar", 1);
        (id.id, scene.lanes.hold(id).await.expect("a hold")).0
    };
    let first = later().await;
    holdfast_testkit::eventually("the next millisecond", async || {
        let next = hold_best("nobody", event, "Bar", 1).id;
        (next.uuid().as_u128() >> 80 > early.id.uuid().as_u128() >> 80).then_some(())
    })
    .await;
    later().await;
    scene.lanes.hold(early).await.expect("a hold");
    let report =
        read(&scene.database, DEFAULT_TENANT, event).await.expect("the log").report.expect("an event");
    let door = report.at_the_door;
    assert!((1..=2).contains(&door.inverted_pairs) && door.most_millis > 0, "{door:?} {first}");
}

#[tokio::test]
async fn an_event_that_the_log_does_not_know_is_told_so_and_what_to_do() {
    let (scene, event) = concert().await;
    run(&settings(&scene, event, DEFAULT_TENANT)).await.expect("it is told");
    let (tenant, _) = scene.test.neighbour(shard()).await;
    let nobody = EventId::from_u128(1);
    for (event, tenant) in [(nobody, DEFAULT_TENANT), (event, tenant)] {
        let refusal = run(&settings(&scene, event, tenant)).await.expect_err("no such event").to_string();
        let expected =
            format!("the log of shard {} has no change of event {event} of tenant {tenant}.", shard());
        assert!(refusal.starts_with(&expected) && refusal.contains("--tenant ID"), "{refusal}");
    }
}

#[tokio::test]
async fn of_a_pruned_log_it_is_said_that_it_was_and_what_can_not_be_read_is_counted() {
    let (scene, event) = concert().await;
    scene.test.sql("DELETE FROM changes WHERE seq <= 4").await;
    let kind = "reservation_released";
    scene.test.sql(&format!("UPDATE changes SET type = 'reservation_sung' WHERE type = '{kind}'")).await;
    let told = read(&scene.database, DEFAULT_TENANT, event).await.expect("the log");
    let report = told.report.expect("an event");
    assert_eq!((report.is_whole, told.unreadable), (false, 1));
    let table = text::table(&report, shard(), told.unreadable, Took::ZERO);
    assert!(table.contains("The log was pruned") && table.contains("not counted: 1."), "{table}");
    assert_eq!(report.in_line.out_of_turn, 0);
}

#[test]
fn a_line_is_told_in_words() {
    let stood = Stood {
        waitlist_entry_id: WaitlistEntryId::from_u128(1),
        user_id: UserId::parse("hugo").expect("a name"),
        rank: Seq(12),
        joined_at: now(),
        quantity: 2,
        ended: Some(Ended::Offered),
        ended_seq: Some(Seq(18)),
        waited_millis: Some(2_500),
        reservation_id: Some(ReservationId::from_u128(1)),
        was_overtaken: true,
    };
    let later = Stood { joined_at: now() + Duration::HOUR, ..stood.clone() };
    let waits = Waits { median_millis: 2_500, most_of_them_millis: 60_000, longest_millis: 3_600_001 };
    let in_line = InLine {
        joined: 1_200,
        waiting: 7,
        offered: 1_100,
        waits: Some(waits),
        out_of_turn: 1,
        breaches: vec!["the hold at seq 8 passes over rank 4 in line, which would fit".into()],
        overtaken_pairs: 1_234,
        overtaken_people: 1,
        ..InLine::default()
    };
    let report = Report {
        event_id: EventId::from_u128(7),
        changes: 3,
        first_seq: Seq(1),
        last_seq: Seq(31),
        is_whole: true,
        at_the_door: holdfast_domain::fairness::AtTheDoor::default(),
        in_line,
        got: Vec::new(),
        taken: Vec::new(),
        line: vec![stood, later],
    };
    let table = text::table(&report, shard(), 0, Took::ZERO);
    for line in [
        "event 00000000-0000-0000-0000-000000000007: 3 changes, seq 1 to 31 of shard ",
        "at the door          0   -                          -\n",
        "in line              1   2",
        "        1,200   places were taken\n",
        "        1,100   were offered what they waited for; half of them within 2.500 s, nine of ten within 60.000 s, all \
         within 3,600.001 s\n",
        "            1   were passed over, or the line was otherwise not served as promised: must be 0\n",
        "                  the hold at seq 8 passes over rank 4 in line, which would fit\n",
        "        1,234   pairs of which the later was served first; 1 person overtaken so",
    ] {
        assert!(table.contains(line), "{line}\n{table}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&text::json(&report, shard(), 2).expect("JSON")).expect("JSON");
    assert_eq!(
        (json["shard"].as_i64(), json["unreadable"].as_i64()),
        (Some(shard().number().into()), Some(2))
    );
    assert_eq!(json["line"][0]["waited_millis"], 2_500);
}

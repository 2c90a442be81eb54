//! Events and units of them, damaged by hand.

use holdfast_domain::{Change, DEFAULT_TENANT, EventId, Fact, ReservationId, seating::rows_of};
use holdfast_store::{CancelEvent, Part, UpdateSection, WriteError};
use holdfast_testkit::{
    Scene, confirm_part, confirm_seats, counted, create_event, extend, hold_best, hold_seats, join,
    lock_seats, release, rows, seated, seats, shard, update_section,
};

use super::{forge, found, verdict};

/// An event with a bar for ten and a hall of three rows. Of the bar alice has two confirmed and holds one, of the hall bob
/// holds A1 and A2 and has B1 and B2 confirmed; carol's seats and dora's lapsed, and dora's one is erin's now.
struct Concert {
    scene: Scene,
    event: EventId,
    alice: ReservationId,
    bob: ReservationId,
}

async fn concert() -> Concert {
    let scene = Scene::new().await;
    let sections =
        vec![counted("Bar", 10), rows("Hall", &[("A", 5), ("B", 5)]), seated("Box", &["Left", "Right"])];
    let lanes = &scene.lanes;
    let event = lanes.create_event(create_event("Concert", sections)).await.expect("an event").value.id;
    let held = async |hold| lanes.hold(hold).await.expect("a hold").value.reservation.id;
    held(hold_seats("carol", event, &["A4"])).await;
    held(hold_seats("dora", event, &["Left"])).await;
    scene.later(11).await;
    let alice = held(hold_best("alice", event, "Bar", 3)).await;
    let part = confirm_part("alice", alice, Part::Quantity(2));
    lanes.confirm(part).await.expect("a confirmation");
    let bob = held(hold_seats("bob", event, &["A1", "A2", "B1"])).await;
    held(lock_seats("bob", event, &["B2", "A1"])).await;
    lanes.confirm_seats(confirm_seats("bob", event, &["B1", "B2"])).await.expect("a confirmation");
    held(hold_seats("erin", event, &["Left"])).await;
    let frank = held(hold_best("frank", event, "Bar", 4)).await;
    lanes.extend(extend("frank", frank, 1_200)).await.expect("a longer hold");
    lanes.release(release("frank", frank)).await.expect("a release");
    assert_eq!(found(&scene).await, Vec::<String>::new());
    Concert { scene, event, alice, bob }
}

/// What is found after this.
async fn damaged(concert: &Concert, sql: &str) -> Vec<String> {
    concert.scene.test.sql(sql).await;
    found(&concert.scene).await
}

#[tokio::test]
async fn what_is_true_is_counted_and_no_find() {
    let Concert { scene, .. } = concert().await;
    let figures = verdict(&scene).await.figures;
    assert_eq!((figures.events, figures.holds, figures.confirmations), (1, 7, 2));
    assert_eq!(figures.reservations, 9);
}

#[tokio::test]
async fn more_than_one_step_can_end_is_no_find_whether_it_lapses_or_is_called_off() {
    let Concert { scene, .. } = concert().await;
    let lanes = &scene.lanes;
    let many = create_event("Fair", vec![counted("Floor", 205), rows("Stand", &[("S", 205)])]);
    let fair = lanes.create_event(many).await.expect("an event").value.id;
    for visitor in 0..205 {
        let (user, seat) = (format!("visitor-{visitor}"), format!("S{}", visitor + 1));
        lanes.hold(hold_best(&user, fair, "Floor", 1)).await.expect("a hold");
        lanes.hold(hold_seats(&user, fair, &[&seat])).await.expect("a hold");
    }
    scene.later(30).await;
    for visitor in 0..205 {
        let user = format!("visitor-{visitor}");
        lanes.hold(hold_best(&user, fair, "Floor", 1)).await.expect("all of them lapsed");
    }
    assert_eq!(found(&scene).await, Vec::<String>::new());
    let order = holdfast_testkit::order("organiser");
    lanes.cancel_event(CancelEvent { order, id: fair, versions: None }).await.expect("an end");
    assert_eq!(found(&scene).await, Vec::<String>::new());
    while scene.database.settle_reservations(shard()).await.expect("a step").has_grown {}
    assert_eq!(found(&scene).await, Vec::<String>::new());
    let log = scene.test.log(shard()).await;
    let off = |change: &&Change| matches!(change.fact, Fact::EventCancelled { .. });
    assert_eq!(log.iter().filter(off).count(), 2);
}

#[tokio::test]
async fn a_seat_that_is_put_up_twice_is_refused_whether_it_was_there_or_not() {
    let Concert { scene, event, .. } = concert().await;
    let hall =
        scene.database.event(DEFAULT_TENANT, event).await.expect("an answer").expect("one").event.sections[1]
            .id;
    let remove = UpdateSection { remove: seats(&["A5"]), ..update_section(event, hall) };
    scene.lanes.update_section(remove).await.expect("fewer seats");
    for twice in ["A5", "A6"] {
        let add = UpdateSection { add: rows_of(seats(&[twice, twice])), ..update_section(event, hall) };
        let refusal = scene.lanes.update_section(add).await.expect_err("a seat is one");
        assert!(matches!(refusal, WriteError::Seats(_)), "{twice}: {refusal:?}");
    }
    let add = UpdateSection { add: rows_of(seats(&["A5", "A6"])), ..update_section(event, hall) };
    scene.lanes.update_section(add).await.expect("more seats");
    assert_eq!(found(&scene).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_counter_that_is_off_by_one_is_found() {
    let concert = concert().await;
    let found = damaged(&concert, "UPDATE sections SET held = held + 1 WHERE name = 'Bar'").await;
    assert_eq!(found, ["P2: it says that 2 are held and 2 confirmed, and reservations have 1 and 2"]);
    let back = "UPDATE sections SET held = held - 1, confirmed = confirmed - 1 WHERE name = 'Bar'";
    let found = damaged(&concert, back).await;
    assert_eq!(found, ["P2: it says that 1 are held and 1 confirmed, and reservations have 1 and 2"]);
}

#[tokio::test]
async fn a_seat_that_is_in_another_state_than_its_reservation_is_found() {
    let concert = concert().await;
    // A1, A2, A3, A4: held, held, free, free; two bits each, the lowest first.
    let put = |byte: u8| {
        format!(
            "UPDATE seat_blocks b SET states = set_byte(states, 0, {byte}) FROM sections s
        WHERE s.id = b.section_id AND s.name = 'Hall'"
        )
    };
    for (byte, what) in [
        (0b00_00_01_00, "seat A1 is free by the section, and is held for reservation "),
        (0b00_00_01_10, "seat A1 is confirmed by the section, and is held for reservation "),
        (0b01_00_01_01, "seat A4 is held by the section, and is nobody's"),
    ] {
        let found = damaged(&concert, &put(byte)).await;
        assert!(found.len() == 1 && found[0].starts_with(&format!("P2: {what}")), "{byte:b}: {found:#?}");
    }
    let found = damaged(&concert, &put(0b11_00_01_01)).await;
    assert_eq!(found, ["P2: its capacity is 10, and 9 of its seats are for sale"]);
    let found = damaged(&concert, "DELETE FROM seat_blocks WHERE states <> '\\x00'").await;
    assert_eq!(found.iter().filter(|find| *find == "P2: its seats can't be read").count(), 2, "{found:#?}");
}

#[tokio::test]
async fn a_seat_that_is_taken_for_nobody_or_for_another_is_found() {
    let concert = concert().await;
    let (alice, bob) = (concert.alice, concert.bob);
    let give = format!("UPDATE taken_seats SET reservation_id = '{alice}' WHERE seat = 'B1'");
    let found = damaged(&concert, &give).await;
    assert_eq!(found, [format!("P2: seat B1 is taken for reservation {alice}, and is of reservation {bob}")]);
    let found = damaged(&concert, "DELETE FROM taken_seats WHERE seat = 'B1'").await;
    assert_eq!(found, [format!("P2: seat B1 is of reservation {bob}, and not taken")]);
    let smuggle = format!(
        "INSERT INTO taken_seats SELECT shard, event_id, seats.seat, tenant_id, reservation_id
        FROM taken_seats, (VALUES ('B1'), ('B5')) seats (seat) WHERE reservation_id = '{bob}'"
    );
    let found = damaged(&concert, &smuggle).await;
    assert_eq!(found, [format!("P2: seat B5 is taken for reservation {bob}, and is nobody's")]);
}

#[tokio::test]
async fn a_reservation_s_row_that_is_not_as_the_log_says_is_found() {
    let concert = concert().await;
    let bob = concert.bob;
    let end =
        format!("UPDATE reservations SET status = 'CANCELLED', confirmation_code = NULL WHERE id = '{bob}'");
    let found = damaged(&concert, &end).await;
    let begins = |with: &str| found.iter().filter(|find| find.starts_with(with)).count();
    let (status, counts) = (
        "status is CANCELLED in the table and CONFIRMED in the log",
        "it says that 2 are held and 2 confirmed",
    );
    assert_eq!(found.iter().filter(|find| find.contains(status)).count(), 1, "{found:#?}");
    assert_eq!(begins(&format!("P2: {counts}, and reservations have 2 and 0")), 1, "{found:#?}");
    assert_eq!(begins("P2: seat B1 is taken for reservation "), 1, "{found:#?}");
    assert_eq!(begins("P2: seat B1 is confirmed by the section, and is nobody's"), 1, "{found:#?}");
}

#[tokio::test]
async fn who_takes_what_somebody_in_line_waits_for_is_found_though_it_is_the_log_s_last_change() {
    let Concert { scene, event, .. } = concert().await;
    // Of the bar seven are free.
    let joined =
        scene.lanes.join_waitlist(join("gina", event, "Bar", 8)).await.expect("a place in line").value;
    let held = scene.lanes.hold(hold_best("frank", event, "Bar", 1)).await.expect("a hold").value.reservation;
    assert_eq!(found(&scene).await, Vec::<String>::new(), "eight are not free");
    // As if a defect of ours had forgotten that somebody waits.
    scene.test.sql("UPDATE events SET waiting = 0, line_due_at = NULL").await;
    scene.lanes.release(release("frank", held.id)).await.expect("a release");
    let alice = release("alice", concert_rest(&scene).await);
    scene.lanes.release(alice).await.expect("a release");
    scene.lanes.hold(hold_best("frank", event, "Bar", 1)).await.expect("a hold");
    let seq = scene.test.log(shard()).await.pop().expect("a change").seq;
    let rank = joined.rank;
    let expected =
        format!("waitlist {seq}: the hold at seq {seq} passes over rank {rank} in line, which would fit");
    let mut found = found(&scene).await;
    found.retain(|find| find.starts_with("waitlist"));
    assert_eq!(found, [expected]);
}

/// What alice still holds.
async fn concert_rest(scene: &Scene) -> ReservationId {
    let log = scene.test.log(shard()).await;
    let of_alice = |change: &&Change| {
        matches!(change.fact, Fact::ReservationHeld { .. })
            && change.fact.owner().is_some_and(|owner| owner.as_str() == "alice")
    };
    log.iter().rfind(of_alice).expect("a hold").fact.reservation().expect("one").id
}

#[tokio::test]
async fn units_that_somebody_was_given_by_hand_are_found() {
    let concert = concert().await;
    let alice = concert.alice;
    let more = format!(
        "UPDATE reservations SET units = replace(units, '\"quantity\":2', '\"quantity\":12') WHERE id = '{alice}'"
    );
    let found = damaged(&concert, &more).await;
    let expected = [
        "P2: its quantity is 2, and it has 12 units",
        "P2: it says that 1 are held and 2 confirmed, and reservations have 1 and 12",
        "P5: reservations have 13 units now, and it has 10",
    ];
    assert!(
        found[0].contains("units is 12 of ") && found[0].contains(" in the table and 2 of "),
        "{found:#?}"
    );
    assert_eq!(found[1..], expected);
    let broken = format!("UPDATE reservations SET units = '[' WHERE id = '{alice}'");
    let found = damaged(&concert, &broken).await;
    assert!(found.iter().any(|find| find.contains("its row can't be read")), "{found:#?}");
    assert!(
        found.contains(
            &"P2: it says that 1 are held and 2 confirmed, and reservations have 1 and 0".to_owned()
        )
    );
}

#[tokio::test]
async fn a_seat_of_two_reservations_is_found_though_the_seats_say_nothing_of_it() {
    let concert = concert().await;
    let (bob, two) =
        (concert.bob, "UPDATE reservations SET units = replace(units, 'Left', 'B1') WHERE user_id = 'erin'");
    let found = damaged(&concert, two).await;
    let twice = "P5: seat B1 is of reservation ";
    assert!(
        found.iter().any(|find| find.starts_with(twice) && find.contains(&bob.to_string())),
        "{found:#?}"
    );
}

#[tokio::test]
async fn what_is_lost_of_reservations_and_events_is_found_and_what_nobody_logged() {
    let concert = concert().await;
    let found = damaged(&concert, "DELETE FROM reservations WHERE user_id = 'carol'").await;
    assert_eq!(found, ["P2: it is in the log, and not in the table"]);
    let smuggle = "
        INSERT INTO reservations
        SELECT shard, tenant_id, gen_random_uuid(), event_id, user_id, status, expires_at, confirmation_code, choice,
            quantity, section_ids, units, version, created_at, updated_at
        FROM reservations WHERE user_id = 'dora'";
    let found = damaged(&concert, smuggle).await;
    assert_eq!(found[1..], ["P2: it is in the table, and not in the log"]);
}

#[tokio::test]
async fn an_event_or_a_section_that_is_not_as_the_log_says_is_found() {
    let concert = concert().await;
    let found = damaged(&concert, "UPDATE sections SET capacity = 11 WHERE name = 'Bar'").await;
    assert!(found.len() == 1 && found[0].contains("is 11 in the table and 10 in the log"), "{found:#?}");
    let event = "UPDATE events SET status = 'CLOSED', units_per_user = 5";
    let found = damaged(&concert, event).await;
    let status = "status is CLOSED in the table and OPEN in the log; units_per_user is 5 in the table and none in the log";
    assert!(found.len() == 1 && found[0].contains(status), "{found:#?}");
    damaged(&concert, "UPDATE events SET status = 'OPEN', units_per_user = NULL").await;
    let found =
        damaged(&concert, "UPDATE sections SET capacity = 10, name = 'Foyer' WHERE name = 'Bar'").await;
    assert!(found.len() == 1 && found[0].contains("is Foyer in the table and Bar in the log"), "{found:#?}");
}

#[tokio::test]
async fn more_than_there_is_and_that_the_nets_are_gone_are_found() {
    let concert = concert().await;
    let without = "
        ALTER TABLE sections DROP CONSTRAINT sections_not_oversold;
        ALTER TABLE taken_seats DROP CONSTRAINT taken_seats_pkey;
        CREATE INDEX ON taken_seats (shard, event_id, seat)";
    let nets = [
        "P5: the constraint sections_not_oversold, which keeps out more than there is, is not there",
        "P5: the constraint taken_seats_pkey, which keeps out a seat's second holder, is not there",
    ];
    assert_eq!(damaged(&concert, without).await, nets);
    let found = damaged(&concert, "UPDATE sections SET capacity = 2 WHERE name = 'Bar'").await;
    assert!(found.contains(&"P5: reservations have 3 units now, and it has 2".to_owned()), "{found:#?}");
}

#[tokio::test]
async fn a_hold_that_the_log_was_made_to_tell_is_found() {
    let concert = concert().await;
    let log = concert.scene.test.log(shard()).await;
    let erins = log.iter().find_map(|change| match &change.fact {
        Fact::ReservationHeld { reservation, .. } if reservation.user_id.as_str() == "erin" => {
            Some(change.fact.clone())
        }
        _ => None,
    });
    let seq = forge(&concert.scene, erins.expect("one")).await;
    let found = found(&concert.scene).await;
    assert!(
        found[0].starts_with(&format!("log {seq}: reservation_held at seq {seq} does not follow")),
        "{found:#?}"
    );
}

#[tokio::test]
async fn of_a_pruned_log_events_and_reservations_are_judged_as_far_as_they_are_known() {
    let concert = concert().await;
    let Concert { scene, event, bob, .. } = &concert;
    scene.database.prune(shard(), time::Duration::ZERO).await.expect("a pruning");
    let before = verdict(scene).await;
    assert_eq!((before.finds.as_slice(), before.figures.begun_before), (&[][..], 10));
    // What was held before, and what was free.
    let lanes = &scene.lanes;
    lanes.release(release("bob", *bob)).await.expect("a release");
    let gina = lanes.hold(hold_seats("gina", *event, &["B1", "A3"])).await.expect("a hold");
    lanes.hold(hold_best("gina", *event, "Bar", 7)).await.expect("a hold");
    scene.later(60).await;
    scene.database.settle_reservations(shard()).await.expect("a step");
    let after = verdict(scene).await;
    assert_eq!(after.finds, []);
    assert!(after.figures.unjudged > 0);
    let taken = format!(
        "UPDATE changes SET data = replace(data::text, '\"B1\"', '\"A1\"')::json
        WHERE object_id = '{}' AND type = 'reservation_held'",
        gina.value.reservation.id
    );
    let found = damaged(&concert, &taken).await;
    assert!(found.iter().any(|find| find.ends_with("gives seat A1 to two")), "{found:#?}");
}

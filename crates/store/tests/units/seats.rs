//! Seats of a hall of any size: each is got once, whoever asks for it and in whatever order.

use std::collections::HashSet;

use futures_util::future::join_all;
use holdfast_store::{Lanes, WriteError};
use holdfast_testkit::{Random, hold_best, hold_seats, lane_settings, rows};

use crate::{Office, got};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_who_want_one_seat_in_two_processes_one_has_it() {
    let office = Office::selling(vec![rows("Hall", &[("A", 3)])]).await;
    let other = Lanes::new(office.scene.test.database(), lane_settings(), |_| {});
    let takers = (0..200).map(|taker| {
        let lanes = if taker % 2 == 0 { &office.scene.lanes } else { &other };
        lanes.hold(hold_seats(&format!("user-{taker}"), office.event, &["A2"]))
    });
    let answers = join_all(takers.collect::<Vec<_>>()).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let is_refused =
        |answer: &Result<_, WriteError>| matches!(answer, Ok(_) | Err(WriteError::SeatsTaken(_)));
    assert!(answers.iter().all(is_refused));
    office.is_faultless().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_seats_in_any_order_are_got_whole_or_not_at_all() {
    let office = Office::selling(vec![rows("Hall", &[("A", 10), ("B", 10)])]).await;
    let other = Lanes::new(office.scene.test.database(), lane_settings(), |_| {});
    let mut random = Random::seeded(7);
    let wanted: Vec<Vec<String>> = (0..120)
        .map(|_| {
            let mut seats: HashSet<String> = HashSet::new();
            for _ in 0..=random.below(4) {
                let row = ["A", "B"][usize::try_from(random.below(2)).unwrap()];
                seats.insert(format!("{row}{}", 1 + random.below(10)));
            }
            seats.into_iter().collect()
        })
        .collect();
    let takers = wanted.iter().enumerate().map(|(taker, seats)| {
        let seats: Vec<&str> = seats.iter().map(String::as_str).collect();
        let lanes = if taker % 2 == 0 { &office.scene.lanes } else { &other };
        lanes.hold(hold_seats(&format!("user-{taker}"), office.event, &seats))
    });
    let answers = join_all(takers.collect::<Vec<_>>()).await;
    let mut had: HashSet<String> = HashSet::new();
    for (answer, wanted) in answers.iter().zip(&wanted) {
        let Ok(held) = answer else { continue };
        let seats: HashSet<String> =
            held.value.reservation.seats().map(|seat| seat.as_str().to_owned()).collect();
        assert_eq!(seats, wanted.iter().cloned().collect());
        assert!(seats.into_iter().all(|seat| had.insert(seat)), "a seat twice");
    }
    // Who was refused wanted something that somebody has.
    for (answer, wanted) in answers.iter().zip(&wanted) {
        assert!(answer.is_ok() || wanted.iter().any(|seat| had.contains(seat)), "{wanted:?}: {answer:?}");
    }
    office.is_faultless().await;
}

#[tokio::test]
async fn a_hall_of_fifty_thousand_is_sold_by_its_blocks() {
    let names: Vec<String> = (0..500).map(|row| format!("R{row}:")).collect();
    let hall: Vec<(&str, u16)> = names.iter().map(|name| (name.as_str(), 100)).collect();
    let office = Office::selling(vec![rows("Arena", &hall)]).await;
    let last =
        office.hold(hold_seats("alice", office.event, &["R499:100", "R0:1", "R499:99"])).await.unwrap();
    assert_eq!(got(&last)[0].2, "R0:1 R499:99 R499:100");
    let best = office.hold(hold_best("bob", office.event, "Arena", 4)).await.unwrap();
    assert_eq!(got(&best)[0].2, "R0:49 R0:50 R0:51 R0:52");
    let written =
        "SELECT count(*) FROM seat_blocks WHERE states <> decode(repeat('00', 256), 'hex') AND block < 48";
    let row = office.scene.test.client().await.query_one(written, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 1, "of 49 blocks two have changed: the first and the last");
    let hall =
        office.scene.database.hall(holdfast_domain::DEFAULT_TENANT, office.event).await.unwrap().unwrap();
    assert_eq!(hall.sections[0].seats.count(holdfast_domain::seating::SeatState::Held), 7);
    office.is_faultless().await;
}

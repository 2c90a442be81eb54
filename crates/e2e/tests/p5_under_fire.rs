//! P5 with everything at once: many takers, several processes of each kind, and some that are killed in the middle. The log
//! alone judges; and the tables agree with it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use futures_util::{StreamExt, stream};
use holdfast_domain::Seq;
use holdfast_e2e::{Binary, Buyers, Client, House, Process, buyers::Told};
use holdfast_testkit::{Random, eventually, shard};
use serde_json::{Value, json};

async fn event(client: &Client, sections: Value) -> String {
    let body = json!({ "title": "Concert", "event_date": "2027-06-15", "sections": sections });
    let made = client.user("organiser").post("/api/v1/events", &body).await.unwrap();
    assert_eq!(made.status, 201, "{made:?}");
    made.id().to_owned()
}

async fn two(house: &House) -> [Process; 2] {
    [house.ready(Binary::BookingApi).await, house.ready(Binary::BookingApi).await]
}

/// The judge finds nothing in the log, nor in the tables.
async fn is_faultless(house: &House) {
    house.at_rest().await;
    assert_eq!(house.database.uneven().await, Vec::<String>::new());
    assert!(house.command(Binary::Holdfast, &["verify"]).await.success(), "verify found something");
}

/// What each of so many takers, of whom many are under way at once, is answered by one of the two processes.
async fn answers(apis: &[Process; 2], takers: usize, body: &Value) -> Vec<(u16, Value)> {
    let clients = apis.each_ref().map(Process::client);
    let takes = (0..takers).map(|taker| {
        let client = clients[taker % 2].user(&format!("user-{taker}"));
        async move {
            let answer = client.post("/api/v1/reservations", body).await.unwrap();
            (answer.status, answer.body)
        }
    });
    stream::iter(takes).buffer_unordered(100).collect().await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_takers_of_one_seat_one_has_it_and_the_others_are_told_which_is_gone() {
    let house = House::new().await;
    let apis = two(&house).await;
    let event = event(&apis[0].client(), json!([{ "name": "Boxes", "seats": ["A1", "A2"] }])).await;
    let answers = answers(&apis, 200, &json!({ "event_id": event, "seats": ["A1"] })).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1);
    for (status, body) in &answers {
        assert!(*status == 201 || *status == 409 && body["seats"] == json!(["A1"]), "{status} {body}");
    }
    is_faultless(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_rooms_in_three_tiers_go_to_thirty_of_a_thousand_and_nobody_is_sent_away_while_one_is_free() {
    let house = House::new().await;
    let apis = two(&house).await;
    let rooms = |tier: &str| (1..=10).map(|room| format!("{tier} {room}")).collect::<Vec<_>>();
    let tiers = ["King", "Queen", "Twin"].map(|tier| json!({ "name": tier, "seats": rooms(tier) }));
    let event = event(&apis[0].client(), json!(tiers)).await;
    let choices = json!([{ "section": "King" }, { "section": "Queen" }, { "any": true }]);
    let answers =
        answers(&apis, 1_000, &json!({ "event_id": event, "choices": choices, "quantity": 1 })).await;
    let mut rooms = std::collections::HashSet::new();
    for (status, body) in &answers {
        match status {
            201 => assert!(rooms.insert(body["units"][0]["seats"][0].as_str().unwrap()), "twice: {body}"),
            _ => assert_eq!((*status, &body["code"], &body["left"]), (409, &json!("sold_out"), &json!([]))),
        }
    }
    assert_eq!(rooms.len(), 30);
    is_faultless(&house).await;
}

fn some_of_the_stalls(random: &mut Random) -> Value {
    json!({ "section": "Stalls", "quantity": 1 + random.below(5), "hold_seconds": 1 + random.below(3) })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_places_are_never_oversold_whoever_is_killed_and_whatever_lapses() {
    let house = House::new().await;
    let lasting = house.ready(Binary::BookingApi).await;
    let event = event(&lasting.client(), json!([{ "name": "Stalls", "capacity": 100 }])).await;
    let mut validator = house.ready(Binary::Validator).await;
    let mut mortal = house.ready(Binary::BookingApi).await;
    let mut told = Told::default();
    for round in 0..4 {
        let buyers = Buyers::start(24, &event, some_of_the_stalls, &[&lasting, &mortal]);
        buyers.until_done(100).await;
        mortal.kill().await;
        if round % 2 == 0 {
            validator.kill().await;
            validator = house.ready(Binary::Validator).await;
        }
        buyers.until_done(100).await;
        told.extend(buyers.end().await);
        mortal = house.ready(Binary::BookingApi).await;
    }
    let all = told.agrees_with(&house.at_rest().await.0);
    assert!(all > 100, "{all} reservations: not much of a fire");
    eventually("all that is over is settled", async || {
        let shown = lasting.client().get(&format!("/api/v1/events/{event}")).await.unwrap().body;
        let section = &shown["sections"][0];
        (section["held"] == 0 && shown["settling"] == false).then_some(())
    })
    .await;
    is_faultless(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_dies_around_its_commit_leaves_no_unit_that_is_nobodys() {
    for place in ["head.before_commit", "head.after_commit"] {
        let house = House::new().await;
        let lasting = house.ready(Binary::BookingApi).await;
        let sections = json!([{ "name": "Stalls", "rows": [{ "name": "A", "seats": 40 }, { "name": "B", "seats": 40 }] }]);
        let event = event(&lasting.client(), sections).await;
        let failpoints = format!("{place}=20*off->return");
        let mut doomed = house.start_with(Binary::BookingApi, &[("FAILPOINTS", &failpoints)]).await;
        doomed.until("ready").await;
        let buyers = Buyers::start(16, &event, some_of_the_stalls, &[&doomed, &lasting]);
        doomed.ended().await;
        buyers.until_done(40).await;
        let told = buyers.end().await;
        assert!(told.again > 0, "{place}: nobody noticed");
        let (log, _) = house.at_rest().await;
        assert!(told.agrees_with(&log) > 0, "{place}: nothing was held");
        is_faultless(&house).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_dies_while_it_settles_is_taken_over_from() {
    for place in ["settle.before_write", "head.before_commit", "head.after_commit"] {
        let house = House::new().await;
        let api = house.ready(Binary::BookingApi).await;
        let event = event(&api.client(), json!([{ "name": "Boxes", "seats": ["A1", "A2", "A3"] }])).await;
        for seat in ["A1", "A2"] {
            let body = json!({ "event_id": event, "seats": [seat], "hold_seconds": 1 });
            let held = api.client().user("alice").post("/api/v1/reservations", &body).await.unwrap();
            assert_eq!(held.status, 201, "{held:?}");
        }
        let failpoints = format!("{place}=return");
        let mut doomed = house.start_with(Binary::Validator, &[("FAILPOINTS", &failpoints)]).await;
        doomed.ended().await;
        let _successor = house.ready(Binary::Validator).await;
        eventually("what is over is settled", async || {
            let shown = api.client().get(&format!("/api/v1/events/{event}")).await.unwrap().body;
            (shown["sections"][0]["held"] == 0 && shown["settling"] == false).then_some(())
        })
        .await;
        is_faultless(&house).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lapsed_seat_is_anothers_at_its_end_and_not_before_though_every_validator_is_stopped() {
    let house = House::new().await;
    let apis = two(&house).await;
    let event = event(&apis[0].client(), json!([{ "name": "Boxes", "seats": ["A1"] }])).await;
    let (alice, bob) = (apis[0].client().user("alice"), apis[1].client().user("bob"));
    let body = json!({ "event_id": event, "seats": ["A1"], "hold_seconds": 1 });
    let first = alice.post("/api/v1/reservations", &body).await.unwrap();
    assert_eq!(first.status, 201);
    let refusals = AtomicUsize::new(0);
    let second = eventually("the seat is free", async || {
        let taken = bob.post("/api/v1/reservations", &body).await.unwrap();
        if taken.status != 201 {
            refusals.fetch_add(1, Ordering::Relaxed);
        }
        (taken.status == 201).then_some(taken)
    })
    .await;
    let time = |body: &Value, field: &str| {
        let text = body[field].as_str().unwrap().to_owned();
        time::OffsetDateTime::parse(&text, &time::format_description::well_known::Rfc3339).unwrap()
    };
    assert!(time(&second.body, "created_at") >= time(&first.body, "expires_at"));
    assert!(refusals.into_inner() > 0, "it was never held");
    let late = alice.post(&format!("/api/v1/reservations/{}/confirm", first.id()), &json!({})).await.unwrap();
    assert_eq!((late.status, &late.body["code"]), (409, &json!("hold_expired")));
    is_faultless(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_answered_before_another_asked_stands_before_them_in_the_log_over_two_processes() {
    let house = House::new().await;
    let apis = two(&house).await;
    let event = event(&apis[0].client(), json!([{ "name": "Stalls", "capacity": 1_000 }])).await;
    let clients = apis.each_ref().map(Process::client);
    let begun = Instant::now();
    let takes = (0..1_000_usize).map(|taker| {
        let client = clients[taker % 2].user(&format!("user-{taker}"));
        let body = json!({ "event_id": event, "section": "Stalls", "quantity": 1 });
        async move {
            let asked = begun.elapsed();
            let answer = client.post("/api/v1/reservations", &body).await.unwrap();
            assert_eq!(answer.status, 201, "{answer:?}");
            (asked, begun.elapsed(), answer.id().to_owned())
        }
    });
    let taken: Vec<_> = stream::iter(takes).buffer_unordered(100).collect().await;
    let log = house.database.log(shard()).await;
    let seqs: std::collections::HashMap<String, Seq> = log
        .iter()
        .filter_map(|change| Some((change.fact.reservation()?.id.to_string(), change.seq)))
        .collect();
    let (mut inversions, mut at_once) = (0, 0);
    for (asked, answered, id) in &taken {
        for (other_asked, _, other) in &taken {
            let is_behind = seqs[other] < seqs[id];
            if answered < other_asked {
                inversions += usize::from(is_behind);
            } else if asked < other_asked {
                at_once += usize::from(is_behind);
            }
        }
    }
    eprintln!("{inversions} inversions; {at_once} among those who asked at once");
    assert_eq!(inversions, 0);
    is_faultless(&house).await;
}

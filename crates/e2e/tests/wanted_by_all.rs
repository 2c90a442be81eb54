//! A sale that everybody wants: more want units than there are, over several processes, with and without Redis; and who waits
//! in line is served in turn, whoever knocks.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::{StreamExt, future::join_all, stream};
use holdfast_domain::WaitlistStatus;
use holdfast_e2e::{Binary, Client, House, Process};
use holdfast_testkit::{Random, eventually, shard};
use serde_json::{Value, json};

/// How long a user waits who was told 503, or nothing.
const RETRY_WAIT: std::time::Duration = std::time::Duration::from_millis(50);

async fn event(client: &Client, title: &str, capacity: usize) -> String {
    let sections = json!([{ "name": "Stalls", "capacity": capacity }]);
    let body = json!({ "title": title, "event_date": "2027-06-15", "sections": sections });
    let made = client.user("organiser").post("/api/v1/events", &body).await.unwrap();
    assert_eq!(made.status, 201, "{made:?}");
    made.id().to_owned()
}

fn stalls(event: &str, quantity: u64) -> Value {
    json!({ "event_id": event, "section": "Stalls", "quantity": quantity })
}

/// The judge finds nothing in the log, nor in the tables.
async fn is_faultless(house: &House) {
    house.at_rest().await;
    assert_eq!(house.database.uneven().await, Vec::<String>::new());
    assert!(house.command(Binary::Holdfast, &["verify"]).await.success(), "verify found something");
}

/// So many are in line, and were served.
async fn line(house: &House) -> (i64, i64) {
    let counts = "
        SELECT count(*) FILTER (WHERE status = 'WAITING'), count(*) FILTER (WHERE status = 'OFFERED') FROM waitlist";
    let row = house.database.client().await.query_one(counts, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

/// Waits until so many were served in all; a slow machine has as long for each of them.
async fn served(house: &House, enough: i64) {
    let mut seen = 0;
    while seen < enough {
        seen = eventually("one more is served", async || {
            let (_, now) = line(house).await;
            (now > seen).then_some(now)
        })
        .await;
    }
}

/// Holds all of an event, a unit each; and then a thousand users take a place in line for one, two or three.
async fn sold_out_and_waited_for(clients: &[Client; 2], event: &str, units: usize) {
    let body = stalls(event, 1);
    let holds = (0..units).map(|taker| {
        let (client, body) = (clients[taker % 2].user(&format!("early-{taker}")), &body);
        async move { client.post("/api/v1/reservations", body).await.unwrap().status }
    });
    let held: Vec<u16> = stream::iter(holds).buffer_unordered(200).collect().await;
    assert!(held.iter().all(|status| *status == 201));
    let path = format!("/api/v1/events/{event}/waitlist");
    let joins = (0..1_000_usize).map(|number| {
        let client = clients[number % 2].user(&format!("waits-{number}"));
        let (path, body) = (&path, json!({ "section": "Stalls", "quantity": 1 + number % 3 }));
        async move { client.post(path, &body).await.unwrap() }
    });
    let joined: Vec<_> = stream::iter(joins).buffer_unordered(100).collect().await;
    assert!(joined.iter().all(|answer| answer.status == 201 && answer.body["status"] == "WAITING"));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_holds_lapse_at_once_while_a_thousand_wait_and_many_knock() {
    const PATIENT: &[(&str, &str)] = &[("CLOCK_MAX_SKEW_SECONDS", "86400"), ("HOLD_MINUTES", "60")];
    let house = House::new().await;
    let apis = [
        house.start_with(Binary::BookingApi, PATIENT).await,
        house.start_with(Binary::BookingApi, PATIENT).await,
    ];
    for api in &apis {
        api.until("ready").await;
    }
    let clients = apis.each_ref().map(Process::client);
    let (wanted, other) =
        (event(&clients[0], "Wanted", 10_000).await, event(&clients[0], "Other", 1_000_000).await);
    sold_out_and_waited_for(&clients, &wanted, 10_000).await;
    let body = stalls(&wanted, 1);

    let validator = house.start_with(Binary::Validator, PATIENT).await;
    validator.until("ready").await;
    let (is_over, elsewhere) = (AtomicBool::new(false), AtomicUsize::new(0));
    let knocks = (0..64_usize).map(|number| {
        let (clients, body, is_over) = (&clients, &body, &is_over);
        async move {
            let mut counts = [0_usize; 3];
            while !is_over.load(Ordering::Relaxed) {
                let answer = clients[number % 2]
                    .user(&format!("knocks-{number}"))
                    .post("/api/v1/reservations", body)
                    .await
                    .unwrap();
                let place = match answer.status {
                    201 => 0,
                    409 => 1,
                    _ => {
                        assert_eq!(
                            (answer.status, &answer.body["code"]),
                            (503, &json!("busy")),
                            "{answer:?}"
                        );
                        assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
                        2
                    }
                };
                counts[place] += 1;
            }
            counts
        }
    });
    // Whoever wants units of another event is not in their way, nor they in theirs.
    let others = (0..4_usize).map(|number| {
        let (client, body) = (clients[number % 2].user(&format!("elsewhere-{number}")), stalls(&other, 1));
        let (is_over, elsewhere) = (&is_over, &elsewhere);
        async move {
            while !is_over.load(Ordering::Relaxed) {
                let answer = client.post("/api/v1/reservations", &body).await.unwrap();
                match (answer.status, answer.body["code"].as_str()) {
                    (201, _) => drop(elsewhere.fetch_add(1, Ordering::Relaxed)),
                    (503, Some("busy")) => tokio::time::sleep(RETRY_WAIT).await,
                    _ => panic!("{answer:?}"),
                }
            }
        }
    });
    let lapse = async {
        let until = |count: usize| {
            let elsewhere = &elsewhere;
            async move {
                eventually("others are served", async || {
                    (elsewhere.load(Ordering::Relaxed) >= count).then_some(())
                })
                .await;
            }
        };
        until(20).await;
        house
            .database
            .sql("UPDATE heads SET at = (SELECT max(expires_at) FROM reservations) WHERE seq > 0")
            .await;
        let before = elsewhere.load(Ordering::Relaxed);
        served(&house, 1_000).await;
        assert_eq!(line(&house).await, (0, 1_000));
        let meanwhile = elsewhere.load(Ordering::Relaxed) - before;
        assert!(meanwhile >= 10, "{meanwhile} were served elsewhere meanwhile, over some fifty transactions");
        until(elsewhere.load(Ordering::Relaxed) + 20).await;
        is_over.store(true, Ordering::Relaxed);
    };
    let (knocked, _, ()) =
        tokio::join!(join_all(knocks.collect::<Vec<_>>()), join_all(others.collect::<Vec<_>>()), lapse);
    let sum = |place: usize| knocked.iter().map(|counts| counts[place]).sum::<usize>();
    eprintln!(
        "knocks: {} got units, {} sold out, {} busy; elsewhere {}",
        sum(0),
        sum(1),
        sum(2),
        elsewhere.load(Ordering::Relaxed)
    );
    assert!(sum(0) > 0, "nobody at the door was served");
    is_faultless(&house).await;
}

/// Somebody who wants one or two of the stalls: takes them if they are there, else waits in line; confirms what they get, or
/// lets it lapse, or gives it up; and again.
async fn wants(clients: &[Client], number: usize, event: &str, is_over: &AtomicBool) {
    let random = &mut Random::seeded(number as u64);
    let mut at = number;
    let name = format!("fan-{number}");
    let mut tried = async |method: &str, path: &str, body: &Value| loop {
        at += 1;
        let client = clients[at % clients.len()].user(&name);
        let answer = match method {
            "GET" => client.get(path).await,
            "DELETE" => client.delete(path).await,
            _ => client.post(path, body).await,
        };
        match answer {
            Ok(answer) if answer.status != 503 => break Some(answer),
            _ if is_over.load(Ordering::Relaxed) => break None,
            _ => tokio::time::sleep(RETRY_WAIT).await,
        }
    };
    let path = format!("/api/v1/events/{event}/waitlist");
    while !is_over.load(Ordering::Relaxed) {
        let quantity = 1 + random.below(2);
        let mut body = stalls(event, quantity);
        body["hold_seconds"] = (1 + random.below(2)).into();
        let Some(answer) = tried("POST", "/api/v1/reservations", &body).await else { return };
        let reservation = if answer.status == 201 {
            answer.id().to_owned()
        } else {
            let body = json!({ "quantity": quantity, "offer_seconds": 1 + random.below(2) });
            let Some(joined) = tried("POST", &path, &body).await else { return };
            assert!([201, 409].contains(&joined.status), "{joined:?}");
            if random.below(8) == 0 {
                let Some(left) = tried("DELETE", &path, &Value::Null).await else { return };
                if let Some(id) = left.body["reservation_id"].as_str() {
                    assert_eq!((left.status, &left.body["code"]), (409, &json!("already_offered")));
                    tried("DELETE", &format!("/api/v1/reservations/{id}"), &Value::Null).await;
                } else {
                    assert_eq!(left.status, 204, "{left:?}");
                }
                continue;
            }
            loop {
                let Some(place) = tried("GET", &path, &Value::Null).await else { return };
                assert_eq!(place.status, 200, "{place:?}");
                if let Some(id) = place.body["reservation_id"].as_str() {
                    break id.to_owned();
                }
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                tokio::time::sleep(RETRY_WAIT).await;
            }
        };
        let path = format!("/api/v1/reservations/{reservation}");
        match random.below(3) {
            0 => {
                let confirmed = tried("POST", &format!("{path}/confirm"), &json!({})).await;
                if confirmed.is_some_and(|answer| answer.status == 200) {
                    tried("DELETE", &path, &Value::Null).await;
                }
            }
            1 => drop(tried("DELETE", &path, &Value::Null).await),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_sell_in_turn_though_redis_is_gone_for_the_whole_sale_and_one_of_them_is_killed() {
    let taken =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap();
    let house = House::with_redis_at(&format!("redis://{taken}")).await;
    let lasting = house.start(Binary::BookingApi).await;
    let validator = house.start(Binary::Validator).await;
    for process in [&lasting, &validator] {
        process.until("degraded").await;
    }
    let event = event(&lasting.client(), "Wanted", 12).await;
    let more_are_served = async |more: i64| served(&house, line(&house).await.1 + more).await;
    for _ in 0..2 {
        let mortal = house.start(Binary::BookingApi).await;
        mortal.until("degraded").await;
        let is_over = AtomicBool::new(false);
        let clients = [lasting.client(), mortal.client()];
        let fans = (0..30).map(|number| wants(&clients, number, &event, &is_over));
        let sale = async {
            more_are_served(15).await;
            mortal.kill().await;
            more_are_served(15).await;
            is_over.store(true, Ordering::Relaxed);
        };
        tokio::join!(join_all(fans.collect::<Vec<_>>()), sale);
    }
    // The organiser closes the sale: nobody waits for ever.
    let closed = lasting
        .client()
        .user("organiser")
        .patch(&format!("/api/v1/events/{event}"), &json!({ "status": "CLOSED" }))
        .await
        .unwrap();
    assert_eq!(closed.status, 200, "{closed:?}");
    eventually("nobody waits", async || (line(&house).await.0 == 0).then_some(())).await;
    let log = house.database.log(shard()).await;
    let ended = log
        .iter()
        .filter_map(|change| change.fact.waitlist_entry())
        .filter(|entry| entry.state.status() == WaitlistStatus::Ended);
    eprintln!("{} served in turn, {} told that it was over", line(&house).await.1, ended.count());
    is_faultless(&house).await;
}

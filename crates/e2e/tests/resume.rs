//! Subscribers whose notifier dies under load, and who go on at another.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use holdfast_e2e::{Binary, Client, House, Socket};
use holdfast_testkit::eventually;
use serde_json::Value;
use tokio::task::JoinSet;

/// How many listen.
const SUBSCRIBERS: usize = 20;

/// How many book at once.
const BOOKERS: i64 = 4;

/// Books one hour after the other until told to stop; how many.
async fn book(client: Client, booker: i64, is_over: Arc<AtomicBool>) -> i64 {
    let mut count = 0;
    while !is_over.load(Ordering::Relaxed) {
        let (resource, hour) = (format!("Raum{booker}-{}", count / 100), count % 100 + 1);
        let answer = client.book(&resource, hour, hour + 1).await.unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
        count += 1;
    }
    count
}

/// The seqs of the changes among these, and the last position that they tell.
fn seqs(messages: &[Value], from: i64) -> (Vec<i64>, i64) {
    let seq = |message: &Value| message["seq"].as_i64().unwrap();
    assert!(messages.iter().all(|message| message["type"] != "resync"));
    let changes = messages.iter().filter(|message| message["type"] != "position").map(seq).collect();
    (changes, messages.last().map_or(from, seq))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_their_notifier_goes_on_at_another_and_misses_nothing_and_gets_nothing_twice() {
    let house = House::new().await;
    let (api, _validator) = (house.ready(Binary::BookingApi).await, house.ready(Binary::Validator).await);
    let (first, second) = (house.ready(Binary::Notifier).await, house.ready(Binary::Notifier).await);
    let mut listening = Vec::new();
    for _ in 0..SUBSCRIBERS {
        let mut socket = Socket::open(first.address(), "topic=all").await;
        listening.push(tokio::spawn(async move { (socket.from, socket.until_broken().await) }));
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let bookers: Vec<_> = (0..BOOKERS)
        .map(|booker| tokio::spawn(book(api.client().user("alice"), booker, Arc::clone(&is_over))))
        .collect();
    let grown = async |to: usize| {
        eventually("much is booked", async || (house.stream_seqs().len() > to).then_some(())).await;
        house.stream_seqs().len()
    };
    let length = grown(300).await;
    first.kill().await;
    grown(length + 300).await;
    // It has nothing in memory: what was missed comes from the stream.
    let third = house.ready(Binary::Notifier).await;

    let (mut back, mut reading) = (Vec::new(), JoinSet::new());
    for (number, listened) in listening.into_iter().enumerate() {
        let (from, messages) = listened.await.unwrap();
        let (told, cursor) = seqs(&messages, from);
        let address = if number % 2 == 0 { second.address() } else { third.address() };
        assert!(!told.is_empty(), "it was killed before it told anything");
        let mut socket = Socket::open(address, &format!("topic=all&after={cursor}")).await;
        assert_eq!(socket.from, cursor);
        // Read all the while: who does not read is cut off.
        let told = Arc::new(Mutex::new(told));
        let heard = Arc::clone(&told);
        reading.spawn(async move {
            loop {
                let message = socket.message().await;
                assert_ne!(message["type"], "resync");
                heard.lock().unwrap().push(message["seq"].as_i64().unwrap());
            }
        });
        back.push((from, told));
    }
    is_over.store(true, Ordering::Relaxed);
    let mut booked = 0;
    for booker in bookers {
        booked += booker.await.unwrap();
    }
    let last = house.at_rest().await.0.end().0;
    assert!(booked > 0 && last > booked);
    for (from, told) in back {
        let has_all = || told.lock().unwrap().last() == Some(&last);
        eventually("all that was missed is told", async || has_all().then_some(())).await;
        assert_eq!(*told.lock().unwrap(), (from + 1..=last).collect::<Vec<_>>());
    }
}

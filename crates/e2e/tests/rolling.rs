//! A rolling restart of everything under load: who tries once more, at the other process, is served, and who listens
//! misses nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use holdfast_e2e::{Answer, Binary, Client, House, Process, Socket};
use holdfast_testkit::eventually;
use serde_json::Value;
use tokio::time::sleep;
use uuid::Uuid;

/// How many book at once, each in a room of their own.
const BOOKERS: usize = 6;

/// How long each thinks between two bookings: whatever is told is held against the API's document, and a flood of it would
/// leave the clients no time to speak.
const THINKS: Duration = Duration::from_millis(40);

/// How many listen: half of them at each notifier.
const SUBSCRIBERS: usize = 4;

/// Bookings that are made between two restarts.
const BETWEEN: i64 = 20;

/// Two processes of a kind, each at an address that its successor changes.
struct Pair {
    binary: Binary,
    running: [Process; 2],
    doors: Arc<Mutex<[Client; 2]>>,
}

impl Pair {
    async fn start(house: &House, binary: Binary) -> Self {
        let running = [house.ready(binary).await, house.ready(binary).await];
        let doors = Arc::new(Mutex::new([running[0].client(), running[1].client()]));
        Self { binary, running, doors }
    }

    /// Stops one, and only then starts the next.
    async fn replace(&mut self, house: &House, which: usize) {
        let status = self.running[which].terminate().await;
        assert!(status.success(), "{}: {status}", self.binary.name());
        self.running[which] = house.ready(self.binary).await;
        self.doors.lock().unwrap()[which] = self.running[which].client();
    }
}

/// What the bookers have done.
#[derive(Default)]
struct Booked {
    is_over: AtomicBool,
    count: AtomicI64,
    retries: AtomicUsize,
}

impl Booked {
    /// Waits until this many more are made.
    async fn grows(&self, more: i64) {
        let enough = self.count.load(Ordering::Relaxed) + more;
        eventually("it is booked on", async || (self.count.load(Ordering::Relaxed) >= enough).then_some(()))
            .await;
    }
}

/// Books one hour after the other, at both doors in turn, and at the other one if that fails: once.
async fn book(number: usize, doors: Arc<Mutex<[Client; 2]>>, booked: Arc<Booked>) {
    let mut round = 0;
    while !booked.is_over.load(Ordering::Relaxed) {
        let (resource, hour) =
            (format!("Raum{number}-{}", round / 100), i64::try_from(round % 100).unwrap() + 1);
        let (user, key) = (format!("user{number}"), Uuid::now_v7().to_string());
        let at = async |door: usize| {
            let client = doors.lock().unwrap()[door % 2].clone();
            client.user(&user).header("Idempotency-Key", &key).book(&resource, hour, hour + 1).await
        };
        let mut answer = at(number + round).await;
        if is_gone(&answer) {
            booked.retries.fetch_add(1, Ordering::Relaxed);
            answer = at(number + round + 1).await;
        }
        let answer = answer.expect("an answer to the second try");
        assert_eq!(answer.status, 201, "{answer:?}");
        booked.count.fetch_add(1, Ordering::Relaxed);
        round += 1;
        sleep(THINKS).await;
    }
}

/// Whether the process is on its way out, or was.
fn is_gone(answer: &reqwest::Result<Answer>) -> bool {
    answer.as_ref().map_or(true, |answer| answer.status == 503 && answer.body["code"] == "stopping")
}

/// Someone who listens at a notifier, and goes to the other one when it sends them away.
struct Subscriber {
    from: i64,
    told: Vec<i64>,
    socket: Socket,
    at: usize,
}

impl Subscriber {
    async fn at(doors: &Mutex<[Client; 2]>, at: usize) -> Self {
        let address = doors.lock().unwrap()[at].address();
        let socket = Socket::open(address, "topic=all").await;
        Self { from: socket.from, told: Vec::new(), socket, at }
    }

    /// Hears what is told until its notifier goes, and goes on at the other.
    async fn moves(mut self, doors: &Mutex<[Client; 2]>) -> Self {
        let messages = self.socket.until_broken().await;
        assert!(messages.iter().all(|message| message["type"] != "resync"));
        let seq = |message: &Value| message["seq"].as_i64().unwrap();
        let cursor = messages.last().map_or(self.socket.from, seq);
        self.told.extend(messages.iter().filter(|message| message["type"] != "position").map(seq));
        self.at = 1 - self.at;
        let address = doors.lock().unwrap()[self.at].address();
        self.socket = Socket::open(address, &format!("topic=all&after={cursor}")).await;
        self
    }
}

/// Those who listen at this notifier hear on until it is gone, and are at the other then.
async fn all_move(
    subscribers: Vec<Subscriber>,
    notifiers: &mut Pair,
    house: &House,
    which: usize,
) -> Vec<Subscriber> {
    let doors = Arc::clone(&notifiers.doors);
    let moving: Vec<_> = subscribers
        .into_iter()
        .map(|subscriber| {
            let doors = Arc::clone(&doors);
            tokio::spawn(async move {
                if subscriber.at == which { subscriber.moves(&doors).await } else { subscriber }
            })
        })
        .collect();
    notifiers.replace(house, which).await;
    let mut moved = Vec::new();
    for subscriber in moving {
        moved.push(subscriber.await.unwrap());
    }
    moved
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_fails_no_request_with_one_retry_and_no_subscriber_misses_anything() {
    let house = House::new().await;
    let mut apis = Pair::start(&house, Binary::BookingApi).await;
    let mut validators = Pair::start(&house, Binary::Validator).await;
    let mut notifiers = Pair::start(&house, Binary::Notifier).await;
    let mut subscribers = Vec::new();
    for number in 0..SUBSCRIBERS {
        subscribers.push(Subscriber::at(&notifiers.doors, number % 2).await);
    }
    let booked = Arc::<Booked>::default();
    let bookers: Vec<_> = (0..BOOKERS)
        .map(|number| tokio::spawn(book(number, Arc::clone(&apis.doors), Arc::clone(&booked))))
        .collect();
    for which in [0, 1] {
        booked.grows(BETWEEN).await;
        apis.replace(&house, which).await;
        booked.grows(BETWEEN).await;
        validators.replace(&house, which).await;
        booked.grows(BETWEEN).await;
        subscribers = all_move(subscribers, &mut notifiers, &house, which).await;
    }
    booked.grows(BETWEEN).await;
    booked.is_over.store(true, Ordering::Relaxed);
    for booker in bookers {
        booker.await.unwrap();
    }
    let (log, report) = house.at_rest().await;
    let count = booked.count.load(Ordering::Relaxed);
    assert_eq!(report.grants, u64::try_from(count).unwrap(), "each is granted, once");
    let last = log.end().0;
    for Subscriber { from, mut told, mut socket, .. } in subscribers {
        told.extend(socket.seqs_up_to(last).await);
        assert_eq!(told, (from + 1..=last).collect::<Vec<_>>());
    }
    let retries = booked.retries.load(Ordering::Relaxed);
    assert!(retries > 0, "nobody noticed");
    eprintln!("{count} booked, {retries} of them at the second try");
}

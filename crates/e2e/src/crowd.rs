//! Many users at once over few resources: bookings that overlap, and some that are given up again.
//!
//! What each does is a function of its number, so that a failure can be had again as far as timing allows.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use holdfast_domain::BookingId;
use holdfast_testkit::eventually;
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

use crate::{Answer, Client, Ledger, Process, Told, booking};

/// What there is to book: narrow enough that most wants overlap others.
const RESOURCES: usize = 5;
const HOURS: usize = 96;
const LONGEST_HOURS: usize = 4;

/// Bookings that a user keeps; then the oldest, most often granted by now, makes room for those who wait.
const BOOKINGS_KEPT: usize = 3;

/// How many, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Users at once.
    pub users: usize,
    /// Bookings that each asks for.
    pub rounds: usize,
}

impl Plan {
    /// A crowd that goes on until somebody ends it: more rounds than a test has time for.
    pub const ENDLESS: Self = Self { users: 24, rounds: 10_000 };
}

/// How long a user who was told 503 waits.
const RETRY_WAIT: Duration = Duration::from_millis(50);

/// A crowd at work; it stops when it is dropped.
pub struct Crowd {
    ledger: Arc<Ledger>,
    is_over: Arc<AtomicBool>,
    seen: Arc<Seen>,
    users: JoinSet<()>,
}

/// What the users of a crowd have seen of its services.
#[derive(Debug, Default)]
pub struct Seen {
    /// Writes that got no answer at all.
    pub unanswered: AtomicUsize,
    /// Writes that were answered with 503.
    pub unavailable: AtomicUsize,
    /// The longest time that an answer took, in milliseconds.
    pub longest_millis: AtomicU64,
}

impl Seen {
    async fn note(&self, asked: Instant, answer: &reqwest::Result<Answer>) {
        let millis = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.longest_millis.fetch_max(millis, Ordering::Relaxed);
        match answer {
            Err(_) => {
                self.unanswered.fetch_add(1, Ordering::Relaxed);
            }
            Ok(answer) if answer.status == 503 => {
                self.unavailable.fetch_add(1, Ordering::Relaxed);
                sleep(RETRY_WAIT).await;
            }
            Ok(_) => {}
        }
    }
}

impl Crowd {
    /// Lets a crowd in, that spreads over these processes.
    pub fn start(plan: Plan, processes: &[&Process], ledger: &Arc<Ledger>) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::<Seen>::default();
        let clients: Vec<Client> = processes.iter().map(|process| process.client()).collect();
        let mut users = JoinSet::new();
        for number in 0..plan.users {
            let (ledger, seen) = (Arc::clone(ledger), Arc::clone(&seen));
            let user = User { number, clients: clients.clone(), ledger, seen };
            let is_over = Arc::clone(&is_over);
            users.spawn(async move {
                let mut held = VecDeque::new();
                for round in 0..plan.rounds {
                    if is_over.load(Ordering::Relaxed) || !user.act(round, &mut held).await {
                        return;
                    }
                }
            });
        }
        Self { ledger: Arc::clone(ledger), is_over, seen, users }
    }

    /// What it has seen so far, and goes on to see.
    pub fn seen(&self) -> Arc<Seen> {
        Arc::clone(&self.seen)
    }

    /// Waits until this many more writes were answered with 503.
    ///
    /// # Panics
    /// When they are not.
    pub async fn until_unavailable(&self, more: usize) {
        let unavailable = || self.seen.unavailable.load(Ordering::Relaxed);
        let enough = unavailable() + more;
        eventually("the crowd is told to come back", async || (unavailable() >= enough).then_some(())).await;
    }

    /// Waits until this many more writes were answered with 2xx: the crowd is at full work.
    ///
    /// # Panics
    /// When it does not come that far.
    pub async fn until_done(&self, more: usize) {
        let enough = self.ledger.count(Told::Done) + more;
        eventually("the crowd gets on", async || (self.ledger.count(Told::Done) >= enough).then_some(()))
            .await;
    }

    /// Waits until all have left: their rounds are over, or somebody got no answer.
    ///
    /// # Panics
    /// When one of them failed.
    pub async fn left(mut self) {
        while let Some(user) = self.users.join_next().await {
            user.unwrap();
        }
    }

    /// Sends everybody home, and waits until they have left.
    pub async fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.left().await;
    }
}

struct User {
    number: usize,
    clients: Vec<Client>,
    ledger: Arc<Ledger>,
    seen: Arc<Seen>,
}

impl User {
    /// A booking, a move of another, and the cancel of the oldest when there are enough. Whether there was an answer to
    /// each: who gets none leaves.
    async fn act(&self, round: usize, held: &mut VecDeque<BookingId>) -> bool {
        let turn = mixed(self.number, round);
        let resource = format!("Raum{}", turn % RESOURCES);
        let from = i64::try_from(turn / 8 % HOURS).expect("small");
        let until = from + 1 + i64::try_from(turn / 1_024 % LONGEST_HOURS).expect("small");
        let (client, request_id) = self.client(round);
        let asked = Instant::now();
        let answer = client.book(&resource, from, until).await;
        self.seen.note(asked, &answer).await;
        match self.ledger.created(&request_id, &answer) {
            Some(booking) => held.push_back(booking),
            None => return answer.is_ok(),
        }
        if let Some(latest) = held.iter().nth_back(1).filter(|_| turn.is_multiple_of(3)) {
            let (client, request_id) = self.client(round + 1);
            let mut change = booking(&resource, until, until + 2);
            change.as_object_mut().unwrap().remove("resource");
            change["title"] = request_id.clone().into();
            let asked = Instant::now();
            let answer = client.put(&format!("/api/v1/bookings/{latest}"), &change).await;
            self.seen.note(asked, &answer).await;
            self.ledger.updated(&request_id, *latest, &answer);
            if answer.is_err() {
                return false;
            }
        }
        let Some(oldest) = (held.len() > BOOKINGS_KEPT).then(|| held.pop_front()).flatten() else {
            return true;
        };
        // Through another process, if there is one.
        let (client, request_id) = self.client(round + 1);
        let asked = Instant::now();
        let answer = client.delete(&format!("/api/v1/bookings/{oldest}")).await;
        self.seen.note(asked, &answer).await;
        self.ledger.cancelled(&request_id, oldest, &answer);
        answer.is_ok()
    }

    fn client(&self, turn: usize) -> (Client, String) {
        let request_id = Uuid::now_v7().to_string();
        let client = &self.clients[(self.number + turn) % self.clients.len()];
        (client.user(&format!("user{}", self.number)).request_id(&request_id), request_id)
    }
}

/// A number that looks like chance, and is the same at each run.
fn mixed(number: usize, round: usize) -> usize {
    let seed = (number * 10_007 + round + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (seed ^ (seed >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 20
}

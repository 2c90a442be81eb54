//! Many users at once over the units of one event: they hold, confirm, give up, or let it lapse; and what each was told is
//! written down, to be held against the log.
//!
//! What each does is a function of its number, so that a failure can be had again as far as timing allows.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use holdfast_domain::{Fact, ReservationId, ReservationStatus};
use holdfast_testkit::{Random, eventually};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

use crate::{Answer, Client, Log, Process};

/// How long a user waits who was told 503, or nothing.
const RETRY_WAIT: Duration = Duration::from_millis(50);

/// How often they try the same again, each time elsewhere.
const TRIES: usize = 100;

/// What users were told.
#[derive(Debug, Default)]
pub struct Told {
    /// The last state that was told of each reservation.
    states: HashMap<ReservationId, ReservationStatus>,
    /// Holds that were refused for want of units.
    pub refused: usize,
    /// Requests that got no answer, or 503, and were tried again.
    pub again: usize,
    /// Requests that were given up, and what became of them is not known.
    pub given_up: usize,
}

/// A crowd of users at work; it stops when it is dropped.
pub struct Buyers {
    is_over: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    told: Arc<Mutex<Told>>,
    users: JoinSet<()>,
}

impl Buyers {
    /// So many users want units of `event` by bodies that `wish` makes of chance, over all of `processes` in turn.
    pub fn start(users: usize, event: &str, wish: fn(&mut Random) -> Value, processes: &[&Process]) -> Self {
        let clients: Vec<Client> = processes.iter().map(|process| process.client()).collect();
        let (is_over, done, told) = <(Arc<AtomicBool>, Arc<AtomicUsize>, Arc<Mutex<Told>>)>::default();
        let mut crowd = JoinSet::new();
        for number in 0..users {
            let user = User {
                clients: clients.clone(),
                at: number,
                name: format!("user-{number}"),
                event: event.to_owned(),
                told: Arc::clone(&told),
            };
            let (is_over, done) = (Arc::clone(&is_over), Arc::clone(&done));
            let mut random = Random::seeded(number as u64);
            crowd.spawn(async move {
                let mut user = user;
                while !is_over.load(Ordering::Relaxed) {
                    user.buy(wish(&mut random), &mut random).await;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self { is_over, done, told, users: crowd }
    }

    /// Waits until so many more have been served, one way or the other.
    pub async fn until_done(&self, more: usize) {
        let enough = self.done.load(Ordering::Relaxed) + more;
        eventually("more is done", async || (self.done.load(Ordering::Relaxed) >= enough).then_some(()))
            .await;
    }

    /// Has everybody finish what they are about; what they were told.
    ///
    /// # Panics
    /// When one of them did.
    pub async fn end(mut self) -> Told {
        self.is_over.store(true, Ordering::Relaxed);
        while let Some(user) = self.users.join_next().await {
            user.expect("a user who fails fails the test");
        }
        std::mem::take(&mut *self.told.lock().expect("no panic"))
    }
}

struct User {
    clients: Vec<Client>,
    at: usize,
    name: String,
    event: String,
    told: Arc<Mutex<Told>>,
}

impl User {
    /// Holds units and does something with them, or nothing until they are over.
    async fn buy(&mut self, mut wish: Value, random: &mut Random) {
        wish["event_id"] = self.event.as_str().into();
        let key = Uuid::now_v7().to_string();
        let Some(held) = self.tried("/api/v1/reservations", Some(&wish), &key).await else { return };
        if held.status != 201 {
            assert_eq!(held.status, 409, "{held:?}");
            self.told.lock().expect("no panic").refused += 1;
            return;
        }
        let id: ReservationId = held.id().parse().expect("an id");
        {
            let mut told = self.told.lock().expect("no panic");
            told.states.insert(id, ReservationStatus::Hold);
        }
        // The same again is the same.
        if random.below(4) == 0
            && let Some(again) = self.tried("/api/v1/reservations", Some(&wish), &key).await
        {
            assert_eq!((again.status, again.id()), (201, held.id()), "{again:?}");
        }
        let path = format!("/api/v1/reservations/{id}");
        let (status, done) = match random.below(4) {
            0 | 1 => {
                let key = Uuid::now_v7().to_string();
                let confirmed = self.tried(&format!("{path}/confirm"), Some(&json!({})), &key).await;
                let done = confirmed.is_some_and(|answer| self.is_done(&answer, 200, "hold_expired"));
                (ReservationStatus::Confirmed, done)
            }
            2 => {
                let released = self.tried(&path, None, &Uuid::now_v7().to_string()).await;
                (ReservationStatus::Cancelled, released.is_some_and(|answer| self.is_done(&answer, 204, "")))
            }
            _ => return,
        };
        if done {
            self.told.lock().expect("no panic").states.insert(id, status);
            // Some give back what they had confirmed, so that the event does not run out of units.
            if status == ReservationStatus::Confirmed && random.below(3) > 0 {
                let released = self.tried(&path, None, &Uuid::now_v7().to_string()).await;
                if released.is_some_and(|answer| answer.status == 204) {
                    self.told.lock().expect("no panic").states.insert(id, ReservationStatus::Cancelled);
                }
            }
        }
    }

    fn is_done(&self, answer: &Answer, status: u16, refusal: &str) -> bool {
        let is_done = answer.status == status;
        assert!(is_done || answer.body["code"] == refusal, "{}: {answer:?}", self.name);
        is_done
    }

    /// The answer to a write that is tried until there is one, each time at another process; none when there never is.
    async fn tried(&mut self, path: &str, body: Option<&Value>, key: &str) -> Option<Answer> {
        for _ in 0..TRIES {
            self.at += 1;
            let client = &self.clients[self.at % self.clients.len()];
            let client = client.user(&self.name).header("Idempotency-Key", key);
            let answer = match body {
                Some(body) => client.post(path, body).await,
                None => client.delete(path).await,
            };
            match answer {
                Ok(answer) if answer.status != 503 => return Some(answer),
                _ => self.told.lock().expect("no panic").again += 1,
            }
            sleep(RETRY_WAIT).await;
        }
        self.told.lock().expect("no panic").given_up += 1;
        None
    }
}

impl Told {
    /// What others were told besides.
    pub fn extend(&mut self, other: Self) {
        self.states.extend(other.states);
        self.refused += other.refused;
        self.again += other.again;
        self.given_up += other.given_up;
    }

    /// Holds what was told against the log, which has nothing else: each hold has one effect, which is there, and nothing that
    /// was confirmed or given up came to another end. How many reservations were looked at.
    ///
    /// # Panics
    /// When the log contradicts an answer.
    pub fn agrees_with(&self, log: &Log) -> usize {
        let mut held: HashMap<ReservationId, usize> = HashMap::new();
        let mut last: HashMap<ReservationId, ReservationStatus> = HashMap::new();
        for change in log.changes() {
            let Some(reservation) = change.fact.reservation() else { continue };
            if matches!(change.fact, Fact::ReservationHeld { .. }) {
                *held.entry(reservation.id).or_default() += 1;
            }
            last.insert(reservation.id, reservation.state.status());
        }
        // A second effect of a key would be a hold that nobody was told of. Whose answer is not known may have one.
        let untold = held.keys().filter(|id| !self.states.contains_key(id)).count();
        assert!(untold <= self.given_up, "{untold} holds of which nobody was told");
        for (id, told) in &self.states {
            assert_eq!(held.get(id), Some(&1), "the hold of {id}");
            let is = last[id];
            let agrees = match told {
                ReservationStatus::Hold => true,
                told => {
                    is == *told || is == ReservationStatus::Cancelled && *told == ReservationStatus::Confirmed
                }
            };
            assert!(agrees, "{id} was told to be {told:?} and is {is:?}");
        }
        self.states.len()
    }
}

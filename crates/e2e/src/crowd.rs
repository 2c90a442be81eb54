//! Many users at once over few resources: bookings that overlap, and some that are given up again.
//!
//! What each does is a function of its number, so that a failure can be had again as far as timing allows.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use holdfast_testkit::eventually;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{Client, Ledger, Process, Told};

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

/// A crowd at work; it stops when it is dropped.
pub struct Crowd {
    ledger: Arc<Ledger>,
    is_over: Arc<AtomicBool>,
    users: JoinSet<()>,
}

impl Crowd {
    /// Lets a crowd in, that spreads over these processes.
    pub fn start(plan: Plan, processes: &[&Process], ledger: &Arc<Ledger>) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let clients: Vec<Client> = processes.iter().map(|process| process.client()).collect();
        let mut users = JoinSet::new();
        for number in 0..plan.users {
            let user = User { number, clients: clients.clone(), ledger: Arc::clone(ledger) };
            let is_over = Arc::clone(&is_over);
            users.spawn(async move {
                for round in 0..plan.rounds {
                    if is_over.load(Ordering::Relaxed) || !user.act(round).await {
                        return;
                    }
                }
            });
        }
        Self { ledger: Arc::clone(ledger), is_over, users }
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
}

impl User {
    /// A booking, and for some its cancel. Whether there was an answer to each: who gets none leaves.
    async fn act(&self, round: usize) -> bool {
        let turn = self.number * 7 + round * 5;
        let resource = format!("Raum{}", turn % 5);
        let from = i64::try_from(turn * 13 % 200).expect("small");
        let until = from + 1 + i64::try_from(turn % 4).expect("small");
        let (client, request_id) = self.client(turn);
        let answer = client.book(&resource, from, until).await;
        let Some(booking) = self.ledger.created(&request_id, &answer) else {
            return answer.is_ok();
        };
        if turn.is_multiple_of(3) {
            return true;
        }
        // Through another process, if there is one.
        let (client, request_id) = self.client(turn + 1);
        let answer = client.delete(&format!("/api/v1/bookings/{booking}")).await;
        self.ledger.cancelled(&request_id, booking, &answer);
        answer.is_ok()
    }

    fn client(&self, turn: usize) -> (Client, String) {
        let request_id = Uuid::now_v7().to_string();
        let client = &self.clients[turn % self.clients.len()];
        (client.user(&format!("user{}", self.number)).request_id(&request_id), request_id)
    }
}

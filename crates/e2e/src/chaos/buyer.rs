//! Somebody who takes units of events: holds them, and confirms, extends, gives back or forgets what is held; or stands in line
//! for them, and takes what is offered, or lets it go to the next.

use std::{
    collections::VecDeque,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use holdfast_domain::{EventId, Reservation, ReservationId, Units};
use serde_json::Value;

use super::{
    asker::Asker,
    doors::Doors,
    history::{Asked, Part},
    journal::History,
    wish::{STALLS, STANDING, Wish, neighbours},
};

/// How many events there are.
pub(super) const EVENTS: usize = 2;

/// Reservations that a buyer keeps confirmed; then the oldest makes room.
const KEPT: usize = 5;

/// Holds that a buyer has in mind; then the oldest is left to lapse.
const IN_MIND: usize = 3;

/// The longest hold, in seconds.
const LONGEST: u64 = 5;

/// Somebody who takes units.
pub(super) struct Buyer {
    asker: Asker,
    events: Vec<EventId>,
    held: VecDeque<Held>,
    /// Those whose seats are locked, for longer than a run may wait.
    locked: Vec<ReservationId>,
    kept: VecDeque<ReservationId>,
}

struct Held {
    id: ReservationId,
    units: Vec<Units>,
}

/// Has somebody announce the events.
pub(super) async fn announce(seed: u64, doors: &Arc<Doors>, history: &Arc<History>) -> Vec<EventId> {
    let mut host = Asker::new("host", seed, doors, history);
    let mut events = Vec::new();
    for _ in 0..EVENTS {
        let title = host.title();
        let made = host.perform(Asked::Announce { title }).await.expect("nothing is broken yet");
        events.push(id_of(&made.body["id"]).expect("an event's id"));
    }
    events
}

impl Buyer {
    pub(super) fn new(asker: Asker, events: &[EventId]) -> Self {
        let (held, locked, kept) = Default::default();
        Self { asker, events: events.to_vec(), held, locked, kept }
    }

    /// Takes units until told to stop; what is locked is given back then.
    pub(super) async fn work(mut self, is_over: Arc<AtomicBool>) {
        while !is_over.load(Ordering::Relaxed) {
            self.act().await;
            self.asker.think(60).await;
        }
        for reservation in std::mem::take(&mut self.locked) {
            self.asker.perform(Asked::Release { reservation }).await;
        }
    }

    async fn act(&mut self) {
        if self.kept.len() > KEPT {
            let reservation = self.kept.pop_front().expect("it keeps some");
            self.asker.perform(Asked::Release { reservation }).await;
            return;
        }
        while self.held.len() > IN_MIND {
            self.held.pop_front();
        }
        let turn = self.asker.random.below(13);
        match (turn, self.held.pop_front()) {
            (0..3, Some(held)) => self.confirm(held).await,
            (3, Some(held)) => self.extend(held).await,
            (4, Some(held)) => {
                self.asker.perform(Asked::Release { reservation: held.id }).await;
            }
            (5..7, held) => {
                self.held.extend(held);
                self.lock().await;
            }
            (10..12, held) => {
                self.held.extend(held);
                self.wait().await;
            }
            (12, held) => {
                self.held.extend(held);
                let event = self.event();
                self.asker.perform(Asked::Leave { event }).await;
            }
            (_, held) => {
                self.held.extend(held);
                self.hold().await;
            }
        }
    }

    async fn hold(&mut self) {
        let (event, hold_seconds) = (self.event(), self.seconds());
        let wish = Wish::drawn(&mut self.asker.random);
        if let Some(done) = self.asker.perform(Asked::Hold { event, wish, hold_seconds }).await {
            self.held.extend(held(&done.body));
        }
    }

    /// Takes a place in line. What is offered at once is held like anything else; what is offered later lapses.
    async fn wait(&mut self) {
        let (event, offer_seconds) = (self.event(), i32::try_from(self.seconds()).expect("a few"));
        let section = [None, Some(STANDING), Some(STALLS)][self.asker.one_of(3)];
        let quantity = 1 + i32::try_from(self.asker.random.below(4)).expect("a few");
        let asked = Asked::Wait { event, section, quantity, offer_seconds };
        let Some(done) = self.asker.perform(asked).await else { return };
        if let Some(id) = id_of(&done.body["reservation_id"]) {
            self.held.push_back(Held { id, units: Vec::new() });
        }
    }

    async fn confirm(&mut self, held: Held) {
        let part = self.part(&held.units);
        let reservation = held.id;
        let asked = Asked::Confirm { reservation, part };
        let Some(done) = self.asker.perform(asked).await else { return };
        self.kept.push_back(reservation);
        if let Some(rest) = id_of(&done.body["rest"]) {
            // What it has is not told; that is enough to confirm, extend or release it whole.
            self.held.push_back(Held { id: rest, units: Vec::new() });
        }
        // Another key, and nothing left to do.
        if self.asker.random.below(6) == 0 {
            self.asker.perform(Asked::Confirm { reservation, part: Part::All }).await;
        }
    }

    async fn extend(&mut self, held: Held) {
        let hold_seconds = self.seconds();
        if self.asker.perform(Asked::Extend { reservation: held.id, hold_seconds }).await.is_some() {
            self.held.push_back(held);
        }
    }

    /// Locks seats by a call or two, and confirms some of them, or leaves it at that.
    async fn lock(&mut self) {
        let event = self.event();
        let mut seats = Vec::new();
        for _ in 0..=self.asker.random.below(2) {
            let more = neighbours(&mut self.asker.random);
            let asked = Asked::Lock { event, seats: more.clone() };
            let Some(done) = self.asker.perform(asked).await else { continue };
            self.locked.extend(id_of::<ReservationId>(&done.body["reservation_id"]));
            seats.extend(more);
        }
        seats.sort_unstable();
        seats.dedup();
        if seats.is_empty() || self.asker.random.below(4) == 0 {
            return;
        }
        seats.truncate(1 + self.asker.one_of(seats.len()));
        if let Some(done) = self.asker.perform(Asked::ConfirmSeats { event, seats }).await {
            let id = id_of(&done.body["id"]).expect("a reservation's id");
            self.locked.retain(|locked| *locked != id);
            self.locked.extend(id_of::<ReservationId>(&done.body["rest"]));
            self.kept.push_back(id);
        }
        // Few are locked at a time, so that others get seats, too.
        while self.locked.len() > IN_MIND {
            let reservation = self.locked.remove(0);
            self.asker.perform(Asked::Release { reservation }).await;
        }
    }

    /// All of it, or what can be parted from it.
    fn part(&mut self, units: &[Units]) -> Part {
        let seats: Vec<String> =
            units.iter().flat_map(|units| &units.seats).map(ToString::to_string).collect();
        let quantity: i32 = units.iter().map(|units| units.quantity).sum();
        match (self.asker.random.below(4), units) {
            (0, _) if !seats.is_empty() => Part::Seats(seats[..=self.asker.one_of(seats.len())].to_vec()),
            (1, [_]) => {
                let fewer = self.asker.random.below(quantity.unsigned_abs().into());
                Part::Quantity(1 + i32::try_from(fewer).expect("fewer than there are"))
            }
            _ => Part::All,
        }
    }

    fn event(&mut self) -> EventId {
        self.events[self.asker.one_of(self.events.len())]
    }

    fn seconds(&mut self) -> i64 {
        1 + i64::try_from(self.asker.random.below(LONGEST)).expect("a few")
    }
}

fn held(body: &Value) -> Option<Held> {
    let Reservation { id, units, .. } = serde_json::from_value(body.clone()).ok()?;
    Some(Held { id, units })
}

fn id_of<T: FromStr>(value: &Value) -> Option<T> {
    value.as_str()?.parse().ok()
}

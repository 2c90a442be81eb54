//! Those who listen during a run: each in another way, to something else.

use std::{sync::Arc, time::Duration};

use holdfast_domain::{Caller, EventId, ResourceId, Seq, UserId};
use holdfast_testkit::Random;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout_at},
};

use super::{doors::Doors, history::Feed, journal::History, line::Means, subscriber::Subscriber};

/// Who listens, by name.
pub(super) struct Audience {
    cursors: Vec<(String, watch::Receiver<Option<Seq>>)>,
    /// Where the log ends, once it does: who has all up to there goes home.
    pub(super) end: watch::Sender<Option<Seq>>,
    pub(super) tasks: JoinSet<()>,
}

impl Audience {
    /// Has everybody begin to listen; some of them to these resources and events.
    pub(super) fn gather(
        seed: u64,
        resources: &[ResourceId],
        events: &[EventId],
        doors: &Arc<Doors>,
        history: &Arc<History>,
    ) -> Self {
        let mut audience = Self { cursors: Vec::new(), end: watch::Sender::default(), tasks: JoinSet::new() };
        let who = |name: &str| Caller::open(UserId::parse(name).ok());
        let of = |name: &str, caller: Caller, resources: &[ResourceId], is_all: bool| Feed {
            name: name.to_owned(),
            caller,
            resources: resources.to_vec(),
            events: Vec::new(),
            is_all,
            heard: Vec::new(),
        };
        let of_event = |name: &str, caller: Caller, event: usize| Feed {
            events: vec![events[event]],
            ..of(name, caller, &[], false)
        };
        let feeds = [
            (of("own", who("user0"), &[], false), Means::Socket),
            (of("own, by events", who("user1"), &[], false), Means::Events),
            (of("a resource", Caller::open(None), &resources[..1], false), Means::Socket),
            (of("own and a resource", who("user2"), &resources[1..2], false), Means::Events),
            (of("own units", who("buyer0"), &[], false), Means::Socket),
            (of_event("an event", Caller::open(None), 0), Means::Socket),
            (of_event("own and an event", who("buyer1"), 1), Means::Events),
            (of("all", Caller::open(None), &[], true), Means::Socket),
            (of("all, by events", Caller::open(None), &[], true), Means::Events),
            (of("all, slowly", who("user3"), &[], true), Means::SmallSocket),
        ];
        for (number, (feed, means)) in (100..).zip(feeds) {
            let name = feed.name.clone();
            let end = audience.end.subscribe();
            let random = Random::seeded(seed ^ number);
            let subscriber = Subscriber::new(feed, means, random, doors, history, &end);
            // Who reads slowly is behind for as long as they do.
            if means != Means::SmallSocket {
                audience.cursors.push((name, subscriber.cursor()));
            }
            audience.tasks.spawn(subscriber.listen());
        }
        audience
    }

    /// Who has not got so far in time, and how far they have.
    pub(super) async fn late(&mut self, end: Seq, wait: Duration) -> Vec<(String, Option<Seq>)> {
        let until = Instant::now() + wait;
        let mut late = Vec::new();
        for (name, cursor) in &mut self.cursors {
            let reached = cursor.wait_for(|cursor| *cursor >= Some(end));
            if timeout_at(until, reached).await.is_err() {
                late.push((name.clone(), *cursor.borrow()));
            }
        }
        late
    }
}

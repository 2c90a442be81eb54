//! A subscriber that does what the README tells subscribers: it goes on after the last position that it was told, at
//! whichever notifier takes it.

use std::{sync::Arc, time::Duration};

use holdfast_domain::Seq;
use holdfast_testkit::Random;
use serde_json::Value;
use tokio::{sync::watch, time::sleep};

use super::{
    doors::{Doors, Who},
    history::{Feed, Heard},
    journal::History,
    line::{Line, Means},
};
use crate::Client;

/// A slow reader takes so many messages, and then a rest.
const BETWEEN_RESTS: u64 = 40;
const REST: Duration = Duration::from_millis(1_500);

/// Somebody who listens.
pub(super) struct Subscriber {
    number: usize,
    query: String,
    means: Means,
    api: Client,
    random: Random,
    doors: Arc<Doors>,
    history: Arc<History>,
    /// Everything up to here was told, or excused; nothing before the first hello.
    cursor: watch::Sender<Option<Seq>>,
    /// Where the log ends, once it does.
    end: watch::Receiver<Option<Seq>>,
}

impl Subscriber {
    pub(super) fn new(
        feed: Feed,
        means: Means,
        random: Random,
        doors: &Arc<Doors>,
        history: &Arc<History>,
        end: &watch::Receiver<Option<Seq>>,
    ) -> Self {
        let query = query(&feed);
        let api = Client::new(([127, 0, 0, 1], 0).into());
        let api = feed.caller.user.iter().fold(api, |api, user| api.user(user.as_str()));
        Self {
            number: history.listens(feed),
            query,
            means,
            random,
            api,
            doors: Arc::clone(doors),
            history: Arc::clone(history),
            cursor: watch::Sender::default(),
            end: end.clone(),
        }
    }

    /// How far it has got.
    pub(super) fn cursor(&self) -> watch::Receiver<Option<Seq>> {
        self.cursor.subscribe()
    }

    /// Listens, and comes back, until it has everything up to the log's end.
    pub(super) async fn listen(mut self) {
        while !self.has_all() {
            let notifier = Who::notifier(usize::from(self.random.below(2) == 1));
            if let Some(address) = self.doors.of(notifier) {
                let after = *self.cursor.borrow();
                if let Ok(line) = Line::open(self.means, address, &self.query, after).await {
                    let reason = self.hear(line, after).await;
                    self.hears(Heard::Broken(format!("{notifier}: {reason}")));
                }
            }
            sleep(Duration::from_millis(50 + self.random.below(200))).await;
        }
    }

    /// Until the line breaks, or it has all; why.
    async fn hear(&mut self, mut line: Line, after: Option<Seq>) -> String {
        let mut count = 0;
        while !self.has_all() {
            let message = match line.next().await {
                Ok(message) => message,
                Err(reason) => return reason,
            };
            let seq = message.seq;
            let heard = match message.kind.as_str() {
                "hello" => Heard::Hello { after, seq },
                "position" => Heard::Position(seq),
                "resync" => Heard::Resync(seq),
                _ => Heard::Told { seq, text: self.history.text(&message.text) },
            };
            let had = *self.cursor.borrow();
            let is_resync = matches!(heard, Heard::Resync(_));
            self.hears(heard);
            if let Some(had) = had.filter(|had| is_resync && *had < seq) {
                self.reload(had, seq).await;
            }
            self.cursor.send_replace(if is_resync { Some(seq) } else { had.max(Some(seq)) });
            count += 1;
            if self.means == Means::SmallSocket && count % BETWEEN_RESTS == 0 && self.end.borrow().is_none() {
                sleep(REST).await;
            }
        }
        "it has all".to_owned()
    }

    /// Reads at an API what there was after a position, up to another at least.
    async fn reload(&mut self, after: Seq, least: Seq) {
        let (mut until, mut changes) = (after, Vec::new());
        while until < least {
            let api = Who::api(usize::from(self.random.below(2) == 1));
            match self.page(api, until).await {
                Some((mut page, read_to)) => {
                    changes.append(&mut page);
                    until = read_to;
                }
                None => sleep(Duration::from_millis(50 + self.random.below(200))).await,
            }
        }
        self.hears(Heard::Reloaded { after, until, changes });
    }

    async fn page(&self, api: Who, after: Seq) -> Option<(Vec<Value>, Seq)> {
        let path = format!("/api/v1/changes?after={after}&limit=1000");
        let answer = self.api.at(self.doors.of(api)?).get(&path).await.ok()?;
        let read_to = answer.headers.get("x-log-seq")?.to_str().ok()?.parse().ok()?;
        Some((answer.body.as_array()?.clone(), Seq(read_to)))
    }

    fn has_all(&self) -> bool {
        self.end.borrow().is_some_and(|end| Some(end) <= *self.cursor.borrow())
    }

    fn hears(&self, heard: Heard) {
        self.history.hears(self.number, heard);
    }
}

fn query(feed: &Feed) -> String {
    let user = feed.caller.user.iter().map(|user| format!("user_id={user}"));
    let resources = feed.resources.iter().map(|resource| format!("resource={resource}"));
    let events = feed.events.iter().map(|event| format!("event={event}"));
    let all = feed.is_all.then(|| "topic=all".to_owned());
    user.chain(resources).chain(events).chain(all).collect::<Vec<_>>().join("&")
}

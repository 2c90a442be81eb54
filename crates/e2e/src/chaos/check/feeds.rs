//! What a subscriber heard, held against the log: all of what they may see and asked for, in order, as the log has it.

use std::{borrow::Cow, collections::HashSet};

use holdfast_domain::{Change, Seq, visible, visible::Visible};
use serde_json::Value;

use super::{Breach, Rule};
use crate::chaos::history::{Feed, Heard, Record};

/// What one subscriber heard, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heed {
    /// The subscriber.
    pub name: String,
    /// Connections.
    pub connections: usize,
    /// Changes that there were for them, from the first hello on.
    pub due: usize,
    /// How many of those they were told.
    pub told: usize,
    /// How often they were told one that they had: only when they were set back by a reload.
    pub duplicates: usize,
    /// How often they were told to reload.
    pub resyncs: usize,
}

/// Goes through what was heard, in order.
struct Judge<'a> {
    log: &'a [Record],
    feed: &'a Feed,
    /// Everything up to here was told, or excused; nothing before the first hello.
    cursor: Option<Seq>,
    told: HashSet<Seq>,
    heed: Heed,
    breaches: Vec<Breach>,
}

/// Holds what was heard until the end of the log against it.
pub(super) fn heed(log: &[Record], feed: &Feed) -> (Heed, Vec<Breach>) {
    let heed = Heed { name: feed.name.clone(), ..Heed::default() };
    let mut judge = Judge { log, feed, cursor: None, told: HashSet::new(), heed, breaches: Vec::new() };
    feed.heard.iter().for_each(|heard| judge.hear(heard));
    let end = log.last().map(|record| record.change.seq).unwrap_or_default();
    let first = feed.heard.iter().find_map(|heard| match heard {
        Heard::Hello { seq, .. } => Some(*seq),
        _ => None,
    });
    judge.up_to(end);
    if judge.cursor > Some(end) {
        judge
            .breach(Rule::InOrder, &format!("the log ends at {end}, and the position is {:?}", judge.cursor));
    }
    // Set back before their first hello, they are told what was never due.
    judge.heed.told = judge.told.iter().filter(|seq| first < Some(**seq)).count();
    judge.heed.due = first.map_or(0, |first| judge.between(first, end).count());
    (judge.heed, judge.breaches)
}

impl<'a> Judge<'a> {
    fn hear(&mut self, heard: &Heard) {
        match heard {
            Heard::Hello { after, seq } => {
                self.heed.connections += 1;
                match (self.cursor, after) {
                    (None, None) => self.cursor = Some(*seq),
                    (Some(_), Some(after)) if after == seq => {}
                    _ => self.breach(Rule::InOrder, &format!("asked to go on after {after:?}, got {seq}")),
                }
            }
            Heard::Told { seq, text } => self.tell(*seq, text),
            Heard::Position(seq) => {
                if Some(*seq) < self.cursor {
                    self.breach(Rule::InOrder, &format!("the position {seq} is before what was told"));
                }
                self.up_to(*seq);
            }
            Heard::Resync(seq) => {
                self.heed.resyncs += 1;
                self.cursor = Some(*seq);
            }
            Heard::Reloaded { after, until, changes } => self.reload(*after, *until, changes),
            Heard::Broken(_) => {}
        }
    }

    fn tell(&mut self, seq: Seq, text: &str) {
        let index = usize::try_from(seq.0 - 1).ok();
        let Some(record) = index.and_then(|index| self.log.get(index)) else {
            return self.breach(Rule::AsLogged, &format!("seq {seq} is not in the log: {text}"));
        };
        if !self.is_theirs(record) {
            self.breach(Rule::NotTheirs, &format!("seq {seq} is none of theirs: {text}"));
        }
        let logged = self.text_of(record);
        if logged != text {
            self.breach(Rule::AsLogged, &format!("seq {seq} is told as {text}, and the log has {logged}"));
        }
        if Some(seq) <= self.cursor {
            self.breach(Rule::InOrder, &format!("seq {seq} comes after {:?}", self.cursor));
        }
        self.up_to(seq.previous());
        self.heed.duplicates += usize::from(!self.told.insert(seq));
        self.cursor = self.cursor.max(Some(seq));
    }

    /// The API must have told them everything that they may see, whatever they asked the notifiers for.
    fn reload(&mut self, after: Seq, until: Seq, changes: &[Value]) {
        let read = |value: &Value| value["seq"].as_i64().unwrap_or_default();
        let logged = self.span(after, until).iter().filter(|record| self.may_see(record));
        let is_all = logged.clone().map(|record| record.change.seq.0).eq(changes.iter().map(read));
        let is_true = logged.zip(changes).all(|(record, value)| {
            serde_json::from_str::<Value>(&self.text_of(record)).is_ok_and(|logged| logged == *value)
        });
        if !is_all {
            self.breach(
                Rule::Missed,
                &format!("reloading from {after} to {until} gave {} changes", changes.len()),
            );
        } else if !is_true {
            self.breach(Rule::AsLogged, &format!("reloading from {after} to {until} gave something else"));
        }
    }

    /// Everything of theirs up to this must have been told.
    fn up_to(&mut self, seq: Seq) {
        let Some(cursor) = self.cursor else {
            return self.breach(Rule::InOrder, &format!("{seq} comes before a hello"));
        };
        let missed: Vec<Seq> = self.between(cursor, seq).collect();
        if let (Some(first), Some(last)) = (missed.first(), missed.last()) {
            let what = format!("{} changes from {first} to {last} by the time of {seq}", missed.len());
            self.breach(Rule::Missed, &what);
        }
        self.cursor = self.cursor.max(Some(seq));
    }

    /// The seqs after one up to another that are theirs.
    fn between(&self, after: Seq, until: Seq) -> impl Iterator<Item = Seq> {
        let theirs = self.span(after, until).iter().filter(|record| self.is_theirs(record));
        theirs.map(|record| record.change.seq)
    }

    /// The log after one up to another.
    fn span(&self, after: Seq, until: Seq) -> &'a [Record] {
        let index = |seq: Seq| usize::try_from(seq.0).unwrap_or_default().min(self.log.len());
        &self.log[index(after)..index(until).max(index(after))]
    }

    fn is_theirs(&self, record: &Record) -> bool {
        is_asked_for(self.feed, &record.change) && self.may_see(record)
    }

    fn may_see(&self, record: &Record) -> bool {
        visible(&record.change, &self.feed.caller).is_some()
    }

    /// A change as far as they may see it.
    fn text_of(&self, record: &'a Record) -> Cow<'a, str> {
        match visible(&record.change, &self.feed.caller) {
            Some(Visible::Cut(cut)) => serde_json::to_string(&cut).expect("a change is JSON").into(),
            Some(Visible::Whole(_)) | None => Cow::from(&record.text),
        }
    }

    fn breach(&mut self, rule: Rule, what: &str) {
        self.breaches.push(Breach::of(rule, format!("{}: {what}", self.feed.name)));
    }
}

/// What the README says a subscriber hears of, said here once more.
fn is_asked_for(feed: &Feed, change: &Change) -> bool {
    let booker = change.fact.booking().map(|booking| &booking.user_id);
    let holder = change.fact.reservation().map(|reservation| &reservation.user_id);
    let waits = change.fact.waitlist_entry().map(|entry| &entry.user_id);
    let owner = booker.or(holder).or(waits);
    let others = change.fact.conflicting().iter().map(|conflict| &conflict.user_id);
    feed.is_all
        || change.fact.resource_id().is_some_and(|resource| feed.resources.contains(&resource))
        || change.fact.event_id().is_some_and(|event| feed.events.contains(&event))
        || owner.into_iter().chain(&change.actor).chain(others).any(|user| feed.caller.is(user))
}

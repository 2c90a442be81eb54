//! A small run that is true, and what is broken when one thing of it is not: the control of each rule.

mod feeds;
mod refusals;
mod sale;
mod units;
mod writes;

use std::{collections::HashMap, sync::Arc, time::Duration};

use holdfast_domain::{
    Availability, Booking, BookingId, Caller, Change, Claim, Conflict, DEFAULT_TENANT, DEFAULT_VENUE, Event,
    Fact, RequestId, Reservation, ReservationId, Resource, ResourceId, ResourceName, Section, SectionId, Seq,
    Status, Title, Trace, UserId, rules::BookingLimits, visible,
};
use holdfast_testkit::{hours, now};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Rule, check};
use crate::{
    Told,
    chaos::{
        history::{Asked, Feed, Heard, Operation, Record, Try},
        rest::Rest,
    },
};

const ROOM: ResourceId = ResourceId::from_u128(7);

/// A run: what was logged, asked and heard.
struct Run {
    log: Vec<Record>,
    operations: Vec<Operation>,
    rest: Rest,
    feeds: Vec<Feed>,
}

fn booking(id: u128, user: &str, rank: i64, (from, to): (i64, i64), at: OffsetDateTime) -> Booking {
    Booking {
        id: BookingId::from_u128(id),
        resource_id: ROOM,
        resource: ResourceName::parse("Raum1").unwrap(),
        venue_id: DEFAULT_VENUE,
        user_id: UserId::parse(user).unwrap(),
        claim: Claim::want(hours(from, to), Seq(rank), at, time::Duration::minutes(15)),
        title: Title::parse(user).ok(),
        note: None,
        version: 1,
        created_at: at,
        updated_at: at,
    }
}

fn record(seq: i64, request_id: &str, fact: Fact, at: OffsetDateTime) -> Record {
    let user = request_id.split('-').next().and_then(|user| UserId::parse(user).ok());
    let trace = Trace { request_id: RequestId::parse(request_id).ok(), traceparent: None };
    let change = Change { tenant_id: DEFAULT_TENANT, seq: Seq(seq), at, actor: user, trace, fact };
    Record { text: serde_json::to_string(&change).unwrap(), change }
}

/// What came of a request at this second, and is answered within the next.
fn attempt(request_id: &str, second: u64, told: Told, body: Value) -> Try {
    Try {
        request_id: request_id.to_owned(),
        api: 0,
        asked_at: Duration::from_secs(second),
        told_at: Some(Duration::from_secs(second + 1)),
        told,
        status: if told == Told::Done { 200 } else { 409 },
        body,
        is_replay: false,
    }
}

fn operation(key: &str, asked: Asked, tries: Vec<Try>) -> Operation {
    let user = key.split('-').next().unwrap().to_owned();
    Operation { user, key: key.to_owned(), asked, tries }
}

impl Run {
    /// Alice books and gives up; Bob, who wants the same, is told of her, gets it after her, and moves. One write was
    /// refused, one was never answered.
    fn new() -> Self {
        let at = now();
        let room = Resource {
            id: ROOM,
            venue_id: DEFAULT_VENUE,
            name: ResourceName::parse("Raum1").unwrap(),
            limits: BookingLimits::default(),
            version: 1,
            created_at: at,
            updated_at: at,
        };
        let (alices, bobs) = (booking(1, "alice", 2, (1, 3), at), booking(2, "bob", 3, (2, 4), at));
        let granted = |booking: &Booking| booking.with(booking.claim.grant().unwrap(), at);
        let (alice_has, bob_has) = (granted(&alices), granted(&bobs));
        let given_up = alice_has.with(alice_has.claim.cancel().unwrap(), at);
        let claim = bob_has.claim.ask(hours(5, 6), Seq(8), at, at, time::Duration::minutes(15)).unwrap();
        let moved = bob_has.with(claim, at);
        let met = Conflict {
            id: alices.id,
            resource_id: ROOM,
            user_id: alices.user_id.clone(),
            range: hours(1, 3),
            status: Status::Pending,
        };
        let body = |booking: &Booking, user: &str| {
            json!(visible::booking(booking, &Caller::open(UserId::parse(user).ok())))
        };
        let create = |name: &str, (from, to)| Asked::Create {
            resource: "Raum1".to_owned(),
            range: hours(from, to),
            title: name.to_owned(),
        };
        let told = |name: &str, booking: &Booking, second, told| {
            attempt(name, second, told, body(booking, name.split('-').next().unwrap()))
        };
        let mut again = told("bob-1.1", &bobs, 4, Told::Done);
        again.is_replay = true;
        let (done, nothing) = (Told::Done, Told::Nothing);
        let move_it = Asked::Move { booking: bobs.id, range: hours(5, 6), title: "bob".to_owned() };
        let cancel = Asked::Cancel { booking: alices.id };
        let operations = vec![
            operation("alice-0", create("alice", (1, 3)), vec![told("alice-0.0", &alices, 0, done)]),
            operation("bob-1", create("bob", (2, 4)), vec![told("bob-1.0", &bobs, 2, done), again]),
            operation(
                "alice-2",
                cancel,
                vec![
                    attempt("alice-2.0", 6, nothing, Value::Null),
                    attempt("alice-2.1", 8, done, Value::Null),
                ],
            ),
            operation("bob-3", move_it, vec![told("bob-3.0", &moved, 10, done)]),
            operation(
                "bob-4",
                create("bob", (8, 9)),
                vec![attempt("bob-4.0", 12, Told::Refused, Value::Null)],
            ),
            operation("bob-5", create("bob", (8, 9)), vec![attempt("bob-5.0", 14, nothing, Value::Null)]),
        ];
        let conflict =
            Fact::BookingConflict { booking: bobs.clone(), conflicting: vec![met], conflict_count: 1 };
        let log = vec![
            record(1, "alice-0.0", Fact::ResourceCreated { resource: room }, at),
            record(2, "alice-0.0", Fact::BookingCreated { booking: alices }, at),
            record(3, "bob-1.0", Fact::BookingCreated { booking: bobs }, at),
            record(4, "bob-1.0", conflict, at),
            record(5, "", Fact::BookingValidated { booking: alice_has }, at),
            record(6, "alice-2.1", Fact::BookingDeleted { booking: given_up }, at),
            record(7, "", Fact::BookingValidated { booking: bob_has }, at),
            record(8, "bob-3.0", Fact::BookingUpdated { booking: moved.clone(), range_changed: true }, at),
            record(9, "", Fact::BookingValidated { booking: granted(&moved) }, at),
        ];
        let feeds = vec![
            listener("all", Caller::open(None), true, false, &log, &[1, 2, 3, 4, 5, 6, 7, 8, 9]),
            listener("room", Caller::open(None), false, true, &log, &[1, 2, 3, 4, 5, 6, 7, 8, 9]),
            listener(
                "alice",
                Caller::open(UserId::parse("alice").ok()),
                false,
                false,
                &log,
                &[1, 2, 4, 5, 6],
            ),
        ];
        Self { rest: shown(&log), log, operations, feeds }
    }

    /// The rules that it breaks.
    fn broken(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        for fault in check(&self.log, &self.operations, &self.rest, &self.feeds).breaches {
            if !rules.contains(&fault.rule) {
                rules.push(fault.rule);
            }
        }
        rules
    }

    fn tried(&mut self, operation: usize, number: usize) -> &mut Try {
        &mut self.operations[operation].tries[number]
    }

    /// Everybody hears what is in the log, and is due to them.
    fn listen_again(mut self) -> Self {
        for feed in &mut self.feeds {
            feed.heard.retain(|heard| !matches!(heard, Heard::Told { .. } | Heard::Position(_)));
            let theirs =
                self.log.iter().filter(|record| feed.name != "alice" || record.text.contains("alice"));
            feed.heard.extend(theirs.map(|record| tell(record.change.seq.0, &record.text)));
        }
        self
    }

    /// The log without this change, the rest of it numbered anew.
    fn without(mut self, seq: usize) -> Self {
        self.log.remove(seq - 1);
        self.numbered()
    }

    /// The log with this change a second time, at its end.
    fn doubled(mut self, seq: usize) -> Self {
        self.log.push(self.log[seq - 1].clone());
        self.numbered()
    }

    fn numbered(mut self) -> Self {
        for (seq, record) in (1..).zip(&mut self.log) {
            record.change.seq = Seq(seq);
            record.text = serde_json::to_string(&record.change).unwrap();
        }
        self.rest = shown(&self.log);
        self.listen_again()
    }
}

/// What there is as the log leaves it.
fn shown(log: &[Record]) -> Rest {
    let facts = || log.iter().map(|record| &record.change.fact);
    let bookings: HashMap<BookingId, &Booking> =
        facts().filter_map(|fact| fact.booking()).map(|booking| (booking.id, booking)).collect();
    let bookings =
        bookings.values().map(|booking| json!(visible::booking(booking, &Caller::open(None)))).collect();
    let reservations: HashMap<ReservationId, &Reservation> =
        facts().filter_map(|fact| fact.reservation()).map(|it| (it.id, it)).collect();
    let reservations = reservations.values().map(|it| {
        let mut shown = json!(it);
        (shown["reservation_id"], shown["booking_id"]) = (json!(it.id), json!(it.id));
        shown["expires_in_ms"] = Value::Null;
        shown
    });
    let left: HashMap<SectionId, Availability> =
        facts().flat_map(Fact::sections).map(|left| (left.section_id, *left)).collect();
    let section = |section: &Section| {
        let none_taken = Availability::new(section.id, section.capacity, 0, 0);
        let mut shown = json!(left.get(&section.id).unwrap_or(&none_taken));
        shown["id"] = json!(section.id);
        shown
    };
    let event = |event: &Event| json!({ "sections": event.sections.iter().map(section).collect::<Vec<_>>() });
    let events = facts().filter_map(|fact| fact.event()).map(event).collect();
    Rest { bookings, reservations: reservations.collect(), events, ..Rest::default() }
}

fn listener(name: &str, caller: Caller, is_all: bool, of_room: bool, log: &[Record], seqs: &[i64]) -> Feed {
    let resources = if of_room { vec![ROOM] } else { Vec::new() };
    let mut heard = vec![Heard::Hello { after: None, seq: Seq(0) }];
    heard.extend(seqs.iter().map(|seq| tell(*seq, &log[usize::try_from(*seq - 1).unwrap()].text)));
    heard.push(Heard::Position(Seq(i64::try_from(log.len()).unwrap())));
    Feed { name: name.to_owned(), caller, resources, events: Vec::new(), is_all, heard }
}

fn tell(seq: i64, text: &str) -> Heard {
    Heard::Told { seq: Seq(seq), text: Arc::from(text) }
}

fn heard(change: impl FnOnce(&mut Vec<Heard>)) -> Vec<Rule> {
    let mut run = Run::new();
    change(&mut run.feeds[0].heard);
    run.broken()
}

fn broken(change: impl FnOnce(&mut Run)) -> Vec<Rule> {
    let mut run = Run::new();
    change(&mut run);
    run.broken()
}

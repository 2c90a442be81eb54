//! The row `decision`: how long it takes from when a booking was due to be sent to its `booking_validated` on a socket, with
//! so many due in a second, whatever became of those before. The wants are spread so that each fits; one validator and one
//! notifier run as processes of their own. Valid when each booking that was taken was told as granted, once, and the socket
//! was told all of the log, in order. No peer.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::{Duration, Instant},
};

use crate::{
    database::Fresh,
    error::Error,
    figures::{Latencies, number},
    log::Log,
    pace::Pace,
    request::{Choice, Draw, Requests},
    rounds::Bench,
    service::Service,
    sockets::{
        account::Account,
        crowd::{Crowd, LOOK_EVERY},
        message::{BookingId, Kind, Message, booking_id},
        writer::{self, Writer},
    },
    sustained::drain,
    told::{Aim, Told},
};

/// Milliseconds, of 99 in 100.
const AIM: Aim = Aim::Under(50.0);

/// Connections that bookings are sent over: enough that one is free whenever one is due.
const CONNECTIONS: usize = 64;

/// How long what is underway at the end may take.
const REST_MAX: Duration = Duration::from_secs(30);

/// # Errors
/// When it can't be measured: a socket that is closed is one reason.
pub(crate) fn measure(bench: &Bench<'_>) -> Result<Told, Error> {
    let database = bench.database()?;
    let mut services = [
        bench.services.start("holdfast-booking-api", &database)?,
        bench.services.start("holdfast-validator", &database)?,
        bench.services.notifier(database.name())?,
    ];
    let choice = Choice { draw: Draw::Distinct, ..bench.choice(0) };
    let api = services[0].address;
    let requests = writer::book(api, writer::requests(choice, api), CONNECTIONS, 0, bench.stop)?;
    if !drain(bench, &database, REST_MAX)? {
        return Err(Error::Load("what named the resources was not decided".into()));
    }
    let told = load(bench, &database, &services, requests).map_err(|error| services[2].blame(error))?;
    for service in &mut services {
        service.check()?;
    }
    Ok(told)
}

fn load(
    bench: &Bench<'_>,
    database: &Fresh<'_>,
    services: &[Service; 3],
    requests: Requests,
) -> Result<Told, Error> {
    let [api, _, notifier] = services.each_ref().map(|service| service.address);
    let within = (REST_MAX, bench.stop);
    Crowd::await_position(notifier, Log::read(database)?.seq, within)?;
    let mut crowd = Crowd::open(notifier, ["/api/v1/ws?topic=all".to_owned()])?;
    let mut book = Book::new()?;
    if !crowd.until(&mut book, within, Book::hear, |book| book.account.has_begun)? {
        return Err(Error::Load("the socket was not told hello".into()));
    }
    let mut writer = Writer::open(api, requests, CONNECTIONS, (crowd.registry(), crowd.len()))?;
    let started = Instant::now();
    book.counted_from = started + bench.settings.warm_up();
    let until = book.counted_from + bench.settings.counted();
    let mut pace = Pace::new(started, bench.settings.decisions_per_second);
    loop {
        bench.stop.check()?;
        let now = Instant::now();
        while !pace.is_past(until)
            && let Some(due) = pace.due(now)
            && writer.send(due)?
        {
            pace.sent();
        }
        let is_over = pace.is_past(until) && writer.is_quiet() && book.is_whole();
        if is_over || now > until + REST_MAX {
            break;
        }
        // The socket's and the connections' turn to note come one after the other, and both need the book.
        let mut taken = Vec::new();
        crowd.turn(
            pace.wait(now, LOOK_EVERY),
            |number, message, at| book.hear(number, message, at),
            |number| {
                if let Some((due, answer)) = writer.ready(number)? {
                    taken.push((due, booking_id(answer), Instant::now()));
                }
                Ok(())
            },
        )?;
        for (due, id, at) in taken {
            book.take(due, id, at);
        }
    }
    let log = Log::read(database)?;
    crowd.until(&mut book, within, Book::hear, |book| book.is_at(log.seq))?;
    Ok(book.told(bench, writer.taken, &log))
}

/// What is known of a booking.
#[derive(Debug, Clone, Copy)]
enum Known {
    /// It was taken; when it was due.
    Taken(Instant),
    /// It was told as granted, before its own answer was read; when.
    Granted(Instant),
    Both,
}

/// The bookings, and what the one socket was told of them.
struct Book {
    bookings: HashMap<BookingId, Known>,
    account: Account,
    /// Of which not both is known.
    half: usize,
    /// Told as granted again, or without an id.
    strange: u64,
    /// Bookings that were due before are not counted.
    counted_from: Instant,
    decisions: Latencies,
    answers: Latencies,
}

impl Book {
    fn new() -> Result<Self, Error> {
        Ok(Self {
            bookings: HashMap::new(),
            account: Account::default(),
            half: 0,
            strange: 0,
            counted_from: Instant::now(),
            decisions: Latencies::new()?,
            answers: Latencies::new()?,
        })
    }

    /// Notes that a booking was taken, which was due at `due`.
    fn take(&mut self, due: Instant, id: Option<BookingId>, now: Instant) {
        if due >= self.counted_from {
            self.answers.record(now - due);
        }
        self.know(id, Known::Taken(due));
    }

    fn hear(&mut self, _: usize, message: &Message<'_>, _: i64) {
        self.account.note(message, Some(self.account.last + 1));
        if message.kind == Kind::BookingValidated {
            self.know(message.booking(), Known::Granted(Instant::now()));
        }
    }

    fn know(&mut self, id: Option<BookingId>, news: Known) {
        let Some(id) = id else {
            self.strange += 1;
            return;
        };
        match self.bookings.entry(id) {
            Entry::Vacant(place) => {
                place.insert(news);
                self.half += 1;
            }
            Entry::Occupied(mut place) => match (*place.get(), news) {
                (Known::Taken(due), Known::Granted(at)) | (Known::Granted(at), Known::Taken(due)) => {
                    if due >= self.counted_from {
                        self.decisions.record(at - due);
                    }
                    place.insert(Known::Both);
                    self.half -= 1;
                }
                _ => self.strange += 1,
            },
        }
    }

    /// Whether each that was taken was told as granted, and the other way round.
    fn is_whole(&self) -> bool {
        self.half == 0
    }

    fn is_at(&self, seq: u64) -> bool {
        u64::try_from(self.account.last) == Ok(seq)
    }

    fn told(&self, bench: &Bench<'_>, taken: u64, log: &Log) -> Told {
        let mut told = Told::default();
        let seconds = bench.settings.counted().as_secs_f64();
        told.add("decided", "bookings/s", number(self.decisions.count()) / seconds);
        told.add_latencies(&self.decisions, Some(AIM));
        told.add("p50 of the answer to the request", "ms", self.answers.percentile_millis(50.0));
        told.add("p99 of the answer to the request", "ms", self.answers.percentile_millis(99.0));
        told.faults.extend(self.account.faults.told());
        told.demand(self.is_whole() && self.bookings.len() as u64 == taken, || {
            let known = self.bookings.len();
            format!("{taken} were taken, {known} were told of, {} were not both", self.half)
        });
        told.demand(self.strange == 0, || format!("{} were told twice or without an id", self.strange));
        told.demand(self.is_at(log.seq), || "the socket was not told all of the log".to_owned());
        told.demand(log.is_without_gaps(), || "the log has gaps".to_owned());
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: BookingId = *b"019a6f3e-5b1c-7d2e-8f4a-6b7c8d9e0f1a";

    /// A book in which the one booking was due now, and granted 20 ms later; in this order of news, or the other.
    fn book(granted_first: bool) -> Book {
        let mut book = Book::new().unwrap();
        let due = book.counted_from;
        let granted = Known::Granted(due + Duration::from_millis(20));
        if granted_first {
            book.know(Some(ID), granted);
        }
        book.take(due, Some(ID), due + Duration::from_millis(30));
        assert_eq!(book.is_whole(), granted_first);
        if !granted_first {
            book.know(Some(ID), granted);
        }
        book
    }

    #[test]
    fn a_grant_is_timed_from_when_the_booking_was_due_whichever_is_heard_of_first() {
        for granted_first in [true, false] {
            let book = book(granted_first);
            assert!(book.is_whole() && book.strange == 0);
            assert_eq!((book.decisions.count(), book.answers.count()), (1, 1));
            assert!((book.decisions.longest_millis() - 20.0).abs() < 0.1);
        }
    }

    #[test]
    fn a_grant_that_is_told_twice_or_of_nobodys_booking_is_found() {
        let mut twice = book(false);
        twice.know(Some(ID), Known::Granted(Instant::now()));
        assert_eq!(twice.strange, 1);
        let mut foreign = book(false);
        foreign.know(Some([b'0'; 36]), Known::Granted(Instant::now()));
        assert!(!foreign.is_whole());
    }

    #[test]
    fn what_was_due_in_the_warm_up_is_not_counted() {
        let mut book = Book::new().unwrap();
        let due = book.counted_from;
        book.counted_from = due + Duration::from_secs(1);
        book.take(due, Some(ID), due);
        book.know(Some(ID), Known::Granted(due));
        assert!(book.is_whole());
        assert_eq!((book.decisions.count(), book.answers.count()), (0, 0));
    }
}

//! What all sockets of a fan-out have been told: each change at each of them, once and in order, and how long after it
//! happened.

use std::collections::VecDeque;

use crate::{
    error::Error,
    figures::Latencies,
    sockets::{
        account::{Account, Faults},
        message::{Kind, Message},
    },
};

/// A change that not everybody has been told.
#[derive(Debug)]
struct Underway {
    at_micros: i64,
    is_booking: bool,
    /// How many have not.
    left: usize,
}

/// The accounts of all sockets, and what is on its way to them.
#[derive(Debug)]
pub(crate) struct Ledger {
    accounts: Vec<Account>,
    underway: VecDeque<Underway>,
    /// The seq of the first of those.
    first: i64,
    /// Sockets that have been told hello.
    begun: usize,
    /// Bookings that everybody has been told.
    pub(crate) told_bookings: u64,
    /// From the change's `at` to its receipt, of each message while [`is_counting`](Self::is_counting).
    pub(crate) latencies: Latencies,
    pub(crate) is_counting: bool,
    pub(crate) faults: Faults,
}

impl Ledger {
    /// # Errors
    /// Never.
    pub(crate) fn new(sockets: usize) -> Result<Self, Error> {
        Ok(Self {
            accounts: vec![Account::default(); sockets],
            underway: VecDeque::new(),
            first: 0,
            begun: 0,
            told_bookings: 0,
            latencies: Latencies::new()?,
            is_counting: false,
            faults: Faults::default(),
        })
    }

    /// Notes what a socket was told at `now`, in microseconds since 1970.
    pub(crate) fn hear(&mut self, number: usize, message: &Message<'_>, now: i64) {
        let account = &mut self.accounts[number];
        let next = account.last + 1;
        if account.note(message, Some(next)) {
            self.deliver(message, now);
        } else {
            self.faults += std::mem::take(&mut account.faults);
        }
        if message.kind == Kind::Hello {
            self.begun += 1;
            // They begin while nothing happens; should they not, those that begin late are found to have missed it.
            self.first = if self.begun == 1 { message.seq + 1 } else { self.first.min(message.seq + 1) };
        }
    }

    fn deliver(&mut self, message: &Message<'_>, now: i64) {
        let everybody = self.accounts.len();
        let place = usize::try_from(message.seq - self.first).unwrap_or(usize::MAX);
        if place == self.underway.len() {
            let at_micros = message.at_micros().unwrap_or(now);
            let is_booking = message.kind == Kind::BookingCreated;
            self.underway.push_back(Underway { at_micros, is_booking, left: everybody });
        }
        let Some(change) = self.underway.get_mut(place) else {
            self.faults.foreign += 1;
            return;
        };
        if self.is_counting {
            self.latencies.record_micros(u64::try_from(now - change.at_micros).unwrap_or(0));
        }
        change.left -= 1;
        // Each socket hears in order, so the first is done first.
        while let Some(change) = self.underway.pop_front_if(|change| change.left == 0) {
            self.first += 1;
            self.told_bookings += u64::from(change.is_booking);
        }
    }

    /// Whether every socket has been told hello.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun == self.accounts.len()
    }

    /// Whether every socket has been told all up to `seq`, and nothing after it.
    pub(crate) fn is_at(&self, seq: u64) -> bool {
        self.accounts.iter().all(|account| u64::try_from(account.last) == Ok(seq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "1970-01-01T00:00:01Z";

    fn hear(ledger: &mut Ledger, number: usize, kind: &str, seq: i64, now: i64) {
        let text = format!(r#"{{"type":"{kind}","seq":{seq},"at":"{AT}"}}"#);
        ledger.hear(number, &Message::parse(text.as_bytes()).unwrap(), now);
    }

    /// Two sockets that have been told hello at 6, and 7 and 8.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::new(2).unwrap();
        ledger.is_counting = true;
        for number in 0..2 {
            hear(&mut ledger, number, "hello", 6, 0);
        }
        for (number, seq) in [(0, 7), (0, 8), (1, 7), (1, 8)] {
            hear(&mut ledger, number, "booking_created", seq, 1_002_000);
        }
        ledger
    }

    #[test]
    fn what_both_were_told_once_is_done_and_timed_from_when_it_happened() {
        let ledger = ledger();
        assert!(ledger.has_begun() && ledger.is_at(8) && !ledger.is_at(9));
        assert_eq!((ledger.told_bookings, ledger.latencies.count()), (2, 4));
        assert!((ledger.latencies.longest_millis() - 2.0).abs() < 0.01);
        assert!(ledger.faults.is_none());
    }

    #[test]
    fn a_gap_a_double_and_a_resync_at_one_socket_are_faults_of_all() {
        let faults = |kind, seq| {
            let mut ledger = ledger();
            hear(&mut ledger, 1, kind, seq, 0);
            ledger.faults
        };
        assert_eq!(faults("booking_created", 10), Faults { missed: 1, ..Faults::default() });
        assert_eq!(faults("booking_created", 8), Faults { doubled: 1, ..Faults::default() });
        assert_eq!(faults("resync", 8), Faults { resyncs: 1, ..Faults::default() });
        assert!(faults("booking_created", 9).is_none());
    }

    #[test]
    fn what_one_of_them_was_not_told_is_not_done() {
        let mut ledger = ledger();
        hear(&mut ledger, 0, "booking_created", 9, 0);
        assert_eq!((ledger.told_bookings, ledger.is_at(9), ledger.faults.is_none()), (2, false, true));
    }
}

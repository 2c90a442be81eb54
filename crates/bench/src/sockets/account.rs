//! What one socket has been told, held against what it should have been: each once, and in order.

use std::ops::AddAssign;

use crate::sockets::message::{Kind, Message};

/// What must not happen, and how often it did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Something else was told in the place of what should have come; also a position past it.
    pub(crate) missed: u64,
    /// Told again, or after what comes later.
    pub(crate) doubled: u64,
    /// Something that was not asked for.
    pub(crate) foreign: u64,
    /// The client was told to ask anew.
    pub(crate) resyncs: u64,
}

impl Faults {
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Each kind that there was, in words.
    pub(crate) fn told(&self) -> Vec<String> {
        let Self { missed, doubled, foreign, resyncs } = *self;
        let counts =
            [("missed", missed), ("doubled", doubled), ("not asked for", foreign), ("resync", resyncs)];
        counts.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}")).collect()
    }
}

impl AddAssign for Faults {
    fn add_assign(&mut self, other: Self) {
        self.missed += other.missed;
        self.doubled += other.doubled;
        self.foreign += other.foreign;
        self.resyncs += other.resyncs;
    }
}

/// One socket's.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Account {
    /// The last change that it was told, or the seq of the hello.
    pub(crate) last: i64,
    /// How many changes it was told.
    pub(crate) told: usize,
    /// The last position that it was told.
    pub(crate) position: Option<i64>,
    pub(crate) faults: Faults,
    pub(crate) has_begun: bool,
}

impl Account {
    /// Notes a message, where `next` is the change that should come; nothing when no more should. Whether the message is
    /// that change.
    pub(crate) fn note(&mut self, message: &Message<'_>, next: Option<i64>) -> bool {
        let Message { kind, seq, .. } = *message;
        match kind {
            Kind::Hello => {
                self.has_begun = true;
                self.last = seq;
            }
            Kind::Position => {
                self.position = Some(seq);
                // It says that all up to here has been told.
                self.faults.missed += u64::from(next.is_some_and(|next| next <= seq));
            }
            Kind::Resync => self.faults.resyncs += 1,
            Kind::BookingCreated | Kind::BookingValidated | Kind::Change => {
                let is_next = next == Some(seq) && self.has_begun;
                if seq <= self.last {
                    self.faults.doubled += 1;
                    return false;
                }
                match next {
                    Some(next) if next < seq => self.faults.missed += 1,
                    _ => self.faults.foreign += u64::from(!is_next),
                }
                self.last = seq;
                self.told += 1;
                return is_next;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes messages of a socket that is to hear of every change.
    fn of_all(texts: &[(&str, i64)]) -> Account {
        let mut account = Account::default();
        for (kind, seq) in texts {
            let text = format!(r#"{{"type":"{kind}","seq":{seq}}}"#);
            let next = Some(account.last + 1);
            account.note(&Message::parse(text.as_bytes()).unwrap(), next);
        }
        account
    }

    const BEGIN: [(&str, i64); 3] = [("hello", 4), ("booking_created", 5), ("booking_conflict", 6)];

    fn with(more: &[(&str, i64)]) -> Faults {
        of_all(&[&BEGIN, more].concat()).faults
    }

    #[test]
    fn changes_that_come_once_and_in_order_are_no_fault() {
        let account = of_all(&BEGIN);
        assert_eq!((account.last, account.told, account.faults), (6, 2, Faults::default()));
        assert!(with(&[("position", 6), ("booking_created", 7), ("position", 7)]).is_none());
    }

    #[test]
    fn a_gap_a_double_and_a_resync_are_faults() {
        assert_eq!(with(&[("booking_created", 8)]), Faults { missed: 1, ..Faults::default() });
        assert_eq!(with(&[("booking_created", 6)]), Faults { doubled: 1, ..Faults::default() });
        assert_eq!(with(&[("resync", 6)]), Faults { resyncs: 1, ..Faults::default() });
    }

    #[test]
    fn a_position_past_what_was_told_is_a_miss() {
        assert_eq!(with(&[("position", 7)]), Faults { missed: 1, ..Faults::default() });
    }

    #[test]
    fn what_is_not_on_the_list_is_foreign_and_what_is_passed_over_is_missed() {
        let noted = |seqs: &[i64]| {
            let (list, mut account) = ([3, 9], Account::default());
            account.note(&Message::parse(br#"{"type":"hello","seq":0}"#).unwrap(), list.first().copied());
            for seq in seqs {
                let text = format!(r#"{{"type":"booking_created","seq":{seq}}}"#);
                let next = list.get(account.told).copied();
                account.note(&Message::parse(text.as_bytes()).unwrap(), next);
            }
            account.faults
        };
        assert!(noted(&[3, 9]).is_none());
        assert_eq!(noted(&[2]), Faults { foreign: 1, ..Faults::default() });
        assert_eq!(noted(&[9]), Faults { missed: 1, ..Faults::default() });
        assert_eq!(noted(&[3, 9, 12]), Faults { foreign: 1, ..Faults::default() });
    }
}

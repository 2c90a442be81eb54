//! What the judge knows of one resource: who holds and who wants what. Never more than what is open: a booking that is
//! closed is forgotten, for nothing may follow it.

use std::collections::{BTreeMap, HashMap, HashSet};

use time::{Duration, OffsetDateTime};

use crate::{Booking, BookingId, Claim, Seq, TimeRange, rules::BookingLimits};

/// No booking is longer, so none that begins this long before a range reaches into it.
const LONGEST: Duration = Duration::seconds(BookingLimits::LONGEST_SECONDS as i64);

/// A booking that wants or holds something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) claim: Claim,
    pub(super) version: i32,
}

/// A resource's bookings that want or hold something.
#[derive(Debug, Default)]
pub(super) struct Resource {
    bookings: HashMap<BookingId, Known>,
    /// What is held: by its begin and by whom, its end.
    held: BTreeMap<(OffsetDateTime, BookingId), OffsetDateTime>,
    /// What is openly wanted: by rank.
    wants: BTreeMap<(Seq, BookingId), TimeRange>,
    /// Bookings that begin before the log: what they want and hold is not known until it first tells of them.
    pub(super) unsettled: HashSet<BookingId>,
}

impl Resource {
    pub(super) fn get(&self, id: BookingId) -> Option<Known> {
        self.bookings.get(&id).copied()
    }

    /// Whether nothing that another booking is known to hold overlaps `range`.
    pub(super) fn fits(&self, id: BookingId, range: TimeRange) -> bool {
        let nobody = BookingId::from_u128(0);
        let near = self.held.range((range.start() - LONGEST, nobody)..(range.end(), nobody));
        near.filter(|((_, other), _)| *other != id).all(|(_, end)| *end <= range.start())
    }

    /// The open wants, by rank.
    pub(super) fn wants(&self) -> impl Iterator<Item = (Seq, BookingId, TimeRange)> {
        self.wants.iter().map(|((rank, id), wanted)| (*rank, *id, *wanted))
    }

    /// The booking is so now.
    pub(super) fn put(&mut self, booking: &Booking) {
        let (id, claim) = (booking.id, booking.claim);
        if let Some(before) = self.bookings.remove(&id) {
            self.wants.remove(&(before.claim.rank(), id));
            if let Some(held) = before.claim.granted() {
                self.held.remove(&(held.start(), id));
            }
        }
        if !claim.is_live() {
            return;
        }
        self.bookings.insert(id, Known { claim, version: booking.version });
        if claim.decide_by().is_some() {
            self.wants.insert((claim.rank(), id), claim.wanted());
        }
        if let Some(held) = claim.granted() {
            self.held.insert((held.start(), id), held.end());
        }
    }
}

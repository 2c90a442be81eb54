//! Who stands in line for units of an event. Never who has left it: nothing may follow that. Those who ask for the same are
//! kept together, since what fits one of them fits each.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, hash_map::Entry};

use super::room::Room;
use crate::{Seq, UserId, WaitlistEntry, WaitlistEntryId, waitlist::Request};

/// A place in line: the lowest is first.
pub(super) type Turn = (Seq, WaitlistEntryId);

/// The line of an event.
#[derive(Debug, Default)]
pub(super) struct Line {
    entries: BTreeMap<Turn, WaitlistEntry>,
    turns: HashMap<WaitlistEntryId, Turn>,
    users: HashMap<UserId, Turn>,
    requests: HashMap<Request, BTreeSet<Turn>>,
    /// Entries that begin before the log: what they ask for is not known until it first tells of them.
    pub(super) unsettled: HashSet<WaitlistEntryId>,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct First {
    /// The first whose request is known to fit.
    pub(super) fits: Option<Turn>,
    /// The first of whose request that is not known; nobody who is behind the one whose fits.
    pub(super) may_fit: Option<Turn>,
    /// Whether somebody else may stand in line, nobody knows where and for what.
    pub(super) is_unsettled: bool,
}

impl Line {
    /// Whether nobody stands in it, as far as is known.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether somebody may stand in it.
    pub(super) fn may_have_some(&self) -> bool {
        !self.entries.is_empty() || !self.unsettled.is_empty()
    }

    /// Somebody who stands in it.
    pub(super) fn get(&self, id: WaitlistEntryId) -> Option<&WaitlistEntry> {
        self.entries.get(self.turns.get(&id)?)
    }

    /// The same, by who that is.
    pub(super) fn of(&self, user: &UserId) -> Option<&WaitlistEntry> {
        self.entries.get(self.users.get(user)?)
    }

    /// The entry is so now.
    pub(super) fn put(&mut self, entry: WaitlistEntry) {
        self.take(entry.id);
        if entry.is_waiting() {
            let turn = turn(&entry);
            self.turns.insert(entry.id, turn);
            self.users.insert(entry.user_id.clone(), turn);
            self.requests.entry(entry.request.clone()).or_default().insert(turn);
            self.entries.insert(turn, entry);
        }
    }

    fn take(&mut self, id: WaitlistEntryId) {
        let Some(entry) = self.turns.remove(&id).and_then(|turn| self.entries.remove(&turn)) else { return };
        let turn = turn(&entry);
        if self.users.get(&entry.user_id) == Some(&turn) {
            self.users.remove(&entry.user_id);
        }
        if let Entry::Occupied(mut same) = self.requests.entry(entry.request) {
            same.get_mut().remove(&turn);
            if same.get().is_empty() {
                same.remove();
            }
        }
    }

    /// Whose turn it is, with this room.
    pub(super) fn first(&self, room: &mut Room<'_>) -> First {
        let mut first = First { is_unsettled: !self.unsettled.is_empty(), ..First::default() };
        if room.is_full() {
            return First { is_unsettled: false, ..first };
        }
        for (request, same) in &self.requests {
            let Some(turn) = same.first().copied().filter(|turn| first.fits.is_none_or(|fits| *turn < fits))
            else {
                continue;
            };
            match room.fits(request) {
                Some(true) => first.fits = Some(turn),
                Some(false) => {}
                None => first.may_fit = Some(first.may_fit.map_or(turn, |other| other.min(turn))),
            }
        }
        first.may_fit = first.may_fit.filter(|turn| first.fits.is_none_or(|fits| *turn < fits));
        first
    }
}

impl First {
    /// Whether there is nobody, if that is known.
    pub(super) fn is_nobody(self) -> Option<bool> {
        match self {
            Self { fits: Some(_), .. } => Some(false),
            Self { may_fit: Some(_), .. } | Self { is_unsettled: true, .. } => None,
            _ => Some(true),
        }
    }

    /// Whether nobody is before this one, if that is known.
    pub(super) fn is_not_before(self, turn: Turn) -> Option<bool> {
        let before = |other: Option<Turn>| other.filter(|other| *other < turn);
        Self { fits: before(self.fits), may_fit: before(self.may_fit), ..self }.is_nobody()
    }
}

/// Where an entry stands.
pub(super) fn turn(entry: &WaitlistEntry) -> Turn {
    (entry.rank, entry.id)
}

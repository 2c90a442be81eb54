//! Events and what is sold of them: each change held against what was, and against what is taken.

use std::collections::{HashMap, HashSet};

use super::{
    found::{Found, Rule},
    hall::Hall,
    units::{Sales, told},
};
use crate::{
    Change, Event, EventStatus, Fact, Section, SectionId, SectionKind,
    change::{SeatsAdded, SeatsRemoved},
};

/// How many more seats of a section are for sale.
type Grown = HashMap<SectionId, i64>;

impl Sales {
    pub(super) fn event(&mut self, change: &Change, after: &Event, found: &mut Found) {
        let key = (change.tenant_id, after.id);
        let is_known = self.halls.contains_key(&key);
        let (added, removed): (&[SeatsAdded], &[SeatsRemoved]) = match &change.fact {
            Fact::EventCreated { seats_added, .. } => (seats_added, &[]),
            Fact::EventUpdated { seats_added, seats_removed, .. } => (seats_added, seats_removed),
            _ => (&[], &[]),
        };
        let hall = match (&change.fact, is_known) {
            (Fact::EventCreated { .. }, false) => self.halls.entry(key).or_insert_with(Hall::begun),
            (Fact::EventCreated { .. }, true) | (_, false) => {
                return found.check(Rule::Log, false, || does_not_follow(change, after));
            }
            (_, true) => self.hall(change.tenant_id, after.id),
        };
        // Before it is known anything may have been.
        let is_new = matches!(change.fact, Fact::EventCreated { .. });
        let judged = (is_new || hall.event.is_some()).then(|| follows(change, hall.event.as_ref(), after));
        found.check_known(Rule::Log, judged, || does_not_follow(change, after));
        // Who is not told yet that the sale is over would be served before those who were.
        let was_over = hall.is_sale_over(change.at) == Some(true);
        if was_over && !after.sale().is_over(change.at) {
            hall.line.is_left(change, found);
        }
        let mut grown = Grown::new();
        for seats in removed {
            take_out(hall, change, seats, &mut grown, found);
        }
        for seats in added {
            put_up(hall, change, after, seats, &mut grown, found);
        }
        for section in &after.sections {
            capacity(hall, change, section, grown.get(&section.id).copied(), found);
        }
        // Nobody has units of a section that is new; of an event that was not known, none need be.
        let untaken = (is_new || hall.event.is_some()).then_some((0, 0));
        hall.be(after, untaken);
        if after.status == EventStatus::Cancelled {
            found.check(Rule::Log, hall.live() == 0, || {
                told(change, "comes while some have units of the event")
            });
            hall.line.is_left(change, found);
            self.halls.remove(&key);
        }
    }
}

fn does_not_follow(change: &Change, after: &Event) -> String {
    told(change, &format!("does not follow from what event {} was", after.id))
}

/// Whether an event's change is one that may follow.
fn follows(change: &Change, before: Option<&Event>, after: &Event) -> bool {
    let (mut ids, mut names) = (HashSet::new(), HashSet::new());
    let are_apart =
        after.sections.iter().all(|section| ids.insert(section.id) && names.insert(&section.name));
    let is_written = after.updated_at == change.at && are_apart;
    let Some(before) = before else {
        return is_written
            && (after.version, after.status, after.created_at) == (1, EventStatus::Open, change.at);
    };
    let stays = (before.venue_id, before.created_at, before.version + 1)
        == (after.venue_id, after.created_at, after.version);
    let is_section =
        |(before, after): (&Section, &Section)| (before.id, before.kind) == (after.id, after.kind);
    let legal = match &change.fact {
        Fact::EventUpdated { .. } => {
            !before.status.is_over()
                && !after.status.is_over()
                && before.sections.len() <= after.sections.len()
                && before.sections.iter().zip(&after.sections).all(is_section)
        }
        Fact::EventCancelled { .. } => {
            let (status, version, updated_at) = (after.status, after.version, after.updated_at);
            let goes = match before.status {
                EventStatus::Open | EventStatus::Closed => status.is_over(),
                EventStatus::Cancelling => status == EventStatus::Cancelled,
                EventStatus::Cancelled => false,
            };
            goes && *after == Event { status, version, updated_at, ..before.clone() }
        }
        _ => false,
    };
    is_written && stays && legal
}

/// Seats are no longer for sale: free ones, which were.
fn take_out(hall: &mut Hall, change: &Change, seats: &SeatsRemoved, grown: &mut Grown, found: &mut Found) {
    for seat in &seats.seats {
        let is_free = hall.holder(seat).is_none();
        found.check(Rule::P5, is_free, || told(change, &format!("takes out seat {seat}, which is taken")));
        let was_for_sale = hall.take_out(seat);
        let was_there =
            hall.seats.as_ref().map(|all| all.section_of(seat) == Some(seats.section_id) && was_for_sale);
        found.check_known(Rule::Log, was_there, || {
            told(change, &format!("takes out seat {seat}, which is not there"))
        });
        *grown.entry(seats.section_id).or_default() -= 1;
    }
}

/// Seats are for sale: new ones, or such as were taken out.
fn put_up(
    hall: &mut Hall,
    change: &Change,
    after: &Event,
    seats: &SeatsAdded,
    grown: &mut Grown,
    found: &mut Found,
) {
    let section = seats.section_id;
    let is_seated = after.section(section).is_some_and(|section| section.kind == SectionKind::Seated);
    found.check(Rule::Log, is_seated, || {
        told(change, &format!("puts seats into section {section}, which has none"))
    });
    let rows = seats.rows.iter();
    for (seat, is_new) in rows.flat_map(|row| hall.put_up(section, row)) {
        found.check_known(Rule::Log, is_new, || {
            told(change, &format!("puts up seat {seat}, which is there already"))
        });
        *grown.entry(section).or_default() += 1;
    }
}

/// There are as many units as are taken, and as many seats as were put up.
fn capacity(hall: &Hall, change: &Change, section: &Section, grown: Option<i64>, found: &mut Found) {
    let before = hall.counts.get(&section.id);
    let is_new =
        before.is_none() && (hall.event.is_some() || matches!(change.fact, Fact::EventCreated { .. }));
    let was = if is_new { Some(0) } else { before.and_then(|counts| counts.capacity).map(i64::from) };
    let now = i64::from(section.capacity);
    if section.kind == SectionKind::Seated {
        let is_sum = was.map(|was| was + grown.unwrap_or(0) == now);
        found.check_known(Rule::Log, is_sum, || {
            told(change, &format!("gives section {} another capacity than it has seats", section.id))
        });
    } else if grown.is_some() {
        found.check(Rule::Log, false, || {
            told(change, &format!("moves seats of section {}, which has none", section.id))
        });
    }
    if was != Some(now) && !is_new {
        let taken = before.and_then(|counts| counts.taken).map(|(held, confirmed)| held + confirmed);
        found.check_known(Rule::P5, taken.map(|taken| taken <= now), || {
            told(change, &format!("gives section {} the capacity {now}, and more is taken", section.id))
        });
    }
}

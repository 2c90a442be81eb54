//! What is free of an event, and whether what somebody waits for would fit there.

use std::collections::HashMap;

use super::{hall::Counts, seats::Seats};
use crate::{
    Event, SectionId, SectionKind,
    seating::Adjacency,
    waitlist::{Choice, Request},
};

/// The sections of which something is free, as far as that is known.
#[derive(Debug)]
pub(super) struct Room<'a> {
    open: Vec<Open>,
    /// Whether there is no other one.
    is_whole: bool,
    /// Where the free seats are; nothing unless that is known of each.
    seats: Option<&'a mut Seats>,
}

/// A section of which something may be free.
#[derive(Debug, Clone, Copy)]
struct Open {
    id: SectionId,
    /// Nothing while the event is not known.
    kind: Option<SectionKind>,
    /// Nothing while it is not known how much is taken, or how much there is.
    free: Option<i64>,
}

impl<'a> Room<'a> {
    /// That of an event.
    pub(super) fn new(
        event: Option<&Event>,
        counts: &HashMap<SectionId, Counts>,
        seats: Option<&'a mut Seats>,
    ) -> Self {
        let free = |id: SectionId| counts.get(&id).and_then(Counts::free);
        let mut open: Vec<Open> = match event {
            Some(event) => event.sections.iter().map(|section| (section.id, Some(section.kind))).collect(),
            None => counts.keys().map(|id| (*id, None)).collect::<Vec<_>>(),
        }
        .into_iter()
        .map(|(id, kind)| Open { id, kind, free: free(id) })
        .collect();
        let is_whole = event.is_some();
        if is_whole {
            open.retain(|section| section.free.is_none_or(|free| free > 0));
        }
        Self { open, is_whole, seats }
    }

    /// Whether it is known that nothing is free.
    pub(super) const fn is_full(&self) -> bool {
        self.is_whole && self.open.is_empty()
    }

    /// Whether one of the choices fits, if that is known.
    pub(super) fn fits(&mut self, request: &Request) -> Option<bool> {
        any(request.choices.iter(), |choice| self.has(choice, request.quantity, request.adjacent))
    }

    /// Whether there are so many units as one choice says, if that is known.
    pub(super) fn has(&mut self, choice: &Choice, quantity: i32, adjacent: Adjacency) -> Option<bool> {
        let Self { open, is_whole, seats } = self;
        let is_asked = |open: &&Open| choice.section_id.is_none_or(|id| id == open.id);
        let is_known = *is_whole || (choice.section_id.is_some() && open.iter().any(|open| is_asked(&open)));
        let asked = open.iter().filter(is_asked);
        let here = any(asked, |open| open.has(seats.as_deref_mut(), choice, quantity, adjacent));
        or(here, is_known.then_some(false))
    }
}

impl Open {
    fn has(
        self,
        seats: Option<&mut Seats>,
        choice: &Choice,
        quantity: i32,
        adjacent: Adjacency,
    ) -> Option<bool> {
        let (category, quantity) = (choice.category.as_ref(), i64::from(quantity));
        let is_required = adjacent == Adjacency::Required;
        match (self.kind, seats) {
            (Some(SectionKind::Counted), _) if category.is_some() => Some(false),
            (Some(SectionKind::Counted), _) => self.free.map(|free| quantity <= free),
            (Some(SectionKind::Seated), Some(seats)) => {
                let (free, longest) = seats.room(self.id, category);
                Some(quantity <= free.into() && (!is_required || quantity <= longest.into()))
            }
            // How many are free says enough where it does not matter which.
            _ => match self.free {
                Some(free) if free < quantity => Some(false),
                Some(_) if category.is_none() && (!is_required || quantity == 1) => Some(true),
                _ => None,
            },
        }
    }
}

/// Whether one of them is so, if that is known.
fn any<T>(all: impl Iterator<Item = T>, mut is_so: impl FnMut(T) -> Option<bool>) -> Option<bool> {
    let mut found = Some(false);
    for each in all {
        found = or(found, is_so(each));
        if found == Some(true) {
            break;
        }
    }
    found
}

/// Whether one of the two is so, if that is known.
const fn or(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

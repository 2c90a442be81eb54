//! Hints: what is left of a section, to those who watch it. Of each the newest only, and not so often that a sale in full
//! swing drowns who only wants to draw it.
//!
//! A hint stands nowhere in the log: it has no position, and is neither resumed nor waited for. Who has no room for one has
//! been told the change itself, which says the same. When to tell is decided here, by a clock that is handed in; whom, by
//! the hub.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    time::Duration,
};

use holdfast_domain::{Availability, Change, EventId, SectionId, TenantId, VenueId};
use serde::Serialize;
use tokio::time::Instant;

use crate::render::Message;

/// How long nothing is told of a section of which something was told: so it is five times in a second at most.
const REST: Duration = Duration::from_millis(200);

/// What is left of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hint {
    pub(crate) tenant_id: TenantId,
    pub(crate) event_id: EventId,
    pub(crate) venue_id: VenueId,
    pub(crate) left: Availability,
}

/// The sections of which something was told just now, and what has become of them since.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    /// With the newest that has not been told.
    resting: HashMap<Place, Option<Hint>>,
    /// Each of them once, by when its rest ends.
    ends: VecDeque<(Instant, Place)>,
}

/// A section, and whose it is.
type Place = (TenantId, SectionId);

impl Hint {
    /// What `change` leaves of the sections that it takes from, or gives back to.
    pub(crate) fn of(change: &Change) -> impl Iterator<Item = Self> {
        let (tenant_id, fact) = (change.tenant_id, &change.fact);
        let of = fact.event_id().zip(fact.venue_id());
        of.into_iter().flat_map(move |(event_id, venue_id)| {
            fact.sections().iter().map(move |left| Self { tenant_id, event_id, venue_id, left: *left })
        })
    }

    /// The same for everybody: what is left is no secret within the tenant.
    pub(crate) fn message(&self) -> Message {
        #[derive(Serialize)]
        struct Wire {
            r#type: &'static str,
            data: Data,
        }
        #[derive(Serialize)]
        struct Data {
            event_id: EventId,
            #[serde(flatten)]
            left: Availability,
        }
        let data = Data { event_id: self.event_id, left: self.left };
        let text = serde_json::to_string(&Wire { r#type: Message::HINT, data });
        Message::Hint(text.expect("ids and numbers are always JSON").into())
    }

    fn place(&self) -> Place {
        (self.tenant_id, self.left.section_id)
    }
}

impl Hints {
    /// Gives what is to be told at once, and keeps what has to wait, in the place of what waits already.
    pub(crate) fn take(&mut self, hint: Hint, now: Instant) -> Option<Hint> {
        match self.resting.entry(hint.place()) {
            Entry::Occupied(mut newest) => {
                newest.insert(Some(hint));
                None
            }
            Entry::Vacant(place) => {
                self.ends.push_back((now + REST, *place.key()));
                place.insert(None);
                Some(hint)
            }
        }
    }

    /// What has waited for long enough. A section that had nothing to wait for is forgotten.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Hint> {
        let mut told = Vec::new();
        while let Some((_, place)) = self.ends.pop_front_if(|(end, _)| *end <= now) {
            if let Some(hint) = self.resting.remove(&place).flatten() {
                told.extend(self.take(hint, now));
            }
        }
        told
    }

    /// When there is something to do again.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.ends.front().map(|(end, _)| *end)
    }

    /// Leaves out what waits and may not be so any more. The sections rest on.
    pub(crate) fn forget(&mut self, is_of: impl Fn(TenantId) -> bool) {
        for ((tenant_id, _), waiting) in &mut self.resting {
            waiting.take_if(|_| is_of(*tenant_id));
        }
    }
}

#[cfg(test)]
mod tests {
    use holdfast_domain::DEFAULT_TENANT;
    use holdfast_testkit::Random;

    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    /// Of this section, so many are held.
    fn hint(section: u128, held: i32) -> Hint {
        let section_id = SectionId::from_u128(section);
        Hint {
            tenant_id: DEFAULT_TENANT,
            event_id: EventId::from_u128(1),
            venue_id: VenueId::from_u128(2),
            left: Availability::new(section_id, 1_000_000, held, 0),
        }
    }

    /// Changes of three sections as chance has it, from a flood to hours of nothing, to a timer that is on time or late by
    /// up to `late` milliseconds; what was told when, and all that came.
    fn played(seed: u64, late: u64) -> (Vec<(Instant, Hint)>, Vec<Hint>) {
        let mut random = Random::seeded(seed);
        let (mut hints, mut now) = (Hints::default(), Instant::now());
        let (mut told, mut came) = (Vec::new(), Vec::new());
        let pace = [1, 30, 250, 3_000][usize::try_from(random.below(4)).unwrap()];
        let timer = |hints: &mut Hints, told: &mut Vec<_>, until: Option<Instant>, random: &mut Random| {
            while let Some(at) = hints.next().filter(|at| until.is_none_or(|until| *at <= until)) {
                let at = at + MILLI * u32::try_from(random.below(late + 1)).unwrap();
                let at = until.map_or(at, |until| at.min(until));
                told.extend(hints.due(at).into_iter().map(|hint| (at, hint)));
            }
        };
        for held in 0..200 {
            now += MILLI * u32::try_from(random.below(pace)).unwrap();
            timer(&mut hints, &mut told, Some(now), &mut random);
            let hint = hint(random.below(3).into(), held);
            came.push(hint.clone());
            told.extend(hints.take(hint, now).map(|hint| (now, hint)));
        }
        timer(&mut hints, &mut told, None, &mut random);
        assert!(hints.resting.is_empty() && hints.ends.is_empty(), "kept for ever: {hints:?}");
        (told, came)
    }

    #[test]
    fn no_second_has_more_than_five_of_a_section_and_the_last_state_is_always_told() {
        for seed in 0..500 {
            let (told, came) = played(seed, seed % 3 * 20);
            for section in (0..3).map(SectionId::from_u128) {
                let of_it = |hint: &&Hint| hint.left.section_id == section;
                let told: Vec<_> = told.iter().filter(|(_, hint)| of_it(&hint)).collect();
                for (at, _) in &told {
                    let within = told.iter().filter(|(other, _)| at <= other && *other < *at + MILLI * 1_000);
                    assert!(within.count() <= 5, "seed {seed}");
                }
                let told: Vec<_> = told.iter().map(|(_, hint)| hint.left.held).collect();
                assert!(told.is_sorted_by(|one, next| one < next), "old after new: seed {seed}");
                let last = came.iter().rfind(of_it).map(|hint| hint.left.held);
                assert_eq!(told.last().copied(), last, "seed {seed}");
            }
        }
    }

    #[test]
    fn the_first_is_told_at_once_and_of_the_others_the_newest_when_the_section_has_rested() {
        let (mut hints, began) = (Hints::default(), Instant::now());
        assert_eq!(hints.take(hint(1, 1), began), Some(hint(1, 1)));
        for (held, millis) in [(2, 1), (3, 199)] {
            assert_eq!(hints.take(hint(1, held), began + MILLI * millis), None);
        }
        assert_eq!(
            hints.take(hint(2, 9), began + MILLI * 50),
            Some(hint(2, 9)),
            "another's rest is no matter"
        );
        assert_eq!(hints.due(began + REST - MILLI), []);
        assert_eq!(hints.next(), Some(began + REST));
        assert_eq!(hints.due(began + REST), [hint(1, 3)]);
        assert_eq!(hints.take(hint(1, 4), began + REST), None, "it rests again");
    }

    #[test]
    fn a_section_without_news_is_forgotten_after_its_rest() {
        let (mut hints, began) = (Hints::default(), Instant::now());
        hints.take(hint(1, 1), began);
        assert_eq!((hints.due(began + REST), hints.next(), hints.resting.len()), (vec![], None, 0));
        assert_eq!(hints.take(hint(1, 2), began + REST), Some(hint(1, 2)));
    }

    #[test]
    fn what_is_left_out_is_not_told_and_its_section_rests_on() {
        let (mut hints, began) = (Hints::default(), Instant::now());
        let theirs = |held| Hint { tenant_id: TenantId::from_u128(7), ..hint(1, held) };
        for held in 1..=2 {
            hints.take(hint(1, held), began);
            hints.take(theirs(held), began);
        }
        hints.forget(|tenant_id| tenant_id == DEFAULT_TENANT);
        assert_eq!(hints.take(hint(1, 3), began), None);
        hints.forget(|tenant_id| tenant_id == DEFAULT_TENANT);
        assert_eq!(hints.due(began + REST), [theirs(2)]);
    }
}

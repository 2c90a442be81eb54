//! Who got units, and what became of them: also where a reservation is confirmed in part, and its units are in two.

use std::collections::{BTreeMap, HashMap};

use time::{Duration, OffsetDateTime};

use super::{
    door::arrived_millis,
    report::{Got, Outcomes, Taken, Way},
};
use crate::{Change, Fact, Reservation, ReservationId, Section, SectionId};

/// All that was taken, and who has what of it now.
#[derive(Debug, Default)]
pub(super) struct Holds {
    taken: Vec<Taken>,
    live: HashMap<ReservationId, Live>,
    /// What came to an end.
    over: BTreeMap<(SectionId, Way), Outcomes>,
    /// A hold that was just made, maybe for somebody in line.
    pending: Option<ReservationId>,
}

#[derive(Debug, Default)]
struct Live {
    is_confirmed: bool,
    parts: Vec<Part>,
}

/// Units that were taken together, and still are.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Which of what was taken.
    taken: usize,
    section_id: SectionId,
    quantity: i32,
}

impl Holds {
    /// Whether it is known what a reservation has.
    pub(super) fn knows(&self, id: ReservationId) -> bool {
        self.live.contains_key(&id)
    }

    /// The hold that was just made is an offer, if it is this.
    pub(super) fn offered(&mut self, id: Option<ReservationId>) {
        if self.pending.take() == id
            && let Some(last) = self.taken.last_mut().filter(|last| Some(last.reservation_id) == id)
        {
            (last.way, last.arrived_at) = (Way::Offer, None);
        }
    }

    /// The hold that was just made is none.
    pub(super) fn settle(&mut self) {
        self.pending = None;
    }

    /// A reservation is so now. One of which the log has no begin is passed over.
    pub(super) fn put(&mut self, change: &Change, after: &Reservation) {
        match &change.fact {
            Fact::ReservationHeld { .. } if !self.knows(after.id) => self.take(change, after),
            Fact::ReservationConfirmed { .. } => {
                if let Some(live) = self.live.get_mut(&after.id) {
                    live.is_confirmed = true;
                }
            }
            Fact::ReservationSplit { to, .. } => self.split(after, *to),
            Fact::ReservationExpired { .. } => self.end(after.id, |of| &mut of.expired),
            Fact::ReservationReleased { .. } => self.end(after.id, |of| &mut of.released),
            Fact::ReservationCancelled { .. } => self.end(after.id, |of| &mut of.cancelled),
            _ => {}
        }
    }

    fn take(&mut self, change: &Change, reservation: &Reservation) {
        let taken = self.taken.len();
        let parts = reservation.units.iter().map(|units| Part {
            taken,
            section_id: units.section_id,
            quantity: units.quantity,
        });
        self.live.insert(reservation.id, Live { is_confirmed: false, parts: parts.collect() });
        self.taken.push(Taken {
            reservation_id: reservation.id,
            user_id: reservation.user_id.clone(),
            seq: change.seq,
            at: change.at,
            arrived_at: arrived_millis(reservation.id)
                .and_then(|millis| OffsetDateTime::UNIX_EPOCH.checked_add(Duration::milliseconds(millis))),
            way: Way::Hold,
            units: Outcomes::default(),
        });
        self.pending = Some(reservation.id);
    }

    /// What a reservation has no more is the other one's.
    fn split(&mut self, after: &Reservation, to: ReservationId) {
        let Some(live) = self.live.get_mut(&after.id) else { return };
        let mut left: HashMap<SectionId, i32> =
            after.units.iter().map(|units| (units.section_id, units.quantity)).collect();
        let (mut kept, mut moved) = (Vec::new(), Vec::new());
        for part in std::mem::take(&mut live.parts) {
            let room = left.entry(part.section_id).or_default();
            let stays = part.quantity.min(*room);
            *room -= stays;
            for (quantity, parts) in [(stays, &mut kept), (part.quantity - stays, &mut moved)] {
                if quantity > 0 {
                    parts.push(Part { quantity, ..part });
                }
            }
        }
        live.parts = kept;
        if live.parts.is_empty() {
            self.live.remove(&after.id);
        }
        self.live.entry(to).or_default().parts.extend(moved);
    }

    fn end(&mut self, id: ReservationId, outcome: impl Fn(&mut Outcomes) -> &mut i64) {
        for part in self.live.remove(&id).map(|live| live.parts).unwrap_or_default() {
            self.became(part, &outcome);
        }
    }

    fn became(&mut self, part: Part, outcome: impl Fn(&mut Outcomes) -> &mut i64) {
        let taken = &mut self.taken[part.taken];
        *outcome(&mut taken.units) += i64::from(part.quantity);
        let of_section = self.over.entry((part.section_id, taken.way)).or_default();
        *outcome(of_section) += i64::from(part.quantity);
    }

    /// What was taken, and what has become of it by now: of the sections in their order, and then of such as are not known.
    pub(super) fn report(mut self, sections: &[Section]) -> (Vec<Taken>, Vec<Got>) {
        for live in std::mem::take(&mut self.live).into_values() {
            for part in live.parts {
                if live.is_confirmed {
                    self.became(part, |of| &mut of.confirmed);
                } else {
                    self.became(part, |of| &mut of.held);
                }
            }
        }
        let place = |id: SectionId| sections.iter().position(|section| section.id == id);
        let mut got: Vec<Got> = self
            .over
            .into_iter()
            .map(|((section_id, way), units)| {
                let section = place(section_id).map(|place| sections[place].name.clone());
                Got { section_id, section, way, units }
            })
            .collect();
        got.sort_by_key(|got| (place(got.section_id).unwrap_or(usize::MAX), got.section_id, got.way));
        (self.taken, got)
    }
}

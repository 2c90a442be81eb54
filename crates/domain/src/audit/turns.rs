//! Lines: each change of an entry held against what it was, and each hold against those who stand in line. A hold that is made
//! for one of them is told of right before the entry, so whose it is is known a change later; whose turn it was is looked up
//! before it takes its units.

use time::{Duration, OffsetDateTime};

use super::{
    found::{Found, Rule},
    hall::Hall,
    line::{First, Line, turn},
    units::{Sales, told},
};
use crate::{
    Change, EventId, Fact, Reservation, Seq, TenantId, UserId, WaitlistEntry, WaitlistEntryId, WaitlistState,
    event::most,
    reservation::State,
    seating::Adjacency,
    waitlist::{Choice, Ending},
};

/// A hold that was just made: for somebody in line, if that is told of next.
#[derive(Debug)]
pub(super) struct Pending {
    event: (TenantId, EventId),
    seq: Seq,
    at: OffsetDateTime,
    actor: Option<UserId>,
    reservation: Reservation,
    /// What is known of the moment before.
    before: Option<Before>,
}

#[derive(Debug)]
struct Before {
    /// Whose turn it was.
    first: First,
    /// The entry of who has the hold now, and which of its choices fitted.
    own: Option<(WaitlistEntryId, Vec<Option<bool>>)>,
}

impl Pending {
    /// A hold that is about to take its units.
    pub(super) fn new(hall: &mut Hall, change: &Change, reservation: &Reservation) -> Self {
        // What is not on sale is held against that, and where nobody is in line nobody is passed over.
        let is_judged = hall.is_on_sale(change.at) != Some(false) && hall.line.may_have_some();
        let before = is_judged.then(|| {
            let (mut room, line) = hall.room();
            let first = line.first(&mut room);
            let own = line.of(&reservation.user_id).map(|entry| {
                let request = &entry.request;
                let fits = |choice| room.has(choice, request.quantity, request.adjacent);
                (entry.id, request.choices.iter().map(fits).collect())
            });
            Before { first, own }
        });
        Self { before, ..Self::of_unknown(change, reservation) }
    }

    /// A hold of which it is not known whether it has taken anything.
    pub(super) fn of_unknown(change: &Change, reservation: &Reservation) -> Self {
        Self {
            event: (change.tenant_id, reservation.event_id),
            seq: change.seq,
            at: change.at,
            actor: change.actor.clone(),
            reservation: reservation.clone(),
            before: None,
        }
    }

    /// Nobody in line is told to have it: then nobody there would have fitted.
    pub(super) fn is_ordinary(&self, found: &mut Found) {
        let Some(Before { first, .. }) = &self.before else { return };
        found.check_known(Rule::Waitlist, first.is_nobody(), || {
            let rank = first.fits.map_or(Seq(0), |(rank, _)| rank);
            format!("the hold at seq {} passes over rank {rank} in line, which would fit", self.seq)
        });
    }

    /// The entry is told to have it: then it was the first that fitted, and got what it asked for.
    fn is_for(&self, hall: &Hall, change: &Change, entry: &WaitlistEntry, found: &mut Found) {
        let (reservation, request) = (&self.reservation, &entry.request);
        let end = self.at + Duration::seconds(entry.offer_seconds.into());
        let is_its = reservation.user_id == entry.user_id
            && reservation.state == State::Hold { expires_at: end }
            && entry.state.expires_at() == Some(end)
            && self.at == change.at
            && self.actor.is_none();
        found.check(Rule::Waitlist, is_its, || told(change, "does not go with the hold right before"));
        let chosen = reservation.choice.and_then(|choice| usize::try_from(choice).ok());
        let choice = chosen.and_then(|choice| request.choices.get(choice));
        let gets = choice.map_or(Some(false), |choice| is_of(hall, reservation, entry, choice));
        found.check_known(Rule::Waitlist, gets, || told(change, "gives other units than were asked for"));
        let Some(Before { first, own }) = &self.before else {
            found.report.unjudged += 1;
            return;
        };
        let fits = own.as_ref().filter(|(id, _)| *id == entry.id).map(|(_, fits)| fits.as_slice());
        let is_first_choice = fits.and_then(|fits| is_first_of(chosen, fits));
        found.check_known(Rule::Waitlist, is_first_choice, || {
            told(change, "is not of the first choice that fits")
        });
        // What it is itself in doubt of has been told by now.
        let first = First { is_unsettled: !hall.line.unsettled.is_empty(), ..*first };
        found.check_known(Rule::Waitlist, first.is_not_before(turn(entry)), || {
            let rank = first.fits.map_or(Seq(0), |(rank, _)| rank);
            told(change, &format!("of rank {} passes over rank {rank}, which would fit", entry.rank))
        });
    }
}

impl Sales {
    pub(super) fn adopt_entry(&mut self, tenant_id: TenantId, entry: &WaitlistEntry) {
        if entry.is_waiting() {
            self.hall(tenant_id, entry.event_id).line.put(entry.clone());
        }
    }

    /// The hold that this change gives to somebody in line; one that was made before and that it does not is judged.
    pub(super) fn hold_of(&mut self, change: &Change, found: &mut Found) -> Option<Pending> {
        let pending = self.pending.take()?;
        let is_it = |entry: &WaitlistEntry| {
            entry.state.reservation_id() == Some(pending.reservation.id)
                && (change.tenant_id, entry.event_id) == pending.event
        };
        match &change.fact {
            Fact::WaitlistOffered { waitlist_entry } if is_it(waitlist_entry) => Some(pending),
            _ => {
                pending.is_ordinary(found);
                None
            }
        }
    }

    pub(super) fn waitlist(
        &mut self,
        change: &Change,
        after: &WaitlistEntry,
        hold: Option<Pending>,
        is_cut: bool,
        found: &mut Found,
    ) {
        let Some(hall) = self.halls.get_mut(&(change.tenant_id, after.event_id)) else {
            return found.check(Rule::Log, false, || told(change, "is of an event that is not there"));
        };
        if hall.line.unsettled.remove(&after.id) {
            found.report.unjudged += 1;
        } else {
            let follows = follows(change, hall.line.get(after.id), after);
            found.check(Rule::Waitlist, follows, || {
                told(change, &format!("does not follow from what entry {} was", after.id))
            });
        }
        match (&change.fact, after.state) {
            (Fact::WaitlistJoined { .. }, _) => joins(hall, change, after, found),
            (Fact::WaitlistOffered { .. }, _) => {
                found.report.offers += 1;
                match hold {
                    Some(hold) => hold.is_for(hall, change, after, found),
                    None => found.check_known(Rule::Waitlist, (!is_cut).then_some(false), || {
                        told(change, "is not told of right behind its hold")
                    }),
                }
            }
            (_, WaitlistState::Ended { reason: Ending::SaleOver }) => {
                found.check_known(Rule::Waitlist, hall.is_sale_over(change.at), || {
                    told(change, "comes while the event is on sale")
                });
            }
            (_, WaitlistState::Ended { reason: Ending::LimitReached }) => {
                has_too_many(hall, change, after, found);
            }
            _ => {}
        }
        hall.line.put(after.clone());
    }

    /// At rest nobody in line would fit, and nobody is in line for what is no longer on sale. What is over at `at` and has
    /// not been ended says that there is no rest.
    pub(super) fn lines_rest(&mut self, at: OffsetDateTime, found: &mut Found) {
        if let Some(pending) = self.pending.take() {
            pending.is_ordinary(found);
        }
        let mut events: Vec<_> = self.halls.keys().copied().collect();
        events.sort_unstable();
        for event in events {
            let Some(hall) = self.halls.get_mut(&event).filter(|hall| !hall.line.is_empty()) else {
                continue;
            };
            if hall.lapsed(at).is_some() {
                continue;
            }
            let is_over = hall.is_sale_over(at);
            found.check_known(Rule::Waitlist, is_over.map(|is_over| !is_over), || {
                format!("at rest, some are in line for event {}, which is no longer on sale", event.1)
            });
            if hall.is_on_sale(at) != Some(false) {
                let first = hall.first();
                found.check_known(Rule::Waitlist, first.is_nobody(), || {
                    let rank = first.fits.map_or(Seq(0), |(rank, _)| rank);
                    format!("at rest, rank {rank} in line for event {} would fit", event.1)
                });
            }
        }
    }
}

impl Line {
    /// Nobody stands in line for an event that is called off.
    pub(super) fn is_left(&self, change: &Change, found: &mut Found) {
        let is_left = if self.is_empty() { self.unsettled.is_empty().then_some(true) } else { Some(false) };
        found.check_known(Rule::Waitlist, is_left, || told(change, "comes while some are in line"));
    }
}

/// Whether an entry's change is one that may follow.
fn follows(change: &Change, before: Option<&WaitlistEntry>, after: &WaitlistEntry) -> bool {
    let is_so = match (&change.fact, after.state) {
        (Fact::WaitlistJoined { .. }, WaitlistState::Waiting) => {
            let (rank, version) = (change.seq, 1);
            let (created_at, updated_at) = (change.at, change.at);
            return before.is_none()
                && *after == WaitlistEntry { rank, version, created_at, updated_at, ..after.clone() };
        }
        (Fact::WaitlistOffered { .. }, WaitlistState::Offered { .. })
        | (Fact::WaitlistLeft { .. }, WaitlistState::Left)
        | (Fact::WaitlistEnded { .. }, WaitlistState::Ended { .. }) => true,
        _ => false,
    };
    is_so && before.is_some_and(|before| before.with(after.state, change.at) == *after)
}

/// Somebody may stand in line: for units of the event, while it is on sale, and once.
fn joins(hall: &Hall, change: &Change, entry: &WaitlistEntry, found: &mut Found) {
    let request = &entry.request;
    let is_request = usize::try_from(request.quantity).is_ok_and(|units| (1..=most::UNITS).contains(&units))
        && (1..=most::CHOICES).contains(&request.choices.len())
        && entry.offer_seconds > 0;
    found.check(Rule::Waitlist, is_request, || told(change, "asks for what can't be asked for"));
    let are_there = hall.event.as_ref().map(|event| {
        let is_there = |choice: &Choice| choice.section_id.is_none_or(|id| event.section(id).is_some());
        event.venue_id == entry.venue_id && request.choices.iter().all(is_there)
    });
    found.check_known(Rule::Waitlist, are_there, || told(change, "asks for what the event does not have"));
    found.check_known(Rule::Waitlist, hall.is_on_sale(change.at), || {
        told(change, "comes while the event is not on sale")
    });
    let is_once = match hall.line.of(&entry.user_id) {
        Some(_) => Some(false),
        None => hall.line.unsettled.is_empty().then_some(true),
    };
    found.check_known(Rule::Waitlist, is_once, || told(change, "is of a user who stands in line already"));
}

/// It was somebody's turn, and they may not have what they asked for besides what they have.
fn has_too_many(hall: &mut Hall, change: &Change, entry: &WaitlistEntry, found: &mut Found) {
    let (mut room, line) = hall.room();
    let is_first = line.first(&mut room).is_not_before(turn(entry));
    let fits = room.fits(&entry.request);
    let has_begun = hall.is_on_sale(change.at);
    let is_served = and(and(is_first, fits), and(has_begun, Some(hall.lapsed(change.at).is_none())));
    found.check_known(Rule::Waitlist, is_served, || told(change, "comes though it was not its turn"));
    let has = hall.has(&entry.user_id) + i64::from(entry.request.quantity);
    let has_too_many = hall.event.as_ref().and_then(|event| {
        let exceeds = event.units_per_user.is_some_and(|limit| i64::from(limit) < has);
        (exceeds || event.units_per_user.is_none() || hall.unsettled.is_empty()).then_some(exceeds)
    });
    found.check_known(Rule::Waitlist, has_too_many, || {
        told(change, &format!("comes though its user may have {has} units"))
    });
}

/// Whether both are so, if that is known.
const fn and(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// Whether a hold has what an entry asked for by one of its choices, if that is known.
fn is_of(hall: &Hall, reservation: &Reservation, entry: &WaitlistEntry, choice: &Choice) -> Option<bool> {
    let [units] = reservation.units.as_slice() else { return Some(false) };
    let is_asked = units.quantity == entry.request.quantity
        && choice.section_id.is_none_or(|id| id == units.section_id)
        && (choice.category.is_none() || !units.seats.is_empty());
    let side_by_side = entry.request.adjacent == Adjacency::Required;
    if !is_asked || units.seats.is_empty() || (choice.category.is_none() && !side_by_side) {
        return Some(is_asked);
    }
    hall.seats.as_ref().map(|seats| seats.are(&units.seats, choice.category.as_ref(), side_by_side))
}

/// Whether a choice is the first that fits, if that is known.
fn is_first_of(chosen: Option<usize>, fits: &[Option<bool>]) -> Option<bool> {
    let Some((own, before)) = chosen.and_then(|chosen| Some((*fits.get(chosen)?, &fits[..chosen]))) else {
        return Some(false);
    };
    if own == Some(false) || before.contains(&Some(true)) {
        return Some(false);
    }
    (own == Some(true) && !before.contains(&None)).then_some(true)
}

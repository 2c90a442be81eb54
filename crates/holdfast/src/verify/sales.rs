//! Events and units of them beside the log and beside each other: what sections say is taken, what reservations have, and
//! whose each seat is, of the same moment. In memory is one page, or the seats of one event.

use std::collections::{HashMap, HashSet};

use holdfast_domain::{EventId, ReservationId, SectionId, SectionKind, seating::SeatState};
use holdfast_store::{
    Error, Seating, SectionTaken, Stored, StoredEvent, StoredReservation, StoredSeats, Table,
};
use uuid::Uuid;

use super::{
    compare,
    finds::{At, Find, Promise},
    log::ROWS,
    tables::Look,
};

/// Most events of a page: each has up to a thousand sections, and an entry in the log with up to 100,000 seats.
pub(super) const EVENTS: i64 = if cfg!(test) { 3 } else { 20 };

impl Look<'_> {
    /// Looks at all of them.
    pub(super) async fn sales(&mut self) -> Result<(), Error> {
        let (database, shard) = (self.database, self.shard);
        let reservations = async |after| database.stored_reservations(shard, after, ROWS).await;
        self.verdict.figures.reservations = self.each(reservations, Self::reservation).await?;
        // What can't be read was found, and can't be counted.
        let unread = std::mem::take(&mut self.unread);
        let events = async |after| database.stored_events(shard, after, EVENTS, &unread).await;
        self.verdict.figures.events = self.each(events, Self::event).await?;
        for event in std::mem::take(&mut self.seated) {
            let seats = database.stored_seats(shard, event).await?;
            self.seats(event, &seats);
        }
        Ok(())
    }

    fn reservation(&mut self, stored: &Stored<StoredReservation>) {
        self.agrees(Table::Reservations, stored, !self.is_whole, |row, fact| {
            let mut told = fact.reservation()?.clone();
            if !row.has_event {
                // Its venue is that of its event.
                told.venue_id = row.reservation.venue_id;
            }
            Some(compare::reservations(&row.reservation, &told))
        });
        let Ok(row) = &stored.row else {
            return self.unread.push(stored.id);
        };
        let (units, find) = (&row.reservation.units, self.of("reservation", stored.id));
        self.verdict.check(Promise::P2, row.has_event, || {
            find(Promise::P2, format!("its event {} is not there", row.reservation.event_id))
        });
        let quantity = row.reservation.quantity();
        self.verdict.check(Promise::P2, row.quantity == quantity, || {
            find(Promise::P2, format!("its quantity is {}, and it has {quantity} units", row.quantity))
        });
        let are_its = units.iter().map(|units| &units.section_id).eq(&row.section_ids);
        self.verdict.check(Promise::P2, are_its, || {
            find(Promise::P2, "its section_ids are not those of its units".into())
        });
    }

    fn event(&mut self, stored: &Stored<StoredEvent>) {
        self.agrees(Table::Events, stored, !self.is_whole, |row, fact| {
            fact.event().map(|told| compare::events(&row.event, told))
        });
        let Ok(StoredEvent { event, taken, has_taken_seats, line }) = &stored.row else {
            return;
        };
        self.line(event.id, *line);
        if *has_taken_seats || event.sections.iter().any(|section| section.kind == SectionKind::Seated) {
            self.seated.push(event.id);
        }
        for (section, taken) in event.sections.iter().zip(taken) {
            let find = self.of("section", section.id.uuid());
            let SectionTaken { held, confirmed, now_held, now_confirmed } = *taken;
            let is_so = (i64::from(held), i64::from(confirmed)) == (now_held, now_confirmed);
            self.verdict.check(Promise::P2, is_so, || {
                let what = format!(
                    "it says that {held} are held and {confirmed} confirmed, and reservations have {now_held} and \
                     {now_confirmed}"
                );
                find(Promise::P2, what)
            });
            let is_enough = now_held + now_confirmed <= i64::from(section.capacity);
            self.verdict.check(Promise::P5, is_enough, || {
                let (now, capacity) = (now_held + now_confirmed, section.capacity);
                find(Promise::P5, format!("reservations have {now} units now, and it has {capacity}"))
            });
        }
    }

    fn seats(&mut self, event: EventId, stored: &StoredSeats) {
        let of_event = self.of("event", event.uuid());
        let mut whose: HashMap<&str, Holder> = HashMap::new();
        for (id, units, is_confirmed) in &stored.reservations {
            for (section, seat) in
                units.iter().flat_map(|units| units.seats.iter().map(|seat| (units.section_id, seat)))
            {
                let state = if *is_confirmed { SeatState::Confirmed } else { SeatState::Held };
                let other = whose.insert(seat.as_str(), Holder { id: *id, section, state });
                self.verdict.check(Promise::P5, other.is_none(), || {
                    let other = other.map_or_else(String::new, |other| other.id.to_string());
                    of_event(
                        Promise::P5,
                        format!("seat {seat} is of reservation {id} and of reservation {other}"),
                    )
                });
            }
        }
        self.taken(&whose, stored, &of_event);
        for seating in &stored.sections {
            self.seating(&mut whose, seating);
        }
        for (seat, Holder { id, .. }) in whose {
            self.verdict.find(of_event(
                Promise::P2,
                format!("seat {seat} of reservation {id} is in none of its sections"),
            ));
        }
    }

    /// Whose each seat is, by the table that says so.
    fn taken(
        &mut self,
        whose: &HashMap<&str, Holder>,
        stored: &StoredSeats,
        of_event: impl Fn(Promise, String) -> Find,
    ) {
        let mut told = HashSet::new();
        for (seat, id) in &stored.taken {
            let holder = whose.get(seat.as_str());
            self.verdict.check(Promise::P2, holder.is_some_and(|holder| holder.id == *id), || {
                let is = holder
                    .map_or_else(|| "nobody's".into(), |holder| format!("of reservation {}", holder.id));
                of_event(Promise::P2, format!("seat {seat} is taken for reservation {id}, and is {is}"))
            });
            told.insert(seat.as_str());
        }
        for (seat, Holder { id, .. }) in whose {
            self.verdict.check(Promise::P2, told.contains(seat), || {
                of_event(Promise::P2, format!("seat {seat} is of reservation {id}, and not taken"))
            });
        }
    }

    /// What has become of each seat, by the section; those that are somebody's are struck off.
    fn seating(&mut self, whose: &mut HashMap<&str, Holder>, seating: &Seating) {
        let find = self.of("section", seating.section_id.uuid());
        let Some((layout, map)) = &seating.seats else {
            return self.verdict.find(find(Promise::P2, "its seats can't be read".into()));
        };
        let for_sale = map.seats() - map.count(SeatState::Removed);
        self.verdict.check(Promise::P2, usize::try_from(seating.capacity) == Ok(for_sale), || {
            find(
                Promise::P2,
                format!("its capacity is {}, and {for_sale} of its seats are for sale", seating.capacity),
            )
        });
        for (ordinal, label) in (0..).zip(layout.labels()) {
            let is_here =
                whose.get(label.as_str()).is_some_and(|holder| holder.section == seating.section_id);
            let holder = if is_here { whose.remove(label.as_str()) } else { None };
            let state = map.get(ordinal);
            let holds = match &holder {
                Some(holder) => holder.state == state,
                None => matches!(state, SeatState::Free | SeatState::Removed),
            };
            self.verdict.check(Promise::P2, holds, || {
                let is = holder.map_or_else(
                    || "nobody's".into(),
                    |Holder { id, state, .. }| format!("{} for reservation {id}", word_of(state)),
                );
                find(Promise::P2, format!("seat {label} is {} by the section, and is {is}", word_of(state)))
            });
        }
    }

    /// Finds about an object.
    pub(super) fn of(&self, word: &'static str, id: Uuid) -> impl Fn(Promise, String) -> Find + use<> {
        let at = At(self.shard);
        move |promise, what| at.find(promise, None, Some(format!("{word} {id}")), what)
    }
}

/// Who has a seat, by the reservations.
#[derive(Clone, Copy)]
struct Holder {
    id: ReservationId,
    section: SectionId,
    state: SeatState,
}

const fn word_of(state: SeatState) -> &'static str {
    match state {
        SeatState::Free => "free",
        SeatState::Held => "held",
        SeatState::Confirmed => "confirmed",
        SeatState::Removed => "taken out",
    }
}

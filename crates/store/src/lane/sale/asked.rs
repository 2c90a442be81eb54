//! What commands about units ask for, and what of it is read in the flush of the lock: all that is known by the commands alone.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::Object;
use futures_util::join;
use holdfast_domain::{EventId, ReservationId, SeatLabel, SectionId, SectionName, Shard, TenantId, UserId};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    super::command::{
        HoldUnits, Item, JoinWaitlist, Order, Place, SectionRef, Units as Command, UnitsWanted,
    },
    Sale,
};
use crate::{
    Error,
    events::{self, OnSale},
    lapsed,
    reservations::{self, Row},
    seats::{self, Taken},
    sections::{self, SectionRow},
    waitlist,
};

/// What a batch's commands ask for.
#[derive(Default)]
pub(crate) struct Asked<'a> {
    pub(super) events: Vec<(TenantId, EventId)>,
    /// Those of them that are settled first.
    pub(super) settled: Vec<(TenantId, EventId)>,
    /// Events of which a section is not named.
    pub(super) whole: Vec<EventId>,
    pub(super) names: Vec<(EventId, &'a SectionName)>,
    pub(super) ids: Vec<SectionId>,
    pub(super) reservations: Vec<(TenantId, ReservationId)>,
    /// Seats whose holders are asked for.
    pub(super) held: Vec<(EventId, &'a SeatLabel)>,
    /// Seats that are wanted, in whichever section they are; nothing, when something else of the event is wanted, too.
    pub(super) seats: HashMap<EventId, Option<HashSet<&'a SeatLabel>>>,
    pub(super) users: Vec<(EventId, &'a UserId)>,
    /// Who comes into line, or leaves it.
    pub(super) in_line: Vec<(TenantId, EventId, &'a UserId)>,
    pub(super) joins: Vec<&'a JoinWaitlist>,
}

/// What was read in the flush of the lock.
#[derive(Default)]
pub(crate) struct Known {
    pub(super) events: Vec<OnSale>,
    pub(super) sections: Vec<SectionRow>,
    pub(super) reservations: Vec<Row>,
    pub(super) lapsed: Vec<Row>,
    pub(super) taken: Vec<Taken>,
    pub(super) in_line: Vec<waitlist::Row>,
}

impl<'a> Asked<'a> {
    pub(in crate::lane) fn of(commands: impl Iterator<Item = &'a Command>) -> Self {
        let mut asked = Self::default();
        for command in commands {
            match command {
                Command::Hold(hold) => asked.hold(hold),
                Command::ConfirmSeats(confirm) => {
                    asked.held.extend(confirm.seats.iter().map(|seat| (confirm.event_id, seat)));
                }
                Command::Confirm(_) | Command::Extend(_) | Command::Release(_) => {
                    let tenant_id = command.order().tenant_id;
                    asked.reservations.extend(command.existing().map(|id| (tenant_id, id)));
                }
                Command::Join(join) => {
                    asked.settle(&join.order, join.event_id);
                    asked.in_line.push((join.order.tenant_id, join.event_id, &join.order.user_id));
                    asked.joins.push(join);
                    for place in &join.choices {
                        asked.place(join.event_id, place);
                    }
                }
                Command::Leave(leave) => {
                    asked.events.push((leave.order.tenant_id, leave.event_id));
                    asked.in_line.push((leave.order.tenant_id, leave.event_id, &leave.order.user_id));
                }
            }
        }
        asked.is_each_once();
        asked
    }

    /// What there is to settle of an event, and nothing else of it.
    pub(crate) fn event(tenant_id: TenantId, event: EventId) -> Self {
        Self { events: vec![(tenant_id, event)], settled: vec![(tenant_id, event)], ..Self::default() }
    }

    fn settle(&mut self, order: &'a Order, event: EventId) {
        self.events.push((order.tenant_id, event));
        self.settled.push((order.tenant_id, event));
        self.users.push((event, &order.user_id));
    }

    fn hold(&mut self, hold: &'a HoldUnits) {
        let event = hold.event_id;
        self.settle(&hold.order, event);
        match &hold.wanted {
            UnitsWanted::Seats(seats) => {
                self.whole.push(event);
                if let Some(wanted) = self.seats.entry(event).or_insert_with(|| Some(HashSet::new())) {
                    wanted.extend(seats);
                }
                if hold.keeps_own {
                    self.held.extend(seats.iter().map(|seat| (event, seat)));
                }
            }
            UnitsWanted::Choices { places, .. } => {
                for place in places {
                    self.place(event, place);
                }
            }
            UnitsWanted::Items(items) => {
                for item in items {
                    match item {
                        Item::Best { place, .. } => self.place(event, place),
                        Item::Seats { section, .. } => self.section(event, section),
                    }
                }
            }
        }
    }

    fn place(&mut self, event: EventId, place: &'a Place) {
        if let Some(section) = &place.section {
            self.section(event, section);
        } else {
            self.seats.insert(event, None);
            self.whole.push(event);
        }
    }

    fn section(&mut self, event: EventId, section: &'a SectionRef) {
        self.seats.insert(event, None);
        match section {
            SectionRef::Id(id) => self.ids.push(*id),
            SectionRef::Name(name) => self.names.push((event, name)),
        }
    }

    /// Many ask for the same; it is read once.
    fn is_each_once(&mut self) {
        fn once<T: Ord>(all: &mut Vec<T>) {
            all.sort_unstable();
            all.dedup();
        }
        once(&mut self.events);
        once(&mut self.settled);
        once(&mut self.in_line);
        once(&mut self.whole);
        once(&mut self.names);
        once(&mut self.ids);
        once(&mut self.reservations);
        once(&mut self.held);
        once(&mut self.users);
    }

    /// How many holds and places in line of each event may be settled.
    pub(super) fn share(&self) -> usize {
        Sale::share(self.settled.len())
    }

    pub(crate) async fn read(&self, client: &Object, shard: Shard) -> Result<Known, Error> {
        let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) =
            self.reservations.iter().map(|(t, r)| (t.uuid(), r.uuid())).unzip();
        let (seat_events, labels): (Vec<Uuid>, Vec<&str>) =
            self.held.iter().map(|(event, seat)| (event.uuid(), seat.as_str())).unzip();
        let settled: Vec<EventId> = self.settled.iter().map(|(_, event)| *event).collect();
        let number = shard.number();
        let of_reservations = async {
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            sections::read(client, sections::OF_RESERVATIONS, &[&number, &tenants, &ids]).await
        };
        let of_seats = async {
            if labels.is_empty() {
                return Ok((Vec::new(), Vec::new()));
            }
            let params: [&(dyn ToSql + Sync); 3] = [&number, &seat_events, &labels];
            let (rows, areas) = join!(
                reservations::read(client, reservations::OF_SEATS, &params),
                sections::read(client, sections::OF_SEATS, &params),
            );
            Ok::<_, Error>((rows?, areas?))
        };
        // One more than may be settled shows that there is more.
        let most = i64::try_from(self.share()).unwrap_or(i64::MAX - 1) + 1;
        let (on_sale, whole, named, by_id, lapsed, rows, areas, seated, taken, in_line) = join!(
            events::on_sale(client, shard, &self.events),
            sections::of_events(client, shard, &self.whole),
            sections::named(client, shard, &self.names),
            sections::by_id(client, shard, &self.ids),
            lapsed::of_events(client, shard, &settled, most),
            reservations::by_id(client, shard, &self.reservations),
            of_reservations,
            of_seats,
            seats::holders(client, shard, &self.held),
            waitlist::of_users(client, shard, &self.in_line),
        );
        let (mut reservations, (of_seats, seated)) = (rows?, seated?);
        reservations.extend(of_seats);
        let sections = [whole?, named?, by_id?, areas?, seated].concat();
        let (on_sale, lapsed, taken, in_line) = (on_sale?, lapsed?, taken?, in_line?);
        Ok(Known { events: on_sale, sections, reservations, lapsed, taken, in_line })
    }
}

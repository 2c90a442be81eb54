//! What commands about units touch, read under the head: in the flush of the lock what can be asked for by the commands
//! alone, and behind it what depends on that.

use std::collections::{HashMap, HashSet, VecDeque};

use deadpool_postgres::Object;
use futures_util::join;
use holdfast_domain::{
    EventId, ReservationId, SeatLabel, SectionId, SectionName, Shard, TenantId, UserId,
    seating::{Floor, SeatMap},
};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    super::command::{HoldUnits, Item, Place, SectionRef, Units as Command, UnitsWanted},
    Entry, Holder, Sale, Stage,
    area::Area,
};
use crate::{
    Error, Head, LaneSettings,
    events::{self, OnSale},
    layouts::Layouts,
    reservations::{self, Row},
    seats::{self, Taken},
    sections::{self, SectionRow},
};

/// What a batch's commands ask for.
#[derive(Default)]
pub(crate) struct Asked<'a> {
    events: Vec<(TenantId, EventId)>,
    /// Events of which a section is not named.
    whole: Vec<EventId>,
    names: Vec<(EventId, &'a SectionName)>,
    ids: Vec<SectionId>,
    reservations: Vec<(TenantId, ReservationId)>,
    /// Seats whose holders are asked for.
    held: Vec<(EventId, &'a SeatLabel)>,
    /// Seats that are wanted, in whichever section they are; nothing, when something else of the event is wanted, too.
    seats: HashMap<EventId, Option<HashSet<&'a SeatLabel>>>,
    users: Vec<(EventId, &'a UserId)>,
}

/// What was read in the flush of the lock.
#[derive(Default)]
pub(crate) struct Known {
    events: Vec<OnSale>,
    sections: Vec<SectionRow>,
    reservations: Vec<Row>,
    lapsed: Vec<Row>,
    taken: Vec<Taken>,
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
                    asked.reservations.push((command.order().tenant_id, command.reservation()));
                }
            }
        }
        asked.is_each_once();
        asked
    }

    fn hold(&mut self, hold: &'a HoldUnits) {
        let event = hold.event_id;
        self.events.push((hold.order.tenant_id, event));
        self.users.push((event, &hold.order.user_id));
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
        once(&mut self.whole);
        once(&mut self.names);
        once(&mut self.ids);
        once(&mut self.reservations);
        once(&mut self.held);
        once(&mut self.users);
    }

    /// How many holds of each event may be settled.
    fn share(&self) -> usize {
        (Sale::SETTLED / self.events.len().max(1)).max(1)
    }

    pub(in crate::lane) async fn read(&self, client: &Object, shard: Shard) -> Result<Known, Error> {
        let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) =
            self.reservations.iter().map(|(t, r)| (t.uuid(), r.uuid())).unzip();
        let (seat_events, labels): (Vec<Uuid>, Vec<&str>) =
            self.held.iter().map(|(event, seat)| (event.uuid(), seat.as_str())).unzip();
        let events: Vec<EventId> = self.events.iter().map(|(_, event)| *event).collect();
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
        let (on_sale, whole, named, by_id, lapsed, rows, areas, seated, taken) = join!(
            events::on_sale(client, shard, &self.events),
            sections::of_events(client, shard, &self.whole),
            sections::named(client, shard, &self.names),
            sections::by_id(client, shard, &self.ids),
            reservations::lapsed(client, shard, &events, most),
            reservations::by_id(client, shard, &self.reservations),
            of_reservations,
            of_seats,
            seats::holders(client, shard, &self.held),
        );
        let (mut reservations, (of_seats, seated)) = (rows?, seated?);
        reservations.extend(of_seats);
        let sections = [whole?, named?, by_id?, areas?, seated].concat();
        Ok(Known { events: on_sale?, sections, reservations, lapsed: lapsed?, taken: taken? })
    }
}

impl Sale {
    /// What was known with the lock, and what that makes necessary besides.
    pub(in crate::lane) async fn begin(
        head: &Head,
        settings: &LaneSettings,
        asked: &Asked<'_>,
        known: Known,
        layouts: &Layouts,
    ) -> Result<Self, Error> {
        let mut sale = Self::new(head.at());
        (sale.hold_for, sale.hold_max) = (settings.hold(), settings.hold_max());
        for on_sale in known.events {
            let key = (on_sale.tenant_id, on_sale.id);
            let stage = Stage { on_sale, lapsed: VecDeque::new(), room: asked.share(), sections: Vec::new() };
            sale.events.insert(key, stage);
        }
        for row in known.reservations {
            sale.remember(row);
        }
        sale.take_in(known.sections);
        for taken in known.taken {
            let holder = Some(taken.reservation_id);
            let key = (taken.tenant_id, taken.event_id, taken.seat);
            sale.seats.insert(key, Holder { stored: holder, now: holder });
        }
        for row in known.lapsed {
            let key = (row.tenant_id, row.reservation.event_id);
            if row.reservation.state.has_lapsed(head.at())
                && let Some(stage) = sale.events.get_mut(&key)
            {
                stage.lapsed.push_back(row.reservation.id);
                sale.remember(row);
            }
        }
        let limited = asked.users.iter().filter(|(event, _)| sale.limits(*event));
        let limited: Vec<(EventId, &UserId)> = limited.copied().collect();
        let has = reservations::has(head.client(), head.shard(), &limited).await?;
        sale.has = has.into_iter().collect();
        sale.complete(head, layouts, &asked.seats).await?;
        Ok(sale)
    }

    /// Reservations that are known, and what they have units of: to end them.
    pub(crate) async fn of(head: &Head, rows: Vec<Row>, layouts: &Layouts) -> Result<Self, Error> {
        let mut sale = Self::new(head.at());
        for row in rows {
            sale.remember(row);
        }
        sale.complete(head, layouts, &HashMap::new()).await?;
        Ok(sale)
    }

    fn limits(&self, event: EventId) -> bool {
        self.events.values().any(|stage| stage.on_sale.id == event && stage.on_sale.units_per_user.is_some())
    }

    fn remember(&mut self, row: Row) {
        let Row { tenant_id, reservation, event } = row;
        let entry = Entry { tenant_id, stored: Some(reservation.version), now: reservation, event };
        self.reservations.entry((tenant_id, entry.now.id)).or_insert(entry);
    }

    /// Sections, each once, and in the order that they have in their event. Not those of an event that nobody here takes units
    /// of or has any: a section's id is anybody's to send, and its seats would be read.
    fn take_in(&mut self, mut rows: Vec<SectionRow>) {
        let on_sale = self.events.keys().map(|(_, event)| *event);
        let touched: HashSet<EventId> =
            on_sale.chain(self.reservations.values().map(|entry| entry.now.event_id)).collect();
        rows.retain(|row| touched.contains(&row.event_id));
        rows.sort_by_key(|row| row.position);
        for row in rows {
            let (id, event) = (row.section.id, row.event_id);
            if self.areas.contains_key(&id) {
                continue;
            }
            for stage in self.events.values_mut().filter(|stage| stage.on_sale.id == event) {
                stage.sections.push(id);
            }
            self.areas.insert(id, Area::new(row));
        }
    }

    /// Reads the sections of all reservations that were read, and the seats of all sections whose seats matter.
    async fn complete(
        &mut self,
        head: &Head,
        layouts: &Layouts,
        seats_of: &HashMap<EventId, Option<HashSet<&SeatLabel>>>,
    ) -> Result<(), Error> {
        let (client, shard) = (head.client(), head.shard());
        let touched: HashSet<SectionId> = self
            .reservations
            .values()
            .flat_map(|entry| &entry.now.units)
            .map(|units| units.section_id)
            .collect();
        let unread: Vec<SectionId> =
            touched.iter().filter(|id| !self.areas.contains_key(id)).copied().collect();
        let rows = sections::by_id(client, shard, &unread).await?;
        // Not of an event's own: what is chosen from are those that were asked for.
        for row in rows {
            self.areas.insert(row.section.id, Area::new(row));
        }
        let seated = self.areas.values().filter(|area| area.is_seated());
        let seated: Vec<(SectionId, Uuid)> =
            seated.filter_map(|area| Some((area.row.section.id, area.row.layout_id?))).collect();
        if seated.is_empty() {
            return Ok(());
        }
        let mut layouts = layouts.of(client, shard, &seated).await?;
        let matters = |id: &SectionId| {
            let asked = self.areas.get(id).and_then(|area| seats_of.get(&area.row.event_id));
            match (asked, layouts.get(id)) {
                (Some(Some(labels)), Some(layout)) if !touched.contains(id) => {
                    labels.iter().any(|label| layout.contains(label))
                }
                _ => true,
            }
        };
        let wanted: Vec<SectionId> = seated.iter().map(|(id, _)| *id).filter(matters).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let mut blocks = seats::blocks(client, shard, &wanted).await?;
        for id in wanted {
            let layout = layouts.remove(&id).ok_or(BROKEN)?;
            let blocks = blocks.remove(&id).unwrap_or_default();
            let blocks = blocks.iter().map(|(number, states)| (*number, states.as_slice()));
            let map = SeatMap::from_blocks(layout.seats(), blocks).ok_or(BROKEN)?;
            let floor = Floor::new(layout, map).ok_or(BROKEN)?;
            if let Some(area) = self.areas.get_mut(&id) {
                area.floor = Some(floor);
            }
        }
        Ok(())
    }
}

const BROKEN: Error = Error::Defect("a section's seats are not as many as its layout has");

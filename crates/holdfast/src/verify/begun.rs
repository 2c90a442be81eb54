//! What there was before the log: taken as it is, if the log tells nothing of it, and else noted as not known.

use holdfast_domain::{
    Booking, BookingId, Event, EventId, Kind, Reservation, ReservationId, ResourceId, Seq, TenantId,
    WaitlistEntry, WaitlistEntryId, audit::Replay,
};
use holdfast_store::{After, Begun, BegunEntry, BegunEvent, BegunReservation, Error};
use uuid::Uuid;

use super::{
    log::{ROWS, Reading},
    sales::EVENTS,
};

/// An object that the log tells of from its begin, and where that is.
pub(super) type Young = (Seq, TenantId, Object);

/// What the log tells of, and may have begun before it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Object {
    Booking(ResourceId, BookingId),
    Event(EventId),
    Reservation(EventId, ReservationId),
    Entry(EventId, WaitlistEntryId),
}

impl Object {
    /// It was there, and nobody knows how.
    pub(super) fn adopt(self, tenant_id: TenantId, replay: &mut Replay) {
        match self {
            Self::Booking(resource_id, id) => replay.adopt_unsettled(tenant_id, resource_id, id),
            Self::Event(id) => replay.adopt_unsettled_event(tenant_id, id),
            Self::Reservation(event_id, id) => replay.adopt_unsettled_reservation(tenant_id, event_id, id),
            Self::Entry(event_id, id) => replay.adopt_unsettled_waitlist_entry(tenant_id, event_id, id),
        }
    }

    const fn id(self) -> Uuid {
        match self {
            Self::Booking(_, id) => id.uuid(),
            Self::Event(id) => id.uuid(),
            Self::Reservation(_, id) => id.uuid(),
            Self::Entry(_, id) => id.uuid(),
        }
    }

    /// The change that it begins with.
    const fn begin(self) -> Kind {
        match self {
            Self::Booking(..) => Kind::BookingCreated,
            Self::Event(_) => Kind::EventCreated,
            Self::Reservation(..) => Kind::ReservationHeld,
            Self::Entry(..) => Kind::WaitlistJoined,
        }
    }
}

/// How an object is now.
enum Row {
    Booking(Booking),
    Event(Event),
    Reservation(Reservation),
    Entry(WaitlistEntry),
}

impl Row {
    /// It has been so since before the log.
    fn adopt(&self, tenant_id: TenantId, replay: &mut Replay) {
        match self {
            Self::Booking(booking) => replay.adopt(tenant_id, booking),
            Self::Event(event) => replay.adopt_event(tenant_id, event),
            Self::Reservation(reservation) => replay.adopt_reservation(tenant_id, reservation),
            Self::Entry(entry) => replay.adopt_waitlist_entry(tenant_id, entry),
        }
    }
}

/// An object, how it is now, and the first that the log has of it.
struct Begins {
    tenant_id: TenantId,
    object: Object,
    /// Nothing when it can't be read.
    row: Option<Row>,
    first: Option<(Seq, String)>,
}

impl From<Begun> for Begins {
    fn from(begun: Begun) -> Self {
        let Begun { tenant_id, resource_id, id, row, first } = begun;
        Self { tenant_id, object: Object::Booking(resource_id, id), row: row.ok().map(Row::Booking), first }
    }
}

impl From<BegunEvent> for Begins {
    fn from(begun: BegunEvent) -> Self {
        let BegunEvent { tenant_id, id, row, first } = begun;
        Self { tenant_id, object: Object::Event(id), row: row.ok().map(Row::Event), first }
    }
}

impl From<BegunReservation> for Begins {
    fn from(begun: BegunReservation) -> Self {
        let BegunReservation { tenant_id, event_id, id, row, first } = begun;
        let object = Object::Reservation(event_id, id);
        Self { tenant_id, object, row: row.ok().map(Row::Reservation), first }
    }
}

impl From<BegunEntry> for Begins {
    fn from(begun: BegunEntry) -> Self {
        let BegunEntry { tenant_id, event_id, id, row, first } = begun;
        Self { tenant_id, object: Object::Entry(event_id, id), row: row.ok().map(Row::Entry), first }
    }
}

impl Reading<'_> {
    /// Takes what there was before the log: an object that the log does not tell of has been as it is, and one of which it
    /// tells later only then is known. One whose row can't be read never is.
    ///
    /// Gives those that the log tells of from their begin, if that lies before `margin`: it may be pruned meanwhile.
    pub(super) async fn adopt(&mut self, replay: &mut Replay, margin: Seq) -> Result<Vec<Young>, Error> {
        let (database, shard, from) = (self.database, self.shard, self.from);
        let mut young = Vec::new();
        let bookings = async |after| database.begun_bookings(shard, from, after, ROWS).await;
        self.adopt_each(replay, margin, &mut young, bookings).await?;
        let events = async |after| database.begun_events(shard, from, after, EVENTS).await;
        self.adopt_each(replay, margin, &mut young, events).await?;
        let reservations = async |after| database.begun_reservations(shard, from, after, ROWS).await;
        self.adopt_each(replay, margin, &mut young, reservations).await?;
        let entries = async |after| database.begun_waitlist(shard, from, after, ROWS).await;
        self.adopt_each(replay, margin, &mut young, entries).await?;
        Ok(young)
    }

    async fn adopt_each<T: Into<Begins>>(
        &mut self,
        replay: &mut Replay,
        margin: Seq,
        young: &mut Vec<Young>,
        read: impl AsyncFn(After) -> Result<Vec<T>, Error>,
    ) -> Result<(), Error> {
        let mut after = None;
        loop {
            let page = read(after).await?;
            if page.is_empty() {
                return Ok(());
            }
            for begins in page {
                let Begins { tenant_id, object, row, first } = begins.into();
                after = Some((tenant_id, object.id()));
                match (first, row) {
                    (Some((seq, kind)), _) if kind == object.begin().as_str() => {
                        if seq < margin {
                            young.push((seq, tenant_id, object));
                        }
                        continue;
                    }
                    (None, Some(row)) => row.adopt(tenant_id, replay),
                    _ => object.adopt(tenant_id, replay),
                }
                self.verdict.figures.begun_before += 1;
            }
        }
    }
}

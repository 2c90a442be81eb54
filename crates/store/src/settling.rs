//! The settling step: what is over is given back, who waits for units is served, and who had or wanted units of an event that is
//! called off is told, though nobody asks.
//!
//! Nothing hangs on it but when it is told: whoever takes units settles first. Any number of validators may take steps, in any
//! order, and one that dies is simply taken again.

use deadpool_postgres::Object;
use holdfast_domain::{Event, EventId, EventStatus, Fact, Shard, TenantId};

use crate::{
    Database, Error, Head, events,
    head::{CommitError, bounded},
    lane::{Asked, Rest, Sale, call_off, whole},
    lapsed, reservations,
};

/// What a settling step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Reservations that it ended.
    pub reservations: usize,
    /// Places in line that it served or took leave of.
    pub served: usize,
    /// Whether the log has grown by it.
    pub has_grown: bool,
    /// Whether it wrote anything: then there may be more to do, or at another time.
    pub has_written: bool,
}

/// Most events that one step passes by since they can't be settled.
const BROKEN_MAX: usize = 8;

/// What can't be settled, as a step has found.
#[derive(Default)]
struct Broken {
    events: Vec<EventId>,
    /// Whether a hold is broken of one of them, or of another: then those that are over are not ended together.
    is_any: bool,
}

impl Database {
    /// Takes one settling step in `shard`, of 200 reservations at most.
    ///
    /// When the COMMIT's answer is lost the step may have happened; the next one takes up from whatever is true then.
    ///
    /// # Errors
    /// When the head can't be had, or PostgreSQL fails.
    pub async fn settle_reservations(&self, shard: Shard) -> Result<Settled, Error> {
        // An event that can't be settled keeps none of the others waiting.
        let mut broken = Broken::default();
        loop {
            let mut event = None;
            match (self.settle_some(shard, &broken, &mut event).await, event) {
                (Err(error @ Error::Defect(_)), Some(event)) if broken.events.len() < BROKEN_MAX => {
                    tracing::error!(%shard, %event, %error, "an event can't be settled");
                    broken.events.push(event);
                }
                (Err(error @ Error::Defect(_)), None) if !broken.is_any => {
                    tracing::error!(%shard, %error, "holds that are over can't be ended together; event by event");
                    broken.is_any = true;
                }
                (done, _) => return done,
            }
        }
    }

    /// A step that leaves out what is broken; `event` is the one that it is about, if it is about one.
    async fn settle_some(
        &self,
        shard: Shard,
        broken: &Broken,
        event: &mut Option<EventId>,
    ) -> Result<Settled, Error> {
        let Some((head, sale, rest, settled)) = bounded(Box::pin(self.settled(shard, broken, event))).await?
        else {
            return Ok(Settled::default());
        };
        let write = async |head: &Head| sale.write_rest(head, &rest).await;
        head.write_and_commit(write).await.map_err(CommitError::into_error)?;
        Ok(settled)
    }

    /// All of a step up to what travels with its COMMIT; nothing when there is nothing to settle.
    async fn settled(
        &self,
        shard: Shard,
        broken: &Broken,
        event: &mut Option<EventId>,
    ) -> Result<Option<(Head, Sale, Rest, Settled)>, Error> {
        let limit = if broken.is_any { 0 } else { i64::try_from(Sale::SETTLED).unwrap_or(i64::MAX) };
        let (mut head, mut ended) = Head::take_and_read(self, shard, async |client: &Object| {
            reservations::read(client, lapsed::OF_SHARD, &[&shard.number(), &limit]).await
        })
        .await?;
        // By the transaction's own clock, which is a little older than that of the statement.
        ended.retain(|row| row.reservation.state.has_lapsed(head.at()));
        let behind = if broken.is_any { lapsed::first(&head, &broken.events).await? } else { None };
        let first_end = ended.first().and_then(|row| row.reservation.state.expires_at());
        let first_end = first_end.or(behind.map(|(_, end)| end));
        // One kind in a step: what the first has done is not in the table yet when the next is read. What is called off first, for
        // that comes to an end: holds may lapse as fast as they are settled. Then whatever has been due for longer.
        let line = events::line_due(&head, &broken.events)
            .await?
            .filter(|(_, due_at)| first_end.is_none_or(|end| *due_at <= end));
        let cancelling = events::cancelling(&head, &broken.events).await?;
        let line = line.or(behind);
        *event = cancelling.map(|(key, _)| key).or(line.map(|(key, _)| key)).map(|(_, event)| event);
        let mut called_off = 0;
        let sale = match (cancelling, line) {
            (Some((event, 0)), _) => {
                called_off = self.call_off_some(&mut head, event).await?;
                // That is written.
                self.expired(&mut head, Vec::new()).await?
            }
            (Some((event, _)), _) | (None, Some((event, _))) => {
                Box::pin(self.settled_event(&mut head, event)).await?
            }
            (None, None) => self.expired(&mut head, ended).await?,
        };
        crashpoint!("settle.before_write");
        let rest = sale.write(&head).await?;
        let has_grown = head.seq() != head.start();
        // Of a line in which nobody fits only that is written, and not told.
        let has_written = has_grown || sale.has_lines_to_write();
        if !has_written {
            head.rollback().await;
            return Ok(None);
        }
        let reservations = called_off + sale.expired();
        let settled = Settled { reservations, served: sale.served(), has_grown, has_written };
        Ok(Some((head, sale, rest, settled)))
    }

    /// Ends these holds, which are over.
    async fn expired(&self, head: &mut Head, ended: Vec<reservations::Row>) -> Result<Sale, Error> {
        let keys: Vec<_> = ended.iter().map(|row| (row.tenant_id, row.reservation.id)).collect();
        let mut sale = Sale::of(head, ended, self.layouts()).await?;
        for key in &keys {
            sale.expire(head, *key)?;
        }
        Ok(sale)
    }

    /// Settles an event as a command would that takes units of it.
    async fn settled_event(
        &self,
        head: &mut Head,
        (tenant_id, event): (TenantId, EventId),
    ) -> Result<Sale, Error> {
        let asked = Asked::event(tenant_id, event);
        let known = Box::pin(asked.read(head.client(), head.shard())).await?;
        let mut sale = Sale::begin(head, &asked, known, self.layouts()).await?;
        sale.settle(head, (tenant_id, event))?;
        Ok(sale)
    }

    /// Takes leave of some who have units of an event that is called off; and is done with it when those were all.
    async fn call_off_some(
        &self,
        head: &mut Head,
        (tenant_id, event_id): (TenantId, EventId),
    ) -> Result<usize, Error> {
        let (rows, is_last) = reservations::some_live(head, event_id, Sale::SETTLED).await?;
        let reservations = rows.len();
        call_off(head, self.layouts(), rows).await?;
        if is_last {
            let (before, _) = whole(head, tenant_id, event_id).await?.ok_or(GONE)?;
            let (version, updated_at) = (before.version + 1, head.at());
            let event = Event { status: EventStatus::Cancelled, version, updated_at, ..before };
            events::update(head, tenant_id, &event).await?;
            head.append_own(tenant_id, &Fact::EventCancelled { event });
        }
        Ok(reservations)
    }
}

const GONE: Error = Error::Defect("an event that is being called off is not there");

//! The settling step: what is over is given back, and who had units of an event that is called off is told, though nobody asks.
//!
//! Nothing hangs on it but when it is told: whoever takes units settles first. Any number of validators may take steps, in any
//! order, and one that dies is simply taken again.

use deadpool_postgres::Object;
use holdfast_domain::{CommandId, Event, EventId, EventStatus, Fact, Shard, TenantId, Trace};
use uuid::Uuid;

use crate::{
    Database, Error, Head, events,
    head::{CommitError, bounded},
    lane::{Rest, Sale, call_off, whole},
    reservations,
};

/// What a settling step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Reservations that it ended.
    pub reservations: usize,
    /// Whether the log has grown by it.
    pub has_grown: bool,
}

impl Database {
    /// Takes one settling step in `shard`, of 200 reservations at most.
    ///
    /// When the COMMIT's answer is lost the step may have happened; the next one takes up from whatever is true then.
    ///
    /// # Errors
    /// When the head can't be had, or PostgreSQL fails.
    pub async fn settle_reservations(&self, shard: Shard) -> Result<Settled, Error> {
        let Some((head, sale, rest, settled)) = bounded(Box::pin(self.settled(shard))).await? else {
            return Ok(Settled::default());
        };
        let write = async |head: &Head| sale.write_rest(head, &rest).await;
        head.write_and_commit(write).await.map_err(CommitError::into_error)?;
        Ok(settled)
    }

    /// All of a step up to what travels with its COMMIT; nothing when there is nothing to settle.
    async fn settled(&self, shard: Shard) -> Result<Option<(Head, Sale, Rest, Settled)>, Error> {
        let limit = i64::try_from(Sale::SETTLED).unwrap_or(i64::MAX);
        let (mut head, mut ended) = Head::take_and_read(self, shard, async |client: &Object| {
            reservations::read(client, reservations::ENDED, &[&shard.number(), &limit]).await
        })
        .await?;
        // By the transaction's own clock, which is a little older than that of the statement.
        ended.retain(|row| row.reservation.state.has_lapsed(head.at()));
        // First, for it comes to an end: holds may lapse as fast as they are settled. Not both in one step: what the first has
        // done is not in the table yet.
        let mut settled = self.cancelled(&mut head).await?;
        if settled.has_grown {
            ended.clear();
        }
        let keys: Vec<_> = ended.iter().map(|row| (row.tenant_id, row.reservation.id)).collect();
        let mut sale = Sale::of(&head, ended, self.layouts()).await?;
        for key in &keys {
            sale.expire(&mut head, *key)?;
        }
        if !keys.is_empty() {
            settled = Settled { reservations: keys.len(), has_grown: true };
        }
        crashpoint!("settle.before_write");
        let rest = sale.write(&head).await?;
        if head.seq() == head.start() {
            head.rollback().await;
            return Ok(None);
        }
        Ok(Some((head, sale, rest, settled)))
    }

    /// Goes on with the first event that is being called off.
    async fn cancelled(&self, head: &mut Head) -> Result<Settled, Error> {
        let statement = head.client().prepare_cached(events::CANCELLING).await?;
        let Some(row) = head.client().query_opt(&statement, &[&head.shard().number()]).await? else {
            return Ok(Settled::default());
        };
        let (tenant_id, event_id): (TenantId, EventId) =
            (row.get::<_, Uuid>(0).into(), row.get::<_, Uuid>(1).into());
        let (rows, is_last) = reservations::some_live(head, event_id, Sale::SETTLED).await?;
        let reservations = rows.len();
        call_off(head, self.layouts(), rows).await?;
        if is_last {
            let (before, _) = whole(head, tenant_id, event_id).await?.ok_or(GONE)?;
            let (version, updated_at) = (before.version + 1, head.at());
            let event = Event { status: EventStatus::Cancelled, version, updated_at, ..before };
            events::update(head, tenant_id, &event).await?;
            let command_id = CommandId::from(Uuid::now_v7());
            head.append(tenant_id, command_id, None, &Trace::default(), &Fact::EventCancelled { event });
        }
        Ok(Settled { reservations, has_grown: true })
    }
}

const GONE: Error = Error::Defect("an event that is being called off is not there");

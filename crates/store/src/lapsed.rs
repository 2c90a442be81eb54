//! Holds that are over and not ended yet: which, of which events, and how many. Never ends one.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::Object;
use holdfast_domain::{EventId, Shard, TenantId};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    Database, Error, Head, events,
    program::clock,
    reservations::{Row, event_of_reservation, read, reservation_columns},
};

/// Holds of these events that are over by the clock of now, the longest over first. That clock is later than the one of
/// the transaction, by which they are judged.
pub(crate) const OF_EVENTS: &str = concat!(
    "SELECT ",
    reservation_columns!(),
    "
    FROM unnest($2::uuid[]) AS wanted(event_id)
    CROSS JOIN LATERAL (
        SELECT *
        FROM reservations
        WHERE shard = $1 AND event_id = wanted.event_id AND status = 'HOLD'
            AND expires_at <= (SELECT greatest(at, clock_timestamp()) FROM heads WHERE shard = $1)
        ORDER BY expires_at
        LIMIT $3
    ) r",
    event_of_reservation!()
);

/// How many holds of events are over, `$4` at most, with how many units, and how many wait for them.
pub(crate) const COUNT: &str = concat!(
    "
    SELECT wanted.id, found.holds, found.units, e.waiting
    FROM unnest($2::uuid[], $3::uuid[]) AS wanted(tenant_id, id) ",
    clock!(),
    "
    CROSS JOIN LATERAL (
        SELECT waiting FROM events WHERE shard = $1 AND tenant_id = wanted.tenant_id AND id = wanted.id OFFSET 0
    ) e
    CROSS JOIN LATERAL (
        SELECT count(*) AS holds, coalesce(sum(quantity), 0) AS units
        FROM (
            SELECT quantity
            FROM reservations
            WHERE shard = $1 AND event_id = wanted.id AND status = 'HOLD' AND expires_at <= head.at
            ORDER BY expires_at
            LIMIT $4
        ) over
    ) found"
);

/// Holds of the shard that are over, the longest over first.
pub(crate) const OF_SHARD: &str = concat!(
    "SELECT ",
    reservation_columns!(),
    "
    FROM (
        SELECT *
        FROM reservations
        WHERE shard = $1 AND status = 'HOLD' AND expires_at > '-infinity'
            AND expires_at <= (SELECT greatest(at, clock_timestamp()) FROM heads WHERE shard = $1)
        ORDER BY expires_at
        LIMIT $2
    ) r",
    event_of_reservation!()
);

/// The event of the hold that has been over for the longest, but for some events.
pub(crate) const FIRST: &str = "
    SELECT tenant_id, event_id, expires_at
    FROM reservations
    WHERE shard = $1 AND status = 'HOLD' AND expires_at > '-infinity' AND expires_at <= $2
        AND event_id <> ALL ($3::uuid[])
    ORDER BY expires_at
    LIMIT 1";

/// Holds of these events that may be over, `most` of each.
pub(crate) async fn of_events(
    client: &Object,
    shard: Shard,
    events: &[EventId],
    most: i64,
) -> Result<Vec<Row>, Error> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    // A tenant may name another's event: each once.
    let events: HashSet<Uuid> = events.iter().map(|event| event.uuid()).collect();
    let events: Vec<Uuid> = events.into_iter().collect();
    read(client, OF_EVENTS, &[&shard.number(), &events, &most]).await
}

/// The event of the hold that has been over for the longest, and since when; but for these events.
pub(crate) async fn first(
    head: &Head,
    but: &[EventId],
) -> Result<Option<((TenantId, EventId), OffsetDateTime)>, Error> {
    let statement = head.client().prepare_cached(FIRST).await?;
    let but: Vec<Uuid> = but.iter().map(|event| event.uuid()).collect();
    let row = head.client().query_opt(&statement, &[&head.shard().number(), &head.at(), &but]).await?;
    Ok(row.map(|row| (events::key(&row), row.get(2))))
}

/// What an event has to settle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Over {
    holds: usize,
    /// Who may be offered what they give back.
    offers: usize,
}

impl Over {
    /// How many transactions that takes of which each settles so many. What has come back before is not counted: the rest of a
    /// line passes for one.
    pub(crate) fn transactions(self, most: usize) -> u32 {
        u32::try_from((self.holds + self.offers).div_ceil(most).max(1)).unwrap_or(u32::MAX)
    }
}

/// What these events have to settle, as far as `most` holds of each.
pub(crate) async fn count(
    database: &Database,
    shard: Shard,
    events: &[(TenantId, EventId)],
    most: usize,
) -> Result<HashMap<EventId, Over>, Error> {
    let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) =
        events.iter().map(|(tenant, event)| (tenant.uuid(), event.uuid())).unzip();
    let (number, most) = (shard.number(), i64::try_from(most).unwrap_or(i64::MAX));
    let over = |row: &tokio_postgres::Row| {
        let [holds, units, waiting] = [row.get::<_, i64>(1), row.get(2), row.get::<_, i32>(3).into()];
        let [holds, offers] =
            [holds, units.min(waiting)].map(|count| usize::try_from(count).unwrap_or_default());
        (row.get::<_, Uuid>(0).into(), Over { holds, offers })
    };
    let counted = database.ask(async |client: &Object| {
        let statement = client.prepare_cached(COUNT).await?;
        Ok(client.query(&statement, &[&number, &tenants, &ids, &most]).await?.iter().map(over).collect())
    });
    counted.await
}

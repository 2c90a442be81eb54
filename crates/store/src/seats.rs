//! The tables `seat_blocks` and `taken_seats`: the state of each seat, a thousand to a row, and who has those that are taken.

use std::collections::HashMap;

use deadpool_postgres::Object;
use holdfast_domain::{EventId, ReservationId, SeatLabel, SectionId, Shard, TenantId};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{Error, Head, resources::written};

/// The reservations `t` that have any of these seats, each once however many it has.
macro_rules! having_seats {
    () => {
        "
    FROM (
        SELECT DISTINCT holder.tenant_id, holder.reservation_id
        FROM unnest($2::uuid[], $3::text[]) AS wanted(event_id, seat)
        CROSS JOIN LATERAL (
            SELECT tenant_id, reservation_id
            FROM taken_seats
            WHERE shard = $1 AND event_id = wanted.event_id AND seat = wanted.seat
            OFFSET 0
        ) holder
    ) t
"
    };
}
pub(crate) use having_seats;

pub(crate) const BLOCKS: &str = "
    SELECT b.section_id, b.block, b.states
    FROM unnest($2::uuid[]) AS wanted(section_id)
    CROSS JOIN LATERAL (
        SELECT * FROM seat_blocks WHERE shard = $1 AND section_id = wanted.section_id ORDER BY block
    ) b";

const INSERT_BLOCKS: &str = "
    INSERT INTO seat_blocks (shard, section_id, block, states)
    SELECT $1, section_id, block, states FROM unnest($2::uuid[], $3::integer[], $4::bytea[]) AS b(section_id, block, states)";

/// They were read under the same head, and none is ever deleted.
pub(crate) const WRITE_BLOCKS: &str = "
    UPDATE seat_blocks b
    SET states = d.states
    FROM unnest($2::uuid[], $3::integer[], $4::bytea[]) AS d(section_id, block, states)
    CROSS JOIN LATERAL (
        SELECT shard, ctid FROM seat_blocks WHERE shard = $1 AND section_id = d.section_id AND block = d.block OFFSET 0
    ) place
    WHERE b.shard = place.shard AND b.ctid = place.ctid";

pub(crate) const HOLDERS: &str = "
    SELECT wanted.event_id, wanted.seat, t.tenant_id, t.reservation_id
    FROM unnest($2::uuid[], $3::text[]) AS wanted(event_id, seat)
    CROSS JOIN LATERAL (
        SELECT tenant_id, reservation_id
        FROM taken_seats
        WHERE shard = $1 AND event_id = wanted.event_id AND seat = wanted.seat
        OFFSET 0
    ) t";

pub(crate) const TAKE: &str = "
    INSERT INTO taken_seats (shard, event_id, seat, tenant_id, reservation_id)
    SELECT $1, event_id, seat, tenant_id, reservation_id
    FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::uuid[]) AS t(event_id, seat, tenant_id, reservation_id)";

/// Only from who has it.
pub(crate) const GIVE_BACK: &str = "
    DELETE FROM taken_seats t
    USING unnest($2::uuid[], $3::text[], $4::uuid[]) AS d(event_id, seat, reservation_id)
    CROSS JOIN LATERAL (
        SELECT shard, ctid
        FROM taken_seats
        WHERE shard = $1 AND event_id = d.event_id AND seat = d.seat AND reservation_id = d.reservation_id
        OFFSET 0
    ) place
    WHERE t.shard = place.shard AND t.ctid = place.ctid";

/// A block of a section's seats.
pub(crate) type Block = (SectionId, i32, Vec<u8>);

/// A seat, and who has it or had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) tenant_id: TenantId,
    pub(crate) event_id: EventId,
    pub(crate) seat: SeatLabel,
    pub(crate) reservation_id: ReservationId,
}

/// The states of all seats of these sections, by section, block after block.
pub(crate) async fn blocks(
    client: &Object,
    shard: Shard,
    sections: &[SectionId],
) -> Result<HashMap<SectionId, Vec<(usize, Vec<u8>)>>, Error> {
    let statement = client.prepare_cached(BLOCKS).await?;
    let sections: Vec<Uuid> = sections.iter().map(|section| section.uuid()).collect();
    let mut blocks: HashMap<SectionId, Vec<(usize, Vec<u8>)>> = HashMap::new();
    for row in client.query(&statement, &[&shard.number(), &sections]).await? {
        let block =
            usize::try_from(row.get::<_, i32>(1)).map_err(|_| Error::Defect("a block below the first"))?;
        blocks.entry(row.get::<_, Uuid>(0).into()).or_default().push((block, row.get(2)));
    }
    Ok(blocks)
}

/// Adds blocks of seats.
pub(crate) async fn insert_blocks(head: &Head, blocks: &[Block]) -> Result<(), Error> {
    write(head, INSERT_BLOCKS, blocks).await
}

/// Writes the states of seats.
pub(crate) async fn write_blocks(head: &Head, blocks: &[Block]) -> Result<(), Error> {
    write(head, WRITE_BLOCKS, blocks).await
}

async fn write(head: &Head, statement: &str, blocks: &[Block]) -> Result<(), Error> {
    if blocks.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(statement).await?;
    let sections: Vec<Uuid> = blocks.iter().map(|(section, ..)| section.uuid()).collect();
    let numbers: Vec<i32> = blocks.iter().map(|(_, number, _)| *number).collect();
    let states: Vec<&[u8]> = blocks.iter().map(|(.., states)| states.as_slice()).collect();
    let params: [&(dyn ToSql + Sync); 4] = [&head.shard().number(), &sections, &numbers, &states];
    written(head.client().execute(&statement, &params).await?, blocks.len())
}

/// Who has each of these seats, of those that are taken.
pub(crate) async fn holders(
    client: &Object,
    shard: Shard,
    seats: &[(EventId, &SeatLabel)],
) -> Result<Vec<Taken>, Error> {
    if seats.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client.prepare_cached(HOLDERS).await?;
    let (events, labels): (Vec<Uuid>, Vec<&str>) =
        seats.iter().map(|(event, seat)| (event.uuid(), seat.as_str())).unzip();
    let rows = client.query(&statement, &[&shard.number(), &events, &labels]).await?;
    let taken = |row: &tokio_postgres::Row| {
        Ok(Taken {
            event_id: row.get::<_, Uuid>(0).into(),
            seat: SeatLabel::parse(row.get(1)).map_err(|_| Error::Defect("a stored seat is none"))?,
            tenant_id: row.get::<_, Uuid>(2).into(),
            reservation_id: row.get::<_, Uuid>(3).into(),
        })
    };
    rows.iter().map(taken).collect()
}

/// Writes who has these seats; that one has another holder is an error of PostgreSQL's.
pub(crate) async fn take(head: &Head, taken: &[Taken]) -> Result<(), Error> {
    if taken.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(TAKE).await?;
    let (events, seats) = columns(taken);
    let tenants: Vec<Uuid> = taken.iter().map(|t| t.tenant_id.uuid()).collect();
    let reservations: Vec<Uuid> = taken.iter().map(|t| t.reservation_id.uuid()).collect();
    let params: [&(dyn ToSql + Sync); 5] = [&head.shard().number(), &events, &seats, &tenants, &reservations];
    written(head.client().execute(&statement, &params).await?, taken.len())
}

/// Takes these seats away from those who have them.
pub(crate) async fn give_back(head: &Head, taken: &[Taken]) -> Result<(), Error> {
    if taken.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(GIVE_BACK).await?;
    let (events, seats) = columns(taken);
    let reservations: Vec<Uuid> = taken.iter().map(|t| t.reservation_id.uuid()).collect();
    let params: [&(dyn ToSql + Sync); 4] = [&head.shard().number(), &events, &seats, &reservations];
    written(head.client().execute(&statement, &params).await?, taken.len())
}

fn columns(taken: &[Taken]) -> (Vec<Uuid>, Vec<&str>) {
    taken.iter().map(|t| (t.event_id.uuid(), t.seat.as_str())).unzip()
}

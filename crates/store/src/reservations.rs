//! The table `reservations`: units that users hold, or have confirmed.

use deadpool_postgres::Object;
use holdfast_domain::{
    ConfirmationCode, EventId, EventStatus, Reservation, ReservationId, ReservationStatus, SectionId, Shard,
    TenantId, Units, UserId, reservation::State,
};
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{Error, Head, events::Line, resources::written, seats::having_seats};

/// As many as [`COLUMNS`] says.
macro_rules! reservation_columns {
    () => {
        "r.tenant_id, r.id, r.event_id, e.venue_id, r.user_id, r.status, r.expires_at, r.confirmation_code, r.choice, \
         r.units, r.version, r.created_at, r.updated_at, e.status, e.waiting, e.line_due_at"
    };
}
pub(crate) use reservation_columns;

/// How many columns [`reservation_columns`] has.
pub(crate) const COLUMNS: usize = 16;

/// The event of the reservation `r`, where what is asked for is not a column of its own.
macro_rules! event_of_reservation {
    () => {
        "
    CROSS JOIN LATERAL (
        SELECT venue_id, status, waiting, line_due_at
        FROM events
        WHERE shard = $1 AND tenant_id = r.tenant_id AND id = r.event_id
        OFFSET 0
    ) e"
    };
}
pub(crate) use event_of_reservation;

pub(crate) const INSERT: &str = "
    INSERT INTO reservations (
        shard, tenant_id, id, event_id, user_id, status, expires_at, confirmation_code, choice, quantity, section_ids,
        units, version, created_at, updated_at)
    SELECT $1, tenant_id, id, event_id, user_id, status, expires_at, code, choice, quantity,
        CASE section_ids WHEN '' THEN '{}' ELSE string_to_array(section_ids, ',')::uuid[] END, units, version,
        created_at, $2
    FROM unnest(
        $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::timestamptz[], $9::text[], $10::smallint[],
        $11::integer[], $12::text[], $13::text[], $14::integer[], $15::timestamptz[])
        AS r(tenant_id, id, event_id, user_id, status, expires_at, code, choice, quantity, section_ids, units, version,
            created_at)";

pub(crate) const BY_ID: &str = concat!(
    "SELECT ",
    reservation_columns!(),
    "
    FROM unnest($2::uuid[], $3::uuid[]) AS wanted(tenant_id, id)
    CROSS JOIN LATERAL (
        SELECT * FROM reservations WHERE shard = $1 AND tenant_id = wanted.tenant_id AND id = wanted.id OFFSET 0
    ) r",
    event_of_reservation!()
);

/// The reservations that have these seats.
pub(crate) const OF_SEATS: &str = concat!(
    "SELECT ",
    reservation_columns!(),
    having_seats!(),
    "    CROSS JOIN LATERAL (
        SELECT * FROM reservations WHERE shard = $1 AND tenant_id = t.tenant_id AND id = t.reservation_id OFFSET 0
    ) r",
    event_of_reservation!()
);

/// Some of those who have units of an event.
pub(crate) const LIVE: &str = concat!(
    "SELECT ",
    reservation_columns!(),
    "
    FROM (
        SELECT *
        FROM reservations
        WHERE shard = $1 AND event_id = $2 AND status IN ('HOLD', 'CONFIRMED')
        ORDER BY user_id
        LIMIT $3
    ) r",
    event_of_reservation!()
);

/// How many units each of these users has of an event.
pub(crate) const HAS: &str = "
    SELECT wanted.event_id, wanted.user_id, found.quantity
    FROM unnest($2::uuid[], $3::text[]) AS wanted(event_id, user_id)
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(quantity), 0) AS quantity
        FROM reservations
        WHERE shard = $1 AND event_id = wanted.event_id AND user_id = wanted.user_id
            AND status IN ('HOLD', 'CONFIRMED')
    ) found";

/// When the next holds of each of these events end that are not over.
pub(crate) const NEXT_ENDS: &str = "
    SELECT wanted.event_id, next.id, next.expires_at
    FROM unnest($2::uuid[]) AS wanted(event_id)
    CROSS JOIN LATERAL (
        SELECT id, expires_at
        FROM reservations
        WHERE shard = $1 AND event_id = wanted.event_id AND status = 'HOLD' AND expires_at > $3
        ORDER BY expires_at
        LIMIT $4
    ) next";

/// The hold of what was not confirmed of a reservation, as the log told it; looked for as an object's changes are.
pub(crate) const REST: &str = "
    SELECT data->>'rest'
    FROM changes
    WHERE shard = $1 AND (object_id, seq) <= ($2, 9223372036854775807) AND object_id >= $2
        AND type = 'reservation_confirmed'
    ORDER BY object_id DESC, seq DESC
    LIMIT 1";

/// What became of reservations, each only if it still has the version that it was read with.
pub(crate) const UPDATE: &str = "
    UPDATE reservations r
    SET status = c.status, expires_at = c.expires_at, confirmation_code = c.code, quantity = c.quantity,
        section_ids = CASE c.section_ids WHEN '' THEN '{}' ELSE string_to_array(c.section_ids, ',')::uuid[] END,
        units = c.units, version = c.version, updated_at = $2
    FROM unnest(
        $3::uuid[], $4::uuid[], $5::integer[], $6::text[], $7::timestamptz[], $8::text[], $9::integer[], $10::text[],
        $11::text[], $12::integer[])
        AS c(tenant_id, id, before, status, expires_at, code, quantity, section_ids, units, version)
    CROSS JOIN LATERAL (
        SELECT shard, ctid
        FROM reservations
        WHERE shard = $1 AND tenant_id = c.tenant_id AND id = c.id AND version = c.before
        OFFSET 0
    ) place
    WHERE r.shard = place.shard AND r.ctid = place.ctid";

/// A reservation's row.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) tenant_id: TenantId,
    pub(crate) reservation: Reservation,
    /// How it is with the event.
    pub(crate) event: EventStatus,
    /// Who waits for units of it.
    pub(crate) line: Line,
}

/// New reservations.
pub(crate) async fn insert(head: &Head, new: &[(TenantId, &Reservation)]) -> Result<(), Error> {
    if new.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(INSERT).await?;
    let tenants: Vec<Uuid> = new.iter().map(|(tenant, _)| tenant.uuid()).collect();
    let ids: Vec<Uuid> = new.iter().map(|(_, r)| r.id.uuid()).collect();
    let events: Vec<Uuid> = new.iter().map(|(_, r)| r.event_id.uuid()).collect();
    let users: Vec<&str> = new.iter().map(|(_, r)| r.user_id.as_str()).collect();
    let states: Vec<&str> = new.iter().map(|(_, r)| r.state.status().as_str()).collect();
    let ends: Vec<Option<OffsetDateTime>> = new.iter().map(|(_, r)| r.state.expires_at()).collect();
    let codes: Vec<Option<&str>> = new.iter().map(|(_, r)| code_of(r)).collect();
    let choices: Vec<Option<i16>> = new.iter().map(|(_, r)| r.choice).collect();
    let quantities: Vec<i32> = new.iter().map(|(_, r)| r.quantity()).collect();
    let sections: Vec<String> = new.iter().map(|(_, r)| sections_of(r)).collect();
    let units: Vec<String> = new.iter().map(|(_, r)| write_units(r)).collect();
    let versions: Vec<i32> = new.iter().map(|(_, r)| r.version).collect();
    let created: Vec<OffsetDateTime> = new.iter().map(|(_, r)| r.created_at).collect();
    let (shard, at) = (head.shard().number(), head.at());
    let params: [&(dyn ToSql + Sync); 15] = [
        &shard,
        &at,
        &tenants,
        &ids,
        &events,
        &users,
        &states,
        &ends,
        &codes,
        &choices,
        &quantities,
        &sections,
        &units,
        &versions,
        &created,
    ];
    written(head.client().execute(&statement, &params).await?, new.len())
}

/// Writes what became of reservations, each with the version that it was read with.
pub(crate) async fn update(head: &Head, changed: &[(TenantId, i32, &Reservation)]) -> Result<(), Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let statement = head.client().prepare_cached(UPDATE).await?;
    let tenants: Vec<Uuid> = changed.iter().map(|(tenant, ..)| tenant.uuid()).collect();
    let ids: Vec<Uuid> = changed.iter().map(|(.., r)| r.id.uuid()).collect();
    let before: Vec<i32> = changed.iter().map(|(_, before, _)| *before).collect();
    let states: Vec<&str> = changed.iter().map(|(.., r)| r.state.status().as_str()).collect();
    let ends: Vec<Option<OffsetDateTime>> = changed.iter().map(|(.., r)| r.state.expires_at()).collect();
    let codes: Vec<Option<&str>> = changed.iter().map(|(.., r)| code_of(r)).collect();
    let quantities: Vec<i32> = changed.iter().map(|(.., r)| r.quantity()).collect();
    let sections: Vec<String> = changed.iter().map(|(.., r)| sections_of(r)).collect();
    let units: Vec<String> = changed.iter().map(|(.., r)| write_units(r)).collect();
    let versions: Vec<i32> = changed.iter().map(|(.., r)| r.version).collect();
    let (shard, at) = (head.shard().number(), head.at());
    let params: [&(dyn ToSql + Sync); 12] = [
        &shard,
        &at,
        &tenants,
        &ids,
        &before,
        &states,
        &ends,
        &codes,
        &quantities,
        &sections,
        &units,
        &versions,
    ];
    written(head.client().execute(&statement, &params).await?, changed.len())
}

/// Those of these reservations that there are.
pub(crate) async fn by_id(
    client: &Object,
    shard: Shard,
    ids: &[(TenantId, ReservationId)],
) -> Result<Vec<Row>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) = ids.iter().map(|(t, r)| (t.uuid(), r.uuid())).unzip();
    read(client, BY_ID, &[&shard.number(), &tenants, &ids]).await
}

/// Some of those who have units of an event, `most` of them; and whether there are no more.
pub(crate) async fn some_live(head: &Head, event: EventId, most: usize) -> Result<(Vec<Row>, bool), Error> {
    let limit = i64::try_from(most).unwrap_or(i64::MAX - 1) + 1;
    let mut rows = read(head.client(), LIVE, &[&head.shard().number(), &event.uuid(), &limit]).await?;
    let is_last = rows.len() <= most;
    rows.truncate(most);
    Ok((rows, is_last))
}

/// How many units each of these users has of an event, holds that are over and not settled among them.
pub(crate) async fn has(
    client: &Object,
    shard: Shard,
    users: &[(EventId, &UserId)],
) -> Result<Vec<((EventId, UserId), i64)>, Error> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client.prepare_cached(HAS).await?;
    let (events, names): (Vec<Uuid>, Vec<&str>) =
        users.iter().map(|(event, user)| (event.uuid(), user.as_str())).unzip();
    let rows = client.query(&statement, &[&shard.number(), &events, &names]).await?;
    let has = |row: &tokio_postgres::Row| {
        let user = UserId::parse(row.get(1)).map_err(|_| BROKEN)?;
        Ok(((row.get::<_, Uuid>(0).into(), user), row.get(2)))
    };
    rows.iter().map(has).collect()
}

/// When the next `most` holds of each of these events end, after `at`.
pub(crate) async fn next_ends(
    client: &Object,
    shard: Shard,
    events: &[EventId],
    at: OffsetDateTime,
    most: usize,
) -> Result<Vec<(EventId, ReservationId, OffsetDateTime)>, Error> {
    let statement = client.prepare_cached(NEXT_ENDS).await?;
    let events: Vec<Uuid> = events.iter().map(|event| event.uuid()).collect();
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let params: [&(dyn ToSql + Sync); 4] = [&shard.number(), &events, &at, &most];
    let rows = client.query(&statement, &params).await?;
    let end =
        |row: &tokio_postgres::Row| (row.get::<_, Uuid>(0).into(), row.get::<_, Uuid>(1).into(), row.get(2));
    Ok(rows.iter().map(end).collect())
}

/// The hold of what was not confirmed of a reservation that was; none when all was, or the log does not go back so far.
pub(crate) async fn rest_of(head: &Head, id: ReservationId) -> Result<Option<ReservationId>, Error> {
    let statement = head.client().prepare_cached(REST).await?;
    let row = head.client().query_opt(&statement, &[&head.shard().number(), &id.uuid()]).await?;
    let rest: Option<&str> = row.as_ref().and_then(|row| row.get(0));
    rest.map(str::parse).transpose().map_err(|_| BROKEN)
}

/// The rows of a statement that selects [`reservation_columns`].
pub(crate) async fn read(
    client: &Object,
    statement: &str,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, Error> {
    let statement = client.prepare_cached(statement).await?;
    client.query(&statement, params).await?.iter().map(|row| from_row(row, 0)).collect()
}

const BROKEN: Error = Error::Defect("a stored reservation breaks the rules of its texts or its status");

/// Reads a reservation, and whose it is, from [`reservation_columns`], the first of them at `first`.
pub(crate) fn from_row(row: &tokio_postgres::Row, first: usize) -> Result<Row, Error> {
    let status = ReservationStatus::parse(row.get(first + 5)).ok_or(BROKEN)?;
    let code: Option<&str> = row.get(first + 7);
    let code = code.map(ConfirmationCode::parse).transpose().map_err(|_| BROKEN)?;
    let reservation = Reservation {
        id: row.get::<_, Uuid>(first + 1).into(),
        event_id: row.get::<_, Uuid>(first + 2).into(),
        venue_id: row.get::<_, Uuid>(first + 3).into(),
        user_id: UserId::parse(row.get(first + 4)).map_err(|_| BROKEN)?,
        units: read_units(row.get(first + 9))?,
        state: State::rebuild(status, row.get(first + 6), code).ok_or(BROKEN)?,
        choice: row.get(first + 8),
        version: row.get(first + 10),
        created_at: row.get(first + 11),
        updated_at: row.get(first + 12),
    };
    let event = EventStatus::parse(row.get(first + 13)).ok_or(BROKEN)?;
    let line = Line { waiting: row.get(first + 14), due_at: row.get(first + 15) };
    Ok(Row { tenant_id: row.get::<_, Uuid>(first).into(), reservation, event, line })
}

/// Units from their JSON.
pub(crate) fn read_units(text: &str) -> Result<Vec<Units>, Error> {
    serde_json::from_str(text).map_err(|_| BROKEN)
}

fn write_units(reservation: &Reservation) -> String {
    serde_json::to_string(&reservation.units).expect("ids, texts and numbers are always JSON")
}

fn code_of(reservation: &Reservation) -> Option<&str> {
    reservation.state.code().map(ConfirmationCode::as_str)
}

/// The sections as one text: PostgreSQL has no arrays of arrays of different lengths.
fn sections_of(reservation: &Reservation) -> String {
    let ids = reservation.units.iter().map(|units| SectionId::uuid(units.section_id).to_string());
    ids.collect::<Vec<_>>().join(",")
}

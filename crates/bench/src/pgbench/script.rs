//! The transaction that pgbench runs, and the rows that it needs.
//!
//! Where it can be done in two ways, it is done in the one that is better for pgbench: ids rise as ours do, so that
//! the indexes grow at their end, and the change's JSON comes ready from the client.

use holdfast_domain::{
    Booking, BookingId, Claim, DEFAULT_TENANT, DEFAULT_VENUE, Fact, Kind, ResourceId, ResourceName, Seq,
    Shard, TimeRange, UserId,
};
use time::{Date, Time};

use crate::{
    database::Fresh,
    error::Error,
    request::{DAYS, resource_name},
    settings::Settings,
};

/// Makes the resources and the sequence.
///
/// # Errors
/// When that fails.
pub(crate) fn prepare(database: &Fresh<'_>, resources: u32) -> Result<(), Error> {
    let shard = Shard::of(DEFAULT_TENANT);
    let rows: Vec<String> =
        (1..=resources).map(|number| format!("({number}, '{}')", resource_name(number))).collect();
    let sql = format!(
        "CREATE SEQUENCE bench_seq;
         INSERT INTO resources (
             shard, tenant_id, id, venue_id, name, shortest_seconds, longest_seconds, days_ahead, created_at, updated_at)
         SELECT {shard}, '{DEFAULT_TENANT}', {id}, '{DEFAULT_VENUE}', name, 60, 31 * 86400, 730, at, at
         FROM (VALUES {rows}) AS named(number, name), clock_timestamp() AS at;
         ANALYZE resources;",
        id = resource_id("number"),
        rows = rows.join(", "),
    );
    database.query(&sql).map(drop)
}

/// The uuid of the resource with the number that `number` gives.
fn resource_id(number: &str) -> String {
    format!("('00000000-0000-7000-9000-' || lpad(({number})::text, 12, '0'))::uuid")
}

/// The transaction, in the language of pgbench.
pub(super) fn statement(settings: &Settings, first_day: Date) -> String {
    let (resources, users, last_slot) = (settings.resources, settings.users, u32::from(DAYS) * 24 - 1);
    let (shard, tenant) = (Shard::of(DEFAULT_TENANT), DEFAULT_TENANT);
    let (resource, kind) = (resource_id(":resource"), Kind::BookingCreated.as_str());
    format!(
        "\\set resource random(1, {resources})
\\set user random(1, {users})
\\set slot random(0, {last_slot})
WITH made AS MATERIALIZED (
    SELECT nextval('bench_seq') AS seq, clock_timestamp() AS at,
        TIMESTAMPTZ '{first_day} 00:00:00Z' + :slot::integer * INTERVAL '1 hour' AS start_at
), booked AS (
    INSERT INTO bookings (
        shard, tenant_id, id, resource_id, user_id, status, wanted_start_at, wanted_end_at, rank, decide_by, version,
        created_at, updated_at)
    SELECT {shard}, '{tenant}', ('00000000-0000-7000-8000-' || lpad(to_hex(seq), 12, '0'))::uuid,
        {resource}, 'user-' || :user::text, 'PENDING', start_at, start_at + INTERVAL '1 hour', seq,
        at + INTERVAL '15 minutes', 1, at, at
    FROM made
    RETURNING shard, rank, tenant_id, created_at, user_id, id, resource_id
)
INSERT INTO changes (shard, seq, tenant_id, type, at, actor, request_id, command_id, object_id, resource_id, data)
SELECT shard, rank, tenant_id, '{kind}', created_at, user_id, '019a6f3e-5b1c-7d2e-8f4a-6b7c8d9e0f1a', id, id,
    resource_id, :data::json
FROM booked;
"
    )
}

/// The JSON of one of our own changes: the same for each row, and as long as ours.
///
/// # Errors
/// Never with the names that are written here.
pub(super) fn change_data(first_day: Date) -> Result<String, Error> {
    let broken = |what| Error::Unusable(format!("a sample booking has no proper {what}"));
    let at = first_day.with_time(Time::MIDNIGHT).assume_utc() + time::Duration::microseconds(123_456);
    let start = at + time::Duration::DAY;
    let wanted = TimeRange::new(start, start + time::Duration::HOUR).map_err(|_| broken("range"))?;
    let booking = Booking {
        id: BookingId::from_u128(u128::MAX),
        resource_id: ResourceId::from_u128(u128::MAX),
        resource: ResourceName::parse(&resource_name(500)).map_err(|_| broken("name"))?,
        venue_id: DEFAULT_VENUE,
        user_id: UserId::parse("user-5000").map_err(|_| broken("user"))?,
        claim: Claim::want(wanted, Seq(100_000), at, time::Duration::minutes(15)),
        title: None,
        note: None,
        version: 1,
        created_at: at,
        updated_at: at,
    };
    Ok(Fact::BookingCreated { booking }.data_json())
}

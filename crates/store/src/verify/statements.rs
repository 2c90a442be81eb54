//! The statements of a verification. Never here: who asks them, and what comes of it.

use crate::bookings::booking_columns;

/// The columns of [`crate::changes::recorded`], as those of `told`.
macro_rules! told_columns {
    () => {
        "told.tenant_id, told.seq, told.type, told.at, told.actor, told.request_id, told.traceparent, told.data, \
         told.object_id"
    };
}
pub(super) use told_columns;

/// The last change of the object, by a row: the log's primary key must not serve.
macro_rules! last_change_of {
    ($id:literal) => {
        concat!(
            "LEFT JOIN LATERAL (
                SELECT tenant_id, seq, type, at, actor, request_id, traceparent, data::text AS data, object_id
                FROM changes
                WHERE shard = $1 AND (object_id, seq) <= (",
            $id,
            ", 9223372036854775807) AND object_id >= ",
            $id,
            "
                ORDER BY object_id DESC, seq DESC
                LIMIT 1
            ) told ON true"
        )
    };
}
pub(super) use last_change_of;

/// The resource of each booking. One whose resource is not there is given names for it: no constraint looks for such, so it
/// must not be missed here.
macro_rules! place_of_booking {
    () => {
        "LEFT JOIN LATERAL (
            SELECT name, venue_id
            FROM resources
            WHERE shard = $1 AND tenant_id = b.tenant_id AND id = b.resource_id
            OFFSET 0
        ) place ON true
        CROSS JOIN LATERAL (
            SELECT coalesce(place.name, 'nowhere') AS name, coalesce(place.venue_id, b.resource_id) AS venue_id
        ) r "
    };
}

pub(crate) const ENDS: &str = "
    SELECT seq, floor,
        (SELECT seq FROM changes WHERE shard = $1 ORDER BY seq LIMIT 1),
        (SELECT seq FROM changes WHERE shard = $1 ORDER BY seq DESC LIMIT 1)
    FROM heads
    WHERE shard = $1";

pub(crate) const RUN: &str = "
    SELECT tenant_id, seq, type, at, actor, request_id, traceparent, data::text, object_id
    FROM changes
    WHERE shard = $1 AND seq > $2 AND seq <= $3
    ORDER BY seq
    LIMIT $4";

/// What the log says of itself, which is about no object.
pub(crate) const OF_ITSELF: &str = "
    SELECT tenant_id, seq, type, at, actor, request_id, traceparent, data::text, object_id
    FROM changes
    WHERE shard = $1 AND object_id = '00000000-0000-0000-0000-000000000000'";

/// Beside each booking: whether its resource is there, another that holds some of what it holds, and the last that the log
/// has of it.
pub(crate) const BOOKINGS: &str = concat!(
    "SELECT b.tenant_id, ",
    booking_columns!(),
    ", place.name IS NOT NULL, (
        SELECT o.id
        FROM bookings o
        WHERE o.shard = $1 AND o.resource_id = b.resource_id AND o.granted && b.granted AND o.id <> b.id
            AND o.granted IS NOT NULL
        LIMIT 1
    ), ",
    told_columns!(),
    "
    FROM (
        SELECT * FROM bookings WHERE shard = $1 AND (tenant_id, id) > ($2, $3) ORDER BY tenant_id, id LIMIT $4
    ) b ",
    place_of_booking!(),
    last_change_of!("b.id"),
    "
    ORDER BY b.tenant_id, b.id"
);

/// Beside each booking: what kind of change is the first that the log has of it after a position.
pub(crate) const BEGUN: &str = concat!(
    "SELECT b.tenant_id, ",
    booking_columns!(),
    ", first.seq, first.type
    FROM (
        SELECT * FROM bookings WHERE shard = $1 AND (tenant_id, id) > ($2, $3) ORDER BY tenant_id, id LIMIT $4
    ) b ",
    place_of_booking!(),
    "LEFT JOIN LATERAL (
        SELECT seq, type
        FROM changes
        WHERE shard = $1 AND (object_id, seq) > (b.id, $5) AND object_id <= b.id
        ORDER BY object_id, seq
        LIMIT 1
    ) first ON true
    ORDER BY b.tenant_id, b.id"
);

/// Beside each resource: its open wants, counted.
pub(crate) const RESOURCES: &str = concat!(
    "SELECT r.id, r.venue_id, r.name, r.shortest_seconds, r.longest_seconds, r.days_ahead, r.version, r.created_at,
        r.updated_at, r.tenant_id, r.open_wants::bigint, (
            SELECT count(*)
            FROM bookings
            WHERE shard = $1 AND resource_id = r.id AND status = 'PENDING' AND created_at > '-infinity'
        ), ",
    told_columns!(),
    "
    FROM (
        SELECT * FROM resources WHERE shard = $1 AND (tenant_id, id) > ($2, $3) ORDER BY tenant_id, id LIMIT $4
    ) r ",
    last_change_of!("r.id"),
    "
    ORDER BY r.tenant_id, r.id"
);

pub(crate) const VENUES: &str = concat!(
    "SELECT v.id, v.name, v.time_zone, v.address, v.version, v.created_at, v.updated_at, v.tenant_id, ",
    told_columns!(),
    "
    FROM (
        SELECT * FROM venues WHERE shard = $1 AND (tenant_id, id) > ($2, $3) ORDER BY tenant_id, id LIMIT $4
    ) v ",
    last_change_of!("v.id"),
    "
    ORDER BY v.tenant_id, v.id"
);

/// Those of the objects that the table does not have.
macro_rules! lost_from {
    ($table:literal) => {
        concat!(
            "SELECT told.tenant_id, told.id
            FROM unnest($2::uuid[], $3::uuid[]) AS told(tenant_id, id)
            LEFT JOIN LATERAL (
                SELECT id FROM ",
            $table,
            " WHERE shard = $1 AND tenant_id = told.tenant_id AND id = told.id OFFSET 0
            ) stored ON true
            WHERE stored.id IS NULL"
        )
    };
}
pub(super) use lost_from;

pub(crate) const LOST_BOOKINGS: &str = lost_from!("bookings");
pub(crate) const LOST_RESOURCES: &str = lost_from!("resources");
pub(crate) const LOST_VENUES: &str = lost_from!("venues");

pub(crate) const NET: &str = "
    SELECT EXISTS (
        SELECT
        FROM pg_constraint
        WHERE conrelid = 'bookings'::regclass AND contype = 'x' AND conname LIKE 'bookings\\_no\\_overlap%'
            AND convalidated
    )";

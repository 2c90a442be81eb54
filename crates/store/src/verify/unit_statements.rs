//! The statements of a verification about events and units of them. Never here: who asks them, and what comes of it.

use super::statements::{last_change_of, lost_from, told_columns};
use crate::{events::event_columns, reservations::reservation_columns};

/// A page of events `e`.
macro_rules! page_of_events {
    () => {
        "(
        SELECT * FROM events WHERE shard = $1 AND (tenant_id, id) > ($2, $3) ORDER BY tenant_id, id LIMIT $4
    ) e"
    };
}

/// The sections `s` of the event `e`, in their order.
macro_rules! sections_of_event {
    () => {
        "(
            SELECT * FROM sections WHERE shard = $1 AND event_id = e.id ORDER BY position
        ) s"
    };
}

/// What people see of sections, each column as an array.
macro_rules! section_arrays {
    () => {
        "array_agg(s.id ORDER BY s.position) AS ids, array_agg(s.name ORDER BY s.position) AS names,
            array_agg(s.kind ORDER BY s.position) AS kinds, array_agg(s.capacity ORDER BY s.position) AS capacities,
            array_agg(s.price_amount ORDER BY s.position) AS amounts,
            array_agg(s.price_currency ORDER BY s.position) AS currencies"
    };
}

/// The event of each reservation. One whose event is not there is not missed.
macro_rules! event_of_reservation {
    () => {
        "LEFT JOIN LATERAL (
            SELECT venue_id, status, waiting, line_due_at
            FROM events
            WHERE shard = $1 AND tenant_id = r.tenant_id AND id = r.event_id
            OFFSET 0
        ) place ON true
        CROSS JOIN LATERAL (
            SELECT
                coalesce(place.venue_id, r.event_id) AS venue_id,
                coalesce(place.status, 'CANCELLED') AS status,
                coalesce(place.waiting, 0) AS waiting,
                place.line_due_at
        ) e "
    };
}

/// Beside each event: its sections, what they say is taken of them, and what reservations have, counted; whether any of its
/// seats are somebody's; what it says of its line, and how many stand in it, counted; and the last that the log has of it.
/// Reservations whose units can't be read are given, and not counted.
pub(crate) const EVENTS: &str = concat!(
    "SELECT e.tenant_id, ",
    event_columns!(),
    ", of.ids, of.names, of.kinds, of.capacities, of.amounts, of.currencies, of.held, of.confirmed, of.now_held,
        of.now_confirmed, EXISTS (SELECT FROM taken_seats WHERE shard = $1 AND event_id = e.id), e.waiting, e.line_due_at, (
            SELECT count(*)
            FROM (
                SELECT
                FROM waitlist
                WHERE shard = $1 AND event_id = e.id AND status = 'WAITING'
                ORDER BY request_id
            ) line
        ), ",
    told_columns!(),
    "
    FROM ",
    page_of_events!(),
    "
    CROSS JOIN LATERAL (
        WITH had AS MATERIALIZED (
            SELECT (part ->> 'section_id')::uuid AS section_id,
                coalesce(sum((part ->> 'quantity')::bigint) FILTER (WHERE r.status = 'HOLD'), 0)::bigint AS held,
                coalesce(sum((part ->> 'quantity')::bigint) FILTER (WHERE r.status = 'CONFIRMED'), 0)::bigint
                    AS confirmed
            FROM (
                SELECT status, units
                FROM reservations
                WHERE shard = $1 AND event_id = e.id AND status IN ('HOLD', 'CONFIRMED') AND id <> ALL ($5)
                ORDER BY user_id
            ) r
            CROSS JOIN LATERAL json_array_elements(r.units::json) part
            GROUP BY 1
        )
        SELECT ",
    section_arrays!(),
    ", array_agg(s.held ORDER BY s.position) AS held, array_agg(s.confirmed ORDER BY s.position) AS confirmed,
            array_agg(coalesce(had.held, 0) ORDER BY s.position) AS now_held,
            array_agg(coalesce(had.confirmed, 0) ORDER BY s.position) AS now_confirmed
        FROM ",
    sections_of_event!(),
    "
        LEFT JOIN had ON had.section_id = s.id
    ) of ",
    last_change_of!("e.id"),
    "
    ORDER BY e.tenant_id, e.id"
);

/// All about the seats of an event, of one moment: which sections have which, their states, who has them by the table and
/// who by the reservations.
pub(crate) const SEATS: &str = "
    SELECT 'section', id, layout, NULL::bytea, capacity, NULL
    FROM (
        SELECT * FROM sections WHERE shard = $1 AND event_id = $2 ORDER BY position
    ) s
    WHERE layout IS NOT NULL
    UNION ALL
    SELECT 'block', b.section_id, NULL, b.states, b.block, NULL
    FROM (
        SELECT id FROM sections WHERE shard = $1 AND event_id = $2 ORDER BY position
    ) s
    CROSS JOIN LATERAL (
        SELECT * FROM seat_blocks WHERE shard = $1 AND section_id = s.id ORDER BY block
    ) b
    UNION ALL
    SELECT 'taken', reservation_id, seat, NULL, 0, NULL
    FROM taken_seats
    WHERE shard = $1 AND event_id = $2
    UNION ALL
    SELECT 'reservation', id, units, NULL, 0, status
    FROM (
        SELECT *
        FROM reservations
        WHERE shard = $1 AND event_id = $2 AND status IN ('HOLD', 'CONFIRMED')
        ORDER BY user_id
    ) r
    WHERE section_ids && ARRAY (
        SELECT id
        FROM (SELECT * FROM sections WHERE shard = $1 AND event_id = $2 ORDER BY position) s
        WHERE layout IS NOT NULL
    )";

/// Beside each reservation: whether its event is there, what the columns say that repeat its units, and the last that the
/// log has of it.
pub(crate) const RESERVATIONS: &str = concat!(
    "SELECT ",
    reservation_columns!(),
    ", place.status IS NOT NULL, r.quantity, r.section_ids, ",
    told_columns!(),
    "
    FROM (
        SELECT * FROM reservations WHERE shard = $1 AND (tenant_id, id) > ($2, $3) ORDER BY tenant_id, id LIMIT $4
    ) r ",
    event_of_reservation!(),
    last_change_of!("r.id"),
    "
    ORDER BY r.tenant_id, r.id"
);

/// The first change that the log has of the object after a position.
macro_rules! first_change_of {
    ($id:literal) => {
        concat!(
            "LEFT JOIN LATERAL (
        SELECT seq, type
        FROM changes
        WHERE shard = $1 AND (object_id, seq) > (",
            $id,
            ", $5) AND object_id <= ",
            $id,
            "
        ORDER BY object_id, seq
        LIMIT 1
    ) first ON true"
        )
    };
}
pub(super) use first_change_of;

/// Beside each reservation: what kind of change is the first that the log has of it after a position.
pub(crate) const BEGUN_RESERVATIONS: &str = concat!(
    "SELECT ",
    reservation_columns!(),
    ", first.seq, first.type
    FROM (
        SELECT * FROM reservations WHERE shard = $1 AND (tenant_id, id) > ($2, $3) ORDER BY tenant_id, id LIMIT $4
    ) r ",
    event_of_reservation!(),
    first_change_of!("r.id"),
    "
    ORDER BY r.tenant_id, r.id"
);

/// The same beside each event with its sections.
pub(crate) const BEGUN_EVENTS: &str = concat!(
    "SELECT e.tenant_id, ",
    event_columns!(),
    ", of.ids, of.names, of.kinds, of.capacities, of.amounts, of.currencies, first.seq, first.type
    FROM ",
    page_of_events!(),
    "
    CROSS JOIN LATERAL (
        SELECT ",
    section_arrays!(),
    "
        FROM ",
    sections_of_event!(),
    "
    ) of ",
    first_change_of!("e.id"),
    "
    ORDER BY e.tenant_id, e.id"
);

pub(super) const LOST_EVENTS: &str = lost_from!("events");
pub(super) const LOST_RESERVATIONS: &str = lost_from!("reservations");

/// Whether what refuses more than there is, a seat to two and a second place in line is there.
pub(super) const NETS: &str = "
    SELECT
        EXISTS (
            SELECT
            FROM pg_constraint
            WHERE conrelid = 'sections'::regclass AND contype = 'c' AND conname = 'sections_not_oversold' AND convalidated
        ),
        EXISTS (
            SELECT
            FROM pg_constraint
            WHERE conrelid = 'taken_seats'::regclass AND contype = 'p' AND conname = 'taken_seats_pkey'
        ),
        EXISTS (
            SELECT
            FROM pg_index
            JOIN pg_class ON pg_class.oid = indexrelid
            WHERE indrelid = 'waitlist'::regclass AND relname = 'waitlist_place' AND indisunique AND indisvalid
        )";

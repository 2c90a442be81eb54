//! Whether what the tables say of units agrees with itself: counters, reservations, seats and who has them.

use holdfast_domain::{
    EventId,
    seating::{SeatMap, SeatState},
};

use crate::TestDatabase;

/// Sections whose counters are not what their reservations have.
const COUNTERS: &str = "
    SELECT format('%s: %s held and %s confirmed, reservations have %s and %s',
        s.name, s.held, s.confirmed, has.held, has.confirmed)
    FROM sections s
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(quantity) FILTER (WHERE status = 'HOLD'), 0) AS held,
            coalesce(sum(quantity) FILTER (WHERE status = 'CONFIRMED'), 0) AS confirmed
        FROM (
            SELECT r.status, (u->>'quantity')::integer AS quantity
            FROM reservations r, json_array_elements(r.units::json) u
            WHERE r.event_id = s.event_id AND (u->>'section_id')::uuid = s.id
        ) units
    ) has
    WHERE (s.held, s.confirmed) <> (has.held, has.confirmed)";

/// Seats that are taken and by nobody, or had and not taken.
const HOLDERS: &str = "
    SELECT format('%s: taken by %s, had by %s', coalesce(t.seat, has.seat), t.reservation_id, has.id)
    FROM (
        SELECT r.event_id, seat, r.id
        FROM reservations r, json_array_elements(r.units::json) u, json_array_elements_text(u->'seats') seat
        WHERE r.status IN ('HOLD', 'CONFIRMED')
    ) has
    FULL JOIN taken_seats t ON t.event_id = has.event_id AND t.seat = has.seat AND t.reservation_id = has.id
    WHERE t.seat IS NULL OR has.id IS NULL";

/// Events that count others in line than there are, or that are due though nobody waits.
const LINES: &str = "
    SELECT format('%s: %s in line, counted %s, due %s', e.title, waiting.count, e.waiting, e.line_due_at)
    FROM events e
    CROSS JOIN LATERAL (
        SELECT count(*) FROM waitlist w WHERE w.event_id = e.id AND w.status = 'WAITING'
    ) waiting
    WHERE waiting.count <> e.waiting OR (e.waiting = 0 AND e.line_due_at IS NOT NULL)";

/// The states of all seats of each seated section, and what its counters say.
const STATES: &str = "
    SELECT s.name, s.held, s.confirmed, s.capacity, string_agg(b.states, ''::bytea ORDER BY b.block)
    FROM sections s
    JOIN seat_blocks b ON b.section_id = s.id
    GROUP BY s.id, s.name, s.held, s.confirmed, s.capacity";

impl TestDatabase {
    /// What does not agree; nothing, when all is well.
    ///
    /// # Panics
    /// When PostgreSQL does not play along.
    pub async fn uneven(&self) -> Vec<String> {
        let client = self.client().await;
        let mut found: Vec<String> = Vec::new();
        for statement in [COUNTERS, HOLDERS, LINES] {
            let rows = client.query(statement, &[]).await.expect("the tables");
            found.extend(rows.iter().map(|row| row.get::<_, String>(0)));
        }
        for row in client.query(STATES, &[]).await.expect("the seats") {
            let (name, states): (String, Vec<u8>) = (row.get(0), row.get(4));
            let map =
                SeatMap::from_blocks(states.len() * 4, states.chunks(256).enumerate()).expect("whole blocks");
            let count = |state| i32::try_from(map.count(state)).expect("a hall");
            let (held, confirmed) = (count(SeatState::Held), count(SeatState::Confirmed));
            let told: (i32, i32) = (row.get(1), row.get(2));
            if (held, confirmed) != told {
                found.push(format!("{name}: {held} seats held and {confirmed} confirmed, counted {told:?}"));
            }
        }
        found
    }

    /// Units taken of an event, held and confirmed, by the reservations.
    ///
    /// # Panics
    /// When PostgreSQL does not play along.
    pub async fn taken_of(&self, event: EventId) -> i64 {
        let taken = "SELECT coalesce(sum(quantity), 0) FROM reservations
                     WHERE event_id = $1 AND status IN ('HOLD', 'CONFIRMED')";
        let row = self.client().await.query_one(taken, &[&event.uuid()]).await;
        row.expect("the reservations").get(0)
    }
}

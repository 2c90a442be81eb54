//! The hot statements' plans, under test: each uses the index that was made for it, whatever is known of
//! the tables. A statement is planned once a connection, so a plan from an empty table would stay.

use holdfast_testkit::TestDatabase;
use tokio_postgres::Client;

use crate::{
    asked, availability, bookings, changes, database, decision, events, feed, heads, history, holdings,
    in_line, inventory, keys, lapsed, listing, program, prune, reservations, resources, seats, sections,
    verify, waitlist, watch,
};

/// What is held, and nothing of a range that only begins before another is read from the table.
const HELD: &str = "(status = 'VALID'::text) AND (wanted_start_at > w.earliest_at) AND (wanted_start_at < w.end_at) \
    AND (wanted_end_at > w.start_at)";

/// The same of what is wanted.
const WANTED: &str = "(status = 'PENDING'::text) AND (wanted_start_at > w.earliest_at) AND (wanted_start_at < w.end_at) \
    AND (wanted_end_at > w.start_at)";

/// A statement, and what its plan has to have.
const HOT: &[(&str, &[&str])] = &[
    (heads::LOCK, &["Index Cond: (shard = $1)"]),
    (heads::WRITE, &["Index Cond: (shard = $1)", "Insert on changes"]),
    (changes::AFTER, &["changes_pkey", "Index Cond: ((shard = $1) AND (seq > $2))"]),
    (resources::COUNT_WANTS, &["resources_pkey", "(id = d.id)", "TID Cond"]),
    (resources::JUDGE, &["resources_pkey", "(id = d.id)", "TID Cond"]),
    (bookings::BY_ID, &["bookings_pkey", "(id = wanted.id)"]),
    (bookings::UPDATE, &["bookings_pkey", "(id = c.id)", "TID Cond"]),
    (bookings::ASKED_AT, &["changes_pkey", "(seq = rank.seq)"]),
    (
        listing::OF_TENANT,
        &[
            "bookings_listed",
            "(ROW(wanted_start_at, id) > ROW($5, $6))",
            "(wanted_start_at < $7)",
            "resources_pkey",
        ],
    ),
    (
        listing::OF_RESOURCE,
        &[
            "Merge Append",
            "bookings_on_resource",
            "(resource_id = $3) AND (status = 'PENDING'::text)",
            "(ROW(wanted_start_at, id) > ROW($5, $6)) AND (wanted_start_at < $7)",
            "(status = 'VALID'::text)",
            "(status = 'REJECTED'::text)",
            "(status = 'CANCELLED'::text)",
            // Whose the resource is, is known before anything is read of it.
            "One-Time Filter: (('PENDING'::text = ANY ($9)) AND $",
            "resources_pkey",
        ],
    ),
    (
        listing::OF_USER,
        &[
            "bookings_of_user",
            "(ROW(user_id, wanted_start_at, id) > ROW($4, $5, $6))",
            "(ROW(user_id, wanted_start_at) < ROW($4, $7))",
            "resources_pkey",
        ],
    ),
    (
        feed::OF_TENANT,
        &[
            "heads_pkey",
            "changes_of_tenant",
            "(ROW(tenant_id, seq) > ROW($2, $3)) AND (ROW(tenant_id, seq) <= ROW($2, heads.seq))",
        ],
    ),
    (history::OF_OBJECT, &["changes_of_object", "(ROW(object_id, seq) > ROW($2, $3)) AND (object_id <= $2)"]),
    (inventory::PAGE, &["resources_pkey", "(id > $3)"]),
    (inventory::NAMED, &["resources_name_key", "(venue_id = $2) AND (name = $3)"]),
    (
        availability::SLOTS,
        &[
            "resources_pkey",
            "bookings_on_resource",
            "(status = 'VALID'::text) AND (wanted_start_at > $4) AND (wanted_start_at < $6) AND (wanted_end_at > $5)",
            "(status = 'PENDING'::text) AND (wanted_start_at > $4) AND (wanted_start_at < $6) AND (wanted_end_at > $5)",
            "bookings_moving",
        ],
    ),
    (
        asked::MEET_BY_NAME,
        &["resources_name_key", "(name = w.name)", "bookings_on_resource", HELD, WANTED, "bookings_moving"],
    ),
    (
        asked::MEET_BY_ID,
        &["resources_pkey", "(id = w.resource_id)", "bookings_on_resource", HELD, WANTED, "bookings_moving"],
    ),
    (asked::COUNT, &["bookings_on_resource", HELD, WANTED, "bookings_moving"]),
    (keys::KNOWN, &["idempotency_keys_pkey", "(key = wanted.key)"]),
    (keys::EFFECT, &["changes_pkey", "changes_of_object", "(object_id = "]),
    (keys::LAST, &["changes_of_object", "(ROW(object_id, seq) <= ROW($2, "]),
    (keys::EXPIRED, &["idempotency_keys_expired"]),
    (prune::FIRST, &["changes_pkey", "Index Cond: (shard = $1)"]),
    (prune::OLDEST, &["changes_pkey", "Index Cond: ((shard = $1) AND (seq >= $5))"]),
    (prune::PRUNE, &["changes_pkey", "Index Cond: ((shard = $1) AND (seq >= $2) AND (seq <= $3))"]),
    (keys::SWEEP, &["idempotency_keys_expired", "TID Cond"]),
    (resources::BY_ID, &["resources_pkey", "(id = $3)"]),
    (
        decision::LOOK,
        &[
            "heads_pkey",
            "changes_pkey",
            "resources_pkey",
            "bookings_due",
            "reservations_ending",
            "events_cancelling",
            "events_line_due",
            "Nested Loop",
            "CTE Scan on recent c",
        ],
    ),
    (decision::WINDOW, &["changes_pkey", "Index Cond: ((shard = $1) AND (seq > $2))"]),
    (decision::CHANGED, &["changes_pkey", "resources_pkey", "resource_id)"]),
    (decision::DUE, &["bookings_due", "(decide_by <= $2)", "resources_pkey"]),
    (decision::OPEN, &["bookings_on_resource", "(resource_id = r.id) AND (status = 'PENDING'::text)"]),
    (
        decision::HELD,
        &["bookings_on_resource", "(status = 'VALID'::text) AND (wanted_start_at > r.earliest_at)"],
    ),
    (
        decision::OVERLOOKED,
        &[
            "bookings_due",
            "(ROW(decide_by, id)",
            "bookings_on_resource",
            "(status = 'VALID'::text)",
            "bookings_moving",
            "changes_pkey",
        ],
    ),
    (decision::DECIDE, &["bookings_pkey", "(id = d.id)", "resources_pkey", "TID Cond"]),
    (verify::ENDS, &["heads_pkey", "changes_pkey", "Index Cond: (shard = $1)"]),
    (verify::RUN, &["changes_pkey", "Index Cond: ((shard = $1) AND (seq > $2) AND (seq <= $3))"]),
    (verify::OF_ITSELF, &["changes_of_object", "(object_id = "]),
    (
        verify::BOOKINGS,
        &[
            "bookings_pkey",
            "(ROW(tenant_id, id) > ROW($2, $3))",
            "resources_pkey",
            "bookings_no_overlap",
            "(granted && bookings.granted)",
            "changes_of_object",
            "(ROW(object_id, seq) <= ROW(bookings.id, ",
        ],
    ),
    (
        verify::BEGUN,
        &[
            "bookings_pkey",
            "(ROW(tenant_id, id) > ROW($2, $3))",
            "resources_pkey",
            "changes_of_object",
            "(ROW(object_id, seq) > ROW(",
        ],
    ),
    (
        verify::RESOURCES,
        &[
            "resources_pkey",
            "(ROW(tenant_id, id) > ROW($2, $3))",
            "bookings_on_resource",
            "(status = 'PENDING'::text)",
            "changes_of_object",
        ],
    ),
    (verify::VENUES, &["venues_pkey", "(ROW(tenant_id, id) > ROW($2, $3))", "changes_of_object"]),
    (events::BY_ID, &["events_pkey", "(id = $3)"]),
    (events::ON_SALE, &["events_pkey", "(id = wanted.id)"]),
    (events::CANCELLING, &["events_cancelling"]),
    (events::LINE_DUE, &["events_line_due", "(line_due_at <= $2)"]),
    (events::BRING_FORWARD, &["events_line_due", "(line_due_at > $2)"]),
    (events::WRITE_LINES, &["events_pkey", "(id = d.id)", "TID Cond"]),
    (
        waitlist::LINES,
        &[
            "waitlist_line",
            "(event_id = wanted.event_id)",
            "(request_id > r.request_id)",
            "(request_id = requests.request_id)",
            "events_pkey",
        ],
    ),
    (waitlist::DIFFERENT, &["waitlist_line", "(event_id = wanted.event_id)", "(request_id > r.request_id)"]),
    (waitlist::WAITED_FOR, &["waitlist_line", "(request_id = wanted.request_id)"]),
    (waitlist::OF_USERS, &["waitlist_of_user", "(user_id = wanted.user_id)", "events_pkey"]),
    (waitlist::UPDATE, &["waitlist_pkey", "(id = c.id)", "TID Cond"]),
    (
        in_line::PLACE,
        &["waitlist_of_user", "(user_id = $4)", "waitlist_ranks", "waitlist_offers", "events_pkey"],
    ),
    (in_line::WAITING, &["waitlist_ranks", "(rank > $4)", "events_pkey"]),
    (sections::COUNT, &["sections_pkey", "(id = d.id)", "TID Cond"]),
    (sections::OF_EVENTS, &["sections_position_key", "(event_id = wanted.event_id)"]),
    (sections::NAMED, &["sections_name_key", "(name = wanted.name)"]),
    (sections::BY_ID, &["sections_pkey", "(id = wanted.id)"]),
    (sections::LAYOUTS, &["sections_pkey", "(id = wanted.id)"]),
    (sections::OF_RESERVATIONS, &["reservations_pkey", "(id = wanted.id)", "sections_pkey"]),
    (sections::OF_SEATS, &["taken_seats_pkey", "(seat = wanted.seat)", "reservations_pkey", "sections_pkey"]),
    (seats::BLOCKS, &["seat_blocks_pkey", "(section_id = wanted.section_id)"]),
    (seats::WRITE_BLOCKS, &["seat_blocks_pkey", "(block = d.block)", "TID Cond"]),
    (seats::HOLDERS, &["taken_seats_pkey", "(seat = wanted.seat)"]),
    (seats::GIVE_BACK, &["taken_seats_pkey", "(seat = d.seat)", "TID Cond"]),
    (reservations::BY_ID, &["reservations_pkey", "(id = wanted.id)", "events_pkey"]),
    (
        reservations::OF_SEATS,
        &["taken_seats_pkey", "(seat = wanted.seat)", "reservations_pkey", "events_pkey"],
    ),
    (
        lapsed::OF_EVENTS,
        &[
            "reservations_lapsing",
            "(event_id = wanted.event_id) AND (expires_at <= ",
            "heads_pkey",
            "events_pkey",
        ],
    ),
    (
        lapsed::COUNT,
        &["heads_pkey", "events_pkey", "reservations_lapsing", "(event_id = wanted.id) AND (expires_at <= "],
    ),
    (lapsed::OF_SHARD, &["reservations_ending", "(expires_at <= ", "heads_pkey", "events_pkey"]),
    (lapsed::FIRST, &["reservations_ending", "(expires_at <= $2)"]),
    (reservations::LIVE, &["reservations_live", "(event_id = $2)", "events_pkey"]),
    (reservations::HAS, &["reservations_live", "(user_id = wanted.user_id)"]),
    (
        reservations::NEXT_ENDS,
        &["reservations_lapsing", "(event_id = wanted.event_id) AND (expires_at > $3)"],
    ),
    (reservations::REST, &["changes_of_object", "(ROW(object_id, seq) <= ROW($2, "]),
    (reservations::UPDATE, &["reservations_pkey", "(id = c.id)", "TID Cond"]),
    (program::EVENTS, &["events_pkey", "(id = wanted.id)", "sections_position_key", "reservations_lapsing"]),
    (program::PAGE, &["events_by_day", "(ROW(event_date, id) > ROW($3, $4))", "sections_"]),
    (
        program::HALL,
        &["events_pkey", "(id = $3)", "sections_position_key", "seat_blocks_pkey", "reservations_lapsing"],
    ),
    (holdings::ONE, &["reservations_pkey", "(id = $3)", "events_pkey"]),
    (
        holdings::OF_USER,
        &["reservations_of_user", "(ROW(user_id, id) < ROW($3, $4)) AND (user_id >= $3)", "events_pkey"],
    ),
    (
        verify::EVENTS,
        &[
            "events_pkey",
            "(ROW(tenant_id, id) > ROW($2, $3))",
            "sections_position_key",
            "reservations_live",
            "taken_seats_pkey",
            "waitlist_line",
            "(event_id = events.id)",
            "changes_of_object",
            "(ROW(object_id, seq) <= ROW(",
        ],
    ),
    (
        verify::SEATS,
        &[
            "sections_position_key",
            "seat_blocks_pkey",
            "taken_seats_pkey",
            "reservations_live",
            "(event_id = $2)",
        ],
    ),
    (
        verify::RESERVATIONS,
        &[
            "reservations_pkey",
            "(ROW(tenant_id, id) > ROW($2, $3))",
            "events_pkey",
            "changes_of_object",
            "(ROW(object_id, seq) <= ROW(",
        ],
    ),
    (
        verify::BEGUN_EVENTS,
        &[
            "events_pkey",
            "(ROW(tenant_id, id) > ROW($2, $3))",
            "sections_position_key",
            "changes_of_object",
            "(ROW(object_id, seq) > ROW(",
        ],
    ),
    (
        verify::BEGUN_RESERVATIONS,
        &[
            "reservations_pkey",
            "(ROW(tenant_id, id) > ROW($2, $3))",
            "events_pkey",
            "changes_of_object",
            "(ROW(object_id, seq) > ROW(",
        ],
    ),
    (
        verify::ENTRIES,
        &[
            "waitlist_pkey",
            "(ROW(tenant_id, id) > ROW($2, $3))",
            "events_pkey",
            "changes_of_object",
            "(ROW(object_id, seq) <= ROW(",
        ],
    ),
    (
        verify::BEGUN_ENTRIES,
        &[
            "waitlist_pkey",
            "(ROW(tenant_id, id) > ROW($2, $3))",
            "events_pkey",
            "changes_of_object",
            "(ROW(object_id, seq) > ROW(",
        ],
    ),
    (watch::STANDS, &["heads_pkey", "changes_pkey", "(shard = h.shard) AND (seq > h.decided)"]),
    (watch::WANTS, &["bookings_due"]),
    (watch::TALLY, &["changes_pkey", "Index Cond: ((shard = $1) AND (seq > $2) AND (seq <= $3))"]),
];

/// Those that take the first row of a loop for the first in order, and do not sort: no other plan may do.
const FIRST_OF_A_LOOP: &[&str] = &[decision::LOOK];

/// Prepares the hot statements as a connection of ours does.
async fn prepare(client: &Client) {
    for (name, value) in database::PLANNING {
        client.batch_execute(&format!("SET {name} = {value}")).await.unwrap();
    }
    for (number, (statement, _)) in HOT.iter().enumerate() {
        client.batch_execute(&format!("PREPARE hot_{number} AS {statement}")).await.unwrap();
    }
}

/// The plan that the connection keeps for a prepared statement.
async fn explain(client: &Client, number: usize) -> String {
    let (statement, _) = HOT[number];
    let params = (1..100).take_while(|param| statement.contains(&format!("${param}"))).count();
    let call = if params == 0 { String::new() } else { format!("({})", vec!["NULL"; params].join(", ")) };
    let rows = client.query(&format!("EXPLAIN EXECUTE hot_{number}{call}"), &[]).await.unwrap();
    rows.iter().map(|row| row.get::<_, String>(0) + "\n").collect()
}

fn assert_uses(statement: &str, plan: &str, needed: &[&str], state: &str) {
    for part in needed {
        assert!(plan.contains(part), "{state}: no {part} in the plan of {statement}\n\n{plan}");
    }
    assert!(!plan.contains("Seq Scan"), "{state}: {statement}\n\n{plan}");
    if FIRST_OF_A_LOOP.contains(&statement) {
        for other in ["Sort", "Hash Join", "Merge Join"] {
            assert!(!plan.contains(other), "{state}: {other} in the plan of {statement}\n\n{plan}");
        }
    }
}

async fn assert_plans(test: &TestDatabase, state: &str) {
    let client = test.client().await;
    prepare(&client).await;
    for (number, (statement, needed)) in HOT.iter().enumerate() {
        assert_uses(statement, &explain(&client, number).await, needed, state);
    }
}

#[tokio::test]
async fn a_statement_planned_on_tables_never_analysed_uses_its_index_however_few_their_rows() {
    for rows in [0, 1, 10, 100, 1_000, 10_000] {
        let test = TestDatabase::new().await;
        // The server must not analyse them by itself in between.
        let client = test.client().await;
        client
            .batch_execute(
                "ALTER TABLE bookings SET (autovacuum_enabled = off);
                 ALTER TABLE waitlist SET (autovacuum_enabled = off);
                 ALTER TABLE reservations SET (autovacuum_enabled = off)",
            )
            .await
            .unwrap();
        test.fill(rows).await;
        assert_plans(&test, &format!("{rows} rows, never analysed")).await;
    }
}

#[tokio::test]
async fn a_statement_planned_on_tables_that_were_analysed_uses_its_index_however_few_their_rows() {
    for rows in [10, 100, 1_000, 10_000] {
        let test = TestDatabase::new().await;
        test.fill(rows).await;
        test.client().await.batch_execute("ANALYZE").await.unwrap();
        assert_plans(&test, &format!("{rows} rows, analysed")).await;
    }
}

#[tokio::test]
async fn a_plan_made_on_tables_analysed_as_empty_is_made_anew_once_they_are_analysed_again() {
    let test = TestDatabase::new().await;
    let client = test.client().await;
    client.batch_execute("VACUUM ANALYZE").await.unwrap();
    prepare(&client).await;
    for (number, _) in (0..).zip(HOT) {
        explain(&client, number).await;
    }
    test.fill(20_000).await;
    client.batch_execute("ANALYZE").await.unwrap();
    for (number, (statement, needed)) in (0..).zip(HOT) {
        assert_uses(statement, &explain(&client, number).await, needed, "analysed again");
    }
}

//! The forms of events: what each asks for, and that all that is wrong with one is told at once.

use holdfast_domain::{DEFAULT_TENANT, Trace, UserId, seating::RowSeats};
use holdfast_runtime::problem::Problem;
use holdfast_store::{CreateEvent, Edit, NewUnits, Order};
use serde_json::{Value, json};
use time::macros::datetime;
use uuid::Uuid;

use super::{body, sections};

fn order() -> Order {
    Order {
        tenant_id: DEFAULT_TENANT,
        user_id: UserId::parse("alice").unwrap(),
        command_id: Uuid::nil().into(),
        trace: Trace::default(),
        key: None,
    }
}

/// A body with a title and a day.
fn new(rest: &Value) -> Result<CreateEvent, Problem> {
    let mut body = json!({ "title": "Concert", "event_date": "2027-06-15" });
    body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    serde_json::from_value::<body::Body>(body).unwrap().parse(order())
}

fn with_sections(sections: &Value) -> Result<CreateEvent, Problem> {
    new(&json!({ "sections": sections }))
}

/// Each field at fault with its rule.
fn faults<T: std::fmt::Debug>(parsed: Result<T, Problem>) -> Vec<(String, &'static str)> {
    parsed.unwrap_err().fields.into_iter().map(|fault| (fault.field, fault.rule)).collect()
}

fn told(expected: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    expected.iter().map(|(field, rule)| ((*field).to_owned(), *rule)).collect()
}

#[test]
fn an_event_may_be_without_sections_and_its_times_are_kept_to_the_microsecond_in_utc() {
    let event = new(&json!({ "starts_at": "2027-06-15T20:00:00.123456789+02:00" })).unwrap();
    assert_eq!(event.starts_at, Some(datetime!(2027-06-15 18:00:00.123456 UTC)));
    assert_eq!((event.event_date, event.sections.len()), (time::macros::date!(2027 - 06 - 15), 0));
}

#[test]
fn all_that_is_wrong_with_an_event_is_told_at_once() {
    let found = faults(new(&json!({
        "title": " ", "event_date": "2027-02-30", "venue_id": "Haus", "starts_at": "2027-06-15T20:00:00Z",
        "ends_at": "2027-06-15T20:00:00Z", "sale_opens_at": "soon", "sale_closes_at": "9999-12-31T23:59:59-23:59",
        "units_per_user": 0, "sections": [{ "name": "" }],
    })));
    let expected = [
        ("title", "blank"),
        ("event_date", "date"),
        ("venue_id", "uuid"),
        ("sale_opens_at", "rfc_3339"),
        ("sale_closes_at", "range_unbounded"),
        ("ends_at", "order"),
        ("units_per_user", "range"),
        ("sections[0].name", "blank"),
        ("sections[0].capacity", "required"),
    ];
    assert_eq!(found, told(&expected));
}

#[test]
fn a_section_is_counted_listed_or_in_rows() {
    let event = with_sections(&json!([
        { "name": "Standing", "capacity": 0 },
        { "name": "Box", "seats": ["L1", "L2", "R1"] },
        { "name": "Stalls", "rows": [{ "name": "A", "seats": 20, "rank": -1 }, { "name": "B", "labels": ["x"] }] },
    ]))
    .unwrap();
    let [standing, listed, stalls] = event.sections.as_slice() else { panic!("{event:?}") };
    assert!(matches!(standing.units, NewUnits::Counted(0)));
    let rows = |units: &NewUnits| match units {
        NewUnits::Seated(rows) => rows.clone(),
        NewUnits::Counted(_) => Vec::new(),
    };
    assert_eq!(rows(&listed.units).iter().map(|row| row.name().as_str()).collect::<Vec<_>>(), ["L", "R"]);
    let [counted, labelled] = &*rows(&stalls.units) else { panic!("{stalls:?}") };
    assert_eq!((counted.rank(), counted.seats()), (-1, &RowSeats::Count(20)));
    assert!(matches!(labelled.seats(), RowSeats::Labels(labels) if labels.len() == 1));
}

#[test]
fn what_is_wrong_with_sections_is_told_by_its_path() {
    let long = "x".repeat(39);
    let cases = [
        (json!({ "capacity": -1 }), "sections[0].capacity", "range"),
        (json!({ "capacity": 10_000_001 }), "sections[0].capacity", "range"),
        (json!({ "capacity": 1, "seats": ["A1"] }), "sections[0].seats", "excluded"),
        (json!({ "capacity": 1, "rows": [] }), "sections[0].rows", "excluded"),
        (json!({ "seats": ["A1"], "rows": [] }), "sections[0].rows", "excluded"),
        (json!({ "seats": [] }), "sections[0].seats", "empty"),
        (json!({ "seats": ["A1", "A2", "A1"] }), "sections[0].seats[2]", "seat_twice"),
        (json!({ "seats": ["A1", "\n"] }), "sections[0].seats[1]", "blank"),
        (json!({ "rows": [] }), "sections[0].rows", "empty"),
        (json!({ "rows": [{ "name": "" , "seats": 1 }] }), "sections[0].rows[0].name", "blank"),
        (
            json!({ "rows": [{ "name": "A", "seats": 1 }, { "name": "B" }] }),
            "sections[0].rows[1].seats",
            "required",
        ),
        (json!({ "rows": [{ "name": "A", "seats": 0 }] }), "sections[0].rows[0].seats", "range"),
        (json!({ "rows": [{ "name": "A", "seats": 1_001 }] }), "sections[0].rows[0].seats", "range"),
        (json!({ "rows": [{ "name": long, "seats": 10 }] }), "sections[0].rows[0]", "seat_label_too_long"),
        (json!({ "rows": [{ "name": "A", "labels": [] }] }), "sections[0].rows[0].labels", "empty"),
        (
            json!({ "rows": [{ "name": "A", "seats": 1, "labels": ["x"] }] }),
            "sections[0].rows[0].labels",
            "excluded",
        ),
        (
            json!({ "rows": [{ "name": "A", "labels": ["x", "x"] }] }),
            "sections[0].rows[0].labels[1]",
            "seat_twice",
        ),
        (
            json!({ "rows": [{ "name": "A", "seats": 1, "category": "" }] }),
            "sections[0].rows[0].category",
            "blank",
        ),
        (
            json!({ "rows": [{ "name": "A", "seats": 2 }, { "name": "X", "labels": ["A2"] }] }),
            "sections[0].rows",
            "seat_twice",
        ),
        (
            json!({ "capacity": 1, "price": { "amount": -1, "currency": "EUR" } }),
            "sections[0].price.amount",
            "range",
        ),
        (
            json!({ "capacity": 1, "price": { "amount": 1, "currency": "eur" } }),
            "sections[0].price.currency",
            "currency",
        ),
    ];
    for (mut section, field, rule) in cases {
        section["name"] = "VIP".into();
        assert_eq!(faults(with_sections(&json!([section]))), told(&[(field, rule)]), "{section}");
    }
}

#[test]
fn no_two_sections_have_one_name_or_one_seat() {
    let sections = json!([
        { "name": "VIP", "rows": [{ "name": "A", "seats": 3 }] },
        { "name": "VIP ", "capacity": 1 },
        { "name": "Box", "seats": ["B1", "A3"] },
    ]);
    let expected = [("sections[1].name", "unique"), ("sections[2].seats", "seat_twice")];
    assert_eq!(faults(with_sections(&sections)), told(&expected));
    let many = vec![json!({ "name": "A", "capacity": 1 }); 1_001];
    assert_eq!(faults(with_sections(&json!(many))), told(&[("sections", "too_many")]));
}

#[test]
fn a_client_does_not_say_where_a_row_begins() {
    let row = json!({ "name": "A", "seats": 3, "first": 7 });
    let body =
        json!({ "title": "x", "event_date": "2027-06-15", "sections": [{ "name": "A", "rows": [row] }] });
    assert!(
        serde_json::from_value::<body::Body>(body).unwrap_err().to_string().contains("unknown field `first`")
    );
}

#[test]
fn null_takes_away_what_may_be_missing_and_nothing_else() {
    let change = |body: Value| {
        let body = serde_json::from_value::<body::ChangeBody>(body).unwrap();
        body.parse(order(), Uuid::nil().into(), None)
    };
    let update = change(json!({ "ends_at": null, "units_per_user": null, "status": "CLOSED" })).unwrap();
    assert_eq!(
        (update.ends_at, update.starts_at, update.units_per_user),
        (Edit::Clear, Edit::Keep, Edit::Clear)
    );
    assert!(serde_json::from_value::<body::ChangeBody>(json!({ "title": null })).is_err());
    let found =
        change(json!({ "venue_id": 7, "status": "CANCELLED", "units_per_user": 0, "starts_at": "noon" }));
    let expected = [
        ("venue_id", "immutable"),
        ("starts_at", "rfc_3339"),
        ("units_per_user", "range"),
        ("status", "one_of"),
    ];
    assert_eq!(faults(found), told(&expected));
}

#[test]
fn all_that_is_wrong_with_a_change_of_a_section_is_told_at_once() {
    let body = serde_json::from_value::<sections::ChangeBody>(json!({
        "name": "", "capacity": -1, "price": { "amount": -1, "currency": "E" }, "kind": 1,
        "rows": [{ "name": "A" }], "seats": ["x", "x"], "remove_seats": [],
    }));
    let expected = [
        ("kind", "immutable"),
        ("name", "blank"),
        ("capacity", "range"),
        ("price.amount", "range"),
        ("price.currency", "currency"),
        ("rows[0].seats", "required"),
        ("seats[1]", "seat_twice"),
        ("remove_seats", "empty"),
    ];
    assert_eq!(faults(body.unwrap().parse()), told(&expected));
}

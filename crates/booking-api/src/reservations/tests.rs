//! The forms of reservations: what each asks the store, and that all that is wrong with one is told at once.

use holdfast_domain::{Category, SeatLabel, SectionName, seating::Adjacency};
use holdfast_runtime::problem::Problem;
use holdfast_store::{Item, Part, Place, SectionRef, UnitsWanted};
use serde_json::{Value, json};
use time::Duration;

use super::{body::ConfirmBody, hold};

const EVENT: &str = "0195a2b5-2222-7d11-8a55-000000000001";

/// A body for the event.
fn body(mut rest: Value) -> hold::Body {
    rest["event_id"] = EVENT.into();
    serde_json::from_value(rest).unwrap()
}

fn wanted(rest: Value) -> UnitsWanted {
    body(rest).parse().unwrap().wanted
}

/// Each field at fault with its rule.
fn faults<T: std::fmt::Debug>(parsed: Result<T, Problem>) -> Vec<(String, &'static str)> {
    parsed.unwrap_err().fields.into_iter().map(|fault| (fault.field, fault.rule)).collect()
}

fn told(expected: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    expected.iter().map(|(field, rule)| ((*field).to_owned(), *rule)).collect()
}

fn seats(labels: &[&str]) -> Vec<SeatLabel> {
    labels.iter().map(|label| SeatLabel::parse(label).unwrap()).collect()
}

fn named(name: &str) -> SectionRef {
    SectionRef::Name(SectionName::parse(name).unwrap())
}

fn anywhere_of(section: SectionRef) -> Place {
    Place { section: Some(section), category: None }
}

#[test]
fn each_way_to_ask_is_what_the_store_is_asked() {
    let vip = Item::Best { place: anywhere_of(named("VIP")), quantity: 2 };
    for one in
        [json!({ "section_id": "VIP", "seats_requested": 2 }), json!({ "section": " VIP", "quantity": 2 })]
    {
        assert_eq!(wanted(one), UnitsWanted::Items(vec![vip.clone()]));
    }
    let id = json!({ "section_id": EVENT, "quantity": 1, "category": "back" });
    let section = SectionRef::Id(EVENT.parse().unwrap());
    let place = Place { section: Some(section), category: Category::parse("back").ok() };
    assert_eq!(wanted(id), UnitsWanted::Items(vec![Item::Best { place: place.clone(), quantity: 1 }]));

    assert_eq!(wanted(json!({ "seats": ["A2", "A1"] })), UnitsWanted::Seats(seats(&["A2", "A1"])));

    let choices = json!([{ "section_id": EVENT, "category": "back" }, { "section": "VIP" }, { "any": true }]);
    let places = vec![place, anywhere_of(named("VIP")), Place { section: None, category: None }];
    let expected = UnitsWanted::Choices { places, quantity: 3 };
    assert_eq!(wanted(json!({ "choices": choices, "quantity": 3 })), expected);

    let items = json!([{ "section": "VIP", "quantity": 2 }, { "section": "Stalls", "seats": ["A1"] }]);
    let named_seat = Item::Seats { section: named("Stalls"), seats: seats(&["A1"]) };
    assert_eq!(wanted(json!({ "items": items })), UnitsWanted::Items(vec![vip, named_seat]));
}

#[test]
fn how_they_are_held_is_said_or_usual() {
    let usual = body(json!({ "seats": ["A1"] })).parse().unwrap();
    assert_eq!((usual.adjacency, usual.hold_for), (Adjacency::Preferred, None));
    let said = body(json!({ "seats": ["A1"], "adjacent": "required", "hold_seconds": 1 })).parse().unwrap();
    assert_eq!((said.adjacency, said.hold_for), (Adjacency::Required, Some(Duration::SECOND)));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let choices = json!([
        { "section": "" },
        {},
        { "any": false },
        { "any": true, "section": "A" },
        { "any": true, "category": " " },
        { "section": "A", "section_id": "B" },
    ]);
    let body: hold::Body = serde_json::from_value(json!({
        "event_id": "one", "choices": choices, "quantity": 0, "seats_requested": 1, "category": "back",
        "adjacent": "yes", "hold_seconds": 0,
    }))
    .unwrap();
    let expected = [
        ("event_id", "uuid"),
        ("category", "excluded"),
        ("seats_requested", "excluded"),
        ("choices[0].section", "blank"),
        ("choices[1].section", "required"),
        ("choices[2].any", "one_of"),
        ("choices[3].any", "excluded"),
        ("choices[4].category", "blank"),
        ("choices[5].section_id", "excluded"),
        ("adjacent", "one_of"),
        ("hold_seconds", "range"),
    ];
    assert_eq!(faults(body.parse()), told(&expected));
}

#[test]
fn quantities_and_seats_that_can_not_be_are_refused() {
    let refused = |rest: Value| faults(body(rest).parse());
    for quantity in [i32::MIN, -1, 0, 101, i32::MAX] {
        let found = refused(json!({ "section": "A", "quantity": quantity }));
        assert_eq!(found, told(&[("quantity", "range")]), "{quantity}");
    }
    assert_eq!(refused(json!({})), told(&[("section_id", "required"), ("quantity", "required")]));
    assert_eq!(refused(json!({ "seats": [] })), told(&[("seats", "empty")]));
    let many: Vec<String> = (0..101).map(|number| format!("A{number}")).collect();
    assert_eq!(refused(json!({ "seats": many })), told(&[("seats", "too_many")]));
    // The same seat, however it is typed.
    let twice = refused(json!({ "seats": ["A1", "\u{e9}1", " A1", "e\u{301}1"] }));
    assert_eq!(twice, told(&[("seats[2]", "seat_twice"), ("seats[3]", "seat_twice")]));
    let beside = refused(json!({ "seats": ["A1"], "quantity": 1 }));
    assert_eq!(beside, told(&[("quantity", "excluded")]));
    let both = json!({ "seats": ["A1"], "choices": [] });
    assert_eq!(refused(both), told(&[("choices", "excluded")]));
    let all = json!({ "seats": ["A1"], "choices": [], "items": [] });
    assert_eq!(refused(all), told(&[("items", "excluded")]));
    for entries in [0, 21] {
        let items = vec![json!({ "section": "A", "quantity": 1 }); entries];
        assert_eq!(refused(json!({ "items": items })), told(&[("items", "length")]));
    }
}

#[test]
fn items_are_few_together_and_have_no_seat_twice() {
    let items = json!([
        { "section": "A", "seats": ["1", "2"] },
        { "section": "B", "seats": ["3", "2"] },
        { "section": "A", "quantity": 97 },
    ]);
    let found = faults(body(json!({ "items": items })).parse());
    assert_eq!(found, told(&[("items[1].seats[1]", "seat_twice"), ("items", "too_many")]));
    let items = json!([{ "quantity": 1, "seats": ["1"] }, { "section": "A" }]);
    let expected = [
        ("items[0].section", "required"),
        ("items[0].quantity", "excluded"),
        ("items[1].quantity", "required"),
    ];
    assert_eq!(faults(body(json!({ "items": items })).parse()), told(&expected));
}

#[test]
fn a_confirmation_is_of_all_or_of_one_part() {
    let part = |body: Value| serde_json::from_value::<ConfirmBody>(body).unwrap().parse();
    assert_eq!(part(json!({})).unwrap(), Part::All);
    assert_eq!(part(json!({ "seats": ["A1"] })).unwrap(), Part::Seats(seats(&["A1"])));
    assert_eq!(part(json!({ "quantity": 2 })).unwrap(), Part::Quantity(2));
    let both = json!({ "seats": ["A1"], "quantity": 1 });
    assert_eq!(faults(part(both)), told(&[("quantity", "excluded")]));
    assert_eq!(faults(part(json!({ "seats": ["A1", "A1"] }))), told(&[("seats[1]", "seat_twice")]));
    assert_eq!(faults(part(json!({ "quantity": 0 }))), told(&[("quantity", "range")]));
}

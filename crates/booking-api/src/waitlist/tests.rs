//! The form of a place in line: what it asks the store, and that all that is wrong with it is told at once.

use holdfast_domain::{Category, SectionName, seating::Adjacency};
use holdfast_store::{Place, SectionRef};
use serde_json::{Value, json};
use time::Duration;

use super::body::{Body, Wait};

const SECTION: &str = "0195a2b5-3333-7d11-8a55-000000000001";

fn body(body: Value) -> Body {
    serde_json::from_value(body).unwrap()
}

fn wait(given: Value) -> Wait {
    body(given).parse().unwrap()
}

/// Each field at fault with its rule.
fn faults(given: Value) -> Vec<(String, &'static str)> {
    body(given).parse().unwrap_err().fields.into_iter().map(|fault| (fault.field, fault.rule)).collect()
}

fn told(expected: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    expected.iter().map(|(field, rule)| ((*field).to_owned(), *rule)).collect()
}

#[test]
fn each_way_to_ask_is_what_the_store_is_asked() {
    let by_name = |name: &str| Some(SectionRef::Name(SectionName::parse(name).unwrap()));
    let any = Place { section: None, category: None };
    let vip = Place { section: by_name("VIP"), category: None };
    let balcony = Place {
        section: Some(SectionRef::Id(SECTION.parse().unwrap())),
        category: Category::parse("balcony").ok(),
    };
    for (given, expected) in [
        (json!({ "quantity": 2 }), vec![any.clone()]),
        (
            json!({ "quantity": 2, "category": "balcony" }),
            vec![Place { category: balcony.category.clone(), ..any.clone() }],
        ),
        (json!({ "quantity": 2, "section": "VIP" }), vec![vip.clone()]),
        (json!({ "quantity": 2, "section_id": SECTION, "category": "balcony" }), vec![balcony.clone()]),
        (
            json!({ "quantity": 2, "choices": [{ "section": "VIP" }, { "section_id": SECTION, "category": "balcony" }, { "any": true }] }),
            vec![vip, balcony, any],
        ),
    ] {
        let usual = Wait { quantity: 2, choices: expected, adjacency: Adjacency::Preferred, offer_for: None };
        assert_eq!(wait(given.clone()), usual, "{given}");
    }
}

#[test]
fn how_units_are_offered_is_said_or_usual() {
    let said = wait(json!({ "quantity": 100, "adjacent": "required", "offer_seconds": 1 }));
    assert_eq!(
        (said.quantity, said.adjacency, said.offer_for),
        (100, Adjacency::Required, Some(Duration::SECOND))
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let all = json!({
        "quantity": 0, "choices": [{}, { "any": false }, { "any": true, "section": "A" }], "section_id": "A", "section": "B",
        "category": "back", "adjacent": "yes", "offer_seconds": 0,
    });
    let expected = [
        ("quantity", "range"),
        ("section_id", "excluded"),
        ("section", "excluded"),
        ("category", "excluded"),
        ("choices[0].section", "required"),
        ("choices[1].any", "one_of"),
        ("choices[2].any", "excluded"),
        ("adjacent", "one_of"),
        ("offer_seconds", "range"),
    ];
    assert_eq!(faults(all), told(&expected));
}

#[test]
fn what_can_not_be_is_refused_by_name() {
    assert_eq!(faults(json!({})), told(&[("quantity", "required")]));
    for quantity in [i32::MIN, -1, 0, 101, i32::MAX] {
        assert_eq!(faults(json!({ "quantity": quantity })), told(&[("quantity", "range")]), "{quantity}");
    }
    for entries in [0, 21] {
        let choices = vec![json!({ "any": true }); entries];
        assert_eq!(faults(json!({ "quantity": 1, "choices": choices })), told(&[("choices", "length")]));
    }
    let both = json!({ "quantity": 1, "section": "A", "section_id": "B" });
    assert_eq!(faults(both), told(&[("section", "excluded")]));
    assert_eq!(faults(json!({ "quantity": 1, "section": " " })), told(&[("section", "blank")]));
    assert_eq!(faults(json!({ "quantity": 1, "category": "" })), told(&[("category", "blank")]));
    assert_eq!(faults(json!({ "quantity": 1, "offer_seconds": -1 })), told(&[("offer_seconds", "range")]));
}

#[test]
fn what_it_does_not_know_is_no_body() {
    for unknown in [json!({ "quantity": 1, "seats": ["A1"] }), json!({ "quantity": 1, "event_id": SECTION })]
    {
        assert!(serde_json::from_value::<Body>(unknown.clone()).is_err(), "{unknown}");
    }
}

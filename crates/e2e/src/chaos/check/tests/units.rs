//! What those who took units were told, and it is not so.

use holdfast_domain::Fact;
use serde_json::json;

use super::{
    sale::{EVENT, id, labels, sale},
    *,
};
use crate::chaos::{
    history::Part,
    wish::{STALLS, Wish},
};

fn sold(change: impl FnOnce(&mut Run)) -> Vec<Rule> {
    let mut run = sale();
    change(&mut run);
    run.broken()
}

/// The rules that are broken when this had been asked for.
fn asked(operation: usize, asked: Asked) -> Vec<Rule> {
    sold(|run| run.operations[operation].asked = asked)
}

/// A write of somebody else's key that finds that all is so already.
fn again(run: &mut Run, key: &str, asked: Asked, body: Value) {
    let attempt = attempt(&format!("{key}.0"), 15, Told::Done, body);
    run.operations.push(operation(key, asked, vec![attempt]));
}

#[test]
fn a_true_sale_breaks_no_rule() {
    let run = sale();
    assert_eq!(run.broken(), []);
    let verdict = check(&run.log, &run.operations, &run.rest, &run.feeds);
    assert_eq!(verdict.refusals, 2);
    assert!(verdict.replay.p5_checks > 10 && verdict.replay.holds == 2, "{:?}", verdict.replay);
    let heeds: Vec<_> = verdict.heeds.iter().map(|heed| (heed.due, heed.told)).collect();
    assert_eq!(heeds, [(10, 10), (5, 5)]);
}

#[test]
fn units_that_are_not_as_they_were_asked_for_are_caught() {
    let kept = [Rule::Kept];
    let hold = |wish, hold_seconds| Asked::Hold { event: EVENT, wish, hold_seconds };
    let places = |quantity| Wish::Best { section: "Standing", quantity };
    assert_eq!(asked(1, hold(places(2), 5)), []);
    assert_eq!(asked(1, hold(places(1), 5)), kept);
    assert_eq!(asked(1, hold(places(2), 4)), kept);
    assert_eq!(asked(1, hold(Wish::Best { section: STALLS, quantity: 2 }, 5)), kept);
    assert_eq!(asked(1, hold(Wish::Items(vec![("Standing", 2), (STALLS, 1)]), 5)), kept);
    assert_eq!(asked(1, hold(Wish::Choices { places: vec![None], quantity: 2 }, 5)), kept);
    let confirm = |number, part| Asked::Confirm { reservation: id(number), part };
    for other in [confirm(1, Part::All), confirm(1, Part::Quantity(2)), confirm(2, Part::Quantity(1))] {
        assert_eq!(asked(3, other), kept);
    }
    assert_eq!(asked(4, Asked::Extend { reservation: id(2), hold_seconds: 91 }), kept);
    assert_eq!(asked(5, Asked::ConfirmSeats { event: EVENT, seats: labels(&["A1"]) }), kept);
    assert_eq!(asked(0, Asked::Announce { title: "other".to_owned() }), kept);
}

#[test]
fn a_lock_that_gives_less_than_was_asked_for_is_caught_unless_one_had_the_rest() {
    let lock = |seats: &[&str]| Asked::Lock { event: EVENT, seats: labels(seats) };
    let told = |seats: &[&str]| {
        sold(|run| {
            run.operations[2].asked = lock(seats);
            run.tried(2, 0).body["seat_ids"] = json!(seats);
        })
    };
    assert_eq!(told(&["A1", "A2"]), []);
    assert_eq!(told(&["A1", "A2", "A3"]), [Rule::Kept]);
    assert_eq!(told(&["A1"]), [Rule::Kept]);
}

#[test]
fn acknowledged_units_that_are_not_in_the_log_are_caught() {
    assert_eq!(sale().without(7).broken(), [Rule::Kept, Rule::Replay]);
    assert_eq!(sale().without(8).broken(), [Rule::Kept, Rule::Replay]);
    // Bob gave nothing back, and has them for good.
    assert_eq!(sale().without(10).broken(), [Rule::Kept]);
}

#[test]
fn a_second_effect_of_a_key_on_units_is_caught() {
    assert_eq!(sale().doubled(10).broken(), [Rule::OneEffect, Rule::Replay]);
}

#[test]
fn an_answer_of_units_that_the_log_does_not_have_is_caught() {
    let told = |operation: usize, number: usize, field: &str, value: Value| {
        sold(|run| run.tried(operation, number).body[field] = value)
    };
    let one_answer = [Rule::OneAnswer];
    assert_eq!(told(3, 0, "confirmation_code", json!("2222-2222-2222")), one_answer);
    assert_eq!(told(3, 0, "rest", json!(id(9))), one_answer);
    assert_eq!(told(3, 0, "booking_id", json!(id(9))), one_answer);
    assert_eq!(told(4, 0, "expires_at", json!("2027-01-01T00:00:00Z")), one_answer);
    assert_eq!(told(2, 0, "expires_at", json!("2027-01-01T00:00:00Z")), one_answer);
    assert_eq!(told(2, 0, "seat_ids", json!(["A1"])), one_answer);
    // How long it still is to its end is another thing each time.
    assert_eq!(told(1, 1, "expires_in_ms", json!(7)), []);
    assert_eq!(told(1, 1, "quantity", json!(7)), one_answer);
    assert_eq!(sold(|run| run.tried(1, 1).is_replay = false), one_answer);
}

#[test]
fn what_was_so_already_is_answered_as_it_was() {
    let confirm = || Asked::Confirm { reservation: id(1), part: Part::All };
    let has = |run: &mut Run| {
        let mut body = run.tried(3, 0).body.clone();
        body.as_object_mut().unwrap().remove("rest");
        body
    };
    let confirmed = |code: Option<&str>| {
        sold(|run| {
            let mut body = has(run);
            if let Some(code) = code {
                body["confirmation_code"] = json!(code);
            }
            again(run, "alice-9", confirm(), body);
        })
    };
    assert_eq!(confirmed(None), []);
    assert_eq!(confirmed(Some("2222-2222-2222")), [Rule::Kept]);
    // What she named a part when she had more is all that she has by now.
    let part = |part| {
        sold(|run| {
            let body = has(run);
            again(run, "alice-9", Asked::Confirm { reservation: id(1), part }, body);
        })
    };
    assert_eq!(part(Part::Quantity(1)), []);
    assert_eq!(part(Part::Quantity(2)), [Rule::Kept]);
    assert_eq!(part(Part::Seats(labels(&["A1"]))), [Rule::Kept]);
    let another = |run: &mut Run| {
        let body = has(run);
        again(run, "eve-9", confirm(), body);
    };
    assert_eq!(sold(another), [Rule::Kept]);
    let extend = || Asked::Extend { reservation: id(2), hold_seconds: 1 };
    let extended = |run: &mut Run| {
        let body = run.tried(4, 0).body.clone();
        again(run, "bob-9", extend(), body);
    };
    assert_eq!(sold(extended), []);
    let release =
        |number| sold(|run| again(run, "bob-9", Asked::Release { reservation: id(number) }, Value::Null));
    assert_eq!((release(2), release(3)), (vec![], vec![]));
    assert_eq!(release(1), [Rule::Kept]);
}

#[test]
fn seats_that_were_locked_already_are_answered_as_they_were_until_that_is_known_as_an_effect() {
    let locked_again = |run: &mut Run| {
        let (asked, body) = (run.operations[2].asked.clone(), run.tried(2, 0).body.clone());
        again(run, "bob-9", asked, body);
    };
    assert_eq!(sold(locked_again), []);
    let otherwise = |run: &mut Run| {
        locked_again(run);
        run.tried(9, 0).body["reservation_id"] = json!(id(1));
    };
    assert_eq!(sold(otherwise), [Rule::Kept]);
    let as_new = |run: &mut Run| {
        let body = run.tried(2, 0).body.clone();
        run.operations[2].tries.push(attempt("bob-2.1", 9, Told::Done, body));
    };
    assert_eq!(sold(as_new), [Rule::OneAnswer]);
}

#[test]
fn who_loses_what_they_had_confirmed_is_not_overlooked() {
    let ends = |request: &str, expires: bool| {
        sold(|run| {
            let change = run.log[9].change.clone();
            let (at, fact) = (change.at, change.fact);
            let fact = match fact {
                Fact::ReservationCancelled { reservation, sections } if expires => {
                    Fact::ReservationExpired { reservation, sections }
                }
                fact => fact,
            };
            run.log[9] = record(10, request, fact, at);
            let changed = std::mem::replace(run, sale()).numbered();
            *run = changed;
        })
    };
    assert_eq!(ends("bob-8.0", false), []);
    assert_eq!(ends("", true), [Rule::Owned, Rule::Replay]);
    assert_eq!(ends("", false), [Rule::Unasked, Rule::Owned, Rule::Replay]);
}

#[test]
fn a_hold_that_nobody_ends_and_tables_that_do_not_agree_are_caught() {
    assert_eq!(sale().without(9).broken(), [Rule::Settled]);
    assert_eq!(sold(|run| run.rest.uneven.push("Stalls: 1 held, 0 counted".to_owned())), [Rule::Settled]);
    assert_eq!(sold(|run| run.rest.unverified = Some("exit status: 1".to_owned())), [Rule::Settled]);
}

#[test]
fn more_than_there_is_is_caught_by_replay() {
    let more = |run: &mut Run| {
        let Fact::ReservationHeld { reservation, sections } = &mut run.log[1].change.fact else {
            unreachable!()
        };
        reservation.units[0].quantity = 4;
        sections[0].held = 4;
        sections[0].available = -1;
        let changed = std::mem::replace(run, sale()).numbered();
        *run = changed;
    };
    assert!(sold(more).contains(&Rule::Replay));
}

#[test]
fn units_that_are_shown_otherwise_than_the_log_left_them_are_caught() {
    assert_eq!(sold(|run| run.rest.events[0]["sections"][0]["available"] = json!(3)), [Rule::Shown]);
    assert_eq!(sold(|run| drop(run.rest.events.pop())), [Rule::Shown]);
    assert_eq!(sold(|run| run.rest.reservations[0]["version"] = json!(7)), [Rule::Shown]);
    assert_eq!(sold(|run| drop(run.rest.reservations.pop())), [Rule::Shown]);
}

#[test]
fn a_subscriber_to_an_event_is_told_of_its_reservations_once_and_nobody_else_is() {
    assert_eq!(sold(|run| drop(run.feeds[0].heard.remove(3))), [Rule::Missed]);
    assert_eq!(sold(|run| drop(run.feeds[1].heard.remove(2))), [Rule::Missed]);
    let twice = |run: &mut Run| {
        let heard = &mut run.feeds[0].heard;
        heard.insert(4, heard[3].clone());
    };
    assert_eq!(sold(twice), [Rule::InOrder]);
    assert_eq!(sold(|run| run.feeds[0].events.clear()), [Rule::NotTheirs]);
}

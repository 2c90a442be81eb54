//! Refusals of units, and they were free.

use serde_json::json;

use super::{
    sale::{EVENT, labels, sale},
    *,
};
use crate::chaos::wish::{STALLS, STANDING, Wish};

/// What is broken, and how many refusals were judged.
fn refused(change: impl FnOnce(&mut Run)) -> (Vec<Rule>, usize) {
    let mut run = sale();
    change(&mut run);
    (run.broken(), check(&run.log, &run.operations, &run.rest, &run.feeds).refusals)
}

fn wanted(wish: Wish) -> (Vec<Rule>, usize) {
    refused(|run| run.operations[6].asked = Asked::Hold { event: EVENT, wish, hold_seconds: 5 })
}

#[test]
fn who_is_sent_away_while_what_they_want_is_free_is_not_overlooked() {
    let unfounded = (vec![Rule::SoldOut], 2);
    assert_eq!(wanted(Wish::Best { section: STALLS, quantity: 2 }), unfounded);
    assert_eq!(wanted(Wish::Items(vec![(STANDING, 1), (STALLS, 2)])), unfounded);
    assert_eq!(wanted(Wish::Items(vec![(STANDING, 1), (STALLS, 3)])), (vec![], 2));
    assert_eq!(wanted(Wish::Choices { places: vec![Some(STANDING), None], quantity: 2 }), unfounded);
    assert_eq!(wanted(Wish::Choices { places: vec![Some(STANDING)], quantity: 3 }), (vec![], 2));
    assert_eq!(refused(|run| run.tried(7, 0).body["seats"] = json!(["A3"])), unfounded);
    // One's own are not in the way.
    let own = |run: &mut Run| {
        run.operations[7].user = "bob".to_owned();
        (run.tried(7, 0).asked_at, run.tried(7, 0).told_at) =
            (Duration::from_secs(6), Some(Duration::from_secs(7)));
    };
    assert_eq!(refused(own), unfounded);
}

#[test]
fn what_was_taken_at_any_time_that_comes_into_question_excuses_a_refusal() {
    let early = |run: &mut Run| {
        run.operations[6].asked = Asked::Hold {
            event: EVENT,
            wish: Wish::Best { section: STANDING, quantity: 2 },
            hold_seconds: 5,
        };
        // Under way while the other place lapses.
        run.tried(6, 0).asked_at = Duration::from_secs(9);
    };
    assert_eq!(refused(early), (vec![], 2));
    let late = |run: &mut Run| {
        let attempt = run.tried(6, 0);
        (attempt.asked_at, attempt.told_at) = (Duration::from_secs(18), Some(Duration::from_secs(19)));
    };
    assert_eq!(refused(late), (vec![Rule::SoldOut], 2));
}

#[test]
fn what_cannot_be_told_from_the_log_is_not_judged() {
    assert_eq!(wanted(Wish::Seats(labels(&["A3"]))), (vec![], 1));
    assert_eq!(refused(|run| run.tried(6, 0).body["code"] = json!("not_adjacent")), (vec![], 1));
    assert_eq!(refused(|run| run.tried(6, 0).is_replay = true), (vec![], 1));
}

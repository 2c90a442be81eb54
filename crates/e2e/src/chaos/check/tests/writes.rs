//! What clients were told, and it is not so.

use std::time::Duration;

use holdfast_domain::{BookingId, RequestId, UserId};
use holdfast_testkit::hours;
use serde_json::json;

use super::*;

#[test]
fn a_true_run_breaks_no_rule() {
    let run = Run::new();
    assert_eq!(run.broken(), []);
    let heeds = check(&run.log, &[], &Rest::default(), &run.feeds).heeds;
    assert_eq!(heeds.iter().map(|heed| (heed.due, heed.told)).collect::<Vec<_>>(), [(9, 9), (9, 9), (5, 5)]);
}

#[test]
fn an_acknowledged_write_that_is_not_in_the_log_or_not_as_it_was_asked_for_is_caught() {
    assert_eq!(Run::new().without(8).broken(), [Rule::Kept, Rule::Replay]);
    assert_eq!(
        broken(|run| match &mut run.operations[0].asked {
            Asked::Create { range, .. } => *range = hours(1, 4),
            _ => unreachable!(),
        }),
        [Rule::Kept]
    );
    // Alice gave nothing up, and nobody took it from her.
    assert_eq!(Run::new().without(6).broken(), [Rule::Kept, Rule::Replay]);
}

#[test]
fn a_write_that_happens_twice_is_caught_whether_its_client_knows_of_it_or_not() {
    assert_eq!(Run::new().doubled(8).broken(), [Rule::OneEffect, Rule::Replay]);
    let unknown = |run: &mut Run| run.tried(3, 0).told = Told::Nothing;
    assert_eq!(broken(unknown), []);
    let mut doubled = Run::new().doubled(8);
    unknown(&mut doubled);
    assert_eq!(doubled.broken(), [Rule::OnceAtMost, Rule::Replay]);
}

#[test]
fn a_second_effect_of_a_key_is_caught() {
    let mut run = Run::new().doubled(6);
    run.log[9].change.trace.request_id = RequestId::parse("alice-2.0").ok();
    // It was answered as new, and stands behind what was asked later.
    let broken = run.numbered().broken();
    assert_eq!(broken, [Rule::OneEffect, Rule::OneAnswer, Rule::RealTime, Rule::Replay]);
}

#[test]
fn a_refusal_that_happened_is_caught() {
    assert_eq!(broken(|run| run.tried(3, 0).told = Told::Refused), [Rule::Refused]);
    // Though a later try of the same key was answered.
    assert_eq!(
        broken(|run| {
            run.tried(2, 0).told = Told::Refused;
            run.log[5].change.trace.request_id = RequestId::parse("alice-2.0").ok();
            run.tried(2, 1).is_replay = true;
            let changed = std::mem::replace(run, Run::new()).numbered();
            *run = changed;
        }),
        [Rule::Refused]
    );
}

#[test]
fn two_answers_to_a_key_and_one_that_the_log_does_not_have_are_caught() {
    assert_eq!(broken(|run| run.tried(1, 1).is_replay = false), [Rule::OneAnswer]);
    assert_eq!(broken(|run| run.tried(0, 0).is_replay = true), [Rule::OneAnswer]);
    assert_eq!(broken(|run| run.tried(1, 1).body["id"] = json!(BookingId::from_u128(9))), [Rule::OneAnswer]);
    assert_eq!(broken(|run| run.tried(1, 1).body["conflict_count"] = json!(3)), [Rule::OneAnswer]);
    assert_eq!(broken(|run| run.tried(3, 0).body["version"] = json!(2)), [Rule::OneAnswer]);
    assert_eq!(broken(|run| run.tried(1, 1).status = 201), [Rule::OneAnswer]);
}

#[test]
fn a_write_that_nobody_asked_for_is_caught() {
    assert_eq!(broken(|run| drop(run.operations.remove(3))), [Rule::Unasked]);
    assert_eq!(
        broken(|run| {
            run.log[4].change.actor = UserId::parse("mallory").ok();
            let changed = std::mem::replace(run, Run::new()).numbered();
            *run = changed;
        }),
        [Rule::Unasked]
    );
}

#[test]
fn an_order_that_is_not_the_real_one_is_caught() {
    // Bob's create stands behind Alice's and was answered before hers was asked.
    assert_eq!(broken(|run| run.tried(0, 0).asked_at = Duration::from_secs(5)), [Rule::RealTime]);
}

#[test]
fn an_answer_that_does_not_come_in_time_and_a_defect_are_caught() {
    assert_eq!(broken(|run| run.tried(5, 0).told_at = None), [Rule::Answered]);
    assert_eq!(broken(|run| run.tried(5, 0).told_at = Some(Duration::from_secs(50))), [Rule::Answered]);
    assert_eq!(broken(|run| run.tried(5, 0).status = 500), [Rule::Answered]);
}

#[test]
fn who_is_passed_over_is_caught() {
    // Alice's grant comes after Bob's: he holds what she had a better claim to.
    let mut run = Run::new();
    run.log.swap(4, 6);
    assert_eq!(run.numbered().broken(), [Rule::Replay]);
}

#[test]
fn a_booking_that_is_shown_otherwise_than_the_log_left_it_or_not_at_all_is_caught() {
    assert_eq!(broken(|run| run.rest.bookings[0]["status"] = json!("REJECTED")), [Rule::Shown]);
    assert_eq!(broken(|run| drop(run.rest.bookings.remove(0))), [Rule::Shown]);
    let twice = |run: &mut Run| run.rest.bookings.push(run.rest.bookings[0].clone());
    assert_eq!(broken(twice), [Rule::Shown]);
}

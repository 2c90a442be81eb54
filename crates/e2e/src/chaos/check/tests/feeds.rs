//! What subscribers heard, and it is not so.

use holdfast_domain::{Caller, Roles, Seq};
use serde_json::Value;

use super::{
    super::{Heed, delivered},
    *,
};

#[test]
fn a_subscriber_who_misses_a_change_is_caught_whatever_comes_then() {
    assert_eq!(heard(|heard| drop(heard.remove(4))), [Rule::Missed]);
    // The last one, though nothing comes after it; the position is not true either.
    assert_eq!(heard(|heard| heard.truncate(9)), [Rule::Missed]);
    assert_eq!(heard(|heard| drop(heard.remove(9))), [Rule::Missed]);
}

#[test]
fn a_reload_excuses_what_lies_before_it_and_nothing_else() {
    let missed = |resync| {
        heard(|heard| {
            heard.drain(4..7);
            heard.insert(4, Heard::Resync(Seq(resync)));
        })
    };
    assert_eq!(missed(6), []);
    assert_eq!(missed(5), [Rule::Missed]);
    // Set back, as by a Redis that came back old: what comes again is known.
    let again = |heard: &mut Vec<Heard>| {
        let told: Vec<Heard> = heard[4..7].to_vec();
        heard.insert(7, Heard::Resync(Seq(3)));
        heard.splice(8..8, told);
    };
    assert_eq!(heard(again), []);
    let without = |heard: &mut Vec<Heard>| {
        again(heard);
        heard.remove(7);
    };
    assert_eq!(heard(without), [Rule::InOrder]);
}

#[test]
fn a_subscriber_who_is_told_out_of_order_or_set_back_is_caught() {
    assert_eq!(heard(|heard| heard.swap(4, 5)), [Rule::Missed, Rule::InOrder]);
    assert_eq!(heard(|heard| heard.insert(5, Heard::Position(Seq(2)))), [Rule::InOrder]);
    assert_eq!(heard(|heard| heard.push(Heard::Position(Seq(1_000)))), [Rule::InOrder]);
    let back = Heard::Hello { after: Some(Seq(4)), seq: Seq(5) };
    assert_eq!(heard(|heard| heard.insert(5, back)), [Rule::InOrder]);
}

#[test]
fn a_subscriber_who_comes_back_and_is_told_again_what_they_have_is_caught() {
    let back = Heard::Hello { after: Some(Seq(4)), seq: Seq(4) };
    assert_eq!(heard(|heard| heard.insert(5, back.clone())), []);
    let again = |heard: &mut Vec<Heard>| {
        heard.insert(5, back);
        heard.insert(6, heard[4].clone());
    };
    assert_eq!(heard(again), [Rule::InOrder]);
}

#[test]
fn a_subscriber_who_is_told_what_they_did_not_ask_for_is_caught() {
    let bobs = |run: &mut Run| run.feeds[2].heard.insert(6, tell(7, &run.log[6].text));
    assert_eq!(broken(bobs), [Rule::NotTheirs]);
}

#[test]
fn a_change_that_is_told_otherwise_than_the_log_has_it_is_caught() {
    let other = Run::new().log[2].text.replace("bob", "eve");
    assert_eq!(heard(|heard| heard[3] = tell(3, &other)), [Rule::AsLogged]);
    assert_eq!(heard(|heard| heard.push(tell(10, "{}"))), [Rule::AsLogged]);
    // Bob's, told whole to somebody who may see no more of it than when it is.
    let stranger = Caller { roles: Roles::NONE, ..Caller::open(None) };
    assert_eq!(broken(|run| run.feeds[1].caller = stranger), [Rule::AsLogged]);
}

#[test]
fn a_reload_from_the_api_that_lacks_something_or_has_something_else_is_caught() {
    let reloaded = |seqs: &[usize], other: bool| {
        heard(|heard| {
            let text = |heard: &Heard| match heard {
                Heard::Told { text, .. } => serde_json::from_str::<Value>(text).unwrap(),
                _ => unreachable!(),
            };
            let mut changes: Vec<Value> = seqs.iter().map(|seq| text(&heard[*seq])).collect();
            if other {
                changes[0]["at"] = Value::Null;
            }
            heard.drain(4..7);
            heard.insert(4, Heard::Resync(Seq(6)));
            heard.insert(5, Heard::Reloaded { after: Seq(3), until: Seq(6), changes });
        })
    };
    assert_eq!(reloaded(&[4, 5, 6], false), []);
    assert_eq!(reloaded(&[4, 6], false), [Rule::Missed]);
    assert_eq!(reloaded(&[4, 5, 6], true), [Rule::AsLogged]);
}

#[test]
fn a_run_in_which_all_or_too_much_is_excused_is_not_called_good() {
    let heed = |told, due| [Heed { told, due, resyncs: 1, ..Heed::default() }];
    let broken = |heeds: [Heed; 1], may_reload| delivered(&heeds, may_reload).len();
    assert_eq!(broken(heed(100, 100), false), 0);
    assert_eq!(broken(heed(98, 100), false), 1);
    assert_eq!(broken(heed(98, 100), true), 0);
    assert_eq!(broken(heed(0, 100), true), 1);
}

//! The stories of the judge, and who came when and got what in them.

use time::Duration;

use super::*;
use crate::{
    SectionName, Trace, UserId,
    audit::tests::units::{self, Entry, TENANT, at, line::story},
};

fn changes(log: Vec<Entry>) -> impl Iterator<Item = Change> {
    (1..).zip(log).map(|(seq, (minutes, actor, fact))| {
        let actor = actor.map(|actor| UserId::parse(actor).unwrap());
        Change { tenant_id: TENANT, seq: Seq(seq), at: at(minutes), actor, trace: Trace::default(), fact }
    })
}

/// What the log tells after so many of its changes.
fn told(log: Vec<Entry>, after: usize) -> Report {
    let mut fairness = Fairness::new(TENANT, units::event().id);
    changes(log).skip(after).for_each(|change| fairness.step(&change));
    fairness.report().unwrap()
}

/// By section: the way, and how many are confirmed, held, expired, released and cancelled.
fn got(report: &Report) -> Vec<(&str, Way, [i64; 5])> {
    let each = |got: &Got| {
        let Outcomes { confirmed, held, expired, released, cancelled } = got.units;
        [confirmed, held, expired, released, cancelled]
    };
    let name = |got: &Got| got.section.as_ref().map(SectionName::as_str).map(ToOwned::to_owned);
    let names = report.got.iter().map(|got| match name(got).as_deref() {
        Some("Bar") => "Bar",
        Some("Hall") => "Hall",
        _ => "?",
    });
    names.zip(&report.got).map(|(name, got)| (name, got.way, each(got))).collect()
}

#[test]
fn who_stood_in_line_how_long_and_who_was_served_before_them() {
    let report = told(story(), 0);
    assert!(report.is_whole);
    assert_eq!((report.changes, report.first_seq, report.last_seq), (31, Seq(1), Seq(31)));
    let line = &report.in_line;
    assert_eq!((line.joined, line.offered, line.left, line.waiting), (8, 5, 1, 0));
    assert_eq!((line.limit_reached, line.sale_over), (1, 1));
    let minute = 60_000;
    let waits =
        Waits { median_millis: 2 * minute, most_of_them_millis: 2 * minute, longest_millis: 2 * minute };
    assert_eq!(line.waits, Some(waits));
    assert_eq!((line.out_of_turn, &line.breaches), (0, &Vec::new()));
    // Ivan took a single box, which was no use to hugo.
    assert_eq!((line.overtaken_pairs, line.overtaken_people), (1, 1));
    let hugo = report.line.iter().find(|stood| stood.was_overtaken).unwrap();
    assert_eq!((hugo.user_id.as_str(), hugo.rank, hugo.waited_millis), ("hugo", Seq(12), Some(2 * minute)));
    let offer = report.taken.iter().find(|taken| Some(taken.reservation_id) == hugo.reservation_id).unwrap();
    assert_eq!((offer.way, offer.seq, offer.units.held), (Way::Offer, Seq(17), 2));
}

#[test]
fn who_got_what_and_how() {
    let expected = [
        ("Bar", Way::Hold, [0, 0, 0, 3, 0]),
        ("Bar", Way::Offer, [0, 1, 3, 0, 0]),
        ("Hall", Way::Hold, [0, 3, 0, 1, 0]),
        ("Hall", Way::Offer, [1, 2, 0, 0, 0]),
    ];
    assert_eq!(got(&told(story(), 0)), expected);
}

#[test]
fn units_that_are_confirmed_in_part_are_followed_to_their_end() {
    let report = told(units::log(), 0);
    let expected = [("Bar", Way::Hold, [0, 0, 1, 2, 1]), ("Hall", Way::Hold, [0, 0, 0, 0, 3])];
    assert_eq!(got(&report), expected);
    let each: Vec<_> =
        report.taken.iter().map(|taken| (taken.user_id.as_str(), taken.units.total())).collect();
    // What was split off belongs to the hold that it was split off from.
    assert_eq!(each, [("alice", 2), ("bob", 2), ("carol", 2), ("bob", 1)]);
    assert_eq!((report.taken[0].units.expired, report.taken[0].units.cancelled), (1, 1));
}

#[test]
fn somebody_who_was_passed_over_is_the_judge_s_to_find() {
    let mut log = story();
    log.truncate(7);
    let nora = units::hold(9, "nora", 4, 14, vec![units::bar(1)]);
    log.push((4, Some("nora"), units::held(&nora, units::of_bar(3, 1, 0))));
    let report = told(log, 0);
    let words = vec!["the hold at seq 8 passes over rank 4 in line, which would fit".to_owned()];
    assert_eq!((report.in_line.out_of_turn, report.in_line.breaches), (1, words));
}

#[test]
fn of_a_pruned_log_nothing_is_found_that_is_not_so_and_it_is_said_that_it_was() {
    for log in [story(), units::log()] {
        for after in 1..log.len() {
            let report = told(log.clone(), after);
            assert_eq!((report.is_whole, report.in_line.breaches), (false, Vec::new()), "after {after}");
        }
    }
}

#[test]
fn another_event_s_changes_are_passed_over_and_of_one_that_is_not_told_of_there_is_nothing() {
    let mut fairness = Fairness::new(TENANT, EventId::from_u128(8));
    changes(story()).for_each(|change| fairness.step(&change));
    assert_eq!(fairness.report(), None);
    let mut fairness = Fairness::new(TenantId::from_u128(9), units::event().id);
    changes(story()).for_each(|change| fairness.step(&change));
    assert_eq!(fairness.report(), None);
}

#[test]
fn the_order_in_which_holds_were_asked_for_is_that_of_their_ids_and_offers_were_not_asked_for() {
    let millis = |at: time::OffsetDateTime| u128::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap();
    // The bits of a UUID that say when it was made, and that it is of version 7 and of the usual kind.
    let id = |after: i64, number: u128| {
        let made = at(1) + Duration::milliseconds(after);
        millis(made) << 80 | 7 << 76 | 2 << 62 | number
    };
    let mut log = story();
    log.truncate(1);
    for (number, (after, user)) in (1..).zip([(40, "alice"), (10, "bob"), (25, "carol")]) {
        let hold = units::hold(id(after, number), user, 1, 11, vec![units::bar(1)]);
        let held = i32::try_from(number).unwrap();
        log.push((1, Some("somebody"), units::held(&hold, units::of_bar(3, held, 0))));
    }
    let report = told(log, 0);
    let door = AtTheDoor { holds: 3, undated: 0, pairs: 3, inverted_pairs: 2, most_millis: 30 };
    assert_eq!(report.at_the_door, door);
    assert_eq!(report.taken[1].arrived_at, Some(at(1) + Duration::milliseconds(10)));
    // Those of the story are no such ids.
    let door = told(story(), 0).at_the_door;
    assert_eq!((door.holds, door.undated, door.pairs), (0, 3, 0));
}

#[test]
fn it_is_told_in_json() {
    let json = serde_json::to_value(told(story(), 0)).unwrap();
    assert_eq!(json["in_line"]["overtaken_pairs"], 1);
    assert_eq!(json["line"][2]["ended"], "offered");
    assert_eq!(json["got"][1]["way"], "offer");
    assert_eq!(json["taken"][0]["arrived_at"], serde_json::Value::Null);
}

//! Lines whose begin is not in the log.

use super::*;

#[test]
fn of_a_pruned_log_nothing_is_found_that_is_not_so() {
    let whole = story();
    for cut in 1..whole.len() {
        let mut replay = Replay::default();
        let (before, rest) = whole.split_at(cut);
        let is_told = |object| rest.iter().any(|(.., fact)| fact.object_id() == object);
        let is_last =
            |place: usize, object| !before[place + 1..].iter().any(|(.., fact)| fact.object_id() == object);
        for (place, (.., fact)) in before.iter().enumerate() {
            let object = fact.object_id();
            if !is_last(place, object) {
                continue;
            }
            match (fact.event(), fact.reservation(), fact.waitlist_entry(), is_told(object)) {
                (Some(event), .., true) => replay.adopt_unsettled_event(TENANT, event.id),
                (Some(event), .., false) => replay.adopt_event(TENANT, event),
                (_, Some(held), _, true) => {
                    replay.adopt_unsettled_reservation(TENANT, held.event_id, held.id);
                }
                (_, Some(held), _, false) => replay.adopt_reservation(TENANT, held),
                (.., Some(entry), true) => {
                    replay.adopt_unsettled_waitlist_entry(TENANT, entry.event_id, entry.id);
                }
                (.., Some(entry), false) => replay.adopt_waitlist_entry(TENANT, entry),
                _ => panic!("of none"),
            }
        }
        replay.begin_after(Seq(i64::try_from(cut).unwrap()));
        replayed(&mut replay, i64::try_from(cut).unwrap() + 1, rest.to_vec());
        let report = replay.finish();
        assert_eq!(report.faults, Vec::<String>::new(), "cut behind {cut}");
    }
}

/// What is found, and how much can't be judged, when the bar is told to have room, somebody who is known waits for it behind
/// one who may not be known, and then this happens.
fn judged(is_known: bool, then: impl FnOnce(&Entry, &Entry) -> Vec<Entry>) -> (Vec<String>, u64) {
    let story = story();
    let mut replay = Replay::default();
    replay.adopt_event(TENANT, told_event(&mut story[0].2.clone()));
    let (erin, frank) = (&story[3], &story[4]);
    if is_known {
        replay.adopt_waitlist_entry(TENANT, entry(&mut erin.2.clone()));
    } else {
        let entry = entry(&mut erin.2.clone()).clone();
        replay.adopt_unsettled_waitlist_entry(TENANT, entry.event_id, entry.id);
    }
    replay.adopt_waitlist_entry(TENANT, entry(&mut frank.2.clone()));
    let alice = hold(1, "alice", 1, 11, vec![bar(3)]);
    replay.adopt_reservation(TENANT, &alice);
    replay.begin_after(Seq(10));
    let reservation = alice.with(State::Cancelled, at(4));
    let released = (4, None, Fact::ReservationReleased { reservation, sections: of_bar(3, 0, 0) });
    replayed(&mut replay, 11, vec![released]);
    let before = replay.report().unjudged;
    replayed(&mut replay, 12, then(erin, frank));
    (replay.report().faults, replay.report().unjudged - before)
}

#[test]
fn of_a_pruned_log_somebody_known_who_is_passed_over_is_found_and_nobody_else_is() {
    let of_frank = |_: &Entry, frank: &Entry| offers(frank, 5, 4, 0, bar(1), of_bar(3, 1, 0)).to_vec();
    let passes_erin = "waitlist: waitlist_offered at seq 13 of rank 5 passes over rank 4, which would fit";
    assert_eq!(judged(true, of_frank), (vec![passes_erin.to_owned()], 0));
    // Whether she would fit is not known.
    assert_eq!(judged(false, of_frank), (Vec::new(), 1));
    // Frank would, whoever else.
    let nora = |_: &Entry, _: &Entry| {
        let nora = hold(9, "nora", 4, 14, vec![bar(1)]);
        let joins = joins(13, "otto", 4, request(3, Any, &[from(Some(BAR), None)]));
        vec![(4, Some("nora"), held(&nora, of_bar(3, 1, 0))), joins]
    };
    let passes_frank = "waitlist: the hold at seq 12 passes over rank 5 in line, which would fit";
    // Whether otto is in line already is not known.
    assert_eq!(judged(false, nora), (vec![passes_frank.to_owned()], 1));
    // Once she has been told of, it is known who she was.
    let both = |erin: &Entry, frank: &Entry| {
        let first = offers(erin, 4, 4, 0, bar(2), of_bar(3, 2, 0));
        [first, offers(frank, 5, 4, 0, bar(1), of_bar(3, 3, 0))].concat()
    };
    assert_eq!(judged(true, both), (Vec::new(), 0));
    // What she asked for, and that she had the first choice that fitted.
    assert_eq!(judged(false, both), (Vec::new(), 2));
    let leaves = |erin: &Entry, frank: &Entry| {
        let left = leaves(erin, 4);
        [vec![left], offers(frank, 5, 4, 0, bar(1), of_bar(3, 1, 0)).to_vec()].concat()
    };
    assert_eq!(judged(false, leaves), (Vec::new(), 1));
}

#[test]
fn where_the_seats_are_is_not_known_and_how_many_are_free_may_be() {
    let asks = |request: Request| {
        let mut story = story();
        let mut replay = Replay::default();
        replay.adopt_event(TENANT, told_event(&mut story[0].2));
        replay.adopt_waitlist_entry(TENANT, entry(&mut joins(4, "erin", 2, request).2));
        replay.begin_after(Seq(10));
        let hold_of = |number, seat: &str| hold(number, "nora", 4, 14, vec![hall(&[seat])]);
        // What is left is first told with the first hold, and nothing before.
        let first = (4, Some("nora"), held(&hold_of(1, "B2"), of_hall(6, 4, 0)));
        let second = (4, Some("nora"), held(&hold_of(2, "B3"), of_hall(6, 5, 0)));
        let bob = hold(3, "bob", 4, 14, vec![bar(1)]);
        let third = (4, Some("bob"), held(&bob, of_bar(3, 3, 0)));
        replayed(&mut replay, 11, vec![first]);
        let unjudged = replay.report().unjudged;
        replayed(&mut replay, 12, vec![second, third]);
        let report = replay.report();
        (report.faults.len(), report.unjudged > unjudged)
    };
    let of_hall = |quantity, adjacent, category| request(quantity, adjacent, &[from(Some(HALL), category)]);
    // Two were free before the second hold, and one before the third.
    assert_eq!(asks(of_hall(3, Any, None)).0, 0);
    assert_eq!(asks(of_hall(2, Any, None)).0, 1);
    assert_eq!(asks(of_hall(2, Required, None)).0, 0);
    assert_eq!(asks(of_hall(1, Any, boxes())).0, 0);
    assert!(asks(of_hall(2, Required, None)).1);
}

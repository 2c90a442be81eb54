//! Logs that don't begin at the beginning.

use super::*;

#[test]
fn of_a_pruned_log_what_can_be_known_is_judged_and_nothing_is_found_that_is_not_so() {
    let whole = log();
    for cut in 1..=17 {
        // As it was then, if the log tells nothing of it behind; else nobody knows how it was.
        let mut replay = Replay::default();
        let (before, rest) = whole.split_at(cut);
        let is_told = |object| rest.iter().any(|(.., fact)| fact.object_id() == object);
        let is_last =
            |place: usize, object| !before[place + 1..].iter().any(|(.., fact)| fact.object_id() == object);
        for (place, (.., fact)) in before.iter().enumerate() {
            if !is_last(place, fact.object_id()) {
                continue;
            }
            if let Some(event) = fact.event() {
                assert!(is_told(event.id.uuid()), "it is called off at last");
                replay.adopt_unsettled_event(TENANT, event.id);
            } else if let Some(reservation) = fact.reservation() {
                if is_told(reservation.id.uuid()) {
                    replay.adopt_unsettled_reservation(TENANT, reservation.event_id, reservation.id);
                } else {
                    replay.adopt_reservation(TENANT, reservation);
                }
            }
        }
        replay.begin_after(Seq(i64::try_from(cut).unwrap()));
        replayed(&mut replay, i64::try_from(cut).unwrap() + 1, rest.to_vec());
        let report = replay.finish();
        assert_eq!(report.faults, Vec::<String>::new(), "cut behind {cut}");
        assert!(report.unjudged > 0);
    }
}

#[test]
fn of_a_pruned_log_a_breach_of_what_is_known_is_found() {
    let event = changed(&event(), 9, |event| event.sections[0].capacity = 4);
    let alice = hold(1, "alice", 1, 10, vec![bar(2), hall(&["A1"])]);
    let sections = |bar: i32, hall: i32| [of_bar(4, bar, 0), of_hall(4, hall, 0)].concat();
    let judged = |bob: &Reservation, sections, minutes, last: Fact| {
        let mut replay = Replay::default();
        replay.adopt_event(TENANT, &event);
        replay.adopt_reservation(TENANT, &alice);
        replay.begin_after(Seq(10));
        replayed(&mut replay, 11, vec![(9, Some("bob"), held(bob, sections)), (minutes, None, last)]);
        replay.finish().faults
    };
    let over = |sections| Fact::ReservationExpired {
        reservation: alice.with(State::Expired { expires_at: at(10) }, at(10)),
        sections,
    };
    let bob = hold(2, "bob", 9, 19, vec![bar(1), hall(&["A2"])]);
    assert_eq!(judged(&bob, sections(3, 2), 10, over(sections(1, 1))), Vec::<String>::new());
    let found = judged(&bob, sections(3, 2), 10, over(sections(2, 1)));
    assert!(found.len() == 1 && found[0].starts_with("P5: at seq 12 section "), "{found:#?}");
    let same = hold(2, "bob", 9, 19, vec![bar(1), hall(&["A1"])]);
    assert_eq!(
        judged(&same, sections(3, 2), 10, over(sections(1, 1))),
        ["P5: reservation_held at seq 11 gives seat A1 to two"]
    );
    let late = hold(2, "bob", 9, 19, vec![bar(3), hall(&["A2"])]);
    let found = judged(&late, [of_bar(4, 5, 0), of_hall(4, 2, 0)].concat(), 10, over(sections(3, 1)));
    assert!(found[0].starts_with("P5: at seq 11 section "), "{found:#?}");
}

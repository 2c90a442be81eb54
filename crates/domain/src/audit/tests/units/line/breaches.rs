//! One change of a true log with a line told wrongly, and found.

use super::*;

/// A breach, at which seq, and what must be found.
type Breach = (usize, fn(&mut Entry), &'static str);

fn breach(seq: usize, damage: impl FnOnce(&mut Entry)) -> Vec<String> {
    let mut log = story();
    damage(&mut log[seq - 1]);
    faults(log)
}

const BREACHES: &[Breach] = &[
    // Who comes into line.
    (4, |e| entry(&mut e.2).rank = Seq(3), "waitlist: waitlist_joined at seq 4 does not follow"),
    (4, |e| entry(&mut e.2).version = 2, "waitlist: waitlist_joined at seq 4 does not follow"),
    (4, |e| entry(&mut e.2).created_at = at(1), "waitlist: waitlist_joined at seq 4 does not follow"),
    (4, |e| entry(&mut e.2).updated_at = at(3), "waitlist: waitlist_joined at seq 4 does not follow"),
    (
        4,
        |e| entry(&mut e.2).state = WaitlistState::Left,
        "waitlist: waitlist_joined at seq 4 does not follow",
    ),
    (5, |e| entry(&mut e.2).id = entry_id(4), "waitlist_joined at seq 5 does not follow"),
    (
        4,
        |e| entry(&mut e.2).request.quantity = 0,
        "waitlist_joined at seq 4 asks for what can't be asked for",
    ),
    (4, |e| entry(&mut e.2).request.quantity = 101, "seq 4 asks for what can't be asked for"),
    (4, |e| entry(&mut e.2).request.choices.clear(), "seq 4 asks for what can't be asked for"),
    (
        4,
        |e| entry(&mut e.2).request.choices = vec![from(None, None); 21],
        "waitlist: waitlist_joined at seq 4 asks for what can't be asked for",
    ),
    (4, |e| entry(&mut e.2).offer_seconds = 0, "seq 4 asks for what can't be asked for"),
    (
        4,
        |e| entry(&mut e.2).request.choices[0].section_id = Some(SectionId::from_u128(9)),
        "waitlist: waitlist_joined at seq 4 asks for what the event does not have",
    ),
    (
        4,
        |e| entry(&mut e.2).venue_id = VenueId::from_u128(9),
        "waitlist: waitlist_joined at seq 4 asks for what the event does not have",
    ),
    (
        4,
        |e| entry(&mut e.2).event_id = EventId::from_u128(9),
        "log: waitlist_joined at seq 4 is of an event that is not there",
    ),
    (
        5,
        |e| entry(&mut e.2).user_id = UserId::parse("erin").unwrap(),
        "waitlist: waitlist_joined at seq 5 is of a user who stands in line already",
    ),
    (
        1,
        |e| told_event(&mut e.2).sale_closes_at = Some(at(2)),
        "waitlist: waitlist_joined at seq 4 comes while the event is not on sale",
    ),
    (
        1,
        |e| told_event(&mut e.2).sale_opens_at = Some(at(3)),
        "waitlist: waitlist_joined at seq 4 comes while the event is not on sale",
    ),
    // What they get.
    (8, |e| e.1 = Some("erin"), "waitlist: waitlist_offered at seq 9 does not go with the hold right before"),
    (
        8,
        |e| reservation(&mut e.2).user_id = UserId::parse("frank").unwrap(),
        "waitlist: waitlist_offered at seq 9 does not go with the hold right before",
    ),
    (
        8,
        |e| reservation(&mut e.2).state = State::Hold { expires_at: at(10) },
        "waitlist: waitlist_offered at seq 9 does not go with the hold right before",
    ),
    (9, |e| e.0 = 5, "waitlist: waitlist_offered at seq 9 does not go with the hold right before"),
    (
        9,
        |e| entry(&mut e.2).state = WaitlistState::Offered { reservation_id: id(4), expires_at: at(10) },
        "waitlist: waitlist_offered at seq 9 does not go with the hold right before",
    ),
    (
        9,
        |e| entry(&mut e.2).state = WaitlistState::Offered { reservation_id: id(1), expires_at: at(9) },
        "waitlist: waitlist_offered at seq 9 is not told of right behind its hold",
    ),
    (
        9,
        |e| entry(&mut e.2).state = WaitlistState::Offered { reservation_id: id(1), expires_at: at(9) },
        "waitlist: the hold at seq 8 passes over rank 4 in line, which would fit",
    ),
    (
        8,
        |e| reservation(&mut e.2).units = vec![bar(1)],
        "waitlist: waitlist_offered at seq 9 gives other units than were asked for",
    ),
    (
        10,
        |e| reservation(&mut e.2).units = vec![hall(&["A1"])],
        "waitlist: waitlist_offered at seq 11 gives other units than were asked for",
    ),
    (
        14,
        |e| reservation(&mut e.2).units = vec![bar(1)],
        "waitlist: waitlist_offered at seq 15 gives other units than were asked for",
    ),
    (
        17,
        |e| reservation(&mut e.2).units = vec![hall(&["A3", "B1"])],
        "waitlist: waitlist_offered at seq 18 gives other units than were asked for",
    ),
    (
        17,
        |e| reservation(&mut e.2).units = vec![hall(&["A3", "A1"])],
        "waitlist: waitlist_offered at seq 18 gives other units than were asked for",
    ),
    (
        17,
        |e| reservation(&mut e.2).units = vec![hall(&["B2", "B1"])],
        "waitlist: waitlist_offered at seq 18 gives other units than were asked for",
    ),
    (8, |e| reservation(&mut e.2).choice = None, "seq 9 is not of the first choice that fits"),
    (8, |e| reservation(&mut e.2).choice = Some(1), "seq 9 is not of the first choice that fits"),
    (8, |e| reservation(&mut e.2).choice = Some(2), "seq 9 is not of the first choice that fits"),
    (14, |e| reservation(&mut e.2).choice = Some(0), "seq 15 is not of the first choice that fits"),
    (
        13,
        |e| entry(&mut e.2).request.choices.insert(0, from(None, None)),
        "waitlist: waitlist_offered at seq 15 is not of the first choice that fits",
    ),
    // What becomes of them.
    (9, |e| entry(&mut e.2).version = 3, "waitlist: waitlist_offered at seq 9 does not follow"),
    (9, |e| entry(&mut e.2).updated_at = at(5), "waitlist: waitlist_offered at seq 9 does not follow"),
    (9, |e| entry(&mut e.2).rank = Seq(3), "waitlist: waitlist_offered at seq 9 does not follow"),
    (9, |e| entry(&mut e.2).request.quantity = 1, "waitlist: waitlist_offered at seq 9 does not follow"),
    (9, |e| entry(&mut e.2).offer_seconds = 60, "waitlist: waitlist_offered at seq 9 does not follow"),
    (
        9,
        |e| entry(&mut e.2).user_id = UserId::parse("mallory").unwrap(),
        "waitlist: waitlist_offered at seq 9 does not follow",
    ),
    (20, |e| entry(&mut e.2).state = WaitlistState::Waiting, "waitlist_left at seq 20 does not follow"),
    (20, |e| entry(&mut e.2).id = entry_id(4), "waitlist_left at seq 20 does not follow"),
    (25, |e| entry(&mut e.2).version = 3, "waitlist: waitlist_ended at seq 25 does not follow"),
    (
        25,
        |e| entry(&mut e.2).state = WaitlistState::Ended { reason: Ending::SaleOver },
        "waitlist: waitlist_ended at seq 25 comes while the event is on sale",
    ),
    (
        1,
        |e| told_event(&mut e.2).units_per_user = Some(4),
        "waitlist: waitlist_ended at seq 25 comes though its user may have 4 units",
    ),
    (
        1,
        |e| told_event(&mut e.2).units_per_user = None,
        "waitlist: waitlist_ended at seq 25 comes though its user may have 4 units",
    ),
    (
        1,
        |e| told_event(&mut e.2).units_per_user = Some(1),
        "log: reservation_held at seq 8 gives a user 2 units, which is more than they may have",
    ),
    (
        30,
        |e| told_event(&mut e.2).status = EventStatus::Open,
        "waitlist: waitlist_ended at seq 31 comes while the event is on sale",
    ),
    (
        31,
        |e| entry(&mut e.2).state = WaitlistState::Ended { reason: Ending::LimitReached },
        "waitlist: waitlist_ended at seq 31 comes though it was not its turn",
    ),
];

#[test]
fn each_breach_is_found() {
    for (seq, damage, expected) in BREACHES {
        let found = breach(*seq, damage);
        assert!(found.iter().any(|fault| fault.contains(expected)), "{seq}, {expected}: {found:#?}");
    }
}

#[test]
fn who_is_served_before_somebody_whose_turn_it_was_is_found() {
    let log = story();
    // Frank, and erin behind him.
    let frank = offers(&log[4], 5, 4, 0, bar(1), of_bar(3, 1, 0));
    let erin = offers(&log[3], 4, 4, 0, bar(2), of_bar(3, 3, 0));
    let expected = "waitlist: waitlist_offered at seq 9 of rank 5 passes over rank 4, which would fit";
    assert_eq!(after(7, [frank, erin].concat()), [expected]);
    // Laura, while gina is still in line, who may have no more: that has to be said first.
    let laura = offers(&log[21], 8, 9, 0, bar(1), of_bar(3, 1, 0));
    let found = after(24, [laura.to_vec(), vec![log[24].clone()]].concat());
    assert_eq!(
        found,
        ["waitlist: waitlist_offered at seq 26 of rank 22 passes over rank 21, which would fit"]
    );
    // Gina, before frank, who is before her.
    let (gina, early) = (joins(7, "gina", 3, request(1, Any, &[from(None, None)])), 4);
    let mut log = log;
    log.truncate(6);
    log.push(gina.clone());
    let reservation = becomes(&log[1], State::Cancelled, early);
    log.push((early, None, Fact::ReservationReleased { reservation, sections: of_bar(3, 0, 0) }));
    log.push(ends(&gina, early, Ending::LimitReached));
    assert_eq!(faults(log)[0], "waitlist: waitlist_ended at seq 9 comes though it was not its turn");
}

#[test]
fn who_may_have_no_more_is_told_so_only_once_what_is_over_was_given_back() {
    let mut log = story();
    log.truncate(23);
    let gina = ends(&log[20], 9, Ending::LimitReached);
    assert_eq!(after(24, [gina.clone()])[0], story_at_rest(22));
    let found = after(23, [gina]);
    assert_eq!(found, ["waitlist: waitlist_ended at seq 24 comes though it was not its turn"]);
}

fn story_at_rest(rank: i64) -> String {
    format!("waitlist: at rest, rank {rank} in line for event {} would fit", event().id)
}

#[test]
fn at_rest_nobody_is_in_line_whose_request_fits_or_whose_event_is_no_longer_on_sale() {
    assert_eq!(after(7, []), [story_at_rest(4)]);
    assert_eq!(after(24, []), [story_at_rest(21)]);
    let over =
        format!("waitlist: at rest, some are in line for event {}, which is no longer on sale", event().id);
    assert_eq!(after(30, []), [over.as_str()]);
    // The sale closes by the clock, and what happens elsewhere says how late it is.
    let mut elsewhere = event();
    (elsewhere.id, elsewhere.created_at, elsewhere.updated_at) = (EventId::from_u128(8), at(60), at(60));
    elsewhere.sections.clear();
    let late = (60, None, Fact::EventCreated { event: elsewhere, seats_added: Vec::new() });
    assert_eq!(after(29, [late.clone()]), Vec::<String>::new(), "laura's hold is over and not ended");
    let mut log = story();
    let over_by_then = becomes(&log[16], State::Cancelled, 10);
    let gina = becomes(&log[5], State::Cancelled, 10);
    let laura = becomes(&log[25], State::Cancelled, 10);
    log.truncate(29);
    for (reservation, sections) in
        [(over_by_then, of_hall(6, 3, 1)), (gina, of_hall(6, 0, 1)), (laura, of_bar(3, 0, 0))]
    {
        log.push((10, None, Fact::ReservationReleased { reservation, sections }));
    }
    assert_eq!(faults(log.clone()), [story_at_rest(28)]);
    log.push(late);
    assert_eq!(faults(log), [over]);
}

#[test]
fn each_change_of_an_entry_is_missed_when_it_is_left_out() {
    for seq in [4, 5, 9, 11, 12, 13, 15, 18, 19, 21, 22, 25, 27, 28, 31] {
        let mut log = story();
        log.remove(seq - 1);
        let found = faults(log);
        assert!(found.iter().any(|fault| fault.starts_with("waitlist: ")), "without {seq}: {found:#?}");
    }
}

//! One change of a true log told wrongly, and found.

use super::*;

#[test]
fn what_a_change_leaves_is_what_has_been_counted() {
    for seq in [2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17] {
        for damage in [
            |told: &mut Availability| told.held += 1,
            |told: &mut Availability| told.confirmed += 1,
            |told: &mut Availability| told.available -= 1,
            |told: &mut Availability| told.capacity += 1,
            |told: &mut Availability| (told.held, told.available) = (told.held + 1, told.available - 1),
        ] {
            let found = broken(seq, |(.., fact)| damage(&mut sections(fact)[0]));
            let expected = format!("P5: at seq {seq} section ");
            assert!(found.first().is_some_and(|first| first.starts_with(&expected)), "{seq}: {found:#?}");
        }
        let found = broken(seq, |(.., fact)| sections(fact).clear());
        assert!(found[0].ends_with("tells of other sections than it touches"), "{seq}: {found:#?}");
    }
}

#[test]
fn a_reservation_s_change_follows_from_what_it_was() {
    for seq in [2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17] {
        for damage in [
            |after: &mut Reservation| after.version += 1,
            |after: &mut Reservation| after.updated_at += Duration::SECOND,
            |after: &mut Reservation| after.created_at -= Duration::SECOND,
            |after: &mut Reservation| after.units.push(after.units[0].clone()),
        ] {
            let found = broken(seq, |(.., fact)| damage(reservation(fact)));
            let expected = format!(" at seq {seq} does not follow from what reservation ");
            assert!(found.iter().any(|fault| fault.contains(&expected)), "{seq}: {found:#?}");
        }
        let more = |after: &mut Reservation| after.units[0].quantity += 1;
        assert_ne!(broken(seq, |(.., fact)| more(reservation(fact))), Vec::<String>::new(), "{seq}");
        if ![2, 3, 10, 13].contains(&seq) {
            let found =
                broken(seq, |(.., fact)| reservation(fact).user_id = UserId::parse("mallory").unwrap());
            assert!(found.iter().any(|fault| fault.contains("does not follow")), "{seq}: {found:#?}");
            let found = broken(seq, |(.., fact)| reservation(fact).id = id(99));
            assert!(found.iter().any(|fault| fault.contains("does not follow")), "{seq}: {found:#?}");
        }
    }
    let without = |seq: usize| {
        let mut log = log();
        log.remove(seq - 1);
        faults(log)
    };
    for seq in 1..=17 {
        assert_ne!(without(seq), Vec::<String>::new(), "without {seq}");
    }
}

/// A breach, at which seq, and what must be found first.
type Breach = (usize, fn(&mut Entry), &'static str);

/// Of reservations.
const OF_RESERVATIONS: &[Breach] = &[
    // The end of a hold.
    (
        2,
        |e| reservation(&mut e.2).state = State::Hold { expires_at: at(1) },
        "P5: reservation_held at seq 2 holds nothing for any time",
    ),
    (9, |e| reservation(&mut e.2).state = State::Expired { expires_at: at(11) }, "does not follow"),
    (6, |e| e.0 = 10, "P5: reservation_confirmed at seq 6 comes when the hold is over"),
    (4, |e| e.0 = 10, "P5: reservation_split at seq 4 comes when the hold is over"),
    (7, |e| e.0 = 12, "P5: reservation_extended at seq 7 comes when the hold is over"),
    (11, |e| e.0 = 20, "P5: reservation_released at seq 11 comes when the hold is over"),
    (16, |e| e.0 = 20, "P5: reservation_cancelled at seq 16 comes when the hold is over"),
    (9, |e| e.0 = 9, "P5: reservation_expired at seq 9 ends a hold before its end"),
    (
        7,
        |e| reservation(&mut e.2).state = State::Hold { expires_at: at(12) },
        "log: reservation_extended at seq 7 does not follow",
    ),
    // Splits.
    (4, |e| reservation(&mut e.2).units[0].quantity = 2, "log: reservation_split at seq 4 does not follow"),
    (
        4,
        |e| reservation(&mut e.2).state = State::Cancelled,
        "log: reservation_split at seq 4 does not follow",
    ),
    (
        14,
        |e| reservation(&mut e.2).units[0] = hall(&["A3"]),
        "log: reservation_split at seq 14 does not follow",
    ),
    (
        5,
        |e| reservation(&mut e.2).state = State::Hold { expires_at: at(11) },
        "log: reservation_held at seq 5 does not follow",
    ),
    (
        15,
        |e| reservation(&mut e.2).units = vec![hall(&["B2"])],
        "log: reservation_confirmed at seq 15 does not follow",
    ),
    (
        13,
        |e| reservation(&mut e.2).user_id = UserId::parse("mallory").unwrap(),
        "log: reservation_split at seq 14 gives units to somebody else",
    ),
    // Seats.
    (
        3,
        |e| reservation(&mut e.2).units = vec![hall(&["A1", "C2"])],
        "P5: reservation_held at seq 3 holds seats that are not there",
    ),
    (
        13,
        |e| reservation(&mut e.2).units = vec![hall(&["A4"])],
        "P5: reservation_held at seq 13 holds seats that are not there",
    ),
    (
        13,
        |e| reservation(&mut e.2).units = vec![hall(&["A2"])],
        "P5: reservation_held at seq 13 gives seat A2 to two",
    ),
    (
        3,
        |e| reservation(&mut e.2).units = vec![hall(&["A1", "A1"])],
        "log: reservation_held at seq 3 does not follow",
    ),
    (3, |e| reservation(&mut e.2).units[0].seats.clear(), "holds units that the event does not have"),
    (
        2,
        |e| reservation(&mut e.2).units[0].section_id = SectionId::from_u128(9),
        "holds units that the event does not have",
    ),
];

/// Of events, and of what is on sale.
const OF_EVENTS: &[Breach] = &[
    // What is on sale.
    (2, |e| e.0 = 0, "holds units that are not on sale"),
    (
        1,
        |e| told_event(&mut e.2).sale_closes_at = Some(at(2)),
        "log: reservation_held at seq 3 holds units that are not on sale",
    ),
    (
        8,
        |e| told_event(&mut e.2).units_per_user = Some(2),
        "log: reservation_held at seq 13 gives a user 3 units, which is more than they may have",
    ),
    (
        8,
        |e| told_event(&mut e.2).status = EventStatus::Closed,
        "log: reservation_held at seq 10 holds units that are not on sale",
    ),
    // The event.
    (1, |e| told_event(&mut e.2).version = 2, "log: event_created at seq 1 does not follow"),
    (1, |e| told_event(&mut e.2).sections[1].capacity = 5, "log: event_created at seq 1 gives section"),
    (8, |e| told_event(&mut e.2).version = 3, "log: event_updated at seq 8 does not follow"),
    (
        8,
        |e| told_event(&mut e.2).status = EventStatus::Cancelled,
        "log: event_updated at seq 8 does not follow",
    ),
    (8, |e| told_event(&mut e.2).sections.swap(0, 1), "log: event_updated at seq 8 does not follow"),
    (8, |e| drop(told_event(&mut e.2).sections.pop()), "log: event_updated at seq 8 does not follow"),
    (8, |e| told_event(&mut e.2).sections[1].capacity = 4, "log: event_updated at seq 8 gives section"),
    (
        8,
        |e| told_event(&mut e.2).sections[0].capacity = 1,
        "P5: event_updated at seq 8 gives section 00000000-0000-0000-0000-000000000001 the capacity 1, and more is taken",
    ),
    (
        8,
        |e| moved(&mut e.2).1[0].seats = seats(&["A1"]),
        "P5: event_updated at seq 8 takes out seat A1, which is taken",
    ),
    (
        8,
        |e| moved(&mut e.2).1[0].seats = seats(&["C4"]),
        "log: event_updated at seq 8 takes out seat C4, which is not there",
    ),
    (
        8,
        |e| moved(&mut e.2).0[0].rows = vec![row("A", 2)],
        "log: event_updated at seq 8 puts up seat A1, which is there already",
    ),
    (
        8,
        |e| moved(&mut e.2).0[0].section_id = BAR,
        "puts seats into section 00000000-0000-0000-0000-000000000001, which has none",
    ),
    (
        18,
        |e| told_event(&mut e.2).title = EventTitle::parse("Opera").unwrap(),
        "log: event_cancelled at seq 18 does not follow",
    ),
    (18, |e| e.0 = 16, "log: a reservation is cancelled at seq 17, and its event"),
    (
        16,
        |e| e.2 = Fact::ReservationExtended { reservation: reservation(&mut e.2).clone() },
        "does not follow",
    ),
];

#[test]
fn each_breach_is_found() {
    for (seq, damage, expected) in OF_RESERVATIONS.iter().chain(OF_EVENTS) {
        let found = broken(*seq, damage);
        assert!(found.iter().any(|fault| fault.contains(expected)), "{seq}, {expected}: {found:#?}");
    }
}

/// The seats that a change tells of, added and removed.
fn moved(fact: &mut Fact) -> (&mut Vec<SeatsAdded>, &mut Vec<SeatsRemoved>) {
    match fact {
        Fact::EventUpdated { seats_added, seats_removed, .. } => (seats_added, seats_removed),
        _ => panic!("of none"),
    }
}

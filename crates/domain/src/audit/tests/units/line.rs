//! The log of an event with a line, broken by hand in one place after another.

mod breaches;
mod random;
mod unknown;

use super::*;
use crate::{
    Category, WaitlistEntry, WaitlistEntryId, WaitlistState,
    seating::Adjacency::{self, Any, Required},
    waitlist::{Choice, Ending, Request},
};

/// How many minutes a hold lasts that is made for somebody in line.
const OFFER: i64 = 5;

#[expect(clippy::unnecessary_wraps, reason = "as choices have it")]
fn boxes() -> Option<Category> {
    Some(Category::parse("box").unwrap())
}

fn from(section_id: Option<SectionId>, category: Option<Category>) -> Choice {
    Choice { section_id, category }
}

fn request(quantity: i32, adjacent: Adjacency, choices: &[Choice]) -> Request {
    Request { quantity, adjacent, choices: choices.to_vec() }
}

/// A bar for three, and a hall with a row of three seats that are boxes and one of three that are not; a user may have
/// three units.
fn house() -> Vec<Entry> {
    let mut event = event();
    event.sections[1].capacity = 6;
    let boxes = Row::new(RowName::parse("A").unwrap(), RowSeats::Count(3), 0, boxes()).unwrap();
    let seats_added = vec![SeatsAdded { section_id: HALL, rows: vec![boxes, row("B", 3)] }];
    vec![(0, None, Fact::EventCreated { event, seats_added })]
}

/// No reservation has the same.
fn entry_id(seq: i64) -> WaitlistEntryId {
    WaitlistEntryId::from_u128(u128::from(seq.unsigned_abs()) << 32)
}

/// Somebody comes into line as the change of this seq.
fn joins(seq: i64, user: &'static str, minutes: i64, request: Request) -> Entry {
    let waitlist_entry = WaitlistEntry {
        id: entry_id(seq),
        event_id: event().id,
        venue_id: event().venue_id,
        user_id: UserId::parse(user).unwrap(),
        request,
        offer_seconds: i32::try_from(60 * OFFER).unwrap(),
        rank: Seq(seq),
        state: WaitlistState::Waiting,
        version: 1,
        created_at: at(minutes),
        updated_at: at(minutes),
    };
    (minutes, Some(user), Fact::WaitlistJoined { waitlist_entry })
}

/// The entry that a change tells of.
fn entry(fact: &mut Fact) -> &mut WaitlistEntry {
    match fact {
        Fact::WaitlistJoined { waitlist_entry }
        | Fact::WaitlistOffered { waitlist_entry }
        | Fact::WaitlistLeft { waitlist_entry }
        | Fact::WaitlistEnded { waitlist_entry } => waitlist_entry,
        _ => panic!("of none"),
    }
}

/// The hold for somebody in line, and that it is.
fn offers(
    joined: &Entry,
    number: u128,
    minutes: i64,
    choice: i16,
    units: Units,
    left: Vec<Availability>,
) -> [Entry; 2] {
    let entry = entry(&mut joined.2.clone()).clone();
    let end = minutes + OFFER;
    let reservation = Reservation {
        choice: Some(choice),
        ..hold(number, entry.user_id.as_str(), minutes, end, vec![units])
    };
    let state = WaitlistState::Offered { reservation_id: reservation.id, expires_at: at(end) };
    let offered = Fact::WaitlistOffered { waitlist_entry: entry.with(state, at(minutes)) };
    [(minutes, None, held(&reservation, left)), (minutes, None, offered)]
}

fn ends(joined: &Entry, minutes: i64, reason: Ending) -> Entry {
    let entry = entry(&mut joined.2.clone()).with(WaitlistState::Ended { reason }, at(minutes));
    (minutes, None, Fact::WaitlistEnded { waitlist_entry: entry })
}

fn leaves(joined: &Entry, minutes: i64) -> Entry {
    let entry = entry(&mut joined.2.clone()).with(WaitlistState::Left, at(minutes));
    (minutes, joined.1, Fact::WaitlistLeft { waitlist_entry: entry })
}

/// What has become of the hold that a change tells of.
fn becomes(held: &Entry, state: State, minutes: i64) -> Reservation {
    reservation(&mut held.2.clone()).with(state, at(minutes))
}

/// A true log. Alice has the bar, bob the middle box and gina the row behind. Erin waits for two of the bar, or else for two
/// boxes side by side, and frank for one of the bar: they get them when alice gives it up. Hugo waits for two boxes side by
/// side; ivan, behind him, for one of the bar or else a box, and gets that at once, since two single boxes are no use to hugo
/// until bob gives his up. Judy leaves. Then erin and frank let theirs lapse: gina may have no more, and laura is next. Mike
/// waits until the sale is over.
pub(crate) fn story() -> Vec<Entry> {
    let bar_only = |quantity| request(quantity, Any, &[from(Some(BAR), None)]);
    let mut log = house();
    let alice = hold(1, "alice", 1, 11, vec![bar(3)]);
    let bob = hold(2, "bob", 1, 12, vec![hall(&["A2"])]);
    let gina = hold(3, "gina", 3, 23, vec![hall(&["B1", "B2", "B3"])]);
    log.push((1, Some("alice"), held(&alice, of_bar(3, 3, 0))));
    log.push((1, Some("bob"), held(&bob, of_hall(6, 1, 0))));
    log.push(joins(4, "erin", 2, request(2, Required, &[from(Some(BAR), None), from(None, boxes())])));
    log.push(joins(5, "frank", 2, bar_only(1)));
    log.push((3, Some("gina"), held(&gina, of_hall(6, 4, 0))));
    let released = |reservation: &Reservation, minutes, sections| Fact::ReservationReleased {
        reservation: reservation.with(State::Cancelled, at(minutes)),
        sections,
    };
    log.push((4, Some("alice"), released(&alice, 4, of_bar(3, 0, 0))));
    log.extend(offers(&log[3].clone(), 4, 4, 0, bar(2), of_bar(3, 2, 0)));
    log.extend(offers(&log[4].clone(), 5, 4, 0, bar(1), of_bar(3, 3, 0)));
    log.push(joins(12, "hugo", 5, request(2, Required, &[from(None, boxes())])));
    log.push(joins(13, "ivan", 5, request(1, Any, &[from(Some(BAR), None), from(Some(HALL), boxes())])));
    log.extend(offers(&log[12].clone(), 6, 5, 1, hall(&["A1"]), of_hall(6, 5, 0)));
    log.push((7, Some("bob"), released(&bob, 7, of_hall(6, 4, 0))));
    log.extend(offers(&log[11].clone(), 7, 7, 0, hall(&["A3", "A2"]), of_hall(6, 6, 0)));
    log.push(joins(19, "judy", 8, bar_only(3)));
    log.push(leaves(&log[18].clone(), 8));
    log.push(joins(21, "gina", 8, bar_only(1)));
    log.push(joins(22, "laura", 8, bar_only(1)));
    for (seq, left) in [(8, 1), (10, 0)] {
        let reservation = becomes(&log[seq - 1], State::Expired { expires_at: at(9) }, 9);
        log.push((9, None, Fact::ReservationExpired { reservation, sections: of_bar(3, left, 0) }));
    }
    log.push(ends(&log[20].clone(), 9, Ending::LimitReached));
    log.extend(offers(&log[21].clone(), 8, 9, 0, bar(1), of_bar(3, 1, 0)));
    log.push(joins(28, "mike", 9, bar_only(3)));
    let reservation = becomes(&log[13], confirmed(), 9);
    log.push((
        9,
        Some("ivan"),
        Fact::ReservationConfirmed { reservation, rest: None, sections: of_hall(6, 5, 1) },
    ));
    let closed = changed(told_event(&mut log[0].2), 11, |event| event.status = EventStatus::Closed);
    log.push((
        11,
        None,
        Fact::EventUpdated { event: closed, seats_added: Vec::new(), seats_removed: Vec::new() },
    ));
    log.push(ends(&log[27].clone(), 11, Ending::SaleOver));
    log
}

/// What is found of the story up to a seq, and then these.
fn after(seq: usize, then: impl IntoIterator<Item = Entry>) -> Vec<String> {
    let mut log = story();
    log.truncate(seq);
    log.extend(then);
    faults(log)
}

#[test]
fn a_true_log_has_no_fault_and_all_of_it_is_judged() {
    let mut replay = Replay::default();
    replayed(&mut replay, 1, story());
    let report = replay.finish();
    assert_eq!((report.faults, report.unjudged), (Vec::new(), 0));
    assert_eq!((report.holds, report.offers), (8, 5));
    assert!(report.waitlist_checks > 40, "{}", report.waitlist_checks);
}

#[test]
fn it_has_none_wherever_it_is_read_to_but_where_somebody_is_still_to_be_served() {
    for seq in 1..=story().len() {
        let found = after(seq, []);
        let is_to_be_served = [7, 8, 9, 10, 13, 14, 16, 17, 24, 25, 26, 30].contains(&seq);
        let is_found = found.iter().any(|fault| fault.starts_with("waitlist: "));
        assert_eq!(is_found, is_to_be_served, "{seq}: {found:#?}");
    }
}

#[test]
fn who_takes_what_somebody_in_line_waits_for_is_found_though_nothing_is_told_behind() {
    let nora = hold(9, "nora", 4, 14, vec![bar(1)]);
    let taken = (4, Some("nora"), held(&nora, of_bar(3, 1, 0)));
    let passed_over = "waitlist: the hold at seq 8 passes over rank 4 in line, which would fit";
    assert_eq!(after(7, [taken.clone()])[0], passed_over);
    // A log that is read to its end has told all that belongs together.
    let mut replay = Replay::default();
    replayed(&mut replay, 1, [&story()[..7], std::slice::from_ref(&taken)].concat());
    assert_eq!(replay.report().faults, Vec::<String>::new());
    replay.end();
    assert_eq!(replay.report().faults, [passed_over]);
    // With what is left somebody else may be served.
    let served = offers(&story()[3], 4, 4, 0, bar(2), of_bar(3, 3, 0));
    assert_eq!(after(7, [vec![taken], served.to_vec()].concat()), [passed_over]);
    // What nobody waits for may be taken.
    let seat = hold(9, "nora", 2, 12, vec![hall(&["B1"])]);
    assert_eq!(after(5, [(2, Some("nora"), held(&seat, of_hall(6, 2, 0)))]), Vec::<String>::new());
    // Two single boxes are not two side by side, and neither are a box and a seat that is none.
    let boxed = hold(9, "nora", 2, 12, vec![hall(&["A1"])]);
    assert_eq!(after(5, [(2, Some("nora"), held(&boxed, of_hall(6, 2, 0)))]), Vec::<String>::new());
}

#[test]
fn a_seat_that_is_put_up_again_is_beside_those_that_it_was_beside() {
    let box_of = |label: &str| {
        Row::new(RowName::parse("X").unwrap(), RowSeats::Labels(seats(&[label])), 0, None).unwrap()
    };
    // Bob's middle box is given up and taken out, and so hugo gets nothing until it is back, in whatever row it is told.
    let mut log = story();
    log.truncate(16);
    let moved = |before: &Event, minutes, add: Option<&str>, remove: Option<&str>| {
        let more = i32::from(add.is_some()) - i32::from(remove.is_some());
        let event = changed(before, minutes, |event| event.sections[1].capacity += more);
        let seats_added =
            add.map(|label| SeatsAdded { section_id: HALL, rows: vec![box_of(label)] }).into_iter().collect();
        let seats_removed = remove
            .map(|label| SeatsRemoved { section_id: HALL, seats: seats(&[label]) })
            .into_iter()
            .collect();
        (minutes, None, Fact::EventUpdated { event, seats_added, seats_removed })
    };
    let out = moved(told_event(&mut log[0].2), 7, None, Some("A2"));
    let back = |label| moved(told_event(&mut out.2.clone()), 7, Some(label), None);
    let then = |entries: &[Entry]| after(16, entries.to_vec());
    assert_eq!(then(std::slice::from_ref(&out)), Vec::<String>::new());
    let would_fit =
        ["waitlist: at rest, rank 12 in line for event 00000000-0000-0000-0000-000000000007 would fit"];
    assert_eq!(then(&[out.clone(), back("A2")]), would_fit);
    // A new seat begins a row of its own, whatever it is called, and is no box.
    assert_eq!(then(&[out.clone(), back("A4")]), Vec::<String>::new());
}

#[test]
fn an_event_is_not_called_off_while_some_are_in_line() {
    let off = |before: &Event, minutes, status| changed(before, minutes, |event| event.status = status);
    let mut log = story();
    log.truncate(5);
    let cancelling = off(told_event(&mut log[0].2), 3, EventStatus::Cancelling);
    let cancelled = off(&cancelling, 4, EventStatus::Cancelled);
    let gone = |held: &Entry, sections| {
        (4, None, Fact::ReservationCancelled { reservation: becomes(held, State::Cancelled, 4), sections })
    };
    let (erin, frank) = (ends(&log[3], 4, Ending::SaleOver), ends(&log[4], 4, Ending::SaleOver));
    let (alice, bob) = (gone(&log[1], of_bar(3, 0, 0)), gone(&log[2], of_hall(6, 0, 0)));
    log.push((3, None, Fact::EventCancelled { event: cancelling }));
    log.extend([erin, alice, bob]);
    let last = (4, None, Fact::EventCancelled { event: cancelled });
    let too_soon = [log.clone(), vec![last.clone()]].concat();
    assert_eq!(faults(too_soon), ["waitlist: event_cancelled at seq 10 comes while some are in line"]);
    assert_eq!(faults([log, vec![frank, last]].concat()), Vec::<String>::new());
}

#[test]
fn an_event_is_not_put_back_on_sale_while_some_are_in_line_who_are_told_that_it_is_over() {
    let mut log = story();
    log.truncate(5);
    let moved = |event| Fact::EventUpdated { event, seats_added: Vec::new(), seats_removed: Vec::new() };
    let closed = changed(told_event(&mut log[0].2), 3, |event| event.status = EventStatus::Closed);
    let open = changed(&closed, 5, |event| event.status = EventStatus::Open);
    log.push((3, None, moved(closed)));
    log.push(ends(&log[3], 4, Ending::SaleOver));
    let frank = ends(&log[4], 4, Ending::SaleOver);
    let too_soon = [log.clone(), vec![(5, None, moved(open.clone()))]].concat();
    assert_eq!(faults(too_soon), ["waitlist: event_updated at seq 8 comes while some are in line"]);
    assert_eq!(faults([log, vec![frank, (5, None, moved(open))]].concat()), Vec::<String>::new());
}

#[test]
fn before_the_sale_begins_the_line_is_kept_and_not_served() {
    let mut log = story();
    let later = changed(told_event(&mut log[0].2), 4, |event| event.sale_opens_at = Some(at(30)));
    let moved = |event| Fact::EventUpdated { event, seats_added: Vec::new(), seats_removed: Vec::new() };
    // Alice has given the bar up.
    let kept = || (4, None, moved(later.clone()));
    assert_eq!(after(7, [kept()]), Vec::<String>::new());
    let [hold, offer] = offers(&log[3], 4, 5, 0, bar(2), of_bar(3, 2, 0));
    let found = after(7, [kept(), hold, offer]);
    assert_eq!(found, ["log: reservation_held at seq 9 holds units that are not on sale"]);
}

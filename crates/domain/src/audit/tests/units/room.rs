//! What fits, beside what a look at each seat finds.

use proptest::prelude::*;

use super::*;
use crate::{
    Category,
    audit::{
        hall::{Counts, Hall},
        line::Line,
    },
    seating::Adjacency,
    waitlist::{Choice, Request},
};

const GALLERY: SectionId = SectionId::from_u128(3);

/// What happens to the seats of the hall and the gallery: by the place of a row, of a seat in it, and what.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Take,
    Free,
    Remove,
    PutUp,
}

/// A seat as the oracle has it: its label, and whether it is taken and taken out.
type Seat = (SeatLabel, bool, bool);

/// A row as the oracle has it.
type Naive = (SectionId, Option<Category>, Vec<Seat>);

fn category() -> impl Strategy<Value = Option<Category>> {
    prop::option::of("[XY]".prop_map(|name| Category::parse(&name).unwrap()))
}

fn choice() -> impl Strategy<Value = Choice> {
    let sections = prop_oneof![Just(None), Just(Some(BAR)), Just(Some(HALL)), Just(Some(GALLERY))];
    (sections, category()).prop_map(|(section_id, category)| Choice { section_id, category })
}

fn wanted() -> impl Strategy<Value = Request> {
    let adjacent = prop_oneof![Just(Adjacency::Required), Just(Adjacency::Preferred), Just(Adjacency::Any)];
    (1..6, adjacent, prop::collection::vec(choice(), 1..4))
        .prop_map(|(quantity, adjacent, choices)| Request { quantity, adjacent, choices })
}

/// Rows: in which section, of which category, how many seats, and whether they are listed, and then backwards.
fn rows() -> impl Strategy<Value = Vec<(bool, Option<Category>, u16, bool)>> {
    prop::collection::vec((any::<bool>(), category(), 1..9_u16, any::<bool>()), 1..6)
}

fn turns() -> impl Strategy<Value = Vec<(prop::sample::Index, prop::sample::Index, Turn)>> {
    let turn = prop_oneof![
        4 => Just(Turn::Take),
        2 => Just(Turn::Free),
        1 => Just(Turn::Remove),
        1 => Just(Turn::PutUp),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), turn), 0..60)
}

/// Whether a request fits: the free seats of each row, looked at one by one.
fn fits(rows: &[Naive], free_of_bar: i64, request: &Request) -> bool {
    let quantity = usize::try_from(request.quantity).unwrap();
    request.choices.iter().any(|choice| {
        let is_asked = |id| choice.section_id.is_none_or(|asked| asked == id);
        let of_bar = is_asked(BAR) && choice.category.is_none() && i64::from(request.quantity) <= free_of_bar;
        of_bar
            || [HALL, GALLERY].into_iter().filter(|id| is_asked(*id)).any(|id| {
                let of_it = rows.iter().filter(|(section, category, _)| {
                    *section == id && (choice.category.is_none() || *category == choice.category)
                });
                let free: Vec<Vec<bool>> = of_it
                    .map(|(.., seats)| seats.iter().map(|(_, taken, out)| !taken && !out).collect())
                    .collect();
                let all = free.iter().flatten().filter(|free| **free).count();
                let runs = free.iter().flat_map(|row| row.split(|free| !free)).map(<[bool]>::len);
                let longest = runs.max().unwrap_or(0);
                quantity <= all && (request.adjacent != Adjacency::Required || quantity <= longest)
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_fits_is_what_a_look_at_each_seat_finds(
        rows in rows(),
        turns in turns(),
        taken_of_bar in 0..4_i64,
        requests in prop::collection::vec(wanted(), 1..8),
    ) {
        let mut event = event();
        let mut gallery = event.sections[1].clone();
        (gallery.id, gallery.name) = (GALLERY, SectionName::parse("Gallery").unwrap());
        event.sections.push(gallery);
        let mut hall = Hall::begun();
        hall.be(&event, Some((0, 0)));
        hall.counts.insert(BAR, Counts { capacity: Some(3), taken: Some((taken_of_bar, 0)) });

        let mut naive: Vec<Naive> = Vec::new();
        for (number, (is_gallery, category, count, is_listed)) in rows.into_iter().enumerate() {
            let name = RowName::parse(&format!("r{number}-")).unwrap();
            let mut labels: Vec<_> =
                (1..=count).map(|seat| SeatLabel::parse(&format!("r{number}-{seat}")).unwrap()).collect();
            let seats = if is_listed {
                labels.reverse();
                RowSeats::Labels(labels.clone())
            } else {
                RowSeats::Count(count)
            };
            let row = Row::new(name, seats, 0, category.clone()).unwrap();
            let section = if is_gallery { GALLERY } else { HALL };
            prop_assert!(hall.put_up(section, &row).iter().all(|(_, is_new)| *is_new == Some(true)));
            naive.push((section, category, labels.into_iter().map(|label| (label, false, false)).collect()));
        }

        // Looked at in between, so that what is remembered is what has changed since.
        let judge = |hall: &mut Hall, naive: &[Naive]| {
            let is_full = [HALL, GALLERY].map(|id| {
                let seats = naive.iter().filter(|(section, ..)| *section == id).flat_map(|(.., seats)| seats);
                i64::try_from(seats.filter(|(_, taken, out)| !taken && !out).count()).unwrap()
            });
            for (id, free) in [HALL, GALLERY].into_iter().zip(is_full) {
                hall.counts.insert(id, Counts { capacity: Some(1_000), taken: Some((1_000 - free, 0)) });
            }
            let mut line = Line::default();
            let mut first = None;
            for (rank, request) in (1..).zip(&requests) {
                let expected = fits(naive, 3 - taken_of_bar, request);
                prop_assert_eq!(hall.room().0.fits(request), Some(expected), "{:?}", request);
                let mut entry = entry(rank);
                entry.request = request.clone();
                first = first.or(expected.then_some((entry.rank, entry.id)));
                line.put(entry);
            }
            hall.line = line;
            let found = hall.first();
            prop_assert_eq!((found.fits, found.is_nobody()), (first, Some(first.is_none())));
            Ok(())
        };
        judge(&mut hall, &naive)?;
        for (row, seat, turn) in turns {
            let (section, _, seats) = row.get_mut(&mut naive);
            let (label, taken, out) = seat.get_mut(seats);
            let number = label.as_str().bytes().fold(0_u128, |number, byte| number << 8 | u128::from(byte));
            match (turn, *taken, *out) {
                (Turn::Take, false, false) => {
                    let units =
                        Units { section_id: *section, ..super::hall(&[label.as_str()]) };
                    hall.put(hold(number, "alice", 1, 10, vec![units]));
                    *taken = true;
                }
                (Turn::Free, true, _) => {
                    hall.take(id(number));
                    *taken = false;
                }
                (Turn::Remove, false, false) => *out = hall.take_out(label),
                (Turn::PutUp, _, true) => {
                    let name = RowName::parse("anew").unwrap();
                    let row = Row::new(name, RowSeats::Labels(vec![label.clone()]), 0, None).unwrap();
                    hall.put_up(*section, &row);
                    *out = false;
                }
                _ => continue,
            }
            judge(&mut hall, &naive)?;
        }
    }
}

/// Somebody who stands in line there.
fn entry(rank: i64) -> crate::WaitlistEntry {
    crate::WaitlistEntry {
        id: crate::WaitlistEntryId::from_u128(rank.unsigned_abs().into()),
        event_id: event().id,
        venue_id: event().venue_id,
        user_id: UserId::parse(&format!("user {rank}")).unwrap(),
        request: Request { quantity: 1, adjacent: Adjacency::Any, choices: Vec::new() },
        offer_seconds: 60,
        rank: Seq(rank),
        state: crate::WaitlistState::Waiting,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

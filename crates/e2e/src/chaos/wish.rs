//! Units of an event that somebody wants, and the hall that has them.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_domain::{Reservation, Units};
use holdfast_testkit::Random;
use serde_json::{Value, json};

/// Its counted section.
pub const STANDING: &str = "Standing";
/// Its seated one.
pub const STALLS: &str = "Stalls";

const PLACES: i32 = 60;
const ROWS: [&str; 6] = ["A", "B", "C", "D", "E", "F"];
const SEATS: u64 = 10;

/// Most units of a wish: a few of such, and a section is sold out.
const MOST: u64 = 20;

/// Units that somebody wants, in one of the ways in which they can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// The best of a section.
    Best { section: &'static str, quantity: i32 },
    /// These seats.
    Seats(Vec<String>),
    /// Some of each of several sections, or none at all.
    Items(Vec<(&'static str, i32)>),
    /// So many of the first of these that has them; nothing is any.
    Choices { places: Vec<Option<&'static str>>, quantity: i32 },
}

/// The body that makes an event with such a hall.
pub fn hall(title: &str) -> Value {
    let rows = ROWS.map(|row| json!({ "name": row, "seats": SEATS }));
    let sections = json!([{ "name": STANDING, "capacity": PLACES }, { "name": STALLS, "rows": rows }]);
    json!({ "title": title, "event_date": "2027-06-15", "sections": sections })
}

/// Up to three neighbours.
pub fn neighbours(random: &mut Random) -> Vec<String> {
    let row = ROWS[usize::try_from(random.below(ROWS.len() as u64)).expect("a few")];
    let (count, first) = (1 + random.below(3), 1 + random.below(SEATS - 2));
    (first..first + count).map(|seat| format!("{row}{seat}")).collect()
}

impl Wish {
    /// One that is drawn.
    pub fn drawn(random: &mut Random) -> Self {
        let mut quantity = |most: u64| i32::try_from(1 + random.below(most)).expect("a few");
        let (few, some) = (quantity(3), quantity(MOST));
        let section = [STANDING, STALLS][usize::from(random.below(2) == 1)];
        match random.below(5) {
            0 | 1 => Self::Best { section, quantity: some },
            2 => Self::Seats(neighbours(random)),
            3 => Self::Items(vec![(STANDING, some), (STALLS, few)]),
            _ => Self::Choices { places: vec![Some(section), Some(STALLS), None], quantity: some },
        }
    }

    /// The body that asks for it.
    pub fn body(&self) -> Value {
        match self {
            Self::Best { section, quantity } => json!({ "section": section, "quantity": quantity }),
            Self::Seats(seats) => json!({ "seats": seats }),
            Self::Items(items) => {
                let item =
                    |(section, quantity): &(&str, i32)| json!({ "section": section, "quantity": quantity });
                json!({ "items": items.iter().map(item).collect::<Vec<_>>() })
            }
            Self::Choices { places, quantity } => {
                let choice = |place: Option<&str>| match place {
                    Some(section) => json!({ "section": section }),
                    None => json!({ "any": true }),
                };
                json!({ "choices": places.iter().copied().map(choice).collect::<Vec<_>>(), "quantity": quantity })
            }
        }
    }

    /// Whether a reservation has what is wanted.
    pub fn is_met_by(&self, reservation: &Reservation) -> bool {
        let has: BTreeMap<&str, i32> =
            reservation.units.iter().map(|units| (units.section.as_str(), units.quantity)).collect();
        let is_whole = has.len() == reservation.units.len() && reservation.units.iter().all(has_its_seats);
        let meets = match self {
            Self::Best { section, quantity } => has == BTreeMap::from([(*section, *quantity)]),
            Self::Seats(seats) => seats_of(reservation) == seats.iter().map(String::as_str).collect(),
            Self::Items(items) => has == items.iter().copied().collect(),
            Self::Choices { places, quantity } => {
                let place = reservation.choice.and_then(|choice| places.get(usize::try_from(choice).ok()?));
                let is_there =
                    |section: &str| place.is_some_and(|place| place.is_none_or(|place| place == section));
                has.len() == 1 && has.iter().all(|(section, has)| has == quantity && is_there(section))
            }
        };
        let was_chosen = matches!(self, Self::Choices { .. });
        meets && is_whole && reservation.choice.is_some() == was_chosen
    }

    /// Whether there is enough, with so many left of each section; nothing when it hangs on which seats they are.
    pub fn fits(&self, left: impl Fn(&str) -> i32) -> Option<bool> {
        match self {
            Self::Best { section, quantity } => Some(*quantity <= left(section)),
            Self::Seats(_) => None,
            Self::Items(items) => Some(items.iter().all(|(section, quantity)| *quantity <= left(section))),
            Self::Choices { places, quantity } => {
                let has = |place: &str| *quantity <= left(place);
                Some(places.iter().any(|place| place.map_or(has(STANDING) || has(STALLS), has)))
            }
        }
    }
}

/// All seats of a reservation.
pub fn seats_of(reservation: &Reservation) -> BTreeSet<&str> {
    reservation.seats().map(holdfast_domain::SeatLabel::as_str).collect()
}

fn has_its_seats(units: &Units) -> bool {
    let seats = if units.section.as_str() == STALLS { units.quantity } else { 0 };
    usize::try_from(seats) == Ok(units.seats.len())
}

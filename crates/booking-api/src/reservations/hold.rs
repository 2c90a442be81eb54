//! Units of an event that are to be held, as the client asks for them.

use std::collections::HashSet;

use holdfast_domain::{
    Category, EventId, SeatLabel, SectionId, SectionName, event::most, seating::Adjacency,
};
use holdfast_runtime::problem::Problem;
use holdfast_store::{Item, Place, SectionRef, UnitsWanted};
use serde::Deserialize;
use time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::form::Faults;

/// Most choices, and most items, of a hold.
const MOST: usize = most::CHOICES;

/// The body of `POST /api/v1/reservations`: units of an event, in one of four ways.
///
/// So many of a section: `section_id` and `quantity`. Seats: `seats`. So many of the first of several sections that has
/// them: `choices` and `quantity`. Some of each of several sections, all or nothing: `items`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = NewReservation)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// Of which event.
    #[schema(value_type = EventId)]
    event_id: String,
    /// Of which section: its id, or its name in the event.
    #[schema(example = "VIP")]
    section_id: Option<String>,
    /// Another word for `section_id`.
    section: Option<String>,
    /// How many.
    #[schema(minimum = 1, maximum = 100)]
    quantity: Option<i32>,
    /// Another word for `quantity`.
    #[schema(minimum = 1, maximum = 100)]
    seats_requested: Option<i32>,
    /// Only seats of this category.
    #[schema(value_type = Option<Category>)]
    category: Option<String>,
    /// These seats, in whichever sections they are.
    #[schema(value_type = Option<Vec<SeatLabel>>, min_items = 1, max_items = 100)]
    seats: Option<Vec<String>>,
    /// Where the units may come from, the dearest first. The answer tells in `choice` which was got.
    #[schema(min_items = 1, max_items = 20)]
    choices: Option<Vec<ChoiceBody>>,
    /// All of these, or none.
    #[schema(min_items = 1, max_items = 20)]
    items: Option<Vec<ItemBody>>,
    /// Whether seats have to be neighbours: `required`, `preferred`, or `any`.
    #[schema(value_type = Option<Adjacency>, default = "preferred")]
    adjacent: Option<String>,
    /// How long they are held, in seconds; `HOLD_MINUTES` without it, and `HOLD_MAX_MINUTES` at most.
    #[schema(minimum = 1)]
    hold_seconds: Option<i64>,
}

/// A place where units may come from: a section, or any.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = Choice, example = json!({ "section": "King" }))]
#[serde(deny_unknown_fields)]
pub struct ChoiceBody {
    /// Its id, or its name in the event.
    section: Option<String>,
    /// Another word for `section`.
    section_id: Option<String>,
    /// Whichever section has them; in the place of a section.
    any: Option<bool>,
    /// Only seats of this category.
    #[schema(value_type = Option<Category>)]
    category: Option<String>,
}

/// Units of one section: so many, or seats.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = ReservationItem, example = json!({ "section": "VIP", "quantity": 2 }))]
#[serde(deny_unknown_fields)]
pub struct ItemBody {
    /// Its id, or its name in the event.
    section: Option<String>,
    /// Another word for `section`.
    section_id: Option<String>,
    /// How many.
    #[schema(minimum = 1, maximum = 100)]
    quantity: Option<i32>,
    /// Only seats of this category.
    #[schema(value_type = Option<Category>)]
    category: Option<String>,
    /// These seats.
    #[schema(value_type = Option<Vec<SeatLabel>>, min_items = 1, max_items = 100)]
    seats: Option<Vec<String>>,
}

/// What is to be held.
#[derive(Debug, PartialEq, Eq)]
pub struct Hold {
    pub event_id: EventId,
    pub wanted: UnitsWanted,
    pub adjacency: Adjacency,
    pub hold_for: Option<Duration>,
}

impl Body {
    /// What the body asks for, or all that is wrong with it.
    pub fn parse(&self) -> Result<Hold, Problem> {
        let mut faults = Faults::default();
        let event_id = faults.id::<EventId>("event_id", &self.event_id);
        let wanted = self.wanted(&mut faults);
        let adjacency = adjacency(&mut faults, self.adjacent.as_deref());
        let hold_for = self.hold_seconds.and_then(|seconds| seconds_of(&mut faults, "hold_seconds", seconds));
        let hold = event_id.zip(wanted);
        let hold = hold.map(|(event_id, wanted)| Hold { event_id, wanted, adjacency, hold_for });
        faults.or(hold, Problem::invalid_body())
    }

    fn wanted(&self, faults: &mut Faults) -> Option<UnitsWanted> {
        match (&self.seats, &self.choices, &self.items) {
            (None, None, None) => {
                let place = place(
                    faults,
                    "",
                    self.section_id.as_deref(),
                    self.section.as_deref(),
                    self.category.as_deref(),
                );
                let quantity = self.quantity(faults);
                let (place, quantity) = place.zip(quantity)?;
                Some(UnitsWanted::Items(vec![Item::Best { place, quantity }]))
            }
            (Some(seats), None, None) => {
                self.is_without(
                    faults,
                    &["section_id", "section", "quantity", "seats_requested", "category"],
                );
                faults.seats("seats", seats, most::UNITS).map(UnitsWanted::Seats)
            }
            (None, Some(choices), None) => {
                self.is_without(faults, &["section_id", "section", "category"]);
                let quantity = self.quantity(faults);
                let (places, quantity) = places(faults, choices).zip(quantity)?;
                Some(UnitsWanted::Choices { places, quantity })
            }
            (None, None, Some(items)) => {
                self.is_without(
                    faults,
                    &["section_id", "section", "quantity", "seats_requested", "category"],
                );
                let parsed = each(faults, "items", items, |faults, path, item| item.parse(faults, path))?;
                are_few_and_distinct(faults, &parsed);
                Some(UnitsWanted::Items(parsed))
            }
            (seats, _, items) => {
                let other = if seats.is_some() && items.is_none() { "choices" } else { "items" };
                faults.add(other, "excluded", "is given beside others: give seats, choices or items");
                None
            }
        }
    }

    fn quantity(&self, faults: &mut Faults) -> Option<i32> {
        match (self.quantity, self.seats_requested) {
            (Some(_), Some(_)) => {
                faults.add("seats_requested", "excluded", "is given beside quantity: give one of the two");
                None
            }
            (None, Some(given)) => units(faults, "seats_requested", given),
            (Some(given), None) => units(faults, "quantity", given),
            (None, None) => {
                faults.add("quantity", "required", "is missing: how many");
                None
            }
        }
    }

    /// Tells of what does not go with the way in which units are asked for.
    fn is_without(&self, faults: &mut Faults, fields: &[&str]) {
        let given = [
            ("section_id", self.section_id.is_some()),
            ("section", self.section.is_some()),
            ("quantity", self.quantity.is_some()),
            ("seats_requested", self.seats_requested.is_some()),
            ("category", self.category.is_some()),
        ];
        for (field, _) in given.iter().filter(|(field, is_given)| *is_given && fields.contains(field)) {
            faults.add(field, "excluded", "does not go with what else is given: leave out one of the two");
        }
    }
}

impl ChoiceBody {
    fn parse(&self, faults: &mut Faults, path: &str) -> Option<Place> {
        match self.any {
            None => place(
                faults,
                path,
                self.section.as_deref(),
                self.section_id.as_deref(),
                self.category.as_deref(),
            ),
            Some(true) if self.section.is_none() && self.section_id.is_none() => {
                Some(Place { section: None, category: category(faults, path, self.category.as_deref())? })
            }
            Some(true) => {
                faults.add(
                    &format!("{path}any"),
                    "excluded",
                    "is given beside a section: give one of the two",
                );
                None
            }
            Some(false) => {
                faults.add(&format!("{path}any"), "one_of", "must be true, or left out");
                None
            }
        }
    }
}

impl ItemBody {
    fn parse(&self, faults: &mut Faults, path: &str) -> Option<Item> {
        let field = |name: &str| format!("{path}{name}");
        let place = place(
            faults,
            path,
            self.section.as_deref(),
            self.section_id.as_deref(),
            self.category.as_deref(),
        );
        match (self.quantity, &self.seats) {
            (Some(quantity), None) => {
                let (quantity, place) = units(faults, &field("quantity"), quantity).zip(place)?;
                Some(Item::Best { place, quantity })
            }
            (None, Some(seats)) => {
                if self.category.is_some() {
                    faults.add(&field("category"), "excluded", "does not go with seats");
                }
                let (seats, place) = faults.seats(&field("seats"), seats, most::UNITS).zip(place)?;
                Some(Item::Seats { section: place.section?, seats })
            }
            (Some(_), Some(_)) => {
                faults.add(&field("quantity"), "excluded", "is given beside seats: give one of the two");
                None
            }
            (None, None) => {
                faults.add(&field("quantity"), "required", "is missing: how many, or which seats");
                None
            }
        }
    }
}

/// How long units are held. The most is a setting, by which the store goes.
pub fn seconds_of(faults: &mut Faults, field: &str, seconds: i64) -> Option<Duration> {
    if seconds < 1 {
        faults.add(field, "range", "must be 1 or more");
    }
    (seconds >= 1).then_some(Duration::seconds(seconds))
}

/// Whether seats have to be neighbours.
pub fn adjacency(faults: &mut Faults, given: Option<&str>) -> Adjacency {
    match given {
        None | Some("preferred") => Adjacency::Preferred,
        Some("required") => Adjacency::Required,
        Some("any") => Adjacency::Any,
        Some(_) => {
            faults.add("adjacent", "one_of", "must be required, preferred or any");
            Adjacency::default()
        }
    }
}

/// The places of `choices`.
pub fn places(faults: &mut Faults, choices: &[ChoiceBody]) -> Option<Vec<Place>> {
    each(faults, "choices", choices, |faults, path, choice| choice.parse(faults, path))
}

/// How many units.
pub fn units(faults: &mut Faults, field: &str, quantity: i32) -> Option<i32> {
    faults.number(field, quantity, 1, i32::try_from(most::UNITS).unwrap_or(i32::MAX))
}

/// Each entry of a list that is neither empty nor too long.
fn each<T, U>(
    faults: &mut Faults,
    field: &str,
    entries: &[T],
    parse: impl Fn(&mut Faults, &str, &T) -> Option<U>,
) -> Option<Vec<U>> {
    if entries.is_empty() || entries.len() > MOST {
        faults.add(field, "length", format!("must have between 1 and {MOST} entries"));
        return None;
    }
    let parsed = entries.iter().enumerate();
    // All of them are looked at, whatever is wrong with the first.
    let parsed: Vec<Option<U>> =
        parsed.map(|(place, entry)| parse(faults, &format!("{field}[{place}]."), entry)).collect();
    parsed.into_iter().collect()
}

/// A section by id or name, and the category if one is asked for. It may be given by either of two words.
pub fn place(
    faults: &mut Faults,
    path: &str,
    word: Option<&str>,
    other: Option<&str>,
    category_of: Option<&str>,
) -> Option<Place> {
    let (first, second) = if path.is_empty() { ("section_id", "section") } else { ("section", "section_id") };
    let section = match (word, other) {
        (Some(text), None) => section(faults, &format!("{path}{first}"), text),
        (None, Some(text)) => section(faults, &format!("{path}{second}"), text),
        (Some(_), Some(_)) => {
            let message = format!("is given beside {first}: give one of the two");
            faults.add(&format!("{path}{second}"), "excluded", message);
            None
        }
        (None, None) => {
            faults.add(&format!("{path}{first}"), "required", "is missing: a section's id or its name");
            None
        }
    };
    let category = category(faults, path, category_of)?;
    Some(Place { section: Some(section?), category })
}

/// What is written like an id is one.
fn section(faults: &mut Faults, field: &str, text: &str) -> Option<SectionRef> {
    if let Ok(id) = Uuid::try_parse(text) {
        return Some(SectionRef::Id(SectionId::from(id)));
    }
    faults.text(field, SectionName::parse(text)).map(SectionRef::Name)
}

/// The category, if one is given; nothing at all when it is none.
#[expect(clippy::option_option, reason = "one may be missing, or be wrong")]
pub fn category(faults: &mut Faults, path: &str, given: Option<&str>) -> Option<Option<Category>> {
    match given {
        None => Some(None),
        Some(text) => faults.text(&format!("{path}category"), Category::parse(text)).map(Some),
    }
}

/// Tells of items that are too many units together, or have a seat twice.
fn are_few_and_distinct(faults: &mut Faults, items: &[Item]) {
    let (mut count, mut named) = (0, HashSet::new());
    for (place, item) in items.iter().enumerate() {
        match item {
            Item::Best { quantity, .. } => count += usize::try_from(*quantity).unwrap_or(0),
            Item::Seats { seats, .. } => {
                count += seats.len();
                for (seat, _) in seats.iter().enumerate().filter(|(_, seat)| !named.insert(*seat)) {
                    faults.add(&format!("items[{place}].seats[{seat}]"), "seat_twice", "is there twice");
                }
            }
        }
    }
    if count > most::UNITS {
        faults.add("items", "too_many", format!("are more than {} units together", most::UNITS));
    }
}

//! What is sold of an event, as the client sends it: sections, rows of seats, prices.

use std::collections::HashSet;

use holdfast_domain::{
    Category, Price, RowName, SeatLabel, SectionName,
    event::{Currency, most},
    seating::{Layout, Row, RowSeats, rows_of},
};
use holdfast_store::{NewSection, NewUnits};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::form::Faults;

/// A section that is to be made: so many units, or seats that are listed, or rows of seats.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewSection, example = json!({ "name": "VIP", "capacity": 100 }))]
#[serde(deny_unknown_fields)]
pub struct SectionBody {
    /// What people call it; no other section of the event is called so.
    #[schema(value_type = SectionName)]
    name: String,
    /// How many units there are, none of which is like a seat.
    #[schema(minimum = 0, maximum = 10_000_000)]
    capacity: Option<i32>,
    /// Its seats. Those that are alike but for the number at their end stand in one row.
    #[schema(value_type = Option<Vec<SeatLabel>>, min_items = 1, max_items = 100_000)]
    seats: Option<Vec<String>>,
    /// Its rows, the first of equal rank being the best.
    #[schema(min_items = 1, max_items = 5_000)]
    rows: Option<Vec<RowBody>>,
    /// What a unit costs. It is carried, and nothing is charged.
    #[schema(value_type = Option<Price>)]
    price: Option<PriceBody>,
}

/// A row of seats: so many, called by the row's name and their number, or those that are listed.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewRow, example = json!({ "name": "A", "seats": 20, "rank": 1 }))]
#[serde(deny_unknown_fields)]
pub struct RowBody {
    /// What people call it. One of a name that is there already goes on with its numbers.
    #[schema(value_type = RowName)]
    name: String,
    /// How many seats it has: `A1`, `A2` and so on; `1-1` where the name ends in a digit.
    #[schema(minimum = 1, maximum = 1_000)]
    seats: Option<i32>,
    /// What its seats are called, from one end to the other.
    #[schema(value_type = Option<Vec<SeatLabel>>, min_items = 1, max_items = 1_000)]
    labels: Option<Vec<String>>,
    /// How good it is: the lowest is given first.
    #[schema(default = 0)]
    rank: Option<i32>,
    /// What kind of seats it has.
    #[schema(value_type = Option<Category>)]
    category: Option<String>,
}

/// What a unit costs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceBody {
    amount: i64,
    currency: String,
}

impl SectionBody {
    /// Which field its seats are in.
    pub fn seats_field(&self) -> &'static str {
        if self.seats.is_some() { "seats" } else { "rows" }
    }

    /// The section, or what is wrong with it, told of fields below `path`.
    pub fn parse(&self, faults: &mut Faults, path: &str) -> Option<NewSection> {
        let name = section_name(faults, &format!("{path}name"), &self.name);
        let units = self.units(faults, path);
        let price = match &self.price {
            Some(price) => price.parse(faults, &format!("{path}price")).map(Some),
            None => Some(None),
        };
        let (name, (units, price)) = name.zip(units.zip(price))?;
        Some(NewSection { id: Uuid::now_v7().into(), name, units, price })
    }

    fn units(&self, faults: &mut Faults, path: &str) -> Option<NewUnits> {
        let field = |name: &str| format!("{path}{name}");
        match (self.capacity, &self.seats, &self.rows) {
            (Some(capacity), None, None) => {
                faults.number(&field("capacity"), capacity, 0, most::CAPACITY).map(NewUnits::Counted)
            }
            (None, Some(seats), None) => {
                let seats = faults.seats(&field("seats"), seats, most::SEATS)?;
                Some(NewUnits::Seated(rows_of(seats)))
            }
            (None, None, Some(rows)) => {
                let rows = rows_at(faults, &field("rows"), rows)?;
                sound(faults, &field("rows"), rows).map(NewUnits::Seated)
            }
            (None, None, None) => {
                faults.add(&field("capacity"), "required", "is missing: a capacity, or seats, or rows");
                None
            }
            (capacity, seats, _) => {
                let other = if capacity.is_some() && seats.is_some() { "seats" } else { "rows" };
                faults.add(&field(other), "excluded", "is given beside others: give capacity, seats or rows");
                None
            }
        }
    }
}

/// Rows that could be those of one section.
fn sound(faults: &mut Faults, field: &str, rows: Vec<Row>) -> Option<Vec<Row>> {
    match Layout::new(rows.clone()) {
        Ok(_) => Some(rows),
        Err(error) => {
            faults.add(field, error.rule(), error.to_string());
            None
        }
    }
}

/// The rows of a form's field.
pub fn rows_at(faults: &mut Faults, field: &str, rows: &[RowBody]) -> Option<Vec<Row>> {
    if rows.is_empty() {
        faults.add(field, "empty", "has no row");
        return None;
    }
    if rows.len() > most::ROWS {
        faults.add(field, "too_many", format!("has more than {} rows", most::ROWS));
        return None;
    }
    let parsed = rows.iter().enumerate().map(|(place, row)| row.parse(faults, &format!("{field}[{place}]")));
    // All of them are looked at, whatever is wrong with the first.
    let parsed: Vec<Option<Row>> = parsed.collect();
    parsed.into_iter().collect()
}

impl RowBody {
    fn parse(&self, faults: &mut Faults, path: &str) -> Option<Row> {
        let name = faults.text(&format!("{path}.name"), RowName::parse(&self.name));
        let seats = match (self.seats, &self.labels) {
            (Some(seats), None) => {
                let most = i32::try_from(Row::LIMIT).unwrap_or(i32::MAX);
                let seats = faults.number(&format!("{path}.seats"), seats, 1, most);
                seats.and_then(|seats| u16::try_from(seats).ok()).map(RowSeats::Count)
            }
            (None, Some(labels)) => {
                faults.seats(&format!("{path}.labels"), labels, Row::LIMIT).map(RowSeats::Labels)
            }
            (Some(_), Some(_)) => {
                faults.add(
                    &format!("{path}.labels"),
                    "excluded",
                    "is given beside seats: give one of the two",
                );
                None
            }
            (None, None) => {
                let message = "is missing: how many seats it has, or their labels";
                faults.add(&format!("{path}.seats"), "required", message);
                None
            }
        };
        let category = match self.category.as_deref() {
            Some(category) => faults.text(&format!("{path}.category"), Category::parse(category)).map(Some),
            None => Some(None),
        };
        let (name, (seats, category)) = name.zip(seats.zip(category))?;
        let row = Row::new(name, seats, self.rank.unwrap_or(0), category);
        row.map_err(|error| faults.add(path, error.rule(), error.to_string())).ok()
    }
}

/// A section's name; not what is written like an id, by which sections are named, too.
pub fn section_name(faults: &mut Faults, field: &str, text: &str) -> Option<SectionName> {
    let name = faults.text(field, SectionName::parse(text))?;
    if Uuid::try_parse(name.as_str()).is_ok() {
        faults.add(field, "uuid", "is written like an id, which a section has besides its name");
        return None;
    }
    Some(name)
}

impl PriceBody {
    /// The price, or what is wrong with it.
    pub fn parse(&self, faults: &mut Faults, path: &str) -> Option<Price> {
        let amount = (0..=Price::MOST).contains(&self.amount).then_some(self.amount);
        if amount.is_none() {
            let message = format!("must be a number from 0 to {}", Price::MOST);
            faults.add(&format!("{path}.amount"), "range", message);
        }
        let currency = Currency::parse(&self.currency);
        let currency =
            currency.map_err(|error| faults.add(&format!("{path}.currency"), "currency", error.to_string()));
        Some(Price { amount: amount?, currency: currency.ok()? })
    }
}

/// The sections of a new event, no two of which have one name, and no two seats of which one label.
pub fn sections_at(faults: &mut Faults, field: &str, bodies: &[SectionBody]) -> Option<Vec<NewSection>> {
    if bodies.len() > most::SECTIONS {
        faults.add(field, "too_many", format!("has more than {} sections", most::SECTIONS));
        return None;
    }
    let (mut names, mut labels) = (HashSet::new(), HashSet::new());
    let mut sections = Vec::with_capacity(bodies.len());
    for (place, body) in bodies.iter().enumerate() {
        let path = format!("{field}[{place}]");
        let Some(section) = body.parse(faults, &format!("{path}.")) else { continue };
        if !names.insert(section.name.clone()) {
            faults.add(&format!("{path}.name"), "unique", "is the name of another");
        }
        if let Some(twice) = twice(&mut labels, &section.units) {
            let message = format!("seat {twice} is there in another section");
            faults.add(&format!("{path}.{}", body.seats_field()), "seat_twice", message);
        }
        sections.push(section);
    }
    (sections.len() == bodies.len()).then_some(sections)
}

/// The first of these seats that another section has.
fn twice(labels: &mut HashSet<SeatLabel>, units: &NewUnits) -> Option<SeatLabel> {
    let NewUnits::Seated(rows) = units else { return None };
    let layout = Layout::new(rows.clone()).ok()?;
    layout.labels().find_map(|label| labels.replace(label))
}

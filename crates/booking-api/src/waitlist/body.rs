//! What is waited for, as the client asks for it.

use holdfast_domain::{Category, seating::Adjacency};
use holdfast_runtime::problem::Problem;
use holdfast_store::Place;
use serde::Deserialize;
use time::Duration;
use utoipa::ToSchema;

use crate::{
    form::Faults,
    reservations::hold::{ChoiceBody, adjacency, category, place, places, seconds_of, units},
};

/// The body of `POST /api/v1/events/{id}/waitlist`: units of one section of the event, in one of three ways.
///
/// So many of a section: `section_id` and `quantity`. So many of the first of several sections that has them: `choices` and
/// `quantity`. So many of whichever section has them: `quantity` alone.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = NewWaitlistEntry)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// How many, all of one section.
    #[schema(value_type = i32, required = true, minimum = 1, maximum = 100)]
    quantity: Option<i32>,
    /// Of which section: its id, or its name in the event.
    #[schema(example = "VIP")]
    section_id: Option<String>,
    /// Another word for `section_id`.
    section: Option<String>,
    /// Only seats of this category.
    #[schema(value_type = Option<Category>)]
    category: Option<String>,
    /// Where the units may come from, the dearest first.
    #[schema(min_items = 1, max_items = 20)]
    choices: Option<Vec<ChoiceBody>>,
    /// Whether seats have to be neighbours: `required`, `preferred`, or `any`.
    #[schema(value_type = Option<Adjacency>, default = "preferred")]
    adjacent: Option<String>,
    /// How long the units are held that come, in seconds; `HOLD_MINUTES` without it, and `HOLD_MAX_MINUTES` at most.
    #[schema(minimum = 1)]
    offer_seconds: Option<i64>,
}

/// What is waited for.
#[derive(Debug, PartialEq, Eq)]
pub struct Wait {
    pub quantity: i32,
    pub choices: Vec<Place>,
    pub adjacency: Adjacency,
    pub offer_for: Option<Duration>,
}

impl Body {
    /// What the body asks for, or all that is wrong with it.
    pub fn parse(&self) -> Result<Wait, Problem> {
        let mut faults = Faults::default();
        if self.quantity.is_none() {
            faults.add("quantity", "required", "is missing: how many");
        }
        let quantity = self.quantity.and_then(|given| units(&mut faults, "quantity", given));
        let choices = self.choices(&mut faults);
        let adjacency = adjacency(&mut faults, self.adjacent.as_deref());
        let offer_for =
            self.offer_seconds.and_then(|seconds| seconds_of(&mut faults, "offer_seconds", seconds));
        let wait = quantity.zip(choices);
        let wait = wait.map(|(quantity, choices)| Wait { quantity, choices, adjacency, offer_for });
        faults.or(wait, Problem::invalid_body())
    }

    fn choices(&self, faults: &mut Faults) -> Option<Vec<Place>> {
        let (section_id, section) = (self.section_id.as_deref(), self.section.as_deref());
        if let Some(choices) = &self.choices {
            let given =
                [("section_id", section_id), ("section", section), ("category", self.category.as_deref())];
            for (field, _) in given.iter().filter(|(_, given)| given.is_some()) {
                faults.add(field, "excluded", "does not go with choices");
            }
            return places(faults, choices);
        }
        if section_id.or(section).is_some() {
            let place = place(faults, "", section_id, section, self.category.as_deref())?;
            return Some(vec![place]);
        }
        Some(vec![Place { section: None, category: category(faults, "", self.category.as_deref())? }])
    }
}

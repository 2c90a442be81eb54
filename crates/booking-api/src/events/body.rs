//! An event as the client sends it: a new one, and what is to change of one.

use holdfast_domain::{DEFAULT_VENUE, EventId, EventStatus, EventTitle, VenueId, event::EventTimesError};
use holdfast_runtime::problem::Problem;
use holdfast_store::{CreateEvent, Edit, Order, UpdateEvent, Versions};
use serde::{Deserialize, de::IgnoredAny};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::units::{SectionBody, sections_at};
use crate::form::{Faults, edit, given};

/// The body of `POST /api/v1/events`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewEvent)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// What people call it.
    #[schema(value_type = EventTitle)]
    title: String,
    /// The day that it is on, as its venue counts it.
    #[schema(format = Date, example = "2027-06-15")]
    event_date: String,
    /// Where it is; in the default venue, without it.
    #[schema(value_type = Option<VenueId>)]
    venue_id: Option<String>,
    /// When it begins.
    #[schema(format = DateTime)]
    starts_at: Option<String>,
    /// When it ends; later than it begins.
    #[schema(format = DateTime)]
    ends_at: Option<String>,
    /// From when on units are to be had; at once, without it.
    #[schema(format = DateTime)]
    sale_opens_at: Option<String>,
    /// From when on they are no longer; later than they are.
    #[schema(format = DateTime)]
    sale_closes_at: Option<String>,
    /// Most units that one user may have of it, held and confirmed.
    #[schema(minimum = 1)]
    units_per_user: Option<i32>,
    /// What is sold of it; more can be added later.
    #[schema(required = false, max_items = 1_000)]
    #[serde(default)]
    sections: Vec<SectionBody>,
}

impl Body {
    /// What the body asks for, or all that is wrong with it.
    pub fn parse(&self, order: Order) -> Result<CreateEvent, Problem> {
        let mut faults = Faults::default();
        let title = faults.text("title", EventTitle::parse(&self.title));
        let event_date = faults.day("event_date", &self.event_date);
        let venue_id = match &self.venue_id {
            Some(id) => faults.id::<VenueId>("venue_id", id),
            None => Some(DEFAULT_VENUE),
        };
        let mut time =
            |field: &str, text: &Option<String>| text.as_deref().and_then(|it| faults.moment(field, it));
        let (starts_at, ends_at) = (time("starts_at", &self.starts_at), time("ends_at", &self.ends_at));
        let sale_opens_at = time("sale_opens_at", &self.sale_opens_at);
        let sale_closes_at = time("sale_closes_at", &self.sale_closes_at);
        in_order(&mut faults, starts_at, ends_at, EventTimesError::Ends);
        in_order(&mut faults, sale_opens_at, sale_closes_at, EventTimesError::SaleCloses);
        let units_per_user = self.units_per_user.and_then(|units| per_user(&mut faults, units));
        let sections = sections_at(&mut faults, "sections", &self.sections);
        let create = title.zip(event_date).zip(venue_id.zip(sections));
        let create = create.map(|((title, event_date), (venue_id, sections))| CreateEvent {
            order,
            id: Uuid::now_v7().into(),
            venue_id,
            title,
            event_date,
            starts_at,
            ends_at,
            sale_opens_at,
            sale_closes_at,
            units_per_user,
            sections,
        });
        faults.or(create, Problem::invalid_body())
    }
}

/// The body of `PATCH /api/v1/events/{id}`; what is not given stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = EventChanges)]
#[serde(deny_unknown_fields)]
pub struct ChangeBody {
    /// What people call it.
    #[schema(value_type = EventTitle, required = false)]
    #[serde(default, deserialize_with = "given")]
    title: Option<String>,
    /// The day that it is on, as its venue counts it.
    #[schema(format = Date, nullable = false)]
    #[serde(default, deserialize_with = "given")]
    event_date: Option<String>,
    /// When it begins; null takes it away.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, deserialize_with = "edit")]
    starts_at: Edit<String>,
    /// When it ends; null takes it away.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, deserialize_with = "edit")]
    ends_at: Edit<String>,
    /// From when on units are to be had; null takes it away.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, deserialize_with = "edit")]
    sale_opens_at: Edit<String>,
    /// From when on they are no longer; null takes it away.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, deserialize_with = "edit")]
    sale_closes_at: Edit<String>,
    /// Most units that one user may have of it, held and confirmed; null takes the limit away.
    #[schema(value_type = Option<i32>, minimum = 1)]
    #[serde(default, deserialize_with = "edit")]
    units_per_user: Edit<i32>,
    /// Whether units are to be had: `OPEN` or `CLOSED`.
    #[schema(value_type = EventStatus, required = false)]
    #[serde(default, deserialize_with = "given")]
    status: Option<String>,
    #[schema(ignore)]
    #[serde(default, deserialize_with = "given")]
    venue_id: Option<IgnoredAny>,
}

impl ChangeBody {
    /// What the body asks for, or all that is wrong with it.
    pub fn parse(&self, order: Order, id: EventId, versions: Versions) -> Result<UpdateEvent, Problem> {
        let mut faults = Faults::default();
        faults.immutable("venue_id", self.venue_id.as_ref());
        let title = self.title.as_deref().and_then(|text| faults.text("title", EventTitle::parse(text)));
        let event_date = self.event_date.as_deref().and_then(|text| faults.day("event_date", text));
        let mut time = |field: &str, edit: &Edit<String>| {
            faults.edit_by(edit, |faults, text| faults.moment(field, text))
        };
        let (starts_at, ends_at) = (time("starts_at", &self.starts_at), time("ends_at", &self.ends_at));
        let sale_opens_at = time("sale_opens_at", &self.sale_opens_at);
        let sale_closes_at = time("sale_closes_at", &self.sale_closes_at);
        let units_per_user = faults.edit_by(&self.units_per_user, |faults, units| per_user(faults, *units));
        let status = self.status.as_deref().and_then(|word| {
            let status = EventStatus::parse(word).filter(|status| !status.is_over());
            if status.is_none() {
                faults.add("status", "one_of", "must be OPEN or CLOSED; an event is called off by DELETE");
            }
            status
        });
        let update = UpdateEvent {
            order,
            id,
            versions,
            title,
            event_date,
            starts_at,
            ends_at,
            sale_opens_at,
            sale_closes_at,
            units_per_user,
            status,
        };
        faults.or(Some(update), Problem::invalid_body())
    }
}

fn per_user(faults: &mut Faults, units: i32) -> Option<i32> {
    faults.number("units_per_user", units, 1, i32::MAX)
}

fn in_order(
    faults: &mut Faults,
    first: Option<OffsetDateTime>,
    then: Option<OffsetDateTime>,
    error: EventTimesError,
) {
    if first.zip(then).is_some_and(|(first, then)| first >= then) {
        faults.add(error.field(), "order", error.to_string());
    }
}

//! A booking as the client sends it: a new one, and what is to change of one.

use holdfast_domain::{DEFAULT_VENUE, Note, ResourceId, ResourceName, TimeRange, Title, VenueId};
use holdfast_runtime::problem::Problem;
use holdfast_store::{Edit, Target};
use serde::{Deserialize, de::IgnoredAny};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::form::{Faults, edit, given};

/// The body of `POST /api/bookings`.
///
/// What is booked is given by its name, in a venue, or by its id.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewBooking)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// The name of what is booked; it is made, if it is not there.
    #[schema(value_type = Option<ResourceName>)]
    resource: Option<String>,
    /// The venue of what is named; the default venue, without it.
    #[schema(value_type = Option<VenueId>)]
    venue_id: Option<String>,
    /// The id of what is booked, in the place of its name.
    #[schema(value_type = Option<ResourceId>)]
    resource_id: Option<String>,
    /// When it is to begin; at most 5 minutes ago.
    #[schema(format = DateTime)]
    start_time: String,
    /// The first moment that is no longer wanted.
    #[schema(format = DateTime)]
    end_time: String,
    /// A line about it.
    #[schema(value_type = Option<Title>)]
    title: Option<String>,
    /// More about it.
    #[schema(value_type = Option<Note>)]
    note: Option<String>,
}

/// What it asks for.
#[derive(Debug)]
pub struct NewBooking {
    pub target: Target,
    pub wanted: TimeRange,
    pub title: Option<Title>,
    pub note: Option<Note>,
}

impl Body {
    /// What the body asks for, or all that is wrong with it.
    pub fn parse(&self) -> Result<NewBooking, Problem> {
        let mut faults = Faults::default();
        let target = self.target(&mut faults);
        let title = self.title.as_deref().map(Title::parse).and_then(|title| faults.text("title", title));
        let note = self.note.as_deref().map(Note::parse).and_then(|note| faults.text("note", note));
        let start = faults.time("start_time", &self.start_time);
        let end = faults.time("end_time", &self.end_time);
        let wanted = faults.range("end_time", start, end);
        let new = target.zip(wanted).map(|(target, wanted)| NewBooking { target, wanted, title, note });
        faults.or(new, Problem::invalid_body())
    }

    /// A resource by its name, which is one of a venue, or by its id.
    fn target(&self, faults: &mut Faults) -> Option<Target> {
        match (&self.resource, &self.resource_id) {
            (Some(name), None) => {
                // As in a list, what is written like an id is one: it must not make a resource of that name.
                if let Ok(id) = name.parse() {
                    return Some(Target::Id(id));
                }
                let name = faults.text("resource", ResourceName::parse(name));
                let venue_id = match &self.venue_id {
                    Some(id) => faults.id::<VenueId>("venue_id", id),
                    None => Some(DEFAULT_VENUE),
                };
                let (name, venue_id) = name.zip(venue_id)?;
                Some(Target::Named { venue_id, name, id_if_new: Uuid::now_v7().into() })
            }
            (None, Some(id)) => {
                if self.venue_id.is_some() {
                    faults.add("venue_id", "excluded", "goes with a resource's name, not with its id");
                }
                faults.id::<ResourceId>("resource_id", id).map(Target::Id)
            }
            (Some(_), Some(_)) => {
                faults.add("resource_id", "excluded", "is given beside a name: give one of the two");
                None
            }
            (None, None) => {
                faults.add(
                    "resource",
                    "required",
                    "is missing: the name of what is booked, or its resource_id",
                );
                None
            }
        }
    }
}

/// The body of `PUT /api/bookings/{id}`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = BookingChanges)]
#[serde(deny_unknown_fields)]
pub struct ChangeBody {
    /// When it is to begin.
    #[schema(format = DateTime, nullable = false)]
    #[serde(default, deserialize_with = "given")]
    start_time: Option<String>,
    /// The first moment that is no longer wanted.
    #[schema(format = DateTime, nullable = false)]
    #[serde(default, deserialize_with = "given")]
    end_time: Option<String>,
    /// A line about it; null takes it away.
    #[schema(value_type = Option<Title>)]
    #[serde(default, deserialize_with = "edit")]
    title: Edit<String>,
    /// More about it; null takes it away.
    #[schema(value_type = Option<Note>)]
    #[serde(default, deserialize_with = "edit")]
    note: Edit<String>,
    #[schema(ignore)]
    #[serde(default, deserialize_with = "given")]
    resource: Option<IgnoredAny>,
    #[schema(ignore)]
    #[serde(default, deserialize_with = "given")]
    resource_id: Option<IgnoredAny>,
    #[schema(ignore)]
    #[serde(default, deserialize_with = "given")]
    venue_id: Option<IgnoredAny>,
    #[schema(ignore)]
    #[serde(default, deserialize_with = "given")]
    user_id: Option<IgnoredAny>,
    #[schema(ignore)]
    #[serde(default, deserialize_with = "given")]
    status: Option<IgnoredAny>,
}

/// What is to change; what is not given stays.
#[derive(Debug)]
pub struct Changes {
    pub start: Option<OffsetDateTime>,
    pub end: Option<OffsetDateTime>,
    pub title: Edit<Title>,
    pub note: Edit<Note>,
}

impl ChangeBody {
    /// What the body asks for, or all that is wrong with it.
    pub fn parse(&self) -> Result<Changes, Problem> {
        let mut faults = Faults::default();
        faults.immutable("resource", self.resource.as_ref());
        faults.immutable("resource_id", self.resource_id.as_ref());
        faults.immutable("venue_id", self.venue_id.as_ref());
        faults.immutable("user_id", self.user_id.as_ref());
        faults.immutable("status", self.status.as_ref());
        let start = self.start_time.as_deref().and_then(|text| faults.time("start_time", text));
        let end = self.end_time.as_deref().and_then(|text| faults.time("end_time", text));
        let title = faults.edit("title", &self.title, Title::parse);
        let note = faults.edit("note", &self.note, Note::parse);
        faults.or(Some(Changes { start, end, title, note }), Problem::invalid_body())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults<T: std::fmt::Debug>(parsed: Result<T, Problem>) -> Vec<(String, &'static str)> {
        parsed.map_or_else(|p| p.fields.into_iter().map(|f| (f.field, f.rule)).collect(), |_| Vec::new())
    }

    fn new(json: &str) -> Vec<(String, &'static str)> {
        faults(serde_json::from_str::<Body>(json).unwrap().parse())
    }

    fn change(json: &str) -> Vec<(String, &'static str)> {
        faults(serde_json::from_str::<ChangeBody>(json).unwrap().parse())
    }

    fn told(expected: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
        expected.iter().map(|(field, rule)| ((*field).to_owned(), *rule)).collect()
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let found = new(
            r#"{"resource": " ", "start_time": "noon", "end_time": "2027-02-30T10:00:00Z", "title": ""}"#,
        );
        let expected =
            [("resource", "blank"), ("title", "blank"), ("start_time", "rfc_3339"), ("end_time", "rfc_3339")];
        assert_eq!(found, told(&expected));
        let found = change(r#"{"resource": null, "status": 1, "start_time": "noon", "title": ""}"#);
        let expected = [
            ("resource", "immutable"),
            ("status", "immutable"),
            ("start_time", "rfc_3339"),
            ("title", "blank"),
        ];
        assert_eq!(found, told(&expected));
    }

    #[test]
    fn a_range_that_is_none_is_told_by_its_rule() {
        let range = |start: &str, end: &str| {
            new(&format!(r#"{{"resource": "Raum1", "start_time": "{start}", "end_time": "{end}"}}"#))
        };
        assert_eq!(range("2027-03-21T11:00:00+01:00", "2027-03-21T10:00:00Z")[0].1, "range_empty");
        assert_eq!(range("2027-03-21T11:00:00Z", "2027-03-21T10:00:00Z")[0].1, "range_reversed");
        assert_eq!(range("2027-03-21T11:00:00Z", "9999-12-31T23:59:59-23:59")[0].1, "range_unbounded");
        assert_eq!(range("2027-03-21T10:00:00Z", "2027-03-21T11:00:00Z"), []);
    }

    #[test]
    fn what_is_booked_is_named_in_one_way() {
        let times = r#""start_time": "2027-03-21T10:00:00Z", "end_time": "2027-03-21T11:00:00Z""#;
        let place = |place: &str| new(&format!("{{{place}{times}}}"));
        let id = "00000000-0000-0000-0000-000000000005";
        assert_eq!(place(""), told(&[("resource", "required")]));
        assert_eq!(place(&format!(r#""resource_id": "{id}", "#)), []);
        let body = format!(r#"{{"resource": "{id}", {times}}}"#);
        let by_name = serde_json::from_str::<Body>(&body).unwrap().parse().unwrap();
        assert!(matches!(by_name.target, Target::Id(_)), "{by_name:?}");
        assert_eq!(place(&format!(r#""resource": "A", "venue_id": "{id}", "#)), []);
        assert_eq!(place(r#""resource_id": "Raum1", "#), told(&[("resource_id", "uuid")]));
        let both = format!(r#""resource": "A", "resource_id": "{id}", "#);
        assert_eq!(place(&both), told(&[("resource_id", "excluded")]));
    }

    #[test]
    fn null_takes_a_text_away_and_is_no_time() {
        let body: ChangeBody = serde_json::from_str(r#"{"title": null}"#).unwrap();
        let changes = body.parse().unwrap();
        assert_eq!((changes.title, changes.note), (Edit::Clear, Edit::Keep));
        assert!(serde_json::from_str::<ChangeBody>(r#"{"start_time": null}"#).is_err());
    }
}

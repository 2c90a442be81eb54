//! A new booking as the client sends it. Everything that is wrong with it is told at once, by field.

use holdfast_domain::{Note, ResourceName, TimeRange, Title, text::TextError};
use holdfast_runtime::problem::{FieldProblem, Problem};
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The body of `POST /api/bookings`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    resource: String,
    start_time: String,
    end_time: String,
    title: Option<String>,
    note: Option<String>,
}

/// What it asks for.
#[derive(Debug)]
pub struct NewBooking {
    pub resource: ResourceName,
    pub wanted: TimeRange,
    pub title: Option<Title>,
    pub note: Option<Note>,
}

impl Body {
    /// What the body asks for, or all that is wrong with it.
    pub fn parse(&self) -> Result<NewBooking, Problem> {
        let mut faults = Faults(Vec::new());
        let resource = faults.text("resource", ResourceName::parse(&self.resource));
        let title = self.title.as_deref().map(Title::parse).and_then(|title| faults.text("title", title));
        let note = self.note.as_deref().map(Note::parse).and_then(|note| faults.text("note", note));
        let start = faults.time("start_time", &self.start_time);
        let end = faults.time("end_time", &self.end_time);
        let wanted = start.zip(end).and_then(|(start, end)| {
            TimeRange::new(start, end)
                .map_err(|error| faults.add("end_time", error.rule(), error.to_string()))
                .ok()
        });
        match (resource, wanted) {
            (Some(resource), Some(wanted)) if faults.0.is_empty() => {
                Ok(NewBooking { resource, wanted, title, note })
            }
            _ => {
                let mut problem = Problem::invalid_body();
                problem.fields = faults.0;
                Err(problem)
            }
        }
    }
}

struct Faults(Vec<FieldProblem>);

impl Faults {
    fn add(&mut self, field: &str, rule: &'static str, message: String) {
        self.0.push(FieldProblem { field: field.into(), rule, message });
    }

    fn text<T>(&mut self, field: &str, parsed: Result<T, TextError>) -> Option<T> {
        parsed.map_err(|error| self.add(field, error.rule(), error.to_string())).ok()
    }

    fn time(&mut self, field: &str, text: &str) -> Option<OffsetDateTime> {
        let parsed = OffsetDateTime::parse(text, &Rfc3339);
        let refused = |_| {
            let message =
                "is not a time in RFC 3339, such as 2027-03-21T10:00:00Z or 2027-03-21T11:00:00+01:00";
            self.add(field, "rfc_3339", message.into());
        };
        parsed.map_err(refused).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(json: &str) -> Vec<(String, &'static str)> {
        let body: Body = serde_json::from_str(json).unwrap();
        body.parse()
            .map_or_else(|p| p.fields.into_iter().map(|f| (f.field, f.rule)).collect(), |_| Vec::new())
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let found = faults(
            r#"{"resource": " ", "start_time": "noon", "end_time": "2027-02-30T10:00:00Z", "title": ""}"#,
        );
        let expected =
            [("resource", "blank"), ("title", "blank"), ("start_time", "rfc_3339"), ("end_time", "rfc_3339")];
        assert_eq!(found, expected.map(|(field, rule)| (field.to_owned(), rule)));
    }

    #[test]
    fn a_range_that_is_none_is_told_by_its_rule() {
        let range = |start: &str, end: &str| {
            faults(&format!(r#"{{"resource": "Raum1", "start_time": "{start}", "end_time": "{end}"}}"#))
        };
        assert_eq!(range("2027-03-21T11:00:00+01:00", "2027-03-21T10:00:00Z")[0].1, "range_empty");
        assert_eq!(range("2027-03-21T11:00:00Z", "2027-03-21T10:00:00Z")[0].1, "range_reversed");
        assert_eq!(range("2027-03-21T11:00:00Z", "9999-12-31T23:59:59-23:59")[0].1, "range_unbounded");
        assert_eq!(range("2027-03-21T10:00:00Z", "2027-03-21T11:00:00Z"), []);
    }
}

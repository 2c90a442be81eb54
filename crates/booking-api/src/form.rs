//! Forms as clients fill them in: all that is wrong is told at once, by field.

use holdfast_domain::{TimeRange, text::TextError};
use holdfast_runtime::problem::{FieldProblem, Problem};
use holdfast_store::Edit;
use serde::{Deserialize, Deserializer};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// What is wrong with a form, so far.
#[derive(Default)]
pub struct Faults(Vec<FieldProblem>);

impl Faults {
    /// One more.
    pub fn add(&mut self, field: &str, rule: &'static str, message: impl Into<String>) {
        self.0.push(FieldProblem { field: field.into(), rule, message: message.into() });
    }

    /// A text of one of the domain's kinds.
    pub fn text<T>(&mut self, field: &str, parsed: Result<T, TextError>) -> Option<T> {
        parsed.map_err(|error| self.add(field, error.rule(), error.to_string())).ok()
    }

    /// What becomes of a text of one of the domain's kinds.
    pub fn edit<T>(
        &mut self,
        field: &str,
        edit: &Edit<String>,
        parse: impl FnOnce(&str) -> Result<T, TextError>,
    ) -> Edit<T> {
        match edit {
            Edit::Keep => Edit::Keep,
            Edit::Clear => Edit::Clear,
            Edit::Set(text) => self.text(field, parse(text)).map_or(Edit::Keep, Edit::Set),
        }
    }

    /// A time of RFC 3339.
    pub fn time(&mut self, field: &str, text: &str) -> Option<OffsetDateTime> {
        const MESSAGE: &str = "is not a time in RFC 3339, such as 2027-03-21T10:00:00Z or \
                               2027-03-21T11:00:00+01:00 (in a query: %2B01:00)";
        OffsetDateTime::parse(text, &Rfc3339).map_err(|_| self.add(field, "rfc_3339", MESSAGE)).ok()
    }

    /// The range between two times of the form; what is wrong with it is told of `field`.
    pub fn range(
        &mut self,
        field: &str,
        start: Option<OffsetDateTime>,
        end: Option<OffsetDateTime>,
    ) -> Option<TimeRange> {
        let range = TimeRange::new(start?, end?);
        range.map_err(|error| self.add(field, error.rule(), error.to_string())).ok()
    }

    /// An id.
    pub fn id<T: From<Uuid>>(&mut self, field: &str, text: &str) -> Option<T> {
        let parsed = Uuid::try_parse(text).map(T::from);
        parsed.map_err(|_| self.add(field, "uuid", "is not an id, which is a UUID")).ok()
    }

    /// Something that can't be changed, but was given.
    pub fn immutable<T>(&mut self, field: &str, given: Option<&T>) {
        if given.is_some() {
            self.add(field, "immutable", "can't be changed");
        }
    }

    /// `done`, unless something is wrong: then `problem`, with all of it.
    pub fn or<T>(self, done: Option<T>, mut problem: Problem) -> Result<T, Problem> {
        match done {
            Some(done) if self.0.is_empty() => Ok(done),
            _ => {
                problem.fields = self.0;
                Err(problem)
            }
        }
    }
}

/// For a field that may be left out, or be null to take away what is there.
pub fn edit<'de, T, D>(deserializer: D) -> Result<Edit<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.map_or(Edit::Clear, Edit::Set))
}

/// For a field that may be left out: given, it must be a `T`.
pub fn given<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

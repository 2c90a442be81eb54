//! Forms as clients fill them in: all that is wrong is told at once, by field.

use std::collections::HashSet;

use holdfast_domain::{Caller, SeatLabel, TimeRange, UserId, range::to_microsecond, text::TextError};
use holdfast_runtime::problem::{FieldProblem, Problem};
use holdfast_store::Edit;
use serde::{Deserialize, Deserializer};
use time::{Date, Month, OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::zone;

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
        self.edit_by(edit, |faults, text| faults.text(field, parse(text)))
    }

    /// What becomes of something that `parse` makes of the form's.
    pub fn edit_by<T, U>(
        &mut self,
        edit: &Edit<T>,
        parse: impl FnOnce(&mut Self, &T) -> Option<U>,
    ) -> Edit<U> {
        match edit {
            Edit::Keep => Edit::Keep,
            Edit::Clear => Edit::Clear,
            Edit::Set(given) => parse(self, given).map_or(Edit::Keep, Edit::Set),
        }
    }

    /// A time of RFC 3339.
    pub fn time(&mut self, field: &str, text: &str) -> Option<OffsetDateTime> {
        const MESSAGE: &str = "is not a time in RFC 3339, such as 2027-03-21T10:00:00Z or \
                               2027-03-21T11:00:00+01:00 (in a query: %2B01:00)";
        OffsetDateTime::parse(text, &Rfc3339).map_err(|_| self.add(field, "rfc_3339", MESSAGE)).ok()
    }

    /// A time as it can be kept: in UTC, to the microsecond.
    pub fn moment(&mut self, field: &str, text: &str) -> Option<OffsetDateTime> {
        let kept = to_microsecond(self.time(field, text)?);
        kept.map_err(|error| self.add(field, error.rule(), error.to_string())).ok()
    }

    /// A day of the calendar.
    pub fn day(&mut self, field: &str, text: &str) -> Option<Date> {
        let day = zone::day(text).and_then(|day| {
            let month = Month::try_from(u8::try_from(day.month()).ok()?).ok()?;
            Date::from_calendar_date(day.year().into(), month, u8::try_from(day.day()).ok()?).ok()
        });
        if day.is_none() {
            self.add(field, "date", "is not a day of the calendar, such as 2027-03-21");
        }
        day
    }

    /// A number from `least` to `most`.
    pub fn number(&mut self, field: &str, given: i32, least: i32, most: i32) -> Option<i32> {
        let fits = (least..=most).contains(&given);
        if !fits {
            self.add(field, "range", format!("must be a number from {least} to {most}"));
        }
        fits.then_some(given)
    }

    /// Between one seat and `most`, none of them twice.
    pub fn seats(&mut self, field: &str, texts: &[String], most: usize) -> Option<Vec<SeatLabel>> {
        if texts.is_empty() {
            self.add(field, "empty", "names no seat");
            return None;
        }
        if texts.len() > most {
            self.add(field, "too_many", format!("names more than {most} seats"));
            return None;
        }
        let (mut seats, mut named) = (Vec::with_capacity(texts.len()), HashSet::new());
        for (place, text) in texts.iter().enumerate() {
            let at = || format!("{field}[{place}]");
            match SeatLabel::parse(text) {
                Err(error) => self.add(&at(), error.rule(), error.to_string()),
                Ok(seat) if !named.insert(seat.clone()) => self.add(&at(), "seat_twice", "is there twice"),
                Ok(seat) => seats.push(seat),
            }
        }
        (seats.len() == texts.len()).then_some(seats)
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

    /// The user that is named, or else who asks.
    pub fn user(&mut self, field: &str, named: Option<&str>, caller: &Caller) -> Option<UserId> {
        if let Some(name) = named {
            return self.text(field, UserId::parse(name));
        }
        if caller.user.is_none() {
            self.add(field, "required", "is missing: whose; or say who you are");
        }
        caller.user.clone()
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

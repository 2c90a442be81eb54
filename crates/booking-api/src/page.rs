//! Pages of a list: how long they are, and the link to the next, whose cursor means nothing to a client.

use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, http::header};
use holdfast_domain::{BookingId, Seq};
use holdfast_runtime::problem::Problem;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::form::Faults;

/// Most entries on a page.
const MOST: i64 = 1_000;

/// Entries on a page when the client does not say.
const USUAL: i64 = 100;

/// The query of a list that has no filter.
#[derive(Debug, Deserialize, Serialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Entries on a page at most.
    #[param(value_type = i64, required = false, minimum = 1, maximum = 1_000, default = 100)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// Where the last page ended; comes with `Link`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Asked {
    /// How many entries are asked for, and the seq that they come after.
    ///
    /// # Errors
    /// When one of them can't be.
    pub fn by_seq(&self) -> Result<(i64, Seq), Problem> {
        let mut faults = Faults::default();
        let limit = limit(&mut faults, self.limit.as_deref());
        let after = cursor(&mut faults, self.cursor.as_deref(), read_seq).unwrap_or_default();
        faults.or(Some((limit, after)), Problem::bad_query())
    }

    /// The query of the page behind this seq.
    pub fn after(self, last: Seq) -> Self {
        Self { cursor: Some(last.to_string()), ..self }
    }
}

/// How many entries are asked for.
pub fn limit(faults: &mut Faults, given: Option<&str>) -> i64 {
    match given.map(str::parse) {
        None => USUAL,
        Some(Ok(limit)) if (1..=MOST).contains(&limit) => limit,
        Some(_) => {
            faults.add("limit", "range", format!("must be a number from 1 to {MOST}"));
            USUAL
        }
    }
}

/// Where the last page ended, by what `read` makes of a cursor.
pub fn cursor<T>(
    faults: &mut Faults,
    given: Option<&str>,
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let read = read(given?);
    if read.is_none() {
        faults.add("cursor", "cursor", "is none that a page of this list gave");
    }
    read
}

/// The words of a filter, which are separated by commas: some of `all`, none of them twice.
pub fn words<T: Copy>(
    faults: &mut Faults,
    field: &str,
    given: Option<&str>,
    all: &[T],
    as_str: impl Fn(T) -> &'static str,
) -> Vec<T> {
    let Some(given) = given else { return Vec::new() };
    let is_known = |word: &str| all.iter().any(|one| as_str(*one) == word);
    if !given.split(',').all(is_known) {
        let words = all.iter().map(|one| as_str(*one)).collect::<Vec<_>>().join(", ");
        faults.add(field, "one_of", format!("must be one of {words}, or several with commas"));
    }
    // A list of thousands says no more than one of all.
    all.iter().copied().filter(|one| given.split(',').any(|word| as_str(*one) == word)).collect()
}

/// Tells where the next page is: the same query, with a cursor.
///
/// # Errors
/// When the query can't be written, which is a defect.
pub fn link_next(
    answer: &mut HttpResponseBuilder,
    request: &HttpRequest,
    query: impl Serialize,
) -> Result<(), Problem> {
    let query = serde_urlencoded::to_string(query).map_err(Problem::internal)?;
    answer.insert_header((header::LINK, format!("<{}?{query}>; rel=\"next\"", request.path())));
    Ok(())
}

/// Answers with `found`, which is one more than `limit` when there is a next page, and says where that is: `next` makes
/// its query of the last entry.
///
/// # Errors
/// As [`link_next`].
pub fn answer<T: Serialize, Q: Serialize>(
    request: &HttpRequest,
    mut found: Vec<T>,
    limit: i64,
    next: impl FnOnce(&T) -> Q,
) -> Result<HttpResponse, Problem> {
    let mut answer = HttpResponse::Ok();
    if let Some(last) = cut(&mut found, limit)? {
        link_next(&mut answer, request, next(last))?;
    }
    Ok(answer.json(found))
}

/// Cuts off what is beyond `limit`; gives the last that is left when there was more, where the next page begins.
///
/// # Errors
/// When the limit is no number of entries, which is a defect.
pub fn cut<T>(found: &mut Vec<T>, limit: i64) -> Result<Option<&T>, Problem> {
    let limit = usize::try_from(limit).map_err(Problem::internal)?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    Ok(found.last().filter(|_| has_more))
}

/// A place among bookings by start, as a cursor.
pub fn write_place((start, id): (OffsetDateTime, BookingId)) -> String {
    format!("{}_{}", start.unix_timestamp_nanos() / 1_000, id.uuid().simple())
}

/// What [`write_place`] wrote.
pub fn read_place(text: &str) -> Option<(OffsetDateTime, BookingId)> {
    let (micros, id) = text.split_once('_')?;
    let nanos = micros.parse::<i64>().ok().map(|micros| i128::from(micros) * 1_000)?;
    let start = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    // PostgreSQL knows no times long before the year 0; nor do bookings.
    (start.year() >= 0).then_some((start, Uuid::try_parse(id).ok()?.into()))
}

/// An id as a cursor.
pub fn read_id<T: From<Uuid>>(text: &str) -> Option<T> {
    Uuid::try_parse(text).ok().map(T::from)
}

/// A position in the log as a cursor.
pub fn read_seq(text: &str) -> Option<Seq> {
    text.parse().ok().filter(|seq| *seq >= 0).map(Seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_cursors_that_are_none_are_refused_by_name() {
        let field = |faults: Faults| {
            faults.or(Some(()), Problem::bad_query()).map_err(|problem| problem.fields[0].field.clone())
        };
        for given in ["0", "1001", "-1", "100000000000000000000", "ten", ""] {
            let mut faults = Faults::default();
            limit(&mut faults, Some(given));
            assert_eq!(field(faults), Err("limit".to_owned()), "{given}");
        }
        for given in ["", "_", "1_2", "9223372036854775807_00000000000000000000000000000000", "x_00"] {
            let mut faults = Faults::default();
            assert_eq!(cursor(&mut faults, Some(given), read_place), None);
            assert_eq!(field(faults), Err("cursor".to_owned()), "{given}");
        }
        assert_eq!([read_seq("-1"), read_seq("x")], [None, None]);
    }

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let place = (time::macros::datetime!(2027-03-21 10:00:00.000001 UTC), BookingId::from_u128(7));
        assert_eq!(read_place(&write_place(place)), Some(place));
    }
}

//! Pages of a list: the cursor says where the last page ended, and means nothing to a client.

use holdfast_domain::{Booking, BookingId};
use holdfast_runtime::problem::Problem;
use holdfast_store::Filter;
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

/// Most bookings on a page.
const MOST: i64 = 1_000;

/// Bookings on a page when the client does not say.
const USUAL: i64 = 100;

/// The query of `GET /api/bookings`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    limit: Option<String>,
    cursor: Option<String>,
}

impl Query {
    /// The page that is asked for.
    pub fn parse(&self) -> Result<Filter, Problem> {
        let limit = match self.limit.as_deref().map(str::parse) {
            None => USUAL,
            Some(Ok(limit)) if (1..=MOST).contains(&limit) => limit,
            Some(_) => {
                return Err(bad_query("limit", "range", &format!("must be a number from 1 to {MOST}")));
            }
        };
        let after = match self.cursor.as_deref().map(read_cursor) {
            None => None,
            Some(Some(after)) => Some(after),
            Some(None) => return Err(bad_query("cursor", "cursor", "is none that a page of this list gave")),
        };
        Ok(Filter { after, limit })
    }
}

/// The `Link` header of a page that ends with `last` and is not the list's end.
pub fn next(path: &str, last: &Booking, limit: i64) -> String {
    let micros = last.claim.wanted().start().unix_timestamp_nanos() / 1_000;
    format!("<{path}?limit={limit}&cursor={micros}_{}>; rel=\"next\"", last.id.uuid().simple())
}

fn read_cursor(text: &str) -> Option<(OffsetDateTime, BookingId)> {
    let (micros, id) = text.split_once('_')?;
    let nanos = micros.parse::<i64>().ok().map(|micros| i128::from(micros) * 1_000)?;
    let start = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    // PostgreSQL knows no times long before the year 0; nor do bookings.
    (start.year() >= 0).then_some((start, Uuid::try_parse(id).ok()?.into()))
}

fn bad_query(field: &str, rule: &'static str, message: &str) -> Problem {
    Problem::bad_query().field(field, rule, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(limit: Option<&str>, cursor: Option<&str>) -> Option<String> {
        let query = Query { limit: limit.map(Into::into), cursor: cursor.map(Into::into) };
        query.parse().err().map(|problem| problem.fields[0].field.clone())
    }

    #[test]
    fn limits_and_cursors_that_are_none_are_refused_by_name() {
        for limit in ["0", "1001", "-1", "100000000000000000000", "ten", ""] {
            assert_eq!(fault(Some(limit), None).as_deref(), Some("limit"), "{limit}");
        }
        for cursor in ["", "_", "1_2", "9223372036854775807_00000000000000000000000000000000", "x_00"] {
            assert_eq!(fault(None, Some(cursor)).as_deref(), Some("cursor"), "{cursor}");
        }
        assert_eq!(fault(Some("1000"), Some("0_00000000000000000000000000000001")), None);
    }
}

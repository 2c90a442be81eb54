//! `GET /api/v1/events`: which are asked for, and the page of them.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use holdfast_domain::{EventId, EventStatus};
use holdfast_runtime::{extract, openapi::Parts, problem::Problem};
use holdfast_store::{Database, EventFilter};
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use super::answer::Answer;
use crate::{caller::Reader, document::Read, form::Faults, page, problems};

/// The query.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Only those in one of these states, with commas between them; all but `CANCELLED`, without it.
    #[param(value_type = Vec<EventStatus>, required = false, style = Form, explode = false, example = json!(["OPEN"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// Only those on this day or later.
    #[param(format = Date, example = "2027-06-01")]
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Only those on this day or earlier.
    #[param(format = Date, example = "2027-06-30")]
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// Entries on a page at most.
    #[param(value_type = i64, required = false, minimum = 1, maximum = 1_000, default = 100)]
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<String>,
    /// Where the last page ended; comes with `Link`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

#[utoipa::path(
    get,
    path = "/api/v1/events",
    operation_id = "listEvents",
    tag = "events",
    params(Parts<(Reader,)>, Query),
    responses(
        (status = 200, description = "A page of them, by day. It may be shorter than asked for and not be the last.",
            body = Vec<Answer>, headers(("Link")), example = json!([Answer::example()])),
        Parts<(Reader, extract::Query<Query>, Read)>,
    )
)]
/// All events that are asked for, by day
pub async fn list(
    Reader(caller): Reader,
    extract::Query(query): extract::Query<Query>,
    request: HttpRequest,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let page = database.events(caller.tenant, &query.parse()?).await.map_err(problems::of_store)?;
    let mut answer = HttpResponse::Ok();
    if let Some(place) = page.next {
        page::link_next(&mut answer, &request, Query { cursor: Some(write_place(place)), ..query })?;
    }
    Ok(answer.json(page.events.iter().map(Answer::from).collect::<Vec<_>>()))
}

impl Query {
    fn parse(&self) -> Result<EventFilter, Problem> {
        let mut faults = Faults::default();
        let statuses = page::words(
            &mut faults,
            "status",
            self.status.as_deref(),
            &EventStatus::ALL,
            EventStatus::as_str,
        );
        let from = self.from.as_deref().and_then(|text| faults.day("from", text));
        let to = self.to.as_deref().and_then(|text| faults.day("to", text));
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            faults.add("to", "range_reversed", "must not be earlier than from");
        }
        let limit = page::limit(&mut faults, self.limit.as_deref());
        let after = page::cursor(&mut faults, self.cursor.as_deref(), read_place);
        faults.or(Some(EventFilter { statuses, from, to, after, limit }), Problem::bad_query())
    }
}

/// A place among events by day, as a cursor.
fn write_place((day, id): (Date, EventId)) -> String {
    format!("{}_{}", day.to_julian_day(), id.uuid().simple())
}

/// What [`write_place`] wrote.
fn read_place(text: &str) -> Option<(Date, EventId)> {
    let (day, id) = text.split_once('_')?;
    let day = Date::from_julian_day(day.parse().ok()?).ok().filter(|day| day.year() >= 0)?;
    Some((day, Uuid::try_parse(id).ok()?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is_one() {
        let place = (time::macros::date!(2027 - 06 - 15), EventId::from_u128(7));
        assert_eq!(read_place(&write_place(place)), Some(place));
        for none in
            ["", "_", "2461572", "x_00000000000000000000000000000000", "-1_00000000000000000000000000000000"]
        {
            assert_eq!(read_place(none), None, "{none}");
        }
    }
}

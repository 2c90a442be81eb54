//! `GET /api/v1/resources/{id}/availability`: what of a stretch of time is free, held, and wanted.

use actix_web::{HttpResponse, web::Data};
use holdfast_domain::{
    Conflict, ResourceId, Status, TimeRange,
    openapi::{SeenConflict, example},
    visible::{self, Seen},
};
use holdfast_runtime::{
    extract::{Path, Query},
    openapi::Parts,
    problem::Problem,
};
use holdfast_store::{Database, Object};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::Reader,
    document::{NoResource, Read},
    form::Faults,
    problems,
};

/// The longest stretch that may be asked for.
const LONGEST: Duration = Duration::days(93);

/// Most bookings that are told of.
const SLOTS_MAX: i64 = 10_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The first moment that is asked about.
    #[param(format = DateTime, example = "2027-03-21T08:00:00Z")]
    from: String,
    /// The first moment that no longer is; at most 93 days later.
    #[param(format = DateTime, example = "2027-03-21T18:00:00Z")]
    to: String,
}

/// What of a stretch is free, and who holds or wants the rest.
#[derive(Debug, Serialize, ToSchema)]
struct Availability<'a> {
    /// Of what.
    resource_id: ResourceId,
    /// The first moment that was asked about.
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    /// The first moment that no longer was.
    #[serde(with = "time::serde::rfc3339")]
    to: OffsetDateTime,
    /// What nobody holds, by start; each as long as it can be within the stretch.
    free: Vec<TimeRange>,
    /// What is held, by start.
    #[schema(value_type = Vec<SeenConflict>)]
    held: Vec<Seen<&'a Conflict>>,
    /// What is wanted and not decided yet, by start.
    #[schema(value_type = Vec<SeenConflict>)]
    wanted: Vec<Seen<&'a Conflict>>,
}

#[utoipa::path(
    get,
    path = "/api/v1/resources/{id}/availability",
    operation_id = "getAvailability",
    tag = "resources",
    params(("id" = ResourceId, Path, description = "Which resource."), Parts<(Reader,)>, Asked),
    responses(
        (status = 200, description = "What of it is free, held and wanted.", body = Availability, example = json!({
            "resource_id": example::resource().id,
            "from": "2027-03-21T08:00:00Z",
            "to": "2027-03-21T18:00:00Z",
            "free": [
                { "start_time": "2027-03-21T08:00:00Z", "end_time": "2027-03-21T11:00:00Z" },
                { "start_time": "2027-03-21T13:00:00Z", "end_time": "2027-03-21T18:00:00Z" },
            ],
            "held": [example::conflict()],
            "wanted": [],
        })),
        Parts<(Reader, Path<Uuid>, Query<Asked>, NoResource, Read)>,
    )
)]
/// What of a stretch of time is free, held, and wanted
pub async fn availability(
    Reader(caller): Reader,
    Path(id): Path<Uuid>,
    Query(asked): Query<Asked>,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let (id, range) = (ResourceId::from(id), asked.parse()?);
    let slots = database.slots(caller.tenant, id, range, SLOTS_MAX).await.map_err(problems::of_store)?;
    let slots = slots.ok_or_else(|| problems::not_found(Object::Resource))?;
    if slots.more {
        let message = format!("is so far from `from` that there are more than {SLOTS_MAX} bookings");
        return Err(Problem::bad_query().field("to", "range_too_long", message));
    }
    let (held, wanted): (Vec<&Conflict>, Vec<&Conflict>) =
        slots.taken.iter().partition(|slot| slot.status == Status::Valid);
    let free = gaps(range, held.iter().map(|slot| slot.range));
    Ok(HttpResponse::Ok().json(Availability {
        resource_id: id,
        from: range.start(),
        to: range.end(),
        free,
        held: held.into_iter().map(|slot| visible::conflict(slot, &caller)).collect(),
        wanted: wanted.into_iter().map(|slot| visible::conflict(slot, &caller)).collect(),
    }))
}

impl Asked {
    fn parse(&self) -> Result<TimeRange, Problem> {
        let mut faults = Faults::default();
        let (from, to) = (faults.time("from", &self.from), faults.time("to", &self.to));
        let range = faults.range("to", from, to);
        if range.is_some_and(|range| range.length() > LONGEST) {
            let days = LONGEST.whole_days();
            faults.add("to", "range_too_long", format!("must be at most {days} days after from"));
        }
        faults.or(range, Problem::bad_query())
    }
}

/// What of `range` is left between these, which overlap it and not each other, and stand by start.
fn gaps(range: TimeRange, held: impl Iterator<Item = TimeRange>) -> Vec<TimeRange> {
    let mut free = Vec::new();
    let mut from = range.start();
    for slot in held {
        // Nothing lies between two that touch.
        free.extend(TimeRange::new(from, slot.start()));
        from = slot.end();
    }
    free.extend(TimeRange::new(from, range.end()));
    free
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn hours(from: i64, to: i64) -> TimeRange {
        let day = datetime!(2027-03-21 00:00 UTC);
        TimeRange::new(day + Duration::hours(from), day + Duration::hours(to)).unwrap()
    }

    #[test]
    fn what_lies_between_is_free_and_nothing_lies_between_neighbours() {
        let free = |held: &[TimeRange]| gaps(hours(8, 18), held.iter().copied());
        assert_eq!(free(&[]), [hours(8, 18)]);
        assert_eq!(free(&[hours(7, 9), hours(9, 10), hours(12, 13)]), [hours(10, 12), hours(13, 18)]);
        assert_eq!(free(&[hours(16, 20)]), [hours(8, 16)]);
        assert_eq!(free(&[hours(8, 18)]), []);
        assert_eq!(free(&[hours(0, 24)]), []);
    }
}

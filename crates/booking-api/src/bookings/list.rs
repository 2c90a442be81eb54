//! `GET /api/bookings`: which are asked for, and the page of them.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use holdfast_domain::{
    Caller, DEFAULT_VENUE, ResourceId, ResourceName, Status, UserId, VenueId,
    openapi::{SeenBooking, example},
    visible,
};
use holdfast_runtime::{extract, openapi::Parts, problem::Problem};
use holdfast_store::{Database, Filter, VENUES_MAX};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::answer::Answer;
use crate::{caller::Reader, document::Read, form::Faults, page, problems, zone};

/// The query.
#[derive(Debug, Clone, Default, Deserialize, Serialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Only those of this resource: its id, or its name in `venue_id` or the default venue.
    #[param(example = "Raum1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    /// Only those in this venue.
    #[param(value_type = VenueId, required = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    venue_id: Option<String>,
    /// Only those of this user.
    #[param(value_type = UserId, required = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// Only those in one of these states, with commas between them.
    #[param(value_type = Vec<Status>, required = false, style = Form, explode = false, example = json!(["PENDING", "VALID"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// Only those whose `start_time` and `end_time` overlap this day, as each one's venue counts it. What a move still
    /// holds is told by `held` and by the resource's availability.
    #[param(format = Date, example = "2027-03-21")]
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    /// Only those that end after this.
    #[param(format = DateTime, example = "2027-03-21T08:00:00Z")]
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Only those that begin before this.
    #[param(format = DateTime, example = "2027-03-21T18:00:00Z")]
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

/// What it asks for, before names are looked up.
struct Asked {
    filter: Filter,
    resource: Option<Named>,
    date: Option<Date>,
}

/// A resource as a query names it.
enum Named {
    Id(ResourceId),
    Name(VenueId, ResourceName),
}

#[utoipa::path(
    get,
    path = "/bookings",
    operation_id = "listBookings",
    tag = "bookings",
    params(Parts<(Reader,)>, Query),
    responses(
        (status = 200, description = "A page of them, by start.", body = Vec<SeenBooking>,
            headers(("Link")), example = json!([example::booking().view()])),
        Parts<(Reader, extract::Query<Query>, Read)>,
    )
)]
/// All bookings that are asked for, by start
pub async fn list(
    Reader(caller): Reader,
    extract::Query(query): extract::Query<Query>,
    request: HttpRequest,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let asked = query.parse()?;
    let Some(filter) = looked_up(&database, &caller, asked).await.map_err(problems::of_store)? else {
        return Ok(HttpResponse::Ok().json([(); 0]));
    };
    let page = database.bookings(caller.tenant, &filter).await.map_err(problems::of_store)?;
    let mut answer = HttpResponse::Ok();
    if let Some(place) = page.next {
        let next = Query { cursor: Some(page::write_place(place)), ..query };
        page::link_next(&mut answer, &request, next)?;
    }
    Ok(answer.json(page.bookings.iter().map(|booking| Answer::stored(booking, &caller)).collect::<Vec<_>>()))
}

/// The filter with its names looked up; nothing, when no booking can match it.
async fn looked_up(
    database: &Database,
    caller: &Caller,
    asked: Asked,
) -> Result<Option<Filter>, holdfast_store::Error> {
    let Asked { mut filter, resource, date } = asked;
    // Whose a booking is must not be found out by asking for it.
    if filter.user.as_ref().is_some_and(|user| !visible::sees_all_of(user, caller)) {
        return Ok(None);
    }
    filter.resource = match resource {
        None => None,
        Some(Named::Id(id)) => Some(id),
        Some(Named::Name(venue, name)) => match database.resource_named(caller.tenant, venue, &name).await? {
            Some(id) => Some(id),
            None => return Ok(None),
        },
    };
    if let Some(date) = date {
        let venues = database.venues(caller.tenant, None, VENUES_MAX).await?;
        let days = venues.iter().filter_map(|venue| Some((venue.id, zone::day_in(date, &venue.time_zone)?)));
        let days: Vec<_> = days.collect();
        if days.is_empty() {
            return Ok(None);
        }
        filter.days = Some(days);
    }
    Ok(Some(filter))
}

impl Query {
    fn parse(&self) -> Result<Asked, Problem> {
        let mut faults = Faults::default();
        let venue = self.venue_id.as_deref().and_then(|id| faults.id::<VenueId>("venue_id", id));
        let resource = self.resource.as_deref().and_then(|text| {
            if let Ok(id) = text.parse() {
                return Some(Named::Id(id));
            }
            let name = faults.text("resource", ResourceName::parse(text))?;
            Some(Named::Name(venue.unwrap_or(DEFAULT_VENUE), name))
        });
        let user = self.user_id.as_deref().and_then(|user| faults.text("user_id", UserId::parse(user)));
        let all = [Status::Pending, Status::Valid, Status::Rejected, Status::Cancelled];
        let statuses = page::words(&mut faults, "status", self.status.as_deref(), &all, Status::as_str);
        let date = self.date.as_deref().and_then(|text| {
            let date = zone::day(text);
            if date.is_none() {
                faults.add("date", "date", "is not a day of the calendar, such as 2027-03-21");
            }
            date
        });
        let from = self.from.as_deref().and_then(|text| time(&mut faults, "from", text));
        let to = self.to.as_deref().and_then(|text| time(&mut faults, "to", text));
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            faults.add("to", "range_reversed", "must be later than from");
        }
        let limit = page::limit(&mut faults, self.limit.as_deref());
        let after = page::cursor(&mut faults, self.cursor.as_deref(), page::read_place);
        let filter = Filter { resource: None, venue, user, statuses, from, to, days: None, after, limit };
        faults.or(Some(Asked { filter, resource, date }), Problem::bad_query())
    }
}

/// A time that PostgreSQL can compare with: what lies beyond the calendar is none.
fn time(faults: &mut Faults, field: &str, text: &str) -> Option<OffsetDateTime> {
    let time = faults.time(field, text)?;
    let in_utc = time.checked_to_offset(time::UtcOffset::UTC).filter(|at| (0..=9999).contains(&at.year()));
    if in_utc.is_none() {
        faults.add(field, "range_unbounded", "lies beyond the calendar in UTC");
    }
    in_utc
}

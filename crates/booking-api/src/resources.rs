//! The routes of resources: what is booked, and how.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, ServiceConfig},
};
use holdfast_domain::{
    DEFAULT_VENUE, Resource, ResourceId, ResourceName, VenueId, openapi::example, rules::BookingLimits,
};
use holdfast_runtime::{
    extract::{JsonBody, Path, Query},
    headers::{IfMatch, IfNoneMatch, Tag},
    openapi::Parts,
    problem::Problem,
    routes,
};
use holdfast_store::{CreateResource, Database, Lanes, Object, ResourceFilter, UpdateResource};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use crate::{
    availability,
    caller::{Reader, Writer},
    document::{Changed, NoResource, Read, ResourceTaken, TooManyResources, UnknownVenue, Write},
    form::{Faults, given},
    page, problems,
    writes::{made, shown, versions},
};

/// What the API's document says of them.
#[derive(OpenApi)]
#[openapi(paths(list, create, show, update, availability::availability))]
pub struct Document;

/// Mounts the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(routes::at("/api/v1/resources").get(list).post(create))
        .service(routes::at("/api/v1/resources/{id}").get(show).patch(update))
        .service(routes::at("/api/v1/resources/{id}/availability").get(availability::availability));
}

#[derive(Debug, Deserialize, Serialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Only those of this venue.
    #[param(value_type = VenueId, required = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    venue_id: Option<String>,
    /// Only those of this name.
    #[param(value_type = ResourceName, required = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Entries on a page at most.
    #[param(value_type = i64, required = false, minimum = 1, maximum = 1_000, default = 100)]
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<String>,
    /// Where the last page ended; comes with `Link`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// The body of `POST /api/v1/resources`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewResource)]
#[serde(deny_unknown_fields)]
struct Body {
    /// What people call it.
    #[schema(value_type = ResourceName)]
    name: String,
    /// Where it is; in the default venue, without it.
    #[schema(value_type = Option<VenueId>)]
    venue_id: Option<String>,
    /// The shortest booking, in seconds.
    #[schema(minimum = 1, maximum = 2_678_400, default = 60)]
    shortest_seconds: Option<i32>,
    /// The longest booking, in seconds; not below the shortest.
    #[schema(minimum = 1, maximum = 2_678_400, default = 2_678_400)]
    longest_seconds: Option<i32>,
    /// How many days ahead a booking may end.
    #[schema(minimum = 1, maximum = 36_525, default = 730)]
    days_ahead: Option<i32>,
}

/// The body of `PATCH /api/v1/resources/{id}`; what is not given stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ResourceChanges)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    /// What people call it.
    #[schema(value_type = ResourceName, required = false)]
    #[serde(default, deserialize_with = "given")]
    name: Option<String>,
    #[schema(ignore)]
    #[serde(default, deserialize_with = "given")]
    venue_id: Option<IgnoredAny>,
    /// The shortest booking, in seconds.
    #[schema(minimum = 1, maximum = 2_678_400, nullable = false)]
    #[serde(default, deserialize_with = "given")]
    shortest_seconds: Option<i32>,
    /// The longest booking, in seconds; not below the shortest.
    #[schema(minimum = 1, maximum = 2_678_400, nullable = false)]
    #[serde(default, deserialize_with = "given")]
    longest_seconds: Option<i32>,
    /// How many days ahead a booking may end.
    #[schema(minimum = 1, maximum = 36_525, nullable = false)]
    #[serde(default, deserialize_with = "given")]
    days_ahead: Option<i32>,
}

#[utoipa::path(
    get,
    path = "/api/v1/resources",
    operation_id = "listResources",
    tag = "resources",
    params(Parts<(Reader,)>, ListQuery),
    responses(
        (status = 200, description = "A page of them, by id.", body = Vec<Resource>,
            headers(("Link")), example = json!([example::resource()])),
        Parts<(Reader, Query<ListQuery>, Read)>,
    )
)]
/// All resources, or those of a venue or a name
async fn list(
    Reader(caller): Reader,
    Query(query): Query<ListQuery>,
    request: HttpRequest,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let venue = query.venue_id.as_deref().and_then(|id| faults.id::<VenueId>("venue_id", id));
    let name = query.name.as_deref().and_then(|name| faults.text("name", ResourceName::parse(name)));
    let limit = page::limit(&mut faults, query.limit.as_deref());
    let after = page::cursor(&mut faults, query.cursor.as_deref(), page::read_id::<ResourceId>);
    faults.or(Some(()), Problem::bad_query())?;
    let filter = ResourceFilter { venue, name };
    // One more than asked for tells whether there is a next page.
    let found = database.resources(caller.tenant, &filter, after, limit + 1).await;
    let resources = found.map_err(problems::of_store)?;
    page::answer(&request, resources, limit, |last| ListQuery { cursor: Some(last.id.to_string()), ..query })
}

#[utoipa::path(
    get,
    path = "/api/v1/resources/{id}",
    operation_id = "getResource",
    tag = "resources",
    params(("id" = ResourceId, Path, description = "Which one."), Parts<(Reader, IfNoneMatch)>),
    responses(
        (status = 200, description = "The resource.", body = Resource,
            headers(("ETag")), example = json!(example::resource())),
        (status = 304, description = "As the caller has it.", headers(("ETag"))),
        Parts<(Reader, Path<Uuid>, NoResource, Read)>,
    )
)]
/// One resource
async fn show(
    Reader(caller): Reader,
    Path(id): Path<Uuid>,
    had: IfNoneMatch,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let resource = database.resource(caller.tenant, id.into()).await.map_err(problems::of_store)?;
    let resource = resource.ok_or_else(|| problems::not_found(Object::Resource))?;
    let tag = Tag::version(resource.version);
    let answer = || HttpResponse::Ok().insert_header(tag.header()).json(&resource);
    Ok(had.not_modified(&tag).unwrap_or_else(answer))
}

#[utoipa::path(
    post,
    path = "/api/v1/resources",
    operation_id = "createResource",
    tag = "resources",
    params(Parts<(Writer,)>),
    request_body(content = Body, example = json!({ "name": "Raum1", "longest_seconds": 28_800 })),
    responses(
        (status = 201, description = "It was made.", body = Resource,
            headers(("ETag"), ("Location"), ("Idempotency-Replayed")), example = json!(example::resource())),
        Parts<(Writer, JsonBody<Body>, UnknownVenue, ResourceTaken, TooManyResources, Write)>,
    )
)]
/// Makes a resource
///
/// A booking makes the one that it names, too, if it is not there.
async fn create(
    writer: Writer,
    body: JsonBody<Body>,
    request: HttpRequest,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let Body { name, venue_id, shortest_seconds, longest_seconds, days_ahead } = &body.value;
    let mut faults = Faults::default();
    let name = faults.text("name", ResourceName::parse(name));
    let venue_id = match venue_id {
        Some(id) => faults.id::<VenueId>("venue_id", id),
        None => Some(DEFAULT_VENUE),
    };
    let usual = BookingLimits::default();
    let limits = BookingLimits {
        shortest_seconds: shortest_seconds.unwrap_or(usual.shortest_seconds),
        longest_seconds: longest_seconds.unwrap_or(usual.longest_seconds),
        days_ahead: days_ahead.unwrap_or(usual.days_ahead),
    };
    if let Err(error) = limits.check() {
        faults.add(error.field(), "range", error.to_string());
    }
    let (name, venue_id) = faults.or(name.zip(venue_id), Problem::invalid_body())?;
    let order = writer.order(&body.bytes);
    let create = CreateResource { order, id: Uuid::now_v7().into(), venue_id, name, limits };
    let written = lanes.create_resource(create).await.map_err(problems::of_write)?;
    Ok(shown(made(&request, written.value.id), &written, written.value.version))
}

#[utoipa::path(
    patch,
    path = "/api/v1/resources/{id}",
    operation_id = "updateResource",
    tag = "resources",
    params(("id" = ResourceId, Path, description = "Which one."), Parts<(Writer, IfMatch)>),
    request_body(content = ChangeBody, example = json!({ "days_ahead": 365 })),
    responses(
        (status = 200, description = "The resource as it is now.", body = Resource,
            headers(("ETag"), ("Idempotency-Replayed")), example = json!(example::resource())),
        Parts<(Writer, Path<Uuid>, JsonBody<ChangeBody>, IfMatch, (NoResource, Changed, ResourceTaken), Write)>,
    )
)]
/// Changes a resource
///
/// What is not given stays. Its venue can't be changed.
async fn update(
    writer: Writer,
    Path(id): Path<Uuid>,
    body: JsonBody<ChangeBody>,
    condition: IfMatch,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let ChangeBody { name, venue_id, shortest_seconds, longest_seconds, days_ahead } = &body.value;
    let mut faults = Faults::default();
    faults.immutable("venue_id", venue_id.as_ref());
    let name = name.as_deref().and_then(|text| faults.text("name", ResourceName::parse(text)));
    faults.or(Some(()), Problem::invalid_body())?;
    let update = UpdateResource {
        order: writer.order(&body.bytes),
        id: id.into(),
        versions: versions(condition),
        name,
        shortest_seconds: *shortest_seconds,
        longest_seconds: *longest_seconds,
        days_ahead: *days_ahead,
    };
    let written = lanes.update_resource(update).await.map_err(problems::of_write)?;
    Ok(shown(HttpResponse::Ok(), &written, written.value.version))
}

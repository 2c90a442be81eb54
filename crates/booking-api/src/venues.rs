//! The routes of venues: where things are booked.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, ServiceConfig},
};
use holdfast_domain::{Address, Venue, VenueId, VenueName, ZoneName, openapi::example};
use holdfast_runtime::{
    extract::{JsonBody, Path, Query},
    headers::{IfMatch, IfNoneMatch, Tag},
    openapi::Parts,
    problem::Problem,
    routes,
};
use holdfast_store::{CreateVenue, Database, Edit, Lanes, Object, UpdateVenue};
use serde::Deserialize;
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use crate::{
    caller::{Reader, Writer},
    document::{Changed, NoVenue, Read, TooManyVenues, VenueTaken, Write},
    form::{Faults, edit, given},
    page, problems,
    writes::{made, shown, versions},
    zone,
};

/// What the API's document says of them.
#[derive(OpenApi)]
#[openapi(paths(list, create, show, update))]
pub struct Document;

/// Mounts the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(routes::at("/api/v1/venues").get(list).post(create))
        .service(routes::at("/api/v1/venues/{id}").get(show).patch(update));
}

/// The body of `POST /api/v1/venues`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewVenue)]
#[serde(deny_unknown_fields)]
struct Body {
    /// What people call it.
    #[schema(value_type = VenueName)]
    name: String,
    /// Which day a time falls on here.
    #[schema(value_type = ZoneName)]
    time_zone: String,
    /// Where it is.
    #[schema(value_type = Option<Address>)]
    address: Option<String>,
}

/// The body of `PATCH /api/v1/venues/{id}`; what is not given stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = VenueChanges)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    /// What people call it.
    #[schema(value_type = VenueName, required = false)]
    #[serde(default, deserialize_with = "given")]
    name: Option<String>,
    /// Which day a time falls on here.
    #[schema(value_type = ZoneName, required = false)]
    #[serde(default, deserialize_with = "given")]
    time_zone: Option<String>,
    /// Where it is; null takes it away.
    #[schema(value_type = Option<Address>)]
    #[serde(default, deserialize_with = "edit")]
    address: Edit<String>,
}

#[utoipa::path(
    get,
    path = "/api/v1/venues",
    operation_id = "listVenues",
    tag = "venues",
    params(Parts<(Reader,)>, page::Asked),
    responses(
        (status = 200, description = "A page of them, by id.", body = Vec<Venue>,
            headers(("Link")), example = json!([example::venue()])),
        Parts<(Reader, Query<page::Asked>, Read)>,
    )
)]
/// All venues
async fn list(
    Reader(caller): Reader,
    Query(query): Query<page::Asked>,
    request: HttpRequest,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let limit = page::limit(&mut faults, query.limit.as_deref());
    let after = page::cursor(&mut faults, query.cursor.as_deref(), page::read_id::<VenueId>);
    faults.or(Some(()), Problem::bad_query())?;
    // One more than asked for tells whether there is a next page.
    let venues = database.venues(caller.tenant, after, limit + 1).await.map_err(problems::of_store)?;
    page::answer(&request, venues, limit, |last| page::Asked { cursor: Some(last.id.to_string()), ..query })
}

#[utoipa::path(
    get,
    path = "/api/v1/venues/{id}",
    operation_id = "getVenue",
    tag = "venues",
    params(("id" = VenueId, Path, description = "Which one."), Parts<(Reader, IfNoneMatch)>),
    responses(
        (status = 200, description = "The venue.", body = Venue, headers(("ETag")), example = json!(example::venue())),
        (status = 304, description = "As the caller has it.", headers(("ETag"))),
        Parts<(Reader, Path<Uuid>, NoVenue, Read)>,
    )
)]
/// One venue
async fn show(
    Reader(caller): Reader,
    Path(id): Path<Uuid>,
    had: IfNoneMatch,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let venue = database.venue(caller.tenant, id.into()).await.map_err(problems::of_store)?;
    let venue = venue.ok_or_else(|| problems::not_found(Object::Venue))?;
    let tag = Tag::version(venue.version);
    let answer = || HttpResponse::Ok().insert_header(tag.header()).json(&venue);
    Ok(had.not_modified(&tag).unwrap_or_else(answer))
}

#[utoipa::path(
    post,
    path = "/api/v1/venues",
    operation_id = "createVenue",
    tag = "venues",
    params(Parts<(Writer,)>),
    request_body(content = Body, example = json!({ "name": "Haus A", "time_zone": "Europe/Berlin" })),
    responses(
        (status = 201, description = "It was made.", body = Venue,
            headers(("ETag"), ("Location"), ("Idempotency-Replayed")), example = json!(example::venue())),
        Parts<(Writer, JsonBody<Body>, VenueTaken, TooManyVenues, Write)>,
    )
)]
/// Makes a venue
async fn create(
    writer: Writer,
    body: JsonBody<Body>,
    request: HttpRequest,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let Body { name, time_zone, address } = &body.value;
    let mut faults = Faults::default();
    let name = faults.text("name", VenueName::parse(name));
    let time_zone = zone(&mut faults, time_zone);
    let address = address.as_deref().and_then(|text| faults.text("address", Address::parse(text)));
    let (name, time_zone) = faults.or(name.zip(time_zone), Problem::invalid_body())?;
    let order = writer.order(&body.bytes);
    let create = CreateVenue { order, id: Uuid::now_v7().into(), name, time_zone, address };
    let written = lanes.create_venue(create).await.map_err(problems::of_write)?;
    Ok(shown(made(&request, written.value.id), &written, written.value.version))
}

#[utoipa::path(
    patch,
    path = "/api/v1/venues/{id}",
    operation_id = "updateVenue",
    tag = "venues",
    params(("id" = VenueId, Path, description = "Which one."), Parts<(Writer, IfMatch)>),
    request_body(content = ChangeBody, example = json!({ "address": "Hauptstraße 1\n10115 Berlin" })),
    responses(
        (status = 200, description = "The venue as it is now.", body = Venue,
            headers(("ETag"), ("Idempotency-Replayed")), example = json!(example::venue())),
        Parts<(Writer, Path<Uuid>, JsonBody<ChangeBody>, IfMatch, (NoVenue, Changed, VenueTaken), Write)>,
    )
)]
/// Changes a venue
///
/// What is not given stays.
async fn update(
    writer: Writer,
    Path(id): Path<Uuid>,
    body: JsonBody<ChangeBody>,
    condition: IfMatch,
    lanes: Data<Lanes>,
) -> Result<HttpResponse, Problem> {
    let ChangeBody { name, time_zone, address } = &body.value;
    let mut faults = Faults::default();
    let name = name.as_deref().and_then(|text| faults.text("name", VenueName::parse(text)));
    let time_zone = time_zone.as_deref().and_then(|text| zone(&mut faults, text));
    let address = faults.edit("address", address, Address::parse);
    faults.or(Some(()), Problem::invalid_body())?;
    let order = writer.order(&body.bytes);
    let versions = versions(condition);
    let update = UpdateVenue { order, id: id.into(), versions, name, time_zone, address };
    let written = lanes.update_venue(update).await.map_err(problems::of_write)?;
    Ok(shown(HttpResponse::Ok(), &written, written.value.version))
}

fn zone(faults: &mut Faults, text: &str) -> Option<ZoneName> {
    let zone = zone::named(text);
    if zone.is_none() {
        faults.add("time_zone", "time_zone", "is not an IANA time zone, such as Europe/Berlin");
    }
    zone
}

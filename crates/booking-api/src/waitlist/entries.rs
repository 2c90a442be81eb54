//! `GET /api/v1/events/{id}/waitlist/entries`: who stands in line.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use holdfast_domain::{
    EventId,
    openapi::{SeenWaitlistEntry, example},
    visible,
};
use holdfast_runtime::{
    extract::{Path, Query},
    openapi::Parts,
    problem::Problem,
};
use holdfast_store::{Database, Object};
use uuid::Uuid;

use crate::{
    caller::Reader,
    document::{NoEvent, Read},
    page, problems,
};

#[utoipa::path(
    get,
    path = "/api/v1/events/{id}/waitlist/entries",
    operation_id = "listWaitlistEntries",
    tag = "waiting lists",
    params(
        ("id" = EventId, Path, description = "For units of which event."),
        Parts<(Reader,)>,
        page::Asked,
    ),
    responses(
        (status = 200, description = "A page of those who are `WAITING`, the first first.",
            body = Vec<SeenWaitlistEntry>, headers(("Link")), example = json!([example::waitlist_entry()])),
        Parts<(Reader, Path<Uuid>, Query<page::Asked>, NoEvent, Read)>,
    )
)]
/// Who stands in line
///
/// Who is served while the pages are read is on none that comes later, and nobody is passed over.
pub async fn list(
    Reader(caller): Reader,
    Path(id): Path<Uuid>,
    Query(query): Query<page::Asked>,
    request: HttpRequest,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let (limit, after) = query.by_seq()?;
    // One more than asked for tells whether there is a next page.
    let found = database.waitlist(caller.tenant, id.into(), after, limit + 1).await;
    let mut found = found.map_err(problems::of_store)?.ok_or_else(|| problems::not_found(Object::Event))?;
    let mut answer = HttpResponse::Ok();
    if let Some(last) = page::cut(&mut found, limit)? {
        page::link_next(&mut answer, &request, query.after(last.rank))?;
    }
    Ok(answer.json(found.iter().map(|entry| visible::waitlist_entry(entry, &caller)).collect::<Vec<_>>()))
}

//! `GET /api/v1/changes`: the log, as far as the caller may see it.

use actix_web::{
    HttpResponse,
    web::{Data, ServiceConfig},
};
use holdfast_domain::{
    Change, Kind, Seq,
    openapi::{LoggedChange, example},
    visible::visible,
};
use holdfast_runtime::{extract::Query, openapi::Parts, problem::Problem, routes};
use holdfast_store::{Database, Log};
use serde::Deserialize;
use utoipa::OpenApi;

use crate::{
    caller::Reader,
    document::{LogGone, Read},
    form::Faults,
    page, problems,
};

/// Says how far the log was read: who goes on from there misses nothing.
pub const READ_TO: &str = "X-Log-Seq";

/// What the API's document says of it.
#[derive(OpenApi)]
#[openapi(paths(changes))]
pub struct Document;

/// Mounts the route.
pub fn configure(config: &mut ServiceConfig) {
    config.service(routes::at("/api/v1/changes").get(changes));
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The position to go on from: `X-Log-Seq` of the page before, or what a socket told last. Without it, where the log
    /// begins.
    #[param(value_type = Seq, required = false)]
    after: Option<String>,
    /// Changes on a page at most.
    #[param(value_type = i64, required = false, minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<String>,
}

#[utoipa::path(
    get,
    path = "/api/v1/changes",
    operation_id = "listChanges",
    tag = "changes",
    params(Parts<(Reader,)>, Asked),
    responses(
        (status = 200, description = "Changes in their order, as far as the caller may see them.",
            body = Vec<LoggedChange>, headers(("X-Log-Seq")),
            example = json!([example::change(Kind::BookingCreated)])),
        Parts<(Reader, Query<Asked>, LogGone, Read)>,
    )
)]
/// What has happened since a position in the log
///
/// Positions that are missing are of others. Who goes on from `X-Log-Seq` misses nothing.
async fn changes(
    Reader(caller): Reader,
    Query(asked): Query<Asked>,
    database: Data<Database>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let limit = page::limit(&mut faults, asked.limit.as_deref());
    let after = asked.after.as_deref().map_or(Some(Seq(0)), page::read_seq);
    if after.is_none() {
        faults.add("after", "range", "must be a position in the log: a number from 0");
    }
    let after = faults.or(after, Problem::bad_query())?;
    let read = async |after| database.log_of(caller.tenant, after, limit).await.map_err(problems::of_store);
    let page = match read(after).await? {
        Log::Gone { floor, .. } if asked.after.is_none() => read(floor).await?,
        log => log,
    };
    let page = match page {
        Log::Page(page) => page,
        Log::Gone { floor, seq } => return Err(problems::log_gone(floor, seq)),
    };
    let changes: Vec<Change> = page.changes.iter().map_while(|recorded| recorded.parse().ok()).collect();
    // What a later version wrote, this one can't judge who may see: it reads up to there, and says so.
    let read_to = page.changes.get(changes.len()).map_or(page.read_to, |unknown| unknown.seq.previous());
    Ok(HttpResponse::Ok()
        .insert_header((READ_TO, read_to.to_string()))
        .json(changes.iter().filter_map(|change| visible(change, &caller)).collect::<Vec<_>>()))
}

//! `POST /api/bookings/process-pending`: decide what waits, now, whether or not a validator runs.

use std::time::{Duration, Instant};

use actix_web::web::{Data, Json};
use holdfast_domain::{Shard, rules::Verdict};
use holdfast_relay::Wake;
use holdfast_runtime::{openapi::Parts, problem::Problem};
use holdfast_store::{Database, Error, StepLimits};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{caller::Reader, document::Write, problems};

/// How long it goes on; what is left after that waits for the validators, or the next call.
const WITHIN: Duration = Duration::from_secs(5);

/// What was done, counted in the caller's own tenant.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(example = json!({ "processed": 3, "validated": 2, "rejected": 0, "remaining": 1 }))]
pub struct Processed {
    /// Open wants that were looked at.
    #[schema(minimum = 0)]
    processed: i64,
    /// Those that were granted.
    #[schema(minimum = 0)]
    validated: i64,
    /// Those that were rejected.
    #[schema(minimum = 0)]
    rejected: i64,
    /// Those that are open still.
    #[schema(minimum = 0)]
    remaining: i64,
}

#[utoipa::path(
    post,
    path = "/bookings/process-pending",
    operation_id = "processPending",
    tag = "bookings",
    params(Parts<(Reader,)>),
    responses(
        (status = 200, description = "What was done.", body = Processed),
        Parts<(Reader, Write)>,
    )
)]
/// Decides what waits, now
///
/// Works up to where the log ends at the call, for five seconds at most. Needs no identity; the validators do the same by
/// themselves.
pub async fn process_pending(
    Reader(caller): Reader,
    database: Data<Database>,
    relay: Data<Wake>,
) -> Result<Json<Processed>, Problem> {
    let shard = Shard::of(caller.tenant);
    let mut done = Processed::default();
    let work = async {
        let started = Instant::now();
        let until = database.head(shard).await?.seq;
        while started.elapsed() < WITHIN {
            let step = match database.step(shard, StepLimits::default()).await {
                // What was decided before stays decided, and is told.
                Err(Error::Busy(_)) if done.processed > 0 => break,
                step => step?,
            };
            relay.ring(shard);
            let own = |tenant: &_| *tenant == caller.tenant;
            done.processed +=
                step.judged.iter().filter(|(tenant, _)| own(tenant)).map(|(_, wants)| wants).sum::<i64>();
            for (_, verdict) in step.decided.iter().filter(|(tenant, _)| own(tenant)) {
                match verdict {
                    Verdict::Grant => done.validated += 1,
                    Verdict::Reject => done.rejected += 1,
                }
            }
            if !step.more || (step.cursor >= until && !step.due_left) {
                break;
            }
        }
        done.remaining = database.open_wants(caller.tenant).await?;
        Ok(())
    };
    work.await.map_err(|error: Error| problems::of_store(error))?;
    Ok(Json(done))
}

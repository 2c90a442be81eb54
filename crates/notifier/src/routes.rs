//! The doors: where a socket is asked for, and who is let in.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    rt,
    web::{self, Data, Payload, Query, ServiceConfig},
};
use holdfast_runtime::problem::{FieldProblem, Problem};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    Hub, Settings, query,
    socket::{FRAME_MAX_BYTES, serve},
};

/// Seconds after which a client that was not let in may try again.
const RETRY_AFTER_SECONDS: u32 = 5;

/// All sockets of this process. Cheap to clone; all clones count together.
#[derive(Debug, Clone)]
pub struct Sockets {
    hub: Arc<Hub>,
    places: Arc<Semaphore>,
    beat: Duration,
    stopping: CancellationToken,
}

impl Sockets {
    /// Sockets that all close when `stopping` is cancelled.
    pub fn new(settings: &Settings, hub: Arc<Hub>, stopping: CancellationToken) -> Self {
        Self { hub, places: Arc::new(Semaphore::new(settings.sockets_max)), beat: settings.beat(), stopping }
    }

    /// Mounts the routes, by full path. To be called before whatever mounts `/api/bookings/{id}`, which would swallow them.
    pub fn configure(&self, config: &mut ServiceConfig) {
        config.app_data(Data::new(self.clone()));
        for path in ["/api/bookings/ws", "/api/v1/ws"] {
            config.service(web::resource(path).route(web::get().to(open)));
        }
    }
}

async fn open(
    request: HttpRequest,
    body: Payload,
    pairs: Query<Vec<(String, String)>>,
    sockets: Data<Sockets>,
) -> Result<HttpResponse, Problem> {
    if sockets.stopping.is_cancelled() {
        return Err(Problem::stopping());
    }
    let (caller, interest) = query::parse(&pairs).map_err(bad_query)?;
    let place = Arc::clone(&sockets.places).try_acquire_owned().map_err(|_| busy())?;
    let (answer, session, incoming) =
        actix_ws::handle(&request, body).map_err(|error| Problem::bad_request().detail(error.to_string()))?;
    let subscription = sockets.hub.subscribe(caller, interest).ok_or_else(unavailable)?;
    let incoming = incoming.max_frame_size(FRAME_MAX_BYTES);
    let (beat, stopping) = (sockets.beat, sockets.stopping.clone());
    rt::spawn(async move {
        serve(session, incoming, subscription, beat, stopping).await;
        drop(place);
    });
    Ok(answer)
}

fn bad_query(faults: Vec<FieldProblem>) -> Problem {
    let mut problem = Problem::bad_query();
    problem.fields = faults;
    problem
}

fn busy() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "There are as many sockets as allowed")
        .retry_after(RETRY_AFTER_SECONDS)
}

fn unavailable() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "It is not known yet where the log stands")
        .retry_after(RETRY_AFTER_SECONDS)
}

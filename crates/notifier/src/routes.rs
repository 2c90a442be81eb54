//! The doors: where a socket is asked for, and who is let in.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode},
    rt,
    web::{Data, Payload, ServiceConfig},
};
use holdfast_runtime::{
    extract::Query,
    openapi::Parts,
    problem::{FieldProblem, Problem},
    routes,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    Hub, Settings,
    document::Asked,
    query::{self, Wanted},
    socket::{FRAME_MAX_BYTES, serve},
};

/// Seconds after which a client that was not let in may try again.
const RETRY_AFTER_SECONDS: u32 = 5;

/// Where a socket is asked for: as it is now, and as it was first published.
pub(crate) const PATHS: [&str; 2] = ["/api/v1/ws", "/api/bookings/ws"];

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
        for path in PATHS {
            config.service(routes::at(path).on(Method::GET, open));
        }
    }
}

#[utoipa::path(
    get,
    path = PATHS[0],
    operation_id = "openSocket",
    tag = "sockets",
    params(Parts<(Asked,)>),
    responses(
        (status = 101, description = "A WebSocket. Every message is a text frame with a JSON object: a `SocketMessage`."),
        Parts<(Asked,)>,
    ),
    extensions(
        ("x-messages" = json!({ "schema": { "$ref": "#/components/schemas/SocketMessage" } })),
        ("x-messages-sent" = json!({ "schema": { "$ref": "#/components/schemas/SocketRequest" } })),
    )
)]
/// Opens a socket (WebSocket)
///
/// It says `hello`, then tells each change that is asked for, in the order of the log, and now and then its position.
/// With `after` it goes on where an earlier one broke off: first everything missed, in order, then what comes; or one
/// `resync`, when that can't be had whole.
///
/// A client may send `subscribe` and `unsubscribe`, text frames of at most 4,096 bytes, 20 a second at most. `subscribed` or
/// `unsubscribed` comes among the changes, at the position from which it holds, or `error`, and nothing is different.
///
/// Closed with 1013, the messages came faster than they were read: come back with `after`; with 1001, the service stops:
/// likewise. With 1003 (not text), 1007 (not JSON), 1008 (of no known type, or too often) or 1009 (too long) for what the
/// client sent.
pub(crate) async fn open(
    request: HttpRequest,
    body: Payload,
    Query(pairs): Query<Vec<(String, String)>>,
    sockets: Data<Sockets>,
) -> Result<HttpResponse, Problem> {
    if sockets.stopping.is_cancelled() {
        return Err(Problem::stopping());
    }
    let Wanted { caller, interest, after } = query::parse(&pairs).map_err(bad_query)?;
    let place = Arc::clone(&sockets.places).try_acquire_owned().map_err(|_| busy())?;
    let (answer, session, incoming) =
        actix_ws::handle(&request, body).map_err(|error| Problem::bad_request().detail(error.to_string()))?;
    let subscription = sockets.hub.subscribe(caller, interest, after).ok_or_else(unavailable)?;
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

pub(crate) fn busy() -> Problem {
    try_again("busy", "Too much at once").detail("There are as many sockets as allowed.")
}

pub(crate) fn unavailable() -> Problem {
    try_again("unavailable", "Not available now").detail("It is not known yet where the log stands.")
}

fn try_again(code: &'static str, title: &'static str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, title).retry_after(RETRY_AFTER_SECONDS)
}

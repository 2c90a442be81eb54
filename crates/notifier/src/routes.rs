//! The doors: where a socket is asked for, and who is let in.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    rt,
    web::{Data, Payload, ServiceConfig},
};
use holdfast_domain::Seq;
use holdfast_runtime::{
    extract::Query,
    openapi::Parts,
    problem::{FieldProblem, Problem},
    routes,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{
    Hub, Settings, Subscription,
    document::{Asked, LastEventId, Upgrade},
    query::{self, Wanted},
    socket::{FRAME_MAX_BYTES, serve},
    sse::{CONTENT_TYPE, events},
};

/// Seconds after which a client that was not let in may try again.
const RETRY_AFTER_SECONDS: u32 = 5;

/// Where a socket is asked for: as it is now, and as it was first published.
pub(crate) const PATHS: [&str; 2] = ["/api/v1/ws", "/api/bookings/ws"];

/// Where events are listened to.
const EVENTS_PATH: &str = "/api/v1/sse";

/// The header in which a client that comes back says where it was.
pub(crate) const LAST_EVENT_ID: &str = "Last-Event-ID";

/// All sockets of this process, and streams of events. Cheap to clone; all clones count together.
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
        config.service(routes::at(EVENTS_PATH).on(Method::GET, listen));
    }

    /// Lets somebody in, if there is a place. `last` goes before what the query says of where they broke off.
    fn admit(
        &self,
        pairs: &[(String, String)],
        last: Option<Seq>,
    ) -> Result<(Subscription, OwnedSemaphorePermit), Problem> {
        if self.stopping.is_cancelled() {
            return Err(Problem::stopping());
        }
        let Wanted { caller, interest, after } = query::parse(pairs).map_err(bad_query)?;
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| busy())?;
        let subscription = self.hub.subscribe(caller, interest, last.or(after)).ok_or_else(unavailable)?;
        Ok((subscription, place))
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
        Parts<(Asked, Upgrade)>,
    ),
    extensions(
        ("x-messages" = json!({ "schema": { "$ref": "#/components/schemas/SocketMessage" } })),
        ("x-messages-sent" = json!({ "schema": { "$ref": "#/components/schemas/SocketRequest" } })),
    )
)]
/// Opens a socket (WebSocket)
///
/// It says `hello`, then tells each change that is asked for, in the order of the log, and now and then its position; and
/// between them `availability_changed`, a hint of what is left of a section, to those who asked for its event.
/// With `after` it goes on where an earlier one broke off: first everything missed, in order, then what comes; or one
/// `resync`, when that can't be had whole.
///
/// A client may send `subscribe` and `unsubscribe`, text frames of at most 4,096 bytes, 20 a second at most. `subscribed` or
/// `unsubscribed` comes among the changes, at the position from which it holds, or `error`, and nothing is different.
///
/// Closed with 1013, the messages came faster than they were read: come back with `after`; with 1001, the service stops:
/// likewise, and the reason says when, as in `reconnect in 1234 ms`, each at another moment. With 1003 (not text), 1007 (not JSON), 1008 (of no known type, or too often) or 1009 (too long) for what the
/// client sent.
pub(crate) async fn open(
    request: HttpRequest,
    body: Payload,
    sockets: Data<Sockets>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let (subscription, place) = sockets.admit(&pairs, None)?;
    let (answer, session, incoming) =
        actix_ws::handle(&request, body).map_err(|error| Problem::bad_request().detail(error.to_string()))?;
    let incoming = incoming.max_frame_size(FRAME_MAX_BYTES);
    let (beat, stopping) = (sockets.beat, sockets.stopping.clone());
    rt::spawn(async move {
        serve(session, incoming, subscription, beat, stopping).await;
        drop(place);
    });
    Ok(answer)
}

#[utoipa::path(
    get,
    path = EVENTS_PATH,
    operation_id = "listenToEvents",
    tag = "sockets",
    params(Parts<(Asked, LastEventId)>),
    responses(
        (status = 200, description = "Events without end: each a `SocketMessage` as `data`, its `type` as `event` and its `seq`, if it has one, as `id`.",
            content_type = "text/event-stream", body = String,
            headers(("Cache-Control" = String, description = "Nobody is to keep it."))),
        Parts<(Asked, LastEventId)>,
    ),
    extensions(("x-messages" = json!({ "schema": { "$ref": "#/components/schemas/SocketMessage" } })))
)]
/// Listens to events (SSE)
///
/// What a socket tells, as server-sent events. With `Last-Event-ID`, or `after`, it goes on where an earlier one broke off,
/// as a socket does. A comment comes with each `position`. `retry` says when to come back, to each another time; it comes
/// first, and again when the service stops or the events came faster than they were read. Then it ends.
pub(crate) async fn listen(
    request: HttpRequest,
    sockets: Data<Sockets>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let (subscription, place) = sockets.admit(&pairs, last_event_id(&request)?)?;
    Ok(HttpResponse::Ok()
        .content_type(CONTENT_TYPE)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // A proxy that collects an answer before it passes it on would never pass this one on.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(events(subscription, sockets.beat, sockets.stopping.clone(), place)))
}

fn last_event_id(request: &HttpRequest) -> Result<Option<Seq>, Problem> {
    let Some(value) = request.headers().get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    let position = query::position(value.to_str().unwrap_or_default());
    position.map(Some).map_err(|(rule, message)| Problem::bad_header(LAST_EVENT_ID, rule, message))
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

//! What the API's document says of sockets: how one is asked for, and every message that it can tell.

use std::borrow::Cow;

use holdfast_domain::{
    Availability, DEFAULT_TENANT, EventId, ResourceId, Seq, UserId, VenueId,
    openapi::{LoggedChange, Schemas, changes, example, one_of_by_type},
};
use holdfast_runtime::{
    openapi::{self, Part},
    problem::Problem,
};
use serde_json::{Value, json};
use utoipa::{
    OpenApi as _, PartialSchema as _, ToSchema as _,
    openapi::{
        Array, ObjectBuilder, OpenApi, Ref, RefOr, Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{AllOfBuilder, Schema, SchemaType, Type},
    },
};

use crate::{
    Interest, Message,
    ask::ID_MAX_CHARS,
    hints::Hint,
    render::{HELLO, POSITION, RESYNC},
    routes::{self, PATHS},
};

const ABOUT: &str = "Tells each subscriber what concerns them, as far as they may see it.";

#[derive(utoipa::OpenApi)]
#[openapi(
    paths(routes::open, routes::listen),
    components(schemas(SocketMessage, SocketRequest)),
    tags((name = "sockets", description = "What happens, as it happens."))
)]
struct Document;

/// The OpenAPI document of this service.
pub fn openapi() -> OpenApi {
    let mut document = Document::openapi();
    document.info = openapi::info("Holdfast: sockets", ABOUT);
    let [current, first] = PATHS;
    if let Some(item) = document.paths.paths.get(current) {
        let mut item = item.clone();
        if let Some(open) = &mut item.get {
            open.operation_id = open.operation_id.take().map(|id| format!("{id}AsFirstPublished"));
        }
        document.paths.paths.insert(first.to_owned(), item);
    }
    openapi::complete(document)
}

/// What the query can have.
pub struct Asked;

impl Part for Asked {
    fn parameters() -> Vec<Parameter> {
        let (resources, venues, events) =
            (ids(ResourceId::name()), ids(VenueId::name()), ids(EventId::name()));
        let topic = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["all"]));
        let query = |name: &str, about: &str, schema: RefOr<Schema>| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(about))
                .schema(Some(schema))
                .build()
        };
        vec![
            query(
                "user_id",
                "Who listens: always told of their own bookings, reservations and places in line, of what they did, and of \
                 conflicts with theirs.",
                Ref::from_schema_name(UserId::name()).into(),
            ),
            query("resource", "Everything of these resources besides.", resources),
            query(
                "venue",
                "Everything at these venues besides: of their resources and events, and of the venues themselves; and \
                 hints of what is left of the events.",
                venues,
            ),
            query(
                "event",
                "Everything of these events besides: of their reservations and waiting lists, and of the events themselves; \
                 and hints of what is left of them. With resources and venues 64 at most.",
                events,
            ),
            query("topic", "`all`: everything there is.", topic.into()),
            query(
                "after",
                "Where the client broke off: the last `seq` that it was told, of a change, a `position`, a `hello` or a \
                 `resync`. What came since then is told first.",
                Ref::from_schema_name(Seq::name()).into(),
            ),
        ]
    }

    fn problems() -> Vec<Problem> {
        vec![
            Problem::bad_query().field("topic", "one_of", "must be all"),
            Problem::stopping(),
            routes::busy(),
            routes::unavailable(),
        ]
    }
}

/// Where a stream of events broke off.
pub struct LastEventId;

impl Part for LastEventId {
    fn parameters() -> Vec<Parameter> {
        let about =
            "The `id` of the last event that came; browsers send it by themselves. It goes before `after`.";
        let parameter = ParameterBuilder::new()
            .name(routes::LAST_EVENT_ID)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(Ref::from_schema_name(Seq::name())));
        vec![parameter.build()]
    }

    fn problems() -> Vec<Problem> {
        vec![Problem::bad_header(routes::LAST_EVENT_ID, "position", "is not a position in the log")]
    }
}

/// That no socket was asked for where one is opened.
pub struct Upgrade;

impl Part for Upgrade {
    fn problems() -> Vec<Problem> {
        vec![Problem::bad_request().detail("WebSocket upgrade is expected.")]
    }
}

/// Whatever a socket tells.
#[derive(Debug)]
pub enum SocketMessage {}

/// The messages that are about a position and nothing else: the word, the schema's name, what it says.
const NOTICES: [(&str, &str, &str); 3] = [
    (
        HELLO,
        "Hello",
        "The first message: every change after this position is told, as far as it is asked for, or `resync` in its \
         place. It is the position given as `after`, or where the log stands.",
    ),
    (
        POSITION,
        "Position",
        "Every ten seconds, or as often as is set, and when all that was missed has been told: all that concerns the \
         subscriber up to here has been told. After 30 seconds of silence the line is dead.",
    ),
    (
        RESYNC,
        "Resync",
        "Something up to here may be missing: read afresh what you keep a copy of. It goes on after this position.",
    ),
];

impl utoipa::PartialSchema for SocketMessage {
    fn schema() -> RefOr<Schema> {
        let notices = NOTICES.map(|(word, name, _)| (word, name.to_owned()));
        let answers = ANSWERS.map(|(word, name, _)| (word, name.to_owned()));
        let hint = [(Message::HINT, HINT.to_owned())];
        let all: Vec<_> = notices.into_iter().chain(answers).chain(hint).chain(changes()).collect();
        one_of_by_type(
            &all,
            "A message of a socket: about a position, an answer, a hint, or a change as it stands in the log.",
        )
    }
}

impl utoipa::ToSchema for SocketMessage {
    fn name() -> Cow<'static, str> {
        "SocketMessage".into()
    }

    fn schemas(schemas: &mut Schemas) {
        for (word, name, about) in NOTICES {
            schemas.push((name.to_owned(), notice(word, about)));
        }
        for (word, name, about) in ANSWERS {
            schemas.push((name.to_owned(), answer(word, about)));
        }
        schemas.push((HINT.to_owned(), hint()));
        LoggedChange::schemas(schemas);
        schemas.push((ResourceId::name().into_owned(), ResourceId::schema()));
        schemas.push((VenueId::name().into_owned(), VenueId::schema()));
        schemas.push((EventId::name().into_owned(), EventId::schema()));
    }
}

/// The schema's name of a hint.
const HINT: &str = "AvailabilityChanged";

/// The answers to what a client sends, likewise.
const ANSWERS: [(&str, &str, &str); 3] = [
    ("subscribed", "Subscribed", "What was asked for is told, of every change after this position."),
    (
        "unsubscribed",
        "Unsubscribed",
        "What was asked for is no longer told, of every change after this position.",
    ),
    ("error", "SocketError", "A message of the client's was wrong, and nothing is different."),
];

/// Whatever a client says on a socket.
#[derive(Debug)]
pub enum SocketRequest {}

/// What a client says, likewise.
const REQUESTS: [(&str, &str, &str); 2] = [
    (
        "subscribe",
        "Subscribe",
        "Asks to be told of these as well; of 64 resources, venues and events at most, all in all.",
    ),
    ("unsubscribe", "Unsubscribe", "Asks to be told no longer of these. One's own is always told."),
];

impl utoipa::PartialSchema for SocketRequest {
    fn schema() -> RefOr<Schema> {
        let all = REQUESTS.map(|(word, name, _)| (word, name.to_owned()));
        one_of_by_type(&all, "A message to a socket.")
    }
}

impl utoipa::ToSchema for SocketRequest {
    fn name() -> Cow<'static, str> {
        "SocketRequest".into()
    }

    fn schemas(schemas: &mut Schemas) {
        schemas.extend(REQUESTS.map(|(word, name, about)| (name.to_owned(), request(word, about))));
    }
}

fn typed(word: &str, about: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .description(Some(about))
        .property("type", ObjectBuilder::new().schema_type(Type::String).enum_values(Some([word])))
        .required("type")
}

fn id() -> ObjectBuilder {
    let about = "What the client calls the message; its answer has the same.";
    ObjectBuilder::new().schema_type(Type::String).max_length(Some(ID_MAX_CHARS)).description(Some(about))
}

/// As many ids as a subscriber may name.
fn ids(of: Cow<'_, str>) -> RefOr<Schema> {
    Array::builder().items(Ref::from_schema_name(of)).max_items(Some(Interest::NAMED_MAX)).into()
}

fn request(word: &str, about: &str) -> RefOr<Schema> {
    let all = ObjectBuilder::new().schema_type(Type::Boolean).description(Some("Everything there is."));
    typed(word, about)
        .property("id", id())
        .required("id")
        .property("resources", ids(ResourceId::name()))
        .property("venues", ids(VenueId::name()))
        .property("events", ids(EventId::name()))
        .property("all", all)
        .examples([json!({ "type": word, "id": "1", "resources": ["0195a2b0-1111-7d11-8a55-000000000001"] })])
        .into()
}

fn answer(word: &str, about: &str) -> RefOr<Schema> {
    let string = || ObjectBuilder::new().schema_type(Type::String);
    if word != "error" {
        return typed(word, about)
            .property("id", id())
            .required("id")
            .property("seq", Ref::from_schema_name(Seq::name()))
            .required("seq")
            .examples([json!({ "type": word, "id": "1", "seq": 17 })])
            .into();
    }
    let about_id = "What the client calls the message; null when it did not say.";
    let id =
        string().schema_type(SchemaType::from_iter([Type::String, Type::Null])).description(Some(about_id));
    let code = string().enum_values(Some(["bad_message", "too_many"]));
    typed(word, about)
        .property("id", id)
        .required("id")
        .property("code", code)
        .required("code")
        .property("detail", string().description(Some("The same for people.")))
        .required("detail")
        .examples([json!({ "type": word, "id": "1", "code": "too_many", "detail": "a socket has at most 64 resources, venues and events" })])
        .into()
}

fn notice(word: &str, about: &str) -> RefOr<Schema> {
    typed(word, about)
        .property("seq", Ref::from_schema_name(Seq::name()))
        .required("seq")
        .examples([json!({ "type": word, "seq": 17 })])
        .into()
}

fn hint() -> RefOr<Schema> {
    let about = "What is left of a section, to those who asked for its event, its venue or all: after a change, and at most \
         five times a second, then of the newest. It has no `seq`: it may be left out, where much is waiting, and nothing \
         is told of it to who comes back.";
    let event = ObjectBuilder::new()
        .property("event_id", Ref::from_schema_name(EventId::name()))
        .required("event_id");
    let data = AllOfBuilder::new().item(event).item(Ref::from_schema_name(Availability::name()));
    let (event, left) = (example::event(), example::left());
    let hint = Hint { tenant_id: DEFAULT_TENANT, event_id: event.id, venue_id: event.venue_id, left };
    let example: Option<Value> = serde_json::from_str(hint.message().text()).ok();
    typed(Message::HINT, about).property("data", data).required("data").examples(example).into()
}

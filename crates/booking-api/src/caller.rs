//! Who is asking, in open mode: callers name themselves. Handlers see a [`Caller`] and no header.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{StatusCode, header::HeaderMap},
};
use holdfast_domain::{Caller, IdempotencyKey, RequestId, Trace, Traceparent, UserId};
use holdfast_runtime::{headers, openapi::Part, problem::Problem};
use holdfast_store::{Key, Order, WriteError};
use sha2::{Digest, Sha256};
use utoipa::{
    ToSchema,
    openapi::{
        Ref, Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};
use uuid::Uuid;

use crate::problems;

const USER_HEADER: &str = "X-User-ID";

/// Somebody who reads; may be nobody in particular.
pub struct Reader(pub Caller);

/// Somebody who writes, and says who they are; and what their write is to be known by.
pub struct Writer {
    /// Who is asking.
    pub caller: Caller,
    user: UserId,
    write: Write,
}

/// Somebody who writes, and may say in the body who they are.
pub struct MaybeWriter {
    /// Who they are by the header.
    caller: Caller,
    write: Write,
}

/// What a write is to be known by.
struct Write {
    trace: Trace,
    key: Option<IdempotencyKey>,
    /// Method and path.
    asked: String,
}

impl FromRequest for Reader {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(user(request.headers()).map(|user| Self(caller(request, user))))
    }
}

impl FromRequest for Writer {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(MaybeWriter::of(request, payload, true).and_then(MaybeWriter::named))
    }
}

impl FromRequest for MaybeWriter {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Self::of(request, payload, false))
    }
}

impl MaybeWriter {
    fn of(request: &HttpRequest, payload: &mut Payload, must_be_named: bool) -> Result<Self, Problem> {
        let user = user(request.headers())?;
        if must_be_named && user.is_none() {
            return Err(identity_required());
        }
        let header = headers::IdempotencyKey::from_request(request, payload).into_inner()?;
        // What is no key of the domain's was refused as a header.
        let key = header.as_str().and_then(|key| IdempotencyKey::parse(key).ok());
        let Ok(request_id) = headers::RequestId::from_request(request, payload).into_inner();
        let Ok(traceparent) = headers::Traceparent::from_request(request, payload).into_inner();
        let trace = Trace {
            request_id: RequestId::parse(request_id.as_str()).ok(),
            traceparent: traceparent.as_str().and_then(|parent| Traceparent::parse(parent).ok()),
        };
        let asked = key.as_ref().map(|_| format!("{} {}", request.method(), request.path()));
        let write = Write { trace, key, asked: asked.unwrap_or_default() };
        Ok(Self { caller: caller(request, user), write })
    }

    /// Whether a header names the write.
    pub fn has_key(&self) -> bool {
        self.write.key.is_some()
    }

    /// Whether the header says that they are somebody else.
    pub fn contradicts(&self, user: &UserId) -> bool {
        self.caller.user.as_ref().is_some_and(|said| said != user)
    }

    /// Who they are by the header, or else by the body.
    ///
    /// # Errors
    /// When neither says so.
    pub fn or(mut self, user: Option<UserId>) -> Result<Writer, Problem> {
        self.caller.user = self.caller.user.or(user);
        self.named()
    }

    fn named(self) -> Result<Writer, Problem> {
        let user = self.caller.user.clone().ok_or_else(identity_required)?;
        Ok(Writer { caller: self.caller, user, write: self.write })
    }
}

impl Writer {
    /// Who is asking.
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// The order for a write that was asked for with this body.
    pub fn order(&self, body: &[u8]) -> Order {
        let key = self.write.key.clone().map(|name| Key {
            name,
            fingerprint: Sha256::new()
                .chain_update(&self.write.asked)
                .chain_update("\n")
                .chain_update(body)
                .finalize()
                .into(),
        });
        self.order_under(key)
    }

    /// The order for a write that goes by this name.
    pub fn order_under(&self, key: Option<Key>) -> Order {
        Order {
            tenant_id: self.caller.tenant,
            user_id: self.user.clone(),
            command_id: Uuid::now_v7().into(),
            trace: self.write.trace.clone(),
            key,
        }
    }
}

impl Part for Reader {
    fn parameters() -> Vec<Parameter> {
        vec![user_header("Who asks; nobody in particular, without it.").build()]
    }

    fn problems() -> Vec<Problem> {
        vec![Problem::bad_header(USER_HEADER, "duplicate", "is sent more than once")]
    }
}

impl Part for Writer {
    fn parameters() -> Vec<Parameter> {
        let user = user_header("Who asks; it is theirs what is made.").required(Required::True);
        [vec![user.build()], headers::IdempotencyKey::parameters()].concat()
    }

    fn problems() -> Vec<Problem> {
        let mut all = <(Reader, headers::IdempotencyKey)>::problems();
        all.extend([identity_required(), problems::of_write(WriteError::KeyReused)]);
        all
    }
}

impl Part for MaybeWriter {
    fn parameters() -> Vec<Parameter> {
        let user = user_header("Who asks, unless the body says so.");
        [vec![user.build()], headers::IdempotencyKey::parameters()].concat()
    }

    fn problems() -> Vec<Problem> {
        Writer::problems()
    }
}

fn user_header(about: &str) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(USER_HEADER)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(Ref::from_schema_name(UserId::name())))
        .example(Some("alice".into()))
}

/// Who names themselves so, with the roles of open mode, or with those that whoever mounts the routes gives to all.
fn caller(request: &HttpRequest, user: Option<UserId>) -> Caller {
    let open = Caller::open(user);
    Caller { roles: request.app_data().copied().unwrap_or(open.roles), ..open }
}

fn user(headers: &HeaderMap) -> Result<Option<UserId>, Problem> {
    let mut values = headers.get_all(USER_HEADER);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::bad_header(USER_HEADER, "duplicate", "is sent more than once"));
    }
    let text = std::str::from_utf8(value.as_bytes())
        .map_err(|_| Problem::bad_header(USER_HEADER, "utf_8", "is not UTF-8"))?;
    UserId::parse(text)
        .map(Some)
        .map_err(|error| Problem::bad_header(USER_HEADER, error.rule(), error.to_string()))
}

fn identity_required() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "identity_required", "Say who you are")
        .detail(format!("A write needs the header {USER_HEADER}, with the name of the user who makes it."))
}

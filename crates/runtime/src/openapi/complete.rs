//! What every operation has, put in after the fact: the name of a request, HEAD wherever GET is, headers and examples
//! by reference. To complete a document twice changes nothing.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Header, OpenApi, PathItem, Ref, RefOr, Response, example::Example, path::Parameter,
    },
};

use super::{headers, parts, problems};
use crate::problem::{self, FieldProblem, Problem};

const REQUEST_ID: &str = "X-Request-ID";
const TRACEPARENT: &str = "traceparent";

/// The group of the operations that are another's without the body.
pub(super) const HEAD_TAG: &str = "HEAD";

/// Adds to a service's operations what is the same for all.
pub fn complete(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_default();
    let known = headers::known();
    for parameter in parameters() {
        components.parameters.insert(parameter.name.clone(), parameter.into());
    }
    let schemas = [
        (problem::Document::name(), problem::Document::schema()),
        (FieldProblem::name(), FieldProblem::schema()),
    ];
    components.schemas.extend(schemas.map(|(name, schema)| (name.into_owned(), schema)));
    let nothing = problems::response(StatusCode::NOT_FOUND, &[Problem::not_found()]);
    let mut refused = problems::response(StatusCode::METHOD_NOT_ALLOWED, &[Problem::method_not_allowed()]);
    refused.headers.insert("Allow".to_owned(), Header::default().into());
    for (name, mut response) in [("NotFound", nothing), ("MethodNotAllowed", refused)] {
        finish(&mut response, components, &known);
        components.responses.insert(name.to_owned(), response.into());
    }
    for item in document.paths.paths.values_mut() {
        name_requests(item);
        add_head(item);
        for response in responses(item) {
            finish(response, components, &known);
        }
    }
    document
}

fn parameters() -> [Parameter; 2] {
    let name = parts::string();
    let about = "A name for the request, in logs, in the log of changes and in the answer: 1 to 64 letters, digits, `.`, `_` \
                 and `-`. One of another form is as none, and a new one is made.";
    let trace =
        "The trace that the request belongs to (W3C Trace Context). One that can't be read is as none.";
    [
        parts::header(REQUEST_ID, name, about).build(),
        parts::header(TRACEPARENT, parts::string(), trace).build(),
    ]
}

fn refer<T>(kind: &str, name: &str) -> RefOr<T> {
    RefOr::Ref(Ref::new(format!("#/components/{kind}/{name}")))
}

fn name_requests(item: &mut PathItem) {
    let parameters = [REQUEST_ID, TRACEPARENT].map(|name| refer("parameters", name));
    item.parameters = Some(parameters.into());
}

/// HEAD is GET without the body; a GET that opens a socket, or a stream of events, has none.
fn add_head(item: &mut PathItem) {
    let goes_on = |(status, response): (&String, &RefOr<Response>)| {
        let is_events = |response: &Response| response.content.contains_key("text/event-stream");
        status == "101" || matches!(response, RefOr::T(response) if is_events(response))
    };
    let Some(get) = item.get.as_ref().filter(|get| !get.responses.responses.iter().any(goes_on)) else {
        return;
    };
    let mut head = get.clone();
    head.tags = Some(vec![HEAD_TAG.to_owned()]);
    head.operation_id = head.operation_id.map(|id| format!("{id}Head"));
    head.description = Some("As GET, without the body.".to_owned());
    for response in head.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.content.clear();
        }
    }
    item.head = Some(head);
}

/// Every answer of a path that is described there.
pub(super) fn responses(item: &mut PathItem) -> impl Iterator<Item = &mut Response> {
    let operations =
        [&mut item.get, &mut item.head, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
    let responses = operations.into_iter().flatten().flat_map(|it| it.responses.responses.values_mut());
    responses.filter_map(|response| match response {
        RefOr::T(response) => Some(response),
        RefOr::Ref(_) => None,
    })
}

/// Refers to what is described elsewhere, and adds the name that every answer has.
fn finish(response: &mut Response, components: &mut Components, known: &BTreeMap<&'static str, Header>) {
    response.headers.entry(REQUEST_ID.to_owned()).or_insert_with(|| Header::default().into());
    for (name, header) in &mut response.headers {
        if let Some(known) = known.get(name.as_str()) {
            components.headers.entry(name.clone()).or_insert_with(|| known.clone().into());
        }
        if components.headers.contains_key(name) {
            *header = refer("headers", name);
        }
    }
    if let Some(RefOr::T(content)) = response.content.get_mut(problem::CONTENT_TYPE) {
        share(&mut content.examples, &mut components.examples);
    }
}

/// An example of many answers stands in one place, unless another has its name there.
fn share(examples: &mut BTreeMap<String, RefOr<Example>>, shared: &mut BTreeMap<String, RefOr<Example>>) {
    for (name, example) in examples {
        if matches!(example, RefOr::T(_))
            && *shared.entry(name.clone()).or_insert_with(|| example.clone()) == *example
        {
            *example = refer("examples", name);
        }
    }
}

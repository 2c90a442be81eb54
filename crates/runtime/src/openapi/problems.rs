//! Problems as answers: one for each status, with the codes that it can have, and an example of each.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::{Value, json};
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, Header, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder,
        example::{Example, ExampleBuilder},
        schema::{AllOfBuilder, ArrayBuilder, Schema, Type},
    },
};

use crate::problem::{self, Problem};

/// The answers that these make.
pub(super) fn responses(problems: Vec<Problem>) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<StatusCode, Vec<Problem>> = BTreeMap::new();
    for problem in problems {
        by_status.entry(problem.status).or_default().push(problem);
    }
    by_status
        .iter()
        .map(|(status, all)| (status.as_str().to_owned(), response(*status, all).into()))
        .collect()
}

/// The answer with this status, which is one of these.
pub(super) fn response(status: StatusCode, problems: &[Problem]) -> Response {
    let mut codes: Vec<(&str, &str)> = problems.iter().map(|problem| (problem.code, problem.title)).collect();
    codes.sort_unstable();
    codes.dedup();
    let about = codes.iter().map(|(code, title)| format!("`{code}`: {title}.")).collect::<Vec<_>>().join(" ");
    let code =
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes.iter().map(|(code, _)| *code)));
    let status = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([status.as_u16()]));
    let particular = ObjectBuilder::new().property("code", code).property("status", status);
    let members: BTreeMap<&str, &Value> = problems
        .iter()
        .flat_map(|problem| &problem.members)
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    let particular =
        members.into_iter().fold(particular, |schema, (name, value)| schema.property(name, like(value)));
    let schema = AllOfBuilder::new().item(Ref::from_schema_name(problem::Document::name())).item(particular);
    let content =
        ContentBuilder::new().schema(Some(schema)).examples_from_iter(problems.iter().map(example)).build();
    let mut response = ResponseBuilder::new().description(about).content(problem::CONTENT_TYPE, content);
    if problems.iter().all(|problem| problem.retry_after_seconds.is_some()) {
        response = response.header("Retry-After", Header::default());
    }
    response.build()
}

/// The schema of what looks like this. A list is of what its first entry looks like.
fn like(value: &Value) -> RefOr<Schema> {
    let of = |r#type: Type| ObjectBuilder::new().schema_type(r#type);
    match value {
        Value::Array(entries) => {
            let entries = entries.first().map_or_else(|| of(Type::Object).into(), like);
            ArrayBuilder::new().items(entries).into()
        }
        Value::Object(members) => {
            let members = members.iter();
            members.fold(of(Type::Object), |schema, (name, value)| schema.property(name, like(value))).into()
        }
        Value::Number(_) => of(Type::Integer).into(),
        Value::Bool(_) => of(Type::Boolean).into(),
        Value::String(_) | Value::Null => of(Type::String).into(),
    }
}

/// An example, and its name.
fn example(problem: &Problem) -> (String, Example) {
    let name = match problem.fields.first() {
        Some(fault) => format!("{}.{}", problem.code, fault.rule),
        None => problem.code.to_owned(),
    };
    (name, ExampleBuilder::new().summary(problem.title).value(Some(json!(problem.document()))).build())
}

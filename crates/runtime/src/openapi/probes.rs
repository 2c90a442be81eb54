//! The operations that every process has: probes, metrics, and the pages for people.

use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ComponentsBuilder, Content, ContentBuilder, Header, HttpMethod, ObjectBuilder, OpenApi,
        OpenApiBuilder, PathsBuilder, Ref, Required, Response, ResponseBuilder,
        path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathItem},
        schema::Type,
        tag::TagBuilder,
    },
};

use super::{complete, parts, problems};
use crate::{headers::IfNoneMatch, health, problem::Problem};

const PROBES: &str = "probes";
const PAGES: &str = "pages";

/// `/livez`, `/readyz` and `/metrics`.
pub(super) fn probes() -> OpenApi {
    let live = ObjectBuilder::new()
        .property("status", ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["live"])))
        .required("status");
    let live = ContentBuilder::new().schema(Some(live)).example(Some(json!({ "status": "live" }))).build();
    let livez = operation(PROBES, "getLivez", "Whether the process runs")
        .response("200", json_answer("It does.", live));

    let ready = |example| {
        let schema = Ref::from_schema_name(health::Document::name());
        ContentBuilder::new().schema(Some(schema)).example(Some(example)).build()
    };
    let down = json!({ "status": "down", "reason": "no answer" });
    let degraded =
        json!({ "status": "degraded", "components": { "postgres": { "status": "up" }, "redis": down } });
    let unavailable = json!({ "status": "unavailable", "components": { "postgres": down } });
    let readyz = operation(PROBES, "getReadyz", "Whether the process can serve, and what it leans on")
        .response(
            "200",
            json_answer("It can: `ready`, or `degraded` without what it can do without.", ready(degraded)),
        )
        .response("503", json_answer("It can't: `unavailable`, or `stopping`.", ready(unavailable)));

    let text = ContentBuilder::new()
        .schema(Some(String::schema()))
        .example(Some(json!("# HELP holdfast_build_info What is running; always 1.\nholdfast_build_info{version=\"0.1.0\"} 1\n")))
        .build();
    let metrics = operation(PROBES, "getMetrics", "What is counted and timed, for Prometheus").response(
        "200",
        ResponseBuilder::new().description("All metrics, in the text format.").content("text/plain", text),
    );

    let mut schemas = vec![(health::Document::name().into_owned(), health::Document::schema())];
    <health::Document as ToSchema>::schemas(&mut schemas);
    let paths = [("/livez", livez), ("/readyz", readyz), ("/metrics", metrics)];
    let mut document = of(paths, PROBES, "How the process is.");
    document.components = Some(ComponentsBuilder::new().schemas_from_iter(schemas).build());
    complete(document)
}

/// `/`, `/openapi.json` and `/docs`, where they are mounted.
pub(super) fn pages() -> OpenApi {
    let start = page("getStart", "What is where", &["text/html"]);
    let document = page("getOpenapi", "This document", &["application/json"]);
    let viewer = operation(PAGES, "getDocs", "The way to the viewer of this document").response(
        "308",
        ResponseBuilder::new().description("It is at `/docs/`.").header("Location", Header::default()),
    );
    let name = ParameterBuilder::new()
        .name("file")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("A file of the viewer; the page itself, if empty."))
        .schema(Some(parts::string().examples(["index.html"])));
    let types = ["text/html", "text/css", "text/javascript", "image/png"];
    let mut file = page("getDocsFile", "The viewer of this document, and what it is made of", &types)
        .parameter(name)
        .build();
    let refused =
        problems::responses(vec![Problem::not_found(), Problem::bad_path().detail("It is not UTF-8.")]);
    file.responses.responses.extend(refused);
    let paths = [("/", start.build()), ("/openapi.json", document.build()), ("/docs", viewer.build())];
    let paths = paths.into_iter().chain([("/docs/{file}", file)]);
    complete(of(paths, PAGES, "For people; nothing is loaded from elsewhere."))
}

fn of<O: Into<Operation>>(
    paths: impl IntoIterator<Item = (&'static str, O)>,
    tag: &str,
    about: &str,
) -> OpenApi {
    let paths = paths.into_iter().fold(PathsBuilder::new(), |paths, (path, operation)| {
        paths.path(path, PathItem::new(HttpMethod::Get, operation))
    });
    let tag = TagBuilder::new().name(tag).description(Some(about)).build();
    OpenApiBuilder::new().paths(paths).tags(Some([tag])).build()
}

fn operation(tag: &str, id: &str, summary: &str) -> OperationBuilder {
    OperationBuilder::new().tag(tag).operation_id(Some(id)).summary(Some(summary))
}

/// A page that is sent once to a caller that keeps it.
fn page(id: &str, summary: &str, types: &[&str]) -> OperationBuilder {
    let is_binary = |media_type: &str| media_type.starts_with("image/");
    let content = |media_type: &str| match media_type {
        "application/json" => Content::new(Some(
            ObjectBuilder::new()
                .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::FreeForm(true))),
        )),
        binary if is_binary(binary) => Content::default(),
        _ => Content::new(Some(String::schema())),
    };
    let whole = ResponseBuilder::new().description("The page.").header("ETag", Header::default());
    let whole = types.iter().fold(whole, |answer, kind| answer.content(*kind, content(kind)));
    let kept = ResponseBuilder::new().description("As the caller has it.").header("ETag", Header::default());
    let conditions = <IfNoneMatch as super::Part>::parameters();
    let page = operation(PAGES, id, summary).response("200", whole).response("304", kept);
    conditions.into_iter().fold(page, OperationBuilder::parameter)
}

fn json_answer(about: &str, content: Content) -> Response {
    ResponseBuilder::new().description(about).content("application/json", content).build()
}

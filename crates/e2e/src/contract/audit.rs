//! A document by itself: whether it is one, and whether its parts agree with each other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{METHODS, escaped, schemas::Schemas};

pub(super) fn faults(document: &Value, schemas: &Schemas) -> Vec<String> {
    let mut faults = Vec::new();
    if !document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")) {
        faults.push("it is not of OpenAPI 3.1".to_owned());
    }
    for field in ["title", "version"] {
        if !document["info"][field].is_string() {
            faults.push(format!("it has no {field}"));
        }
    }
    references(document, document, &mut faults);
    operations(document, &mut faults);
    unused(document, &mut faults);
    titles(document, &mut faults);
    for place in schemas.places() {
        examples(document, schemas, place, &mut faults);
    }
    faults
}

/// Each refers to something.
fn references(document: &Value, value: &Value, faults: &mut Vec<String>) {
    for place in refs(value) {
        if place.strip_prefix('#').and_then(|pointer| document.pointer(pointer)).is_none() {
            faults.push(format!("nothing is at {place}"));
        }
    }
}

fn refs(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(object) => {
            let own = object.get("$ref").and_then(Value::as_str);
            own.into_iter().chain(object.values().flat_map(refs)).collect()
        }
        Value::Array(values) => values.iter().flat_map(refs).collect(),
        _ => Vec::new(),
    }
}

/// Each has a name of its own, a group that is known, and the parameters of its path; each answer is told of.
fn operations(document: &Value, faults: &mut Vec<String>) {
    let tags: BTreeSet<_> =
        document["tags"].as_array().into_iter().flatten().map(|tag| &tag["name"]).map(text).collect();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS.iter().filter(|method| item.get(**method).is_some()) {
            let operation = &item[*method];
            let mut fault = |what: &str| faults.push(format!("{method} {path} {what}"));
            let id = text(&operation["operationId"]);
            if id.is_empty() || !ids.insert(id) {
                fault("has no name of its own");
            }
            if text(&operation["summary"]).is_empty() {
                fault("has no summary");
            }
            let groups = operation["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
            if groups.is_empty() || !groups.iter().all(|tag| tags.contains(text(tag))) {
                fault("is in no group that is described");
            }
            if open(path) != of_path(operation) {
                fault("describes other parts of its path than there are");
            }
            let responses = operation["responses"].as_object();
            if responses.is_none_or(serde_json::Map::is_empty) {
                fault("has no answer");
            }
            for (status, response) in responses.into_iter().flatten() {
                if text(&response["description"]).is_empty()
                    || !status.parse().is_ok_and(|code: u16| code < 600)
                {
                    fault(&format!("does not describe {status}"));
                }
            }
        }
    }
}

/// The parts that a path leaves open.
fn open(path: &str) -> BTreeSet<&str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
}

/// The parameters of the path that an operation describes, of those that are required.
fn of_path(operation: &Value) -> BTreeSet<&str> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let of_path = parameters.filter(|parameter| parameter["in"] == "path" && parameter["required"] == true);
    of_path.map(|parameter| text(&parameter["name"])).collect()
}

/// Components that nothing refers to; the answers of all paths that are not there are for whoever asks.
fn unused(document: &Value, faults: &mut Vec<String>) {
    let used: BTreeSet<&str> = refs(document).into_iter().collect();
    for (kind, components) in document["components"].as_object().into_iter().flatten() {
        for name in components.as_object().into_iter().flatten().map(|(name, _)| name) {
            let place = format!("#/components/{kind}/{}", escaped(name));
            if kind != "responses" && !used.contains(place.as_str()) {
                faults.push(format!("nothing refers to {place}"));
            }
        }
    }
}

/// A code means the same wherever it is shown.
fn titles(document: &Value, faults: &mut Vec<String>) {
    let mut titles: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for problem in problems(document) {
        titles.entry(text(&problem["code"])).or_default().insert(text(&problem["title"]));
    }
    for (code, titles) in titles.into_iter().filter(|(_, titles)| titles.len() > 1) {
        faults.push(format!("{code} has the titles {titles:?}"));
    }
}

/// The examples that are problems, wherever they are.
fn problems(value: &Value) -> Vec<&Value> {
    match value {
        Value::Object(object) if object.contains_key("code") && object.contains_key("title") => vec![value],
        Value::Object(object) => object.values().flat_map(problems).collect(),
        Value::Array(values) => values.iter().flat_map(problems).collect(),
        _ => Vec::new(),
    }
}

/// What is shown beside a schema, or in it, is as the schema has it.
fn examples(document: &Value, schemas: &Schemas, place: &str, faults: &mut Vec<String>) {
    let beside = place.strip_suffix("/schema").and_then(|parent| document.pointer(parent));
    for holder in beside.into_iter().chain(document.pointer(place)) {
        let one = holder.get("example").into_iter();
        let many: Vec<&Value> = match &holder["examples"] {
            Value::Array(examples) => examples.iter().collect(),
            Value::Object(named) => {
                named.values().map(|example| &resolved(document, example)["value"]).collect()
            }
            _ => Vec::new(),
        };
        for example in one.chain(many) {
            faults.extend(
                schemas
                    .faults(place, example)
                    .into_iter()
                    .map(|fault| format!("an example of {place}: {fault}")),
            );
        }
    }
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let place = value["$ref"].as_str().and_then(|place| place.strip_prefix('#'));
    place.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

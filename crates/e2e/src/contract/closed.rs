//! Schemas without room for what they do not name.

use serde_json::{Map, Value};

/// Words under which schemas stand that say more of the same value.
const SAME: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// Words that tell of an object's fields.
const OBJECT: [&str; 5] = ["$ref", "properties", "allOf", "anyOf", "oneOf"];

/// Closes every schema of the document.
pub(super) fn close(document: &mut Value) {
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        // Each is closed where it is used: it may be a part of another.
        schemas.values_mut().for_each(|schema| schema_of(schema, false));
    }
    if let Some(paths) = document.get_mut("paths") {
        content(paths);
    }
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.iter_mut().filter(|(name, _)| *name != "schemas").for_each(|(_, value)| content(value));
    }
}

/// Closes what stands under `schema`, wherever that is, but for examples.
fn content(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match name.as_str() {
                    "schema" => schema_of(value, true),
                    "example" | "examples" => {}
                    _ => content(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(content),
        _ => {}
    }
}

fn schema_of(schema: &mut Value, is_whole: bool) {
    let Value::Object(schema) = schema else { return };
    let each = |value: &mut Value| schema_of(value, true);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(each);
    }
    for name in ["items", "additionalProperties"] {
        schema.get_mut(name).map(each);
    }
    for name in SAME {
        if let Some(Value::Array(schemas)) = schema.get_mut(name) {
            for schema in schemas {
                schema_of(schema, false);
            }
        }
    }
    if is_whole && says_more(schema) {
        schema.insert("unevaluatedProperties".to_owned(), false.into());
    }
}

fn says_more(schema: &Map<String, Value>) -> bool {
    OBJECT.iter().any(|word| schema.contains_key(*word))
}

//! The schemas of a document, compiled once: those of components, and those of whatever is sent or answered.

use std::collections::HashMap;

use boon::{Compiler, SchemaIndex};
use serde_json::Value;

use super::{closed, escaped};

/// Where the document is said to be; nobody looks there.
const PLACE: &str = "http://localhost/openapi.json";

/// Schemas by where they stand in the document, as a JSON pointer.
pub(super) struct Schemas {
    compiled: boon::Schemas,
    places: HashMap<String, SchemaIndex>,
}

impl Schemas {
    pub(super) fn of(document: &Value) -> Self {
        let mut pointers = Vec::new();
        find(document, "", &mut pointers);
        let mut closed = document.clone();
        closed::close(&mut closed);
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler.add_resource(PLACE, closed).unwrap();
        let mut compiled = boon::Schemas::new();
        let places = pointers
            .into_iter()
            .map(|pointer| {
                let index = compiler.compile(&format!("{PLACE}#{}", encoded(&pointer)), &mut compiled);
                let index = index.unwrap_or_else(|error| panic!("{pointer} is no schema: {error:#}"));
                (pointer, index)
            })
            .collect();
        Self { compiled, places }
    }

    /// Where they stand.
    pub(super) fn places(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// What of `value` is not as the schema at `pointer` has it, in words.
    pub(super) fn faults(&self, pointer: &str, value: &Value) -> Vec<String> {
        let Some(index) = self.places.get(pointer) else {
            return vec![format!("there is no schema at {pointer}")];
        };
        match self.compiled.validate(value, *index) {
            Ok(()) => Vec::new(),
            Err(error) => vec![format!("{error:#} in {value}")],
        }
    }
}

/// Finds the schemas of components, and whatever else stands under `schema`.
fn find(value: &Value, at: &str, pointers: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let pointer = format!("{at}/{}", escaped(name));
                match name.as_str() {
                    "schema" => pointers.push(pointer),
                    "schemas" => {
                        let names = value.as_object().into_iter().flat_map(|schemas| schemas.keys());
                        pointers.extend(names.map(|name| format!("{pointer}/{}", escaped(name))));
                    }
                    "example" | "examples" => {}
                    _ => find(value, &pointer, pointers),
                }
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                find(value, &format!("{at}/{index}"), pointers);
            }
        }
        _ => {}
    }
}

/// As a URL's fragment.
fn encoded(pointer: &str) -> String {
    pointer.replace('%', "%25").replace('{', "%7B").replace('}', "%7D")
}

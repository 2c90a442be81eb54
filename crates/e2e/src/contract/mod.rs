//! The API's document, held against what is answered and told: whatever it does not have is a fault.
//!
//! It is read as strictly as it can be: a field that it does not name is a fault, though to clients it says nothing of
//! fields to come.

mod audit;
mod closed;
mod schemas;

use std::{
    collections::BTreeSet,
    process::Command,
    sync::{Arc, OnceLock},
};

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::Binary;
use schemas::Schemas;

/// What a request and its answer were.
#[derive(Debug)]
pub struct Call<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, without the query.
    pub path: &'a str,
    /// The names of the query's parameters.
    pub query: Vec<String>,
    /// The body that was sent.
    pub sent: &'a [u8],
    /// The status of the answer.
    pub status: u16,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
}

/// A document that answers are held against.
pub struct Contract {
    document: Value,
    schemas: Schemas,
}

impl Contract {
    /// The document of everything, as the binary prints it.
    ///
    /// # Panics
    /// When it prints none.
    pub fn of_holdfast() -> Arc<Self> {
        static CONTRACT: OnceLock<Arc<Contract>> = OnceLock::new();
        let print = || {
            let printed = Command::new(Binary::Holdfast.path()).arg("openapi").env_clear().output().unwrap();
            Arc::new(Self::new(serde_json::from_slice(&printed.stdout).unwrap()))
        };
        Arc::clone(CONTRACT.get_or_init(print))
    }

    /// What this document promises.
    ///
    /// # Panics
    /// When a schema of it is none.
    pub fn new(document: Value) -> Self {
        Self { schemas: Schemas::of(&document), document }
    }

    /// The document.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// What is wrong with the document by itself, in words.
    pub fn faults(&self) -> Vec<String> {
        audit::faults(&self.document, &self.schemas)
    }

    /// Its operations: path and method.
    pub fn operations(&self) -> BTreeSet<(String, String)> {
        let methods = |(path, item): (&String, &Value)| {
            let methods = item.as_object().unwrap().keys().filter(|key| METHODS.contains(&key.as_str()));
            methods.map(|method| (path.clone(), method.to_ascii_uppercase())).collect::<Vec<_>>()
        };
        self.document["paths"].as_object().unwrap().iter().flat_map(methods).collect()
    }

    /// What a socket told that the document does not have, in words.
    pub fn told(&self, message: &Value) -> Vec<String> {
        let place = self.schemas.places().filter(|place| place.ends_with(MESSAGES)).min();
        self.schemas.faults(place.unwrap_or(MESSAGES), message)
    }

    /// What of an answer the document does not have, in words.
    pub fn answered(&self, call: &Call<'_>) -> Vec<String> {
        let Some((template, item)) = self.route(call.path) else {
            return self.general("NotFound", 404, call);
        };
        let method = call.method.to_ascii_lowercase();
        if item.get(&method).is_none_or(|_| !METHODS.contains(&method.as_str())) {
            return self.general("MethodNotAllowed", 405, call);
        }
        let operation = format!("/paths/{}/{method}", escaped(template));
        let mut faults = self.answer(&format!("{operation}/responses/{}", call.status), call);
        if (200..300).contains(&call.status) {
            faults.extend(self.taken(&operation, item, call));
        }
        faults
    }

    /// The answer to what no operation is there for.
    fn general(&self, name: &str, status: u16, call: &Call<'_>) -> Vec<String> {
        if call.status != status {
            return vec!["the operation is not documented".to_owned()];
        }
        self.answer(&format!("/components/responses/{name}"), call)
    }

    /// The path that is documented for this one: one that is spelled out goes before one that leaves something open.
    fn route(&self, path: &str) -> Option<(&str, &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        let fits = |template: &str| {
            let (parts, open) = (path.split('/'), template.split('/'));
            parts.clone().count() == open.clone().count()
                && open.zip(parts).all(|(open, part)| open == part || open.starts_with('{'))
        };
        let fitting = paths.iter().filter(|(template, _)| fits(template));
        fitting
            .min_by_key(|(template, _)| template.matches('{').count())
            .map(|(path, item)| (path.as_str(), item))
    }

    fn answer(&self, at: &str, call: &Call<'_>) -> Vec<String> {
        let Some(response) = self.document.pointer(at) else {
            return vec![format!("the status {} is not documented", call.status)];
        };
        let mut faults = self.header_faults(response, call.headers);
        let content = response["content"].as_object();
        let Some(content) = content.filter(|_| call.method != "HEAD") else {
            if !call.body.is_empty() {
                faults.push("a body where none is documented".to_owned());
            }
            return faults;
        };
        let header =
            call.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = header.split(';').next().unwrap_or_default().trim();
        if !content.contains_key(essence) {
            faults.push(format!("the content type {header:?} is not documented"));
            return faults;
        }
        if essence.ends_with("json") {
            let schema = format!("{at}/content/{}/schema", escaped(essence));
            match serde_json::from_slice(call.body) {
                Ok(body) => faults.extend(self.schemas.faults(&schema, &body)),
                Err(error) => faults.push(format!("the body is not JSON: {error}")),
            }
        }
        faults
    }

    fn header_faults(&self, response: &Value, headers: &HeaderMap) -> Vec<String> {
        let documented = response["headers"].as_object().into_iter().flatten();
        documented
            .filter_map(|(name, header)| {
                let (at, header) = self.resolved(header);
                let Some(value) = headers.get(name).and_then(|value| value.to_str().ok()) else {
                    return (header["required"] == true).then(|| vec![format!("no header {name}")]);
                };
                let value = value.parse().map_or_else(|_| value.into(), |number: u64| Value::from(number));
                let value = if header["schema"]["type"] == "string" { told(&value) } else { value };
                Some(at.map(|at| self.schemas.faults(&format!("{at}/schema"), &value)).unwrap_or_default())
            })
            .flatten()
            .collect()
    }

    /// What of a request that was taken is not documented to be taken.
    fn taken(&self, operation: &str, item: &Value, call: &Call<'_>) -> Vec<String> {
        let described = self.document.pointer(operation).unwrap();
        let parameters =
            [&described["parameters"], &item["parameters"]].into_iter().filter_map(Value::as_array);
        let known: BTreeSet<&str> = parameters
            .flatten()
            .map(|parameter| self.resolved(parameter).1)
            .filter(|parameter| parameter["in"] == "query")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let unknown = call.query.iter().filter(|name| !known.contains(name.as_str()));
        let mut faults: Vec<_> =
            unknown.map(|name| format!("the parameter {name} is not documented")).collect();
        let schema = format!("{operation}/requestBody/content/{}/schema", escaped("application/json"));
        if self.document.pointer(&schema).is_some() {
            let sent = serde_json::from_slice(call.sent).unwrap_or_default();
            faults.extend(
                self.schemas.faults(&schema, &sent).into_iter().map(|fault| format!("took a body: {fault}")),
            );
        }
        faults
    }

    /// What a reference refers to, and where that is.
    fn resolved<'a>(&'a self, value: &'a Value) -> (Option<&'a str>, &'a Value) {
        match value["$ref"].as_str().and_then(|place| place.strip_prefix('#')) {
            Some(at) => (Some(at), self.document.pointer(at).unwrap_or(&Value::Null)),
            None => (None, value),
        }
    }
}

/// The methods that a path can have, as the document writes them.
const METHODS: [&str; 6] = ["get", "head", "put", "post", "delete", "patch"];

/// Where an operation that opens a socket says what that tells.
const MESSAGES: &str = "/x-messages/schema";

fn told(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).into()
}

/// As a part of a JSON pointer.
fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests;

//! The API's document: whether it is one, and whether it has every route that is mounted and no other. That it has every
//! answer is seen in every other test, whose client holds each against it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, process::Command};

use holdfast_e2e::{Binary, Client, Contract, House, Process};
use holdfast_testkit::eventually;
use reqwest::Method;
use serde_json::Value;

/// Paths and methods.
type Operations = BTreeSet<(String, String)>;

/// What serves an API.
const SERVICES: [Binary; 3] = [Binary::BookingApi, Binary::Notifier, Binary::Holdfast];

/// Starts a process that logs what it mounts.
async fn start(house: &House, binary: Binary) -> Process {
    let settings = [("LOG_LEVEL", "info,holdfast_runtime::routes=debug"), ("HTTP_WORKERS", "1")];
    house.start_with(binary, &settings).await
}

/// What the process has mounted, by its log. A part that the path leaves open is written as in the document.
fn mounted(process: &Process) -> Operations {
    let mut mounted = Operations::new();
    for entry in process.log().iter().filter(|entry| entry["message"] == "mounted") {
        let path = entry["path"].as_str().unwrap().replace(":.*}", "}");
        for method in entry["methods"].as_str().unwrap().split(", ") {
            mounted.insert((path.clone(), method.to_owned()));
        }
    }
    mounted
}

/// The document that the process serves.
async fn served(client: &Client) -> Contract {
    let answer = client.get("/openapi.json").await.unwrap();
    assert_eq!(answer.status, 200);
    Contract::new(answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_documented_and_every_documented_one_is_there() {
    let house = House::new().await;
    for binary in SERVICES {
        let process = start(&house, binary).await;
        let documented = served(&process.client()).await.operations();
        assert!(documented.len() > 10, "{documented:?}");
        // The log may lag behind; what is mounted and not documented is in it before the first answer.
        eventually("all that is documented is mounted", async || {
            documented.is_subset(&mounted(&process)).then_some(())
        })
        .await;
        let undocumented: Vec<_> = mounted(&process).difference(&documented).cloned().collect();
        assert_eq!(undocumented, [], "{}", binary.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_has_the_methods_that_are_documented_and_says_so() {
    let house = House::new().await;
    let process = house.start(Binary::Holdfast).await;
    let documented = Contract::of_holdfast().operations();
    let paths: BTreeSet<&String> = documented.iter().map(|(path, _)| path).collect();
    for path in paths {
        let there =
            path.replace("{id}", "0195a2b4-7c3e-7d11-8a55-3f1b6c0e9d42").replace("{file}", "index.html");
        let method = Method::from_bytes(b"SING").unwrap();
        let answer = process.client().raw(method, &there, "text/plain", "").await.unwrap();
        assert_eq!(answer.status, 405, "{path}");
        let allowed: BTreeSet<&str> = answer.header("allow").split(", ").collect();
        let expected: BTreeSet<&str> =
            documented.iter().filter(|(other, _)| other == path).map(|(_, method)| method.as_str()).collect();
        assert_eq!(allowed, expected, "{path}");
    }
}

/// What stands at `place`, with the examples that it refers to.
fn written_out(document: &Value, place: &str) -> Value {
    fn write_out(document: &Value, value: &mut Value) {
        let example = value.get("$ref").and_then(Value::as_str).and_then(|place| place.strip_prefix('#'));
        if let Some(place) = example.filter(|place| place.starts_with("/components/examples/")) {
            *value = document.pointer(place).unwrap().clone();
        }
        match value {
            Value::Object(object) => object.values_mut().for_each(|value| write_out(document, value)),
            Value::Array(values) => values.iter_mut().for_each(|value| write_out(document, value)),
            _ => {}
        }
    }
    let mut value = document.pointer(place).unwrap().clone();
    write_out(document, &mut value);
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_says_of_itself_what_the_document_of_all_says_of_it() {
    let house = House::new().await;
    let whole = Contract::of_holdfast();
    for binary in SERVICES {
        let process = house.start(binary).await;
        let served = served(&process.client()).await;
        assert_eq!(served.faults(), [""; 0], "{}", binary.name());
        for kind in ["/paths", "/components/schemas"] {
            let [own, all] = [&served, &*whole].map(|contract| written_out(contract.document(), kind));
            for (name, value) in own.as_object().unwrap() {
                assert_eq!(Some(value), all.get(name), "{} {kind} {name}", binary.name());
            }
        }
        if binary == Binary::Holdfast {
            assert_eq!(served.document(), whole.document());
        }
    }
}

#[test]
fn the_document_is_one_and_does_not_contradict_itself() {
    assert_eq!(Contract::of_holdfast().faults(), [""; 0]);
}

#[test]
fn the_document_is_printed_without_servers_and_can_be_piped() {
    let printed = Command::new(Binary::Holdfast.path()).arg("openapi").env_clear().output().unwrap();
    assert!(printed.status.success());
    let document: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(document["info"]["title"], "Holdfast");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_for_people_and_probes_are_as_documented() {
    let house = House::new().await;
    for binary in SERVICES {
        let process = house.start(binary).await;
        let client = process.client();
        // The client holds each answer against the document.
        let paths =
            ["/", "/docs/", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/favicon-32x32.png"];
        for path in paths.into_iter().chain(["/livez", "/metrics"]) {
            assert_eq!(client.get(path).await.unwrap().status, 200, "{path}");
            let head = client.raw(Method::HEAD, path, "text/plain", "").await.unwrap();
            assert_eq!(head.status, 200, "{path}");
        }
        assert_eq!(client.get("/docs").await.unwrap().status, 308);
        assert_eq!(client.get("/docs/nothing.js").await.unwrap().status, 404);
        assert_eq!(client.get("/nothing").await.unwrap().status, 404);
    }
}

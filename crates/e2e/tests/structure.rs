//! The house as its manifests build it: who may use whom, and what never goes into a release.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, fs, process::Command};

use holdfast_e2e::{Binary, root};
use toml::{Table, Value};

/// What a name of ours begins with in a manifest.
const OURS: &str = "holdfast-";

/// Which of our crates each may use. Nothing else is allowed; `e2e` may use anything.
const ARROWS: [(&str, &[&str]); 11] = [
    ("domain", &[]),
    ("runtime", &[]),
    ("store", &["domain"]),
    ("stream", &["domain"]),
    ("relay", &["store", "stream", "domain"]),
    ("booking-api", &["store", "stream", "relay", "runtime", "domain"]),
    ("validator", &["store", "stream", "relay", "runtime", "domain"]),
    ("notifier", &["stream", "runtime", "domain"]),
    ("holdfast", &["booking-api", "validator", "notifier", "store", "stream", "runtime", "domain"]),
    ("testkit", &["store", "stream", "domain"]),
    ("bench", &["domain", "testkit"]),
];

/// Who alone may use what is not ours, by the beginning of its name.
const HOMES: [(&str, &[&str]); 6] = [
    ("deadpool-postgres", &["store"]),
    ("refinery", &["store"]),
    ("postgres-types", &["store"]),
    ("tokio-postgres", &["store", "testkit", "e2e"]),
    ("fred", &["stream"]),
    ("fail", &["store", "booking-api", "validator", "holdfast"]),
];

/// What the pure crate never uses, by the beginning of its name.
const IMPURE: [&str; 3] = ["tokio", "actix", "async"];

/// The dependencies in a table such as `[dependencies]`, by the name of the package.
fn packages(tables: &[Option<&Value>]) -> Vec<String> {
    let all = tables.iter().flatten().filter_map(|table| table.as_table()).flatten();
    all.map(|(name, how)| how.get("package").and_then(Value::as_str).unwrap_or(name).to_owned()).collect()
}

/// Each arrow of the crate in this directory that must not be, in words.
fn faults(directory: &str, manifest: &str) -> Vec<String> {
    let manifest: Table = manifest.parse().unwrap();
    let targets = manifest.get("target").and_then(Value::as_table);
    let by_target = targets.into_iter().flatten().map(|(_, target)| target.get("dependencies"));
    let tables = [manifest.get("dependencies"), manifest.get("build-dependencies")];
    let normal = packages(&tables.into_iter().chain(by_target).collect::<Vec<_>>());
    let dev = packages(&[manifest.get("dev-dependencies")]);

    let allowed = ARROWS.iter().find(|(name, _)| *name == directory).map(|(_, allowed)| *allowed);
    if allowed.is_none() && directory != "e2e" {
        return vec![format!("{directory} is a crate that the design does not know")];
    }
    let may = |used: &str| allowed.is_none_or(|allowed| allowed.contains(&used));
    let mut faults = Vec::new();
    for package in &normal {
        let is_wrong = match package.strip_prefix(OURS) {
            Some(used) => !may(used),
            None => is_misplaced(directory, package),
        };
        if is_wrong {
            faults.push(format!("{directory} uses {package}"));
        }
    }
    for package in &dev {
        let used = package.strip_prefix(OURS);
        let is_wrong = used.is_some_and(|used| !may(used) && used != "testkit" && used != directory);
        if is_wrong {
            faults.push(format!("the tests of {directory} use {package}"));
        }
    }
    faults
}

fn is_misplaced(directory: &str, package: &str) -> bool {
    let is_elsewhere = HOMES.iter().any(|(name, homes)| *name == package && !homes.contains(&directory));
    let is_impure = directory == "domain" && IMPURE.iter().any(|name| package.starts_with(name));
    is_elsewhere || is_impure
}

fn manifests() -> BTreeMap<String, String> {
    let crates = fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    crates
        .filter(|directory| directory.is_dir())
        .map(|directory| {
            let name = directory.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(directory.join("Cargo.toml")).unwrap())
        })
        .collect()
}

/// What a build of `package` is made of, tests aside.
fn made_of(package: &str, features: &[&str]) -> String {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
        .args(["--package", package])
        .args(features)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    String::from_utf8(tree.stdout).unwrap()
}

fn has_failpoints(tree: &str) -> bool {
    tree.lines().any(|line| line.starts_with("fail v"))
}

#[test]
fn every_crate_uses_only_what_the_design_allows() {
    let manifests = manifests();
    assert_eq!(manifests.len(), ARROWS.len() + 1, "{:?}", manifests.keys());
    let found: Vec<String> = manifests.iter().flat_map(|(name, text)| faults(name, text)).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn no_dependency_of_the_workspace_goes_by_another_name() {
    let workspace: Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let dependencies = workspace["workspace"]["dependencies"].as_table().unwrap();
    let renamed = dependencies.iter().filter(|(_, how)| how.get("package").is_some());
    assert_eq!(renamed.map(|(name, _)| name).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn a_forbidden_arrow_is_found() {
    let cases = [
        ("notifier", "[dependencies]\nholdfast-store.workspace = true", "notifier uses holdfast-store"),
        ("validator", "[dependencies]\nholdfast-testkit = {}", "validator uses holdfast-testkit"),
        ("runtime", "[build-dependencies]\nholdfast-domain = {}", "runtime uses holdfast-domain"),
        ("domain", "[target.'cfg(unix)'.dependencies]\ntokio = \"1\"", "domain uses tokio"),
        ("domain", "[dependencies]\nactix-web = \"4\"", "domain uses actix-web"),
        ("relay", "[dependencies]\nx = { package = \"fred\" }", "relay uses fred"),
        ("booking-api", "[dependencies]\ntokio-postgres = \"0.7\"", "booking-api uses tokio-postgres"),
        (
            "stream",
            "[dev-dependencies]\nholdfast-store = {}\nholdfast-testkit = {}",
            "the tests of stream use holdfast-store",
        ),
        ("common", "", "common is a crate that the design does not know"),
    ];
    for (directory, manifest, fault) in cases {
        assert_eq!(faults(directory, manifest), [fault]);
    }
}

#[test]
fn a_release_has_no_place_where_it_can_be_made_to_die() {
    for binary in Binary::ALL {
        let package = binary.name();
        assert!(!has_failpoints(&made_of(package, &[])), "{package}");
    }
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    assert!(!makefile.contains("features"), "a build of the Makefile asks for features");
    // The same look, with the feature.
    assert!(has_failpoints(&made_of("holdfast", &["--features", "failpoints"])));
}

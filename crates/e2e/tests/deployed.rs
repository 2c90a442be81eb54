//! What is in `deploy/` held against what the services are: settings that there are, metrics that are told, a line for whoever
//! an alert wakes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fs, process::Command};

use holdfast_e2e::{Binary, Front, House, Names, Socket, root};
use holdfast_testkit::eventually;
use serde_json::Value;

/// Told by others: Prometheus itself, and the `postgres_exporter` of whoever runs PostgreSQL.
const OF_OTHERS: [&str; 3] = ["up", "ALERTS", "pg_stat_activity_max_tx_duration"];

/// What stands before the name of a metric: whose it is.
const WHOSE: [&str; 4] = ["holdfast_", "haproxy_", "process_", "pg_"];

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The words of a text that could be names of metrics.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| WHOSE.iter().any(|whose| word.starts_with(whose))).map(str::to_owned).collect()
}

/// What the dashboard asks, a query each.
fn queries() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/holdfast.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// What the autoscalers ask for is made there of what is told.
fn scaled_by() -> String {
    let adapter = read("deploy/kubernetes/prometheus-adapter.yaml");
    adapter.lines().filter(|line| line.contains("seriesQuery")).collect::<Vec<_>>().join("\n")
}

/// The metrics that alerts, dashboard and autoscalers ask for, with where.
fn asked_for() -> BTreeSet<(String, &'static str)> {
    let places = [
        ("alerts.yml", read("deploy/prometheus/alerts.yml")),
        ("the dashboard", queries().join("\n")),
        ("prometheus-adapter.yaml", scaled_by()),
    ];
    let named = |(place, text): &(&'static str, String)| {
        metrics_in(text).into_iter().map(|name| (name, *place)).collect::<Vec<_>>()
    };
    places.iter().flat_map(named).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_that_is_asked_for_is_told_by_a_process() {
    let house = House::new().await;
    let api = house.ready(Binary::BookingApi).await;
    let validator = house.ready(Binary::Validator).await;
    let notifier = house.start_with(Binary::Notifier, &[("SOCKETS_MAX", "1")]).await;
    notifier.until("ready").await;
    let names = Names::start().await;
    let front = Front::start(&names, &[]).await;
    let _socket = Socket::open(notifier.address(), "topic=all").await;
    // One more than it may have: something has gone wrong on our side.
    let refused = notifier.client().get("/api/v1/sse?topic=all").await.unwrap();
    assert_eq!(refused.status, 503);
    let alice = api.client().user("alice").header("Prefer", "wait=30");
    assert_eq!(alice.book("Raum1", 10, 12).await.unwrap().status, 201);

    let mut asked = asked_for();
    if front.is_none() {
        asked.retain(|(name, _)| !name.starts_with("haproxy_"));
    }
    assert!(asked.len() > 20, "{asked:?}");
    eventually("all is told", async || {
        let mut told = String::new();
        if let Some(front) = &front {
            told.push_str(&front.metrics().await);
        }
        for process in [&api, &validator, &notifier] {
            told.push_str(&process.client().text("/metrics").await.unwrap());
        }
        let is_told = |name: &str| {
            let starts = |line: &str| {
                line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{') || rest.starts_with(' '))
            };
            told.lines().any(starts) || OF_OTHERS.contains(&name)
        };
        let missing: Vec<_> = asked.iter().filter(|(name, _)| !is_told(name)).collect();
        eprintln!("missing: {missing:?}");
        missing.is_empty().then_some(())
    })
    .await;
}

#[test]
fn the_dashboard_shows_what_autoscalers_go_by_no_bare_totals_and_no_probes_among_requests() {
    let queries = queries();
    let shown = metrics_in(&queries.join("\n"));
    assert_eq!(metrics_in(&scaled_by()).difference(&shown).count(), 0, "{shown:?}");
    for query in queries {
        for (before, _) in query.match_indices("_total").map(|(at, _)| query.split_at(at)) {
            let (before, _) = before.rsplit_once('(').unwrap_or_default();
            assert!(before.ends_with("rate") || before.ends_with("increase"), "falls at a restart: {query}");
        }
        if query.contains("holdfast_http_request") {
            assert!(query.contains(r#"route!~"/readyz|/livez|/metrics""#), "with probes: {query}");
        }
    }
}

#[test]
fn every_alert_says_how_grave_it_is_and_where_its_runbook_stands() {
    let readme = read("deploy/README.md");
    let headings: BTreeSet<String> = readme
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-"))
        .collect();
    let alerts = read("deploy/prometheus/alerts.yml");
    let tests = read("deploy/prometheus/alerts_test.yml");
    let all: Vec<&str> = alerts.split("- alert: ").skip(1).collect();
    assert!(all.len() > 20);
    for alert in all {
        let name = alert.lines().next().unwrap();
        for part in ["labels: {severity: ", "summary: ", "description: "] {
            assert!(alert.contains(part), "{name} has no {part}");
        }
        let (_, anchor) = alert.split_once("runbook: deploy/README.md#").unwrap_or_else(|| panic!("{name}"));
        let anchor = anchor.lines().next().unwrap();
        assert!(headings.contains(anchor), "{name}: no heading for #{anchor}");
        assert!(tests.contains(&format!(r#"alertname="{name}""#)), "{name} is not tested");
    }
}

/// Words in capitals that are followed by this.
fn set_in(text: &str, by: char) -> BTreeSet<String> {
    let names = text.lines().filter_map(|line| line.trim().trim_start_matches("- ").split_once(by));
    let is_name =
        |name: &str| name.len() > 2 && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    names.map(|(name, _)| name.to_owned()).filter(|name| is_name(name)).collect()
}

#[test]
fn every_setting_that_is_made_is_one_of_a_service() {
    let helps = [
        (Binary::BookingApi, ["--help"].as_slice()),
        (Binary::Validator, &["--help"]),
        (Binary::Notifier, &["--help"]),
        (Binary::Holdfast, &["migrate", "--help"]),
    ];
    let mut known = String::new();
    for (binary, arguments) in helps {
        let help = Command::new(binary.path()).args(arguments).env_clear().output().unwrap();
        known.push_str(&String::from_utf8(help.stdout).unwrap());
    }
    let proxy = read("deploy/proxy/haproxy.cfg");
    for preset in proxy.lines().filter_map(|line| line.trim().strip_prefix("presetenv ")) {
        known.extend(["[env: ", preset.split(' ').next().unwrap(), "=]"]);
    }
    let compose = read("docker-compose.yml");
    let mut made = set_in(&compose, ':');
    made.extend(set_in(&read("deploy/kubernetes/base/kustomization.yaml"), '='));
    assert!(made.len() > 10, "{made:?}");
    // Those of the images of others.
    made.retain(|name| !name.starts_with("POSTGRES_") && name != "REDISCLI_AUTH");
    let unknown: Vec<_> = made.iter().filter(|name| !known.contains(&format!("[env: {name}"))).collect();
    assert_eq!(unknown, [""; 0]);

    let documented = set_in(&read(".env.example"), '=');
    let unused: Vec<_> =
        documented.iter().filter(|name| !compose.contains(&format!("${{{name}:-"))).collect();
    assert_eq!(unused, [""; 0], "documented, and without effect");
    let begun = compose.split("${").skip(1).filter_map(|rest| rest.split_once(":-"));
    let undocumented: BTreeSet<_> =
        begun.map(|(name, _)| name).filter(|name| !documented.contains(*name)).collect();
    assert_eq!(undocumented, BTreeSet::new());
}

#[test]
fn a_policy_of_the_network_is_of_our_pods_alone() {
    let policies = read("deploy/kubernetes/base/network.yaml");
    let mut selected = 0;
    for policy in policies.split("podSelector:").skip(1) {
        let selector = policy.split("policyTypes").next().unwrap();
        assert!(selector.contains("matchLabels: {app.kubernetes.io/part-of: holdfast}"), "{selector}");
        selected += 1;
    }
    assert!(selected > 5, "{selected}");
}

#[test]
fn images_are_built_of_packages_as_everywhere_else() {
    let dockerfile = read("deploy/Dockerfile");
    let build = dockerfile.lines().find(|line| line.starts_with("cargo build")).unwrap();
    for binary in ["holdfast", "holdfast-booking-api", "holdfast-validator", "holdfast-notifier"] {
        assert!(build.split(" -p ").any(|package| package == binary), "{binary}: {build}");
    }
    assert!(!build.contains("--bin"), "with the features that tests need: {build}");
}

//! What is counted and timed: the one recorder of the process, `/metrics`, and the rule for names.
//!
//! Whoever counts something names it, describes it (`describe_counter!` and its like, with the unit) and records it with
//! the macros of the crate `metrics`; this module only keeps and tells. A name is `holdfast_{part}_{what}`, and then
//!
//! - `_total` for a counter,
//! - `_seconds` for a time, `_size` for how many were taken at once: histograms, with the buckets below,
//! - nothing for a gauge, or its unit.
//!
//! A label has a few values that are known beforehand: a route's template, a status, the name of an outcome. Never a
//! path, an id, a tenant, or anything else that a caller can make up.

pub(crate) mod requests;

use std::{
    sync::OnceLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ::metrics::{Unit, describe_gauge, gauge};
use actix_web::{HttpResponse, Responder, web};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use crate::{
    health,
    lifecycle::{BoxError, Tasks},
    routes,
};

/// Upper bounds for times.
const SECONDS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Upper bounds for sizes.
const SIZES: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// How often what was timed is sorted into its buckets; until then each time is kept.
const UPKEEP_PERIOD: Duration = Duration::from_secs(1);

/// The text format of Prometheus.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Makes the recorder, the first time it is called in a process. A handle taken before counts nothing.
pub fn install() {
    recorder();
}

/// All metrics as they stand, in the text format of Prometheus.
pub fn render() -> String {
    recorder().render()
}

/// Mounts `/metrics`.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(routes::at("/metrics").get(answer));
}

async fn answer() -> impl Responder {
    HttpResponse::Ok().content_type(CONTENT_TYPE).body(render())
}

/// Keeps the recorder small, whether anybody asks for the metrics or not.
pub(crate) fn spawn_upkeep(tasks: &Tasks) {
    let stopping = tasks.stopping();
    tasks.spawn("metrics", async move {
        let mut ticks = interval(UPKEEP_PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => recorder().run_upkeep(),
                () = stopping.cancelled() => return Ok::<_, BoxError>(()),
            }
        }
    });
}

fn recorder() -> &'static PrometheusHandle {
    RECORDER.get_or_init(|| {
        let recorder = builder().expect("the lists of buckets are not empty").build_recorder();
        let handle = recorder.handle();
        if ::metrics::set_global_recorder(recorder).is_err() {
            warn!("another recorder has been installed; /metrics will be empty");
        }
        tell_of_the_process();
        requests::describe();
        health::describe();
        handle
    })
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    // Without a default, a histogram of any other name would become a summary, which can't be added up over processes.
    PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), &SIZES)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time of the start is told to people, and no rule hangs on it"
)]
fn tell_of_the_process() {
    describe_gauge!("holdfast_build_info", "What is running; always 1.");
    gauge!("holdfast_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    describe_gauge!(
        "process_start_time_seconds",
        Unit::Seconds,
        "When the process started, in seconds since 1970."
    );
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    gauge!("process_start_time_seconds").set(now.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use ::metrics::histogram;

    use super::*;

    #[test]
    fn a_recorder_is_there_however_often_it_is_installed() {
        install();
        install();
        let text = render();
        assert!(text.contains(r#"holdfast_build_info{version="0.1.0"} 1"#), "{text}");
        assert!(text.contains("# TYPE process_start_time_seconds gauge"), "{text}");
    }

    #[test]
    fn a_histogram_has_the_buckets_of_its_name() {
        install();
        histogram!("holdfast_test_batch_size").record(3);
        histogram!("holdfast_test_wait_seconds").record(0.003);
        recorder().run_upkeep();
        let text = render();
        assert!(text.contains(r#"holdfast_test_batch_size_bucket{le="2"} 0"#), "{text}");
        assert!(text.contains(r#"holdfast_test_batch_size_bucket{le="4"} 1"#), "{text}");
        assert!(text.contains(r#"holdfast_test_wait_seconds_bucket{le="0.0025"} 0"#), "{text}");
        assert!(text.contains(r#"holdfast_test_wait_seconds_bucket{le="0.005"} 1"#), "{text}");
    }
}

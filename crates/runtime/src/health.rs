//! What `/livez` and `/readyz` say. Owns what each component last reported; a probe from outside never asks a component
//! anything, so it costs nothing and can't hang.

use std::{
    collections::BTreeMap,
    fmt::Display,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::{HttpResponse, Responder, http::StatusCode, web};
use metrics::{describe_gauge, gauge};
use serde::Serialize;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use utoipa::ToSchema;

use crate::routes;

/// How often a watched component is asked.
const PROBE_PERIOD: Duration = Duration::from_secs(1);

/// How long it may take to answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether a component is up, for who watches many processes.
const COMPONENT_UP: &str = "holdfast_component_up";

/// What the service is without a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Unavailable.
    Required,
    /// Degraded: slower, and otherwise the same.
    Accelerator,
}

/// The health of one process.
#[derive(Clone, Default)]
pub struct Health(Arc<Shared>);

#[derive(Default)]
struct Shared {
    components: Mutex<BTreeMap<&'static str, (Need, Report)>>,
    stopping: AtomicBool,
}

/// Something that the service leans on, for whoever watches it to report on.
#[derive(Clone)]
pub struct Component {
    health: Health,
    name: &'static str,
}

/// The state of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// All is up.
    Ready,
    /// An accelerator is down.
    Degraded,
    /// A required component is down.
    Unavailable,
    /// The process has been told to stop.
    Stopping,
}

/// What a component last reported.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ComponentHealth)]
#[serde(tag = "status", rename_all = "snake_case")]
enum Report {
    /// It answers.
    Up,
    /// It does not answer.
    Down {
        /// As far as it is known.
        reason: String,
    },
}

/// How the process is, and what it leans on.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct Document<'a> {
    /// The state of the whole.
    status: Readiness,
    /// What it leans on, by name.
    #[schema(value_type = BTreeMap<String, Report>)]
    components: BTreeMap<&'static str, &'a Report>,
}

impl Health {
    /// Registers a component; it counts as down until it has reported.
    pub fn component(&self, name: &'static str, need: Need) -> Component {
        self.components().insert(name, (need, Report::Down { reason: "starting".to_owned() }));
        gauge!(COMPONENT_UP, "component" => name).set(0.0);
        Component { health: self.clone(), name }
    }

    /// The state of the whole.
    pub fn readiness(&self) -> Readiness {
        self.judge(&self.components())
    }

    /// Whether the process has been told to stop.
    pub fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Relaxed)
    }

    /// From now on this process is not to be sent anything new.
    pub fn set_stopping(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
    }

    /// Mounts `/livez` and `/readyz`.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        let health = self.clone();
        let ready = move || {
            let health = health.clone();
            async move { health.answer() }
        };
        config.service(routes::at("/livez").get(live)).service(routes::at("/readyz").get(ready));
    }

    fn answer(&self) -> HttpResponse {
        let components = self.components();
        let status = self.judge(&components);
        let code = match status {
            Readiness::Ready | Readiness::Degraded => StatusCode::OK,
            Readiness::Unavailable | Readiness::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        };
        let components = components.iter().map(|(&name, (_, report))| (name, report)).collect();
        HttpResponse::build(code).json(Document { status, components })
    }

    fn judge(&self, components: &BTreeMap<&'static str, (Need, Report)>) -> Readiness {
        let is_down =
            |asked| components.values().any(|(need, report)| *need == asked && *report != Report::Up);
        if self.is_stopping() {
            Readiness::Stopping
        } else if is_down(Need::Required) {
            Readiness::Unavailable
        } else if is_down(Need::Accelerator) {
            Readiness::Degraded
        } else {
            Readiness::Ready
        }
    }

    fn components(&self) -> MutexGuard<'_, BTreeMap<&'static str, (Need, Report)>> {
        self.0.components.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Component {
    /// It answers.
    pub fn up(&self) {
        if self.report(Report::Up) {
            info!(component = self.name, "up");
        }
    }

    /// It does not answer. Anybody can read the reason at `/readyz`: no secrets.
    pub fn down(&self, reason: impl Into<String>) {
        let reason = reason.into();
        if self.report(Report::Down { reason: reason.clone() }) {
            warn!(component = self.name, reason, "down");
        }
    }

    /// Asks `probe` once a second how the component is, and reports it, until `stopping`. A probe that takes longer
    /// than the two seconds it gets counts as no answer.
    pub async fn watch<E, F>(&self, stopping: CancellationToken, mut probe: impl FnMut() -> F)
    where
        E: Display,
        F: Future<Output = Result<(), E>>,
    {
        loop {
            let asked = timeout(PROBE_TIMEOUT, probe());
            let answer = tokio::select! {
                answer = asked => answer,
                () = stopping.cancelled() => return,
            };
            match answer {
                Ok(Ok(())) => self.up(),
                Ok(Err(error)) => self.down(error.to_string()),
                Err(_) => self.down("no answer"),
            }
            tokio::select! {
                () = sleep(PROBE_PERIOD) => {}
                () = stopping.cancelled() => return,
            }
        }
    }

    /// Whether that is news; what is said again and again is logged once.
    fn report(&self, report: Report) -> bool {
        let mut components = self.health.components();
        components.get_mut(self.name).is_some_and(|(_, last)| {
            *last != report && {
                gauge!(COMPONENT_UP, "component" => self.name).set(f64::from(u8::from(report == Report::Up)));
                *last = report;
                true
            }
        })
    }
}

/// Describes what is told at `/metrics`, once.
pub(crate) fn describe() {
    describe_gauge!(COMPONENT_UP, "What the process leans on, as `/readyz` has it: 1 when it is up.");
}

async fn live() -> impl Responder {
    HttpResponse::Ok().json(serde_json::json!({ "status": "live" }))
}

#[cfg(test)]
mod tests {
    use actix_web::{App, test};
    use serde_json::{Value, json};

    use super::*;
    use crate::metrics;

    async fn ready(health: &Health) -> (u16, Value) {
        let app = test::init_service(App::new().configure(|config| health.configure(config))).await;
        let answer = test::call_service(&app, test::TestRequest::get().uri("/readyz").to_request()).await;
        (answer.status().as_u16(), test::read_body_json(answer).await)
    }

    #[actix_web::test]
    async fn a_component_that_has_never_reported_is_down() {
        let health = Health::default();
        health.component("postgres", Need::Required);
        let (status, body) = ready(&health).await;
        assert_eq!(status, 503);
        let postgres = json!({ "status": "down", "reason": "starting" });
        assert_eq!(body, json!({ "status": "unavailable", "components": { "postgres": postgres } }));
    }

    #[actix_web::test]
    async fn without_an_accelerator_the_service_is_degraded_and_still_taken_into_use() {
        let health = Health::default();
        health.component("postgres", Need::Required).up();
        let redis = health.component("redis", Need::Accelerator);
        redis.down("connection refused");
        let (status, body) = ready(&health).await;
        assert_eq!((status, &body["status"]), (200, &json!("degraded")));
        assert_eq!(body["components"]["redis"]["reason"], "connection refused");
        redis.up();
        assert_eq!(health.readiness(), Readiness::Ready);
    }

    #[actix_web::test]
    async fn the_metrics_say_of_a_component_what_it_last_reported() {
        metrics::install();
        let component = Health::default().component("of_the_metrics", Need::Accelerator);
        let told = |value| {
            metrics::render().contains(&format!(r#"component_up{{component="of_the_metrics"}} {value}"#))
        };
        assert!(told(0), "it has not reported yet");
        component.up();
        assert!(told(1));
        component.down("gone");
        assert!(told(0));
    }

    #[actix_web::test]
    async fn a_process_that_stops_is_not_ready_though_all_is_up() {
        let health = Health::default();
        health.set_stopping();
        assert_eq!(ready(&health).await, (503, json!({ "status": "stopping", "components": {} })));
    }
}

//! What the API shows, and the tables have, when everything has come to rest.

use std::time::Duration;

use holdfast_domain::EventId;
use serde_json::Value;
use tokio::{
    process::Command,
    time::{Instant, sleep},
};

use super::{doors::Who, town::Town};
use crate::{Binary, Client};

/// How long it may take until every hold is over and settled: more than the longest hold that nobody gives back.
const SETTLE_WAIT: Duration = Duration::from_secs(90);

/// What is there at the end of a run.
#[derive(Debug, Clone, Default)]
pub struct Rest {
    /// All bookings, as the API shows them to nobody in particular.
    pub bookings: Vec<Value>,
    /// The buyers' reservations, as it shows them.
    pub reservations: Vec<Value>,
    /// All events, with what is left of their sections.
    pub events: Vec<Value>,
    /// Where the tables' counters, seats and reservations do not agree.
    pub uneven: Vec<String>,
    /// What `holdfast verify` has found, if it has.
    pub unverified: Option<String>,
}

/// Waits until no unit of these is held, as far as the API shows it; whether that came about.
pub(super) async fn settles(town: &Town, events: &[EventId]) -> bool {
    let client = Client::new(town.doors.of(Who::api(0)).expect("all are up"));
    let began = Instant::now();
    for event in events {
        loop {
            let shown = client.get(&format!("/api/v1/events/{event}")).await.expect("all are up").body;
            let sections = shown["sections"].as_array().expect("an event's sections");
            if shown["settling"] == false && sections.iter().all(|section| section["held"] == 0) {
                break;
            }
            if began.elapsed() > SETTLE_WAIT {
                return false;
            }
            sleep(Duration::from_millis(200)).await;
        }
    }
    true
}

impl Rest {
    /// What there is now, with the reservations of these users.
    pub(super) async fn of(town: &Town, users: &[String]) -> Self {
        let bookings = "/api/v1/bookings?status=PENDING,VALID,REJECTED,CANCELLED&limit=1000".to_owned();
        let mut reservations = Vec::new();
        for user in users {
            reservations.extend(shown(town, format!("/api/v1/reservations?user_id={user}&limit=1000")).await);
        }
        let mut rest = Self {
            bookings: shown(town, bookings).await,
            reservations,
            events: shown(town, "/api/v1/events?limit=1000".to_owned()).await,
            uneven: town.database.uneven().await,
            unverified: None,
        };
        let mut verify = Command::new(Binary::Holdfast.path());
        verify.arg("verify").env_clear().kill_on_drop(true);
        verify.envs([("DATABASE_URL", town.database.url()), ("REDIS_PREFIX", "chaos".to_owned())]);
        verify.env("REDIS_URL", format!("redis://{}", town.servers.redis.address()));
        let verified = verify.output().await.expect("a command that runs");
        if !verified.status.success() {
            let said = String::from_utf8_lossy(&[verified.stdout, verified.stderr].concat()).into_owned();
            rest.unverified = Some(format!("{}: {said}", verified.status));
        }
        rest
    }
}

/// All entries of a list, page by page.
async fn shown(town: &Town, first: String) -> Vec<Value> {
    let client = Client::new(town.doors.of(Who::api(0)).expect("all are up"));
    let (mut next, mut shown) = (Some(first), Vec::new());
    while let Some(path) = next {
        let answer = client.get(&path).await.expect("all are up");
        shown.extend(answer.body.as_array().expect("a list").iter().cloned());
        let link = answer.headers.get("link").and_then(|link| link.to_str().ok()?.strip_prefix('<'));
        next = link.and_then(|link| Some(link.split_once('>')?.0.to_owned()));
    }
    shown
}

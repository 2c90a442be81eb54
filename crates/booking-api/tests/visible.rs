//! What a caller without a role gets of another's booking, over every route that tells of bookings. Open mode gives
//! everybody a role, so these callers are made by whoever mounts the routes: here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use actix_http::Request;
use actix_web::{
    App,
    body::BoxBody,
    dev::{Service, ServiceResponse},
    http::Method,
    test,
};
use clap::Parser;
use holdfast_booking_api::{Bells, BookingApi, Settings};
use holdfast_domain::Roles;
use holdfast_runtime::{
    health::Health,
    lifecycle::{Lifecycle, Stage},
    service::Process,
};
use holdfast_store::StepLimits;
use holdfast_stream::Streams;
use holdfast_testkit::{TestDatabase, hours, redis::TestRedis, shard};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

/// What may be seen of another's booking.
const CUT: [&str; 5] = ["end_time", "id", "resource_id", "start_time", "status"];

struct Scene<S> {
    app: S,
    test: TestDatabase,
    _redis: TestRedis,
    _lifecycle: Lifecycle,
}

/// The routes, for callers with these roles.
async fn scene(
    roles: Roles,
) -> Scene<impl Service<Request, Response = ServiceResponse<BoxBody>, Error = actix_web::Error>> {
    let (test, redis) = (TestDatabase::new().await, TestRedis::new());
    let url = test.url();
    let settings = Settings::try_parse_from([
        "test",
        "--database-url",
        &url,
        "--redis-url",
        &redis.url,
        "--redis-prefix",
        &redis.prefix,
    ]);
    let settings = settings.unwrap();
    let lifecycle = Lifecycle::new(Duration::from_secs(5)).unwrap();
    let process = Process { tasks: lifecycle.tasks(Stage::Workers), health: Health::default() };
    let streams = Streams::connect(&settings.streams).unwrap();
    let bells = Bells::connect(&settings.streams).unwrap();
    let api = BookingApi::start(&settings.api, test.database(), streams, bells, &process);
    let app = test::init_service(App::new().app_data(roles).configure(|config| api.configure(config))).await;
    Scene { app, test, _redis: redis, _lifecycle: lifecycle }
}

impl<S: Service<Request, Response = ServiceResponse<BoxBody>, Error = actix_web::Error>> Scene<S> {
    async fn ask(&self, user: &str, method: Method, path: &str, body: Option<Value>) -> Value {
        let request = test::TestRequest::with_uri(path).method(method).insert_header(("X-User-ID", user));
        let request = match body {
            Some(body) => request.set_json(body),
            None => request,
        };
        test::read_body_json(test::call_service(&self.app, request.to_request()).await).await
    }

    async fn get(&self, user: &str, path: &str) -> Value {
        self.ask(user, Method::GET, path, None).await
    }

    /// Asks for these hours of a room.
    async fn book(&self, user: &str, from: i64, to: i64) -> Value {
        let range = hours(from, to);
        let text = |at: time::OffsetDateTime| at.format(&Rfc3339).unwrap();
        let body = json!({
            "resource": "Raum1", "start_time": text(range.start()), "end_time": text(range.end()),
            "title": "secret",
        });
        self.ask(user, Method::POST, "/api/v1/bookings", Some(body)).await
    }
}

fn fields(object: &Value) -> Vec<&str> {
    let mut fields: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}

fn is_silent(told: &Value) {
    let text = told.to_string();
    for secret in ["alice", "secret", "version"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[actix_web::test]
async fn who_has_no_role_sees_of_anothers_booking_the_range_and_nothing_else_wherever_they_look() {
    let scene = scene(Roles::NONE).await;
    let hers = scene.book("alice", 10, 12).await;
    scene.test.database().step(shard(), StepLimits::default()).await.unwrap();
    let (id, resource) = (hers["id"].as_str().unwrap(), hers["resource_id"].as_str().unwrap());
    let path = format!("/api/v1/bookings/{id}");

    let shown = scene.get("bob", &path).await;
    assert_eq!(fields(&shown), CUT);
    let listed = scene.get("bob", "/api/v1/bookings").await;
    assert_eq!(listed, json!([shown]));
    // Whose it is can't be found out by asking for theirs.
    assert_eq!(scene.get("bob", "/api/v1/bookings?user_id=alice").await, json!([]));
    assert_eq!(scene.get("alice", "/api/v1/bookings?user_id=alice").await[0]["title"], "secret");

    let range = |from, to| {
        let range = hours(from, to);
        let text = |at: time::OffsetDateTime| at.format(&Rfc3339).unwrap();
        (text(range.start()), text(range.end()))
    };
    let (from, to) = range(0, 24);
    let availability = format!("/api/v1/resources/{resource}/availability?from={from}&to={to}");
    let taken = scene.get("bob", &availability).await;
    assert_eq!(fields(&taken["held"][0]), CUT);

    let his = scene.book("bob", 11, 13).await;
    assert_eq!(fields(&his["conflicts"][0]), CUT);
    for told in [&shown, &listed, &taken, &his["conflicts"]] {
        is_silent(told);
    }
    let histories =
        [scene.get("bob", &format!("{path}/history")).await, scene.get("bob", "/api/v1/changes").await];
    for history in histories {
        let changes = history.as_array().unwrap();
        assert!(changes.len() > 1);
        let of_hers = changes.iter().filter(|change| change["data"]["booking"]["id"] == id);
        assert!(of_hers.clone().count() > 1 && of_hers.clone().all(|change| change["actor"].is_null()));
        of_hers.for_each(|change| assert_eq!(fields(&change["data"]["booking"]), CUT));
        // Of the notice it is his own booking that is whole.
        let conflicts = changes.iter().filter(|change| change["type"] == "booking_conflict");
        conflicts.for_each(|change| assert_eq!(fields(&change["data"]["conflicting"][0]), CUT));
        assert!(!history.to_string().contains("alice"), "{history}");
    }
}

#[actix_web::test]
async fn control_an_observer_sees_all_of_it() {
    let scene = scene(Roles::NONE.with(holdfast_domain::Role::Observer)).await;
    let hers = scene.book("alice", 10, 12).await;
    let shown = scene.get("bob", &format!("/api/v1/bookings/{}", hers["id"].as_str().unwrap())).await;
    assert_eq!((&shown["user_id"], &shown["title"]), (&json!("alice"), &json!("secret")));
    assert!(scene.get("bob", "/api/v1/changes").await.to_string().contains("alice"));
}

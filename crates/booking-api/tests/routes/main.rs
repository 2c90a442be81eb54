//! The routes as whoever mounts them has them, over PostgreSQL and Redis, and without a process around them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod busy;
mod visible;

use std::time::Duration;

use actix_http::Request;
use actix_web::{
    App,
    body::BoxBody,
    dev::{Service, ServiceResponse},
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
use holdfast_stream::Streams;
use holdfast_testkit::{TestDatabase, redis::TestRedis};

struct Scene<S> {
    app: S,
    test: TestDatabase,
    _redis: TestRedis,
    _lifecycle: Lifecycle,
}

/// The routes, for callers with these roles, and with these settings besides.
async fn scene(
    roles: Roles,
    besides: &[&str],
) -> Scene<impl Service<Request, Response = ServiceResponse<BoxBody>, Error = actix_web::Error>> {
    let (test, redis) = (TestDatabase::new().await, TestRedis::new());
    let url = test.url();
    let where_to = ["--database-url", &url, "--redis-url", &redis.url, "--redis-prefix", &redis.prefix];
    let settings = Settings::try_parse_from([&["test"], &where_to[..], besides].concat()).unwrap();
    let lifecycle = Lifecycle::new(Duration::from_secs(5)).unwrap();
    let process = Process { tasks: lifecycle.tasks(Stage::Workers), health: Health::default() };
    let streams = Streams::connect(&settings.streams).unwrap();
    let bells = Bells::connect(&settings.streams).unwrap();
    let api = BookingApi::start(&settings.api, test.database(), streams, bells, &process);
    let app = test::init_service(App::new().app_data(roles).configure(|config| api.configure(config))).await;
    Scene { app, test, _redis: redis, _lifecycle: lifecycle }
}

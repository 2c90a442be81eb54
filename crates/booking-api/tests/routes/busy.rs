//! What a write is told that finds too many before it.

use std::pin::pin;

use actix_web::test;
use holdfast_domain::Roles;
use holdfast_testkit::{hours, shard};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::scene;

#[actix_web::test]
async fn a_write_that_finds_the_queue_full_is_told_when_to_come_again_in_header_and_body() {
    let scene = scene(Roles::NONE, &["--lane-queue=1", "--lane-batch=2"]).await;
    let book = async || {
        let range = hours(10, 12);
        let text = |at: time::OffsetDateTime| at.format(&Rfc3339).unwrap();
        let body = json!({
            "resource": "Raum1", "start_time": text(range.start()), "end_time": text(range.end()),
        });
        let request = test::TestRequest::post().uri("/api/v1/bookings").insert_header(("X-User-ID", "alice"));
        test::call_service(&scene.app, request.set_json(body).to_request()).await
    };

    let held = scene.test.hold(shard()).await;
    // One of them has the only place until the head is let go.
    let (mut first, mut second) = (pin!(book()), pin!(book()));
    let (refused, other) = tokio::select! {
        refused = &mut first => (refused, second),
        refused = &mut second => (refused, first),
    };
    assert_eq!(refused.status(), 503);
    let header = refused.headers().get("Retry-After").unwrap().to_str().unwrap().to_owned();
    let problem: Value = test::read_body_json(refused).await;
    assert_eq!(problem["code"], "busy");
    assert_eq!(problem["retry_after_seconds"].to_string(), header);
    let seconds: u32 = header.parse().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("Nothing happened: the queue of writes is full. Try again in "), "{detail}");
    held.release().await;
    assert_eq!(other.await.status(), 201);
    assert_eq!(book().await.status(), 201);
}

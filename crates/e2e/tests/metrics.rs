//! What an operator sees at `/metrics`.

use holdfast_e2e::{Binary, House, Socket};
use holdfast_testkit::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_tell_of_routes_lanes_logs_decisions_and_sockets() {
    let house = House::new().await;
    let process = house.ready(Binary::Holdfast).await;
    let _socket = Socket::open(process.address(), "user_id=alice").await;
    let alice = process.client().user("alice").header("Prefer", "wait=30");
    assert_eq!(alice.book("Raum1", 10, 12).await.unwrap().status, 201);
    assert_eq!(process.client().get("/api/v1/bookings/none").await.unwrap().status, 400);
    let expected = [
        r#"holdfast_http_requests_total{method="POST",route="/api/v1/bookings",status="201"} 1"#,
        r#"holdfast_http_requests_total{method="GET",route="/api/v1/bookings/{id}",status="400"} 1"#,
        "holdfast_lane_waiting 0",
        r#"holdfast_lane_expected_wait_seconds{shard="3"} 0"#,
        "holdfast_lane_batch_size_count 1",
        r#"holdfast_log_seq{shard="3"} 3"#,
        r#"holdfast_log_undecided{shard="3"} 0"#,
        r#"holdfast_relay_lag{shard="3"} 0"#,
        r#"holdfast_decisions_total{verdict="grant"} 1"#,
        "holdfast_decision_seconds_count 1",
        "holdfast_sockets 1",
        "holdfast_sockets_max 10000",
        r#"holdfast_component_up{component="postgres"} 1"#,
        r#"holdfast_component_up{component="relay"} 1"#,
        "holdfast_socket_slow_closes_total 0",
    ];
    eventually("all is counted", async || {
        let text = process.client().text("/metrics").await.ok()?;
        let missing: Vec<_> =
            expected.iter().filter(|line| !text.lines().any(|told| told == **line)).collect();
        eprintln!("missing: {missing:?}");
        missing.is_empty().then_some(())
    })
    .await;
}

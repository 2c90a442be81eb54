//! The listener over real sockets: what it says of itself, and how it stops.

#![expect(clippy::disallowed_methods, reason = "what is tested holds however a route is mounted")]
#![expect(clippy::unwrap_used, reason = "clippy takes a helper of a test for no test")]

use std::time::{Duration, Instant};

use actix_web::{HttpResponse, error::ErrorInternalServerError, http::StatusCode, web};
use clap::Parser;
use holdfast_runtime::{
    RequestId,
    extract::JsonBody,
    health::Health,
    http::{Bound, bind},
    problem::Problem,
    routes,
    settings::{HttpSettings, ShutdownSettings},
};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    http: HttpSettings,
    #[command(flatten)]
    shutdown: ShutdownSettings,
}

struct Running {
    address: std::net::SocketAddr,
    stopping: CancellationToken,
    server: JoinHandle<std::io::Result<()>>,
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/socket/{name}", web::get().to(HttpResponse::SwitchingProtocols))
        .route("/metered/{name}", web::route().to(HttpResponse::Ok))
        .route("/id", web::get().to(|id: RequestId| async move { id.to_string() }))
        .service(routes::at("/get").get(async || HttpResponse::Ok().body("whole")))
        .route("/json", web::post().to(|_: JsonBody<Value>| HttpResponse::Ok()))
        .route("/bytes", web::post().to(|_: web::Bytes| HttpResponse::Ok()))
        .route("/broken", web::get().to(|| async { Err::<HttpResponse, _>(Problem::internal("a secret")) }))
        .route(
            "/busy",
            web::get().to(|| async {
                Err::<HttpResponse, _>(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Busy"))
            }),
        )
        .route(
            "/raw",
            web::get().to(|| async { Err::<HttpResponse, _>(ErrorInternalServerError("a secret")) }),
        )
        .route("/slow", web::get().to(slow));
}

/// Says that it has begun, so that a test can stop the server meanwhile.
async fn slow(gate: web::Data<Gate>) -> HttpResponse {
    gate.entered.cancel();
    gate.open.cancelled().await;
    HttpResponse::Ok().body("done")
}

#[derive(Clone, Default)]
struct Gate {
    entered: CancellationToken,
    open: CancellationToken,
}

fn start(gate: &Gate) -> Running {
    start_with(gate, &[])
}

fn start_with(gate: &Gate, arguments: &[&str]) -> Running {
    let always = ["test", "--http-port=0", "--http-workers=1", "--shutdown-seconds=60"];
    let settings = Settings::parse_from([&always, arguments].concat());
    let gate = web::Data::new(gate.clone());
    let configure = move |config: &mut web::ServiceConfig| {
        config.app_data(gate.clone());
        routes(config);
    };
    let bound: Bound = bind(&settings.http, &settings.shutdown, &Health::default(), configure).unwrap();
    let stopping = CancellationToken::new();
    Running {
        address: bound.address(),
        stopping: stopping.clone(),
        server: tokio::spawn(bound.run(stopping)),
    }
}

async fn send(socket: &mut TcpStream, head: &str, body: &str) {
    let request = format!("{head}\r\nHost: test\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    socket.write_all(request.as_bytes()).await.unwrap();
}

/// Reads one answer; its length is announced.
async fn receive(socket: &mut (impl AsyncRead + Unpin)) -> String {
    let head = receive_head(socket).await;
    let mut body = vec![0; announced(&head)];
    socket.read_exact(&mut body).await.unwrap();
    head + std::str::from_utf8(&body).unwrap()
}

fn announced(head: &str) -> usize {
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    length.unwrap().parse().unwrap()
}

async fn receive_head(socket: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    loop {
        let byte = socket.read_u8().await.unwrap();
        answer.push(byte);
        if answer.ends_with(b"\r\n\r\n") {
            break;
        }
    }
    String::from_utf8(answer).unwrap().to_lowercase()
}

impl Running {
    async fn ask(&self, head: &str, body: &str) -> String {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        send(&mut socket, head, body).await;
        receive(&mut socket).await
    }

    /// The time from the request to stop until the last connection is gone.
    async fn stop(self) -> Duration {
        let asked = Instant::now();
        self.stopping.cancel();
        self.server.await.unwrap().unwrap();
        asked.elapsed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_keep_alive_connection_does_not_hold_the_process() {
    let running = start(&Gate::default());
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    send(&mut idle, "GET /livez HTTP/1.1", "").await;
    assert!(!receive(&mut idle).await.contains("connection: close"));
    let silent = TcpStream::connect(running.address).await.unwrap();
    let took = running.stop().await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0);
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_request_is_answered_though_the_process_stops() {
    let gate = Gate::default();
    let running = start(&gate);
    let mut socket = TcpStream::connect(running.address).await.unwrap();
    send(&mut socket, "GET /slow HTTP/1.1", "").await;
    gate.entered.cancelled().await;
    running.stopping.cancel();
    while TcpStream::connect(running.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    gate.open.cancel();
    let answer = receive(&mut socket).await;
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(answer.ends_with("done"), "{answer}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_drains_requests_are_answered_and_sent_elsewhere() {
    let running = start_with(&Gate::default(), &["--shutdown-drain-seconds=1"]);
    assert!(running.ask("GET /readyz HTTP/1.1", "").await.starts_with("http/1.1 200"));
    running.stopping.cancel();
    let answer = loop {
        let answer = running.ask("GET /readyz HTTP/1.1", "").await;
        if answer.starts_with("http/1.1 503") {
            break answer;
        }
    };
    assert!(answer.contains(r#"{"status":"stopping""#) && answer.contains("connection: close"), "{answer}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_keeps_its_id_and_one_without_gets_one() {
    let running = start(&Gate::default());
    let answer = running.ask("GET /id HTTP/1.1\r\nX-Request-ID: abc-1", "").await;
    assert!(answer.contains("x-request-id: abc-1\r\n") && answer.ends_with("\r\n\r\nabc-1"), "{answer}");
    let answer = running.ask("GET /id HTTP/1.1\r\nX-Request-ID: a b", "").await;
    let id = answer.split("\r\n\r\n").nth(1).unwrap();
    assert!(id.len() == 36 && answer.contains(&format!("x-request-id: {id}")), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_is_a_problem_document() {
    let running = start(&Gate::default());
    let cases = [
        ("GET /nowhere HTTP/1.1", "", "404", "not_found"),
        ("POST /get HTTP/1.1", "", "405", "method_not_allowed"),
        ("POST /bytes HTTP/1.1", &*"x".repeat(65_537), "413", "body_too_large"),
        ("GET /broken HTTP/1.1", "", "500", "internal"),
        ("GET /raw HTTP/1.1", "", "500", "internal"),
    ];
    for (head, body, status, code) in cases {
        let answer = running.ask(head, body).await;
        assert!(answer.starts_with(&format!("http/1.1 {status}")), "{answer}");
        assert!(answer.contains("content-type: application/problem+json"), "{answer}");
        assert!(answer.contains(&format!("urn:holdfast:problem:{code}\"")), "{answer}");
        assert!(answer.contains("x-request-id: ") && !answer.contains("secret"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_long_is_refused_before_all_of_it_has_come() {
    let running = start(&Gate::default());
    let mebibyte = format!("100000\r\n{}\r\n", " ".repeat(0x10_0000));
    let cases = [("Content-Length: 10485760", "{"), ("Transfer-Encoding: chunked", &*mebibyte)];
    for (length, begun) in cases {
        let mut socket = TcpStream::connect(running.address).await.unwrap();
        let head = "POST /json HTTP/1.1\r\nHost: test\r\nContent-Type: application/json";
        let request = format!("{head}\r\n{length}\r\n\r\n{begun}");
        let (mut reading, mut writing) = socket.split();
        // It may be refused, and reset, in the midst of what is sent.
        let (answer, _) = tokio::join!(receive(&mut reading), writing.write_all(request.as_bytes()));
        assert!(answer.starts_with("http/1.1 413") && answer.contains("body_too_large"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_answered_as_get_is_without_the_body() {
    let running = start(&Gate::default());
    let mut socket = TcpStream::connect(running.address).await.unwrap();
    send(&mut socket, "HEAD /get HTTP/1.1", "").await;
    let head = receive_head(&mut socket).await;
    assert!(head.starts_with("http/1.1 200") && announced(&head) == 5, "{head}");
    send(&mut socket, "GET /get HTTP/1.1", "").await;
    let answer = receive(&mut socket).await;
    assert!(answer.starts_with("http/1.1 200") && answer.ends_with("\r\n\r\nwhole"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probes_say_which_methods_they_have() {
    let running = start(&Gate::default());
    for path in ["/livez", "/readyz", "/metrics"] {
        let answer = running.ask(&format!("FOO {path} HTTP/1.1"), "").await;
        assert!(
            answer.starts_with("http/1.1 405") && answer.contains("\r\nallow: get, head\r\n"),
            "{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_counted_by_its_route_and_never_by_what_a_caller_makes_up() {
    let running = start(&Gate::default());
    for head in
        ["GET /metered/a", "GET /metered/b?c=d", "MADEUP /metered/c", "MADETOO /metered/c", "GET /made/up"]
    {
        running.ask(&format!("{head} HTTP/1.1"), "").await;
    }
    let mut socket = TcpStream::connect(running.address).await.unwrap();
    send(&mut socket, "GET /socket/a HTTP/1.1", "").await;
    receive_head(&mut socket).await;

    let text = running.ask("GET /metrics HTTP/1.1", "").await;
    assert!(text.contains("\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{text}");
    let value = |series: &str| text.lines().find_map(|line| line.strip_prefix(series)).map(str::trim);
    let requests = |labels: &str| value(&format!("holdfast_http_requests_total{{{labels}}}"));
    let durations =
        |labels: &str| value(&format!("holdfast_http_request_duration_seconds_count{{{labels}}}"));
    assert_eq!(requests(r#"method="GET",route="/metered/{name}",status="200""#), Some("2"));
    assert_eq!(requests(r#"method="other",route="/metered/{name}",status="200""#), Some("2"));
    assert_eq!(durations(r#"method="GET",route="/metered/{name}""#), Some("2"));
    assert!(requests(r#"method="GET",route="none",status="404""#).is_some());
    assert_eq!(requests(r#"method="GET",route="/socket/{name}",status="101""#), Some("1"));
    assert_eq!(durations(r#"method="GET",route="/socket/{name}""#), None);
    assert!(!text.to_lowercase().contains("made"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_on_our_side_is_counted_by_its_code() {
    let running = start(&Gate::default());
    for head in ["GET /busy HTTP/1.1", "GET /busy HTTP/1.1", "GET /nowhere HTTP/1.1"] {
        running.ask(head, "").await;
    }
    let text = running.ask("GET /metrics HTTP/1.1", "").await;
    assert!(text.contains("holdfast_http_problems_total{code=\"busy\"} 2"), "{text}");
    assert!(!text.contains(r#"code="not_found""#), "{text}");
}

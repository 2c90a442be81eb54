//! The real proxy, as it is deployed, in front of real processes: one port for everything, time-outs that beats outlive,
//! processes that come and go, and that nothing is sent twice.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use holdfast_e2e::{Binary, Contract, Front, House, Names, Process, Socket};
use holdfast_testkit::eventually;
use reqwest::Method;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// A name that the proxy asks for, and those who stand under it: at one port, each at an address of its own.
struct Group {
    binary: Binary,
    name: &'static str,
    running: Vec<Process>,
    started: u8,
}

impl Group {
    fn new(binary: Binary, name: &'static str) -> Self {
        Self { binary, name, running: Vec::new(), started: 1 }
    }

    /// One more, at an address that nobody had before.
    async fn add(&mut self, house: &House, settings: &[(&str, &str)]) {
        self.started += 1;
        let host = format!("127.0.0.{}", self.started);
        let port = self.running.first().map_or(0, |first| first.address().port()).to_string();
        let all = [&[("HTTP_HOST", &*host), ("HTTP_PORT", &*port)], settings].concat();
        let process = house.start_with(self.binary, &all).await;
        process.until("ready").await;
        self.running.push(process);
    }

    fn tell(&self, names: &Names) {
        let addresses: Vec<SocketAddr> = self.running.iter().map(Process::address).collect();
        names.set(self.name, &addresses);
    }

    /// What the proxy is told to ask for.
    fn place(&self) -> String {
        format!("{}:{}", self.name, self.running[0].address().port())
    }
}

/// A whole installation behind the proxy.
struct Town {
    apis: Group,
    notifiers: Group,
    _others: [Process; 2],
    names: Names,
    front: Front,
    house: House,
}

impl Town {
    /// Two of each; nothing where there is no proxy to be had.
    async fn start(services: &[(&str, &str)], proxy: &[(&str, &str)]) -> Option<Self> {
        let house = House::new().await;
        let mut apis = Group::new(Binary::BookingApi, "booking-api");
        let mut notifiers = Group::new(Binary::Notifier, "notifier");
        let names = Names::start().await;
        for group in [&mut apis, &mut notifiers] {
            group.add(&house, services).await;
            group.add(&house, services).await;
            group.tell(&names);
        }
        let validator = house.ready(Binary::Validator).await;
        let docs = Process::start_as(Binary::Holdfast, &["docs"], &[]).await;
        names.set("docs", &[docs.address()]);
        let places = [apis.place(), notifiers.place(), format!("docs:{}", docs.address().port())];
        let settings = [("BOOKING_API", &*places[0]), ("NOTIFIER", &places[1]), ("DOCS", &places[2])];
        let front = Front::start(&names, &[&settings, proxy].concat()).await?;
        front.until_up("booking-api", 2).await;
        front.until_up("notifier", 2).await;
        front.until_up("docs", 1).await;
        Some(Self { apis, notifiers, _others: [validator, docs], names, front, house })
    }
}

/// The next piece of a stream of events that has this in it.
async fn until_event(events: &mut reqwest::Response, wanted: &str) {
    while !String::from_utf8_lossy(&events.chunk().await.unwrap().expect("an open stream")).contains(wanted) {
    }
}

async fn listen(address: SocketAddr, query: &str) -> reqwest::Response {
    let events = reqwest::get(format!("http://{address}/api/v1/sse?{query}")).await.unwrap();
    assert_eq!(events.status(), 200);
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn one_port_serves_requests_sockets_events_and_pages_as_the_services_do() {
    let settings = [("LOG_LEVEL", "info,holdfast_runtime=debug")];
    let Some(town) = Town::start(&settings, &[]).await else { return };
    let address = town.front.address();
    let mut first_published = Socket::open(address, "topic=all").await;
    let mut socket = Socket::open_at(address, "/api/v1/ws?topic=all").await;
    let mut events = listen(address, "topic=all").await;

    let trace = "0af7651916cd43dd8448eb211c80319c";
    let alice = town.front.client().user("alice").request_id("from-outside");
    let alice = alice.header("traceparent", &format!("00-{trace}-b7ad6b7169203331-01"));
    let booked = alice.book("Raum1", 10, 12).await.unwrap();
    assert_eq!((booked.status, booked.header("x-request-id")), (201, "from-outside"));
    let read = town.front.client().get(&format!("/api/bookings/{}", booked.id())).await.unwrap();
    assert_eq!((read.status, &read.body["user_id"]), (200, &Value::from("alice")));
    for socket in [&mut socket, &mut first_published] {
        let told = socket.until("booking_created", booked.id()).await;
        assert_eq!(told.last().unwrap()["request_id"], "from-outside");
    }
    until_event(&mut events, "booking_validated").await;
    let is_traced = |api: &Process| api.log().iter().any(|entry| entry["trace_id"] == trace);
    assert!(town.apis.running.iter().any(is_traced), "no service was told of the trace");

    // The client holds each answer against the API's document.
    let too_long = format!(r#"{{"note": "{}"}}"#, "x".repeat(65_536));
    let refused = alice.raw(Method::POST, "/api/bookings", "application/json", too_long).await.unwrap();
    assert_eq!(refused.status, 413);
    for path in ["/", "/docs/", "/docs/swagger-ui.css", "/livez", "/readyz"] {
        assert_eq!(alice.get(path).await.unwrap().status, 200, "{path}");
    }
    let document = alice.get("/openapi.json").await.unwrap().body;
    assert_eq!(&document, Contract::of_holdfast().document());
}

/// What is answered to a path that is sent as it stands here.
async fn answered(address: SocketAddr, path: &str) -> String {
    let mut line = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: holdfast\r\nConnection: close\r\n\r\n");
    line.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_of_a_process_are_not_everybodys_however_their_path_is_written() {
    let Some(town) = Town::start(&[], &[]).await else { return };
    assert!(answered(town.apis.running[0].address(), "/%6Detrics").await.contains("holdfast_build_info"));
    for path in [
        "/metrics",
        "/metrics?a=b",
        "/metrics/",
        "//metrics",
        "/%6Detrics",
        "/%6d%65%74%72%69%63%73",
        "/%256Detrics",
        "/./metrics",
        "/docs/../metrics",
        "/metrics#a",
        "/%6Detrics#%zz",
        "http://holdfast/metrics",
        "http://holdfast/%6Detrics",
    ] {
        let answer = answered(town.front.address(), path).await;
        assert!(answer.starts_with("HTTP/1.1 40"), "{path}: {answer}");
        assert!(!answer.contains("holdfast_build_info"), "{path}: {answer}");
    }
}

/// Time-outs of the proxy that are shorter than a test.
const IMPATIENT: [(&str, &str); 3] =
    [("PROXY_TUNNEL_TIMEOUT", "2s"), ("PROXY_CLIENT_TIMEOUT", "2s"), ("PROXY_SERVER_TIMEOUT", "2s")];

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_and_a_stream_of_events_stay_open_past_the_time_outs_as_long_as_they_beat() {
    let Some(town) = Town::start(&[("SOCKET_BEAT_SECONDS", "1")], &IMPATIENT).await else { return };
    let opened = Instant::now();
    let mut socket = Socket::open(town.front.address(), "topic=all").await;
    // It must answer what it is asked, or its notifier takes it for dead.
    let heard = tokio::spawn(async move { socket.message().await });
    let mut events = listen(town.front.address(), "topic=all").await;
    while opened.elapsed().as_secs() < 5 {
        until_event(&mut events, "position").await;
    }
    let alice = town.front.client().user("alice");
    alice.book("Raum1", 10, 12).await.unwrap();
    assert_eq!(heard.await.unwrap()["type"], "resource_created");
    until_event(&mut events, "booking_created").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_beats_too_seldom_is_cut() {
    let Some(town) = Town::start(&[("SOCKET_BEAT_SECONDS", "20")], &IMPATIENT).await else { return };
    let opened = Instant::now();
    Socket::open(town.front.address(), "topic=all").await.until_broken().await;
    assert!(opened.elapsed().as_secs() < 15, "it was the proxy that cut it");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_notifier_dies_its_clients_come_back_to_the_other_and_miss_nothing() {
    let Some(mut town) = Town::start(&[], &[]).await else { return };
    let address = town.front.address();
    let alice = town.front.client().user("alice");
    // The one with the fewest gets the next: two of each.
    let mut sockets = Vec::new();
    for _ in 0..4 {
        sockets.push(Socket::open(address, "topic=all").await);
    }
    let before = alice.book("Raum1", 10, 12).await.unwrap();
    for socket in &mut sockets {
        socket.until("booking_validated", before.id()).await;
    }
    let resource = before.body["resource_id"].as_str().unwrap();
    let position = alice.get("/api/v1/changes?after=0").await.unwrap().header("x-log-seq").to_owned();
    town.notifiers.running.remove(0).kill().await;
    let after = alice.post("/api/v1/bookings", &at_another_hour(resource)).await.unwrap();
    assert_eq!(after.status, 201);

    let mut moved = 0;
    for mut socket in sockets {
        let Some(told) = socket.broken_or_told(after.id()).await else {
            moved += 1;
            // The proxy may not have noticed yet: then it tries the other by itself.
            let mut socket = Socket::open(address, &format!("topic=all&after={position}")).await;
            let told = socket.until("booking_validated", after.id()).await;
            assert!(told.iter().all(|message| message["type"] != "resync"), "{told:?}");
            continue;
        };
        assert_eq!(told["type"], "booking_created");
    }
    assert_eq!(moved, 2);
}

fn at_another_hour(resource: &str) -> Value {
    let mut body = holdfast_e2e::booking("", 14, 16);
    body.as_object_mut().unwrap().remove("resource");
    body["resource_id"] = resource.into();
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_though_an_api_process_dies_and_others_come() {
    let drain = [("SHUTDOWN_DRAIN_SECONDS", "4")];
    let Some(mut town) = Town::start(&drain, &[]).await else { return };
    let alice = town.front.client().user("alice");
    let book = async |hours: std::ops::Range<i64>| {
        for hour in hours {
            let fresh = town.front.client().user("alice");
            for client in [&alice, &fresh] {
                let answer = client.book("Raum1", hour, hour + 1).await.unwrap();
                assert_eq!(answer.status, 201, "{answer:?}");
            }
        }
    };
    book(1..4).await;
    town.apis.running.remove(0).kill().await;
    book(4..12).await;
    town.front.until_up("booking-api", 1).await;

    town.apis.add(&town.house, &drain).await;
    town.apis.tell(&town.names);
    town.front.until_up("booking-api", 2).await;
    // It says that it stops, and is asked no more when it has.
    let mut leaving = town.apis.running.remove(0);
    let left = tokio::spawn(async move { leaving.terminate().await });
    let mut hour = 12;
    while !left.is_finished() {
        book(hour..hour + 1).await;
        hour += 1;
    }
    assert!(left.await.unwrap().success());
    book(hour..hour + 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_many_connections_each_process_gets_is_the_operators_to_say() {
    let names = Names::start().await;
    let Some(front) = Front::start(&names, &[("PROXY_SERVER_MAXCONN", "77")]).await else { return };
    let metrics = front.metrics().await;
    let limits: Vec<&str> =
        metrics.lines().filter(|line| line.starts_with("haproxy_server_limit_sessions{")).collect();
    assert_eq!(limits.len(), 34);
    assert!(limits.iter().all(|line| line.ends_with(" 77")), "{limits:?}");
    assert!(metrics.contains("haproxy_process_max_connections 200"), "as the front is started");
}

/// A service that says that it is ready, and is lost whenever it has taken a request.
async fn lost_when_asked(host: &str, port: u16, taken: &Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind((host, port)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::clone(taken);
    tokio::spawn(async move {
        loop {
            let (line, _) = listener.accept().await.unwrap();
            tokio::spawn(take(line, Arc::clone(&taken)));
        }
    });
    address
}

async fn take(mut line: TcpStream, taken: Arc<AtomicUsize>) {
    let mut lines = BufReader::new(&mut line).lines();
    let first = lines.next_line().await.ok().flatten().unwrap_or_default();
    while lines.next_line().await.is_ok_and(|line| line.is_some_and(|line| !line.is_empty())) {}
    if first.starts_with("GET /readyz") {
        let _ = line.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    } else if !first.is_empty() {
        taken.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_sent_once_though_its_service_is_lost_and_the_answer_says_what_is_known() {
    let names = Names::start().await;
    let taken = Arc::default();
    let one = lost_when_asked("127.0.0.2", 0, &taken).await;
    let other = lost_when_asked("127.0.0.3", one.port(), &taken).await;
    let place = format!("booking-api:{}", one.port());
    let Some(front) = Front::start(&names, &[("BOOKING_API", &place)]).await else { return };
    let alice = front.client().user("alice");

    // The client holds each answer against the API's document.
    let refused = alice.book("Raum1", 10, 12).await.unwrap();
    assert_eq!((refused.status, &refused.body["code"]), (503, &Value::from("unavailable")));
    names.set("booking-api", &[one, other]);
    front.until_up("booking-api", 2).await;
    let path = "/api/v1/bookings/0195a2b4-7c3e-7d11-8a55-3f1b6c0e9d42";
    let body = holdfast_e2e::booking("Raum1", 10, 12);
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let before = taken.load(Ordering::Relaxed);
        let answer = match method {
            Method::POST => alice.post("/api/v1/bookings", &body).await,
            Method::PUT => alice.put(path, &body).await,
            _ => alice.delete(path).await,
        };
        let answer = answer.unwrap();
        assert_eq!((answer.status, &answer.body["code"]), (503, &Value::from("outcome_unknown")), "{method}");
        let told = [&format!("request_id={} ", answer.header("x-request-id")), &format!("\"{method} ")];
        eventually("the proxy logs it", async || {
            let lines = front.lines();
            lines.iter().any(|line| told.iter().all(|part| line.contains(*part))).then_some(())
        })
        .await;
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(taken.load(Ordering::Relaxed), before + 1, "{method} was sent again");
    }
}

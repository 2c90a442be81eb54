//! What can be asked: lists and their filters, days as a venue has them, histories, the log, and what is free.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use holdfast_domain::DEFAULT_VENUE;
use holdfast_e2e::{Answer, Binary, Client, House, Log, Process, Socket, booking};
use holdfast_testkit::now;
use serde_json::{Value, json};
use time::{Date, Month};

async fn house() -> (House, Process) {
    let house = House::new().await;
    let process = house.ready(Binary::Holdfast).await;
    (house, process)
}

async fn book_at(user: &Client, resource: &str, start: &str, end: &str) -> Answer {
    let body = json!({ "resource": resource, "start_time": start, "end_time": end });
    let answer = user.post("/api/v1/bookings", &body).await.unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    answer
}

fn last_sunday(year: i32, month: Month) -> Date {
    let end = Date::from_calendar_date(year, month, month.length(year)).unwrap();
    let days = end.weekday().number_days_from_sunday();
    end - time::Duration::days(days.into())
}

fn ids(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body.as_array().unwrap().iter().map(|each| each["id"].as_str().unwrap()).collect()
}

fn next(answer: &Answer) -> Option<String> {
    let link = answer.headers.get("link")?.to_str().unwrap();
    let path = link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?;
    Some(path.to_owned())
}

/// The ids on all pages of a list.
async fn all_ids(client: &Client, path: &str) -> Vec<String> {
    let (mut found, mut path) = (Vec::new(), Some(path.to_owned()));
    while let Some(here) = path {
        let page = client.get(&here).await.unwrap();
        found.extend(ids(&page).into_iter().map(str::to_owned));
        path = next(&page);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_what_its_filters_say_on_as_many_pages_as_it_takes() {
    let (_house, process) = house().await;
    let (alice, bob) = (process.client().user("alice"), process.client().user("bob"));
    let mut hers = Vec::new();
    for hour in [3, 1, 2] {
        hers.push(alice.header("Prefer", "wait=30").book("Raum1", hour, hour + 1).await.unwrap());
    }
    let his = bob.header("Prefer", "wait=30").book("Saal & Foyer", 1, 4).await.unwrap();
    let path = format!("/api/v1/bookings/{}", hers[0].id());
    assert_eq!(alice.delete(&path).await.unwrap().status, 204);
    let (first, second) = (hers[1].id(), hers[2].id());
    let list = |query: &str| {
        let (client, path) = (process.client(), format!("/api/v1/bookings?{query}"));
        async move { all_ids(&client, &path).await }
    };
    let mut all = list("").await;
    assert_eq!(list("limit=1").await, all, "page by page it is the same");
    all.sort_unstable();
    let mut expected = vec![first, second, his.id()];
    expected.sort_unstable();
    assert_eq!(all, expected);
    assert_eq!(list("resource=Raum1&limit=1").await, [first, second]);
    let resource = hers[1].body["resource_id"].as_str().unwrap();
    assert_eq!(list(&format!("resource={resource}")).await, [first, second]);
    assert_eq!(list("resource=Saal+%26+Foyer&user_id=bob").await, [his.id()]);
    assert_eq!(list("user_id=alice&status=CANCELLED").await, [hers[0].id()]);
    assert_eq!(list("user_id=alice&status=CANCELLED,VALID").await, [first, second, hers[0].id()]);
    assert_eq!(list("status=PENDING").await, Vec::<&str>::new());
    assert_eq!(list("resource=Nowhere").await, Vec::<&str>::new());
    let (from, to) =
        (hers[2].body["start_time"].as_str().unwrap(), hers[2].body["end_time"].as_str().unwrap());
    assert_eq!(list(&format!("from={from}&to={to}&resource=Raum1")).await, [second]);
    assert_eq!(list(&format!("to={from}&resource=Raum1")).await, [first]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_the_venues_also_when_its_clocks_change() {
    let (_house, process) = house().await;
    let alice = process.client().user("alice");
    let zone = json!({ "time_zone": "Europe/Berlin" });
    let venue = alice.patch(&format!("/api/v1/venues/{DEFAULT_VENUE}"), &zone).await.unwrap();
    assert_eq!((venue.status, &venue.body["time_zone"]), (200, &json!("Europe/Berlin")));
    let list = |day: &str| {
        let (client, path) = (process.client(), format!("/api/v1/bookings?date={day}"));
        async move { all_ids(&client, &path).await }
    };
    // In spring the day has 23 hours there, from 23:00Z to 22:00Z; in autumn 25, from 22:00Z to 23:00Z.
    let year = now().year() + 1;
    let (spring, autumn) = (last_sunday(year, Month::March), last_sunday(year, Month::October));
    let (eve, morrow) = (spring.previous_day().unwrap(), spring.next_day().unwrap());
    let at = |day: Date, from: &str, to: &str| {
        let (alice, from, to) = (alice.clone(), format!("{day}T{from}Z"), format!("{day}T{to}Z"));
        async move { book_at(&alice, "Raum1", &from, &to).await }
    };
    let before = at(eve, "22:30:00", "23:00:00").await;
    let last = at(spring, "21:59:00", "22:00:00").await;
    let across = at(spring, "21:00:00", "22:30:00").await;
    assert_eq!(list(&eve.to_string()).await, [before.id()]);
    assert_eq!(list(&spring.to_string()).await, [across.id(), last.id()]);
    assert_eq!(list(&morrow.to_string()).await, [across.id()]);
    let (eve, morrow) = (autumn.previous_day().unwrap(), autumn.next_day().unwrap());
    let first = at(eve, "22:00:00", "22:01:00").await;
    let late = at(autumn, "22:59:00", "23:00:00").await;
    let after = at(autumn, "23:00:00", "23:01:00").await;
    assert_eq!(list(&autumn.to_string()).await, [first.id(), late.id()]);
    assert_eq!(list(&morrow.to_string()).await, [after.id()]);

    // Each venue has its own day.
    let body = json!({ "name": "Kiritimati", "time_zone": "Pacific/Kiritimati" });
    let island = alice.post("/api/v1/venues", &body).await.unwrap();
    let body = json!({
        "resource": "Raum1", "venue_id": island.id(), "start_time": format!("{eve}T12:00:00Z"),
        "end_time": format!("{eve}T13:00:00Z"),
    });
    let there = alice.post("/api/v1/bookings", &body).await.unwrap();
    assert_eq!(list(&autumn.to_string()).await, [there.id(), first.id(), late.id()]);
    let only = format!("{autumn}&venue_id={}", island.id());
    assert_eq!(list(&only).await, [there.id()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn history_and_log_tell_every_write_in_order_with_its_author_request_and_trace() {
    let (house, process) = house().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let alice = process.client().user("alice");
    let traced = alice.request_id("r-1").header("traceparent", trace);
    let mut socket = Socket::open(process.address(), "user_id=alice").await;
    let made = traced.header("Prefer", "wait=30").book("Raum1", 10, 12).await.unwrap();
    let heard = socket.until("booking_created", made.id()).await;
    let created = heard.last().unwrap();
    assert_eq!((&created["request_id"], &created["traceparent"]), (&json!("r-1"), &json!(trace)));
    let path = format!("/api/v1/bookings/{}", made.id());
    alice.request_id("r-2").put(&path, &json!({ "title": "Stand-up" })).await.unwrap();
    alice.request_id("r-3").delete(&path).await.unwrap();

    let history = process.client().get(&format!("{path}/history")).await.unwrap();
    let told: Vec<(&str, &Value, &Value)> = history
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["type"].as_str().unwrap(), &change["actor"], &change["request_id"]))
        .collect();
    let (hers, nobody) = (json!("alice"), json!(null));
    let requests = [json!("r-1"), json!("r-2"), json!("r-3")];
    let expected = [
        ("booking_created", &hers, &requests[0]),
        ("booking_validated", &nobody, &nobody),
        ("booking_updated", &hers, &requests[1]),
        ("booking_deleted", &hers, &requests[2]),
    ];
    assert_eq!(told, expected);
    assert_eq!(history.body[0]["traceparent"], trace);
    let first = process.client().get(&format!("{path}/history?limit=3")).await.unwrap();
    let rest = process.client().get(&next(&first).unwrap()).await.unwrap();
    assert_eq!(rest.body, json!([history.body[3]]));
    let unknown = "/api/v1/bookings/00000000-0000-7000-8000-000000000000/history";
    assert_eq!(process.client().get(unknown).await.unwrap().status, 404);

    let (mut seqs, mut after) = (Vec::new(), 0);
    loop {
        let page = process.client().get(&format!("/api/v1/changes?after={after}&limit=2")).await.unwrap();
        assert_eq!(page.status, 200, "{page:?}");
        seqs.extend(page.body.as_array().unwrap().iter().map(|change| change["seq"].as_i64().unwrap()));
        let read_to: i64 = page.header("x-log-seq").parse().unwrap();
        if read_to == after {
            break;
        }
        after = read_to;
    }
    let end = Log::read(&house.database).await.end().0;
    assert_eq!(seqs, (1..=end).collect::<Vec<_>>());
    let beyond = process.client().get(&format!("/api/v1/changes?after={}", end + 1)).await.unwrap();
    assert_eq!((beyond.status, &beyond.body["code"]), (410, &json!("log_gone")));
    assert_eq!(beyond.body["seq"], end);
}

#[tokio::test(flavor = "multi_thread")]
async fn venues_and_resources_are_made_changed_and_listed() {
    let (_house, process) = house().await;
    let alice = process.client().user("alice");
    let made =
        alice.post("/api/v1/venues", &json!({"name": "Haus A", "time_zone": "europe/berlin"})).await.unwrap();
    assert_eq!((made.status, &made.body["time_zone"]), (201, &json!("Europe/Berlin")));
    let venue = made.header("location").to_owned();
    let taken = alice.post("/api/v1/venues", &json!({"name": " Haus A", "time_zone": "UTC"})).await.unwrap();
    assert_eq!((taken.status, &taken.body["code"]), (409, &json!("name_taken")));
    let renamed = alice.header("If-Match", "\"1\"").patch(&venue, &json!({"name": "Haus B"})).await.unwrap();
    assert_eq!((renamed.status, renamed.header("etag")), (200, "\"2\""));
    let stale = alice.header("If-Match", "\"1\"").patch(&venue, &json!({"name": "Haus C"})).await.unwrap();
    assert_eq!((stale.status, &stale.body["version"]), (412, &json!(2)));
    let unchanged = process.client().header("If-None-Match", "\"2\"").get(&venue).await.unwrap();
    assert_eq!((unchanged.status, unchanged.header("etag")), (304, "\"2\""));

    let body = json!({"name": "Raum1", "venue_id": made.id(), "longest_seconds": 3600});
    let room = alice.post("/api/v1/resources", &body).await.unwrap();
    assert_eq!((room.status, &room.body["days_ahead"]), (201, &json!(730)));
    let path = room.header("location").to_owned();
    let mut wanted = booking("Raum1", 10, 12);
    wanted.as_object_mut().unwrap().remove("resource");
    wanted["resource_id"] = room.body["id"].clone();
    let refused = alice.post("/api/v1/bookings", &wanted).await.unwrap();
    assert_eq!((refused.status, &refused.body["fields"][0]["rule"]), (422, &json!("range_too_long")));
    let longer = alice.patch(&path, &json!({"longest_seconds": 7200, "name": "Raum 1"})).await.unwrap();
    assert_eq!((longer.status, &longer.body["name"]), (200, &json!("Raum 1")));
    let booked = alice.post("/api/v1/bookings", &wanted).await.unwrap();
    assert_eq!((booked.status, &booked.body["resource"]), (201, &json!("Raum 1")));
    let wrong = alice
        .patch(&path, &json!({"longest_seconds": 31 * 86_400 + 1, "venue_id": made.id()}))
        .await
        .unwrap();
    assert_eq!((wrong.status, &wrong.body["fields"][0]["rule"]), (422, &json!("immutable")));
    let nowhere = json!({"name": "x", "venue_id": room.id()});
    let nowhere = alice.post("/api/v1/resources", &nowhere).await.unwrap();
    assert_eq!((nowhere.status, &nowhere.body["fields"][0]["field"]), (422, &json!("venue_id")));

    let of_venue = process.client().get(&format!("/api/v1/resources?venue_id={}", made.id())).await.unwrap();
    assert_eq!(ids(&of_venue), [room.id()]);
    let venues = process.client().get("/api/v1/venues?limit=1").await.unwrap();
    assert_eq!(ids(&venues), [DEFAULT_VENUE.to_string()]);
    assert_eq!(ids(&process.client().get(&next(&venues).unwrap()).await.unwrap()), [made.id()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_free_is_what_nobody_holds() {
    let (_house, process) = house().await;
    let alice = process.client().user("alice");
    let held = alice.header("Prefer", "wait=30").book("Raum1", 10, 12).await.unwrap();
    let wanted = process.client().user("bob").book("Raum1", 11, 13).await.unwrap();
    let resource = held.body["resource_id"].as_str().unwrap();
    let day = booking("Raum1", 9, 18);
    let (from, to) = (day["start_time"].as_str().unwrap(), day["end_time"].as_str().unwrap());
    let path = format!("/api/v1/resources/{resource}/availability?from={from}&to={to}");
    let free = process.client().get(&path).await.unwrap();
    assert_eq!(free.status, 200, "{free:?}");
    let ranges = |from, to| {
        let range = booking("x", from, to);
        json!({ "start_time": range["start_time"], "end_time": range["end_time"] })
    };
    assert_eq!(free.body["free"], json!([ranges(9, 10), ranges(12, 18)]));
    assert_eq!(
        (&free.body["held"][0]["id"], &free.body["wanted"][0]["id"]),
        (&held.body["id"], &wanted.body["id"])
    );
    let none =
        process.client().get(&path.replace(resource, "00000000-0000-7000-8000-000000000000")).await.unwrap();
    assert_eq!((none.status, &none.body["code"]), (404, &json!("resource_not_found")));
}

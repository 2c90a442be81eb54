//! The log where it is not kept for ever: who asks for what is forgotten is told so, and begins where it begins now.

use holdfast_e2e::{Binary, House};
use holdfast_testkit::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn changes_past_their_time_are_forgotten_and_whoever_asks_for_them_is_told() {
    let house = House::new().await;
    let api = house.ready(Binary::BookingApi).await;
    let alice = api.client().user("alice");
    for hour in 1..4 {
        assert_eq!(alice.book("Raum1", hour, hour + 1).await.expect("an answer").status, 201);
    }
    house.database.sql("UPDATE changes SET at = at - interval '3 days' WHERE seq <= 2").await;
    let settings = [("CHANGES_KEEP_DAYS", "2"), ("VALIDATE_INTERVAL_SECONDS", "1")];
    let _validator = house.start_with(Binary::Validator, &settings).await;
    let after = async |seq: i64| {
        let answer = alice.get(&format!("/api/v1/changes?after={seq}")).await.expect("an answer");
        (answer.status, answer.body)
    };
    eventually("they are forgotten", async || (after(1).await.0 == 410).then_some(())).await;
    assert_eq!(after(1).await.1["code"], "log_gone");
    assert_eq!(after(2).await.1[0]["seq"], 3);
    // Who names no position begins where the log does.
    let all = alice.get("/api/v1/changes").await.expect("an answer");
    assert_eq!((all.status, &all.body[0]["seq"]), (200, &3.into()));
}

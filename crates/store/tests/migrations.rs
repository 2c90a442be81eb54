//! Migrations, tried on data.

use holdfast_domain::Seq;
use holdfast_store::Lanes;
use holdfast_testkit::{TestDatabase, create, hours, lane_settings, note, shard};

#[tokio::test]
async fn bookings_that_were_logged_without_their_venue_get_it() {
    let test = TestDatabase::new().await;
    let lanes = Lanes::new(test.database(), lane_settings(), |_| {});
    let id = lanes.create(create("alice", "Raum1", hours(1, 3))).await.unwrap().value.booking.id;
    lanes.create(create("bob", "Raum1", hours(2, 4))).await.unwrap();
    lanes.update(note("alice", id, "of venue_id")).await.unwrap();
    let before = test.log(shard()).await;
    test.sql("UPDATE changes SET data = (data::jsonb #- '{booking,venue_id}')::json").await;
    // The first is the resource's.
    let old = test.database().log_after(shard(), Seq(1), 10).await.unwrap();
    assert!(old.iter().all(|change| change.parse().is_err()));

    test.sql(include_str!("../../../migrations/V5__venues_of_bookings.sql")).await;
    assert_eq!(test.log(shard()).await, before);
}

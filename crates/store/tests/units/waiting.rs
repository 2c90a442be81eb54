//! Who waits in line gets what comes back, before anybody else and in their order.

mod ends;

use futures_util::future::join_all;
use holdfast_domain::{
    DEFAULT_TENANT, EventStatus, Fact, Kind, SectionId, Seq, Shard, UserId, WaitlistEntry, WaitlistState,
    WaitlistStatus, seating::Adjacency, waitlist::Ending,
};
use holdfast_store::{
    CancelEvent, Edit, JoinWaitlist, LaneSettings, Object, Settled, StepLimits, UpdateEvent, UpdateSection,
    WaitlistNow, WriteError,
};
use holdfast_testkit::{
    confirm, counted, create_event, hold_best, hold_seats, join, join_any, keyed, lane_settings, leave,
    on_sale, order, release, rows, shard, update_section,
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::Office;

impl Office {
    async fn joins(&self, join: JoinWaitlist) -> WaitlistEntry {
        self.scene.lanes.join_waitlist(join).await.expect("a place in line").value
    }

    async fn place(&self, user: &str) -> WaitlistNow {
        let user = UserId::parse(user).expect("a user");
        let now = self.scene.database.waitlist_place(DEFAULT_TENANT, self.event, &user).await;
        now.expect("an answer").expect("a place")
    }

    async fn status(&self, user: &str) -> WaitlistStatus {
        self.place(user).await.entry.state.status()
    }

    /// What was offered to a user: how many units, of which section.
    async fn offered(&self, user: &str) -> Option<Vec<(String, i32, String)>> {
        let reservation = self.place(user).await.entry.state.reservation_id()?;
        Some(crate::got(&self.reservation(reservation).await))
    }

    /// Validators come to rest.
    async fn settles(&self) -> Settled {
        let mut all = Settled::default();
        loop {
            let step = self.scene.database.settle_reservations(shard()).await.expect("a step");
            if !step.has_written {
                return all;
            }
            all.reservations += step.reservations;
            all.served += step.served;
        }
    }

    /// Who was offered units, in the order of the log.
    async fn in_turn(&self) -> Vec<String> {
        let log = self.scene.test.log(shard()).await;
        let offers = log.iter().filter_map(|change| match &change.fact {
            Fact::WaitlistOffered { waitlist_entry } => Some(waitlist_entry.user_id.to_string()),
            _ => None,
        });
        offers.collect()
    }
}

/// An event with so many units, all of them held by `holder` in holds of one; and their ids.
async fn sold_out(capacity: i32) -> (Office, Vec<holdfast_domain::ReservationId>) {
    let office = Office::selling(vec![counted("Stalls", capacity)]).await;
    let mut holds = Vec::new();
    for _ in 0..capacity {
        holds.push(office.hold(hold_best("holder", office.event, "Stalls", 1)).await.expect("a hold").id);
    }
    (office, holds)
}

fn cancel(office: &Office) -> CancelEvent {
    CancelEvent { order: order("organiser"), id: office.event, versions: None }
}

#[tokio::test]
async fn what_comes_back_goes_to_the_first_in_line_before_anybody_else() {
    let (office, holds) = sold_out(2).await;
    let first = office.joins(join("ann", office.event, "Stalls", 1)).await;
    let second = office.joins(join("ben", office.event, "Stalls", 1)).await;
    assert!(first.is_waiting() && second.is_waiting() && first.rank < second.rank);
    let (ann, ben) = (office.place("ann").await, office.place("ben").await);
    assert_eq!((ann.ahead, ben.ahead, ben.wait), (Some(0), Some(1), None));
    assert_eq!(office.now().await.waiting, 2);
    office.scene.lanes.release(release("holder", holds[0])).await.unwrap();
    assert!(office.now().await.settling, "somebody has to be served");
    // Whoever comes now comes behind those in line, though no validator is about.
    let late = office.hold(hold_best("eve", office.event, "Stalls", 1)).await;
    assert!(matches!(late, Err(WriteError::SoldOut(_))), "{late:?}");
    assert_eq!(office.offered("ann").await, Some(vec![("Stalls".into(), 1, String::new())]));
    assert_eq!(office.status("ben").await, WaitlistStatus::Waiting);
    assert_eq!(office.place("ben").await.ahead, Some(0));
    let told = office.told().await;
    assert_eq!(
        told[told.len() - 3..],
        [Kind::ReservationReleased, Kind::ReservationHeld, Kind::WaitlistOffered]
    );
    // It is theirs as any hold is.
    let offer = office.place("ann").await.entry.state.reservation_id().unwrap();
    assert!(office.scene.lanes.confirm(confirm("ben", offer)).await.is_err());
    office.scene.lanes.confirm(confirm("ann", offer)).await.unwrap();
    office.is_faultless().await;
}

#[tokio::test]
async fn a_step_serves_who_is_first_though_nobody_asks() {
    let (office, holds) = sold_out(3).await;
    for user in ["ann", "ben", "cid"] {
        office.joins(join(user, office.event, "Stalls", 1)).await;
    }
    let look = office.scene.database.look(shard(), StepLimits::default(), Seq(0)).await.unwrap();
    assert!(!look.unsettled);
    office.scene.lanes.release(release("holder", holds[0])).await.unwrap();
    office.scene.lanes.release(release("holder", holds[1])).await.unwrap();
    let look = office.scene.database.look(shard(), StepLimits::default(), Seq(0)).await.unwrap();
    assert!(look.unsettled);
    assert_eq!(office.settles().await.served, 2);
    assert_eq!(office.in_turn().await, ["ann", "ben"]);
    assert!(office.place("cid").await.wait.is_some(), "there were offers to go by");
    let look = office.scene.database.look(shard(), StepLimits::default(), Seq(0)).await.unwrap();
    assert!(!look.unsettled && !office.now().await.settling);
    office.is_faultless().await;
}

#[tokio::test]
async fn who_does_not_fit_keeps_their_place_and_the_next_who_does_is_served() {
    let (office, holds) = sold_out(3).await;
    office.joins(join("two", office.event, "Stalls", 2)).await;
    office.joins(join("one", office.event, "Stalls", 1)).await;
    office.scene.lanes.release(release("holder", holds[0])).await.unwrap();
    office.settles().await;
    assert_eq!(
        (office.status("two").await, office.status("one").await),
        (WaitlistStatus::Waiting, WaitlistStatus::Offered)
    );
    office.joins(join("late", office.event, "Stalls", 1)).await;
    office.scene.lanes.release(release("holder", holds[1])).await.unwrap();
    office.settles().await;
    office.joins(join("later", office.event, "Stalls", 1)).await;
    // The one that came back between went to the one who fitted it.
    assert_eq!(office.in_turn().await, ["one", "late"]);
    let offer = office.place("one").await.entry.state.reservation_id().unwrap();
    office.scene.lanes.release(release("one", offer)).await.unwrap();
    let offer = office.place("late").await.entry.state.reservation_id().unwrap();
    office.scene.lanes.release(release("late", offer)).await.unwrap();
    office.settles().await;
    assert_eq!(office.in_turn().await, ["one", "late", "two"]);
    office.is_faultless().await;
}

#[tokio::test]
async fn the_first_of_the_choices_that_has_them_is_taken() {
    let office =
        Office::selling(vec![counted("King", 1), counted("Queen", 1), rows("Hall", &[("A", 2)])]).await;
    let mut holds = Vec::new();
    for (section, quantity) in [("King", 1), ("Queen", 1), ("Hall", 2)] {
        holds.push(office.hold(hold_best("holder", office.event, section, quantity)).await.unwrap().id);
    }
    let asked = join_any("ann", office.event, &["King", "Queen"], 1);
    assert!(office.joins(asked).await.is_waiting());
    office.joins(join_any("ben", office.event, &[], 2)).await;
    office.joins(join_any("cid", office.event, &[], 1)).await;
    for id in &holds {
        office.scene.lanes.release(release("holder", *id)).await.unwrap();
    }
    office.settles().await;
    assert_eq!(office.offered("ann").await.unwrap(), [("King".into(), 1, String::new())]);
    assert_eq!(office.offered("ben").await.unwrap(), [("Hall".into(), 2, "A1 A2".into())]);
    assert_eq!(office.offered("cid").await.unwrap(), [("Queen".into(), 1, String::new())]);
    let reservation = office.place("ann").await.entry.state.reservation_id().unwrap();
    assert_eq!(office.reservation(reservation).await.choice, Some(0));
    office.is_faultless().await;
}

#[tokio::test]
async fn neighbours_are_waited_for_until_they_are_there() {
    let office = Office::selling(vec![rows("Hall", &[("A", 3), ("B", 2)])]).await;
    let ends = office.hold(hold_seats("holder", office.event, &["A1", "A3"])).await.unwrap().id;
    let middle = office.hold(hold_seats("holder", office.event, &["A2"])).await.unwrap().id;
    office.hold(hold_seats("holder", office.event, &["B1", "B2"])).await.unwrap();
    let side_by_side =
        |user: &str| JoinWaitlist { adjacency: Adjacency::Required, ..join(user, office.event, "Hall", 2) };
    office.joins(side_by_side("ann")).await;
    office.joins(join("ben", office.event, "Hall", 3)).await;
    office.scene.lanes.release(release("holder", ends)).await.unwrap();
    assert_eq!(office.settles().await.served, 0);
    office.scene.lanes.release(release("holder", middle)).await.unwrap();
    assert_eq!(office.settles().await.served, 1);
    assert_eq!(office.offered("ann").await.unwrap(), [("Hall".into(), 2, "A1 A2".into())]);
    office.is_faultless().await;
}

#[tokio::test]
async fn an_offer_that_lapses_goes_to_the_next() {
    let (office, holds) = sold_out(1).await;
    office
        .joins(JoinWaitlist { offer_for: Some(Duration::MINUTE), ..join("ann", office.event, "Stalls", 1) })
        .await;
    office.joins(join("ben", office.event, "Stalls", 1)).await;
    office.scene.lanes.release(release("holder", holds[0])).await.unwrap();
    office.settles().await;
    let end = office.place("ann").await.entry.state.expires_at().unwrap();
    assert_eq!(end, office.place("ann").await.entry.updated_at + Duration::MINUTE);
    office.at(end).await;
    // Nobody is about but somebody who would like it.
    assert!(office.hold(hold_best("eve", office.event, "Stalls", 1)).await.is_err());
    assert_eq!(
        (office.status("ann").await, office.status("ben").await),
        (WaitlistStatus::Offered, WaitlistStatus::Offered)
    );
    let offer = office.place("ann").await.entry.state.reservation_id().unwrap();
    assert!(office.scene.lanes.confirm(confirm("ann", offer)).await.is_err());
    let offer = office.place("ben").await.entry.state.reservation_id().unwrap();
    office.scene.lanes.confirm(confirm("ben", offer)).await.unwrap();
    // Who let it lapse may come again, at the end.
    assert!(office.joins(join("ann", office.event, "Stalls", 1)).await.is_waiting());
    office.is_faultless().await;
}

#[tokio::test]
async fn who_joins_when_the_units_are_there_has_them_at_once() {
    let office = Office::selling(vec![counted("Stalls", 5)]).await;
    let mut asked = join("ann", office.event, "Stalls", 2);
    asked.order.key = keyed("join", 1);
    let entry = office.scene.lanes.join_waitlist(asked.clone()).await.unwrap();
    assert_eq!(entry.value.state.status(), WaitlistStatus::Offered);
    assert_eq!(office.left().await, [(3, 2, 0)]);
    let twin = JoinWaitlist { id: Uuid::now_v7().into(), ..asked };
    let again = office.scene.lanes.join_waitlist(twin).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.value, entry.value);
    assert_eq!(office.now().await.waiting, 0);
    office.is_faultless().await;
}

#[tokio::test]
async fn nobody_stands_in_a_line_twice_and_a_retry_is_no_second_time() {
    let (office, _) = sold_out(1).await;
    let mut asked = join("ann", office.event, "Stalls", 1);
    asked.order.key = keyed("join", 1);
    let twins = (0..5).map(|_| {
        let mut twin = asked.clone();
        (twin.id, twin.order.command_id) = (Uuid::now_v7().into(), Uuid::now_v7().into());
        office.scene.lanes.join_waitlist(twin)
    });
    let answers = join_all(twins.collect::<Vec<_>>()).await;
    let places: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().value).collect();
    assert!(places.iter().all(|place| *place == places[0]));
    let others = (0..5).map(|_| office.scene.lanes.join_waitlist(join("ann", office.event, "Stalls", 1)));
    for answer in join_all(others.collect::<Vec<_>>()).await {
        assert!(matches!(answer, Err(WriteError::AlreadyWaiting { id }) if id == places[0].id), "{answer:?}");
    }
    let strangers = (0..5).map(|_| office.scene.lanes.join_waitlist(join("ben", office.event, "Stalls", 1)));
    let answers = join_all(strangers.collect::<Vec<_>>()).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(office.now().await.waiting, 2);
    office.is_faultless().await;
}

#[tokio::test]
async fn who_leaves_is_passed_by_and_may_leave_again() {
    let (office, holds) = sold_out(1).await;
    let first = office.joins(join("ann", office.event, "Stalls", 1)).await;
    office.joins(join("ben", office.event, "Stalls", 1)).await;
    let wrong = holdfast_store::LeaveWaitlist { versions: Some(vec![7]), ..leave("ann", office.event) };
    let stale = office.scene.lanes.leave_waitlist(wrong).await;
    assert!(matches!(stale, Err(WriteError::Stale { version: 1 })), "{stale:?}");
    let mut gone = leave("ann", office.event);
    gone.order.key = keyed("leave", 1);
    assert!(!office.scene.lanes.leave_waitlist(gone.clone()).await.unwrap().replayed);
    assert!(office.scene.lanes.leave_waitlist(gone).await.unwrap().replayed);
    let mut again = leave("ann", office.event);
    again.order.key = keyed("leave again", 1);
    assert!(!office.scene.lanes.leave_waitlist(again.clone()).await.unwrap().replayed);
    assert!(office.scene.lanes.leave_waitlist(again).await.unwrap().replayed);
    let never = office.scene.lanes.leave_waitlist(leave("eve", office.event)).await;
    assert!(matches!(never, Err(WriteError::NotFound(Object::WaitlistEntry))), "{never:?}");
    office.scene.lanes.release(release("holder", holds[0])).await.unwrap();
    office.settles().await;
    assert_eq!(office.in_turn().await, ["ben"]);
    let offered = office.place("ben").await.entry.state.reservation_id();
    let too_late = office.scene.lanes.leave_waitlist(leave("ben", office.event)).await;
    assert!(
        matches!(too_late, Err(WriteError::AlreadyOffered { id }) if Some(id) == offered),
        "{too_late:?}"
    );
    assert_eq!(office.status("ann").await, WaitlistStatus::Left);
    assert!(office.joins(join("ann", office.event, "Stalls", 1)).await.rank > first.rank);
    office.is_faultless().await;
}

#[tokio::test]
async fn a_place_in_line_is_refused_by_the_rule_that_it_breaks() {
    let settings = LaneSettings { waitlist_per_event: 2, ..lane_settings() };
    let office = Office::selling_with(settings, vec![counted("Stalls", 1), rows("Hall", &[("A", 1)])]).await;
    office.hold(hold_best("holder", office.event, "Stalls", 1)).await.unwrap();
    let refused = async |join: JoinWaitlist| office.scene.lanes.join_waitlist(join).await.unwrap_err();
    let nowhere = join("ann", Uuid::now_v7().into(), "Stalls", 1);
    assert!(matches!(refused(nowhere).await, WriteError::NotFound(Object::Event)));
    let unknown = join("ann", office.event, "Gallery", 1);
    assert!(matches!(refused(unknown).await, WriteError::Unknown(Object::Section)));
    let mut category = join("ann", office.event, "Stalls", 1);
    category.choices[0].category = Some(holdfast_domain::Category::parse("quiet").unwrap());
    assert!(matches!(refused(category).await, WriteError::OtherKind));
    let long = JoinWaitlist { offer_for: Some(Duration::hours(3)), ..join("ann", office.event, "Stalls", 1) };
    assert!(matches!(refused(long).await, WriteError::Standing(_)));
    office.joins(join("ann", office.event, "Stalls", 1)).await;
    office.joins(join("ben", office.event, "Stalls", 1)).await;
    let full = refused(join("cid", office.event, "Stalls", 1)).await;
    assert!(matches!(full, WriteError::LineFull { limit: 2 }), "{full:?}");
    office.scene.lanes.update_event(on_sale(office.event, EventStatus::Closed)).await.unwrap();
    let closed = refused(join("cid", office.event, "Stalls", 1)).await;
    assert!(matches!(closed, WriteError::NotOnSale(_)), "{closed:?}");
    office.settles().await;
    office.is_faultless().await;
}

#[tokio::test]
async fn so_many_different_requests_and_no_more_stand_in_a_line() {
    let names: Vec<String> = (0..11).map(|number| format!("S{number}")).collect();
    let office = Office::selling(names.iter().map(|name| counted(name, 1)).collect()).await;
    for name in &names {
        office.hold(hold_best("holder", office.event, name, 1)).await.unwrap();
    }
    let all: Vec<(usize, i32)> =
        (0..10).flat_map(|section| (1..=50).map(move |quantity| (section, quantity))).collect();
    let joins = all.iter().map(|(section, quantity)| {
        let user = format!("user-{section}-{quantity}");
        office.scene.lanes.join_waitlist(join(&user, office.event, &names[*section], *quantity))
    });
    for answer in join_all(joins.collect::<Vec<_>>()).await {
        answer.unwrap();
    }
    let another = office.scene.lanes.join_waitlist(join("eve", office.event, "S10", 1)).await;
    assert!(matches!(another, Err(WriteError::TooManyRequests { limit: 500 })), "{another:?}");
    office.joins(join("eve", office.event, "S3", 7)).await;
    office.scene.lanes.leave_waitlist(leave("user-9-50", office.event)).await.unwrap();
    office.joins(join("fay", office.event, "S10", 1)).await;
    office.is_faultless().await;
}

#[tokio::test]
async fn a_thousand_in_line_are_served_in_slices_and_in_their_order() {
    let office = Office::selling(vec![counted("Stalls", 1_000), counted("Balcony", 10)]).await;
    let holds =
        (0..1_000).map(|taker| office.hold(hold_best(&format!("t-{taker}"), office.event, "Stalls", 1)));
    let held = join_all(holds.collect::<Vec<_>>()).await;
    let end = held.into_iter().filter_map(|held| held.unwrap().state.expires_at()).max().unwrap();
    let joins = (0..1_000).map(|number| {
        let section = if number % 3 == 0 { &["Stalls"][..] } else { &["Balcony", "Stalls"][..] };
        office.scene.lanes.join_waitlist(join_any(
            &format!("w-{number}"),
            office.event,
            section,
            1 + number % 2,
        ))
    });
    let joined: Vec<WaitlistEntry> =
        join_all(joins.collect::<Vec<_>>()).await.into_iter().map(|joined| joined.unwrap().value).collect();
    let mut waiting: Vec<&WaitlistEntry> = joined.iter().filter(|entry| entry.is_waiting()).collect();
    waiting.sort_by_key(|entry| entry.rank);
    assert!(waiting.len() > 900);
    office.at(end).await;
    let late = office.hold(hold_best("late", office.event, "Stalls", 1)).await;
    assert!(matches!(late, Err(WriteError::SoldOut(_))), "{late:?}");
    // In the order of rank, but for those who were left with one unit fewer than they ask for.
    let told = office.in_turn().await;
    let behind: Vec<&String> = told.iter().skip(joined.len() - waiting.len()).collect();
    let ranked: Vec<String> = waiting.iter().map(|entry| entry.user_id.to_string()).collect();
    assert!(
        behind.iter().take(600).map(|user| user.as_str()).eq(ranked.iter().take(600).map(String::as_str))
    );
    let at_once = "SELECT count(*) FROM waitlist WHERE status = 'OFFERED' GROUP BY xmin::text";
    let rows = office.scene.test.client().await.query(at_once, &[]).await.unwrap();
    assert!(rows.iter().all(|row| row.get::<_, i64>(0) <= 200), "in each transaction two hundred at most");
    office.is_faultless().await;
}

fn selling_between(
    office: &Office,
    opens: Edit<OffsetDateTime>,
    closes: Edit<OffsetDateTime>,
) -> UpdateEvent {
    UpdateEvent {
        status: None,
        sale_opens_at: opens,
        sale_closes_at: closes,
        ..on_sale(office.event, EventStatus::Open)
    }
}

#[tokio::test]
async fn a_section_that_grows_is_offered_to_the_line_first() {
    let (office, _) = sold_out(1).await;
    let stalls: SectionId = office.event().await.sections[0].id;
    office.joins(join("ann", office.event, "Stalls", 2)).await;
    let grown = UpdateSection { capacity: Some(4), ..update_section(office.event, stalls) };
    office.scene.lanes.update_section(grown).await.unwrap();
    office.hold(hold_best("eve", office.event, "Stalls", 1)).await.unwrap();
    assert_eq!(office.in_turn().await, ["ann"]);
    assert_eq!(office.left().await, [(0, 4, 0)]);
    office.is_faultless().await;
}

#[tokio::test]
async fn nobody_leaves_the_line_of_another_tenants_event() {
    let (office, _) = sold_out(1).await;
    office.joins(join("ann", office.event, "Stalls", 1)).await;
    // A tenant of the same shard.
    let tenant_id =
        (3..10_000).map(holdfast_domain::TenantId::from_u128).find(|id| Shard::of(*id) == shard()).unwrap();
    let mut other = leave("ann", office.event);
    other.order.tenant_id = tenant_id;
    let refused = office.scene.lanes.leave_waitlist(other).await;
    assert!(matches!(refused, Err(WriteError::NotFound(Object::WaitlistEntry))), "{refused:?}");
    let mut theirs = join("eve", office.event, "Stalls", 1);
    theirs.order.tenant_id = tenant_id;
    let refused = office.scene.lanes.join_waitlist(theirs).await;
    assert!(matches!(refused, Err(WriteError::NotFound(Object::Event))), "{refused:?}");
    assert_eq!(office.status("ann").await, WaitlistStatus::Waiting);
    office.is_faultless().await;
}

#[tokio::test]
async fn who_leaves_does_not_pass_their_own_join() {
    let (office, holds) = sold_out(300).await;
    let end = office.reservation(*holds.last().unwrap()).await.state.expires_at().unwrap();
    office.at(end).await;
    // More has to be settled before anybody joins than one transaction may.
    let (joined, left) = tokio::join!(
        office.scene.lanes.join_waitlist(join_any("ann", office.event, &["Stalls"], 50)),
        office.scene.lanes.leave_waitlist(leave("ann", office.event)),
    );
    assert_eq!(joined.unwrap().value.state.status(), WaitlistStatus::Offered);
    // It was there, and no longer in line.
    assert!(matches!(left, Err(WriteError::AlreadyOffered { .. })), "{left:?}");
    office.is_faultless().await;
}

#[tokio::test]
async fn the_line_is_told_in_its_order_and_of_no_event_that_is_not_there() {
    let (office, _) = sold_out(1).await;
    for user in ["ann", "ben", "cid"] {
        office.joins(join(user, office.event, "Stalls", 1)).await;
    }
    office.scene.lanes.leave_waitlist(leave("ben", office.event)).await.unwrap();
    let page = async |after, limit| {
        let page = office.scene.database.waitlist(DEFAULT_TENANT, office.event, after, limit).await.unwrap();
        page.unwrap().into_iter().map(|entry| (entry.user_id.to_string(), entry.rank)).collect::<Vec<_>>()
    };
    let first = page(Seq(0), 1).await;
    assert_eq!(first[0].0, "ann");
    assert_eq!(page(first[0].1, 9).await.iter().map(|(user, _)| user.as_str()).collect::<Vec<_>>(), ["cid"]);
    let nowhere = office.scene.database.waitlist(DEFAULT_TENANT, Uuid::now_v7().into(), Seq(0), 9).await;
    assert_eq!(nowhere.unwrap(), None);
}

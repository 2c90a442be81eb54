//! Who gets units, which, and who is told that there are none.

use futures_util::future::join_all;
use holdfast_domain::{
    Category, NotOnSale, RowName, SectionName,
    range::to_microsecond,
    seating::{Adjacency, Row, RowSeats},
};
use holdfast_store::{
    CreateEvent, Edit, HoldUnits, Item, Left, NewSection, NewUnits, Place, SectionRef, UnitsWanted,
    UpdateEvent, WriteError,
};
use holdfast_testkit::{
    Scene, confirm, counted, create_event, hold, hold_best, hold_seats, order, release, rows, seated, seats,
};
use time::Duration;

use crate::{Office, got};

fn named(name: &str) -> SectionRef {
    SectionRef::Name(SectionName::parse(name).expect("a name"))
}

fn place(name: &str) -> Place {
    Place { section: Some(named(name)), category: None }
}

fn quantity(name: &str, quantity: i32) -> Item {
    Item::Best { place: place(name), quantity }
}

fn sold_out(answer: Result<holdfast_domain::Reservation, WriteError>) -> Left {
    match answer {
        Err(WriteError::SoldOut(left)) => (*left).clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn units_are_held_until_none_is_left_and_who_comes_too_late_is_told_what_is() {
    let office = Office::selling(vec![counted("Stalls", 3), counted("Balcony", 5)]).await;
    let first = office.hold(hold_best("alice", office.event, "Stalls", 2)).await.unwrap();
    assert_eq!(got(&first), [("Stalls".to_owned(), 2, String::new())]);
    assert_eq!(office.left().await, [(1, 2, 0), (5, 0, 0)]);
    let left = sold_out(office.hold(hold_best("bob", office.event, "Stalls", 2)).await);
    let sections: Vec<_> = left.sections.iter().map(|(_, name, left)| (name.as_str(), *left)).collect();
    assert_eq!(sections, [("Stalls", 1), ("Balcony", 5)]);
    assert!(left.may_come_back);
    assert_eq!(left.next_end_at, first.state.expires_at());
    office.hold(hold_best("bob", office.event, "Stalls", 1)).await.unwrap();
    office.is_faultless().await;
}

#[tokio::test]
async fn of_a_crowd_each_unit_is_got_once_and_none_is_left_while_somebody_is_sent_away() {
    let office = Office::selling(vec![counted("Stalls", 30), rows("Seats", &[("A", 10), ("B", 10)])]).await;
    let takers = (0..200).map(|taker: i32| {
        let section = if taker % 2 == 0 { "Stalls" } else { "Seats" };
        office.hold(hold_best(&format!("user-{taker}"), office.event, section, 1 + taker / 2 % 3))
    });
    let answers = join_all(takers.collect::<Vec<_>>()).await;
    for answer in answers {
        if let Err(error) = answer {
            let left = sold_out(Err(error));
            assert!(left.sections.iter().all(|(.., left)| *left < 3), "{left:?}");
        }
    }
    let mut last = Vec::new();
    for taker in 0..6 {
        last.push(
            office
                .hold(hold_best(&format!("last-{taker}"), office.event, ["Stalls", "Seats"][taker % 2], 1))
                .await,
        );
    }
    assert_eq!(office.left().await, [(0, 30, 0), (0, 20, 0)]);
    office.is_faultless().await;
}

#[tokio::test]
async fn the_first_of_the_ranked_choices_that_has_as_many_is_got() {
    let office = Office::selling(vec![counted("King", 1), counted("Queen", 2), counted("Twin", 9)]).await;
    let wanted = |quantity| UnitsWanted::Choices {
        places: vec![place("King"), place("Queen"), Place { section: None, category: None }],
        quantity,
    };
    let mut gots = Vec::new();
    for (user, quantity) in [("alice", 1), ("bob", 2), ("carol", 1), ("dave", 8)] {
        let held = office.hold(hold(user, office.event, wanted(quantity))).await.unwrap();
        gots.push((held.units[0].section.to_string(), held.choice));
    }
    let expected = [("King", 0), ("Queen", 1), ("Twin", 2), ("Twin", 2)];
    assert_eq!(gots, expected.map(|(section, choice)| (section.to_owned(), Some(choice))));
    assert!(sold_out(office.hold(hold("eve", office.event, wanted(1))).await).sections.is_empty());
    office.is_faultless().await;
}

#[tokio::test]
async fn of_several_sections_all_is_got_or_nothing() {
    let office = Office::selling(vec![counted("Stalls", 2), seated("Boxes", &["A1", "A2"])]).await;
    let items = |stalls, seat: &str| {
        let boxes = Item::Seats { section: named("Boxes"), seats: seats(&[seat]) };
        UnitsWanted::Items(vec![quantity("Stalls", stalls), boxes])
    };
    let held = office.hold(hold("alice", office.event, items(1, "A1"))).await.unwrap();
    let expected = [("Stalls".to_owned(), 1, String::new()), ("Boxes".to_owned(), 1, "A1".to_owned())];
    assert_eq!(got(&held), expected);
    let taken = office.hold(hold("bob", office.event, items(1, "A1"))).await.unwrap_err();
    assert!(matches!(taken, WriteError::SeatsTaken(seat) if seat == seats(&["A1"])));
    assert!(sold_out(office.hold(hold("bob", office.event, items(2, "A2"))).await).may_come_back);
    assert_eq!(office.left().await, [(1, 1, 0), (1, 1, 0)]);
    office.hold(hold("bob", office.event, items(1, "A2"))).await.unwrap();
    office.is_faultless().await;
}

#[tokio::test]
async fn what_one_item_names_is_not_given_to_another_item_of_the_same_request() {
    let office = Office::selling(vec![rows("Hall", &[("A", 20)])]).await;
    // The best two of an empty row are the middle ones, of which another item names one.
    let items = vec![quantity("Hall", 2), Item::Seats { section: named("Hall"), seats: seats(&["A10"]) }];
    let held = office.hold(hold("alice", office.event, UnitsWanted::Items(items))).await.unwrap();
    assert_eq!(got(&held), [("Hall".to_owned(), 3, "A11 A12 A10".to_owned())]);
    office.is_faultless().await;
}

#[tokio::test]
async fn who_comes_too_late_in_the_batch_that_sells_out_is_told_when_its_holds_end() {
    let office = Office::selling(vec![counted("Stalls", 2)]).await;
    let takes =
        (0..8).map(|taker| office.hold(hold_best(&format!("user-{taker}"), office.event, "Stalls", 1)));
    let answers = join_all(takes.collect::<Vec<_>>()).await;
    let ends: Vec<_> = answers.iter().flatten().map(|held| held.state.expires_at()).collect();
    for answer in answers.into_iter().filter(Result::is_err) {
        let left = sold_out(answer);
        assert!(
            left.may_come_back && left.next_end_at == *ends.iter().min().unwrap(),
            "{left:?} of {ends:?}"
        );
    }
}

#[tokio::test]
async fn a_category_of_a_section_without_seats_is_refused() {
    let office = Office::selling(vec![counted("Stalls", 2)]).await;
    let category = Some(Category::parse("gold").expect("a category"));
    let places = vec![Place { category, ..place("Stalls") }];
    let refused =
        office.hold(hold("alice", office.event, UnitsWanted::Choices { places, quantity: 1 })).await;
    assert!(matches!(refused, Err(WriteError::OtherKind)), "{refused:?}");
}

#[tokio::test]
async fn seats_are_side_by_side_where_that_can_be_and_refused_where_it_must() {
    let office = Office::selling(vec![rows("Hall", &[("A", 4), ("B", 4)])]).await;
    office.hold(hold_seats("alice", office.event, &["A2", "A3", "B1"])).await.unwrap();
    let three = |adjacency| HoldUnits { adjacency, ..hold_best("bob", office.event, "Hall", 3) };
    let held = office.hold(three(Adjacency::Required)).await.unwrap();
    assert_eq!(got(&held)[0].2, "B2 B3 B4");
    let refused =
        office.hold(HoldUnits { adjacency: Adjacency::Required, ..hold_best("c", office.event, "Hall", 2) });
    assert!(matches!(refused.await, Err(WriteError::NotAdjacent(left)) if left.sections[0].2 == 2));
    let apart = office.hold(hold_best("carol", office.event, "Hall", 2)).await.unwrap();
    assert_eq!(got(&apart)[0].2, "A1 A4");
    office.is_faultless().await;
}

#[tokio::test]
async fn of_a_category_only_its_rows_are_given() {
    let category = |name: &str| Category::parse(name).expect("a category");
    let row = |name: &str, kind: &str| {
        let name = RowName::parse(name).expect("a name");
        Row::new(name, RowSeats::Count(2), 0, Some(category(kind))).expect("a row")
    };
    let mut section = seated("Hall", &["x"]);
    section.units = NewUnits::Seated(vec![row("A", "gold"), row("B", "plain")]);
    let office = Office::selling(vec![section, counted("Floor", 9)]).await;
    let wanted = |kind: &str| {
        let places = vec![Place { section: None, category: Some(category(kind)) }];
        hold("alice", office.event, UnitsWanted::Choices { places, quantity: 2 })
    };
    assert_eq!(got(&office.hold(wanted("plain")).await.unwrap())[0].2, "B1 B2");
    sold_out(office.hold(wanted("plain")).await);
    let nowhere = office.hold(wanted("plaid")).await;
    assert!(matches!(nowhere, Err(WriteError::UnknownCategory)), "{nowhere:?}");
    assert_eq!(got(&office.hold(wanted("gold")).await.unwrap())[0].2, "A1 A2");
}

#[tokio::test]
async fn what_is_given_up_is_had_by_the_next_and_confirmed_units_are_not() {
    let office = Office::selling(vec![counted("Stalls", 2)]).await;
    let first = office.hold(hold_best("alice", office.event, "Stalls", 1)).await.unwrap();
    let second = office.hold(hold_best("alice", office.event, "Stalls", 1)).await.unwrap();
    let lanes = &office.scene.lanes;
    lanes.confirm(confirm("alice", second.id)).await.unwrap();
    assert_eq!(office.left().await, [(0, 1, 1)]);
    sold_out(office.hold(hold_best("bob", office.event, "Stalls", 1)).await);
    lanes.release(release("alice", first.id)).await.unwrap();
    lanes.release(release("alice", first.id)).await.unwrap();
    assert_eq!(office.left().await, [(1, 0, 1)]);
    office.hold(hold_best("bob", office.event, "Stalls", 1)).await.unwrap();
    lanes.release(release("alice", second.id)).await.unwrap();
    assert_eq!(office.left().await, [(1, 1, 0)]);
    office.is_faultless().await;
}

#[tokio::test]
async fn a_user_can_not_have_more_of_an_event_than_it_allows_however_they_hurry() {
    let scene = Scene::new().await;
    let limited =
        CreateEvent { units_per_user: Some(4), ..create_event("Concert", vec![counted("Stalls", 100)]) };
    let event = scene.lanes.create_event(limited).await.unwrap().value.id;
    let office = Office { scene, event };
    let takes = (0..20).map(|_| office.hold(hold_best("alice", event, "Stalls", 1)));
    let answers = join_all(takes.collect::<Vec<_>>()).await;
    let held: Vec<_> = answers.iter().flatten().collect();
    assert_eq!(held.len(), 4);
    for answer in &answers {
        assert!(matches!(answer, Ok(_) | Err(WriteError::TooManyUnits { limit: 4, has: 4 })), "{answer:?}");
    }
    office.hold(hold_best("bob", event, "Stalls", 4)).await.unwrap();
    // What is over no longer counts, and nobody has to have noticed.
    office.at(held[0].state.expires_at().unwrap()).await;
    office.hold(hold_best("alice", event, "Stalls", 4)).await.unwrap();
    let refused = office.hold(hold_best("alice", event, "Stalls", 1)).await;
    assert!(matches!(refused, Err(WriteError::TooManyUnits { limit: 4, has: 4 })), "{refused:?}");
    office.is_faultless().await;
}

#[tokio::test]
async fn nothing_is_to_be_had_before_a_sale_after_it_or_while_it_is_closed() {
    let scene = Scene::new().await;
    let now =
        scene.database.event(holdfast_domain::DEFAULT_TENANT, holdfast_domain::EventId::from_u128(1)).await;
    assert_eq!(now.unwrap(), None);
    let opens_at = to_microsecond(holdfast_testkit::now() + Duration::hours(1)).unwrap();
    let closes_at = opens_at + Duration::hours(1);
    let later = CreateEvent {
        sale_opens_at: Some(opens_at),
        sale_closes_at: Some(closes_at),
        ..create_event("Concert", vec![counted("Stalls", 9)])
    };
    let event = scene.lanes.create_event(later).await.unwrap().value.id;
    let office = Office { scene, event };
    let take = || office.hold(hold_best("alice", event, "Stalls", 1));
    assert!(matches!(take().await, Err(WriteError::NotOnSale(NotOnSale::NotYet { .. }))));
    office.at(opens_at).await;
    take().await.unwrap();
    let status = |status| UpdateEvent {
        order: order("organiser"),
        id: event,
        versions: None,
        title: None,
        event_date: None,
        starts_at: Edit::Keep,
        ends_at: Edit::Keep,
        sale_opens_at: Edit::Keep,
        sale_closes_at: Edit::Keep,
        units_per_user: Edit::Keep,
        status: Some(status),
    };
    office.scene.lanes.update_event(status(holdfast_domain::EventStatus::Closed)).await.unwrap();
    assert!(matches!(take().await, Err(WriteError::NotOnSale(NotOnSale::Closed { .. }))));
    office.scene.lanes.update_event(status(holdfast_domain::EventStatus::Open)).await.unwrap();
    take().await.unwrap();
    office.at(closes_at).await;
    assert!(matches!(take().await, Err(WriteError::NotOnSale(NotOnSale::Over { .. }))));
    office.is_faultless().await;
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let office = Office::selling(vec![counted("Stalls", 2), seated("Boxes", &["A1"])]).await;
    let nowhere = office.hold(hold_best("alice", office.event, "Nowhere", 1)).await;
    assert!(matches!(nowhere, Err(WriteError::Unknown(holdfast_store::Object::Section))), "{nowhere:?}");
    let seat = office.hold(hold_seats("alice", office.event, &["A1", "Z9"])).await;
    assert!(matches!(seat, Err(WriteError::UnknownSeats(unknown)) if unknown == seats(&["Z9"])));
    let other = Office::selling(vec![seated("Boxes", &["B1"])]).await;
    let stranger = office.hold(hold_best("alice", other.event, "Boxes", 1)).await;
    assert!(matches!(stranger, Err(WriteError::NotFound(holdfast_store::Object::Event))), "{stranger:?}");
    // A section of another event is none of this one.
    let second = create_event("Second", vec![counted("Elsewhere", 1)]);
    let elsewhere: Vec<NewSection> = second.sections.clone();
    office.scene.lanes.create_event(second).await.unwrap();
    let places = vec![Place { section: Some(SectionRef::Id(elsewhere[0].id)), category: None }];
    let crossed =
        office.hold(hold("alice", office.event, UnitsWanted::Choices { places, quantity: 1 })).await;
    assert!(matches!(crossed, Err(WriteError::Unknown(holdfast_store::Object::Section))), "{crossed:?}");
    assert_eq!(office.left().await, [(2, 0, 0), (1, 0, 0)]);
}

//! Batches of anything, of two tenants and in two processes at once: the log tells of each write as if it had come
//! alone, and of each conflict as it was at that moment.

use std::collections::HashMap;

use futures_util::future::join_all;
use holdfast_domain::{
    Booking, BookingId, Change, Conflict, Conflicts, DEFAULT_TENANT, DEFAULT_VENUE, Fact, Note, Status,
    TenantId, VenueId,
};
use holdfast_store::{Edit, LaneSettings, Lanes, StepLimits, Target, WriteError};
use holdfast_testkit::{Random, TestDatabase, cancel, create, hours, keyed, lane_settings, move_to, shard};

/// Where a tenant's rooms are.
type Place = (TenantId, VenueId);

/// How much there is to book.
#[derive(Clone, Copy)]
struct Crowd {
    hours: i64,
    rooms: u64,
}

/// One write, of anything.
async fn write(
    lanes: &Lanes,
    (tenant, venue): Place,
    bookings: &[(TenantId, BookingId)],
    crowd: Crowd,
    mut random: Random,
) -> Option<(TenantId, BookingId)> {
    let from = random.hours(crowd.hours);
    let range = hours(from, from + 1 + random.hours(4));
    // Some twins among them.
    let key = (random.below(4) == 0).then(|| keyed(&format!("key-{}", random.below(200)), 1)).flatten();
    let place = random.below(u64::try_from(bookings.len()).expect("a few").max(1));
    let any = bookings.get(usize::try_from(place).expect("a place"));
    let answer = match (random.below(8), any) {
        (0, Some((tenant, id))) => {
            let mut cancel = cancel("alice", *id);
            cancel.order.tenant_id = *tenant;
            lanes.cancel(cancel).await.map(|_| None)
        }
        (kind @ 1..=4, Some((tenant, id))) => {
            let mut update = move_to("alice", *id, range);
            update.order.tenant_id = *tenant;
            if kind > 2 {
                update.note = Edit::Set(Note::parse(&format!("{from}")).expect("a note"));
            }
            if kind == 4 {
                (update.start, update.end) = (None, None);
            }
            lanes.update(update).await.map(|_| None)
        }
        _ => {
            let mut create = create("alice", "-", range);
            (create.order.tenant_id, create.order.key) = (tenant, key);
            let name = format!("Raum{}", random.below(crowd.rooms)).try_into().expect("a name");
            create.target = Target::Named { venue_id: venue, name, id_if_new: create.id.uuid().into() };
            lanes.create(create).await.map(|made| Some((tenant, made.value.booking.id)))
        }
    };
    match answer {
        Ok(made) => made,
        Err(WriteError::Closed { .. } | WriteError::KeyReused | WriteError::Crowded { .. }) => None,
        Err(error) => panic!("{error:?}"),
    }
}

/// What is told of conflicts in a log, against what was so; how often that was looked at.
fn tell_the_truth(log: &[Change]) -> usize {
    let mut bookings: HashMap<(TenantId, BookingId), Booking> = HashMap::new();
    let mut looks = 0;
    for (place, change) in log.iter().enumerate() {
        let Some(booking) = change.fact.booking().cloned() else { continue };
        let asked = match &change.fact {
            Fact::BookingCreated { .. } => true,
            Fact::BookingUpdated { booking, .. } => {
                booking.claim.rank() == change.seq && booking.claim.decide_by().is_some()
            }
            _ => false,
        };
        if asked {
            looks += 1;
            let overlapping = bookings.iter().filter_map(|((tenant, id), other)| {
                let is_other = *tenant == change.tenant_id
                    && other.resource_id == booking.resource_id
                    && *id != booking.id;
                let (range, status) = other.claim.overlap(booking.claim.wanted()).filter(|_| is_other)?;
                Some((other.claim.rank(), other, range, status))
            });
            let mut overlapping: Vec<_> = overlapping.collect();
            overlapping.sort_by_key(|(rank, _, _, status)| (*status != Status::Valid, *rank));
            let expected: Vec<Conflict> = overlapping
                .iter()
                .take(Conflicts::LISTED)
                .map(|(_, other, range, status)| Conflict {
                    id: other.id,
                    resource_id: other.resource_id,
                    user_id: other.user_id.clone(),
                    range: *range,
                    status: *status,
                })
                .collect();
            let told = match log.get(place + 1).map(|next| &next.fact) {
                Some(Fact::BookingConflict { conflicting, conflict_count, .. }) => {
                    (conflicting.clone(), *conflict_count)
                }
                _ => (Vec::new(), 0),
            };
            let count = i64::try_from(overlapping.len()).expect("a few").min(Conflicts::COUNTED);
            assert_eq!(told, (expected, count), "at seq {}", change.seq);
        }
        bookings.insert((change.tenant_id, booking.id), booking);
    }
    looks
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_as_if_each_of_its_writes_had_come_alone() {
    let mut looks = 0;
    // Where many overlap, too, so that not all of them are told of.
    let (many, few) = (Crowd { hours: 30, rooms: 4 }, Crowd { hours: 2, rooms: 1 });
    for (seed, crowd) in (0..).zip([many, many, many, few, few]) {
        let test = TestDatabase::new().await;
        let mut random = Random::seeded(seed);
        let places = [(DEFAULT_TENANT, DEFAULT_VENUE), test.neighbour(shard()).await];
        let settings = [lane_settings(), LaneSettings { grace_period_minutes: 0, ..lane_settings() }];
        let lanes = settings.map(|settings| Lanes::new(test.database(), settings, |_| {}));
        let mut bookings: Vec<(TenantId, BookingId)> = Vec::new();
        for _ in 0..8 {
            let writes = (0..40_usize).map(|number| {
                let (place, own) = (places[number / 2 % 2], Random::seeded(random.below(u64::MAX)));
                write(&lanes[number % 2], place, &bookings, crowd, own)
            });
            let made = join_all(writes.collect::<Vec<_>>()).await;
            bookings.extend(made.into_iter().flatten());
            let limits = StepLimits { wants: 20, writes: 10, ..StepLimits::default() };
            test.database().step(shard(), limits).await.expect("a step");
        }
        while test.database().step(shard(), StepLimits::default()).await.expect("a step").more {}
        let report = test.replay(shard()).await;
        assert_eq!(report.faults, Vec::<String>::new(), "seed {seed}");
        assert_eq!(test.miscounted().await, Vec::<String>::new(), "seed {seed}");
        looks += tell_the_truth(&test.log(shard()).await);
    }
    println!("{looks} looks for conflicts, each told as it was");
}

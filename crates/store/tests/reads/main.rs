//! What is read: lists, histories, a tenant's log, what of a resource is taken. And P8: of one's own tenant only.

mod listing;
mod log;
mod neighbours;
mod paging;
mod places;
mod resources;
mod slots;

use holdfast_domain::{Booking, BookingId, DEFAULT_TENANT, ResourceId, Shard, TenantId, VenueId};
use holdfast_store::{CreateBooking, CreateVenue, Database, Filter, Lanes, Order, Target};
use holdfast_testkit::{TestDatabase, lane_settings, order, shard};
use time::OffsetDateTime;
use uuid::Uuid;

/// A database, and lanes that write to it.
struct Scene {
    test: TestDatabase,
    database: Database,
    lanes: Lanes,
}

impl Scene {
    async fn new() -> Self {
        let test = TestDatabase::new().await;
        let database = test.database();
        let lanes = Lanes::new(database.clone(), lane_settings(), |_| {});
        Self { test, database, lanes }
    }

    /// Makes it, and gives it as it is then.
    async fn book(&self, create: CreateBooking) -> Booking {
        self.lanes.create(create).await.expect("a booking").value.booking
    }

    async fn venue(&self, tenant_id: TenantId, name: &str) -> VenueId {
        let order = Order { tenant_id, ..order("alice") };
        let (name, time_zone) = (name.to_owned(), "Asia/Tokyo".to_owned());
        let create = CreateVenue {
            order,
            id: Uuid::now_v7().into(),
            name: name.try_into().expect("a name"),
            time_zone: time_zone.try_into().expect("a zone"),
            address: None,
        };
        self.lanes.create_venue(create).await.expect("a venue").value.id
    }

    /// Another tenant of the same shard.
    async fn neighbour(&self) -> TenantId {
        let others = (2..).map(TenantId::from_u128);
        let tenant = others.into_iter().find(|tenant| Shard::of(*tenant) == shard()).expect("one in 64");
        let insert = "INSERT INTO tenants (id, shard, name) VALUES ($1, $2, 'neighbour')";
        let client = self.test.client().await;
        client.execute(insert, &[&tenant.uuid(), &shard().number()]).await.expect("a tenant");
        tenant
    }

    /// Bookings of alice that are given up, straight past the log: one a minute from `start` on.
    async fn fill_cancelled(
        &self,
        tenant: TenantId,
        resource: ResourceId,
        start: OffsetDateTime,
        count: i32,
    ) {
        let insert = "
            INSERT INTO bookings (shard, tenant_id, id, resource_id, user_id, status, wanted_start_at, wanted_end_at,
                rank, version, created_at, updated_at)
            SELECT $1, $2, gen_random_uuid(), $3, 'alice', 'CANCELLED', $4::timestamptz + n * interval '1 minute',
                $4 + (n + 1) * interval '1 minute', 1, 2, now(), now()
            FROM generate_series(1, $5) n";
        let client = self.test.client().await;
        let (shard, tenant) = (shard().number(), tenant.uuid());
        client.execute(insert, &[&shard, &tenant, &resource.uuid(), &start, &count]).await.expect("rows");
    }

    /// The pages of a list, one after the other.
    async fn pages(&self, filter: &Filter) -> Vec<Vec<BookingId>> {
        let (mut filter, mut pages) = (filter.clone(), Vec::new());
        loop {
            let page = self.database.bookings(DEFAULT_TENANT, &filter).await.expect("a page");
            assert!(page.bookings.len() as u64 <= filter.limit.unsigned_abs());
            pages.push(page.bookings.iter().map(|booking| booking.id).collect());
            if page.next.is_none() {
                return pages;
            }
            filter.after = page.next;
        }
    }

    /// The whole list.
    async fn list(&self, filter: &Filter) -> Vec<BookingId> {
        self.pages(filter).await.concat()
    }
}

/// The same booking in a room of this venue.
fn at(venue_id: VenueId, mut create: CreateBooking) -> CreateBooking {
    if let Target::Named { venue_id: place, .. } = &mut create.target {
        *place = venue_id;
    }
    create
}

/// The same booking of another tenant.
fn of(tenant_id: TenantId, mut create: CreateBooking) -> CreateBooking {
    create.order.tenant_id = tenant_id;
    create
}

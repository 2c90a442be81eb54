//! A database for each test, copied from a migrated template.

mod backup;
mod units;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::SocketAddr,
    path::Path,
};

use holdfast_domain::{Change, Seq, Shard, TenantId, VenueId, audit};
use holdfast_store::{Database, Settings, migrate};
use tokio_postgres::{Client, Config, NoTls};
use uuid::Uuid;

pub use backup::Backup;

use crate::postgres::PostgresServer;

/// A database of one's own, on the server of `DATABASE_URL` or another; dropped with the value.
pub struct TestDatabase {
    config: Config,
    /// Its URL.
    url: String,
    /// Who drops it at the end; nobody when it goes with its server.
    admin: Option<Config>,
}

impl TestDatabase {
    /// A fresh database with the schema.
    ///
    /// # Panics
    /// When the server does not play along.
    pub async fn new() -> Self {
        let server = crate::server("DATABASE_URL");
        let mut database = Self::at(&server).await;
        database.admin = Some(server.parse().expect("it was parsed before"));
        database
    }

    /// The same on a server that the test may stop, for as long as that lives.
    ///
    /// # Panics
    /// When the server does not play along.
    pub async fn on(server: &PostgresServer) -> Self {
        Self::at(&server.url()).await
    }

    async fn at(server: &str) -> Self {
        let admin: Config = server.parse().expect("DATABASE_URL is a PostgreSQL URL");
        let client = connect(&admin).await;
        let template = template(&admin, &client).await;
        let name = format!("holdfast_test_{}", Uuid::now_v7().simple());
        client
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .await
            .expect("a database");
        let mut config = admin.clone();
        config.dbname(&name);
        let (server, _) = server.rsplit_once('/').expect("DATABASE_URL ends in a database's name");
        Self { config, url: format!("{server}/{name}"), admin: None }
    }

    /// The settings of a service that uses it.
    pub fn settings(&self) -> Settings {
        Settings {
            database_url: self.config.clone(),
            database_pool_size: 6.try_into().expect("not zero"),
            database_wait_millis: 10_000,
            lock_timeout_millis: 10_000,
            statement_timeout_millis: 20_000,
            clock_max_skew_seconds: 600,
        }
    }

    /// The same for tests that set the shard's clock ahead, by a day at most.
    ///
    /// # Panics
    /// When the pool can't be built.
    pub fn database_ahead(&self) -> Database {
        Database::new(&Settings { clock_max_skew_seconds: 86_400, ..self.settings() }).expect("a pool")
    }

    /// Its URL, for the environment of another process.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Its URL by way of whoever listens there: a proxy.
    ///
    /// # Panics
    /// When the server's URL names no user.
    pub fn url_by(&self, address: SocketAddr) -> String {
        let (user, server) = self.url.rsplit_once('@').expect("DATABASE_URL names a user");
        let (_, name) = server.split_once('/').expect("a database's name");
        format!("{user}@{address}/{name}")
    }

    /// A pool of connections to it, as a process of its own would have.
    pub fn database(&self) -> Database {
        Database::new(&self.settings()).expect("a pool")
    }

    /// A bare connection, for SQL that only tests need.
    pub async fn client(&self) -> Client {
        connect(&self.config).await
    }

    /// The same by way of whoever listens there: a proxy.
    ///
    /// # Panics
    /// When PostgreSQL does not answer.
    pub async fn client_by(&self, address: SocketAddr) -> Client {
        connect(&self.url_by(address).parse().expect("a URL")).await
    }

    /// Runs SQL that only tests need.
    ///
    /// # Panics
    /// When PostgreSQL refuses it.
    pub async fn sql(&self, sql: &str) {
        self.client().await.batch_execute(sql).await.expect("PostgreSQL takes it");
    }

    /// Another tenant of `shard`, with a venue.
    ///
    /// # Panics
    /// When PostgreSQL does not play along.
    pub async fn neighbour(&self, shard: Shard) -> (TenantId, VenueId) {
        let mut others = (2..).map(TenantId::from_u128);
        let tenant = others.find(|tenant| Shard::of(*tenant) == shard).expect("one in 64");
        let venue = VenueId::from(tenant.uuid());
        let sql = format!(
            "INSERT INTO tenants (id, shard, name) VALUES ('{tenant}', {shard}, 'neighbour');
             INSERT INTO venues (shard, tenant_id, id, name, time_zone, created_at, updated_at)
             VALUES ({shard}, '{tenant}', '{venue}', 'default', 'UTC', now(), now())"
        );
        self.sql(&sql).await;
        (tenant, venue)
    }

    /// The whole log of `shard`, read a page at a time: a slow machine has as long for each.
    ///
    /// # Panics
    /// When it can't be read.
    pub async fn log(&self, shard: Shard) -> Vec<Change> {
        const PAGE: i64 = 5_000;
        let (database, mut log) = (self.database(), Vec::<Change>::new());
        loop {
            let after = log.last().map_or(Seq(0), |change| change.seq);
            let page = database.log_after(shard, after, PAGE).await.expect("the log");
            if page.is_empty() {
                return log;
            }
            log.extend(page.iter().map(|change| change.parse().expect("a change of a known kind")));
        }
    }

    /// The resources whose count of open wants is not the number of their open wants.
    ///
    /// # Panics
    /// When PostgreSQL does not play along.
    pub async fn miscounted(&self) -> Vec<String> {
        let miscounted = "
            SELECT format('%s: %s counted, %s open', r.name, r.open_wants, found.open)
            FROM resources r
            CROSS JOIN LATERAL (
                SELECT count(*) AS open FROM bookings b WHERE b.resource_id = r.id AND b.status = 'PENDING'
            ) found
            WHERE r.open_wants <> found.open";
        let rows = self.client().await.query(miscounted, &[]).await.expect("the counts");
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Holds the head of `shard` until it is let go, so that what is written meanwhile waits.
    ///
    /// # Panics
    /// When PostgreSQL does not play along.
    pub async fn hold(&self, shard: Shard) -> HeldHead {
        let holder = self.client().await;
        holder.batch_execute("BEGIN").await.expect("a transaction");
        let lock = "SELECT FROM heads WHERE shard = $1 FOR UPDATE";
        holder.execute(lock, &[&shard.number()]).await.expect("the head");
        HeldHead { holder, watcher: self.client().await }
    }

    /// Fills the tables with `count` bookings of 100 resources, half of them granted, and as many reservations of a tenth as
    /// many events, straight past the log's rules: for plans, not for replays.
    pub async fn fill(&self, count: i32) {
        self.client().await.batch_execute(&fill(count)).await.expect("the tables are filled");
    }

    /// The judge's report on the whole log of `shard`, as if the validators were at rest.
    pub async fn replay(&self, shard: Shard) -> audit::Report {
        let mut replay = audit::Replay::default();
        for change in self.log(shard).await {
            replay.step(&change);
        }
        replay.finish()
    }
}

/// A shard's head, held by nobody who writes.
pub struct HeldHead {
    holder: Client,
    watcher: Client,
}

impl HeldHead {
    /// Comes back when as many transactions as that wait for it.
    ///
    /// # Panics
    /// When they never come.
    pub async fn awaited_by(&self, transactions: i64) {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        crate::eventually("others wait for the head", async || {
            let waiting = self.watcher.query_one(waiting, &[]).await.expect("a count").get::<_, i64>(0);
            (waiting == transactions).then_some(())
        })
        .await;
    }

    /// Lets it go.
    ///
    /// # Panics
    /// When PostgreSQL does not play along.
    pub async fn release(self) {
        self.holder.batch_execute("COMMIT").await.expect("the head let go");
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (Some(admin), Some(name)) = (self.admin.take(), self.config.get_dbname().map(str::to_owned))
        else {
            return;
        };
        // A thread of its own: the test's runtime may be on its way out.
        let dropped = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                connect(&admin).await.batch_execute(&drop).await
            })
        });
        // What is left behind goes with the server.
        let _ = dropped.join();
    }
}

async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    client
}

/// The name of a database with the schema of today's migrations, made by whoever needs it first.
async fn template(admin: &Config, client: &Client) -> String {
    let name = format!("holdfast_template_{:016x}", fingerprint());
    client.execute("SELECT pg_advisory_lock(hashtext($1))", &[&name]).await.expect("a lock");
    let known = client.query_one("SELECT count(*) FROM pg_database WHERE datname = $1", &[&name]).await;
    if known.expect("the list of databases").get::<_, i64>(0) == 0 {
        let draft = format!("{name}_draft");
        client.batch_execute(&format!("DROP DATABASE IF EXISTS {draft}")).await.expect("no draft");
        client.batch_execute(&format!("CREATE DATABASE {draft}")).await.expect("a draft");
        let mut config = admin.clone();
        config.dbname(&draft);
        let settings = Settings { database_url: config, ..bare() };
        migrate(&settings, "UTC").await.expect("the migrations run");
        // Connections to a template forbid copying it; the last of them may take a moment to go.
        let rename = format!("ALTER DATABASE {draft} RENAME TO {name}");
        crate::eventually("the draft is let go", async || client.batch_execute(&rename).await.ok()).await;
    }
    client.execute("SELECT pg_advisory_unlock(hashtext($1))", &[&name]).await.expect("the lock is ours");
    name
}

fn bare() -> Settings {
    Settings {
        database_url: Config::new(),
        database_pool_size: 1.try_into().expect("not zero"),
        database_wait_millis: 10_000,
        lock_timeout_millis: 10_000,
        statement_timeout_millis: 10_000,
        clock_max_skew_seconds: 600,
    }
}

/// Changes with any migration, so that a server that outlives a change of the schema is not misread.
fn fingerprint() -> u64 {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the migrations")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        std::fs::read(file).expect("a migration").hash(&mut hasher);
    }
    hasher.finish()
}

fn fill(count: i32) -> String {
    let (tenant, venue) = (holdfast_domain::DEFAULT_TENANT, holdfast_domain::DEFAULT_VENUE);
    let shard = Shard::of(tenant);
    format!(
        "INSERT INTO resources (shard, tenant_id, id, venue_id, name, shortest_seconds, longest_seconds, days_ahead,
            open_wants, created_at, updated_at)
        SELECT {shard}, '{tenant}', md5(n::text)::uuid, '{venue}', 'Raum' || n, 60, 86400, 730, {count} / 200, now(),
            now()
        FROM generate_series(0, 99) n;
        INSERT INTO bookings (shard, tenant_id, id, resource_id, user_id, status, wanted_start_at, wanted_end_at,
            granted, rank, decide_by, version, created_at, updated_at)
        SELECT {shard}, '{tenant}', gen_random_uuid(), md5((n % 100)::text)::uuid, 'user-' || n % 1000,
            CASE n / 100 % 2 WHEN 0 THEN 'VALID' ELSE 'PENDING' END, start_at, start_at + interval '1 hour',
            CASE n / 100 % 2 WHEN 0 THEN tstzrange(start_at, start_at + interval '1 hour') END, n,
            CASE n / 100 % 2 WHEN 1 THEN start_at END, 1, now(), now()
        FROM (SELECT n, date_trunc('hour', now()) + n / 200 * interval '1 hour' AS start_at
            FROM generate_series(1, {count}) n) wanted;
        INSERT INTO changes (shard, seq, tenant_id, type, at, command_id, object_id, resource_id, data)
        SELECT {shard}, n, '{tenant}', 'booking_created', now(), gen_random_uuid(), gen_random_uuid(),
            md5((n % 100)::text)::uuid, '{{}}'
        FROM generate_series(1, {count}) n;
        UPDATE heads SET seq = {count} WHERE shard = {shard};
        INSERT INTO events (shard, tenant_id, id, venue_id, title, event_date, status, created_at, updated_at)
        SELECT {shard}, '{tenant}', md5(n::text)::uuid, '{venue}', 'Event ' || n, date '2027-01-01' + n,
            CASE WHEN n % 50 = 49 THEN 'CANCELLING' ELSE 'OPEN' END, now(), now()
        FROM generate_series(0, {count} / 10) n;
        INSERT INTO sections (shard, tenant_id, event_id, id, position, name, kind, capacity, layout_id, layout)
        SELECT {shard}, '{tenant}', md5(n::text)::uuid, md5(n || '-' || s)::uuid, s, 'Section ' || s, 'SEATED', 1024,
            gen_random_uuid(), '[]'
        FROM generate_series(0, {count} / 10) n CROSS JOIN generate_series(0, 4) s;
        INSERT INTO seat_blocks (shard, section_id, block, states)
        SELECT {shard}, id, 0, decode(repeat('00', 256), 'hex') FROM sections;
        INSERT INTO reservations (shard, tenant_id, id, event_id, user_id, status, expires_at, confirmation_code, quantity,
            section_ids, units, version, created_at, updated_at)
        SELECT {shard}, '{tenant}', gen_random_uuid(), md5((n % ({count} / 10 + 1))::text)::uuid, 'user-' || n % 1000,
            CASE n / 100 % 2 WHEN 0 THEN 'HOLD' ELSE 'CONFIRMED' END,
            CASE n / 100 % 2 WHEN 0 THEN now() + n * interval '1 second' END,
            CASE n / 100 % 2 WHEN 1 THEN '2222-2222-2222' END, 1,
            ARRAY[md5((n % ({count} / 10 + 1)) || '-0')::uuid], '[]', 1, now(), now()
        FROM generate_series(1, {count}) n;
        INSERT INTO taken_seats (shard, event_id, seat, tenant_id, reservation_id)
        SELECT {shard}, event_id, id::text, '{tenant}', id FROM reservations;
        INSERT INTO waitlist (shard, tenant_id, id, event_id, user_id, status, request_id, request, offer_seconds, rank,
            reservation_id, expires_at, version, created_at, updated_at)
        SELECT {shard}, '{tenant}', gen_random_uuid(), md5((n % ({count} / 10 + 1))::text)::uuid, 'user-' || n,
            CASE n % 3 WHEN 0 THEN 'OFFERED' ELSE 'WAITING' END, md5((n % 7)::text)::uuid, '{{}}', 600, n,
            CASE n % 3 WHEN 0 THEN gen_random_uuid() END, CASE n % 3 WHEN 0 THEN now() END, 1, now(), now()
        FROM generate_series(1, {count}) n;
        UPDATE events e
        SET waiting = line.count, line_due_at = CASE WHEN line.count % 5 = 0 THEN now() END
        FROM (SELECT event_id, count(*) FROM waitlist WHERE status = 'WAITING' GROUP BY event_id) line
        WHERE line.event_id = e.id AND e.shard = {shard}"
    )
}

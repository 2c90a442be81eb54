//! Brings the schema up to date, and says whether it is.

use deadpool_postgres::Object;
use holdfast_domain::{DEFAULT_TENANT, DEFAULT_VENUE, Shard};
use tokio_postgres::{Client, NoTls};

use crate::{Database, Error, Settings};

mod embedded {
    refinery::embed_migrations!("../../migrations");
}

/// The advisory lock that one migration holds at a time; an arbitrary number of ours.
const MIGRATION_LOCK: i64 = 0x686f_6c64_6661_7374;

/// Why the schema can't be used or brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// PostgreSQL could not be asked.
    #[error(transparent)]
    Store(#[from] Error),
    /// A migration failed, or one that ran before has been edited since.
    #[error("a migration failed")]
    Migration(#[from] refinery::Error),
    /// This binary needs a later schema.
    #[error(
        "the schema is at version {found}, this binary needs {needed}: run `holdfast migrate` of the same release"
    )]
    Version {
        /// The last migration that ran; 0 before the first.
        found: i64,
        /// The last migration that this binary carries.
        needed: i64,
    },
}

/// Runs the migrations that have not run yet, and makes the default tenant's venue in `time_zone` (an
/// IANA name) if there is none. Gives the schema's version.
///
/// # Errors
/// When PostgreSQL can't be reached or a migration fails; those before it stay.
pub async fn migrate(settings: &Settings, time_zone: &str) -> Result<i64, SchemaError> {
    // Its own connection, with no time-outs: building an index takes as long as it takes.
    let (mut client, connection) = settings.database_url.connect(NoTls).await.map_err(Error::from)?;
    let connection = tokio::spawn(connection);
    let version = run(&mut client, time_zone).await;
    drop(client);
    connection.abort();
    version
}

async fn run(client: &mut Client, time_zone: &str) -> Result<i64, SchemaError> {
    // refinery takes no lock of its own. This one ends with the session, however that ends.
    client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK]).await.map_err(Error::from)?;
    embedded::migrations::runner().run_async(client).await?;
    let shard = Shard::of(DEFAULT_TENANT).number();
    client
        .execute(
            "INSERT INTO venues (shard, tenant_id, id, name, time_zone, created_at, updated_at)
             VALUES ($1, $2, $3, 'default', $4, clock_timestamp(), clock_timestamp())
             ON CONFLICT DO NOTHING",
            &[&shard, &DEFAULT_TENANT.uuid(), &DEFAULT_VENUE.uuid(), &time_zone],
        )
        .await
        .map_err(Error::from)?;
    Ok(needed())
}

impl Database {
    /// Whether PostgreSQL answers, and has the schema that this binary was built with, or a later one: a migration leaves
    /// the release before it working, so that its processes go on until they are replaced.
    ///
    /// # Errors
    /// When it does not, or has an older one.
    pub async fn ready(&self) -> Result<(), SchemaError> {
        let found = self.ask(async |client: &Object| {
            let history = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";
            if !client.query_one(history, &[]).await?.get::<_, bool>(0) {
                return Ok(0);
            }
            let last = "SELECT coalesce(max(version), 0)::bigint FROM refinery_schema_history";
            Ok(client.query_one(last, &[]).await?.get(0))
        });
        let found = found.await?;
        let needed = needed();
        if found >= needed { Ok(()) } else { Err(SchemaError::Version { found, needed }) }
    }
}

fn needed() -> i64 {
    let migrations = embedded::migrations::runner();
    migrations.get_migrations().iter().map(|migration| i64::from(migration.version())).max().unwrap_or(0)
}

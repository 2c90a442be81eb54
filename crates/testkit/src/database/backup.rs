//! A copy of a database as it is, to be put in its place later: PostgreSQL restored from the past.

use tokio_postgres::Client;

use super::{TestDatabase, connect};

/// A copy of a database. Gone with the server, unless it is restored.
#[must_use]
pub struct Backup(String);

impl TestDatabase {
    /// A copy of it as it is now, once nobody is connected to it any more.
    ///
    /// # Panics
    /// When PostgreSQL does not play along.
    pub async fn backup(&self) -> Backup {
        let (name, admin) = (format!("{}_backup", self.name()), self.administrator().await);
        let copy = format!("CREATE DATABASE {name} TEMPLATE {}", self.name());
        crate::eventually("nobody is connected", async || admin.batch_execute(&copy).await.ok()).await;
        Backup(name)
    }

    /// Puts the copy in its place; whoever is connected loses the connection.
    ///
    /// # Panics
    /// When PostgreSQL does not play along.
    pub async fn restore(&self, Backup(copy): Backup) {
        let (name, admin) = (self.name(), self.administrator().await);
        for sql in
            [format!("DROP DATABASE {name} WITH (FORCE)"), format!("ALTER DATABASE {copy} RENAME TO {name}")]
        {
            admin.batch_execute(&sql).await.expect("PostgreSQL takes it");
        }
    }

    fn name(&self) -> &str {
        self.config.get_dbname().expect("a database's name")
    }

    /// A connection to another database of the server.
    async fn administrator(&self) -> Client {
        let mut config = self.config.clone();
        connect(config.dbname("postgres")).await
    }
}

//! Fresh databases on the server of `DATABASE_URL`, and the SQL that is not measured. All through psql, which comes
//! with the pgbench that is needed anyway.

use std::{
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{self, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::error::Error;

/// A PostgreSQL server and its tools.
pub(crate) struct Server {
    /// `postgres://user@host:port`, without the password: command lines can be read by others.
    address: String,
    /// The same with the password.
    secret_address: String,
    /// As the URL writes it.
    password: Option<String>,
    database: String,
    /// `?` and what follows it.
    parameters: String,
    tools: PathBuf,
    /// How many databases have been made on it.
    made: AtomicU32,
}

impl Server {
    /// Of a URL with a host and a database, and the directory of psql and pgbench.
    ///
    /// # Errors
    /// When it is no such URL. The message does not tell it.
    pub(crate) fn new(url: &str, tools: PathBuf) -> Result<Self, Error> {
        let unusable =
            || Error::Unusable("DATABASE_URL is not postgres://USER[:PASSWORD]@HOST/DATABASE".into());
        let (scheme, rest) = url.split_once("://").ok_or_else(unusable)?;
        let (authority, path) = rest.split_once('/').ok_or_else(unusable)?;
        let (user, host) = authority.rsplit_once('@').ok_or_else(unusable)?;
        let (user, password) = user.split_once(':').unzip();
        let user = user.unwrap_or_else(|| &authority[..authority.len() - host.len() - 1]);
        let end = path.find('?').unwrap_or(path.len());
        Ok(Self {
            address: format!("{scheme}://{user}@{host}"),
            secret_address: format!("{scheme}://{authority}"),
            password: password.map(decoded),
            database: path[..end].to_owned(),
            parameters: path[end..].to_owned(),
            tools,
            made: AtomicU32::new(1),
        })
    }

    /// A tool of PostgreSQL, with what it needs to connect but for the database.
    pub(crate) fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.tools.join(name));
        command.env("PGCONNECT_TIMEOUT", "10").env("PGAPPNAME", "holdfast-bench");
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        command
    }

    /// Runs SQL in the database of the URL, and gives the rows as psql writes them: columns parted by `|`.
    ///
    /// # Errors
    /// When it fails.
    pub(crate) fn query(&self, sql: &str) -> Result<String, Error> {
        self.query_in(&self.database, sql)
    }

    /// A database that has nothing in it.
    ///
    /// # Errors
    /// When it can't be made.
    pub(crate) fn fresh(&self) -> Result<Fresh<'_>, Error> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let name = format!("hf_bench_{}_{number}", process::id());
        self.query(&format!("CREATE DATABASE {name}"))?;
        Ok(Fresh { server: self, name })
    }

    fn public_url(&self, database: &str) -> String {
        format!("{}/{database}{}", self.address, self.parameters)
    }

    fn query_in(&self, database: &str, sql: &str) -> Result<String, Error> {
        let output = self
            .tool("psql")
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, "-d"])
            .arg(self.public_url(database))
            .env("PGOPTIONS", "-c statement_timeout=120s")
            .stdin(Stdio::null())
            .process_group(0)
            .output()
            .map_err(Error::io("psql can't be run"))?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            return Err(Error::Unusable(format!("psql failed: {}", told.trim())));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// A database of one part; dropped with the value.
pub(crate) struct Fresh<'a> {
    server: &'a Server,
    name: String,
}

impl Fresh<'_> {
    /// Its name, unlike any other's on this server.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its URL with the password, for the environment of a service.
    pub(crate) fn secret_url(&self) -> String {
        format!("{}/{}{}", self.server.secret_address, self.name, self.server.parameters)
    }

    /// Its URL without the password, for the command line of a [`tool`](Server::tool).
    pub(crate) fn public_url(&self) -> String {
        self.server.public_url(&self.name)
    }

    /// A tool of its server.
    pub(crate) fn tool(&self, name: &str) -> Command {
        self.server.tool(name)
    }

    /// Runs SQL in it.
    ///
    /// # Errors
    /// When it fails.
    pub(crate) fn query(&self, sql: &str) -> Result<String, Error> {
        self.server.query_in(&self.name, sql)
    }
}

impl Drop for Fresh<'_> {
    fn drop(&mut self) {
        // Makes a checkpoint as well, so that each part begins right after one.
        let dropped = self.server.query(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        if let Err(error) = dropped {
            eprintln!("bench: the database {} is left behind: {error}", self.name);
        }
    }
}

/// A part of a URL with its `%XX` resolved; what is no such escape stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let escaped = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(escaped.unwrap_or(b'%'));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_in_what_services_get_and_in_no_command_line() {
        let url = "postgres://me:s%40cret@127.0.0.1:5432/any?sslmode=disable";
        let server = Server::new(url, PathBuf::new()).unwrap();
        assert_eq!(server.public_url("x"), "postgres://me@127.0.0.1:5432/x?sslmode=disable");
        assert_eq!(server.password.as_deref(), Some("s@cret"));
        assert_eq!(server.secret_address, "postgres://me:s%40cret@127.0.0.1:5432");
        assert_eq!(server.database, "any");

        let open = Server::new("postgres://me@/any", PathBuf::new()).unwrap();
        assert_eq!((open.address.as_str(), open.password), ("postgres://me@", None));
    }

    #[test]
    fn a_url_that_can_not_be_used_is_not_repeated() {
        let error = Server::new("postgres://me:secret", PathBuf::new()).err().unwrap();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
